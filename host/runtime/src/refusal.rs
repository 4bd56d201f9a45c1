//! Why a file is not taken as a plugin. Every text says what to do about it.

use serde::Serialize;

use crate::{
    error::{Failure, FieldError},
    inspect::CONTRACT,
    rights::Rights,
    signature::PublicKey,
};

/// A reason to refuse a plugin file.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// Nothing in it.
    #[error("the file is empty; copy it again")]
    Empty,
    /// It ends in the middle of a section.
    #[error("the file ends too early; copy it again, best by writing beside it and renaming")]
    Truncated,
    /// Not a WebAssembly binary.
    #[error("not a WebAssembly binary; build one with `drls plugin build`")]
    NotWasm,
    /// A core module, not a component.
    #[error("a core WebAssembly module, not a component; `drls plugin build` makes a component of it")]
    CoreModule,
    /// The validator does not take it.
    #[error("not a valid component: {0}; build it again with `drls plugin build`")]
    InvalidBinary(String),
    /// Its imports or exports do not fit.
    #[error("does not fit the plugin contract {CONTRACT}: {}", join(.0))]
    Contract(Vec<Mismatch>),
    /// No manifest inside.
    #[error("no manifest inside; `drls plugin build` in the folder with its plugin.toml adds one")]
    NoManifest,
    /// A manifest that this release does not read.
    #[error("the manifest inside cannot be read: {0}; build it again with this release's `drls plugin build`")]
    BadManifest(String),
    /// The id does not fit the file name.
    #[error("its id is {id:?}, so the file must be named {id}.wasm, not {file}")]
    IdMismatch {
        /// Id in the manifest.
        id: String,
        /// Name of the file.
        file: String,
    },
    /// Another file has this id.
    #[error(
        "its id {id:?} belongs to {other} already; remove one of the two, or give this one another id and file name"
    )]
    DuplicateId {
        /// Id in the manifest.
        id: String,
        /// The file that has it.
        other: String,
    },
    /// Too big a file.
    #[error("{size} bytes, over the limit of {most} bytes for a plugin; strip debug information from it")]
    TooBig {
        /// Size of the file.
        size: u64,
        /// Limit.
        most: u64,
    },
    /// A symbolic link that leads out of the plugins folder, or no regular file.
    #[error("{0}; copy the component itself into the folder")]
    NotAFile(String),
    /// Reading or storing it failed.
    #[error("{0}; check the disk and the permissions of the folder")]
    Io(String),
    /// The compiler does not take it.
    #[error("does not compile: {0}")]
    Compile(String),
    /// It can't be linked, and no difference from the contract was found: the names that the linker gives.
    #[error("does not link against the plugin contract {CONTRACT} at {0}; build it again with `drls plugin build`")]
    Link(String),
    /// `describe` failed or gave something that cannot be used.
    #[error("describe {0}")]
    Describe(String),
    /// The manifest asks for more than the host gives.
    #[error("the manifest asks for {0}")]
    Limits(String),
    /// The configuration does not fit the plugin's schema.
    #[error("its configuration is wrong: {}", Failure::Invalid(.0.clone()))]
    Config(Vec<FieldError>),
    /// Self-tests gave something else than expected.
    #[error("self-test {}", .0.join("; self-test "))]
    SelfTest(Vec<String>),
    /// It served and failed too often.
    #[error("in quarantine: {0}; put another version there, or enable it to try this one again")]
    Quarantined(String),
    /// It sends requests, but does not say where to.
    #[error(
        "it imports drls:http/client, but its manifest names no hosts; add [needs.http] with hosts = [...] to plugin.toml and build it again"
    )]
    Needs,
    /// It wants more than an admin granted.
    #[error("it waits for an admin to grant {}", .0.missing.words())]
    NeedsGrant(Box<Wanted>),
    /// The operator lets in what trusted keys signed, and this is not.
    #[error(
        "{0}, and only what a trusted key signed serves here; sign it with `drls plugin sign`, or trust its key in the settings under plugin_trust"
    )]
    Signature(String),
    /// Older than what served, where only signed plugins serve: an old version may have holes that were closed since.
    #[error(
        "{newest} served already, and an older version does not take its place by itself; go back to it with `drls plugin rollback`"
    )]
    Older {
        /// The newest that served.
        newest: semver::Version,
    },
    /// The lock file does not name it.
    #[error(
        "plugins.lock {0}; run `drls plugin lock` to let in the files that are there, or put the one there that it names"
    )]
    Lock(String),
    /// What was decided about it can't be read, so nobody knows whether it may serve.
    #[error("what was decided about it can't be read: {0}; mend that file, or remove it to forget the decisions")]
    Ledger(String),
}

/// What a plugin waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Wanted {
    /// All that it asks for.
    pub asked: Rights,
    /// What of it is not granted.
    pub missing: Rights,
    /// Key that signed it: a grant holds for versions that the same key signed.
    pub signer: Option<PublicKey>,
}

/// One thing in a component's imports or exports that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// It exports no kind that this host knows.
    #[error(
        "exports {}, but a health rule exports drls:plugin/health@{CONTRACT} and a table operation \
         drls:plugin/operation@{CONTRACT}", names(.0)
    )]
    NoKind(Vec<String>),
    /// It imports an interface that the host does not give.
    #[error("imports {name}, which the host does not give to plugins{}", fix(.name))]
    ExtraImport {
        /// Full name of the import.
        name: String,
    },
    /// It wants something that the interface does not have.
    #[error("{interface} has no {item}{}", .nearest.as_ref().map(|n| format!("; nearest is {n}")).unwrap_or_default())]
    UnknownItem {
        /// Interface.
        interface: String,
        /// Item in it.
        item: String,
        /// The known item that looks most like it.
        nearest: Option<String>,
    },
    /// It lacks a function of the kind that it exports.
    #[error("exports {interface} without {item}")]
    MissingItem {
        /// Interface.
        interface: String,
        /// Function.
        item: String,
    },
    /// It has the name of something in the contract, and another type.
    #[error(
        "{item} of {interface} is {found} in it and {wanted} in the contract; rebuild it against this release's wit folder"
    )]
    OtherType {
        /// Interface.
        interface: String,
        /// Function or type in it.
        item: String,
        /// Type in the contract, as WIT has it.
        wanted: String,
        /// Type in the component.
        found: String,
    },
    /// It was built for another version of the contract.
    #[error("{name} is of another version of the contract; rebuild it with this release's `drls plugin build`")]
    OtherVersion {
        /// Full name of the import or export.
        name: String,
    },
}

impl Refusal {
    /// True where more bytes may still come: the file may be in the middle of a copy.
    pub fn unfinished(&self) -> bool {
        matches!(self, Self::Empty | Self::Truncated)
    }

    /// Stable kebab-case name.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Truncated => "truncated",
            Self::NotWasm => "not-wasm",
            Self::CoreModule => "core-module",
            Self::InvalidBinary(_) => "invalid-binary",
            Self::Contract(_) => "contract",
            Self::NoManifest => "no-manifest",
            Self::BadManifest(_) => "bad-manifest",
            Self::IdMismatch { .. } => "id-mismatch",
            Self::DuplicateId { .. } => "duplicate-id",
            Self::TooBig { .. } => "too-big",
            Self::NotAFile(_) => "not-a-file",
            Self::Io(_) => "io",
            Self::Compile(_) => "compile",
            Self::Link(_) => "link",
            Self::Describe(_) => "describe",
            Self::Limits(_) => "limits",
            Self::Config(_) => "config",
            Self::SelfTest(_) => "self-test",
            Self::Quarantined(_) => "quarantined",
            Self::Needs => "needs",
            Self::NeedsGrant(_) => "needs-grant",
            Self::Signature(_) => "signature",
            Self::Older { .. } => "older-version",
            Self::Lock(_) => "lock",
            Self::Ledger(_) => "ledger",
        }
    }
}

fn join(mismatches: &[Mismatch]) -> String {
    mismatches.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn names(exports: &[String]) -> String {
    if exports.is_empty() { "nothing".to_owned() } else { exports.join(", ") }
}

fn fix(import: &str) -> &'static str {
    if import.starts_with("wasi:") {
        "; build it with `drls plugin build`, which leaves WASI out"
    } else {
        "; remove it from the plugin's world"
    }
}
