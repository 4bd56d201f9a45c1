//! The life of plugins in a folder: installed, swapped, configured, retired, while calls go on.

use std::{
    collections::HashMap,
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use crate::support::{
    Guest,
    home::{Home, eventually, start_with, status, version},
    table,
};
use drls_runtime::{ConfigError, LifeState, PluginState, Runtime, facts::Group};
use serde_json::{Map, Value, json};

fn object(value: Value) -> Map<String, Value> {
    let Value::Object(map) = value else { panic!("no object") };
    map
}

fn states(runtime: &Runtime, id: &str) -> Vec<LifeState> {
    // Optimised code comes when it comes.
    let told = status(runtime, id).expect("status").history;
    told.iter().map(|e| e.state).filter(|state| *state != LifeState::Optimised).collect()
}

/// Version 1.0.N finds "v-N".
fn numbered(n: u64) -> Guest {
    Guest::rule("rule", &format!("1.0.{n}")).code(&format!("v-{n}"))
}

#[test]
fn opens_quickly_and_loads_what_is_there() {
    let home = Home::new();
    for id in ["a", "b", "c"] {
        home.put(&Guest::rule(id, "1.0.0").reads("file-sizes"));
    }
    home.put(&Guest::operation("compact", "2.0.0"));
    let start = Instant::now();
    let runtime = Runtime::open(home.config()).expect("open");
    let took = start.elapsed();
    assert!(took < Duration::from_millis(500), "{took:?}");
    assert_eq!(runtime.snapshot().plugins().len(), 0);
    runtime.start().expect("start");
    assert!(runtime.settle(Duration::from_secs(60)));
    let snapshot = runtime.snapshot();
    let ids: Vec<&str> = snapshot.rules().iter().map(|p| p.id()).collect();
    assert_eq!(ids, ["a", "b", "c"]);
    assert_eq!(snapshot.operations().len(), 1);
    assert!(snapshot.operation("compact").is_some() && snapshot.operation("a").is_none());
    assert!(snapshot.rules()[0].needs().contains(&Group::Manifests));
    assert_eq!(
        states(&runtime, "a"),
        [
            LifeState::Seen,
            LifeState::Staged,
            LifeState::Verified,
            LifeState::Compiled,
            LifeState::Linked,
            LifeState::SelfTested,
            LifeState::Active
        ]
    );
    let digest = &snapshot.rules()[0].identity().digest;
    assert!(home.path().join("store").join(format!("{digest}.wasm")).exists());
}

#[test]
fn takes_a_file_however_it_is_put_there() {
    let home = Home::new();
    let runtime = home.start();
    let expect = |n: u64, how: &str| {
        let wanted = format!("1.0.{n}");
        eventually(how, || version(&runtime, "rule").filter(|v| *v == wanted));
    };
    home.put(&numbered(1));
    expect(1, "a rename to a new name");
    home.put(&numbered(2));
    expect(2, "a rename over the old file");
    fs::write(home.file("rule.wasm"), numbered(3).build()).expect("write");
    expect(3, "a write in place");
    let source = home.path().join("build.wasm");
    fs::write(&source, numbered(4).build()).expect("write");
    fs::copy(&source, home.file("rule.wasm")).expect("copy");
    expect(4, "a copy over the old file");
    fs::remove_file(home.file("rule.wasm")).expect("remove");
    fs::write(&source, numbered(5).build()).expect("write");
    fs::hard_link(&source, home.file("rule.wasm")).expect("link");
    expect(5, "a hard link in place of the old file");
    // In pieces, with the file open and not closed for longer than it takes to look.
    let bytes = numbered(6).build();
    let mut file = fs::File::create(home.file("other.wasm")).expect("create");
    for piece in bytes.chunks(bytes.len() / 3) {
        std::io::Write::write_all(&mut file, piece).expect("write");
        std::thread::sleep(Duration::from_millis(250));
    }
    fs::rename(home.file("other.wasm"), home.file("rule.wasm")).expect("rename");
    expect(6, "a slow write and a rename");
}

#[test]
fn does_nothing_for_equal_bytes() {
    let home = Home::new();
    home.put(&numbered(1));
    let runtime = home.start();
    let before = (runtime.snapshot().generation(), states(&runtime, "rule").len());
    home.put(&numbered(1));
    std::thread::sleep(Duration::from_millis(300));
    runtime.rescan();
    assert!(runtime.settle(Duration::from_secs(10)));
    assert_eq!((runtime.snapshot().generation(), states(&runtime, "rule").len()), before);
}

#[test]
fn swaps_under_callers_without_a_failed_call_or_an_older_version_after_a_newer() {
    const SWAPS: u64 = 40;
    let home = Home::new();
    home.put(&numbered(0));
    let runtime = home.start();
    let stop = Arc::new(AtomicBool::new(false));
    let calls = Arc::new(AtomicU64::new(0));
    let callers: Vec<_> = (0..4)
        .map(|_| {
            let (runtime, stop, calls) = (Arc::clone(&runtime), Arc::clone(&stop), Arc::clone(&calls));
            std::thread::spawn(move || {
                let facts = table();
                let mut newest = 0;
                while !stop.load(Ordering::Relaxed) {
                    let snapshot = runtime.snapshot();
                    let rule = snapshot.plugin("rule").expect("always there");
                    let findings = rule.evaluate(&facts, None).expect("no failed call");
                    let code = findings[0].code.strip_prefix("v-").expect("a number");
                    let number: u64 = code.parse().expect("a number");
                    assert_eq!(rule.identity().version.patch, number, "code of another version");
                    assert!(number >= newest, "{number} after {newest}");
                    newest = number;
                    calls.fetch_add(1, Ordering::Relaxed);
                    std::thread::sleep(Duration::from_micros(200));
                }
                newest
            })
        })
        .collect();
    for n in 1..=SWAPS {
        home.put(&numbered(n));
        // Every other swap comes before the one before it is done.
        if n % 2 == 0 {
            eventually("the swap", || version(&runtime, "rule").filter(|v| *v == format!("1.0.{n}")));
        }
    }
    // The callers get a last turn with the newest.
    let made = calls.load(Ordering::Relaxed);
    eventually("calls after the last swap", || (calls.load(Ordering::Relaxed) > made + 20).then_some(()));
    stop.store(true, Ordering::Relaxed);
    for caller in callers {
        assert_eq!(caller.join().expect("no panic"), SWAPS);
    }
    eventually("draining", || (*states(&runtime, "rule").last().expect("event") == LifeState::Gone).then_some(()));
}

#[test]
fn keeps_the_old_one_where_the_new_one_is_refused() {
    let home = Home::new();
    home.put(&Guest::rule("rule", "1.2.0"));
    let runtime = home.start();
    let events = runtime.subscribe();
    home.put(&Guest::rule("rule", "1.3.0").schema(&json!({"type": 7})));
    let refused = eventually("the refusal", || status(&runtime, "rule").filter(|s| s.error.is_some()));
    assert_eq!(refused.state, PluginState::Active);
    assert_eq!(refused.version.map(|v| v.to_string()).as_deref(), Some("1.2.0"));
    let error = refused.error.expect("text");
    assert!(error.starts_with("1.3.0 refused: describe") && error.ends_with("; 1.2.0 serves"), "{error}");
    let event = events.iter().find(|e| e.state == LifeState::Refused).expect("an event");
    assert_eq!(event.detail, Some(error));
    home.put(&Guest::rule("rule", "1.4.0"));
    eventually("the corrected one", || version(&runtime, "rule").filter(|v| v == "1.4.0"));
    assert_eq!(status(&runtime, "rule").expect("status").error, None);
}

#[test]
fn retires_a_plugin_whose_file_is_gone_and_bears_a_gap() {
    let home = Home::new();
    home.put(&numbered(1));
    let runtime = home.start();
    let held = runtime.snapshot();
    let away = home.path().join("away.wasm");
    fs::rename(home.file("rule.wasm"), &away).expect("rename");
    std::thread::sleep(Duration::from_millis(700));
    assert!(version(&runtime, "rule").is_some(), "a gap of 0.7 s is borne");
    fs::rename(&away, home.file("rule.wasm")).expect("rename");
    std::thread::sleep(Duration::from_millis(2500));
    assert!(version(&runtime, "rule").is_some(), "the file is back");
    let removed = Instant::now();
    fs::remove_file(home.file("rule.wasm")).expect("remove");
    eventually("retirement", || version(&runtime, "rule").is_none().then_some(()));
    let took = removed.elapsed();
    assert!(took >= Duration::from_millis(1900) && took < Duration::from_secs(5), "{took:?}");
    assert!(status(&runtime, "rule").is_none());
    let plugin = held.plugin("rule").expect("a snapshot keeps what it had");
    assert_eq!(plugin.evaluate(&table(), None).expect("findings")[0].code, "v-1");
    home.put(&numbered(1));
    eventually("the same file again", || version(&runtime, "rule"));
}

#[test]
fn finds_by_a_rescan_what_no_event_told() {
    let home = Home::new();
    home.put(&numbered(1));
    let runtime = home.start();
    // Another folder under the name: the kernel's watch is on the old one.
    fs::rename(home.plugins(), home.path().join("old")).expect("rename");
    std::thread::sleep(Duration::from_millis(300));
    assert!(!home.plugins().exists(), "the gap is left to whoever makes it");
    assert!(version(&runtime, "rule").is_some(), "a folder that is away retires nothing");
    fs::create_dir(home.plugins()).expect("folder");
    fs::write(home.file("rule.wasm"), numbered(2).build()).expect("write");
    runtime.rescan();
    eventually("the new folder's file", || version(&runtime, "rule").filter(|v| v == "1.0.2"));
    home.put(&numbered(3));
    eventually("an event of the new folder", || version(&runtime, "rule").filter(|v| v == "1.0.3"));
}

#[test]
fn configures_by_the_same_swap() {
    let schema = json!({
        "type": "object",
        "properties": {"threshold": {"type": "number"}, "deep": {"type": "object"}},
        "additionalProperties": false,
    });
    let guest = Guest::rule("rule", "1.0.0")
        .schema(&schema)
        .manifest("config", json!({"threshold": 0.3, "deep": {"a": 1, "b": 2}}));
    let home = Home::new();
    home.put(&guest);
    let runtime = home.start();
    let before = runtime.snapshot();
    runtime.set_plugin_config("rule", object(json!({"deep": {"b": 3}}))).expect("valid");
    let after = runtime.snapshot();
    assert!(after.generation() > before.generation());
    assert_ne!(after.rules_digest(), before.rules_digest());
    assert_eq!(after.rules()[0].config(), &object(json!({"threshold": 0.3, "deep": {"a": 1, "b": 3}})));
    let Err(ConfigError::Invalid(mistakes)) =
        runtime.set_plugin_config("rule", object(json!({"threshold": "high", "treshold": 1})))
    else {
        panic!("refused")
    };
    assert_eq!(mistakes.len(), 2, "{mistakes:?}");
    assert_eq!(runtime.snapshot().generation(), after.generation());
    let told = status(&runtime, "rule").expect("status");
    assert_eq!(told.error_code, Some("config"));
    assert!(told.error.expect("words").ends_with("it serves with the values before"));
    runtime.set_plugin_config("rule", object(json!({"deep": {"b": 3}}))).expect("those that it has");
    assert_eq!(status(&runtime, "rule").expect("status").error, None);
    let settled = runtime.snapshot().generation();
    runtime.set_plugin_config("rule", object(json!({"deep": {"b": 3}}))).expect("those that it has");
    assert_eq!(runtime.snapshot().generation(), settled, "nothing changes");
    runtime.set_plugin_config("late", object(json!({"threshold": 0.7}))).expect("kept until it comes");
    home.put(&Guest { id: "late".to_owned(), ..guest.clone() });
    eventually("the late one", || version(&runtime, "late"));
    assert_eq!(runtime.snapshot().plugin("late").expect("it serves").config()["threshold"], json!(0.7));
    std::fs::remove_file(home.file("late.wasm")).expect("remove");
    eventually("it is gone", || runtime.snapshot().plugin("late").is_none().then_some(()));
    runtime.set_plugin_config("rule", Map::new()).expect("valid");
    assert_eq!(runtime.snapshot().rules_digest(), before.rules_digest(), "equal rules have an equal digest");
    runtime.set_plugin_config("rule", object(json!({"threshold": 0.9}))).expect("valid");
    let mut next = guest;
    next.version = "1.1.0".to_owned();
    home.put(&next);
    eventually("the next version", || version(&runtime, "rule").filter(|v| v == "1.1.0"));
    assert_eq!(runtime.snapshot().rules()[0].config()["threshold"], json!(0.9), "the operator's values stay");
}

#[test]
fn takes_values_for_a_version_that_waits_for_them_which_the_serving_one_refuses() {
    let of = |name: &str| {
        let properties = json!({name: {"type": "integer"}});
        json!({"type": "object", "properties": properties, "required": [name], "additionalProperties": false})
    };
    let home = Home::new();
    home.put(&Guest::rule("rule", "1.0.0").schema(&of("old")).manifest("config", json!({"old": 1})));
    let runtime = home.start();
    home.put(&Guest::rule("rule", "2.0.0").schema(&of("new")));
    eventually("it is refused for want of a value", || runtime.waits_for_values("rule").then_some(()));
    assert_eq!(version(&runtime, "rule").as_deref(), Some("1.0.0"));
    runtime.set_plugin_config("rule", object(json!({"new": "five"}))).expect("kept for the one that waits");
    eventually("it is refused for them", || status(&runtime, "rule")?.error?.contains("integer").then_some(()));
    assert_eq!(version(&runtime, "rule").as_deref(), Some("1.0.0"));
    runtime.set_plugin_config("rule", object(json!({"new": 5}))).expect("kept for the one that waits");
    eventually("the one that waited serves", || version(&runtime, "rule").filter(|v| v == "2.0.0"));
    assert_eq!(runtime.snapshot().rules()[0].config(), &object(json!({"new": 5})));
    assert_eq!(status(&runtime, "rule").expect("status").error, None);
}

#[test]
fn checks_an_operations_values_against_its_schema() {
    let home = Home::new();
    let schema = json!({
        "type": "object", "properties": {"most_groups": {"type": "number"}}, "additionalProperties": false,
    });
    home.put(&Guest::operation("compact", "1.0.0").schema(&schema).manifest("config", json!({"most_groups": 10})));
    let runtime = home.start();
    let refused = runtime.set_plugin_config("compact", object(json!({"most_group": 1, "most_groups": "ten"})));
    let Err(ConfigError::Invalid(mistakes)) = refused else { panic!("refused") };
    let text = mistakes.iter().map(|m| format!("{} {}", m.pointer, m.detail)).collect::<Vec<_>>().join("\n");
    assert!(text.contains("'most_group' was unexpected"), "{text}");
    assert!(text.contains("/most_groups \"ten\" is not of type \"number\""), "{text}");
}

#[test]
fn serves_on_its_own_values_until_those_of_the_operator_fit() {
    let schema = json!({"type": "object", "properties": {"threshold": {"type": "number"}}});
    let home = Home::new();
    home.put(&Guest::rule("rule", "1.0.0").schema(&schema));
    let mut config = home.config();
    config.plugins = HashMap::from([("rule".to_owned(), object(json!({"threshold": "high"})))]);
    let runtime = start_with(config);
    let told = status(&runtime, "rule").expect("status");
    assert_eq!((told.state, told.error_code), (PluginState::Active, Some("config")));
    assert!(told.error.expect("words").ends_with("it serves with its own values"));
    assert_eq!(version(&runtime, "rule").as_deref(), Some("1.0.0"));
    runtime.set_plugin_config("rule", Map::new()).expect("mended by leaving them out");
    assert_eq!(status(&runtime, "rule").expect("status").error, None);
    runtime.set_plugin_config("rule", object(json!({"threshold": 0.5}))).expect("taken");
    assert_eq!(runtime.snapshot().rules()[0].config()["threshold"], json!(0.5));
}

#[test]
fn shuts_down_and_keeps_what_is_held_callable() {
    let home = Home::new();
    home.put(&numbered(1));
    let runtime = home.start();
    let plugin = Arc::clone(runtime.snapshot().plugin("rule").expect("loaded"));
    runtime.shutdown();
    assert_eq!(runtime.set_plugin_config("rule", Map::new()), Err(ConfigError::NotRunning));
    assert!(!runtime.settle(Duration::from_secs(1)));
    drop(runtime);
    assert_eq!(plugin.evaluate(&table(), None).expect("findings")[0].code, "v-1");
}
