//! Write DRLS plugins in Rust: one trait and one macro a kind.
//!
//! A plugin is a WebAssembly component. It sees a table through [`Table`], a handle whose methods give facts that the
//! host gathered from Iceberg metadata before the call; it answers with plain values; it has no clock, no files, and a network
//! only where an admin grants that ([`http`]). Only the facts that the code really asks for become imports of the component, and only those are gathered.
//!
//! ```
//! use drls_plugin::{About, Error, Finding, HealthRule, Severity, Table, export_rule, human};
//! use drls_plugin::schemars::{self, JsonSchema};
//! use drls_plugin::serde::{Deserialize, Serialize};
//!
//! /// What the operator may change; doc comments become the form's descriptions, `Default` its defaults.
//! #[derive(Deserialize, Serialize, JsonSchema)]
//! #[serde(default, deny_unknown_fields, crate = "drls_plugin::serde")]
//! struct Config {
//!     /// Rows under which a table counts as empty.
//!     least_rows: u64,
//! }
//!
//! impl Default for Config {
//!     fn default() -> Self {
//!         Self { least_rows: 1 }
//!     }
//! }
//!
//! struct EmptyTable;
//!
//! impl HealthRule for EmptyTable {
//!     const ABOUT: About = About {
//!         id: "empty-table",
//!         title: "Empty table",
//!         summary: "Tells of tables that hold no rows.",
//!         icon: "table",
//!     };
//!     type Config = Config;
//!
//!     fn evaluate(table: &Table, config: Config) -> Result<Vec<Finding>, Error> {
//!         Ok(judge(table.totals().records, &config))
//!     }
//! }
//!
//! // Judging is a pure function of plain values: it is unit-tested natively, without a component.
//! fn judge(records: u64, config: &Config) -> Vec<Finding> {
//!     if records >= config.least_rows {
//!         return Vec::new();
//!     }
//!     let title = format!("The table holds {}.", human::count(records, "row"));
//!     vec![Finding::new("empty", Severity::Info, title, 0).measure("rows", records as f64, "rows", None)]
//! }
//!
//! export_rule!(EmptyTable);
//! # fn main() { assert_eq!(judge(0, &Config::default()).len(), 1); }
//! ```
//!
//! `cargo test` of the plugin unit-tests such functions natively, and checks [`HealthRule::config_schema`] where it is written out.
//!
//! A plugin's values live in memory that it has from the start, as far as that goes: calls side by side are faster by it. For another
//! global allocator take this crate without its feature `allocator`.
//!
//! On a native target the methods of [`Table`] and [`log`] cannot be called (they are the host's); everything else can.

#[doc(hidden)]
#[path = "bindings.rs"]
pub mod __bindings;
pub mod columns;
mod guard;
pub mod http;
pub mod human;
mod input;
pub mod log;
#[cfg(all(target_arch = "wasm32", feature = "allocator"))]
mod memory;
pub mod names;
mod operation;
mod properties;
pub mod retention;
mod rule;
mod schema;
pub mod time;
pub mod weigh;

use __bindings::rule::drls::plugin as wit;

/// Facts of a table, as records. Times are milliseconds since the Unix epoch (UTC), sizes bytes.
pub mod facts {
    pub use crate::wit::facts::{
        DataFile, Exclusive, Field, FileSizes, Manifest, MetadataLog, Orphans, Partition, PartitionField,
        PartitionSpec, Ref, RefKind, SizeBucket, Snapshot, SortField, TableId, Totals,
    };
}

/// Steps and promises of a plan.
pub mod steps {
    pub use crate::__bindings::operation::exports::drls::plugin::operation::{
        AddColumn, Change, DropColumn, Effect, ExpireSnapshots, RemoveOrphanFiles, RenameColumn, Reversibility,
        RewriteDataFiles, Step, Strategy,
    };
}

pub use __bindings::operation::exports::drls::plugin::operation::OperationPlan as Plan;
pub use __bindings::rule::exports::drls::plugin::health::{Finding, Measure, Remedy};
pub use input::{Problems, token};
pub use operation::{NoConfig, TableOperation, Throughput};
pub use properties::Properties;
pub use rule::HealthRule;
pub use wit::facts::Table;
pub use wit::types::{Error, FieldError, Severity};
pub use {schemars, serde, serde_json};

/// For the export macros only.
#[doc(hidden)]
pub mod __private {
    pub use crate::operation::Operation;
    pub use crate::rule::Rule;
    pub use crate::schema::check as check_schema;
}

/// What a person reads about a plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About {
    /// Unique in its kind and stable for ever, in kebab-case: pipelines and audit rows keep it.
    pub id: &'static str,
    /// Two or three words.
    pub title: &'static str,
    /// One or two sentences, Markdown.
    pub summary: &'static str,
    /// Name of an icon of the console's set; an unknown name gets the default icon.
    pub icon: &'static str,
}

impl About {
    fn descriptor(&self, config_schema: String) -> wit::types::Descriptor {
        wit::types::Descriptor {
            id: self.id.into(),
            title: self.title.into(),
            summary: self.summary.into(),
            icon: self.icon.into(),
            config_schema,
        }
    }
}
