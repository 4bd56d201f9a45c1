//! Runs the tests that a plugin brings along, under the real limits.

use std::{collections::BTreeSet, fmt::Debug, sync::Arc};

use serde_json::Value;

use crate::{
    error::Failure,
    manifest::{Expect, Export, SelfTest},
    plugin::Plugin,
    schema::merge,
};

/// Outcome of one self-test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelfTestOutcome {
    /// Name of the test.
    pub name: String,
    /// What was expected and what came, where the two differ.
    pub difference: Option<String>,
}

impl Plugin {
    /// Runs every self-test of the manifest, on the manifest's configuration and not the operator's.
    pub fn self_tests(&self) -> Vec<SelfTestOutcome> {
        let run = |test: &SelfTest| SelfTestOutcome { name: test.name.clone(), difference: self.self_test(test).err() };
        self.manifest().selftests.iter().map(run).collect()
    }

    /// Runs one test. `Err` says what was expected and what came.
    fn self_test(&self, test: &SelfTest) -> Result<(), String> {
        let config = Value::Object(merge(&self.manifest().config, &test.config)).to_string();
        let facts = Arc::new(test.facts.clone());
        let expect = &test.expect;
        match test.export {
            Export::Evaluate => {
                let findings = refused(expect, self.evaluate_as(&config, &facts, None))?;
                let codes = findings.map(|all| all.into_iter().map(|f| f.code).collect::<Vec<_>>());
                compare("codes", expect.codes.as_deref().map(sorted), codes.as_deref().map(sorted))
            }
            Export::Plan => {
                let arguments = Value::Object(test.arguments.clone());
                let answer = self.plan_as(&config, &facts, &arguments, test.throughput).map(|(plan, _)| plan);
                let plan = refused(expect, answer)?;
                let steps = plan.map(|p| p.steps.iter().map(kind).collect::<Vec<_>>());
                compare("steps", expect.steps.clone(), steps)
            }
        }
    }
}

/// The answer, or nothing where the call was refused as expected.
fn refused<T>(expect: &Expect, answer: Result<T, Failure>) -> Result<Option<T>, String> {
    match (answer, &expect.invalid) {
        (Ok(answer), None) => Ok(Some(answer)),
        (Ok(_), Some(pointers)) => Err(format!("expected invalid {pointers:?}, but the call was answered")),
        (Err(Failure::Invalid(mistakes)), Some(pointers)) => {
            let found: Vec<String> = mistakes.into_iter().map(|m| m.pointer).collect();
            compare("invalid", Some(sorted(pointers)), Some(sorted(&found))).map(|()| None)
        }
        (Err(failure), _) => Err(format!("the call failed: {failure}")),
    }
}

/// Holds `found` against `expected`, where the test expects anything of it.
fn compare<T: PartialEq + Debug>(what: &str, expected: Option<T>, found: Option<T>) -> Result<(), String> {
    match (expected, found) {
        (Some(expected), Some(found)) if expected != found => {
            Err(format!("expected {what} {expected:?}, got {found:?}"))
        }
        _ => Ok(()),
    }
}

fn sorted(words: &[String]) -> BTreeSet<String> {
    words.iter().cloned().collect()
}

/// Name of a step's kind, as on the wire.
fn kind(step: &crate::answer::Step) -> String {
    let tagged = serde_json::to_value(step).unwrap_or_default();
    tagged.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned()
}
