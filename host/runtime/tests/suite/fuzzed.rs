//! What the fuzzer of `host/fuzz` holds for any bytes, held for its seeds, and for each of them cut or changed anywhere.

// The fuzzer is built apart, with counters in everything: these are the same lines without it.
#[expect(unreachable_pub, reason = "a crate of its own there")]
#[path = "../../../fuzz/src/lib.rs"]
mod properties;

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Of a larger seed not every byte is changed: ten thousands of readings more would tell little.
const READINGS: usize = 1024;

fn fuzz() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fuzz")
}

/// Hands each seed over, then each beginning of it, then it with each byte another.
fn each(folder: &Path, check: impl Fn(&[u8])) {
    let mut seen = 0;
    for entry in fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
        let path = entry.expect("entry").path();
        let seed = fs::read(&path).expect("bytes");
        check(&seed);
        let every = seed.len().div_ceil(READINGS);
        for at in (0..seed.len()).step_by(every) {
            check(&seed[..at]);
            let mut changed = seed.clone();
            for bit in [0, 5, 7] {
                changed[at] = seed[at] ^ (1 << bit);
                check(&changed);
            }
        }
        seen += 1;
    }
    assert!(seen > 0, "no seed in {}", folder.display());
}

#[test]
fn texts_as_a_manifest_are_read_or_refused() {
    let fixtures = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    each(&fuzz().join("seeds/manifest_toml"), |bytes| {
        if let Ok(text) = std::str::from_utf8(bytes) {
            properties::manifest_toml(text, &fixtures);
        }
    });
}

#[test]
fn bytes_as_the_section_of_a_manifest_are_read_or_refused() {
    each(&fuzz().join("seeds/manifest_section"), properties::manifest_section);
}

#[test]
fn bytes_as_a_component_are_told_or_refused() {
    each(&fuzz().join("seeds/inspect"), properties::inspect);
}
