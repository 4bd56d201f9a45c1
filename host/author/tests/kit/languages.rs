//! Plugins in Python and JavaScript: one of each, built once, and everything that an author does with it.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use crate::support::{Desk, assert_has};

/// A plugin in `lang` that was made and built once for all tests, changed by `change` before. Gives its folder.
fn built(once: &'static OnceLock<PathBuf>, lang: &str, kind: &str, change: impl Fn(&Path)) -> Desk {
    let folder = once.get_or_init(|| {
        let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("kit-{lang}")).join("made-once");
        // The kept build of the run before serves, where neither the template nor the SDK changed.
        let kept = place.join("dist");
        let aside = place.with_extension("dist");
        let _ = fs::rename(&kept, &aside);
        let _ = fs::remove_dir_all(&place);
        let maker = Desk::new();
        maker.kit(&["new", "--kind", kind, "--lang", lang, place.to_str().unwrap()]).ok();
        let _ = fs::rename(&aside, &kept);
        change(&place);
        maker.kit(&["build", place.to_str().unwrap()]).ok();
        place
    });
    let desk = Desk::new();
    for part in ["tests", "selftest"] {
        for entry in folder.join(part).read_dir().unwrap().flatten() {
            let name = entry.file_name().into_string().unwrap();
            desk.write(&format!("{part}/{name}"), fs::read(entry.path()).unwrap());
        }
    }
    desk.write("dist/made-once.wasm", fs::read(folder.join("dist/made-once.wasm")).unwrap());
    desk
}

fn replace(file: &Path, old: &str, new: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(old), "{text}");
    fs::write(file, text.replace(old, new)).unwrap();
}

fn python() -> Desk {
    static ONCE: OnceLock<PathBuf> = OnceLock::new();
    built(&ONCE, "python", "health-rule", |folder| {
        let calls = "        if config.most == 7:\n            raise ValueError('seven is out')\n        \
                     if config.most == 8:\n            table.totals()\n        \
                     if config.most in (9, 10):\n            from drls_plugin import http\n            \
                     owner = http.get(f'https://{\"ab\"[config.most - 9]}.example/').json()['owner']\n            \
                     return [] if owner == 'ada' else [Finding('other', Severity.INFO, owner, 0)]\n        \
                     return judge";
        replace(&folder.join("plugin.py"), "        return judge", calls);
        sends(folder);
    })
}

fn javascript() -> Desk {
    static ONCE: OnceLock<PathBuf> = OnceLock::new();
    built(&ONCE, "javascript", "table-operation", |folder| {
        let calls = "    if (versions === 7) throw new RangeError('seven is out');\n    if (versions === 8) for (;;);\n    \
                     if (versions === 9 || versions === 10) throw invalid(['/versions', \
                     http.get(`https://${'ab'[versions - 9]}.example/`).json().owner]);\n    const now";
        replace(&folder.join("plugin.js"), "    const now", calls);
        replace(&folder.join("plugin.js"), "import { ", "import { http, ");
        sends(folder);
    })
}

/// Lets a plugin send requests to one host.
fn sends(folder: &Path) {
    let manifest = folder.join("plugin.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replace("[plugin]", "[needs.http]\nhosts = [\"a.example\"]\n\n[plugin]")).unwrap();
}

/// A case whose request is answered, and one whose request goes where the manifest does not.
fn requests(desk: &Desk, facts: &str, values: &str, key: &str, expect: &str) {
    let responses = r#"{"GET https://a.example/": {"status": 200, "body": "{\"owner\": \"ada\"}"}}"#;
    let text = |n: u32, expect: &str| {
        format!(
            r#"{{"facts_file": "../selftest/{facts}", "{values}": {{"{key}": {n}}}, "http": {responses}, "expect": {expect}}}"#
        )
    };
    desk.write("tests/sends.json", text(9, expect));
    desk.write("tests/sends-elsewhere.json", text(10, r#"{"error": {"denied": "b.example is not granted"}}"#));
}

const CASE: &str = r#"{"facts_file": "../selftest/FACTS", "VALUES": {"KEY": N}, "expect": {"findings": []}}"#;

fn case(facts: &str, values: &str, key: &str, n: u32) -> String {
    CASE.replace("FACTS", facts).replace("VALUES", values).replace("KEY", key).replace('N', &n.to_string())
}

#[test]
fn a_rule_in_python_tests_green_and_asks_for_what_it_reads_alone() {
    let desk = python();
    let check = desk.kit(&["check", "dist/made-once.wasm"]).ok().out;
    assert_has(&check, "drls:plugin/facts@0.1.0 (table.snapshots)\n");
    assert_has(&check, "needs    metadata\n");
    assert!(!check.contains("wasi:"), "{check}");
    assert_has(&check, "ok: a server would take it");
    for (name, most) in [("raises", 7), ("reads-more", 8)] {
        desk.write(&format!("tests/{name}.json"), case("many-snapshots.json", "config", "most", most));
    }
    assert_has(&check, "asks     for GET to a.example; an admin grants it");
    requests(&desk, "many-snapshots.json", "config", "most", r#"{"findings": []}"#);
    let test = desk.kit(&["test", "dist/made-once.wasm"]).failed().out;
    assert_has(&test, "case sends-elsewhere ... ok\ncase sends ... ok\n");
    assert_has(&test, "case few-snapshots ... ok\ncase many-snapshots ... ok\n");
    assert_has(&test, "File \\\"plugin.py\\\", line ");
    assert_has(&test, "raise ValueError('seven is out')\\nValueError: seven is out");
    assert_has(&test, "the plugin calls table.totals(), which it does not read; add \\\"totals\\\" to its `reads`");
    assert_has(&test, "\n5 passed, 2 failed\n");
}

#[test]
fn an_operation_in_javascript_tests_green_and_fails_in_its_own_words() {
    let desk = javascript();
    let check = desk.kit(&["check", "dist/made-once.wasm"]).ok().out;
    assert_has(&check, "drls:plugin/facts@0.1.0 (table.properties, table.totals)\n");
    assert!(!check.contains("wasi:"), "{check}");
    assert_has(&check, "ok: a server would take it");
    for (name, versions) in [("throws", 7), ("never-ends", 8)] {
        desk.write(&format!("tests/{name}.json"), case("plain.json", "arguments", "versions", versions));
    }
    let refused = r#"{"error": {"invalid": [{"pointer": "/versions", "detail": "ada"}]}}"#;
    requests(&desk, "plain.json", "arguments", "versions", refused);
    let test = desk.kit(&["test", "dist/made-once.wasm"]).failed().out;
    assert_has(&test, "case sends-elsewhere ... ok\ncase sends ... ok\n");
    assert_has(&test, "case refuses-too-few ... ok\n");
    assert_has(&test, "case sets-the-property ... ok\n");
    assert_has(&test, "RangeError: seven is out\\nplan@plugin/plugin.js:");
    assert_has(&test, "\"timed-out\": \"did not answer within 500 ms\"");
    assert_has(&test, "\n5 passed, 2 failed\n");
}

#[test]
fn says_in_the_languages_own_words_what_is_wrong_with_the_main_file() {
    let desk = Desk::new();
    desk.kit(&["new", "--kind", "health-rule", "--lang", "python", "mine"]).ok();
    desk.edit("mine/plugin.py", "(\"snapshots\",)", "(\"snapshot\",)");
    let run = desk.kit(&["build", "mine"]).failed();
    assert_has(&run.err, "plugin.py cannot be imported:\n  File \"plugin.py\", line ");
    assert_has(&run.err, ".reads names snapshot, which no table has; there are as_of, ");
    desk.write("mine/plugin.py", "import dlrs_plugin\n");
    assert_has(&desk.kit(&["build", "mine"]).failed().err, "ModuleNotFoundError: No module named 'dlrs_plugin'");

    desk.kit(&["new", "--kind", "health-rule", "--lang", "javascript", "other"]).ok();
    desk.edit("other/plugin.js", "'snapshots'", "'snapshot'");
    assert_has(&desk.kit(&["build", "other"]).failed().err, "names snapshot, which no table has; there are id, ");
    desk.write("other/plugin.js", "const a = ;\n");
    assert_has(&desk.kit(&["build", "other"]).failed().err, "SyntaxError: Unexpected token ';'");
}

#[test]
fn says_what_brings_the_interpreter() {
    let desk = Desk::new();
    desk.kit(&["new", "--kind", "health-rule", "--lang", "python", "mine"]).ok();
    desk.kit(&["new", "--kind", "health-rule", "--lang", "javascript", "other"]).ok();
    let empty = desk.path("cache");
    let without = [("DRLS_CACHE", empty.to_str().unwrap()), ("PATH", "")];
    let run = desk.kit_with(&["build", "mine"], &without).failed();
    assert_has(&run.err, "python3 was not found on the PATH");
    assert_has(&run.err, "fix: install Python 3.10 or newer");
    let run = desk.kit_with(&["build", "other"], &without).failed();
    assert_has(&run.err, "npm was not found on the PATH");
    assert_has(&run.err, "fix: install Node 20 or newer");
}

#[test]
fn writes_the_sdk_for_an_editor() {
    let desk = Desk::new();
    desk.kit(&["sdk", "--lang", "python", "sdk-python"]).ok();
    desk.kit(&["sdk", "--lang", "javascript", "sdk-javascript"]).ok();
    assert!(desk.path("sdk-python/drls_plugin/py.typed").exists());
    assert_has(&desk.read("sdk-javascript/index.d.ts"), "export function healthRule");
}
