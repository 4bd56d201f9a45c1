//! When a plugin that fails is taken out of service, and for how long.
//!
//! Three failures in a minute end it for a while; the while grows as that of the kubelet's restarts does. A version that is
//! new is compared with the one before it instead, and gives its place back.

use std::{
    collections::VecDeque,
    fmt,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use crate::{
    error::{Failure, FailureKind},
    ledger::Quarantine,
};

/// Failed calls at least, within [`Strikes::within`], by which a new version counts as worse than the one before it.
const WORSE: usize = 5;
/// The part of all its calls that must have failed for that: more than one of five. The version before it failed in less than
/// one of a hundred, so chance does not explain the difference.
const WORSE_PART: u64 = 5;
/// Calls after which a version that failed in at most one of a hundred is no longer new: with fewer, "one of a hundred" can't be told.
const PROVEN: u64 = 100;

/// How many failures end a plugin's service, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Strikes {
    /// Traps, overrun limits and answers that break the contract, within `within`, that end it.
    pub most: usize,
    /// How long a failure counts.
    pub within: Duration,
    /// How long the first quarantine lasts; each that follows lasts twice as long as the one before.
    pub first_wait: Duration,
    /// No quarantine that ends by itself lasts longer.
    pub longest_wait: Duration,
    /// After so many in a row the next one lasts until a person ends it.
    pub tries: u32,
    /// A quarantine that ended so long ago is forgotten.
    pub forgiven_after: Duration,
}

impl Default for Strikes {
    /// 10 s, doubled up to 5 minutes, forgotten after 10 minutes: the back-off that the kubelet has for containers that end
    /// (kubernetes.io, Pod Lifecycle, "Container restart policy"). It takes six steps to its longest wait.
    fn default() -> Self {
        Self {
            most: 3,
            within: Duration::from_secs(60),
            first_wait: Duration::from_secs(10),
            longest_wait: Duration::from_secs(300),
            tries: 6,
            forgiven_after: Duration::from_secs(600),
        }
    }
}

impl Strikes {
    /// How long the quarantine of this number in a row lasts; none: until a person ends it.
    pub(crate) fn wait(&self, times: u32) -> Option<Duration> {
        let doubled = 2_u32.saturating_pow(times.saturating_sub(1));
        (times <= self.tries).then(|| self.first_wait.saturating_mul(doubled).min(self.longest_wait))
    }

    /// Whether a quarantine is so long over at `now` that the next one is the first again; or so far ahead, by a clock that was
    /// set back since.
    pub(crate) fn forgives(&self, quarantine: &Quarantine, now: i64) -> bool {
        let after = i64::try_from(self.forgiven_after.as_millis()).unwrap_or(i64::MAX);
        let over = |until: i64| now.saturating_sub(until) >= after || quarantine.at.saturating_sub(now) >= after;
        quarantine.until.is_some_and(over)
    }
}

/// What the calls of a version say of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It failed too often; what it did, in words.
    Struck(String),
    /// It is new, and fails far more often than a version that is kept in its place would; in words.
    Worse(String),
    /// It did well for long enough.
    Proven,
}

/// Listens to the calls of one version. Nothing is locked for a call that does not fail.
pub(crate) struct Judge {
    strikes: Strikes,
    calls: AtomicU64,
    faults: AtomicU64,
    proven: AtomicBool,
    /// Told that it fails; nothing more is until it may serve again.
    told: AtomicBool,
    /// When it failed, and whether that is a strike.
    failed: Mutex<VecDeque<(Instant, bool)>>,
    tell: Box<dyn Fn(Verdict) + Send + Sync>,
}

impl fmt::Debug for Judge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Judge").field("calls", &self.calls).field("faults", &self.faults).finish_non_exhaustive()
    }
}

impl Judge {
    pub(crate) fn new(strikes: Strikes, tell: impl Fn(Verdict) + Send + Sync + 'static) -> Self {
        Self {
            strikes,
            calls: AtomicU64::new(0),
            faults: AtomicU64::new(0),
            proven: AtomicBool::new(false),
            told: AtomicBool::new(false),
            failed: Mutex::default(),
            tell: Box::new(tell),
        }
    }

    /// Hears how a call ended.
    pub(crate) fn heard(&self, failure: Option<&Failure>) {
        let kind = failure.map(Failure::kind);
        // It was not asked.
        if matches!(kind, Some(FailureKind::Overloaded | FailureKind::MissingFacts | FailureKind::Quarantined)) {
            return;
        }
        let calls = self.calls.fetch_add(1, Relaxed) + 1;
        match failure.filter(|failure| failure.kind().is_fault()) {
            Some(failure) => self.fault(calls, failure),
            None => {
                let well = self.faults.load(Relaxed).saturating_mul(100) <= calls;
                if calls >= PROVEN && well && !self.proven.swap(true, Relaxed) {
                    (self.tell)(Verdict::Proven);
                }
            }
        }
    }

    fn fault(&self, calls: u64, failure: &Failure) {
        let faults = self.faults.fetch_add(1, Relaxed) + 1;
        // That it says itself that it could not is an answer.
        let strike = failure.kind() != FailureKind::Failed;
        let now = Instant::now();
        let (recent, strikes) = {
            let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
            failed.retain(|(at, _)| now.duration_since(*at) < self.strikes.within);
            // More than that tell nothing more.
            if failed.len() >= WORSE.max(self.strikes.most) * 2 {
                failed.pop_front();
            }
            failed.push_back((now, strike));
            (failed.len(), failed.iter().filter(|(_, strike)| *strike).count())
        };
        let within = self.strikes.within.as_secs();
        let verdict = if strikes >= self.strikes.most {
            Verdict::Struck(format!("{strikes} of its calls failed within {within} s, the last one: {failure}"))
        } else if recent >= WORSE && faults * WORSE_PART > calls && !self.proven() {
            Verdict::Worse(format!("{faults} of its first {calls} calls failed, the last one: {failure}"))
        } else {
            return;
        };
        if !self.told.swap(true, Relaxed) {
            (self.tell)(verdict);
        }
    }

    pub(crate) fn proven(&self) -> bool {
        self.proven.load(Relaxed)
    }

    /// It was proven by an earlier run.
    pub(crate) fn prove(&self) {
        self.proven.store(true, Relaxed);
    }

    /// What it did is forgotten: it may try again.
    pub(crate) fn forget(&self) {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.told.store(false, Relaxed);
    }

    /// What was told changed nothing. What it failed counts on.
    pub(crate) fn listen(&self) {
        self.told.store(false, Relaxed);
    }

    /// Calls that reached it, and those that it failed.
    pub(crate) fn figures(&self) -> (u64, u64) {
        (self.calls.load(Relaxed), self.faults.load(Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_twice_as_long_each_time_and_then_for_a_person() {
        let seconds = |times| Strikes::default().wait(times).map(|wait| wait.as_secs());
        let waits: Vec<_> = (1..=7).map(seconds).collect();
        assert_eq!(waits, [Some(10), Some(20), Some(40), Some(80), Some(160), Some(300), None]);
    }

    #[test]
    fn counts_strikes_on_where_being_worse_changed_nothing() {
        let told = std::sync::Arc::new(Mutex::new(Vec::new()));
        let into = std::sync::Arc::clone(&told);
        let judge = Judge::new(Strikes::default(), move |verdict| into.lock().expect("lock").push(verdict));
        let strike = Failure::BadAnswer("nonsense".into());
        let failed = Failure::Failed("no".into());
        for failure in [&failed, &failed, &strike, &failed, &strike] {
            judge.heard(Some(failure));
        }
        assert!(matches!(told.lock().expect("lock").as_slice(), [Verdict::Worse(_)]));
        judge.listen();
        judge.heard(Some(&strike));
        assert!(matches!(told.lock().expect("lock").as_slice(), [_, Verdict::Struck(_)]));
    }
}
