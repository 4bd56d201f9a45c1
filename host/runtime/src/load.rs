//! From bytes to a plugin that may serve: inspect, compile, link, describe, test.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use wasmtime::component::Component;

use crate::{
    bindings::{operation::TableOperationPre, rule::HealthRulePre, types},
    cache::Cache,
    engine::Host,
    error::Identity,
    gate::Gate,
    inspect::{Inspection, Kind, inspect},
    log::LogRing,
    manifest::Manifest,
    plugin::{Code, Descriptor, Plugin},
    refusal::Refusal,
    schema::Schema,
    stats::Stats,
};

/// A step of loading that is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Verified,
    Compiled { from_cache: bool },
    Linked,
    SelfTested,
}

/// What a load takes besides the bytes.
pub(crate) struct Load<'a> {
    pub(crate) host: &'a Arc<Host>,
    pub(crate) cache: Option<&'a Cache>,
    /// The operator's values.
    pub(crate) config: &'a Map<String, Value>,
    /// The plugin's log by its id.
    pub(crate) log: &'a dyn Fn(&str) -> Arc<LogRing>,
    /// Told once the manifest is known and the bytes are whole.
    pub(crate) check: &'a dyn Fn(&Identity) -> Result<(), Refusal>,
    pub(crate) stage: &'a dyn Fn(&Identity, Stage),
    /// Runs the self-tests and refuses where one fails.
    pub(crate) self_tests: bool,
}

impl Host {
    /// Loads a plugin from bytes, without a folder or a cache, under this host's limits. Runs no self-tests: see
    /// [`Plugin::self_tests`]. `config` holds the operator's values.
    ///
    /// # Errors
    /// Whatever the runtime would refuse it for.
    pub fn load(self: &Arc<Self>, bytes: &[u8], config: &Map<String, Value>) -> Result<Plugin, Refusal> {
        let log = Arc::new(LogRing::new(&self.limits));
        let load = Load {
            host: self,
            cache: None,
            config,
            log: &|_| Arc::clone(&log),
            check: &|_| Ok(()),
            stage: &|_, _| {},
            self_tests: false,
        };
        load.run(bytes, &digest(bytes))
    }
}

/// SHA-256 in hexadecimal digits.
pub(crate) fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
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
        (self.check)(&identity)?;
        self.within_limits(&manifest)?;
        (self.stage)(&identity, Stage::Verified);

        let (component, from_cache) = self.compile(bytes, digest)?;
        (self.stage)(&identity, Stage::Compiled { from_cache });

        let code = self.link(&component, &identity, inspection, manifest)?;
        (self.stage)(&identity, Stage::Linked);

        let plugin = Plugin::new(Arc::new(code), self.config).map_err(Refusal::Config)?;
        if self.self_tests {
            let failed = plugin.self_tests().into_iter().filter_map(|t| Some(format!("{}: {}", t.name, t.difference?)));
            let failed: Vec<String> = failed.collect();
            if !failed.is_empty() {
                return Err(Refusal::SelfTest(failed));
            }
            (self.stage)(&identity, Stage::SelfTested);
        }
        plugin.code().stats.reset();
        Ok(plugin)
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

    fn compile(&self, bytes: &[u8], digest: &str) -> Result<(Component, bool), Refusal> {
        let engine = &self.host.engine;
        if let Some(component) = self.cache.and_then(|cache| cache.load(engine, digest)) {
            return Ok((component, true));
        }
        let component = Component::from_binary(engine, bytes).map_err(|e| Refusal::Compile(format!("{e:#}")))?;
        if let Some(cache) = self.cache {
            cache.store(engine, digest, &component);
        }
        Ok((component, false))
    }

    fn link(
        &self,
        component: &Component,
        identity: &Arc<Identity>,
        inspection: Inspection,
        manifest: Manifest,
    ) -> Result<Code, Refusal> {
        let link = |e: wasmtime::Error| Refusal::Link(format!("{e:#}"));
        let limits = &self.host.limits;
        let pre = self.host.linker.instantiate_pre(component).map_err(link)?;
        let has = |kind| inspection.kinds.contains(&kind);
        let rule = has(Kind::HealthRule).then(|| HealthRulePre::new(pre.clone())).transpose().map_err(link)?;
        let operation =
            has(Kind::TableOperation).then(|| TableOperationPre::new(pre.clone())).transpose().map_err(link)?;
        let mut code = Code {
            host: Arc::clone(self.host),
            identity: Arc::clone(identity),
            log: (self.log)(&identity.id),
            manifest,
            inspection,
            rule,
            operation,
            descriptors: BTreeMap::new(),
            schemas: BTreeMap::new(),
            gate: Gate::new(limits.running, limits.waiting),
            stats: Stats::default(),
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
        if let Some(pre) = &self.rule {
            let answer = self.frame().run(None, None, |store| {
                let guest = pre.instantiate(&mut *store)?;
                guest.drls_plugin_health().call_describe(store)
            });
            found.push((Kind::HealthRule, answer.map_err(failed)?));
        }
        if let Some(pre) = &self.operation {
            let answer = self.frame().run(None, None, |store| {
                let guest = pre.instantiate(&mut *store)?;
                guest.drls_plugin_operation().call_describe(store)
            });
            found.push((Kind::TableOperation, answer.map_err(failed)?));
        }
        for (kind, descriptor) in found {
            self.keep(kind, descriptor)?;
        }
        Ok(())
    }

    fn keep(&mut self, kind: Kind, d: types::Descriptor) -> Result<(), Refusal> {
        let id = &self.manifest.id;
        if d.id != *id {
            let text =
                format!("of the {} gives id {:?}, but the manifest says {id:?}; make the two equal", kind.name(), d.id);
            return Err(Refusal::Describe(text));
        }
        let schema =
            Schema::compile(&d.schema).map_err(|text| Refusal::Describe(format!("of the {}: {text}", kind.name())))?;
        let json = schema.json.clone();
        self.schemas.insert(kind, schema);
        let descriptor = Descriptor { id: d.id, title: d.title, summary: d.summary, icon: d.icon, schema: json };
        self.descriptors.insert(kind, descriptor);
        Ok(())
    }
}
