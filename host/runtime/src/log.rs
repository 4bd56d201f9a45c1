//! What plugins write to their log: the last lines of each plugin, kept across versions.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use semver::Version;
use serde::Serialize;

use crate::{error::Identity, limits::Limits};

/// Lines kept for each plugin.
const KEPT: usize = 500;

/// How bad a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Details for the author.
    Debug,
    /// Worth knowing.
    Info,
    /// Odd, yet the call went on.
    Warn,
    /// A call failed; a panic message is one.
    Error,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogLine {
    /// When, milliseconds since the Unix epoch, UTC.
    pub at: i64,
    /// How bad.
    pub level: Level,
    /// The text, cut to the limit.
    pub message: String,
    /// Version of the plugin that wrote it.
    pub version: Version,
    /// SHA-256 of its file.
    pub digest: String,
}

/// The last lines of one plugin.
#[derive(Debug)]
pub(crate) struct LogRing {
    most_per_second: u32,
    longest: usize,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    lines: VecDeque<LogLine>,
    window: Instant,
    in_window: u32,
    dropped_in_window: u64,
    dropped: u64,
}

impl LogRing {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            most_per_second: limits.log_lines_per_second,
            longest: limits.log_line,
            inner: Mutex::new(Inner {
                lines: VecDeque::new(),
                window: Instant::now(),
                in_window: 0,
                dropped_in_window: 0,
                dropped: 0,
            }),
        }
    }

    /// Keeps a line and gives it, unless the plugin wrote too many in this second.
    pub(crate) fn write(&self, plugin: &Identity, level: Level, message: String) -> Option<LogLine> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if now.duration_since(inner.window) >= Duration::from_secs(1) {
            let dropped = std::mem::take(&mut inner.dropped_in_window);
            (inner.window, inner.in_window) = (now, 0);
            if dropped > 0 {
                let text = format!("{dropped} lines were dropped: over {} in a second", self.most_per_second);
                inner.keep(plugin, Level::Warn, text);
            }
        }
        if inner.in_window >= self.most_per_second {
            inner.dropped_in_window += 1;
            inner.dropped += 1;
            return None;
        }
        inner.in_window += 1;
        match level {
            Level::Debug => tracing::debug!(target: "drls::plugin", plugin = %plugin, "{message}"),
            Level::Info => tracing::info!(target: "drls::plugin", plugin = %plugin, "{message}"),
            Level::Warn => tracing::warn!(target: "drls::plugin", plugin = %plugin, "{message}"),
            Level::Error => tracing::error!(target: "drls::plugin", plugin = %plugin, "{message}"),
        }
        Some(inner.keep(plugin, level, message))
    }

    /// `message` cut to the longest line, at a character boundary.
    pub(crate) fn cut(&self, mut message: String) -> String {
        if message.len() > self.longest {
            const MARK: &str = "…";
            message.truncate(message.floor_char_boundary(self.longest.saturating_sub(MARK.len())));
            message.push_str(MARK);
        }
        message
    }

    /// Lines, oldest first.
    pub(crate) fn lines(&self) -> Vec<LogLine> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).lines.iter().cloned().collect()
    }

    /// Lines that were dropped since the start.
    pub(crate) fn dropped(&self) -> u64 {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).dropped
    }
}

impl Inner {
    fn keep(&mut self, plugin: &Identity, level: Level, message: String) -> LogLine {
        if self.lines.len() == KEPT {
            self.lines.pop_front();
        }
        let line = LogLine {
            at: millis(SystemTime::now()),
            level,
            message,
            version: plugin.version.clone(),
            digest: plugin.digest.clone(),
        };
        self.lines.push_back(line.clone());
        line
    }
}

/// Milliseconds since the Unix epoch, UTC; 0 for a clock that stands before it.
pub(crate) fn millis(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
