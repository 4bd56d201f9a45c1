//! What holds for any bytes that come as a plugin: each function panics where it does not.
//!
//! The fuzzer's targets call them with what it makes up; a test of the runtime includes this file and calls them with the seeds.

use std::path::Path;

use drls_runtime::{Manifest, Refusal, Signed, embed};

/// A component that holds nothing.
const EMPTY: [u8; 8] = *b"\0asm\x0d\0\x01\0";
/// Name of the section with the manifest, after its length.
const NAME: &[u8] = b"\x0ddrls:manifest";

/// Any text as `plugin.toml`, with its fixtures in `folder`: it is read or its mistakes are told, and what was read comes out of a
/// component as it went in.
pub fn manifest_toml(text: &str, folder: &Path) {
    match Manifest::from_toml(text, folder) {
        Ok(manifest) => {
            let component = embed(&EMPTY, &manifest).expect("a component");
            assert_eq!(Manifest::read(&component), Ok(Some(manifest)));
        }
        Err(mistakes) => assert!(mistakes.iter().all(|mistake| !mistake.detail.is_empty()) && !mistakes.is_empty()),
    }
}

/// Any bytes as the section with the manifest: they are refused, or read and written again to the same.
pub fn manifest_section(data: &[u8]) {
    let mut component = EMPTY.to_vec();
    component.push(0);
    // A number in five bytes, each with the bit that says whether more follow.
    let size = u32::try_from(NAME.len() + data.len()).expect("a small input");
    component.extend((0..5).map(|at| ((size >> (7 * at)) & 0x7f) as u8 | if at < 4 { 0x80 } else { 0 }));
    component.extend(NAME);
    component.extend(data);
    match Manifest::read(&component) {
        Ok(read) => {
            let manifest = read.expect("the section is there");
            let again = embed(&component, &manifest).expect("a component");
            assert_eq!(Manifest::read(&again), Ok(Some(manifest)));
        }
        Err(refusal) => assert!(matches!(refusal, Refusal::BadManifest(_)), "{refusal}"),
    }
}

/// Any bytes as a plugin's file: they are refused, or what is told of them holds with another manifest inside.
pub fn inspect(bytes: &[u8]) {
    let Ok(mut found) = drls_runtime::inspect(bytes) else { return };
    assert_eq!(found.size, bytes.len() as u64);
    assert!(!found.kinds.is_empty());
    assert_eq!(Manifest::read(bytes).as_ref(), Ok(&found.manifest));
    let Some(manifest) = &mut found.manifest else { return };
    manifest.title.push_str(", again");
    let other = embed(bytes, manifest).expect("a component");
    let again = drls_runtime::inspect(&other).expect("still one that fits");
    found.size = other.len() as u64;
    // A signature is of the bytes before it, and fits no other file.
    if found.signed != Signed::Not {
        found.signed = Signed::Wrong;
    }
    assert_eq!(again, found);
}
