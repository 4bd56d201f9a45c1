//! Files that are not taken: each is told by name, with the reason and what to do, and nothing else suffers.

use std::time::Duration;

use crate::support::{
    Guest, contract, custom_section,
    home::{Home, eventually, status},
};
use drls_runtime::{Host, Limits, Mismatch, PluginState, Refusal, inspect};
use serde_json::{Map, json};

fn refusal(bytes: &[u8]) -> Refusal {
    let host = Host::new(Limits::default()).expect("engine");
    host.load(bytes, &Map::new()).map(|_| ()).expect_err("a refusal")
}

fn mismatches(guest: &Guest) -> Vec<Mismatch> {
    match refusal(&guest.build()) {
        Refusal::Contract(mismatches) => mismatches,
        other => panic!("{other}"),
    }
}

/// The guest for a contract in which `from` reads `to`.
fn foreign(mut guest: Guest, from: &str, to: &str) -> Guest {
    assert!(guest.wit.iter().any(|(_, text)| text.contains(from)), "{from}");
    for (_, text) in &mut guest.wit {
        *text = text.replace(from, to);
    }
    guest
}

#[test]
fn refuses_what_is_no_component() {
    let good = Guest::rule("rule", "1.0.0").build();
    assert_eq!(refusal(b""), Refusal::Empty);
    assert_eq!(refusal(b"hello, this is text"), Refusal::NotWasm);
    assert_eq!(refusal(&good[..good.len() - 1]), Refusal::Truncated);
    assert_eq!(refusal(&good[..good.len() / 2]), Refusal::Truncated);
    assert_eq!(refusal(&Guest::rule("rule", "1.0.0").module()), Refusal::CoreModule);
    assert!(refusal(&Guest::rule("rule", "1.0.0").module()).to_string().contains("drls plugin build"));
    let mut damaged = good.clone();
    damaged[200..260].fill(0xff);
    assert!(matches!(refusal(&damaged), Refusal::InvalidBinary(_) | Refusal::Truncated));
}

#[test]
fn refuses_a_component_without_a_readable_manifest() {
    let bare = Guest::rule("rule", "1.0.0").bare();
    assert_eq!(refusal(&bare), Refusal::NoManifest);
    assert!(refusal(&bare).to_string().contains("drls plugin build"));
    let text = refusal(&custom_section(&bare, b"{}")).to_string();
    assert!(text.contains("missing field `format`"), "{text}");
    let text = refusal(&custom_section(&bare, br#"{"format": 2}"#)).to_string();
    assert!(text.contains("format 2"), "{text}");
    let manifest = br#"{"format": 1, "id": "Not Kebab", "version": "1.0.0", "title": "x"}"#;
    let text = refusal(&custom_section(&bare, manifest)).to_string();
    assert!(text.contains("kebab-case"), "{text}");
    assert!(inspect(&bare).expect("readable without one").manifest.is_none());
}

#[test]
fn names_the_kind_that_a_foreign_world_lacks() {
    let text = wat::parse_str(
        r#"(component (component $c) (instance $i (instantiate $c)) (export "acme:tool/run" (instance $i)))"#,
    )
    .expect("wat");
    let refused = refusal(&text).to_string();
    assert!(refused.contains("exports acme:tool/run") && refused.contains("drls:plugin/health@0.1.0"), "{refused}");
}

#[test]
fn names_imports_that_the_host_does_not_give() {
    let mut guest = Guest::rule("rule", "1.0.0");
    guest.wit.push((
        "deps/cli/cli.wit".to_owned(),
        "package wasi:cli@0.2.0;\ninterface environment { get: func(); }\n".to_owned(),
    ));
    let guest = foreign(guest, "world health-rule {", "world health-rule {\n  import wasi:cli/environment@0.2.0;");
    let mut guest = guest;
    guest.imports.push_str("(import \"wasi:cli/environment@0.2.0\" \"get\" (func $get))");
    let found = mismatches(&guest);
    assert_eq!(found, [Mismatch::ExtraImport { name: "wasi:cli/environment@0.2.0".to_owned() }]);
    assert!(found[0].to_string().contains("`drls plugin build`, which leaves WASI out"), "{}", found[0]);
}

#[test]
fn names_functions_that_the_contract_does_not_have() {
    let guest = foreign(
        Guest::rule("rule", "1.0.0"),
        "as-of: func() -> s64;",
        "as-of: func() -> s64;\n total: func() -> totals;",
    );
    let found = mismatches(&guest.reads("total"));
    let text = found[0].to_string();
    assert!(text.contains("[method]table.total; nearest is [method]table.totals"), "{text}");
}

#[test]
fn names_another_version_of_the_contract() {
    let guest = foreign(Guest::rule("rule", "1.0.0"), "@0.1.0", "@0.2.0");
    let found = mismatches(&guest);
    assert!(found.contains(&Mismatch::OtherVersion { name: "drls:plugin/health@0.2.0".to_owned() }), "{found:?}");
    assert!(!found.iter().any(|m| matches!(m, Mismatch::NoKind(_))), "{found:?}");
}

/// What a guest is told whose contract reads `to` in the place of `from`: interface, item, type in the contract, type in it.
fn told(guest: Guest, from: &str, to: &str) -> Vec<[String; 4]> {
    let refused = refusal(&foreign(guest, from, to).build());
    let text = refused.to_string();
    for word in ["linker", "expected", "mismatch", "instance", "`"] {
        assert!(!text.contains(word), "{text}");
    }
    let Refusal::Contract(mismatches) = refused else { panic!("{refused:?}") };
    let of = |one| match one {
        Mismatch::OtherType { interface, item, wanted, found } => {
            assert!(text.contains(&format!("{item} of {interface} is {found} in it and {wanted} in the contract")));
            [interface, item, wanted, found]
        }
        other => panic!("{other}"),
    };
    mismatches.into_iter().map(of).collect()
}

#[test]
fn names_each_item_that_has_another_type_than_the_contracts() {
    let rule = || Guest::rule("rule", "1.0.0");
    let facts = "drls:plugin/facts@0.1.0";
    let field = "    /// Rows before deletes are applied.\n    records: u64,\n    /// Live data files.";
    let cases = [
        (
            rule().reads("totals"),
            (field, "    records: s64,\n    /// Live data files."),
            [facts, "totals", "record {records: u64, ...}", "record {records: s64, ...}"],
        ),
        (
            rule().reads("totals"),
            (field, "    /// Live data files."),
            [facts, "totals", "record {records: u64, ...}", "record {...}"],
        ),
        (
            rule(),
            ("    debug,\n", "    trace,\n"),
            ["drls:plugin/log@0.1.0", "level", "enum {debug, ...}", "enum {trace, ...}"],
        ),
        (
            rule(),
            ("    denied(string),\n", "    denied(u32),\n"),
            ["drls:plugin/types@0.1.0", "error", "variant {denied(string), ...}", "variant {denied(u32), ...}"],
        ),
        (
            rule().reads("location"),
            ("location: func() -> string;", "location: func() -> list<string>;"),
            [
                facts,
                "[method]table.location",
                "func(self: borrow<table>) -> string",
                "func(self: borrow<table>) -> list<string>",
            ],
        ),
        (
            rule(),
            ("write: func(level: level, message: string);", "write: func(level: u32, message: string);"),
            ["drls:plugin/log@0.1.0", "write", "func(level: level, ...)", "func(level: u32, ...)"],
        ),
    ];
    for (guest, (from, to), wanted) in cases {
        assert_eq!(told(guest, from, to), [wanted.map(str::to_owned)]);
    }
}

#[test]
fn takes_a_plugin_of_other_names_for_the_same_types() {
    let host = Host::new(Limits::default()).expect("engine");
    for (from, to) in [
        ("level: level, message: string", "loud: level, words: string"),
        ("config-schema: json", "config-schema: string"),
        // What no function of it uses may be any.
        ("target: u64,", "target: s64,"),
    ] {
        let guest = foreign(Guest::rule("rule", "1.0.0").reads("totals"), from, to);
        host.load(&guest.build(), &Map::new()).expect("it links");
    }
}

#[test]
fn refuses_a_descriptor_that_cannot_be_used() {
    let mut other = Guest::rule("rule", "1.0.0");
    other.manifest.insert("id".to_owned(), json!("other"));
    let text = refusal(&other.build()).to_string();
    assert!(text.contains("gives id \"rule\", but the manifest says \"other\""), "{text}");
    let mut guest = Guest::rule("rule", "1.0.0");
    "{".clone_into(&mut guest.schema);
    assert!(refusal(&guest.build()).to_string().contains("the config schema is not JSON"));
    let guest = Guest::rule("rule", "1.0.0").schema(&json!({"type": "no-such-type"}));
    assert!(refusal(&guest.build()).to_string().contains("not a valid JSON Schema"));
    let guest = Guest::rule("rule", "1.0.0").schema(&json!({"$ref": "http://127.0.0.1:1/x.json"}));
    assert!(matches!(refusal(&guest.build()), Refusal::Describe(_)));
    let guest = Guest::operation("operation", "1.0.0").arguments_schema(&json!([]));
    let text = refusal(&guest.build()).to_string();
    assert!(text.contains("of the table-operation: the arguments schema must be a JSON object"), "{text}");
}

#[test]
fn refuses_what_asks_for_more_than_the_ceilings() {
    let guest = Guest::rule("rule", "1.0.0").manifest("memory", json!(1_u64 << 30));
    assert!(refusal(&guest.build()).to_string().contains("1024 MiB of memory; this host gives 512 MiB"));
    let guest = Guest::rule("rule", "1.0.0").manifest("time", json!(60_000));
    assert!(refusal(&guest.build()).to_string().contains("60000 ms a call; this host gives 10000 ms"));
}

#[test]
fn refuses_a_manifest_whose_values_break_the_schema() {
    let schema = json!({"type": "object", "properties": {"threshold": {"type": "number", "maximum": 1}}});
    let guest = Guest::rule("rule", "1.0.0").schema(&schema).manifest("config", json!({"threshold": 3}));
    let refused = refusal(&guest.build());
    let Refusal::Config(mistakes) = &refused else { panic!("{refused}") };
    assert_eq!(mistakes[0].pointer, "/threshold");
}

#[test]
fn refuses_a_file_over_the_size_limit() {
    let limits = Limits { file: 1000, ..Limits::default() };
    let host = Host::new(limits).expect("engine");
    let refused = host.load(&Guest::rule("rule", "1.0.0").build(), &Map::new()).map(|_| ());
    assert!(matches!(refused, Err(Refusal::TooBig { most: 1000, .. })), "{refused:?}");
}

#[test]
fn tells_a_failed_self_test_by_what_was_expected_and_what_came() {
    let test = |codes: &[&str]| {
        let facts = serde_json::to_value(&*crate::support::table()).expect("facts");
        json!([{"name": "selftest/many.json", "export": "evaluate", "facts": facts, "expect": {"codes": codes}}])
    };
    let home = Home::new();
    let guest = Guest::rule("rule", "1.0.0").code("found");
    home.put(&guest.clone().manifest("selftests", test(&["small-files"])));
    let runtime = home.start();
    let error = status(&runtime, "rule").expect("status").error.expect("refused");
    assert!(
        error
            .contains("1.0.0 refused: self-test selftest/many.json: expected codes {\"small-files\"}, got {\"found\"}"),
        "{error}"
    );
    home.put(&guest.manifest("selftests", test(&["found"])));
    eventually("the corrected rule", || runtime.snapshot().plugin("rule").cloned());
}

#[test]
fn lists_every_refused_file_while_the_good_ones_serve() {
    let home = Home::new();
    home.put(&Guest::rule("good", "1.0.0"));
    home.put_bytes("text.wasm", b"not a plugin");
    home.put_bytes("core.wasm", &Guest::rule("core", "1.0.0").module());
    home.put_bytes("renamed.wasm", &Guest::rule("original", "1.0.0").build());
    home.put_bytes("second.wasm", &Guest::rule("good", "1.0.0").build());
    home.put_bytes("loops.wasm", &{
        let mut guest = Guest::rule("loops", "1.0.0");
        guest.functions.push_str("(func $start (loop $l (br $l))) (start $start)");
        guest.build()
    });
    std::fs::write(home.file("readme.txt"), "ignored").expect("write");
    std::fs::create_dir(home.file("folder.wasm")).expect("folder");
    let runtime = home.start();
    let text = |id: &str| {
        let status = status(&runtime, id).unwrap_or_else(|| panic!("no {id}"));
        assert_eq!(status.state, PluginState::Refused, "{id}");
        (status.error_code.expect("code"), status.error.expect("text"))
    };
    assert_eq!(text("text").0, "not-wasm");
    assert_eq!(text("core").0, "core-module");
    assert!(text("renamed").1.contains("must be named original.wasm, not renamed.wasm"));
    assert!(text("second").1.contains("belongs to good.wasm already"));
    assert!(text("loops").1.contains("describe did not answer within 500 ms"), "{:?}", text("loops"));
    assert!(text("folder").1.contains("not a regular file"));
    assert_eq!(status(&runtime, "good").expect("good").state, PluginState::Active);
    assert_eq!(runtime.status().len(), 7);
    assert_eq!(runtime.snapshot().plugins().len(), 1);
}

#[cfg(unix)]
#[test]
fn refuses_links_out_of_the_folder_and_takes_those_within() {
    let home = Home::new();
    let outside = home.path().join("outside.wasm");
    std::fs::write(&outside, Guest::rule("outside", "1.0.0").build()).expect("write");
    std::os::unix::fs::symlink(&outside, home.file("outside.wasm")).expect("link");
    std::os::unix::fs::symlink("nowhere", home.file("dangling.wasm")).expect("link");
    std::fs::create_dir(home.file("versions")).expect("folder");
    std::fs::write(home.file("versions/inside-1"), Guest::rule("inside", "1.0.0").build()).expect("write");
    std::os::unix::fs::symlink("versions/inside-1", home.file("inside.wasm")).expect("link");
    let runtime = home.start();
    let error = |id| status(&runtime, id).expect("status").error.expect("refused");
    assert!(error("outside").contains("symbolic link out of the plugins folder"), "{}", error("outside"));
    assert!(error("dangling").contains("leads nowhere"), "{}", error("dangling"));
    assert_eq!(status(&runtime, "inside").expect("inside").state, PluginState::Active);
}

#[test]
fn waits_for_a_file_that_ends_too_early_and_then_refuses_it() {
    let home = Home::new();
    let bytes = Guest::rule("slow", "1.0.0").build();
    home.put_bytes("slow.wasm", &bytes[..bytes.len() - 40]);
    home.put_bytes("never.wasm", b"");
    let runtime = home.start();
    assert_eq!(status(&runtime, "slow").expect("known").state, PluginState::Staged);
    std::thread::sleep(Duration::from_millis(500));
    std::fs::write(home.file("slow.wasm"), &bytes).expect("the rest");
    eventually("the finished file", || runtime.snapshot().plugin("slow").cloned());
    let refused = eventually("the refusal", || status(&runtime, "never").filter(|s| s.state == PluginState::Refused));
    assert_eq!(refused.error_code, Some("empty"));
    let seen = refused.history.first().expect("seen").at;
    assert!(refused.history.last().expect("refused").at - seen >= 4900, "{:?}", refused.history);
}

#[test]
fn knows_every_function_of_the_contract() {
    let mut resolve = wit_parser::Resolve::default();
    let (package, _) = resolve.push_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit")).expect("wit");
    let interface = resolve.packages[package].interfaces["facts"];
    let functions: Vec<&String> = resolve.interfaces[interface].functions.keys().collect();
    assert!(functions.len() >= 20);
    let text = contract().into_iter().find(|(name, _)| name.contains("facts")).expect("facts.wit").1;
    assert!(text.contains("resource table"));
    // A guest that imports one function more than the contract is refused for it, so every known one must be accepted.
    for function in functions {
        let simple = function.strip_prefix("[method]table.").expect("a method");
        assert!(drls_runtime::facts::Group::of_method(simple).is_some(), "{function} is unknown to the host");
    }
}
