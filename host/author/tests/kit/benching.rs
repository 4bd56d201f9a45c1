//! `drls plugin bench`

use serde_json::Value;

use crate::support::{Desk, assert_has, built_rule};

#[test]
fn measures_an_instance_and_each_case_beside_the_limits() {
    let desk = Desk::new();
    desk.write("many-snapshots.wasm", &built_rule().bytes);
    let facts = std::fs::read(built_rule().folder.join("selftest/many-snapshots.json")).unwrap();
    desk.write("facts/table.json", facts);
    desk.write("tests/it.json", r#"{"facts_file": "../facts/table.json", "config": {"most": 2}}"#);
    let words = ["bench", "many-snapshots.wasm", "--seconds", "0"];
    let told = desk.kit(&words).ok().out;
    assert_has(&told, "many-snapshots 0.1.0, ");
    assert_has(&told, "  call: it ");
    assert_has(&told, "of 500.0 ms\n");
    assert_has(&told, "of 64 MiB\n");
    let json = desk.kit(&[&words[..], &["--json"]].concat()).ok().out;
    let figures: Value = serde_json::from_str(&json).unwrap();
    let number = |at: &str| figures.pointer(at).and_then(Value::as_f64).unwrap_or_else(|| panic!("{at} in {json}"));
    assert!(number("/instantiate/p50_us") <= number("/instantiate/p99_us"));
    assert!(number("/cases/0/call/p50_us") > number("/instantiate/p50_us"));
    assert!(number("/memory_peak") >= 65_536.0 && number("/memory_peak") <= number("/memory_limit"));
}

#[test]
fn has_nothing_to_measure_without_a_case() {
    let desk = Desk::new();
    desk.write("many-snapshots.wasm", &built_rule().bytes);
    assert_has(&desk.kit(&["bench", "many-snapshots.wasm"]).failed().err, "holds no cases to call\n  fix: ");
}
