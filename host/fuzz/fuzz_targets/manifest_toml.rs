//! Any text as `plugin.toml`.
#![no_main]

use std::path::Path;

use drls_fuzz::manifest_toml;
use libfuzzer_sys::fuzz_target;

// Of the fixtures there, one is the facts of a table.
fuzz_target!(|text: &str| manifest_toml(
    text,
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../runtime/tests/corpus"))
));
