//! Versions that fail give their place back or wait, and people go back, switch off and on: all while calls go on, and all of
//! it holds over a restart.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use drls_runtime::{
    DecisionError, Failure, FailureKind, LifeState, Limits, Plugin, PluginState, PluginStatus, Runtime, Strikes,
    facts::TableFacts,
};
use serde_json::json;

use crate::support::{
    Guest,
    home::{AtEnd, Home, eventually, start_with, status, version},
    table,
};

const TRAPS: &str = "unreachable";

fn rule(version: &str) -> Guest {
    Guest::rule("rule", version).code(&format!("v-{}", version.replace('.', "-")))
}

fn told(runtime: &Runtime) -> PluginStatus {
    status(runtime, "rule").expect("status")
}

fn plugin(runtime: &Runtime) -> Arc<Plugin> {
    Arc::clone(runtime.snapshot().plugin("rule").expect("it is there"))
}

fn serves(runtime: &Runtime, wanted: &str) {
    eventually(wanted, || version(runtime, "rule").filter(|found| found == wanted));
}

fn call(runtime: &Runtime) -> Result<String, Failure> {
    plugin(runtime).evaluate(&table(), None).map(|found| found[0].code.clone()).map_err(|error| error.failure)
}

fn event(runtime: &Runtime, state: LifeState) -> Option<drls_runtime::LifeEvent> {
    told(runtime).history.into_iter().rev().find(|event| event.state == state)
}

/// Three calls that fail, and what is said of them.
fn fail(runtime: &Runtime, times: usize) {
    for _ in 0..times {
        call(runtime).expect_err("it fails");
    }
}

/// A runtime whose quarantines are short.
fn impatient(home: &Home, strikes: Strikes) -> Arc<Runtime> {
    let mut config = home.config();
    config.limits = Limits { strikes, ..Limits::default() };
    start_with(config)
}

/// Traps on the table of the tests, answers on the one that [`narrow`] gives.
fn traps_on_two_partitions(version: &str) -> Guest {
    let mut guest = rule(version);
    let answer = guest.body.clone();
    guest.imports.push_str(
        r#"(import "drls:plugin/facts@0.1.0" "[method]table.partition-count" (func $count (param i32) (result i32)))"#,
    );
    guest.body(&format!("(if (i32.eq (call $count (local.get $table)) (i32.const 2)) (then unreachable)) {answer}"))
}

fn narrow() -> Arc<TableFacts> {
    let mut facts = (*table()).clone();
    facts.files.as_mut().expect("files").partitions.truncate(1);
    Arc::new(facts)
}

#[test]
fn a_new_version_that_traps_in_its_first_calls_gives_its_place_back_and_stays_out_over_a_restart() {
    let home = Home::new();
    home.put(&rule("1.2.0"));
    let runtime = home.start();
    let bad = rule("1.3.0").body(TRAPS);
    home.put(&bad);
    serves(&runtime, "1.3.0");
    let held = plugin(&runtime);
    fail(&runtime, 3);
    serves(&runtime, "1.2.0");
    assert_eq!(call(&runtime).as_deref(), Ok("v-1-2-0"));
    held.evaluate(&table(), None).expect_err("a call that began with the bad one ends with it");
    let now = told(&runtime);
    assert_eq!((now.state, now.error_code), (PluginState::Active, Some("quarantined")));
    let error = now.error.expect("words");
    assert!(error.starts_with("1.3.0 is in quarantine: 3 of its calls failed within 60 s"), "{error}");
    assert!(error.contains("unreachable") && error.ends_with("; 1.2.0 serves"), "{error}");
    let back = eventually("an event", || event(&runtime, LifeState::RolledBack));
    assert_eq!(told(&runtime).rollbacks, 1);
    assert_eq!(back.version.map(|v| v.to_string()).as_deref(), Some("1.2.0"));
    assert!(back.detail.expect("why").starts_with("in the place of 1.3.0: 3 of its calls failed"));
    assert_eq!(fs::read(home.file("rule.wasm")).expect("file"), bad.build(), "the file is left as it was put");
    // The same file again, and the next start, change nothing.
    home.put(&bad);
    runtime.rescan();
    assert!(runtime.settle(Duration::from_secs(30)));
    assert_eq!(version(&runtime, "rule").as_deref(), Some("1.2.0"));
    drop(runtime);
    let runtime = home.start();
    assert_eq!(version(&runtime, "rule").as_deref(), Some("1.2.0"));
    assert_eq!(told(&runtime).error.as_deref(), Some(error.as_str()));
    // Another file is another matter, and so is a person who lets the bad one try again.
    home.put(&rule("1.4.0"));
    serves(&runtime, "1.4.0");
    eventually("nothing is refused", || told(&runtime).error.is_none().then_some(()));
    home.put(&bad);
    eventually("it is refused", || told(&runtime).error.filter(|e| e.contains("1.3.0 is in quarantine")));
    let did = runtime.ledger().enable("rule").expect("in quarantine").put().expect("written");
    assert_eq!(did.released.map(|one| one.version.to_string()).as_deref(), Some("1.3.0"));
    serves(&runtime, "1.3.0");
}

#[test]
fn a_start_after_an_end_in_the_middle_of_going_back_serves_what_did_well() {
    let home = Home::new();
    home.put(&rule("1.2.0"));
    let runtime = home.start();
    serves(&runtime, "1.2.0");
    home.put(&rule("1.3.0").body(TRAPS));
    serves(&runtime, "1.3.0");
    let bad = plugin(&runtime).identity().digest.clone();
    fail(&runtime, 3);
    serves(&runtime, "1.2.0");
    eventually("it is kept", || told(&runtime).entry.serving.filter(|digest| *digest != bad));
    drop(runtime);
    // As it stood when the bad one was in quarantine, and nothing in its place yet.
    let file = home.path().join("ledger/rule.json");
    let mut entry: serde_json::Value = serde_json::from_slice(&fs::read(&file).expect("ledger")).expect("JSON");
    entry["serving"] = bad.into();
    fs::write(&file, entry.to_string()).expect("write");
    assert_eq!(version(&home.start(), "rule").as_deref(), Some("1.2.0"));
}

#[test]
fn callers_of_others_and_of_what_takes_the_place_see_no_failure() {
    let home = Home::new();
    home.put(&rule("1.0.0"));
    home.put(&Guest::rule("other", "1.0.0").code("other"));
    let runtime = home.start();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let (runtime, over) = (&runtime, &over);
        let _end = AtEnd(over);
        for _ in 0..3 {
            scope.spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    let snapshot = runtime.snapshot();
                    snapshot.plugin("other").expect("there").evaluate(&table(), None).expect("no failure");
                    let rule = snapshot.plugin("rule").expect("always there");
                    if rule.identity().version.minor == 0 {
                        rule.evaluate(&table(), None).expect("no failure");
                    }
                }
            });
        }
        for n in 1..=5 {
            home.put(&rule(&format!("1.{n}.0")).body(&format!("(i32.store (i32.const {n}) (i32.const 0)) {TRAPS}")));
            serves(runtime, &format!("1.{n}.0"));
            fail(runtime, 3);
            serves(runtime, "1.0.0");
        }
    });
    eventually("it is counted", || (told(&runtime).rollbacks == 5).then_some(()));
}

#[test]
fn a_new_version_that_refuses_most_calls_gives_its_place_back_to_one_that_did_not() {
    let home = Home::new();
    home.put(&rule("1.0.0"));
    let runtime = home.start();
    call(&runtime).expect("an answer");
    home.put(&rule("1.1.0").fails(3, "no idea"));
    serves(&runtime, "1.1.0");
    fail(&runtime, 4);
    assert!(runtime.settle(Duration::from_secs(30)));
    assert_eq!(version(&runtime, "rule").as_deref(), Some("1.1.0"), "four do not tell");
    fail(&runtime, 1);
    serves(&runtime, "1.0.0");
    let error = told(&runtime).error.expect("words");
    assert!(error.contains("5 of its first 5 calls failed, the last one: failed: no idea"), "{error}");
}

#[test]
fn a_version_is_not_replaced_by_one_that_failed_as_often() {
    let home = Home::new();
    home.put(&rule("1.0.0").fails(3, "no idea"));
    let runtime = home.start();
    fail(&runtime, 5);
    home.put(&rule("1.1.0").fails(3, "no idea either"));
    serves(&runtime, "1.1.0");
    fail(&runtime, 8);
    assert!(runtime.settle(Duration::from_secs(30)));
    assert_eq!(version(&runtime, "rule").as_deref(), Some("1.1.0"));
    assert_eq!((told(&runtime).error, told(&runtime).quarantines), (None, 0), "to say that it can't is no strike");
}

#[test]
fn a_plugin_without_a_version_before_it_waits_twice_as_long_each_time_and_then_for_a_person() {
    let home = Home::new();
    home.put(&rule("1.0.0").body(TRAPS));
    let first_wait = Duration::from_millis(300);
    let strikes = Strikes { first_wait, tries: 2, ..Strikes::default() };
    let runtime = impatient(&home, strikes.clone());
    let mut waits = Vec::new();
    for _ in 0..2 {
        fail(&runtime, 3);
        eventually("quarantine", || (told(&runtime).state == PluginState::Quarantined).then_some(()));
        let (began, runs) = (Instant::now(), told(&runtime).counters.failures[&FailureKind::Trapped]);
        let Err(Failure::Quarantined(why)) = call(&runtime) else { panic!("refused") };
        assert!(why.contains("3 of its calls failed within 60 s"), "{why}");
        assert_eq!(told(&runtime).counters.failures[&FailureKind::Trapped], runs, "it was not asked");
        eventually("it is tried again", || (told(&runtime).state == PluginState::Active).then_some(()));
        waits.push(began.elapsed());
    }
    assert!(waits[0] >= first_wait / 2 && waits[1] >= first_wait, "{waits:?}");
    fail(&runtime, 3);
    eventually("quarantine", || (told(&runtime).state == PluginState::Quarantined).then_some(()));
    let quarantine = told(&runtime).entry.versions[0].quarantine.clone().expect("kept");
    assert_eq!((quarantine.times, quarantine.until), (3, None));
    assert_eq!(told(&runtime).quarantines, 3);
    drop(runtime);
    let runtime = impatient(&home, strikes);
    assert_eq!(told(&runtime).state, PluginState::Quarantined, "a restart is no way out");
    assert!(matches!(call(&runtime), Err(Failure::Quarantined(_))));
    let without = runtime.snapshot().rules_digest().to_owned();
    runtime.ledger().enable("rule").expect("in quarantine").put().expect("written");
    eventually("a person lets it try", || (told(&runtime).state == PluginState::Active).then_some(()));
    assert_ne!(runtime.snapshot().rules_digest(), without, "reports without it are not those with it");
    // What it did before is forgotten.
    fail(&runtime, 3);
    eventually("quarantine", || told(&runtime).entry.versions[0].quarantine.clone().filter(|q| q.times == 1));
}

#[test]
fn a_version_that_did_well_for_long_waits_and_is_not_replaced() {
    let home = Home::new();
    home.put(&rule("1.0.0"));
    let runtime = home.start();
    home.put(&traps_on_two_partitions("1.1.0"));
    serves(&runtime, "1.1.0");
    for _ in 0..100 {
        plugin(&runtime).evaluate(&narrow(), None).expect("an answer");
    }
    let proven = || told(&runtime).entry.versions[0].proven.then_some(());
    eventually("it is no longer new", proven);
    fail(&runtime, 3);
    eventually("quarantine", || (told(&runtime).state == PluginState::Quarantined).then_some(()));
    assert_eq!(version(&runtime, "rule").as_deref(), Some("1.1.0"));
    assert_eq!(told(&runtime).rollbacks, 0);
    // A corrected one takes its place at once.
    home.put(&rule("1.1.1"));
    serves(&runtime, "1.1.1");
    assert_eq!(call(&runtime).as_deref(), Ok("v-1-1-1"));
}

#[test]
fn a_call_that_its_caller_cuts_short_is_no_strike() {
    let home = Home::new();
    home.put(&rule("1.0.0").body("(loop $l (br $l)) unreachable"));
    let runtime = home.start();
    for _ in 0..4 {
        let deadline = Instant::now() + Duration::from_millis(20);
        plugin(&runtime).evaluate(&table(), Some(deadline)).expect_err("cut short");
    }
    assert!(runtime.settle(Duration::from_secs(30)));
    assert_eq!((told(&runtime).state, told(&runtime).quarantines), (PluginState::Active, 0));
    fail(&runtime, 3);
    eventually("quarantine", || (told(&runtime).state == PluginState::Quarantined).then_some(()));
}

#[test]
fn people_go_back_to_any_version_that_is_kept_by_one_rename() {
    let home = Home::new();
    let runtime = home.start();
    for n in 0..4 {
        home.put(&rule(&format!("1.0.{n}")));
        serves(&runtime, &format!("1.0.{n}"));
    }
    eventually("all are kept", || (told(&runtime).entry.versions.len() == 4).then_some(()));
    let ledger = runtime.ledger();
    let back = |to| ledger.rollback("rule", to).map(|change| change.put().expect("written"));
    let did = back(None).expect("the one before");
    assert_eq!(did.to.expect("a version").version.to_string(), "1.0.2");
    assert_eq!(did.from.expect("a version").version.to_string(), "1.0.3");
    serves(&runtime, "1.0.2");
    assert_eq!(fs::read(home.file("rule.wasm")).expect("file"), rule("1.0.2").build());
    eventually("it is kept", || (told(&runtime).entry.versions[0].version.patch == 2).then_some(()));
    back(Some("1.0.0")).expect("by version");
    serves(&runtime, "1.0.0");
    let digest = told(&runtime).entry.versions.iter().find(|v| v.version.patch == 1).expect("kept").digest.clone();
    back(Some(&digest)).expect("by digest");
    serves(&runtime, "1.0.1");
    assert!(back(Some("1.0.1")).expect("what serves").nothing);
    drop(runtime);
    assert_eq!(version(&home.start(), "rule").as_deref(), Some("1.0.1"));
}

#[test]
fn a_rollback_that_can_t_be_says_why_and_changes_nothing() {
    let home = Home::new();
    home.put(&rule("1.0.0"));
    let runtime = home.start();
    let back = |id: &str, to| runtime.ledger().rollback(id, to).map(|change| change.did().clone());
    assert!(matches!(back("rule", None), Err(DecisionError::NoneBefore(_))));
    assert!(matches!(back("nobody", None), Err(DecisionError::Unknown(_))));
    assert!(matches!(back("../rule", None), Err(DecisionError::Unknown(_))));
    home.put(&rule("1.1.0"));
    serves(&runtime, "1.1.0");
    let kept = eventually("both are kept", || Some(told(&runtime).entry.versions).filter(|v| v.len() == 2));
    let text = back("rule", Some("0.9.0")).expect_err("never there").to_string();
    assert!(text.contains("kept are: 1.1.0 (") && text.contains(", 1.0.0 ("), "{text}");
    let copy = home.path().join("store").join(format!("{}.wasm", kept[1].digest));
    let mut bytes = fs::read(&copy).expect("copy");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&copy, bytes).expect("write");
    assert!(matches!(back("rule", None), Err(DecisionError::Damaged { .. })));
    // Prepared and not carried out.
    assert_eq!(version(&runtime, "rule").as_deref(), Some("1.1.0"));
    assert_eq!(fs::read(home.file("rule.wasm")).expect("file"), rule("1.1.0").build());
    assert_eq!(fs::read_dir(home.plugins()).expect("folder").count(), 1);
}

#[test]
fn a_version_that_is_damaged_in_the_store_is_passed_over() {
    let home = Home::new();
    let runtime = home.start();
    for n in 0..2 {
        home.put(&rule(&format!("1.0.{n}")));
        serves(&runtime, &format!("1.0.{n}"));
    }
    home.put(&rule("1.0.2").body(TRAPS));
    serves(&runtime, "1.0.2");
    let kept = eventually("three are kept", || Some(told(&runtime).entry.versions).filter(|v| v.len() == 3));
    fs::write(home.path().join("store").join(format!("{}.wasm", kept[1].digest)), b"rubbish").expect("write");
    fail(&runtime, 3);
    serves(&runtime, "1.0.0");
    // Put into the folder again, it can be gone back to again.
    home.put(&rule("1.0.1"));
    serves(&runtime, "1.0.1");
    home.put(&rule("1.0.3"));
    serves(&runtime, "1.0.3");
    eventually("it can be gone back to", || runtime.ledger().rollback("rule", Some("1.0.1")).ok());
}

#[test]
fn what_is_switched_off_stays_off_whatever_comes_and_is_on_again_at_a_word() {
    let home = Home::new();
    home.put(&rule("1.0.0"));
    let runtime = home.start();
    eventually("it is kept", || told(&runtime).entry.serving);
    let held = plugin(&runtime);
    assert!(!runtime.ledger().disable("rule", "jane").expect("there").put().expect("written").nothing);
    eventually("it is off", || (told(&runtime).state == PluginState::Disabled).then_some(()));
    assert!(version(&runtime, "rule").is_none());
    assert_eq!(held.evaluate(&table(), None).expect("what runs ends").len(), 1);
    assert_eq!(event(&runtime, LifeState::Disabled).expect("an event").detail.as_deref(), Some("by jane"));
    assert!(runtime.ledger().disable("rule", "joe").expect("there").put().expect("written").nothing);
    assert_eq!(told(&runtime).entry.disabled.expect("who").by, "jane");
    home.put(&rule("1.1.0"));
    runtime.rescan();
    assert!(runtime.settle(Duration::from_secs(30)));
    assert!(version(&runtime, "rule").is_none(), "a new file is no way around it");
    drop(runtime);
    let runtime = home.start();
    assert_eq!((told(&runtime).state, version(&runtime, "rule")), (PluginState::Disabled, None));
    assert_eq!(told(&runtime).version.expect("the one that served").to_string(), "1.0.0");
    runtime.ledger().enable("rule").expect("off").put().expect("written");
    serves(&runtime, "1.1.0");
    assert!(event(&runtime, LifeState::Enabled).is_some());
    assert!(runtime.ledger().enable("rule").expect("there").put().expect("written").nothing);
}

#[test]
fn a_start_serves_what_was_good_where_the_file_is_not() {
    let home = Home::new();
    home.put(&rule("1.0.0"));
    let runtime = home.start();
    eventually("it is kept", || told(&runtime).entry.serving);
    drop(runtime);
    home.put_bytes("rule.wasm", b"not a plugin");
    let runtime = home.start();
    assert_eq!(call(&runtime).as_deref(), Ok("v-1-0-0"));
    let now = told(&runtime);
    assert_eq!((now.state, now.error_code), (PluginState::Active, Some("not-wasm")));
    assert!(now.error.expect("words").ends_with("; 1.0.0 serves"));
    // Whose file is taken away is not brought back by a bad one.
    fs::remove_file(home.file("rule.wasm")).expect("remove");
    eventually("retired", || version(&runtime, "rule").is_none().then_some(()));
    home.put_bytes("rule.wasm", b"not a plugin");
    eventually("refused", || status(&runtime, "rule").filter(|s| s.state == PluginState::Refused));
    drop(runtime);
    assert_eq!(version(&home.start(), "rule"), None);
}

#[test]
fn where_decisions_can_t_be_read_nothing_new_is_let_in_and_what_serves_goes_on() {
    let home = Home::new();
    home.put(&rule("1.0.0"));
    let runtime = home.start();
    let file = home.path().join("ledger/rule.json");
    let good = eventually("it is kept", || fs::read(&file).ok());
    fs::write(&file, b"{\"disabled\": ").expect("write");
    home.put(&rule("1.1.0"));
    let error = eventually("it is refused", || told(&runtime).error);
    assert!(error.contains("what was decided about it can't be read: ledger/rule.json"), "{error}");
    assert_eq!(call(&runtime).as_deref(), Ok("v-1-0-0"));
    drop(runtime);
    let runtime = home.start();
    assert_eq!(told(&runtime).error_code, Some("ledger"));
    assert_eq!(version(&runtime, "rule"), None);
    fs::write(&file, good).expect("mended");
    serves(&runtime, "1.1.0");
}

#[test]
fn values_of_the_operator_hold_for_a_version_that_takes_the_place_of_another() {
    let schema = json!({"type": "object", "properties": {"most": {"type": "integer"}}, "additionalProperties": false});
    let home = Home::new();
    home.put(&rule("1.0.0").schema(&schema).manifest("config", json!({"most": 1})));
    let runtime = home.start();
    home.put(&rule("1.1.0").schema(&schema).manifest("config", json!({"most": 2})).body(TRAPS));
    serves(&runtime, "1.1.0");
    let values = |most| json!({"most": most}).as_object().expect("an object").clone();
    runtime.set_plugin_config("rule", values(7)).expect("valid");
    fail(&runtime, 3);
    serves(&runtime, "1.0.0");
    assert_eq!(plugin(&runtime).config()["most"], json!(7));
    runtime.set_plugin_config("rule", values(8)).expect("valid");
    assert_eq!(plugin(&runtime).config()["most"], json!(8));
    assert_eq!(told(&runtime).error_code, Some("quarantined"));
}

#[test]
fn a_quarantine_that_the_disk_does_not_take_holds_and_is_written_once_it_does() {
    let home = Home::new();
    home.put(&rule("1.2.0"));
    let runtime = home.start();
    serves(&runtime, "1.2.0");
    // Where the lock of the ledger is no file, nothing of it can be written.
    let lock = home.path().join("ledger/.lock");
    fs::remove_file(&lock).expect("lock");
    fs::create_dir(&lock).expect("in its place");
    home.put(&rule("1.3.0").body(TRAPS));
    serves(&runtime, "1.3.0");
    fail(&runtime, 3);
    serves(&runtime, "1.2.0");
    runtime.rescan();
    assert!(runtime.settle(Duration::from_secs(30)));
    assert_eq!(version(&runtime, "rule").as_deref(), Some("1.2.0"), "a look at the folder forgets nothing");
    let kept = || runtime.ledger().read("rule").expect("readable").versions;
    assert!(kept().iter().all(|kept| kept.quarantine.is_none()), "not written");
    fs::remove_dir(&lock).expect("remove");
    runtime.rescan();
    eventually("it is written", || kept().into_iter().find(|kept| kept.version.minor == 3)?.quarantine);
    drop(runtime);
    assert_eq!(version(&home.start(), "rule").as_deref(), Some("1.2.0"));
}

#[test]
fn a_version_whose_predecessor_does_not_load_is_tried_again_by_itself() {
    let home = Home::new();
    home.put(&rule("1.2.0"));
    let runtime = impatient(&home, Strikes { first_wait: Duration::from_millis(300), ..Strikes::default() });
    serves(&runtime, "1.2.0");
    let good = plugin(&runtime).identity().digest.clone();
    home.put(&rule("1.3.0").body(TRAPS));
    serves(&runtime, "1.3.0");
    fs::write(home.path().join(format!("store/{good}.wasm")), "damaged").expect("write");
    fail(&runtime, 3);
    eventually("its calls are refused", || (told(&runtime).state == PluginState::Quarantined).then_some(()));
    eventually("it is tried again", || (told(&runtime).state == PluginState::Active).then_some(()));
    assert_eq!(version(&runtime, "rule").as_deref(), Some("1.3.0"));
}

#[test]
fn a_plugin_whose_ledger_was_removed_is_taken_out_all_the_same() {
    let home = Home::new();
    home.put(&rule("1.2.0").body(TRAPS));
    let runtime = home.start();
    serves(&runtime, "1.2.0");
    fs::remove_file(home.path().join("ledger/rule.json")).expect("remove");
    runtime.rescan();
    assert!(runtime.settle(Duration::from_secs(30)));
    fail(&runtime, 3);
    eventually("its calls are refused", || (told(&runtime).state == PluginState::Quarantined).then_some(()));
}
