//! Why a call gave no answer.

use std::{fmt, sync::Arc, time::Duration};

use semver::Version;
use serde::{Deserialize, Serialize};

use crate::facts::Group;

/// Which plugin: id, version and the SHA-256 of its file.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Identity {
    /// Id, equal to the file name without `.wasm`.
    pub id: String,
    /// Version from the manifest.
    pub version: Version,
    /// SHA-256 of the component file, 64 hexadecimal digits.
    pub digest: String,
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({})", self.id, self.version, &self.digest[..12.min(self.digest.len())])
    }
}

/// One mistake in a configuration or in arguments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// JSON Pointer (RFC 6901) to the field; empty for the whole document.
    pub pointer: String,
    /// What is wrong and what would be right.
    pub detail: String,
}

/// A failed call and the plugin that it went to.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("plugin {plugin}: {failure}")]
pub struct CallError {
    /// Which plugin.
    pub plugin: Arc<Identity>,
    /// What happened.
    pub failure: Failure,
}

/// How a call failed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Failure {
    /// The caller's input is wrong: every mistake at once, found by the schema or by the plugin.
    #[error("{}", list(.0))]
    Invalid(Vec<FieldError>),
    /// What the call names does not exist.
    #[error("not found: {0}")]
    NotFound(String),
    /// The caller may not do this.
    #[error("denied: {0}")]
    Denied(String),
    /// The plugin failed for a reason of its own.
    #[error("failed: {0}")]
    Failed(String),
    /// The guest stopped on an instruction that it may not run, most often after a panic.
    #[error("{0}")]
    Trapped(Trapped),
    /// The call took longer than it may.
    #[error("did not answer within {} ms", .0.as_millis())]
    TimedOut(Duration),
    /// The call wanted more memory or table elements than it may have.
    #[error("wanted more than {0}")]
    OutOfMemory(String),
    /// Too many calls of this plugin, or of all plugins, at once.
    #[error("overloaded: {0}")]
    Overloaded(String),
    /// The answer breaks the contract.
    #[error("gave an answer that breaks the contract: {0}")]
    BadAnswer(String),
    /// The caller did not gather groups of facts that the plugin reads.
    #[error("reads facts that were not gathered: {}", groups(.0))]
    MissingFacts(Vec<Group>),
    /// It failed too often and is not asked for a while.
    #[error("is in quarantine: {0}")]
    Quarantined(String),
}

/// What a trap tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trapped {
    /// What the guest wrote to its log at level error during the call, the panic message for one; else the trap.
    pub message: String,
    /// The trap as the engine names it.
    pub trap: String,
    /// Innermost guest functions first.
    pub backtrace: Vec<String>,
}

impl fmt::Display for Trapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "trapped: {}", self.message)?;
        if self.message != self.trap {
            write!(f, " ({})", self.trap)?;
        }
        f.write_str(&self.frames())
    }
}

impl Trapped {
    /// The trap and where it was, without the guest's own words.
    pub(crate) fn place(&self) -> String {
        format!("trapped: {}{}", self.trap, self.frames())
    }

    fn frames(&self) -> String {
        if self.backtrace.is_empty() { String::new() } else { format!("; in {}", self.backtrace.join(" < ")) }
    }
}

/// Kinds of failure, for counters and for the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// [`Failure::Invalid`].
    Invalid,
    /// [`Failure::NotFound`].
    NotFound,
    /// [`Failure::Denied`].
    Denied,
    /// [`Failure::Failed`].
    Failed,
    /// [`Failure::Trapped`].
    Trapped,
    /// [`Failure::TimedOut`].
    TimedOut,
    /// [`Failure::OutOfMemory`].
    OutOfMemory,
    /// [`Failure::Overloaded`].
    Overloaded,
    /// [`Failure::BadAnswer`].
    BadAnswer,
    /// [`Failure::MissingFacts`].
    MissingFacts,
    /// [`Failure::Quarantined`].
    Quarantined,
}

impl FailureKind {
    /// All kinds, in the order of their counters.
    pub const ALL: [Self; 11] = [
        Self::Invalid,
        Self::NotFound,
        Self::Denied,
        Self::Failed,
        Self::Trapped,
        Self::TimedOut,
        Self::OutOfMemory,
        Self::Overloaded,
        Self::BadAnswer,
        Self::MissingFacts,
        Self::Quarantined,
    ];

    /// Kebab-case name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::NotFound => "not-found",
            Self::Denied => "denied",
            Self::Failed => "failed",
            Self::Trapped => "trapped",
            Self::TimedOut => "timed-out",
            Self::OutOfMemory => "out-of-memory",
            Self::Overloaded => "overloaded",
            Self::BadAnswer => "bad-answer",
            Self::MissingFacts => "missing-facts",
            Self::Quarantined => "quarantined",
        }
    }

    /// True where the plugin is to blame, and not its caller or the load.
    pub fn is_fault(self) -> bool {
        matches!(self, Self::Failed | Self::Trapped | Self::TimedOut | Self::OutOfMemory | Self::BadAnswer)
    }
}

impl Failure {
    /// The kind without the detail.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Invalid(_) => FailureKind::Invalid,
            Self::NotFound(_) => FailureKind::NotFound,
            Self::Denied(_) => FailureKind::Denied,
            Self::Failed(_) => FailureKind::Failed,
            Self::Trapped(_) => FailureKind::Trapped,
            Self::TimedOut(_) => FailureKind::TimedOut,
            Self::OutOfMemory(_) => FailureKind::OutOfMemory,
            Self::Overloaded(_) => FailureKind::Overloaded,
            Self::BadAnswer(_) => FailureKind::BadAnswer,
            Self::MissingFacts(_) => FailureKind::MissingFacts,
            Self::Quarantined(_) => FailureKind::Quarantined,
        }
    }
}

fn list(errors: &[FieldError]) -> String {
    let each = errors.iter().map(|e| match e.pointer.as_str() {
        "" => e.detail.clone(),
        pointer => format!("{pointer}: {}", e.detail),
    });
    each.collect::<Vec<_>>().join("; ")
}

fn groups(groups: &[Group]) -> String {
    groups.iter().map(|g| g.name()).collect::<Vec<_>>().join(", ")
}
