//! Who is let in by the operator's word: signatures, the lock, and what single plugins get at most.

use std::{
    fs,
    sync::Arc,
    time::{Duration, Instant},
};

use drls_runtime::{
    Ceiling, Failure, LOCK_FILE, Lock, Locked, PluginState, PluginStatus, Policy, PrivateKey, Runtime, RuntimeConfig,
    Signatures, sign,
};

use crate::support::{
    Guest,
    home::{Home, eventually, start_with, status, version},
    table,
};

fn key(seed: u8) -> PrivateKey {
    PrivateKey::new(&[seed; 32])
}

fn policy(signatures: Signatures, trusted: &[u8]) -> Policy {
    let signers = trusted.iter().map(|seed| (format!("signer-{seed}"), key(*seed).public()));
    Policy { signatures, signers: signers.collect(), ..Policy::default() }
}

fn start(home: &Home, policy: Policy) -> Arc<Runtime> {
    start_with(RuntimeConfig { policy, ..home.config() })
}

fn rule(version: &str) -> Guest {
    Guest::rule("rule", version).code("a-mark")
}

fn signed(version: &str, seed: u8) -> Vec<u8> {
    sign(&rule(version).build(), &key(seed)).expect("signed")
}

fn told(runtime: &Runtime) -> PluginStatus {
    status(runtime, "rule").expect("status")
}

fn settled(runtime: &Runtime) -> PluginStatus {
    runtime.rescan();
    assert!(runtime.settle(Duration::from_secs(30)));
    told(runtime)
}

#[test]
fn only_what_a_trusted_key_signed_is_let_in_where_that_is_required() {
    let home = Home::new();
    let runtime = start(&home, policy(Signatures::Require, &[1]));
    let bare = rule("1.0.0").build();
    let mut torn = signed("1.0.0", 1);
    let place = torn.windows(6).position(|bytes| bytes == b"a-mark").expect("the code");
    torn[place] = b'A';
    let section = |bytes: &[u8]| bytes[bare.len()..].to_vec();
    let of_another = [rule("1.0.1").build(), section(&signed("1.0.0", 1))].concat();
    let cases = [
        (bare.clone(), "not signed"),
        (signed("1.0.0", 2), "which is not trusted here"),
        (torn, "its signature is not of this file"),
        (of_another, "its signature is not of this file"),
    ];
    for (bytes, why) in cases {
        home.put_bytes("rule.wasm", &bytes);
        let refused = eventually(why, || {
            status(&runtime, "rule").filter(|s| s.error.as_deref().is_some_and(|e| e.contains(why)))
        });
        assert_eq!((refused.state, refused.error_code), (PluginState::Refused, Some("signature")));
    }
    home.put_bytes("rule.wasm", &signed("1.1.0", 1));
    eventually("it serves", || version(&runtime, "rule").filter(|v| v == "1.1.0"));
    let signer = told(&runtime).signed_by.expect("who");
    assert_eq!((signer.key, signer.name.as_deref()), (key(1).public(), Some("signer-1")));
    // What serves goes on where the next one is not let in; a start lets in no more.
    home.put_bytes("rule.wasm", &rule("1.2.0").build());
    eventually("it is refused", || told(&runtime).error_code.filter(|code| *code == "signature"));
    assert_eq!(version(&runtime, "rule").as_deref(), Some("1.1.0"));
    drop(runtime);
    let runtime = start(&home, policy(Signatures::Require, &[1]));
    eventually("what was kept serves", || version(&runtime, "rule").filter(|v| v == "1.1.0"));
    drop(runtime);
    assert_eq!(
        version(&start(&home, policy(Signatures::Require, &[2])), "rule"),
        None,
        "a key that is not trusted now"
    );
}

#[test]
fn a_key_that_is_trusted_no_longer_ends_what_it_signed_at_once() {
    let home = Home::new();
    home.put_bytes("rule.wasm", &signed("1.0.0", 1));
    let runtime = start(&home, policy(Signatures::Require, &[1]));
    assert_eq!(version(&runtime, "rule").as_deref(), Some("1.0.0"));
    runtime.set_policy(policy(Signatures::Require, &[2]));
    assert_eq!(settled(&runtime).state, PluginState::Refused);
    runtime.set_policy(policy(Signatures::Require, &[1, 2]));
    assert_eq!(settled(&runtime).state, PluginState::Active);
}

#[test]
fn where_signatures_only_warn_all_serve_and_the_status_says_what_is_wrong() {
    let home = Home::new();
    home.put(&rule("1.0.0"));
    let runtime = start(&home, policy(Signatures::Warn, &[1]));
    assert_eq!((told(&runtime).state, told(&runtime).warning.as_deref()), (PluginState::Active, Some("not signed")));
    home.put_bytes("rule.wasm", &signed("1.1.0", 2));
    eventually("it serves", || version(&runtime, "rule").filter(|v| v == "1.1.0"));
    assert!(told(&runtime).warning.expect("a warning").ends_with("which is not trusted here"));
    runtime.set_policy(policy(Signatures::Off, &[]));
    assert_eq!(settled(&runtime).warning, None);
}

#[test]
fn an_old_version_that_is_put_back_does_not_serve_where_signatures_are_required() {
    let home = Home::new();
    home.put_bytes("rule.wasm", &signed("1.0.0", 1));
    let runtime = start(&home, policy(Signatures::Require, &[1]));
    home.put_bytes("rule.wasm", &signed("1.1.0", 1));
    eventually("it serves", || version(&runtime, "rule").filter(|v| v == "1.1.0"));
    home.put_bytes("rule.wasm", &signed("1.0.0", 1));
    let refused =
        eventually("it is refused", || Some(told(&runtime)).filter(|s| s.error_code == Some("older-version")));
    assert!(refused.error.expect("why").ends_with("with `drls plugin rollback`; 1.1.0 serves"));
    // A person may.
    runtime.ledger().rollback("rule", Some("1.0.0")).expect("kept").put().expect("written");
    eventually("it serves", || version(&runtime, "rule").filter(|v| v == "1.0.0"));
    drop(runtime);
    let runtime = start(&home, policy(Signatures::Require, &[1]));
    assert_eq!(version(&runtime, "rule").as_deref(), Some("1.0.0"));
    // One that never served is no version that is kept, and is let in by its name as well.
    home.put_bytes("rule.wasm", &signed("1.0.1", 1));
    eventually("it is refused", || told(&runtime).error_code.filter(|code| *code == "older-version"));
    runtime.ledger().rollback("rule", Some("1.0.1")).expect("in the folder").put().expect("written");
    eventually("it serves", || version(&runtime, "rule").filter(|v| v == "1.0.1"));
}

#[test]
fn where_there_is_a_lock_only_its_files_serve() {
    let home = Home::new();
    home.put(&rule("1.0.0"));
    let runtime = home.start();
    let of = |runtime: &Runtime| {
        let status = told(runtime);
        let locked = Locked { version: status.version.expect("version"), sha256: status.digest.expect("digest") };
        let mut lock = Lock::default();
        lock.plugins.insert("rule".to_owned(), locked);
        lock
    };
    let first = of(&runtime);
    first.write(&home.plugins()).expect("written");
    home.put(&rule("1.1.0"));
    home.put(&Guest::rule("other", "1.0.0"));
    let refused = eventually("it is refused", || Some(told(&runtime)).filter(|s| s.error_code == Some("lock")));
    assert!(refused.error.expect("why").contains("names 1.0.0"));
    assert_eq!(version(&runtime, "rule").as_deref(), Some("1.0.0"));
    let other = eventually("it is refused", || status(&runtime, "other").filter(|s| s.error_code == Some("lock")));
    assert!(other.error.expect("why").contains("does not name it"));
    // Another lock holds at once, for what serves too.
    let mut second = first.clone();
    second.plugins.get_mut("rule").expect("locked").sha256 = refused.entry.versions[0].digest.replace('0', "1");
    second.write(&home.plugins()).expect("written");
    eventually("nothing serves", || version(&runtime, "rule").is_none().then_some(()));
    // One that can't be read lets nothing in, and one that is gone everything.
    fs::write(home.file(LOCK_FILE), "{").expect("write");
    let unread = eventually("it says so", || {
        Some(told(&runtime)).filter(|s| s.error.as_deref().is_some_and(|e| e.contains("can't be read")))
    });
    assert_eq!(unread.state, PluginState::Refused);
    fs::remove_file(home.file(LOCK_FILE)).expect("remove");
    eventually("it serves", || version(&runtime, "rule").filter(|v| v == "1.1.0"));
    eventually("it serves", || version(&runtime, "other"));
}

#[test]
fn a_plugin_gets_no_more_than_its_ceiling_whatever_it_asks_for() {
    let home = Home::new();
    let grows = "(if (i32.eq (memory.grow (i32.const 320)) (i32.const -1)) (then unreachable)) ";
    let guest = rule("1.0.0").manifest("memory", (64 << 20).into());
    let body = format!("{grows}{}", guest.body);
    home.put(&guest.body(&body));
    let runtime = home.start();
    let plugin = Arc::clone(runtime.snapshot().plugin("rule").expect("it serves"));
    plugin.evaluate(&table(), None).expect("20 MiB of 64");
    let ceiling = |memory| Policy {
        ceilings: [("rule".to_owned(), Ceiling { memory: Some(memory), time: None })].into(),
        ..Policy::default()
    };
    runtime.set_policy(ceiling(16 << 20));
    settled(&runtime);
    let failure = plugin.evaluate(&table(), None).expect_err("20 MiB of 16").failure;
    assert_eq!(failure, Failure::OutOfMemory("16 MiB of memory in one call".to_owned()));
    runtime.set_policy(ceiling(1 << 30));
    settled(&runtime);
    plugin.evaluate(&table(), None).expect("what it asked for, no more");
}

#[test]
fn a_call_ends_at_the_ceiling_of_its_plugin_and_that_is_no_strike() {
    let home = Home::new();
    home.put(&rule("1.0.0").body("(loop $l (br $l)) unreachable"));
    let runtime = home.start();
    let plugin = Arc::clone(runtime.snapshot().plugin("rule").expect("it serves"));
    let ceiling = |time| Policy {
        ceilings: [("rule".to_owned(), Ceiling { memory: None, time: Some(time) })].into(),
        ..Policy::default()
    };
    let within = |time| {
        let start = Instant::now();
        let failure = plugin.evaluate(&table(), None).expect_err("endless").failure;
        assert_eq!(failure, Failure::TimedOut(time));
        assert!(start.elapsed() >= time / 2);
    };
    runtime.set_policy(ceiling(Duration::from_millis(100)));
    settled(&runtime);
    (0..4).for_each(|_| within(Duration::from_millis(100)));
    assert_eq!((settled(&runtime).state, told(&runtime).quarantines), (PluginState::Active, 0));
    // One that is higher than what it asks for gives it no more.
    runtime.set_policy(ceiling(Duration::from_secs(5)));
    settled(&runtime);
    within(Duration::from_millis(500));
}

#[test]
fn a_word_that_changes_while_a_file_is_loaded_holds_for_it() {
    let home = Home::new();
    let runtime = home.start();
    for _ in 0..5 {
        home.put(&rule("1.0.0"));
        runtime.set_policy(policy(Signatures::Require, &[1]));
        assert_eq!(settled(&runtime).state, PluginState::Refused);
        assert_eq!(version(&runtime, "rule"), None);
        runtime.set_policy(Policy::default());
        assert_eq!(settled(&runtime).state, PluginState::Active);
        fs::remove_file(home.file("rule.wasm")).expect("remove");
        eventually("it is retired", || version(&runtime, "rule").is_none().then_some(()));
    }
}

#[test]
fn the_file_of_a_new_key_takes_the_place_of_one_whose_key_went() {
    let home = Home::new();
    home.put_bytes("rule.wasm", &signed("1.0.0", 1));
    let runtime = start(&home, policy(Signatures::Require, &[1]));
    home.put_bytes("rule.wasm", &signed("1.1.0", 2));
    eventually("it is refused", || told(&runtime).error_code.filter(|code| *code == "signature"));
    runtime.set_policy(policy(Signatures::Require, &[2]));
    eventually("it serves", || version(&runtime, "rule").filter(|v| v == "1.1.0"));
}
