//! A clock that jumps ends no service, holds up none, and makes nothing be forgotten.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::Relaxed},
    },
    time::{Duration, SystemTime},
};

use drls_runtime::{Clock, Limits, PluginState, Runtime, RuntimeConfig, Strikes};

use crate::{
    support::{
        Guest,
        home::{Home, eventually, start_with, status, version},
        table,
    },
    tidying::{aged, digests, install, names, tidied},
};

const HOUR: i64 = 60 * 60;
const DAY: i64 = 24 * HOUR;

/// Seconds that the clock of a test is ahead of the system's.
#[derive(Clone, Default)]
struct Ahead(Arc<AtomicI64>);

impl Ahead {
    fn jump(&self, seconds: i64) {
        self.0.store(seconds, Relaxed);
    }

    fn clock(&self) -> Clock {
        let ahead = Arc::clone(&self.0);
        Clock::new(move || {
            let (ahead, now) = (ahead.load(Relaxed), SystemTime::now());
            let by = Duration::from_secs(ahead.unsigned_abs());
            if ahead < 0 { now - by } else { now + by }
        })
    }
}

/// A runtime on this clock whose quarantines last an hour.
fn start(home: &Home, ahead: &Ahead) -> Arc<Runtime> {
    let wait = Duration::from_secs(60 * 60);
    let strikes = Strikes { first_wait: wait, longest_wait: wait, ..Strikes::default() };
    let limits = Limits { strikes, ..Limits::default() };
    start_with(RuntimeConfig { limits, clock: ahead.clock(), ..home.config() })
}

fn state(runtime: &Runtime) -> PluginState {
    status(runtime, "rule").expect("status").state
}

/// Looks at the folder, as the runtime does every half minute by itself.
fn look(runtime: &Runtime) {
    runtime.rescan();
    assert!(runtime.settle(Duration::from_secs(30)));
}

fn strike_out(runtime: &Runtime) {
    for _ in 0..3 {
        let plugin = Arc::clone(runtime.snapshot().plugin("rule").expect("it is there"));
        plugin.evaluate(&table(), None).expect_err("it traps");
    }
}

fn in_quarantine(runtime: &Runtime) {
    strike_out(runtime);
    eventually("quarantine", || (state(runtime) == PluginState::Quarantined).then_some(()));
    eventually("it is kept", || runtime.ledger().read("rule").ok()?.versions.first()?.quarantine.clone());
}

#[test]
fn a_quarantine_ends_where_the_clock_passed_it_or_was_set_back_far() {
    for jump in [DAY, -DAY] {
        let (home, ahead) = (Home::new(), Ahead::default());
        home.put(&Guest::rule("rule", "1.0.0").body("unreachable"));
        let runtime = start(&home, &ahead);
        in_quarantine(&runtime);
        look(&runtime);
        assert_eq!(state(&runtime), PluginState::Quarantined, "an hour is not over");
        ahead.jump(jump);
        look(&runtime);
        assert_eq!(state(&runtime), PluginState::Active, "{jump} s");
        in_quarantine(&runtime);
        let again = status(&runtime, "rule").expect("status").entry.versions[0].quarantine.clone().expect("kept");
        assert_eq!(again.times, 1, "the first one lies a day away");
        drop(runtime);
        // A start looks at the clock too.
        assert_eq!(state(&start(&home, &ahead)), PluginState::Quarantined);
        ahead.jump(2 * jump);
        assert_eq!(state(&start(&home, &ahead)), PluginState::Active, "{jump} s");
    }
}

#[test]
fn a_small_step_back_ends_no_quarantine() {
    let (home, ahead) = (Home::new(), Ahead::default());
    home.put(&Guest::rule("rule", "1.0.0").body("unreachable"));
    let runtime = start(&home, &ahead);
    in_quarantine(&runtime);
    ahead.jump(-60);
    look(&runtime);
    assert_eq!(state(&runtime), PluginState::Quarantined);
    drop(runtime);
    assert_eq!(state(&start(&home, &ahead)), PluginState::Quarantined);
}

#[test]
fn what_waits_for_a_person_waits_whatever_the_clock_says() {
    let (home, ahead) = (Home::new(), Ahead::default());
    let runtime = start(&home, &ahead);
    install(&home, &runtime, "rule", 0);
    home.put(&Guest::rule("rule", "1.0.1").body("unreachable"));
    eventually("it serves", || version(&runtime, "rule").filter(|v| v == "1.0.1"));
    strike_out(&runtime);
    eventually("it gives its place back", || version(&runtime, "rule").filter(|v| v == "1.0.0"));
    for jump in [DAY, -DAY, 0] {
        ahead.jump(jump);
        look(&runtime);
        assert_eq!(version(&runtime, "rule").as_deref(), Some("1.0.0"));
    }
    drop(runtime);
    for jump in [DAY, -DAY] {
        ahead.jump(jump);
        assert_eq!(version(&start(&home, &ahead), "rule").as_deref(), Some("1.0.0"));
    }
}

#[test]
fn versions_are_loaded_and_kept_in_their_order_while_it_jumps() {
    let (home, ahead) = (Home::new(), Ahead::default());
    let runtime = start(&home, &ahead);
    for (n, jump) in [0, DAY, -DAY, 0].into_iter().enumerate() {
        ahead.jump(jump);
        install(&home, &runtime, "rule", n);
    }
    let kept = status(&runtime, "rule").expect("status").entry.versions;
    let patches: Vec<u64> = kept.iter().map(|kept| kept.version.patch).collect();
    assert_eq!(patches, [3, 2, 1, 0]);
    runtime.ledger().rollback("rule", None).expect("the one before").put().expect("written");
    eventually("it serves", || version(&runtime, "rule").filter(|v| v == "1.0.2"));
}

#[test]
fn tidying_takes_no_file_for_old_that_a_jump_makes_so() {
    let (home, ahead) = (Home::new(), Ahead::default());
    let runtime = start(&home, &ahead);
    install(&home, &runtime, "rule", 0);
    install(&home, &runtime, "gone", 0);
    eventually("its code is kept", || (digests(&home, "cache").len() == 2).then_some(()));
    fs::remove_file(home.file("gone.wasm")).expect("remove");
    eventually("retired", || version(&runtime, "gone").is_none().then_some(()));
    let digest = digests(&home, "cache").into_iter().next().expect("kept");
    let other = format!("{digest}-00000000000000aa.cwasm");
    fs::write(home.path().join("cache").join(&other), "code").expect("write");
    fs::write(home.path().join("store/.tmplive"), "of one that runs").expect("write");
    let all = ["store", "cache", "ledger"].map(|folder| names(&home, folder));
    for jump in [DAY, -DAY] {
        ahead.jump(jump);
        // The end of a start is a look for files to remove.
        fs::write(home.path().join("store").join("b".repeat(64) + ".wasm"), "of nobody").expect("write");
        tidied(&runtime, "it looked", || !names(&home, "store").contains(&("b".repeat(64) + ".wasm")));
        assert_eq!(["store", "cache", "ledger"].map(|folder| names(&home, folder)), all, "{jump} s");
    }
    // What is old by a clock that is right goes.
    aged(&home, "store/.tmplive", 3);
    ahead.jump(-2 * DAY);
    look(&runtime);
    assert!(names(&home, "store").contains(".tmplive"));
    ahead.jump(0);
    tidied(&runtime, "it is gone", || !names(&home, "store").contains(".tmplive"));
}
