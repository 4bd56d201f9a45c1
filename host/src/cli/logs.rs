//! Structured logs on standard error.

use std::io::{IsTerminal as _, stderr};

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

use crate::config::log_filter;

/// Form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Text on a terminal, else JSON
    Auto,
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

/// Starts logging for the whole process; what to log is told by `RUST_LOG`.
pub(super) fn start(format: Format) {
    let lines = tracing_subscriber::fmt().with_env_filter(EnvFilter::new(log_filter())).with_writer(stderr);
    let text = format == Format::Text || (format == Format::Auto && stderr().is_terminal());
    // A second start in one process keeps the first.
    let _started =
        if text { lines.try_init() } else { lines.json().flatten_event(true).with_span_list(false).try_init() };
}
