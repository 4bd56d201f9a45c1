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

/// A text of this package, as "drls:plugin@0.1.0".
fn of_package(text: &str, package: &str) -> bool {
    text.lines().any(|line| line == format!("package {package};"))
}

#[test]
fn a_frozen_contract_never_changes() {
    let contract = format!("frozen/{CONTRACT}");
    for (folder, kept, package) in
        [("", contract.as_str(), "drls:plugin@0.1.0"), ("http", "frozen/http/0.1.0", "drls:http@0.1.0")]
    {
        let (live, frozen) = (wit(folder), wit(kept));
        assert!(!frozen.is_empty());
        for (name, text) in &frozen {
            assert!(of_package(text, package), "wit/{kept}/{name} is of another package");
            assert_eq!(
                live.get(name),
                Some(text),
                "wit/{folder}/{name} differs from wit/{kept}/{name}, against which plugins are compiled; a change is a new \
                 interface beside it or a new version: see wit/PENDING_CHANGES.md"
            );
        }
        let new = live.iter().filter(|(name, text)| of_package(text, package) && !frozen.contains_key(*name));
        let new: Vec<&String> = new.map(|file| file.0).collect();
        assert!(new.is_empty(), "{new:?} came into {package} after it was frozen");
    }
}

#[test]
fn every_item_of_the_contract_is_documented() {
    let mut bare = Vec::new();
    for (name, text) in wit("").into_iter().chain(wit("http")) {
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
