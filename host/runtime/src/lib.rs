//! The plugin runtime of DRLS: loads WebAssembly components from a folder, checks and compiles them, swaps them while
//! they serve, and calls them under limits. Knows no HTTP, SQL or Python.
//!
//! Every call is synchronous and may take up to its time limit: call from a thread that may block.

pub mod answer;
mod bindings;
mod budget;
mod cache;
mod call;
mod collect;
mod convert;
mod engine;
mod error;
pub mod facts;
mod gate;
mod guest;
mod inspect;
mod ledger;
mod life;
mod limits;
mod load;
mod loader;
mod log;
pub mod manifest;
mod optimise;
mod plugin;
mod refusal;
mod runtime;
mod schema;
mod section;
mod selftest;
mod snapshot;
mod stats;
mod store;
mod strikes;
mod view;
mod watch;
mod worker;

pub use crate::{
    engine::{EngineError, Host, Tier},
    error::{CallError, Failure, FailureKind, FieldError, Identity, Trapped},
    inspect::{CONTRACT, Inspection, Interface, Kind, inspect},
    ledger::{Change, Decision, DecisionError, Did, Entry, KEPT, Kept, Ledger, Named, Quarantine},
    life::{LifeEvent, LifeState},
    limits::Limits,
    log::{Level, LogLine},
    manifest::{Manifest, embed},
    plugin::{Descriptor, Plugin},
    refusal::{Mismatch, Refusal},
    runtime::{ConfigError, OpenError, PluginState, PluginStatus, Runtime, RuntimeConfig},
    section::MANIFEST_SECTION,
    selftest::SelfTestOutcome,
    snapshot::Snapshot,
    stats::Counters,
    strikes::Strikes,
};
