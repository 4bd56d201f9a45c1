//! The plugin runtime of DRLS: loads WebAssembly components from a folder, checks and compiles them, swaps them while
//! they serve, and calls them under limits. Knows no HTTP, SQL or Python.
//!
//! Every call is synchronous and may take up to its time limit: call from a thread that may block.

pub mod answer;
mod bindings;
mod budget;
mod cache;
mod call;
mod clock;
mod collect;
mod contract;
mod convert;
mod engine;
mod error;
pub mod facts;
mod gate;
mod guest;
mod http;
mod inspect;
mod ledger;
mod life;
mod limits;
mod load;
mod loader;
mod lock;
mod log;
pub mod manifest;
mod optimise;
mod plugin;
mod policy;
mod refusal;
mod rights;
mod runtime;
mod schema;
mod section;
mod selftest;
mod signature;
mod snapshot;
mod stats;
mod store;
mod strikes;
mod view;
mod watch;
mod worker;

pub use crate::{
    clock::Clock,
    engine::{EngineError, Host, Tier},
    error::{CallError, Failure, FailureKind, FieldError, Identity, Trapped},
    http::{HttpFailure, Request, Response, Transport},
    inspect::{CONTRACT, Inspection, Interface, Kind, inspect},
    ledger::{Change, Decision, DecisionError, Did, Entry, Grant, KEPT, Kept, Ledger, Named, Quarantine},
    life::{Figures, LifeEvent, LifeState},
    limits::Limits,
    lock::{LOCK_FILE, Lock, Locked},
    log::{Level, LogLine},
    manifest::{Manifest, embed},
    plugin::{Descriptor, Plugin},
    policy::{Ceiling, Network, Policy, Signatures},
    refusal::{Mismatch, Refusal, Wanted},
    rights::{Http, Rights},
    runtime::{ConfigError, OpenError, PluginState, PluginStatus, Runtime, RuntimeConfig, SignedBy, Waiting},
    section::MANIFEST_SECTION,
    selftest::SelfTestOutcome,
    signature::{KeyError, PrivateKey, PublicKey, Signed, sign},
    snapshot::Snapshot,
    stats::{Counters, Times},
    strikes::Strikes,
};
