//! Quick code first, optimised code of the same component behind it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use drls_runtime::{Host, Level, LifeState, Limits, PluginStatus, Runtime, Tier};
use serde_json::Map;

use crate::support::{
    Guest,
    home::{AtEnd, Home, eventually, status},
    table,
};

fn optimised(runtime: &Runtime) -> PluginStatus {
    // The code serves a moment before it is told.
    eventually("optimised code", || {
        let told = |s: &PluginStatus| s.history.iter().any(|event| event.state == LifeState::Optimised);
        status(runtime, "rule").filter(|s| s.tier == Some(Tier::Optimised) && told(s))
    })
}

fn compiled(status: &PluginStatus) -> Option<&str> {
    let told = status.history.iter().rev().find(|event| event.state == LifeState::Compiled);
    told.expect("it was compiled").detail.as_deref()
}

#[test]
fn a_new_plugin_serves_with_quick_code_and_is_optimised_in_silence() {
    let home = Home::new();
    let runtime = home.start();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let end = AtEnd(&over);
        home.put(&Guest::rule("rule", "1.0.0").code("found"));
        let before = eventually("it serves", || Some(runtime.snapshot()).filter(|s| s.plugin("rule").is_some()));
        let rule = Arc::clone(before.plugin("rule").expect("it serves"));
        let (held, over) = (Arc::clone(&rule), &over);
        scope.spawn(move || {
            while !over.load(Ordering::Relaxed) {
                assert_eq!(held.evaluate(&table(), None).expect("no failed call")[0].code, "found");
            }
        });
        let after = optimised(&runtime);
        assert_eq!(rule.tier(), Tier::Optimised, "what is held already is the same plugin");
        assert_eq!(runtime.snapshot().generation(), before.generation());
        assert_eq!(compiled(&after), Some("by Winch, to serve at once"));
        let last = after.history.last().expect("events");
        assert_eq!((last.state, last.detail.as_deref()), (LifeState::Optimised, None));
        eventually("calls after it", || (rule.counters().calls > after.counters.calls + 20).then_some(()));
        drop(end);
    });
}

#[test]
fn a_start_finds_the_optimised_code() {
    let home = Home::new();
    home.put(&Guest::rule("rule", "1.0.0").code("found"));
    let first = home.start();
    optimised(&first);
    let kept = || {
        let names = std::fs::read_dir(home.path().join("cache")).expect("folder").filter_map(Result::ok);
        names.filter(|entry| entry.path().extension().is_some_and(|extension| extension == "cwasm")).count()
    };
    eventually("it is kept", || (kept() > 0).then_some(()));
    first.shutdown();
    let again = home.start();
    let told = status(&again, "rule").expect("status");
    assert_eq!((told.tier, compiled(&told)), (Some(Tier::Optimised), Some("from the cache")));
    assert_eq!(kept(), 1, "quick code is kept nowhere");
}

#[test]
fn what_winch_cannot_take_is_compiled_by_cranelift_and_says_so() {
    // A tail call, which Winch has not got.
    let guest = Guest::rule("rule", "1.0.0")
        .code("found")
        .function("(func $one (result i32) i32.const 1) (func (export \"tail\") (result i32) return_call $one)");
    let home = Home::new();
    home.put(&guest);
    let runtime = home.start();
    let told = status(&runtime, "rule").expect("status");
    assert_eq!(told.tier, Some(Tier::Optimised), "{told:?}");
    let how = compiled(&told).expect("it says how");
    assert!(how.starts_with("by Cranelift, since Winch can't take it: "), "{how}");
    let rule = Arc::clone(&runtime.snapshot().rules()[0]);
    assert_eq!(rule.evaluate(&table(), None).expect("findings")[0].code, "found");
}

#[test]
fn a_trap_leaves_its_place_in_the_log_behind_what_the_guest_said() {
    let home = Home::new();
    let mut guest = Guest::rule("rule", "1.0.0");
    let said = guest.line(3, "panicked at src/lib.rs:7");
    home.put(&guest.body(&format!("{said}unreachable")));
    let runtime = home.start();
    let trap = |calls: usize| {
        runtime.snapshot().rules()[0].evaluate(&table(), None).expect_err("a trap");
        let lines = runtime.log("rule").expect("a log");
        assert_eq!(lines.len(), 2 * calls, "{lines:?}");
        let [.., said, place] = &lines[..] else { panic!("{lines:?}") };
        assert_eq!(said.message, "panicked at src/lib.rs:7");
        assert!(place.message.starts_with("trapped: wasm trap: wasm `unreachable`"), "{}", place.message);
        assert!(place.message.ends_with("; in body < entry"), "{}", place.message);
        assert_eq!((place.level, place.version.to_string()), (Level::Error, "1.0.0".to_owned()));
    };
    trap(1);
    optimised(&runtime);
    trap(2);
}

#[test]
fn a_version_that_was_replaced_is_not_optimised() {
    let home = Home::new();
    let runtime = home.start();
    let numbered = |n: u64| Guest::rule("rule", &format!("1.0.{n}")).code(&format!("v-{n}"));
    for n in 0..20 {
        home.put(&numbered(n));
        let wanted = format!("1.0.{n}");
        eventually("the swap", || {
            runtime.snapshot().plugin("rule").filter(|p| p.identity().version.to_string() == wanted).map(|_| ())
        });
    }
    let last = optimised(&runtime);
    assert_eq!(last.version.expect("a version").patch, 19);
}

#[test]
fn both_tiers_answer_alike() {
    let host = Host::new(Limits::default()).expect("engine");
    let component = Guest::rule("rule", "1.0.0").code("found").build();
    let answer = |tier| {
        let plugin = host.load_in(tier, &component, &Map::new()).expect("a plugin");
        assert_eq!(plugin.tier(), tier);
        serde_json::to_value(plugin.evaluate(&table(), None).expect("findings")).expect("json")
    };
    assert_eq!(answer(Tier::Quick), answer(Tier::Optimised));
}
