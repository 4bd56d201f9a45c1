//! One loaded plugin: compiled code, what it says of itself, its configuration, and the calls into it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Instant, SystemTime},
};

use serde::Serialize;
use serde_json::{Map, Value};
use wasmtime::component::Resource;

use crate::{
    answer::{Finding, OperationPlan},
    bindings::{operation::TableOperationPre, rule::HealthRulePre},
    call::{CallState, Frame},
    convert,
    engine::Host,
    error::{CallError, Failure, FieldError, Identity},
    facts::{Group, TableFacts},
    gate::Gate,
    inspect::{Inspection, Kind},
    log::LogRing,
    manifest::Manifest,
    schema::{Schema, merge, nearest},
    stats::{Counters, Stats},
    view::TableHandle,
};

/// What a person reads about one thing that a plugin offers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Descriptor {
    /// Equal to the plugin's id.
    pub id: String,
    /// Name.
    pub title: String,
    /// One or two sentences, Markdown.
    pub summary: String,
    /// Name of an icon of the console's set.
    pub icon: String,
    /// JSON Schema (2020-12): of a rule's configuration, of an operation's arguments.
    pub schema: Value,
}

/// Compiled code and everything that does not change with the configuration.
pub(crate) struct Code {
    pub(crate) host: Arc<Host>,
    pub(crate) identity: Arc<Identity>,
    pub(crate) manifest: Manifest,
    pub(crate) inspection: Inspection,
    pub(crate) rule: Option<HealthRulePre<CallState>>,
    pub(crate) operation: Option<TableOperationPre<CallState>>,
    pub(crate) descriptors: BTreeMap<Kind, Descriptor>,
    pub(crate) schemas: BTreeMap<Kind, Schema>,
    pub(crate) log: Arc<LogRing>,
    pub(crate) gate: Gate,
    pub(crate) stats: Stats,
}

/// A plugin with one configuration. Cloned by `Arc`; a call that holds it goes on after it was replaced.
pub struct Plugin {
    code: Arc<Code>,
    config: Map<String, Value>,
    config_text: String,
    loaded_at: SystemTime,
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plugin").field("identity", &self.code.identity).finish_non_exhaustive()
    }
}

impl Plugin {
    /// `operator`'s values over the manifest's. Every mistake of the whole.
    pub(crate) fn new(code: Arc<Code>, operator: &Map<String, Value>) -> Result<Self, Vec<FieldError>> {
        let config = code.configure(operator)?;
        let config_text = Value::Object(config.clone()).to_string();
        Ok(Self { code, config, config_text, loaded_at: SystemTime::now() })
    }

    /// The same code with other values of the operator.
    pub(crate) fn with_config(&self, operator: &Map<String, Value>) -> Result<Self, Vec<FieldError>> {
        Self::new(Arc::clone(&self.code), operator)
    }

    /// Mistakes of an operator's values against what the plugin takes; none where it would be configured with them.
    pub fn check_config(&self, operator: &Map<String, Value>) -> Vec<FieldError> {
        self.with_config(operator).err().unwrap_or_default()
    }

    /// Id, equal to the file name without `.wasm`.
    pub fn id(&self) -> &str {
        &self.code.identity.id
    }

    /// Id, version and digest.
    pub fn identity(&self) -> &Arc<Identity> {
        &self.code.identity
    }

    /// What it offers.
    pub fn kinds(&self) -> &BTreeSet<Kind> {
        &self.code.inspection.kinds
    }

    /// Groups of facts that it reads; gather them before a call.
    pub fn needs(&self) -> &BTreeSet<Group> {
        &self.code.inspection.needs
    }

    /// Imports, exports and size.
    pub fn inspection(&self) -> &Inspection {
        &self.code.inspection
    }

    /// What it says of itself.
    pub fn manifest(&self) -> &Manifest {
        &self.code.manifest
    }

    /// What it says of one kind that it offers.
    pub fn descriptor(&self, kind: Kind) -> Option<&Descriptor> {
        self.code.descriptors.get(&kind)
    }

    /// The configuration that calls get: the manifest's values with the operator's over them.
    pub fn config(&self) -> &Map<String, Value> {
        &self.config
    }

    /// Counters since the code was loaded.
    pub fn counters(&self) -> Counters {
        self.code.stats.read()
    }

    /// When it was made.
    pub fn loaded_at(&self) -> SystemTime {
        self.loaded_at
    }

    /// Findings of a health rule about a table, until `deadline` or the plugin's own time limit.
    ///
    /// # Errors
    /// See [`Failure`]; `NotFound` where the plugin is no health rule.
    pub fn evaluate(&self, facts: &Arc<TableFacts>, deadline: Option<Instant>) -> Result<Vec<Finding>, CallError> {
        self.evaluate_as(&self.config_text, facts, deadline).map_err(|failure| self.failed(failure))
    }

    /// The plan of a table operation. `arguments` are checked against the descriptor's schema first. `throughput`:
    /// bytes per second that rewrites reached lately, 0 where none was measured.
    ///
    /// # Errors
    /// See [`Failure`]; `NotFound` where the plugin is no table operation.
    pub fn plan(
        &self,
        facts: &Arc<TableFacts>,
        arguments: &Value,
        throughput: u64,
    ) -> Result<OperationPlan, CallError> {
        self.plan_as(&self.config_text, facts, arguments, throughput).map_err(|failure| self.failed(failure))
    }

    pub(crate) fn code(&self) -> &Code {
        &self.code
    }

    fn failed(&self, failure: Failure) -> CallError {
        CallError { plugin: Arc::clone(&self.code.identity), failure }
    }

    pub(crate) fn evaluate_as(
        &self,
        config: &String,
        facts: &Arc<TableFacts>,
        deadline: Option<Instant>,
    ) -> Result<Vec<Finding>, Failure> {
        let code = &*self.code;
        let pre = code.rule.as_ref().ok_or_else(|| Failure::NotFound("it is not a health rule".to_owned()))?;
        let answer = code.call(facts, deadline, |frame, deadline| {
            let answer = frame.run(Some(facts), deadline, |store| {
                let guest = pre.instantiate(&mut *store)?;
                guest.drls_plugin_health().call_evaluate(store, Resource::<TableHandle>::new_borrow(0), config)
            });
            convert::findings(answer?.map_err(convert::failure)?)
        });
        code.stats.called(answer.as_ref().err());
        answer
    }

    /// Mistakes of arguments against the operation's schema, which [`Plugin::plan`] finds too; none where it is no operation.
    pub fn check_arguments(&self, arguments: &Value) -> Vec<FieldError> {
        self.code.schemas.get(&Kind::TableOperation).map_or_else(Vec::new, |schema| schema.check(arguments))
    }

    pub(crate) fn plan_as(
        &self,
        config: &String,
        facts: &Arc<TableFacts>,
        arguments: &Value,
        throughput: u64,
    ) -> Result<OperationPlan, Failure> {
        let code = &*self.code;
        let missing = || Failure::NotFound("it is not a table operation".to_owned());
        let pre = code.operation.as_ref().ok_or_else(missing)?;
        let schema = code.schemas.get(&Kind::TableOperation).ok_or_else(missing)?;
        let mistakes = schema.check(arguments);
        let answer = if mistakes.is_empty() {
            let arguments = arguments.to_string();
            code.call(facts, None, |frame, deadline| {
                let answer = frame.run(Some(facts), deadline, |store| {
                    let guest = pre.instantiate(&mut *store)?;
                    let table = Resource::<TableHandle>::new_borrow(0);
                    guest.drls_plugin_operation().call_plan(store, table, &arguments, config, throughput)
                });
                Ok(convert::plan(answer?.map_err(convert::failure)?))
            })
        } else {
            Err(Failure::Invalid(mistakes))
        };
        code.stats.called(answer.as_ref().err());
        answer
    }
}

impl Code {
    pub(crate) fn frame(&self) -> Frame<'_> {
        let limits = &self.host.limits;
        Frame {
            host: &self.host,
            plugin: &self.identity,
            log: &self.log,
            stats: &self.stats,
            memory: self.manifest.memory.unwrap_or(limits.memory),
            time: self.manifest.time().unwrap_or(limits.time),
        }
    }

    fn call<R>(
        &self,
        facts: &TableFacts,
        deadline: Option<Instant>,
        run: impl FnOnce(Frame<'_>, Option<Instant>) -> Result<R, Failure>,
    ) -> Result<R, Failure> {
        let missing: Vec<Group> = self.inspection.needs.iter().copied().filter(|g| !facts.has(*g)).collect();
        if !missing.is_empty() {
            return Err(Failure::MissingFacts(missing));
        }
        let _permit = self.gate.enter(deadline).map_err(Failure::Overloaded)?;
        run(self.frame(), deadline)
    }

    /// The manifest's values with `operator`'s over them, checked.
    fn configure(&self, operator: &Map<String, Value>) -> Result<Map<String, Value>, Vec<FieldError>> {
        let defaults = &self.manifest.config;
        let merged = merge(defaults, operator);
        if let Some(schema) = self.schemas.get(&Kind::HealthRule) {
            let mistakes = schema.check(&Value::Object(merged.clone()));
            return if mistakes.is_empty() { Ok(merged) } else { Err(mistakes) };
        }
        // An operation's schema is that of its arguments, so its manifest says which values there are.
        let mistakes: Vec<FieldError> = operator.iter().filter_map(|(key, value)| like(defaults, key, value)).collect();
        if mistakes.is_empty() { Ok(merged) } else { Err(mistakes) }
    }
}

/// What is wrong with an operator's value where only the manifest's default says what it must be.
fn like(defaults: &Map<String, Value>, key: &str, value: &Value) -> Option<FieldError> {
    let detail = match defaults.get(key) {
        None => match nearest(key, defaults.keys().map(String::as_str)) {
            Some(near) => format!("unknown value; did you mean {near}?"),
            None => "unknown value; the manifest has no such key under [config]".to_owned(),
        },
        Some(default) if kind(default) != kind(value) => {
            format!("must be {}, as the manifest's {default}", kind(default))
        }
        Some(_) => return None,
    };
    Some(FieldError { pointer: format!("/{}", key.replace('~', "~0").replace('/', "~1")), detail })
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
