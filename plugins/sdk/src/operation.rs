//! Table operations: the trait, its adapter to the component's exports, and helpers for plans.

use std::marker::PhantomData;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::__bindings::operation::exports::drls::plugin::operation::Guest;
use crate::facts::Totals;
use crate::steps::{Effect, Reversibility, Step};
use crate::wit::types::Descriptor;
use crate::{About, Error, Plan, Table, guard, input, schema};

/// Plans a maintenance or schema operation. The host runs the steps, locks, audits and undoes.
pub trait TableOperation {
    /// What a person reads about the operation.
    const ABOUT: About;
    /// What the caller says, beside the table: the console draws its form from the schema.
    type Arguments: DeserializeOwned + JsonSchema;
    /// What the operator may change for all calls; [`NoConfig`] where there is nothing.
    type Config: DeserializeOwned;

    /// JSON Schema of `Arguments`. Made from the type when it is asked for, which costs 30 KB of code; a component that
    /// should swap fast has it written out: `include_str!("../schema.json").into()`. A test that [`export_operation!`]
    /// brings along holds the file against the type, and writes it with `DRLS_WRITE_SCHEMA=1 cargo test`.
    ///
    /// [`export_operation!`]: crate::export_operation
    fn schema() -> String {
        schema::of::<Self::Arguments>()
    }

    /// The steps with what they promise; [`Plan::nothing`] where there is nothing to do.
    ///
    /// # Errors
    /// [`Error::Invalid`] names every wrong argument at once by JSON Pointer.
    fn plan(
        table: &Table,
        arguments: Self::Arguments,
        config: Self::Config,
        throughput: Throughput,
    ) -> Result<Plan, Error>;
}

/// Exports a [`TableOperation`] as the component's `operation` interface. Once a crate.
#[macro_export]
macro_rules! export_operation {
    ($operation:ty) => {
        #[cfg(target_arch = "wasm32")]
        mod __drls_export {
            use super::*;
            type Exported = $crate::__private::Operation<$operation>;
            $crate::__bindings::operation::export_world!(Exported with_types_in $crate::__bindings::operation);
        }
        // Natively nothing is exported; the type is named nevertheless, so that it is checked and not dead code.
        #[cfg(not(target_arch = "wasm32"))]
        const _: fn() = $crate::__private::Operation::<$operation>::is_one;
        #[cfg(test)]
        #[test]
        fn schema_says_what_the_type_says() {
            use $crate::TableOperation;
            let written = <$operation>::schema();
            $crate::__private::check_schema::<<$operation as TableOperation>::Arguments>(&written, env!("CARGO_MANIFEST_DIR"));
        }
    };
}

/// The component's exports for an operation.
pub struct Operation<O>(PhantomData<O>);

impl<O: TableOperation> Operation<O> {
    /// Compiles where `O` is an operation.
    pub fn is_one() {}
}

impl<O: TableOperation> Guest for Operation<O> {
    fn describe() -> Descriptor {
        guard::install();
        O::ABOUT.descriptor(O::schema())
    }

    fn plan(table: &Table, arguments: String, config: String, throughput: u64) -> Result<Plan, Error> {
        guard::install();
        O::plan(table, input::parse(&arguments)?, input::parse(&config)?, Throughput(throughput))
    }
}

/// A configuration without values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoConfig {}

/// Bytes per second that rewrites reached here lately; 0 where none was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Throughput(pub u64);

impl Throughput {
    /// Time to rewrite `bytes`, milliseconds, rounded up; none where no throughput was measured.
    ///
    /// ```
    /// use drls_plugin::Throughput;
    /// assert_eq!(Throughput(1_000).duration(2_500), Some(2_500));
    /// assert_eq!(Throughput(0).duration(2_500), None);
    /// ```
    pub fn duration(self, bytes: u64) -> Option<u64> {
        let milliseconds = (u128::from(bytes) * 1_000).div_ceil(u128::from(self.0).max(1));
        (self.0 > 0).then(|| u64::try_from(milliseconds).unwrap_or(u64::MAX))
    }
}

impl Effect {
    /// The effect of a plan that leaves data and delete files as they are. Manifests are left at 0, "not counted":
    /// asking for them would make the host read a file that the plan does not need.
    pub fn unchanged(totals: Totals) -> Self {
        Self {
            files_before: totals.data_files,
            files_after: totals.data_files,
            delete_files_before: totals.delete_files,
            delete_files_after: totals.delete_files,
            manifests_before: 0,
            manifests_after: 0,
            snapshots_removed: 0,
            bytes_read: 0,
            bytes_freed: 0,
            duration: None,
        }
    }
}

impl Plan {
    /// A plan that promises `effect` by `steps`, without warnings.
    pub fn new(steps: Vec<Step>, effect: Effect, reversibility: Reversibility) -> Self {
        Self { steps, effect, reversibility, warnings: Vec::new() }
    }

    /// Nothing to do, and why: one sentence.
    pub fn nothing(effect: Effect, why: impl Into<String>) -> Self {
        Self { steps: Vec::new(), effect, reversibility: Reversibility::Inverse, warnings: vec![why.into()] }
    }

    /// Adds what a person should know before the click.
    #[must_use]
    pub fn warn(mut self, warning: impl Into<String>) -> Self {
        self.warnings.push(warning.into());
        self
    }
}
