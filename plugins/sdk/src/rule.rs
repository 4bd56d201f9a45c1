//! Health rules: the trait, its adapter to the component's exports, and a builder for findings.

use std::marker::PhantomData;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::__bindings::rule::exports::drls::plugin::health::Guest;
use crate::wit::types::Descriptor;
use crate::{About, Error, Finding, Measure, Remedy, Severity, Table, guard, input, schema};

/// Judges one table from facts. Pure: same facts and configuration, same findings.
pub trait HealthRule {
    /// What a person reads about the rule.
    const ABOUT: About;
    /// What the operator may change. Its schema is shown and enforced by the host; `NoConfig` where there is nothing.
    type Config: DeserializeOwned + JsonSchema + 'static;

    /// JSON Schema of `Config`. Made from the type when it is asked for, which costs 30 KB of code; a component that
    /// should swap fast has it written out: `include_str!("../config-schema.json").into()`. A test that [`export_rule!`] brings
    /// along holds the file against the type, and writes it with `DRLS_WRITE_SCHEMA=1 cargo test`.
    ///
    /// [`export_rule!`]: crate::export_rule
    fn config_schema() -> String {
        schema::of::<Self::Config>()
    }

    /// The findings, worst first, none for a healthy table.
    ///
    /// # Errors
    /// Whatever [`Error`] tells; a table that is merely empty or small is no error.
    fn evaluate(table: &Table, config: Self::Config) -> Result<Vec<Finding>, Error>;
}

/// Exports a [`HealthRule`] as the component's `health` interface. Once a crate.
#[macro_export]
macro_rules! export_rule {
    ($rule:ty) => {
        #[cfg(target_arch = "wasm32")]
        mod __drls_export {
            use super::*;
            type Exported = $crate::__private::Rule<$rule>;
            $crate::__bindings::rule::export_world!(Exported with_types_in $crate::__bindings::rule);
        }
        // Natively nothing is exported; the type is named nevertheless, so that it is checked and not dead code.
        #[cfg(not(target_arch = "wasm32"))]
        const _: fn() = $crate::__private::Rule::<$rule>::is_one;
        #[cfg(test)]
        #[test]
        fn schema_says_what_the_type_says() {
            use $crate::HealthRule;
            let written = <$rule>::config_schema();
            $crate::__private::check_schema::<<$rule as HealthRule>::Config>(&written, "config", env!("CARGO_MANIFEST_DIR"));
        }
    };
}

/// The component's exports for a rule.
pub struct Rule<R>(PhantomData<R>);

impl<R: HealthRule> Rule<R> {
    /// Compiles where `R` is a rule.
    pub fn is_one() {}
}

impl<R: HealthRule> Guest for Rule<R> {
    fn describe() -> Descriptor {
        guard::install();
        R::ABOUT.descriptor(R::config_schema())
    }

    fn evaluate(table: &Table, config: String) -> Result<Vec<Finding>, Error> {
        guard::install();
        R::evaluate(table, input::parse(&config)?)
    }
}

impl Finding {
    /// A finding without evidence or remedy. `code`: kebab-case, unique in the rule. `title`: one sentence with the
    /// figures in it. `penalty`: points off 100.
    pub fn new(code: &str, severity: Severity, title: impl Into<String>, penalty: u8) -> Self {
        Self { code: code.into(), severity, title: title.into(), penalty, evidence: Vec::new(), remedy: None }
    }

    /// Adds a measured figure, beside the limit that it is judged by.
    #[must_use]
    pub fn measure(mut self, name: &str, value: f64, unit: &str, threshold: Option<f64>) -> Self {
        self.evidence.push(Measure { name: name.into(), value, unit: unit.into(), threshold });
        self
    }

    /// Names the operation that repairs it, with its arguments, a JSON object.
    #[must_use]
    pub fn remedy(mut self, operation: &str, arguments: &Value) -> Self {
        self.remedy = Some(Remedy { operation: operation.into(), arguments: arguments.to_string() });
        self
    }
}

impl Severity {
    /// The severity of a finding that takes `penalty` of at most `weight` points: warning from one quarter on, critical
    /// from three quarters on, if that is 15 points or more (a table is not in danger for the last tenth of its score).
    ///
    /// ```
    /// use drls_plugin::Severity;
    /// assert_eq!(Severity::of(30, 40), Severity::Critical);
    /// assert_eq!(Severity::of(10, 40), Severity::Warning);
    /// assert_eq!(Severity::of(9, 40), Severity::Info);
    /// assert_eq!(Severity::of(10, 10), Severity::Warning);
    /// ```
    pub fn of(penalty: u8, weight: u8) -> Self {
        match (u32::from(penalty) * 4, u32::from(weight)) {
            (p, w) if p >= 3 * w && penalty >= 15 => Self::Critical,
            (p, w) if p >= w => Self::Warning,
            _ => Self::Info,
        }
    }
}
