//! Table operations: the trait, its adapter to the component's exports, and helpers for plans.

use std::marker::PhantomData;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::__bindings::operation::exports::drls::plugin::operation::{Guest, OperationDescriptor};
use crate::facts::Totals;
use crate::steps::{Change, Effect, Reversibility, Step};
use crate::{About, Error, Plan, Table, guard, input, schema};

/// Plans a maintenance or schema operation. The host runs the steps, locks, audits and undoes.
pub trait TableOperation {
    /// What a person reads about the operation.
    const ABOUT: About;
    /// What the caller says, beside the table: the console draws its form from the schema.
    type Arguments: DeserializeOwned + JsonSchema + 'static;
    /// What the operator may change for all calls; [`NoConfig`] where there is nothing.
    type Config: DeserializeOwned + JsonSchema + 'static;

    /// JSON Schema of `Arguments`. Made from the type when it is asked for, which costs 30 KB of code; a component that
    /// should swap fast has it written out: `include_str!("../arguments-schema.json").into()`. A test that [`export_operation!`]
    /// brings along holds the file against the type, and writes it with `DRLS_WRITE_SCHEMA=1 cargo test`.
    ///
    /// [`export_operation!`]: crate::export_operation
    fn arguments_schema() -> String {
        schema::of::<Self::Arguments>()
    }

    /// JSON Schema of `Config`, likewise; its file is `config-schema.json`. Costs nothing for [`NoConfig`].
    fn config_schema() -> String {
        schema::of::<Self::Config>()
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
            let folder = env!("CARGO_MANIFEST_DIR");
            let written = <$operation>::arguments_schema();
            $crate::__private::check_schema::<<$operation as TableOperation>::Arguments>(&written, "arguments", folder);
            let written = <$operation>::config_schema();
            $crate::__private::check_schema::<<$operation as TableOperation>::Config>(&written, "config", folder);
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
    fn describe() -> OperationDescriptor {
        guard::install();
        OperationDescriptor { about: O::ABOUT.descriptor(O::config_schema()), arguments_schema: O::arguments_schema() }
    }

    fn plan(table: &Table, arguments: String, config: String, throughput: Option<u64>) -> Result<Plan, Error> {
        guard::install();
        O::plan(table, input::parse(&arguments)?, input::parse(&config)?, Throughput(throughput))
    }
}

/// A configuration without values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoConfig {}

/// Bytes per second that rewrites reached here lately; none where none was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Throughput(pub Option<u64>);

impl Throughput {
    /// Time to rewrite `bytes`, milliseconds, rounded up; none where no throughput was measured.
    ///
    /// ```
    /// use drls_plugin::Throughput;
    /// assert_eq!(Throughput(Some(1_000)).duration(2_500), Some(2_500));
    /// assert_eq!(Throughput(None).duration(2_500), None);
    /// ```
    pub fn duration(self, bytes: u64) -> Option<u64> {
        let rate = self.0.filter(|rate| *rate > 0)?;
        let milliseconds = (u128::from(bytes) * 1_000).div_ceil(u128::from(rate));
        Some(u64::try_from(milliseconds).unwrap_or(u64::MAX))
    }
}

impl Change {
    /// From `before` to `after`.
    pub const fn new(before: u64, after: u64) -> Self {
        Self { before, after }
    }

    /// As many after as before.
    pub const fn none(count: u64) -> Self {
        Self::new(count, count)
    }
}

impl Effect {
    /// The effect of a plan that leaves the files of the current snapshot as they are. Promises nothing of manifests
    /// where the totals do not tell their number: asking for them would make the host read a file that the plan does not
    /// need.
    pub fn unchanged(totals: Totals) -> Self {
        Self {
            data_files: Some(Change::none(totals.data_files)),
            delete_files: Some(Change::none(totals.delete_files)),
            manifests: totals.manifests.map(Change::none),
            snapshots_removed: Some(0),
            bytes_read: Some(0),
            bytes_freed: Some(0),
            duration: None,
        }
    }

    /// The effect of a plan that can promise nothing.
    pub fn unknown() -> Self {
        Self {
            data_files: None,
            delete_files: None,
            manifests: None,
            snapshots_removed: None,
            bytes_read: None,
            bytes_freed: None,
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
