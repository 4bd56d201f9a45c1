//! `drls plugin test`

use serde_json::{Value, json};

use crate::support::{Desk, assert_has, built_rule};

/// A desk with the built rule and one case of it.
fn desk(case: &Value) -> Desk {
    let desk = Desk::new();
    desk.write("many-snapshots.wasm", &built_rule().bytes);
    let facts = std::fs::read(built_rule().folder.join("selftest/many-snapshots.json")).unwrap();
    desk.write("facts/table.json", facts);
    desk.write("tests/it.json", serde_json::to_string_pretty(case).unwrap());
    desk
}

fn expecting(penalty: u8) -> Value {
    json!({
        "facts_file": "../facts/table.json",
        "config": {"most": 2},
        "expect": {"findings": [{
            "code": "many-snapshots", "severity": "warning", "penalty": penalty,
            "title": "The table keeps 3 snapshots, 2 would do.",
            "evidence": [{"name": "snapshots", "value": 3, "unit": "snapshots", "threshold": 2}],
            "remedy": {"operation": "expire", "arguments": {"retain_last": 2}},
        }]},
    })
}

#[test]
fn shows_the_difference_of_a_case_that_fails() {
    let run = desk(&expecting(11)).kit(&["test", "many-snapshots.wasm"]).failed();
    assert_has(&run.out, "testing many-snapshots 0.1.0 (");
    assert_has(&run.out, "self-test selftest/many-snapshots.json ... ok\ncase it ... FAILED\n");
    assert_has(&run.out, "---- case it ----\n--- expected\n+++ got\n");
    assert_has(&run.out, "-      \"penalty\": 11,\n+      \"penalty\": 10,\n");
    assert!(run.out.ends_with("\n1 passed, 1 failed\n"), "{}", run.out);
}

#[test]
fn records_what_came_and_keeps_the_rest_of_the_file() {
    let desk = desk(&expecting(11));
    desk.edit("tests/it.json", "\"config\": {\n    \"most\": 2\n  },", "\"config\": {\"most\":   2},");
    let run = desk.kit(&["test", "many-snapshots.wasm", "--update"]).ok();
    assert_has(&run.out, "case it ... updated\n");
    assert_has(&run.out, "1 passed, 0 failed, 1 updated");
    let text = desk.read("tests/it.json");
    assert_has(&text, "\"config\": {\"most\":   2},");
    assert_has(&text, "\"penalty\": 10,");
    assert_has(&desk.kit(&["test", "many-snapshots.wasm"]).ok().out, "2 passed, 0 failed\n");
    let before = desk.read("tests/it.json");
    desk.kit(&["test", "many-snapshots.wasm", "--update"]).ok();
    assert_eq!(desk.read("tests/it.json"), before);
}

#[test]
fn a_case_without_an_expectation_fails_until_it_is_recorded() {
    let desk = desk(&json!({"facts_file": "../facts/table.json"}));
    let run = desk.kit(&["test", "many-snapshots.wasm"]).failed();
    assert_has(&run.out, "the case expects nothing yet; --update records what came:");
    desk.kit(&["test", "many-snapshots.wasm", "--update"]).ok();
    assert_has(&desk.read("tests/it.json"), "\"findings\": []");
}

#[test]
fn a_case_may_expect_that_the_configuration_is_refused() {
    let desk = desk(&json!({"facts_file": "../facts/table.json", "config": {"most": 0}}));
    desk.kit(&["test", "many-snapshots.wasm", "--update"]).ok();
    let case: Value = serde_json::from_str(&desk.read("tests/it.json")).unwrap();
    assert_eq!(case["expect"]["error"]["config"][0]["pointer"], "/most");
}

#[test]
fn a_case_with_a_mistake_names_file_and_key() {
    let facts =
        r#"{"id": {"catalog": "c", "namespace": [], "name": "t"}, "format_version": 2, "location": "", "fils": 1}"#;
    for (case, told) in [
        (r#"{"fact_file": "x", "expect": {}}"#.to_owned(), "unknown field `fact_file`, expected one of "),
        (r#"{"expect": {"findings": []}}"#.to_owned(), "needs either `facts`"),
        (format!(r#"{{"facts": {facts}}}"#), "unknown field `fils`, expected one of "),
        (r#"{"facts_file": "none.json"}"#.to_owned(), "cannot read tests/none.json"),
        (r#"{"facts_file": "../facts/table.json", "arguments": {}}"#.to_owned(), "this plugin is a health rule"),
    ] {
        let desk = desk(&json!({}));
        desk.write("tests/it.json", case);
        let run = desk.kit(&["test", "many-snapshots.wasm"]).failed();
        assert_has(&run.out, "case it ... FAILED\n");
        assert_has(&run.out, told);
        // A mistake in the case is not recorded as an answer.
        desk.kit(&["test", "many-snapshots.wasm", "--update"]).failed();
    }
}

#[test]
fn a_panic_fails_with_its_message_and_is_never_recorded() {
    let desk = Desk::new();
    desk.new_plugin("health-rule", "my-rule");
    desk.edit(
        "my-rule/src/lib.rs",
        "let most = config.most as usize;",
        "let most = config.most as usize; assert!(most != 7, \"seven is out\");",
    );
    desk.write(
        "my-rule/tests/seven.json",
        r#"{"facts_file": "../selftest/many-snapshots.json", "config": {"most": 7}, "expect": {"findings": []}}"#,
    );
    let run = desk.kit(&["test", "my-rule"]).failed();
    assert_has(&run.out, "case seven ... FAILED\n");
    assert_has(&run.out, "\"trapped\": ");
    assert_has(&run.out, "seven is out");
    let update = desk.kit(&["test", "my-rule", "--update"]).failed();
    assert_has(&update.out, "not recorded, since the plugin trapped");
    assert_has(&update.out, "3 passed, 1 failed\n");
}

#[test]
fn nothing_to_test_is_no_success() {
    let desk = Desk::new();
    desk.rule("many-snapshots.wasm", |toml| toml.split("# The host").next().unwrap().to_owned());
    let run = desk.kit(&["test", "many-snapshots.wasm"]).failed();
    assert_has(&run.err, "many-snapshots has nothing to test\n  fix: ");
}
