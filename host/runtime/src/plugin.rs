//! One loaded plugin: compiled code, what it says of itself, its configuration, and the calls into it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, OnceLock},
    time::{Duration, Instant, SystemTime},
};

use arc_swap::ArcSwap;
use serde::Serialize;
use serde_json::{Map, Value};
use wasmtime::component::Resource;

use crate::{
    answer::{Finding, OperationPlan},
    call::Frame,
    convert,
    engine::{Host, Tier},
    error::{CallError, Failure, FieldError, Identity},
    facts::{Group, TableFacts},
    gate::Gate,
    guest::Guest,
    http::{Client, Denials},
    inspect::{Inspection, Kind},
    log::{LogLine, LogRing},
    manifest::Manifest,
    rights::Rights,
    schema::{Schema, merge},
    stats::{Counters, Stats},
    strikes::Judge,
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
    /// JSON Schema (2020-12) of what a caller or operator says first: a rule's configuration, an operation's arguments.
    pub schema: Value,
    /// JSON Schema (2020-12) of the operator's configuration.
    pub config_schema: Value,
}

/// Compiled code and everything that does not change with the configuration.
pub(crate) struct Code {
    pub(crate) host: Arc<Host>,
    pub(crate) identity: Arc<Identity>,
    pub(crate) manifest: Manifest,
    pub(crate) inspection: Inspection,
    /// Replaced once, by the same component's optimised code. A call keeps the one that it began with.
    pub(crate) guest: ArcSwap<Guest>,
    pub(crate) descriptors: BTreeMap<Kind, Descriptor>,
    /// Of the operator's values, the same for every kind; absent until a kind described itself.
    pub(crate) config_schema: Option<Schema>,
    /// Of an operation's arguments.
    pub(crate) arguments_schema: Option<Schema>,
    pub(crate) log: Arc<LogRing>,
    pub(crate) gate: Gate,
    pub(crate) stats: Arc<Stats>,
    /// Listens to the calls, where somebody takes plugins out of service.
    pub(crate) judge: Option<Judge>,
    /// What it asks for: nothing where it imports no capability.
    pub(crate) asks: Rights,
    /// What it got of that; nothing before it serves.
    pub(crate) rights: OnceLock<Arc<ArcSwap<Rights>>>,
    /// Listens to what it may not do.
    pub(crate) denials: Option<Arc<Denials>>,
}

/// A plugin with one configuration. Cloned by `Arc`; a call that holds it goes on after it was replaced.
pub struct Plugin {
    code: Arc<Code>,
    config: Map<String, Value>,
    config_text: String,
    loaded_at: SystemTime,
    /// Why calls are refused, where they are.
    barred: Option<Arc<str>>,
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
        Ok(Self { code, config, config_text, loaded_at: SystemTime::now(), barred: None })
    }

    /// The same code with other values of the operator.
    ///
    /// # Errors
    /// Every mistake of the values.
    pub fn with_config(&self, operator: &Map<String, Value>) -> Result<Self, Vec<FieldError>> {
        Ok(Self { barred: self.barred.clone(), ..Self::new(Arc::clone(&self.code), operator)? })
    }

    /// The same plugin, whose calls are refused with these words, or not any more.
    pub(crate) fn with_bar(&self, barred: Option<Arc<str>>) -> Self {
        let Self { code, config, config_text, loaded_at, .. } = self;
        let (config, config_text) = (config.clone(), config_text.clone());
        Self { code: Arc::clone(code), config, config_text, loaded_at: *loaded_at, barred }
    }

    /// The same plugin, before it is shared, with its calls counted there.
    pub(crate) fn counting_into(mut self, stats: Arc<Stats>) -> Self {
        if let Some(code) = Arc::get_mut(&mut self.code) {
            code.stats = stats;
        }
        self
    }

    /// Why calls are refused, where they are.
    pub fn barred(&self) -> Option<&str> {
        self.barred.as_deref()
    }

    /// Time that a fresh store and an instance of the component take, without a call.
    ///
    /// # Errors
    /// See [`Failure`].
    pub fn instantiate(&self) -> Result<Duration, CallError> {
        let (code, start) = (self.code.guest.load(), Instant::now());
        let made = self.code.frame(&code).run(None, None, |store| match (&code.rule, &code.operation) {
            (Some(pre), _) => pre.instantiate(store).map(drop),
            (None, Some(pre)) => pre.instantiate(store).map(drop),
            (None, None) => Ok(()),
        });
        let took = start.elapsed();
        made.map(|()| took).map_err(|failure| self.failed(failure))
    }

    /// Memory and time that one call may take: what the manifest asks for, or the host's defaults.
    pub fn allowance(&self) -> (u64, Duration) {
        self.code.allowance()
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

    /// What it asks for beyond facts: an admin grants it.
    pub fn asks(&self) -> &Rights {
        &self.code.asks
    }

    /// Gives it rights in place of those before; calls that run have them at once. It gets no more than it asks for.
    pub fn grant(&self, rights: &Rights) {
        if self.code.asks.is_empty() {
            return;
        }
        let given = Arc::new(self.code.asks.both(rights));
        self.code.rights.get_or_init(Arc::default).store(given);
    }

    /// What it says of one kind that it offers.
    pub fn descriptor(&self, kind: Kind) -> Option<&Descriptor> {
        self.code.descriptors.get(&kind)
    }

    /// The configuration that calls get: the manifest's values with the operator's over them.
    pub fn config(&self) -> &Map<String, Value> {
        &self.config
    }

    /// Counters of this version, also from times that it served before.
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
        self.asked(deadline, || self.evaluate_as(&self.config_text, facts, deadline))
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
        self.plan_told(facts, arguments, throughput).map(|(plan, _)| plan)
    }

    /// As [`Plugin::plan`], with the first 200 lines that it wrote to its log meanwhile.
    ///
    /// # Errors
    /// Those of [`Plugin::plan`].
    pub fn plan_told(
        &self,
        facts: &Arc<TableFacts>,
        arguments: &Value,
        throughput: u64,
    ) -> Result<(OperationPlan, Vec<LogLine>), CallError> {
        self.asked(None, || self.plan_as(&self.config_text, facts, arguments, throughput))
    }

    /// How the code that serves was compiled.
    pub fn tier(&self) -> Tier {
        self.code.guest.load().tier
    }

    pub(crate) fn code(&self) -> &Arc<Code> {
        &self.code
    }

    /// Makes a call unless calls are refused, and lets the judge hear how it ended.
    fn asked<R>(&self, deadline: Option<Instant>, call: impl FnOnce() -> Result<R, Failure>) -> Result<R, CallError> {
        let answer = match &self.barred {
            Some(why) => {
                let refused = Failure::Quarantined(why.as_ref().to_owned());
                self.code.stats.called(Some(&refused));
                Err(refused)
            }
            None => call(),
        };
        // Who gave it less time than it may have is to blame for that.
        let cut_off = matches!(answer, Err(Failure::TimedOut(_))) && deadline.is_some_and(|at| at <= Instant::now());
        let cut_off =
            cut_off || matches!(answer, Err(Failure::TimedOut(_) | Failure::OutOfMemory(_))) && self.code.lowered();
        if let Some(judge) = self.code.judge.as_ref().filter(|_| !cut_off) {
            judge.heard(answer.as_ref().err());
        }
        answer.map_err(|failure| self.failed(failure))
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
        let answer = code.call(facts, deadline, |guest, frame| {
            let pre = guest.rule.as_ref().ok_or_else(|| Failure::NotFound("it is not a health rule".to_owned()))?;
            let answer = frame.run(Some(facts), deadline, |store| {
                let guest = code.instance(|| pre.instantiate(&mut *store))?;
                guest.drls_plugin_health().call_evaluate(store, Resource::<TableHandle>::new_borrow(0), config)
            });
            convert::findings(answer?.map_err(convert::failure)?)
        });
        code.stats.called(answer.as_ref().err());
        answer
    }

    /// Mistakes of arguments against the operation's schema, which [`Plugin::plan`] finds too; none where it is no operation.
    pub fn check_arguments(&self, arguments: &Value) -> Vec<FieldError> {
        self.code.arguments_schema.as_ref().map_or_else(Vec::new, |schema| schema.check(arguments))
    }

    pub(crate) fn plan_as(
        &self,
        config: &String,
        facts: &Arc<TableFacts>,
        arguments: &Value,
        throughput: u64,
    ) -> Result<(OperationPlan, Vec<LogLine>), Failure> {
        let code = &*self.code;
        let missing = || Failure::NotFound("it is not a table operation".to_owned());
        let schema = code.arguments_schema.as_ref().ok_or_else(missing)?;
        let mistakes = schema.check(arguments);
        let answer = if mistakes.is_empty() {
            let (arguments, throughput) = (arguments.to_string(), Some(throughput).filter(|rate| *rate > 0));
            code.call(facts, None, |guest, frame| {
                let pre = guest.operation.as_ref().ok_or_else(missing)?;
                let (answer, told) = frame.run_told(Some(facts), None, |store| {
                    let guest = code.instance(|| pre.instantiate(&mut *store))?;
                    let table = Resource::<TableHandle>::new_borrow(0);
                    guest.drls_plugin_operation().call_plan(store, table, &arguments, config, throughput)
                })?;
                Ok((convert::plan(answer.map_err(convert::failure)?), told))
            })
        } else {
            Err(Failure::Invalid(mistakes))
        };
        code.stats.called(answer.as_ref().err());
        answer
    }
}

impl Code {
    pub(crate) fn frame<'a>(&'a self, guest: &'a Guest) -> Frame<'a> {
        let (memory, time) = self.allowance();
        Frame {
            engine: &guest.engine,
            limits: &self.host.limits,
            plugin: &self.identity,
            log: &self.log,
            stats: &self.stats,
            memory,
            time,
            client: self.client(),
        }
    }

    /// What sends its requests, where it got the right to.
    fn client(&self) -> Option<Client> {
        let rights = self.rights.get()?.clone();
        Some(Client::new(rights, self.denials.clone(), Arc::clone(&self.host)))
    }

    /// The operator gives it less than it asked for, and answers for what that does.
    fn lowered(&self) -> bool {
        self.allowance() != self.asked()
    }

    fn asked(&self) -> (u64, Duration) {
        let (limits, asked) = (&self.host.limits, &self.manifest);
        (asked.memory.unwrap_or(limits.memory), asked.time().unwrap_or(limits.time))
    }

    fn allowance(&self) -> (u64, Duration) {
        let (memory, time) = self.asked();
        self.host.policy().allowance(&self.identity.id, memory, time)
    }

    fn call<R>(
        &self,
        facts: &TableFacts,
        deadline: Option<Instant>,
        run: impl FnOnce(&Guest, Frame<'_>) -> Result<R, Failure>,
    ) -> Result<R, Failure> {
        let missing: Vec<Group> = self.inspection.needs.iter().copied().filter(|g| !facts.has(*g)).collect();
        if !missing.is_empty() {
            return Err(Failure::MissingFacts(missing));
        }
        let asked = Instant::now();
        let permit = self.gate.enter(deadline).map_err(Failure::Overloaded);
        self.stats.waited(asked.elapsed());
        let _permit = permit?;
        let guest = self.guest.load();
        run(&guest, self.frame(&guest))
    }

    /// Makes an instance, and counts how long that takes.
    fn instance<I>(&self, make: impl FnOnce() -> wasmtime::Result<I>) -> wasmtime::Result<I> {
        let start = Instant::now();
        let made = make();
        self.stats.instantiated(start.elapsed());
        made
    }

    /// The manifest's values with `operator`'s over them, checked.
    fn configure(&self, operator: &Map<String, Value>) -> Result<Map<String, Value>, Vec<FieldError>> {
        let merged = merge(&self.manifest.config, operator);
        let schema = self.config_schema.as_ref();
        let mistakes = schema.map_or_else(Vec::new, |schema| schema.check(&Value::Object(merged.clone())));
        if mistakes.is_empty() { Ok(merged) } else { Err(mistakes) }
    }
}
