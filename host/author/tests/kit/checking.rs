//! `drls plugin check` and `drls plugin inspect`

use serde_json::{Value, json};

use crate::support::{Desk, assert_has, built_rule};

#[test]
fn says_what_a_file_is_that_is_no_plugin() {
    let desk = Desk::new();
    let whole = &built_rule().bytes;
    desk.write("core.wasm", b"\0asm\x01\0\0\0");
    desk.write("half.wasm", &whole[..whole.len() / 2]);
    desk.write("text.wasm", "hello");
    desk.write("empty.wasm", "");
    for (file, what) in [
        ("core.wasm", "a core WebAssembly module, not a component; `drls plugin build` makes a component of it"),
        ("half.wasm", "the file ends too early"),
        ("text.wasm", "not a WebAssembly binary"),
        ("empty.wasm", "the file is empty"),
    ] {
        let check = desk.kit(&["check", file]).failed();
        assert_has(&check.out, &format!("problem: {what}"));
        assert_has(&check.out, "\n1 problem\n");
        assert_has(&desk.kit(&["inspect", file]).failed().err, what);
    }
    assert_has(&desk.kit(&["check", "nowhere.wasm"]).failed().err, "nowhere.wasm is not there\n  fix: ");
}

#[test]
fn tells_every_problem_at_once() {
    let desk = Desk::new();
    desk.rule("many-snapshots.wasm", |toml| format!("{toml}\n[limits]\nmemory = \"1 GiB\"\ntime = \"60 s\"\n"));
    let check = desk.kit(&["check", "many-snapshots.wasm"]).failed().out;
    assert_has(&check, "problem: [limits] memory asks for 1024 MiB, hosts give at most 512 MiB; ask for less");
    assert_has(&check, "problem: [limits] time asks for 60000 ms a call, hosts give at most 10000 ms; ask for less");
    assert_has(&check, "\n2 problems\n");
}

#[test]
fn holds_the_default_configuration_against_the_plugins_own_schema() {
    let desk = Desk::new();
    desk.rule("many-snapshots.wasm", |toml| format!("{toml}\n[config]\nmost = 0\nleast = 1\n"));
    let check = desk.kit(&["check", "many-snapshots.wasm"]).failed().out;
    assert_has(&check, "problem: [config] of plugin.toml breaks the plugin's own schema at \"/most\": ");
    assert_has(&check, "least");
}

#[test]
fn a_self_test_that_fails_is_a_problem() {
    let desk = Desk::new();
    desk.rule("many-snapshots.wasm", |toml| toml.replace("most = 2", "most = 3"));
    let check = desk.kit(&["check", "many-snapshots.wasm"]).failed().out;
    assert_has(&check, "self-test selftest/many-snapshots.json ... FAILED");
    assert_has(&check, "expected codes {\"many-snapshots\"}, got {}");
}

#[test]
fn an_id_other_than_the_codes_is_a_problem() {
    let desk = Desk::new();
    desk.rule("other.wasm", |toml| toml.replace("id = \"many-snapshots\"", "id = \"other\""));
    let check = desk.kit(&["check", "other.wasm"]).failed().out;
    assert_has(&check, "gives id \"many-snapshots\", but the manifest says \"other\"");
}

#[test]
fn notes_what_is_allowed_and_not_good() {
    let desk = Desk::new();
    desk.rule("renamed.wasm", |toml| toml.split("# The host").next().unwrap().to_owned());
    let check = desk.kit(&["check", "renamed.wasm"]).ok().out;
    assert_has(&check, "note: no self-tests");
    assert_has(&check, "note: a server takes it under the name many-snapshots.wasm only");
}

#[test]
fn inspect_gives_scripts_one_document() {
    let desk = Desk::new();
    desk.write("many-snapshots.wasm", &built_rule().bytes);
    let run = desk.kit(&["inspect", "many-snapshots.wasm", "--json"]).ok();
    let document: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(document["kinds"], json!(["health-rule"]));
    assert_eq!(document["contract"], "0.1.0");
    assert_eq!(document["needs"], json!(["metadata"]));
    assert_eq!(document["size"], built_rule().bytes.len());
    assert_eq!(document["digest"].as_str().unwrap().len(), 64);
    assert_eq!(document["manifest"]["version"], "0.1.0");
    assert_eq!(document["descriptors"]["health-rule"]["schema"]["properties"]["most"]["default"], 100);
    assert_eq!(document["refusal"], Value::Null);
    let text = desk.kit(&["inspect", "many-snapshots.wasm"]).ok().out;
    assert_has(&text, document["digest"].as_str().unwrap());
    assert_has(&text, "drls:plugin/facts@0.1.0 (table.snapshots)");
}

#[test]
fn inspect_shows_a_plugin_that_a_server_would_refuse() {
    let desk = Desk::new();
    desk.rule("many-snapshots.wasm", |toml| format!("{toml}\n[limits]\nmemory = \"1 GiB\"\n"));
    let run = desk.kit(&["inspect", "many-snapshots.wasm", "--json"]).ok();
    let document: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(document["refusal"]["code"], "limits");
    assert_eq!(document["descriptors"], json!({}));
}
