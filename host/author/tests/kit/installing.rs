//! `drls plugin install`

use std::fs;

use crate::support::{Desk, assert_has};

fn version(desk: &Desk, file: &str, version: &str) {
    desk.rule(file, |toml| toml.replace("version = \"0.1.0\"", &format!("version = \"{version}\"")));
}

#[test]
fn says_the_old_and_the_new_version_and_refuses_a_lower_one() {
    let desk = Desk::new();
    version(&desk, "old.wasm", "1.9.0");
    version(&desk, "new.wasm", "1.10.0");
    let place = desk.path("elsewhere/plugins/many-snapshots.wasm");
    let home = ["--home", "elsewhere"];
    let install = |file: &str, more: &[&str]| desk.kit(&[&["install", file], &home[..], more].concat());

    assert_has(&install("old.wasm", &[]).ok().out, "installed: many-snapshots 1.9.0, ");
    assert_has(&install("new.wasm", &[]).ok().out, "installed: many-snapshots 1.10.0 in place of 1.9.0, ");
    assert_has(&install("new.wasm", &[]).ok().out, "installed already: many-snapshots 1.10.0, ");

    let refused = install("old.wasm", &[]).failed();
    assert_has(&refused.err, "many-snapshots 1.10.0 is installed, which is newer than 1.9.0");
    assert_has(&refused.err, "--allow-downgrade");
    assert_eq!(fs::read(&place).unwrap(), fs::read(desk.path("new.wasm")).unwrap());

    let allowed = install("old.wasm", &["--allow-downgrade"]).ok();
    assert_has(&allowed.out, "installed: many-snapshots 1.9.0 in place of 1.10.0, ");
    assert_eq!(fs::read(&place).unwrap(), fs::read(desk.path("old.wasm")).unwrap());
    assert_eq!(fs::read_dir(desk.path("elsewhere/plugins")).unwrap().count(), 1, "a temporary file is left");
    assert!(!desk.path("home").exists());
}

#[test]
fn a_plugin_with_problems_does_not_replace_a_good_one() {
    let desk = Desk::new();
    version(&desk, "good.wasm", "1.0.0");
    desk.rule("bad.wasm", |toml| toml.replace("most = 2", "most = 3").replace("0.1.0", "2.0.0"));
    desk.kit(&["install", "good.wasm"]).ok();
    let run = desk.kit(&["install", "bad.wasm"]).failed();
    assert_has(&run.out, "not installed: bad.wasm\nproblem: self-test ");
    let installed = fs::read(desk.path("home/plugins/many-snapshots.wasm")).unwrap();
    assert_eq!(installed, fs::read(desk.path("good.wasm")).unwrap());
}

#[test]
fn replaces_a_file_that_is_no_plugin() {
    let desk = Desk::new();
    version(&desk, "good.wasm", "1.0.0");
    desk.write("home/plugins/many-snapshots.wasm", "broken");
    let run = desk.kit(&["install", "good.wasm"]).ok();
    assert_has(&run.out, "1.0.0 in place of a file that could not be read, ");
}
