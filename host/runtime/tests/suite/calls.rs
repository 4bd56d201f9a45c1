//! Calls into guests that behave badly: each fails alone, in words, and the plugin answers the next call.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::TIER;
use crate::support::{Found, Guest, table};
use drls_runtime::{Failure, FailureKind, Host, Level, Limits, Plugin, answer::Reversibility};
use serde_json::{Map, json};

fn load(guest: &Guest) -> Plugin {
    load_with(guest, Limits::default())
}

fn load_with(guest: &Guest, limits: Limits) -> Plugin {
    let host = Host::new(limits).expect("engine");
    let plugin = host.load_in(TIER, &guest.build(), &Map::new()).expect("a plugin");
    assert_eq!(plugin.tier(), TIER);
    plugin
}

fn failure(guest: &Guest) -> Failure {
    let plugin = load(guest);
    plugin.evaluate(&table(), None).expect_err("a failure").failure
}

#[test]
fn answers_findings_with_evidence_and_remedy() {
    let found =
        Found { code: "small-files", penalty: 20, value: 3.5, remedy: Some(("compact", r#"{"strategy": "binpack"}"#)) };
    let plugin = load(&Guest::rule("small-files", "1.2.0").finds(&[found]));
    let findings = plugin.evaluate(&table(), None).expect("findings");
    assert_eq!(findings.len(), 1);
    let finding = serde_json::to_value(&findings[0]).expect("json");
    assert_eq!(
        finding,
        json!({
            "code": "small-files", "severity": "warning", "title": "a title", "penalty": 20,
            "evidence": [{"name": "files", "value": 3.5, "unit": "files", "threshold": null}],
            "remedy": {"operation": "compact", "arguments": {"strategy": "binpack"}},
        })
    );
    let counters = plugin.counters();
    assert_eq!((counters.calls, counters.faults()), (1, 0));
    assert!(counters.runs.p50_us.is_some() && counters.memory_peak == 65_536, "{counters:?}");
}

#[test]
fn answers_a_plan() {
    let plugin = load(&Guest::operation("compact", "1.0.0"));
    let plan = plugin.plan(&table(), &json!({}), 0).expect("a plan");
    assert!(plan.steps.is_empty());
    assert_eq!(plan.reversibility, Reversibility::Rollback);
}

#[test]
fn shows_the_facts_of_the_table() {
    // The answer's code is chosen by the number of partitions: 2 gives "two".
    let mut guest = Guest::rule("facts", "1.0.0").code("other").reads("totals");
    let other = guest.body.clone();
    guest = guest.code("two");
    let two = guest.body.clone();
    guest.imports.push_str(
        r#"(import "drls:plugin/facts@0.1.0" "[method]table.partition-count" (func $count (param i32) (result i32)))"#,
    );
    let body = format!(
        "(call $totals (local.get $table) (i32.const 512))
         (if (result i32)
           (i32.and
             (i32.eq (call $count (local.get $table)) (i32.const 2))
             (i64.eq (i64.load (i32.const 520)) (i64.const 3)))
           (then {two}) (else {other}))"
    );
    let plugin = load(&guest.body(&body));
    assert_eq!(plugin.evaluate(&table(), None).expect("findings")[0].code, "two");
    let needs: Vec<_> = plugin.needs().iter().map(|g| g.name()).collect();
    assert_eq!(needs, ["metadata", "manifests"]);
}

#[test]
fn refuses_a_call_without_the_facts_that_the_plugin_reads() {
    let plugin = load(&Guest::rule("facts", "1.0.0").reads("manifests"));
    let error = plugin.evaluate(&table(), None).expect_err("no manifests");
    assert!(error.to_string().contains("not gathered: manifest-list"), "{error}");
}

#[test]
fn stops_a_guest_that_loops() {
    let plugin = load(&Guest::rule("looping", "1.0.0").body("(loop $l (br $l)) unreachable"));
    let start = Instant::now();
    let error = plugin.evaluate(&table(), None).expect_err("endless");
    let took = start.elapsed();
    assert_eq!(error.failure, Failure::TimedOut(Duration::from_millis(500)));
    assert!(took >= Duration::from_millis(500) && took < Duration::from_secs(3), "{took:?}");
    assert!(error.to_string().starts_with("plugin looping 1.0.0 ("), "{error}");
    assert_eq!(plugin.counters().failures.get(&FailureKind::TimedOut), Some(&1));
}

#[test]
fn stops_a_guest_at_the_callers_deadline() {
    let plugin = load(&Guest::rule("looping", "1.0.0").body("(loop $l (br $l)) unreachable"));
    let start = Instant::now();
    plugin.evaluate(&table(), Some(Instant::now() + Duration::from_millis(50))).expect_err("endless");
    assert!(start.elapsed() < Duration::from_millis(450), "{:?}", start.elapsed());
}

#[test]
fn stops_a_guest_that_allocates_without_end() {
    let body = "(loop $l (br_if $l (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable";
    let plugin = load(&Guest::rule("hungry", "1.0.0").body(body));
    let error = plugin.evaluate(&table(), None).expect_err("too much");
    assert_eq!(error.failure, Failure::OutOfMemory("64 MiB of memory in one call".to_owned()));
    let peak = plugin.counters().memory_peak;
    assert!(peak > 60 << 20 && peak <= 64 << 20, "{peak}");
}

#[test]
fn gives_the_memory_that_the_manifest_asks_for() {
    let body = "(drop (memory.grow (i32.const 1600))) (i32.store (i32.const 104857600) (i32.const 7)) ";
    let hungry = Guest::rule("hungry", "1.0.0");
    let body = format!("{body}{}", hungry.body);
    let hungry = hungry.body(&body);
    assert!(matches!(failure(&hungry), Failure::OutOfMemory(_)));
    let asks = load(&hungry.manifest("memory", json!(128 << 20)));
    assert_eq!(asks.evaluate(&table(), None), Ok(Vec::new()));
}

#[test]
fn stops_a_guest_that_grows_its_table() {
    let guest = Guest::rule("tables", "1.0.0")
        .function("(table $t 0 funcref)")
        .body("(drop (table.grow $t (ref.null func) (i32.const 30000))) unreachable");
    assert_eq!(failure(&guest), Failure::OutOfMemory("20000 table elements in one call".to_owned()));
}

#[test]
fn stops_a_guest_that_recurses_without_end() {
    let guest = Guest::rule("deep", "1.0.0")
        .function("(func $deep (param i32) (result i32) (i32.add (call $deep (local.get 0)) (i32.const 1)))")
        .body("(call $deep (i32.const 1))");
    let Failure::Trapped(trap) = failure(&guest) else { panic!("a trap") };
    assert!(trap.message.contains("call stack exhausted"), "{trap}");
    assert_eq!(trap.backtrace.len(), 6);
    assert!(trap.backtrace[0].contains("deep"), "{trap}");
}

#[test]
fn tells_a_panic_with_the_guests_message() {
    let mut guest = Guest::rule("panics", "1.0.0");
    let (warn, error) = (guest.line(2, "not this one"), guest.line(3, "panicked at src/lib.rs:7: index out of bounds"));
    let plugin = load(&guest.body(&format!("{warn}{error}unreachable")));
    let text = plugin.evaluate(&table(), None).expect_err("a panic").to_string();
    assert!(
        text.contains("trapped: panicked at src/lib.rs:7: index out of bounds (wasm trap: wasm `unreachable`"),
        "{text}"
    );
    assert!(text.ends_with("in body < entry"), "{text}");
    assert!(!text.contains("not this one"), "{text}");
    assert!(plugin.counters().last_error.is_some_and(|e| e.contains("index out of bounds")));
}

#[test]
fn tells_a_trap_without_a_message_as_the_engine_names_it() {
    let Failure::Trapped(trap) =
        failure(&Guest::rule("divides", "1.0.0").body("(i32.div_u (i32.const 1) (i32.const 0))"))
    else {
        panic!("a trap")
    };
    assert!(trap.message.contains("divide by zero"), "{trap}");
}

#[test]
fn answers_again_after_a_trap() {
    // The first call traps where memory was left as it was found; a fresh store always finds zero.
    let guest = Guest::rule("stateful", "1.0.0");
    let answer = guest.body.clone();
    let guest = guest.body(&format!(
        "(if (i32.load (i32.const 512)) (then unreachable)) (i32.store (i32.const 512) (i32.const 1)) {answer}"
    ));
    let plugin = load(&guest);
    for _ in 0..3 {
        assert_eq!(plugin.evaluate(&table(), None), Ok(Vec::new()));
    }
}

#[test]
fn passes_on_what_the_guest_answers_as_an_error() {
    let text = "no such branch";
    assert_eq!(failure(&Guest::rule("r", "1.0.0").fails(1, text)), Failure::NotFound(text.to_owned()));
    assert_eq!(failure(&Guest::rule("r", "1.0.0").fails(2, text)), Failure::Denied(text.to_owned()));
    assert_eq!(failure(&Guest::rule("r", "1.0.0").fails(3, text)), Failure::Failed(text.to_owned()));
    let plugin = load(&Guest::operation("o", "1.0.0").fails(1, text));
    let error = plugin.plan(&table(), &json!({}), 0).expect_err("not found");
    assert_eq!(error.failure, Failure::NotFound(text.to_owned()));
}

#[test]
fn refuses_answers_that_break_the_contract() {
    let remedy = |arguments| Found { remedy: Some(("compact", arguments)), ..Found::default() };
    let cases = [
        (vec![remedy("{not json")], "not JSON"),
        (vec![remedy("[1]")], "not a JSON object"),
        (vec![Found { remedy: Some(("Not Kebab", "{}")), ..Found::default() }], "Not Kebab"),
        (vec![Found { code: "Not Kebab", ..Found::default() }], "not kebab-case"),
        (vec![Found::default(), Found::default()], "comes twice"),
        (vec![Found { penalty: 101, ..Found::default() }], "101 points"),
        (vec![Found { value: f64::NAN, ..Found::default() }], "not a finite number"),
    ];
    for (found, text) in cases {
        let failure = failure(&Guest::rule("r", "1.0.0").finds(&found));
        let Failure::BadAnswer(detail) = &failure else { panic!("{failure:?}") };
        assert!(detail.contains(text), "{detail}");
    }
}

#[test]
fn refuses_an_answer_that_is_not_utf8_or_out_of_memory_bounds() {
    let mut guest = Guest::rule("r", "1.0.0");
    let text = guest.memory.put(&[0xff, 0xfe]);
    let answer = [&[1, 0, 0, 0, 3, 0, 0, 0][..], &crate::support::pair(text, 2)].concat();
    let at = guest.memory.put(&answer);
    let failure_of = |guest: Guest| failure(&guest);
    assert!(matches!(failure_of(guest.clone().answers(at)), Failure::BadAnswer(_)));
    assert!(matches!(failure_of(guest.clone().answers(0x7fff_0000)), Failure::BadAnswer(_) | Failure::Trapped(_)));
    assert!(matches!(failure_of(guest.answers(3)), Failure::BadAnswer(_) | Failure::Trapped(_)));
}

#[test]
fn refuses_a_huge_answer() {
    let mut guest = Guest::rule("huge", "1.0.0");
    guest.pages = 100;
    // An error text of 5 MiB.
    let answer = [&[1, 0, 0, 0, 3, 0, 0, 0][..], &crate::support::pair(1024, 5 << 20)].concat();
    let at = guest.memory.put(&answer);
    assert_eq!(failure(&guest.answers(at)), Failure::BadAnswer("more than 4 MiB handed over in one call".to_owned()));
}

#[test]
fn tells_every_wrong_argument_at_once_without_calling_the_guest() {
    let schema = json!({
        "type": "object",
        "properties": {"older_than": {"type": "integer"}, "retain_last": {"type": "integer", "minimum": 1}},
        "additionalProperties": false,
    });
    let plugin = load(&Guest::operation("expire", "1.0.0").arguments_schema(&schema).body("unreachable"));
    let arguments = json!({"older_than": "yesterday", "retain_last": 0, "retian": 1});
    let error = plugin.plan(&table(), &arguments, 0).expect_err("wrong");
    let Failure::Invalid(mistakes) = error.failure else { panic!("{error}") };
    let mut pointers: Vec<&str> = mistakes.iter().map(|m| m.pointer.as_str()).collect();
    pointers.sort_unstable();
    assert_eq!(pointers, ["", "/older_than", "/retain_last"], "{mistakes:?}");
    assert_eq!(plugin.counters().runs.p50_us, None);
}

#[test]
fn refuses_the_other_kind_of_call() {
    let rule = load(&Guest::rule("r", "1.0.0"));
    assert!(matches!(
        rule.plan(&table(), &json!({}), 0).map_err(|e| e.failure),
        Err(Failure::NotFound(text)) if text.contains("not a table operation")
    ));
}

#[test]
fn refuses_calls_beyond_those_that_run_and_wait() {
    let limits = Limits { running: 2, waiting: 2, ..Limits::default() };
    let plugin = Arc::new(load_with(&Guest::rule("looping", "1.0.0").body("(loop $l (br $l)) unreachable"), limits));
    let callers: Vec<_> = (0..8)
        .map(|_| {
            let plugin = Arc::clone(&plugin);
            std::thread::spawn(move || plugin.evaluate(&table(), None).expect_err("endless").failure.kind())
        })
        .collect();
    let kinds: Vec<FailureKind> = callers.into_iter().map(|c| c.join().expect("join")).collect();
    let of = |kind| kinds.iter().filter(|k| **k == kind).count();
    assert_eq!((of(FailureKind::TimedOut), of(FailureKind::Overloaded)), (4, 4), "{kinds:?}");
}

#[test]
fn runs_without_a_pool_where_none_can_be_made() {
    // No system gives 512 slots of 256 TiB.
    let limits = Limits { memory_ceiling: 1 << 48, ..Limits::default() };
    let host = Host::new(limits).expect("an engine without a pool");
    assert!(!host.pooled());
    let plugin = host.load(&Guest::rule("r", "1.0.0").code("found").build(), &Map::new()).expect("a plugin");
    assert_eq!(plugin.evaluate(&table(), None).expect("findings")[0].code, "found");
}

#[test]
fn cuts_long_log_lines_and_drops_a_flood() {
    let mut guest = Guest::rule("talks", "1.0.0");
    let long = guest.line(1, &"ü".repeat(1000));
    let short = guest.line(0, "again");
    let body = format!(
        "{long}(local.set $n (i32.const 1000)) (loop $l {short}
        (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1))))) {}",
        guest.body
    );
    let home = crate::support::home::Home::new();
    home.put(&guest.body(&body));
    let runtime = home.start();
    let plugin = Arc::clone(runtime.snapshot().plugin("talks").expect("loaded"));
    plugin.evaluate(&table(), None).expect("findings");
    let lines = runtime.log("talks").expect("a log");
    assert_eq!(lines.len(), 200);
    assert!(lines[0].message.len() <= 1024 && lines[0].message.ends_with('…'), "{:?}", lines[0]);
    assert_eq!((lines[0].level, lines[0].version.to_string()), (Level::Info, "1.0.0".to_owned()));
    assert_eq!(runtime.status()[0].log_lines_dropped, 801);
    std::thread::sleep(Duration::from_millis(1050));
    plugin.evaluate(&table(), None).expect("findings");
    let lines = runtime.log("talks").expect("a log");
    assert!(lines.iter().any(|l| l.message.contains("801 lines were dropped")), "{:?}", lines.get(200));
}
