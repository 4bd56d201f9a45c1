//! The only place that attaches to Python. Everything else hands plain data to [`Python::call`] and awaits plain data.
//!
//! Python is entered on a few threads of its own, by lanes: short reads never queue behind Spark, and a cancel never
//! queues behind the work that it cancels. Each lane has a bounded queue and each call a deadline; what is over the
//! bound is refused at once. Callers hold no lock and no transaction here.

mod failure;
mod interpreter;
mod lane;

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use pyo3::types::{PyAnyMethods, PyDict, PyDictMethods};
use pyo3::{Bound, PyAny, PyErr};
use serde::Serialize;
use serde::de::DeserializeOwned;

use lane::Lane;

/// Where the interpreter and the `drls` Python package are.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Interpreter of the environment, `<venv>/bin/python`; its `pyvenv.cfg` decides where packages come from.
    pub executable: PathBuf,
    /// Folder that holds the `drls` package.
    pub packages: PathBuf,
}

/// Which queue a call waits in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Catalog and metadata reads, metadata-only commits: milliseconds to a few seconds.
    Short,
    /// Anything that waits for Spark or lists storage: seconds to hours.
    Long,
    /// Cancels and progress of long work: never behind it.
    Control,
}

/// Why a call gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The Python side said what is wrong, in words for people.
    #[error("{code}: {detail}")]
    Told {
        /// Stable kebab-case code.
        code: String,
        /// One sentence.
        detail: String,
        /// Mistakes in the input: JSON pointer and sentence.
        errors: Vec<(String, String)>,
        /// The exception behind it, for the log.
        trace: String,
    },
    /// An exception that nobody translated; the text is for the log only.
    #[error("unexpected exception in Python")]
    Crashed {
        /// The traceback.
        trace: String,
    },
    /// The lane's queue is full.
    #[error("too many calls are waiting for Python")]
    Overloaded,
    /// No answer before the deadline. What was begun goes on to its end in Python.
    #[error("no answer from Python within {0:?}")]
    TimedOut(Duration),
    /// The interpreter could not be started.
    #[error("Python is not usable: {0}")]
    Unusable(String),
}

/// State of the interpreter, for `GET /api/health` and `drls doctor`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Nothing has asked for it yet.
    Idle,
    /// Started.
    Ready,
    /// Could not be started; says why.
    Failed(String),
}

/// The gate to the embedded interpreter. Starts nothing before the first call.
pub struct Python {
    settings: Settings,
    started: std::sync::Arc<OnceLock<Result<(), String>>>,
    short: Lane,
    long: Lane,
    control: Lane,
}

impl Python {
    /// A gate for an interpreter that the first call starts.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            started: std::sync::Arc::new(OnceLock::new()),
            short: Lane::new("python-short", 2, 64),
            long: Lane::new("python-long", 4, 32),
            control: Lane::new("python-control", 1, 32),
        }
    }

    /// Whether the interpreter runs; starts nothing.
    pub fn state(&self) -> State {
        match self.started.get() {
            None => State::Idle,
            Some(Ok(())) => State::Ready,
            Some(Err(detail)) => State::Failed(detail.clone()),
        }
    }

    /// Calls `drls.<function>(**arguments)`, `function` as "facts.read_metadata", and takes its answer as `R`.
    ///
    /// # Errors
    /// [`Failure`]; after a [`Failure::TimedOut`] the call may still take effect in Python.
    pub async fn call<A, R>(
        &self,
        work: Work,
        function: &'static str,
        arguments: A,
        deadline: Duration,
    ) -> Result<R, Failure>
    where
        A: Serialize + Send + 'static,
        R: DeserializeOwned + Send + 'static,
    {
        let (answer, answered) = tokio::sync::oneshot::channel();
        let span = tracing::debug_span!("python", function);
        let settings = self.settings.clone();
        let started = self.started.clone();
        let lane = match work {
            Work::Short => &self.short,
            Work::Long => &self.long,
            Work::Control => &self.control,
        };
        lane.submit(Box::new(move || {
            // The caller went away or its deadline passed while this waited: nothing was begun, so nothing is done.
            if answer.is_closed() {
                return;
            }
            let _in_span = span.enter();
            let ready = started.get_or_init(|| interpreter::start(&settings).map_err(|e| format!("{e:#}")));
            let result = match ready {
                Ok(()) => invoke(function, &arguments),
                Err(detail) => Err(Failure::Unusable(detail.clone())),
            };
            // Nobody waits any more: the answer is of no use.
            drop(answer.send(result));
        }))?;
        match tokio::time::timeout(deadline, answered).await {
            Err(_) => Err(Failure::TimedOut(deadline)),
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(Failure::Crashed { trace: format!("the thread that called {function} ended") }),
        }
    }
}

fn invoke<A: Serialize, R: DeserializeOwned>(function: &str, arguments: &A) -> Result<R, Failure> {
    pyo3::Python::attach(|py| {
        let crashed = |trace: String| Failure::Crashed { trace };
        let (module, name) = function.rsplit_once('.').ok_or_else(|| crashed(format!("{function} names no module")))?;
        let kwargs = pythonize::pythonize(py, arguments).map_err(|e| crashed(e.to_string()))?;
        let kwargs = kwargs.cast_into::<PyDict>().map_err(|e| crashed(e.to_string()))?;
        py.import(format!("drls.{module}"))
            .and_then(|module| module.getattr(name))
            .and_then(|callable| callable.call((), Some(&kwargs)))
            .map_err(|error| translate(&error, py))
            .and_then(|answer| {
                pythonize::depythonize(&answer).map_err(|e| crashed(format!("answer of {function}: {e}")))
            })
    })
}

/// A `drls.errors.DrlsError` keeps its code and words; anything else is a crash with its traceback.
fn translate(error: &PyErr, py: pyo3::Python<'_>) -> Failure {
    let trace = traceback(error, py);
    let told = || -> Option<Failure> {
        let class = py.import("drls.errors").ok()?.getattr("DrlsError").ok()?;
        let value: Bound<'_, PyAny> = error.value(py).clone().into_any();
        if !value.is_instance(&class).ok()? {
            return None;
        }
        Some(Failure::Told {
            code: value.getattr("code").ok()?.extract().ok()?,
            detail: value.getattr("detail").ok()?.extract().ok()?,
            errors: value.getattr("errors").ok()?.extract().ok()?,
            trace: trace.clone(),
        })
    };
    told().unwrap_or(Failure::Crashed { trace })
}

fn traceback(error: &PyErr, py: pyo3::Python<'_>) -> String {
    let format = || -> pyo3::PyResult<String> {
        let kwargs = PyDict::new(py);
        kwargs.set_item("limit", -12)?;
        let lines = py.import("traceback")?.call_method("format_exception", (error.value(py),), Some(&kwargs))?;
        let lines: Vec<String> = lines.extract()?;
        Ok(lines.concat())
    };
    format().unwrap_or_else(|_| error.to_string())
}
