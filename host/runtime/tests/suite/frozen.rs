//! The contract that released plugins were compiled against stays as it was.

use std::{collections::BTreeMap, fs, path::PathBuf};

use drls_runtime::CONTRACT;

fn wit(folder: &str) -> BTreeMap<String, String> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../wit").join(folder);
    let files = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let files =
        files.map(|entry| entry.expect("entry").path()).filter(|path| path.extension().is_some_and(|e| e == "wit"));
    files
        .map(|path| {
            let name = path.file_name().expect("name").to_string_lossy().into_owned();
            (name, fs::read_to_string(&path).expect("text"))
        })
        .collect()
}

/// A text with its package's version, as "@0.1.0".
fn of_version(text: &str, version: &str) -> bool {
    text.lines().any(|line| line == format!("package drls:plugin@{version};"))
}

#[test]
fn a_frozen_contract_never_changes() {
    let (live, frozen) = (wit(""), wit(&format!("frozen/{CONTRACT}")));
    assert!(!frozen.is_empty());
    for (name, text) in &frozen {
        assert!(of_version(text, CONTRACT), "wit/frozen/{CONTRACT}/{name} is of another version");
        assert_eq!(
            live.get(name),
            Some(text),
            "wit/{name} differs from wit/frozen/{CONTRACT}/{name}, against which plugins are compiled; a change is a new \
             interface beside it or a new version: see wit/PENDING_CHANGES.md"
        );
    }
    let new: Vec<&String> = live
        .iter()
        .filter(|(name, text)| of_version(text, CONTRACT) && !frozen.contains_key(*name))
        .map(|f| f.0)
        .collect();
    assert!(new.is_empty(), "{new:?} came into {CONTRACT} after it was frozen");
}

#[test]
fn every_item_of_the_contract_is_documented() {
    let mut bare = Vec::new();
    for (name, text) in wit("") {
        let mut documented = false;
        for (number, line) in text.lines().enumerate() {
            let code = line.trim();
            let item = code.ends_with(['{', ',', ';', ')']) && !code.starts_with("//");
            let none =
                ["package ", "use ", "import ", "export ", "-> ", "}"].iter().any(|start| code.starts_with(start));
            if item && !none && !documented {
                bare.push(format!("wit/{name}:{}: {code}", number + 1));
            }
            documented = code.starts_with("///");
        }
    }
    assert!(bare.is_empty(), "without a word on what they are:\n{}", bare.join("\n"));
}
