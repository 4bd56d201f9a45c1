//! One call: a fresh store with its limits, the guest's run, and what went wrong with it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use wasmtime::{Engine, PoolConcurrencyLimitError, Store, Trap, WasmBacktrace};

use crate::{
    bindings::{log as wit_log, types},
    budget::Budget,
    error::{Failure, Identity, Trapped},
    facts::TableFacts,
    http::Client,
    limits::{Denied, Limiter, Limits},
    log::{Level, LogLine, LogRing},
    stats::Stats,
};

/// Lines of level error that a call keeps to explain a trap.
const ERROR_LINES: usize = 4;
/// Lines that a call hands on to who made it.
const TOLD_LINES: usize = 200;
/// Guest functions named in a trap.
const FRAMES: usize = 6;

/// What the host keeps for one call.
pub(crate) struct CallState {
    pub(crate) facts: Option<Arc<TableFacts>>,
    limiter: Limiter,
    log: Arc<LogRing>,
    plugin: Arc<Identity>,
    error_lines: Vec<String>,
    told: Vec<LogLine>,
    pub(crate) budget: Budget,
    /// Of a plugin that asks for it.
    pub(crate) client: Option<Client>,
}

impl std::fmt::Debug for CallState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CallState").field("plugin", &self.plugin).finish_non_exhaustive()
    }
}

/// What a run needs besides the code.
pub(crate) struct Frame<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) limits: &'a Limits,
    pub(crate) plugin: &'a Arc<Identity>,
    pub(crate) log: &'a Arc<LogRing>,
    pub(crate) stats: &'a Stats,
    pub(crate) memory: u64,
    pub(crate) time: Duration,
    pub(crate) client: Option<Client>,
}

impl Frame<'_> {
    /// Runs `guest` in a fresh store, until `deadline` at the latest.
    pub(crate) fn run<R>(
        self,
        facts: Option<&Arc<TableFacts>>,
        deadline: Option<Instant>,
        guest: impl FnOnce(&mut Store<CallState>) -> wasmtime::Result<R>,
    ) -> Result<R, Failure> {
        self.run_told(facts, deadline, guest).map(|(answer, _)| answer)
    }

    /// As [`Frame::run`], with the first lines that the guest wrote to its log meanwhile.
    pub(crate) fn run_told<R>(
        self,
        facts: Option<&Arc<TableFacts>>,
        deadline: Option<Instant>,
        guest: impl FnOnce(&mut Store<CallState>) -> wasmtime::Result<R>,
    ) -> Result<(R, Vec<LogLine>), Failure> {
        let start = Instant::now();
        let limits = self.limits;
        let mut store = Store::new(
            self.engine,
            CallState {
                facts: facts.cloned(),
                limiter: Limiter::new(limits, self.memory),
                log: Arc::clone(self.log),
                plugin: Arc::clone(self.plugin),
                error_lines: Vec::new(),
                told: Vec::new(),
                budget: Budget::new(self.time, deadline),
                client: self.client,
            },
        );
        store.limiter(|state| &mut state.limiter);
        store.set_hostcall_fuel(limits.answer);
        store.set_epoch_deadline(Budget::FIRST);
        store.epoch_deadline_callback(|mut store| Ok(store.data_mut().budget.look()));
        let answer = guest(&mut store);
        let state = store.data_mut();
        self.stats.ran(start.elapsed(), state.limiter.memory());
        match answer {
            Ok(answer) => Ok((answer, std::mem::take(&mut state.told))),
            Err(error) => {
                let failure = explain(&error, state, limits, self.memory, self.time);
                if let Failure::Trapped(trapped) = &failure {
                    // Behind what the guest said itself, for who reads its log: where it was.
                    self.log.write(self.plugin, Level::Error, self.log.cut(trapped.place()));
                }
                Err(failure)
            }
        }
    }
}

fn explain(error: &wasmtime::Error, state: &mut CallState, limits: &Limits, memory: u64, time: Duration) -> Failure {
    if state.budget.over {
        return Failure::TimedOut(time);
    }
    match state.limiter.denied {
        Some(Denied::Memory) => {
            return Failure::OutOfMemory(format!("{} MiB of memory in one call", memory >> 20));
        }
        Some(Denied::Table) => {
            return Failure::OutOfMemory(format!("{} table elements in one call", limits.table_elements));
        }
        None => {}
    }
    if error.is::<PoolConcurrencyLimitError>() {
        return Failure::Overloaded("the calls of all plugins take every slot; try again in a moment".to_owned());
    }
    if let Some(trap) = error.downcast_ref::<Trap>() {
        let trap = trap.to_string();
        let mut message = std::mem::take(&mut state.error_lines).join("\n");
        if message.is_empty() {
            message.clone_from(&trap);
        }
        return Failure::Trapped(Trapped { message, trap, backtrace: backtrace(error) });
    }
    let text = error.root_cause().to_string();
    // The engine's error type for this is private, so its text is all there is; a test holds it.
    if text.contains("fuel allocated for hostcalls") {
        return Failure::BadAnswer(format!("more than {} MiB handed over in one call", limits.answer >> 20));
    }
    Failure::BadAnswer(text)
}

fn backtrace(error: &wasmtime::Error) -> Vec<String> {
    let Some(trace) = error.downcast_ref::<WasmBacktrace>() else { return Vec::new() };
    let name = |frame: &wasmtime::FrameInfo| match frame.func_name() {
        Some(name) => name.to_owned(),
        None => format!("function {}", frame.func_index()),
    };
    trace.frames().iter().take(FRAMES).map(name).collect()
}

impl types::Host for CallState {}

impl wit_log::Host for CallState {
    fn write(&mut self, level: wit_log::Level, message: String) -> wasmtime::Result<()> {
        let message = self.log.cut(message);
        let level = match level {
            wit_log::Level::Debug => Level::Debug,
            wit_log::Level::Info => Level::Info,
            wit_log::Level::Warn => Level::Warn,
            wit_log::Level::Error => Level::Error,
        };
        if level == Level::Error {
            if self.error_lines.len() == ERROR_LINES {
                self.error_lines.remove(0);
            }
            self.error_lines.push(message.clone());
        }
        if let Some(line) = self.log.write(&self.plugin, level, message)
            && self.told.len() < TOLD_LINES
        {
            self.told.push(line);
        }
        Ok(())
    }
}
