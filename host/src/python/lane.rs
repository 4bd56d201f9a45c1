//! A queue of calls with a few threads of its own, started by the first call.

use std::sync::Once;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

use super::Failure;

type Call = Box<dyn FnOnce() + Send>;

/// Threads that take calls from one bounded queue.
pub(super) struct Lane {
    name: &'static str,
    threads: usize,
    queue: Sender<Call>,
    calls: Receiver<Call>,
    started: Once,
}

impl Lane {
    /// `threads` of them, with room for `waiting` calls that none has taken yet.
    pub(super) fn new(name: &'static str, threads: usize, waiting: usize) -> Self {
        let (queue, calls) = bounded(waiting);
        Self { name, threads, queue, calls, started: Once::new() }
    }

    /// Puts a call in the queue; full is [`Failure::Overloaded`].
    pub(super) fn submit(&self, call: Call) -> Result<(), Failure> {
        self.started.call_once(|| self.start());
        self.queue.try_send(call).map_err(|error| match error {
            TrySendError::Full(_) => Failure::Overloaded,
            TrySendError::Disconnected(_) => Failure::Unusable("its threads ended".to_owned()),
        })
    }

    fn start(&self) {
        for number in 0..self.threads {
            let calls = self.calls.clone();
            let spawned = std::thread::Builder::new().name(format!("{}-{number}", self.name)).spawn(move || {
                for call in calls {
                    call();
                }
            });
            if let Err(error) = spawned {
                tracing::error!(lane = self.name, %error, "cannot start a Python thread");
            }
        }
    }
}
