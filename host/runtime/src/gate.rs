//! How many calls of one plugin run at once, and how many may wait.

use std::{
    sync::{Condvar, Mutex, PoisonError},
    time::Instant,
};

/// A counting semaphore with a bounded queue.
#[derive(Debug)]
pub(crate) struct Gate {
    running: usize,
    waiting: usize,
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    running: usize,
    waiting: usize,
}

/// The right to run one call, given back on drop.
#[derive(Debug)]
pub(crate) struct Permit<'a>(&'a Gate);

impl Gate {
    pub(crate) fn new(running: usize, waiting: usize) -> Self {
        Self { running, waiting, state: Mutex::default(), freed: Condvar::new() }
    }

    /// Waits for a turn until `deadline`. `Err` says why there is none.
    pub(crate) fn enter(&self, deadline: Option<Instant>) -> Result<Permit<'_>, String> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.running >= self.running {
            if state.waiting >= self.waiting {
                let (running, waiting) = (state.running, state.waiting);
                return Err(format!("{running} calls run and {waiting} wait; try again in a moment"));
            }
            state.waiting += 1;
            while state.running >= self.running {
                let left = deadline.map(|d| d.saturating_duration_since(Instant::now()));
                state = match left {
                    None => self.freed.wait(state).unwrap_or_else(PoisonError::into_inner),
                    Some(left) if left.is_zero() => {
                        state.waiting -= 1;
                        return Err("no turn came before the caller's deadline; try again in a moment".to_owned());
                    }
                    Some(left) => self.freed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0,
                };
            }
            state.waiting -= 1;
        }
        state.running += 1;
        Ok(Permit(self))
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.running -= 1;
        drop(state);
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn refuses_what_neither_runs_nor_fits_the_queue() {
        let gate = Gate::new(1, 1);
        let first = gate.enter(None).expect("free");
        std::thread::scope(|s| {
            let second = s.spawn(|| gate.enter(None).map(drop));
            while gate.state.lock().expect("state").waiting == 0 {
                std::thread::sleep(Duration::from_millis(1));
            }
            assert!(gate.enter(None).expect_err("full").contains("1 calls run and 1 wait"));
            drop(first);
            second.join().expect("join").expect("a turn");
        });
    }

    #[test]
    fn gives_up_at_the_deadline() {
        let gate = Gate::new(1, 1);
        let _first = gate.enter(None).expect("free");
        let late = gate.enter(Some(Instant::now() + Duration::from_millis(5)));
        assert!(late.expect_err("late").contains("deadline"));
        assert_eq!(gate.state.lock().expect("state").waiting, 0);
    }
}
