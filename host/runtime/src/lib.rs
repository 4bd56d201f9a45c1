//! The plugin runtime of DRLS: loads WebAssembly components from a folder, checks and compiles them, swaps them while
//! they serve, and calls them under limits. Knows no HTTP, SQL or Python.
//!
//! Every call is synchronous and may take up to its time limit: call from a thread that may block.

pub mod answer;
mod bindings;
mod cache;
mod call;
mod convert;
mod engine;
mod error;
pub mod facts;
mod gate;
mod inspect;
mod limits;
mod load;
mod log;
pub mod manifest;
mod plugin;
mod refusal;
mod schema;
mod section;
mod selftest;
mod snapshot;
mod stats;
mod store;
mod view;

pub use crate::{
    engine::{EngineError, Host},
    error::{CallError, Failure, FailureKind, FieldError, Identity, Trapped},
    inspect::{CONTRACT, Inspection, Interface, Kind, inspect},
    limits::Limits,
    log::{Level, LogLine},
    manifest::{Manifest, embed},
    plugin::{Descriptor, Plugin},
    refusal::{Mismatch, Refusal},
    section::MANIFEST_SECTION,
    selftest::SelfTestOutcome,
    snapshot::Snapshot,
    stats::Counters,
};
