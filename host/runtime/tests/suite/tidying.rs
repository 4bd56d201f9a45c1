//! The folders of copies and of compiled code do not grow without end.

use std::{
    collections::HashSet,
    fs::{self, File},
    time::{Duration, SystemTime},
};

use drls_runtime::{KEPT, Runtime};

use crate::support::{
    Guest,
    home::{Home, eventually, status, version},
};

const SWAPS: usize = 12;

pub(crate) fn names(home: &Home, folder: &str) -> HashSet<String> {
    let entries = fs::read_dir(home.path().join(folder)).expect("folder");
    entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).filter(|name| name != ".lock").collect()
}

/// Digests of the files in a folder.
pub(crate) fn digests(home: &Home, folder: &str) -> HashSet<String> {
    names(home, folder).iter().filter_map(|name| name.get(..64).map(str::to_owned)).collect()
}

pub(crate) fn install(home: &Home, runtime: &Runtime, id: &str, n: usize) {
    home.put(&Guest::rule(id, &format!("1.0.{n}")).code(&format!("v-{n}")));
    let kept = || status(runtime, id)?.entry.versions.first().map(|kept| kept.version.to_string());
    eventually("it serves and is kept", || kept().filter(|v| *v == format!("1.0.{n}")));
}

fn kept(runtime: &Runtime, id: &str) -> HashSet<String> {
    status(runtime, id).expect("status").entry.versions.into_iter().map(|kept| kept.digest).collect()
}

/// Looks for files to remove until `check` holds.
pub(crate) fn tidied(runtime: &Runtime, what: &str, check: impl Fn() -> bool) {
    eventually(what, || {
        runtime.rescan();
        assert!(runtime.settle(Duration::from_secs(30)));
        check().then_some(())
    });
}

pub(crate) fn aged(home: &Home, name: &str, days: u64) {
    let file = File::options().write(true).open(home.path().join(name)).expect("file");
    file.set_modified(SystemTime::now() - Duration::from_secs(days * 24 * 60 * 60)).expect("time");
}

#[test]
fn keeps_the_last_versions_of_each_plugin_and_removes_the_others() {
    let home = Home::new();
    home.put(&Guest::rule("other", "1.0.0"));
    let runtime = home.start();
    for n in 0..SWAPS {
        install(&home, &runtime, "rule", n);
    }
    assert_eq!(kept(&runtime, "rule").len(), KEPT);
    let wanted: HashSet<String> = kept(&runtime, "rule").union(&kept(&runtime, "other")).cloned().collect();
    tidied(&runtime, "the store holds what is kept", || digests(&home, "store") == wanted);
    tidied(&runtime, "and the cache no more", || digests(&home, "cache").is_subset(&wanted));
    for bad in 0..3 {
        home.put_bytes("rule.wasm", format!("refused, {bad}").as_bytes());
        runtime.rescan();
        assert!(runtime.settle(Duration::from_secs(30)));
    }
    let held = || digests(&home, "store");
    tidied(&runtime, "and the file that is refused", || {
        held().is_superset(&wanted) && held().len() == wanted.len() + 1
    });
    // Any of them can be gone back to.
    for kept in status(&runtime, "rule").expect("status").entry.versions {
        runtime.ledger().rollback("rule", Some(&kept.digest)).expect("kept").put().expect("written");
        eventually("it serves", || version(&runtime, "rule").filter(|v| *v == kept.version.to_string()));
    }
    assert_eq!(names(&home, "plugins").len(), 2, "nothing is left beside the plugins");
}

#[test]
fn leaves_what_is_not_its_own() {
    let home = Home::new();
    let runtime = home.start();
    fs::write(home.path().join("store/notes.txt"), "mine").expect("write");
    fs::create_dir(home.path().join("store").join("a".repeat(64) + ".wasm")).expect("folder");
    fs::write(home.path().join("cache/README.cwasm"), "mine").expect("write");
    fs::write(home.path().join("store").join("b".repeat(64) + ".wasm"), "of nobody").expect("write");
    fs::write(home.path().join("store/.tmpdead"), "of a process that was killed").expect("write");
    aged(&home, "store/.tmpdead", 3);
    fs::write(home.path().join("store/.tmplive"), "of one that runs").expect("write");
    tidied(&runtime, "what nobody needs is gone", || {
        names(&home, "store")
            == HashSet::from(["notes.txt".to_owned(), "a".repeat(64) + ".wasm", ".tmplive".to_owned()])
    });
    assert!(names(&home, "cache").contains("README.cwasm"));
}

#[test]
fn keeps_code_of_another_engine_for_a_week() {
    let home = Home::new();
    let runtime = home.start();
    install(&home, &runtime, "rule", 0);
    let digest = kept(&runtime, "rule").into_iter().next().expect("kept");
    let other = |tag: &str| format!("{digest}-{tag}.cwasm");
    for tag in ["00000000000000aa", "00000000000000bb"] {
        fs::write(home.path().join("cache").join(other(tag)), "code").expect("write");
    }
    aged(&home, &format!("cache/{}", other("00000000000000bb")), 8);
    tidied(&runtime, "the old one is gone", || !names(&home, "cache").contains(&other("00000000000000bb")));
    assert!(names(&home, "cache").contains(&other("00000000000000aa")));
}

#[test]
fn keeps_a_plugin_whose_file_was_removed_for_a_month() {
    let home = Home::new();
    let runtime = home.start();
    install(&home, &runtime, "rule", 0);
    install(&home, &runtime, "rule", 1);
    fs::remove_file(home.file("rule.wasm")).expect("remove");
    eventually("retired", || version(&runtime, "rule").is_none().then_some(()));
    tidied(&runtime, "both are kept", || digests(&home, "store").len() == 2);
    runtime.ledger().rollback("rule", Some("1.0.1")).expect("kept").put().expect("written");
    eventually("it is back", || version(&runtime, "rule"));
    fs::remove_file(home.file("rule.wasm")).expect("remove");
    eventually("retired", || version(&runtime, "rule").is_none().then_some(()));
    aged(&home, "ledger/rule.json", 31);
    tidied(&runtime, "nothing is kept any more", || digests(&home, "store").is_empty());
    assert!(!names(&home, "ledger").contains("rule.json"));
}

#[test]
fn a_start_without_the_plugins_forgets_none_of_their_versions() {
    let home = Home::new();
    let runtime = home.start();
    install(&home, &runtime, "rule", 0);
    install(&home, &runtime, "rule", 1);
    drop(runtime);
    aged(&home, "ledger/rule.json", 60);
    let away = home.path().join("away.wasm");
    fs::rename(home.file("rule.wasm"), &away).expect("rename");
    let runtime = home.start();
    for _ in 0..2 {
        runtime.rescan();
        assert!(runtime.settle(Duration::from_secs(30)));
    }
    assert_eq!(digests(&home, "store").len(), 2);
    fs::rename(&away, home.file("rule.wasm")).expect("rename");
    eventually("it serves again", || version(&runtime, "rule"));
    assert_eq!(kept(&runtime, "rule").len(), 2);
}
