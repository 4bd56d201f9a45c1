//! `drls plugin new`

use crate::support::{Desk, assert_has};

#[test]
fn a_new_rule_builds_checks_tests_and_installs() {
    let desk = Desk::new();
    desk.new_plugin("health-rule", "too-many-things");
    let built = desk.kit(&["build", "too-many-things"]).ok();
    assert_has(&built.out, "built: too-many-things 0.1.0, ");
    let check = desk.kit(&["check", "too-many-things"]).ok().out;
    assert_has(&check, "too-many-things 0.1.0: health-rule, contract 0.1.0");
    assert_has(&check, "exports  drls:plugin/health@0.1.0 (describe, evaluate)");
    assert_has(&check, "needs    metadata\n");
    assert_has(&check, "ok: a server would take it");
    let test = desk.kit(&["test", "too-many-things"]).ok().out;
    assert_has(&test, "self-test selftest/many-snapshots.json ... ok\n");
    assert_has(&test, "3 passed, 0 failed\n");
    let install = desk.kit(&["install", "too-many-things"]).ok().out;
    assert_has(&install, "installed: too-many-things 0.1.0, ");
    assert_eq!(
        std::fs::read(desk.path("home/plugins/too-many-things.wasm")).unwrap(),
        std::fs::read(desk.path("too-many-things/dist/too-many-things.wasm")).unwrap()
    );
}

#[test]
fn a_new_operation_tests_green() {
    let desk = Desk::new();
    desk.new_plugin("table-operation", "keep-less");
    let test = desk.kit(&["test", "keep-less"]).ok().out;
    assert_has(&test, "case refuses-too-few ... ok\n");
    assert_has(&test, "3 passed, 0 failed\n");
}

#[test]
fn refuses_a_name_that_is_not_kebab_case_and_proposes_one() {
    let desk = Desk::new();
    for (name, better) in [("MyRule_2", "'my-rule-2'"), ("a--b", "'a-b'"), ("Äpfel", "'pfel'")] {
        let run = desk.kit(&["new", "--kind", "health-rule", name]).failed();
        assert_has(&run.err, "is no name for a plugin");
        assert_has(&run.err, better);
    }
    let long = "a".repeat(65);
    assert_has(&desk.kit(&["new", "--kind", "health-rule", &long]).failed().err, "at most 64");
    assert_eq!(std::fs::read_dir(desk.path("")).unwrap().count(), 0);
}

#[test]
fn leaves_a_folder_alone_that_is_in_use() {
    let desk = Desk::new();
    desk.write("my-rule/notes.txt", "mine");
    let run = desk.kit(&["new", "--kind", "health-rule", "my-rule"]).failed();
    assert_has(&run.err, "my-rule is there already and not empty");
    assert_eq!(std::fs::read_dir(desk.path("my-rule")).unwrap().count(), 1);
}

#[test]
fn says_how_to_name_the_sdk_where_it_is_not_there() {
    let desk = Desk::new();
    let run = desk.kit_with(&["new", "--kind", "health-rule", "my-rule"], &[("DRLS_SDK", "nowhere")]).failed();
    assert_has(&run.err, "the SDK crate `drls-plugin` is not in nowhere");
    assert_has(&run.err, "--sdk PATH or DRLS_SDK");
}

#[test]
fn offers_only_languages_that_work() {
    let run = Desk::new().kit(&["new", "--kind", "health-rule", "--lang", "cobol", "my-rule"]);
    assert_eq!(run.code, 2);
    assert_has(&run.err, "[possible values: rust, python, javascript]");
}
