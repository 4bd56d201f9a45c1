//! Counters of one plugin. Written by every call, so without locks.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use serde::Serialize;

use crate::error::{Failure, FailureKind};

/// Buckets of a power of two: a figure read from the histogram is at most 19 % above the true one.
const PER_OCTAVE: u64 = 4;
const BUCKETS: usize = 128;

/// Counts calls, failures and times.
#[derive(Debug)]
pub(crate) struct Stats {
    calls: AtomicU64,
    failures: [AtomicU64; FailureKind::ALL.len()],
    buckets: [AtomicU64; BUCKETS],
    memory_peak: AtomicU64,
    last_error: Mutex<Option<String>>,
}

/// Counters at one moment.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Counters {
    /// Calls that were answered or failed.
    pub calls: u64,
    /// Failed calls by kind; kinds that never happened are absent.
    pub failures: BTreeMap<FailureKind, u64>,
    /// Median time of a call in the guest, microseconds; absent before the first call.
    pub p50_us: Option<u64>,
    /// 99th percentile, microseconds.
    pub p99_us: Option<u64>,
    /// The most linear memory that one call held, bytes.
    pub memory_peak: u64,
    /// Text of the latest failure that the plugin is to blame for.
    pub last_error: Option<String>,
}

impl Counters {
    /// Calls that failed and that the plugin is to blame for.
    pub fn faults(&self) -> u64 {
        self.failures.iter().filter(|(kind, _)| kind.is_fault()).map(|(_, n)| n).sum()
    }
}

impl Default for Stats {
    fn default() -> Self {
        Self {
            calls: AtomicU64::new(0),
            failures: std::array::from_fn(|_| AtomicU64::new(0)),
            buckets: std::array::from_fn(|_| AtomicU64::new(0)),
            memory_peak: AtomicU64::new(0),
            last_error: Mutex::new(None),
        }
    }
}

impl Stats {
    /// Records a run of guest code, whatever came out of it.
    pub(crate) fn ran(&self, took: Duration, memory: u64) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.buckets[bucket(us)].fetch_add(1, Relaxed);
        self.memory_peak.fetch_max(memory, Relaxed);
    }

    /// Records the outcome of a call.
    pub(crate) fn called(&self, failure: Option<&Failure>) {
        self.calls.fetch_add(1, Relaxed);
        if let Some(failure) = failure {
            let kind = failure.kind();
            self.failures[kind as usize].fetch_add(1, Relaxed);
            if kind.is_fault() {
                *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure.to_string());
            }
        }
    }

    /// Forgets what describing and testing the plugin left.
    pub(crate) fn reset(&self) {
        self.calls.store(0, Relaxed);
        self.memory_peak.store(0, Relaxed);
        self.failures.iter().chain(&self.buckets).for_each(|n| n.store(0, Relaxed));
        *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The counters now.
    pub(crate) fn read(&self) -> Counters {
        let counts: Vec<u64> = self.buckets.iter().map(|b| b.load(Relaxed)).collect();
        let failures = FailureKind::ALL.iter().zip(&self.failures);
        Counters {
            calls: self.calls.load(Relaxed),
            failures: failures.map(|(k, n)| (*k, n.load(Relaxed))).filter(|(_, n)| *n > 0).collect(),
            p50_us: quantile(&counts, 50),
            p99_us: quantile(&counts, 99),
            memory_peak: self.memory_peak.load(Relaxed),
            last_error: self.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}

/// Exact up to 7 us, then four buckets to a power of two.
fn bucket(us: u64) -> usize {
    if us < 2 * PER_OCTAVE {
        return usize::try_from(us).unwrap_or(0);
    }
    let octave = u64::from(us.ilog2()) - 2;
    let within = (us >> octave) - PER_OCTAVE;
    usize::try_from((octave + 1) * PER_OCTAVE + within).map_or(BUCKETS - 1, |i| i.min(BUCKETS - 1))
}

/// Largest figure that falls into bucket `index`.
fn upper(index: usize) -> u64 {
    let index = index as u64;
    if index < 2 * PER_OCTAVE {
        return index;
    }
    let (octave, within) = (index / PER_OCTAVE - 1, index % PER_OCTAVE);
    ((PER_OCTAVE + within + 1) << octave) - 1
}

fn quantile(counts: &[u64], percent: u64) -> Option<u64> {
    let total: u64 = counts.iter().sum();
    let rank = (total * percent).div_ceil(100);
    let mut seen = 0;
    let index = counts.iter().position(|n| {
        seen += n;
        seen >= rank && seen > 0
    });
    index.map(upper)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_hold_what_they_say() {
        for us in (0..5000).chain([70_000, 1_000_000, 12_345_678]) {
            let top = upper(bucket(us));
            assert!(top >= us && top as f64 <= us as f64 * 1.25 + 1.0, "{us} is read as {top}");
        }
    }

    #[test]
    fn quantiles_come_from_the_counts() {
        let stats = Stats::default();
        assert_eq!(stats.read().p50_us, None);
        for us in [10, 10, 10, 1000] {
            stats.ran(Duration::from_micros(us), us);
        }
        let read = stats.read();
        assert_eq!((read.p50_us, read.memory_peak), (Some(11), 1000));
        assert!(read.p99_us >= Some(1000));
    }
}
