//! From bytes to a plugin that may serve: inspect, compile, link, describe, test.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use arc_swap::ArcSwap;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use wasmtime::component::Component;

use crate::{
    bindings::types,
    cache::Cache,
    engine::{Host, Tier},
    error::{FieldError, Identity},
    gate::Gate,
    guest::Guest,
    http::Denials,
    inspect::{Inspection, Kind, inspect},
    log::LogRing,
    manifest::Manifest,
    plugin::{Code, Descriptor, Plugin},
    refusal::Refusal,
    rights::Rights,
    schema::Schema,
    stats::Stats,
    strikes::Judge,
};

/// A step of loading that is done.
#[derive(Clone, Copy)]
pub(crate) enum Stage<'a> {
    Verified,
    Compiled(&'a Made),
    Linked,
    SelfTested,
}

/// Native code, and where it is from.
pub(crate) struct Made {
    pub(crate) component: Component,
    pub(crate) tier: Tier,
    pub(crate) from_cache: bool,
    /// Why it is not quick code, where that was wanted.
    pub(crate) not_quick: Option<String>,
}

/// What a load takes besides the bytes.
pub(crate) struct Load<'a> {
    pub(crate) host: &'a Arc<Host>,
    pub(crate) cache: Option<&'a Cache>,
    /// The operator's values.
    pub(crate) config: &'a Map<String, Value>,
    /// Told of the operator's values that do not fit, which are then left out; none where they are a refusal.
    pub(crate) unfit: Option<&'a dyn Fn(Vec<FieldError>)>,
    /// The plugin's log by its id.
    pub(crate) log: &'a dyn Fn(&str) -> Arc<LogRing>,
    /// Told once the manifest is known and the bytes are whole.
    pub(crate) check: &'a dyn Fn(&Identity, &Inspection) -> Result<(), Refusal>,
    pub(crate) stage: &'a dyn Fn(&Identity, Stage<'_>),
    /// Makes who listens to its calls.
    pub(crate) judge: &'a dyn Fn(&Identity) -> Option<Judge>,
    /// What counts the calls of a version.
    pub(crate) stats: &'a dyn Fn(&Arc<Identity>) -> Arc<Stats>,
    /// Makes who listens to what it may not do.
    pub(crate) denials: &'a dyn Fn(&Identity) -> Option<Denials>,
    /// Runs the self-tests and refuses where one fails.
    pub(crate) self_tests: bool,
    /// Takes quick code where the cache has no other and Winch can make it.
    pub(crate) quick: bool,
}

impl Host {
    /// Loads a plugin from bytes, without a folder or a cache, under this host's limits. Runs no self-tests: see
    /// [`Plugin::self_tests`]. `config` holds the operator's values.
    ///
    /// # Errors
    /// Whatever the runtime would refuse it for.
    pub fn load(self: &Arc<Self>, bytes: &[u8], config: &Map<String, Value>) -> Result<Plugin, Refusal> {
        self.load_in(Tier::Optimised, bytes, config)
    }

    /// [`Host::load`] in a tier. `Quick` is optimised all the same where Winch can't take the component or this processor:
    /// [`Plugin::tier`] tells.
    ///
    /// # Errors
    /// As [`Host::load`].
    pub fn load_in(self: &Arc<Self>, tier: Tier, bytes: &[u8], config: &Map<String, Value>) -> Result<Plugin, Refusal> {
        let log = Arc::new(LogRing::new(&self.limits));
        let load = Load {
            host: self,
            cache: None,
            config,
            unfit: None,
            log: &|_| Arc::clone(&log),
            check: &|_, _| Ok(()),
            stage: &|_, _| {},
            judge: &|_| None,
            stats: &|_| Arc::default(),
            denials: &|_| None,
            self_tests: false,
            quick: tier == Tier::Quick,
        };
        load.run(bytes, &digest(bytes))
    }
}

/// SHA-256 in hexadecimal digits.
pub(crate) fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

/// The names in a text of the linker's, outermost first.
fn quoted(text: &str) -> String {
    text.split('`').skip(1).step_by(2).collect::<Vec<_>>().join(", ")
}

impl Load<'_> {
    pub(crate) fn run(&self, bytes: &[u8], digest: &str) -> Result<Plugin, Refusal> {
        let limits = &self.host.limits;
        let size = bytes.len() as u64;
        if size > limits.file {
            return Err(Refusal::TooBig { size, most: limits.file });
        }
        let mut inspection = inspect(bytes)?;
        let manifest = inspection.manifest.take().ok_or(Refusal::NoManifest)?;
        let identity = Arc::new(Identity {
            id: manifest.id.clone(),
            version: manifest.version.clone(),
            digest: digest.to_owned(),
        });
        (self.check)(&identity, &inspection)?;
        self.within_limits(&manifest)?;
        if inspection.http && manifest.needs.http.is_empty() {
            return Err(Refusal::Needs);
        }
        (self.stage)(&identity, Stage::Verified);

        let made = self.compile(bytes, digest)?;
        (self.stage)(&identity, Stage::Compiled(&made));

        let code = self.link(&made, &identity, inspection, manifest)?;
        (self.stage)(&identity, Stage::Linked);

        let code = Arc::new(code);
        let plugin = match (Plugin::new(Arc::clone(&code), self.config), self.unfit) {
            (Err(mistakes), Some(told)) => {
                told(mistakes.clone());
                Plugin::new(Arc::clone(&code), &Map::new()).map_err(|_| mistakes)
            }
            (made, _) => made,
        };
        let plugin = plugin.map_err(Refusal::Config)?;
        if self.self_tests {
            let failed = plugin.self_tests().into_iter().filter_map(|t| Some(format!("{}: {}", t.name, t.difference?)));
            let failed: Vec<String> = failed.collect();
            if !failed.is_empty() {
                return Err(Refusal::SelfTest(failed));
            }
            (self.stage)(&identity, Stage::SelfTested);
        }
        drop(code);
        // What describing and testing it took is counted nowhere.
        Ok(plugin.counting_into((self.stats)(&identity)))
    }

    fn within_limits(&self, manifest: &Manifest) -> Result<(), Refusal> {
        let limits = &self.host.limits;
        if let Some(memory) = manifest.memory.filter(|m| *m > limits.memory_ceiling) {
            let most = limits.memory_ceiling >> 20;
            return Err(Refusal::Limits(format!("{} MiB of memory; this host gives {most} MiB at most", memory >> 20)));
        }
        if let Some(time) = manifest.time().filter(|t| *t > limits.time_ceiling) {
            let most = limits.time_ceiling.as_millis();
            return Err(Refusal::Limits(format!("{} ms a call; this host gives {most} ms at most", time.as_millis())));
        }
        Ok(())
    }

    fn compile(&self, bytes: &[u8], digest: &str) -> Result<Made, Refusal> {
        let optimising = self.host.optimising();
        let made = |component, tier, from_cache| Made { component, tier, from_cache, not_quick: None };
        if let Some(component) = self.cache.and_then(|cache| cache.load(&optimising.engine, digest)) {
            return Ok(made(component, Tier::Optimised, true));
        }
        let quick = self.host.quick().filter(|_| self.quick).map(|quick| quick.compile(bytes));
        let not_quick = match quick {
            Some(Ok(component)) => return Ok(made(component, Tier::Quick, false)),
            Some(Err(why)) => Some(format!("{why:#}")),
            None => None,
        };
        let component = optimising.compile(bytes).map_err(|e| Refusal::Compile(format!("{e:#}")))?;
        Ok(Made { not_quick, ..made(component, Tier::Optimised, false) })
    }

    fn link(
        &self,
        made: &Made,
        identity: &Arc<Identity>,
        inspection: Inspection,
        manifest: Manifest,
    ) -> Result<Code, Refusal> {
        let link = |error: wasmtime::Error| {
            let text = format!("{error:#}");
            tracing::error!(plugin = %identity, "it fits the contract and does not link: {text}");
            Refusal::Link(quoted(&text))
        };
        let limits = &self.host.limits;
        let compiler = match made.tier {
            Tier::Quick => self.host.quick(),
            Tier::Optimised => None,
        };
        let compiler = compiler.unwrap_or(self.host.optimising());
        let guest = Guest::link(compiler, &made.component, &inspection.kinds).map_err(link)?;
        // What it names and never uses is not asked for.
        let asks = if inspection.http { manifest.needs.clone() } else { Rights::default() };
        let mut code = Code {
            host: Arc::clone(self.host),
            identity: Arc::clone(identity),
            log: (self.log)(&identity.id),
            manifest,
            inspection,
            guest: ArcSwap::from_pointee(guest),
            descriptors: BTreeMap::new(),
            config_schema: None,
            arguments_schema: None,
            gate: Gate::new(limits.running, limits.waiting),
            stats: Arc::default(),
            judge: (self.judge)(identity),
            asks,
            rights: OnceLock::new(),
            denials: (self.denials)(identity).map(Arc::new),
        };
        code.describe()?;
        Ok(code)
    }
}

impl Code {
    /// Asks the guest to describe each kind that it offers, and keeps the answers.
    fn describe(&mut self) -> Result<(), Refusal> {
        let failed = |e: crate::error::Failure| Refusal::Describe(e.to_string());
        let mut found = Vec::new();
        let code = self.guest.load_full();
        if let Some(pre) = &code.rule {
            let answer = self.frame(&code).run(None, None, |store| {
                let guest = pre.instantiate(&mut *store)?;
                guest.drls_plugin_health().call_describe(store)
            });
            found.push((Kind::HealthRule, answer.map_err(failed)?, None));
        }
        if let Some(pre) = &code.operation {
            let answer = self.frame(&code).run(None, None, |store| {
                let guest = pre.instantiate(&mut *store)?;
                guest.drls_plugin_operation().call_describe(store)
            });
            let answer = answer.map_err(failed)?;
            found.push((Kind::TableOperation, answer.about, Some(answer.arguments_schema)));
        }
        for (kind, descriptor, arguments) in found {
            self.keep(kind, descriptor, arguments.as_deref())?;
        }
        Ok(())
    }

    fn keep(&mut self, kind: Kind, d: types::Descriptor, arguments: Option<&str>) -> Result<(), Refusal> {
        let id = &self.manifest.id;
        if d.id != *id {
            let text =
                format!("of the {} gives id {:?}, but the manifest says {id:?}; make the two equal", kind.name(), d.id);
            return Err(Refusal::Describe(text));
        }
        let compile = |of: &str, text: &str| {
            Schema::compile(text)
                .map_err(|text| Refusal::Describe(format!("of the {}: the {of} schema {text}", kind.name())))
        };
        let config = compile("config", &d.config_schema)?;
        let arguments = arguments.map(|text| compile("arguments", text)).transpose()?;
        let config_schema = config.json.clone();
        if self.config_schema.as_ref().is_some_and(|other| other.json != config_schema) {
            let text =
                "gives two config schemas; a plugin has one configuration, so give every kind the same".to_owned();
            return Err(Refusal::Describe(text));
        }
        let schema = arguments.as_ref().map_or_else(|| config_schema.clone(), |schema| schema.json.clone());
        self.config_schema = Some(config);
        self.arguments_schema = arguments.or(self.arguments_schema.take());
        let descriptor =
            Descriptor { id: d.id, title: d.title, summary: d.summary, icon: d.icon, schema, config_schema };
        self.descriptors.insert(kind, descriptor);
        Ok(())
    }
}
