//! Counters of one version of a plugin. Written by every call, so without locks.

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
    runs: Histogram,
    instances: Histogram,
    waits: Histogram,
    memory_peak: AtomicU64,
    last_error: Mutex<Option<String>>,
}

/// Counts of times by bucket.
#[derive(Debug)]
struct Histogram {
    buckets: [AtomicU64; BUCKETS],
    sum_us: AtomicU64,
}

/// What a histogram held at one moment.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Times {
    /// Median, microseconds; absent before the first.
    pub p50_us: Option<u64>,
    /// 99th percentile, microseconds.
    pub p99_us: Option<u64>,
    /// All together, microseconds.
    pub sum_us: u64,
    #[serde(skip)]
    counts: Vec<u64>,
}

impl Times {
    /// How many there were.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Upper bounds in microseconds, each four times the one before, with the number of times that each holds beside those
    /// below it; what is longer than the last, 16 s, is in none. The finer buckets fill these without a rest.
    pub fn by_bound(&self) -> Vec<(u64, u64)> {
        let bounds = (1..=12).map(|power| 1 << (2 * power));
        let mut of = self.counts.iter().enumerate().map(|(index, count)| (upper(index), *count)).peekable();
        bounds
            .map(|bound| (bound, std::iter::from_fn(|| of.next_if(|(top, _)| *top < bound)).map(|(_, n)| n).sum()))
            .collect()
    }
}

/// Counters at one moment.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Counters {
    /// Calls that were answered or failed.
    pub calls: u64,
    /// Failed calls by kind; kinds that never happened are absent.
    pub failures: BTreeMap<FailureKind, u64>,
    /// Times of calls in the guest, from a fresh store to the answer.
    pub runs: Times,
    /// Of them the time until the instance was there.
    pub instances: Times,
    /// Times that calls waited for their turn.
    pub waits: Times,
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
            runs: Histogram::default(),
            instances: Histogram::default(),
            waits: Histogram::default(),
            memory_peak: AtomicU64::new(0),
            last_error: Mutex::new(None),
        }
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: std::array::from_fn(|_| AtomicU64::new(0)), sum_us: AtomicU64::new(0) }
    }
}

impl Histogram {
    fn add(&self, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.buckets[bucket(us)].fetch_add(1, Relaxed);
        self.sum_us.fetch_add(us, Relaxed);
    }

    fn read(&self) -> Times {
        let counts: Vec<u64> = self.buckets.iter().map(|b| b.load(Relaxed)).collect();
        let (p50_us, p99_us) = (quantile(&counts, 50), quantile(&counts, 99));
        Times { p50_us, p99_us, sum_us: self.sum_us.load(Relaxed), counts }
    }
}

impl Stats {
    /// Records a run of guest code, whatever came out of it.
    pub(crate) fn ran(&self, took: Duration, memory: u64) {
        self.runs.add(took);
        self.memory_peak.fetch_max(memory, Relaxed);
    }

    /// Records how long an instance took to make.
    pub(crate) fn instantiated(&self, took: Duration) {
        self.instances.add(took);
    }

    /// Records how long a call waited for its turn.
    pub(crate) fn waited(&self, took: Duration) {
        self.waits.add(took);
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

    /// The counters now.
    pub(crate) fn read(&self) -> Counters {
        let failures = FailureKind::ALL.iter().zip(&self.failures);
        Counters {
            calls: self.calls.load(Relaxed),
            failures: failures.map(|(k, n)| (*k, n.load(Relaxed))).filter(|(_, n)| *n > 0).collect(),
            runs: self.runs.read(),
            instances: self.instances.read(),
            waits: self.waits.read(),
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
        assert_eq!(stats.read().runs.p50_us, None);
        for us in [10, 10, 10, 1000] {
            stats.ran(Duration::from_micros(us), us);
        }
        let read = stats.read();
        assert_eq!((read.runs.p50_us, read.memory_peak), (Some(11), 1000));
        assert!(read.runs.p99_us >= Some(1000));
        assert_eq!((read.runs.count(), read.runs.sum_us), (4, 1030));
        assert_eq!(read.runs.by_bound()[..5], [(4, 0), (16, 3), (64, 0), (256, 0), (1024, 1)]);
    }
}
