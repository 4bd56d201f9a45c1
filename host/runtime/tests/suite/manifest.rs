//! `plugin.toml`: what it may hold, and how its mistakes are told.

use std::path::Path;

use drls_runtime::Manifest;
use serde_json::json;

const GOOD: &str = r#"
[plugin]
id = "small-files"
version = "1.2.0"
title = "Small files"
description = "Finds them."
license = "Apache-2.0"

[limits]
memory = "128 MiB"
time = "2 s"

[config]
threshold = 0.3
names = ["a", "b"]

[config.deep]
on = true
"#;

fn errors(text: &str) -> Vec<String> {
    let errors = Manifest::from_toml(text, Path::new(".")).expect_err("mistakes");
    errors.iter().map(ToString::to_string).collect()
}

#[test]
fn reads_a_manifest_and_carries_it_in_a_component() {
    let manifest = Manifest::from_toml(GOOD, Path::new(".")).expect("a manifest");
    assert_eq!((manifest.memory, manifest.time), (Some(128 << 20), Some(2000)));
    let config = serde_json::to_value(&manifest.config).expect("json");
    assert_eq!(config, json!({"threshold": 0.3, "names": ["a", "b"], "deep": {"on": true}}));
    let component = wat::parse_str("(component)").expect("wat");
    assert_eq!(Manifest::read(&component), Ok(None));
    let packed = drls_runtime::embed(&component, &manifest).expect("packed");
    assert_eq!(Manifest::read(&packed), Ok(Some(manifest)));
}

#[test]
fn packs_fixtures_in() {
    let folder = tempfile::tempdir().expect("folder");
    let facts = json!({
        "id": {"catalog": "c", "namespace": ["n"], "name": "t"}, "format_version": 2, "location": "file:///t", "as_of": 0,
    });
    std::fs::write(folder.path().join("many.json"), facts.to_string()).expect("write");
    std::fs::write(folder.path().join("broken.json"), r#"{"format_versoin": 2}"#).expect("write");
    let selftest = |facts: &str| {
        format!("{GOOD}\n[[selftest]]\nexport = \"evaluate\"\nfacts = \"{facts}\"\nexpect.codes = [\"small-files\"]\n")
    };
    let manifest = Manifest::from_toml(&selftest("many.json"), folder.path()).expect("a manifest");
    assert_eq!(manifest.selftests[0].facts.id.name, "t");
    for (facts, told) in [
        ("missing.json", "missing.json: "),
        ("broken.json", "format_versoin"),
        ("../many.json", "inside the plugin's folder"),
    ] {
        let errors = Manifest::from_toml(&selftest(facts), folder.path()).expect_err("mistakes");
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(errors[0].to_string().starts_with("selftest[0].facts: "), "{}", errors[0]);
        assert!(errors[0].to_string().contains(told), "{}", errors[0]);
    }
}

#[test]
fn tells_every_mistake_at_once_with_the_nearest_key() {
    let text = r#"
        [plugin]
        id = "Small Files"
        verison = "1.2.0"
        title = 7
        [limit]
        memory = "1 MiB"
        [limits]
        memory = "lots"
        [[selftest]]
        export = "evalute"
    "#;
    let errors = errors(text);
    let wanted = [
        "limit: unknown key; did you mean limits?",
        "plugin.id: \"Small Files\" must be kebab-case",
        "plugin.version: is missing",
        "plugin.title: must be a string, not integer",
        "plugin.verison: unknown key; did you mean version?",
        "limits.memory: \"lots\" is not a size; write \"64 MiB\"",
        "selftest[0].export: \"evalute\" is not a function",
        "selftest[0].facts: is missing",
        "selftest[0].expect: is missing",
    ];
    for want in wanted {
        assert!(errors.iter().any(|e| e.starts_with(want)), "{want} is not in {errors:#?}");
    }
    assert_eq!(errors.len(), wanted.len(), "{errors:#?}");
}

#[test]
fn tells_where_the_toml_breaks() {
    let errors = errors("[plugin\nid = 1");
    assert!(errors[0].contains("not TOML") && errors[0].contains("line 1"), "{errors:?}");
}

#[test]
fn refuses_values_that_json_does_not_have() {
    let errors = errors(&format!("{GOOD}\nwhen = 2026-01-01\nhuge = inf\n"));
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert!(errors.iter().any(|e| e.starts_with("config.deep.when: JSON has no dates")), "{errors:?}");
}

#[test]
fn hosts_need_a_method_and_methods_a_host() {
    let asked = |http: &str| errors(&format!("{GOOD}\n[needs.http]\n{http}\n"));
    let none = asked("hosts = [\"a.example\"]\nmethods = []");
    assert_eq!(none, ["needs.http.methods: is empty; name one or more, or leave it out for \"GET\""]);
    assert!(asked("hosts = []")[0].starts_with("needs.http.hosts: is missing"));
    let component = wat::parse_str("(component)").expect("wat");
    for (http, wrong) in [(json!({"hosts": ["a.example"]}), "methods"), (json!({"methods": ["GET"]}), "hosts")] {
        let manifest = json!({"format": 1, "id": "a", "version": "1.0.0", "title": "A", "needs": {"http": http}});
        let packed = crate::support::custom_section(&component, manifest.to_string().as_bytes());
        let refused = Manifest::read(&packed).expect_err("refused").to_string();
        assert!(refused.contains(&format!("needs/http/{wrong}: is empty; name one or more")), "{refused}");
    }
}
