//! Any bytes as the section with the manifest.
#![no_main]

use drls_fuzz::manifest_section;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| manifest_section(data));
