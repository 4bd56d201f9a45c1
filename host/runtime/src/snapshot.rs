//! The set of plugins at one moment. Immutable: a change of any plugin is a new snapshot.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value;

use crate::{inspect::Kind, plugin::Plugin};

/// All plugins that serve. A call takes one and keeps it to its end.
#[derive(Debug, Default)]
pub struct Snapshot {
    generation: u64,
    plugins: BTreeMap<String, Arc<Plugin>>,
    rules: Vec<Arc<Plugin>>,
    operations: Vec<Arc<Plugin>>,
    rules_digest: String,
}

impl Snapshot {
    pub(crate) fn new(generation: u64, plugins: BTreeMap<String, Arc<Plugin>>) -> Self {
        let of = |kind| plugins.values().filter(|p| p.kinds().contains(&kind)).cloned().collect::<Vec<_>>();
        let (rules, operations) = (of(Kind::HealthRule), of(Kind::TableOperation));
        let rules_digest = digest(&rules);
        Self { generation, plugins, rules, operations, rules_digest }
    }

    /// Number of the snapshot; a later one is higher.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// All plugins, by id.
    pub fn plugins(&self) -> impl ExactSizeIterator<Item = &Arc<Plugin>> {
        self.plugins.values()
    }

    /// The plugin with this id.
    pub fn plugin(&self, id: &str) -> Option<&Arc<Plugin>> {
        self.plugins.get(id)
    }

    /// Health rules, by id.
    pub fn rules(&self) -> &[Arc<Plugin>] {
        &self.rules
    }

    /// Table operations, by id.
    pub fn operations(&self) -> &[Arc<Plugin>] {
        &self.operations
    }

    /// The table operation with this id.
    pub fn operation(&self, id: &str) -> Option<&Arc<Plugin>> {
        self.plugins.get(id).filter(|p| p.kinds().contains(&Kind::TableOperation))
    }

    /// Hash over ids, file digests and configurations of the rules: equal for rules that judge equally, so a key for
    /// kept judgements. 64 hexadecimal digits.
    pub fn rules_digest(&self) -> &str {
        &self.rules_digest
    }

    pub(crate) fn map(&self) -> &BTreeMap<String, Arc<Plugin>> {
        &self.plugins
    }
}

fn digest(rules: &[Arc<Plugin>]) -> String {
    // One whose calls are refused judges nothing: reports without it are others than those with it.
    let rule = |p: &Arc<Plugin>| match p.barred() {
        Some(_) => serde_json::json!([p.id(), p.identity().digest, "barred"]),
        None => serde_json::json!([p.id(), p.identity().digest, sorted(p.config())]),
    };
    let all: Vec<Value> = rules.iter().map(rule).collect();
    crate::load::digest(Value::Array(all).to_string().as_bytes())
}

/// Keys in order, whatever order the JSON library keeps them in.
fn sorted(map: &serde_json::Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut pairs: Vec<_> = map.iter().collect();
    pairs.sort_by_key(|(key, _)| *key);
    pairs
}
