//! Slows down guessing of passwords: after some failures a name waits.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Failures in a row before a name waits.
const FREE: u32 = 5;

/// The longest wait; it doubles from one second.
const LONGEST: Duration = Duration::from_secs(300);

/// Names remembered; beyond it the oldest is forgotten, so that made-up names can't fill the memory.
const NAMES: usize = 10_000;

/// Failures by name.
#[derive(Debug, Default)]
pub struct Throttle {
    failures: Mutex<HashMap<String, (u32, Instant)>>,
}

impl Throttle {
    /// How long `name` still has to wait, if at all.
    pub fn wait(&self, name: &str) -> Option<Duration> {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let (count, last) = failures.get(name)?;
        let pause = pause(*count)?;
        pause.checked_sub(last.elapsed()).filter(|left| !left.is_zero())
    }

    /// Counts a failed try.
    pub fn failed(&self, name: &str) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= NAMES
            && let Some(oldest) = failures.iter().min_by_key(|(_, (_, last))| *last).map(|(name, _)| name.clone())
        {
            failures.remove(&oldest);
        }
        let entry = failures.entry(name.to_owned()).or_insert((0, Instant::now()));
        *entry = (entry.0.saturating_add(1), Instant::now());
    }

    /// Forgets the failures of a name that got in.
    pub fn succeeded(&self, name: &str) {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }
}

/// The pause after `count` failures.
fn pause(count: u32) -> Option<Duration> {
    let beyond = count.checked_sub(FREE)?;
    Some(Duration::from_secs(1_u64 << beyond.min(10)).min(LONGEST))
}
