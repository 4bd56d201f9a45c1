//! How long a call may take: time that its thread had the processor, not time that passed. A call on a busy machine may
//! wait long for its turn, and no plugin is at fault for that.

use std::time::{Duration, Instant};

use wasmtime::UpdateDeadline;

use crate::engine::TICK;

/// How often over its limit a call may take by the wall clock, where the machine does not let it run.
const PATIENCE: u32 = 20;

/// What is left of a call's time.
#[derive(Debug)]
pub(crate) struct Budget {
    time: Duration,
    /// By the wall clock, without what it waited for others.
    latest: Instant,
    /// The caller's own, by the wall clock.
    deadline: Option<Instant>,
    /// The thread's processor time when the call had run for one tick. Shorter calls, nearly all, never ask for it.
    after_a_tick: Option<Duration>,
    /// The call was stopped.
    pub(crate) over: bool,
}

impl Budget {
    /// Begins now. `deadline` is the caller's own, by the wall clock.
    pub(crate) fn new(time: Duration, deadline: Option<Instant>) -> Self {
        Self { time, latest: Instant::now() + time * PATIENCE, deadline, after_a_tick: None, over: false }
    }

    /// It waited so long for another server, which is not its fault.
    pub(crate) fn waited(&mut self, time: Duration) {
        self.latest += time;
    }

    /// Time until the caller's deadline, where there is one.
    pub(crate) fn until_deadline(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// Ticks until [`Budget::look`] is wanted first.
    pub(crate) const FIRST: u64 = 1;

    /// Decides at a tick whether the guest goes on. Call it in the thread that runs the guest.
    pub(crate) fn look(&mut self) -> UpdateDeadline {
        let left = self.left();
        self.over = left.is_zero();
        if self.over { UpdateDeadline::Interrupt } else { UpdateDeadline::Continue(ticks(left)) }
    }

    fn left(&mut self) -> Duration {
        let now = processor_time();
        let ran = TICK + now.saturating_sub(*self.after_a_tick.get_or_insert(now));
        let latest = self.deadline.map_or(self.latest, |deadline| deadline.min(self.latest));
        self.time.saturating_sub(ran).min(latest.saturating_duration_since(Instant::now()))
    }
}

fn ticks(time: Duration) -> u64 {
    u64::try_from(time.as_nanos() / TICK.as_nanos()).unwrap_or(u64::MAX / 2) + 1
}

/// Time that this thread had the processor.
#[cfg(unix)]
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.try_into().unwrap_or_default()
}

/// The wall clock stands in where the system's own is not known here.
#[cfg(not(unix))]
fn processor_time() -> Duration {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn goes_on(budget: &mut Budget) -> bool {
        matches!(budget.look(), UpdateDeadline::Continue(_))
    }

    #[test]
    fn a_call_that_waits_for_the_processor_goes_on_and_one_that_uses_it_ends() {
        let time = Duration::from_millis(60);
        let mut budget = Budget::new(time, None);
        assert!(goes_on(&mut budget));
        std::thread::sleep(2 * time);
        assert!(goes_on(&mut budget), "nothing ran");
        let start = Instant::now();
        while goes_on(&mut budget) {
            assert!(start.elapsed() < 100 * time, "it runs for ever");
        }
        assert!(budget.over);
    }

    #[test]
    fn the_callers_deadline_is_by_the_wall_clock() {
        let mut budget = Budget::new(Duration::from_secs(5), Some(Instant::now() + Duration::from_millis(20)));
        assert!(goes_on(&mut budget));
        std::thread::sleep(Duration::from_millis(25));
        assert!(!goes_on(&mut budget));
    }
}
