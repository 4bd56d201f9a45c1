//! Starts CPython once, inside the virtual environment, without its signal handlers, and sends its log to ours.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use anyhow::{Context, bail};
use pyo3::ffi;
use pyo3::types::{PyAnyMethods, PyCFunction, PyTuple, PyTupleMethods};

use super::Settings;

/// Starts the interpreter. Called once; the first caller pays some 40 ms.
///
/// # Errors
/// Where the interpreter or the `drls` package is missing; says how to make them.
pub(super) fn start(settings: &Settings) -> anyhow::Result<()> {
    if !settings.executable.is_file() {
        bail!(
            "there is no interpreter at {}; run `make build`, or set python.executable in config.json",
            settings.executable.display()
        );
    }
    initialize(&settings.executable)?;
    pyo3::Python::attach(|py| -> pyo3::PyResult<()> {
        let path = py.import("sys")?.getattr("path")?;
        path.call_method1("insert", (0, settings.packages.as_os_str()))?;
        // pyspark starts workers with this interpreter; `sys.executable` of an embedded one is the server.
        let environ = py.import("os")?.getattr("environ")?;
        environ.set_item("PYSPARK_PYTHON", settings.executable.as_os_str())?;
        py.import("drls")?;
        forward_log(py)
    })
    .with_context(|| {
        format!("the drls package in {} could not be imported; run `make build`", settings.packages.display())
    })
}

#[expect(
    unsafe_code,
    reason = "PyO3 has no safe way to start an interpreter with a PyConfig, which alone honours pyvenv.cfg"
)]
fn initialize(executable: &Path) -> anyhow::Result<()> {
    let executable = CString::new(executable.as_os_str().as_bytes())?;
    // SAFETY: runs once, before any other use of Python (the gate's OnceLock), on a PyConfig that the C API itself
    // initialises and clears; the thread state is released at the end so that `attach` works from every thread.
    unsafe {
        let mut config: ffi::PyConfig = std::mem::zeroed();
        ffi::PyConfig_InitPythonConfig(&raw mut config);
        config.install_signal_handlers = 0;
        // Whatever the environment says: it takes the signals by which wasmtime learns of a trap, and ends the process at the first one.
        config.faulthandler = 0;
        config.parse_argv = 0;
        let set = ffi::PyConfig_SetBytesString(&raw mut config, &raw mut config.executable, executable.as_ptr());
        if ffi::PyStatus_Exception(set) != 0 {
            ffi::PyConfig_Clear(&raw mut config);
            bail!("the interpreter's path could not be set");
        }
        let started = ffi::Py_InitializeFromConfig(&raw const config);
        ffi::PyConfig_Clear(&raw mut config);
        if ffi::PyStatus_Exception(started) != 0 {
            bail!("CPython did not start; is the environment whole? `make build` makes it anew");
        }
        ffi::PyEval_SaveThread();
    }
    Ok(())
}

/// Sends records of Python's `logging` to `tracing`, under target `python`.
fn forward_log(py: pyo3::Python<'_>) -> pyo3::PyResult<()> {
    let write = PyCFunction::new_closure(py, None, None, |args: &pyo3::Bound<'_, PyTuple>, _| -> pyo3::PyResult<()> {
        let level: i32 = args.get_item(0)?.extract()?;
        let logger: String = args.get_item(1)?.extract()?;
        let message: String = args.get_item(2)?.extract()?;
        match level {
            40.. => tracing::error!(target: "python", logger, "{message}"),
            30.. => tracing::warn!(target: "python", logger, "{message}"),
            20.. => tracing::info!(target: "python", logger, "{message}"),
            _ => tracing::debug!(target: "python", logger, "{message}"),
        }
        Ok(())
    })?;
    py.import("drls.logs")?.call_method1("forward", (write,))?;
    Ok(())
}
