//! The set of plugins at one moment. Immutable: a change of any plugin is a new snapshot.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value;

use crate::{inspect::Kind, plugin::Plugin};

/// Hexadecimal digits of a rule's key: every table keeps one of each rule.
const KEY: usize = 32;

/// All plugins that serve. A call takes one and keeps it to its end.
#[derive(Debug, Default)]
pub struct Snapshot {
    generation: u64,
    plugins: BTreeMap<String, Arc<Plugin>>,
    rules: Vec<Arc<Plugin>>,
    rule_keys: Vec<String>,
    operations: Vec<Arc<Plugin>>,
    rules_digest: String,
}

impl Snapshot {
    pub(crate) fn new(generation: u64, plugins: BTreeMap<String, Arc<Plugin>>) -> Self {
        let of = |kind| plugins.values().filter(|p| p.kinds().contains(&kind)).cloned().collect::<Vec<_>>();
        let (rules, operations) = (of(Kind::HealthRule), of(Kind::TableOperation));
        let rule_keys: Vec<String> = rules.iter().map(key).collect();
        let rules_digest = crate::load::digest(rule_keys.concat().as_bytes());
        Self { generation, plugins, rules, rule_keys, operations, rules_digest }
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

    /// Of each of [`Snapshot::rules`] a hash over its id, its file's digest and its configuration: equal for rules that judge
    /// equally, so a key for kept findings. 32 hexadecimal digits.
    pub fn rule_keys(&self) -> &[String] {
        &self.rule_keys
    }

    /// Table operations, by id.
    pub fn operations(&self) -> &[Arc<Plugin>] {
        &self.operations
    }

    /// The table operation with this id.
    pub fn operation(&self, id: &str) -> Option<&Arc<Plugin>> {
        self.plugins.get(id).filter(|p| p.kinds().contains(&Kind::TableOperation))
    }

    /// Hash over all of [`Snapshot::rule_keys`]: a key for kept judgements. 64 hexadecimal digits.
    pub fn rules_digest(&self) -> &str {
        &self.rules_digest
    }

    pub(crate) fn map(&self) -> &BTreeMap<String, Arc<Plugin>> {
        &self.plugins
    }
}

fn key(rule: &Arc<Plugin>) -> String {
    let (id, digest) = (rule.id(), &rule.identity().digest);
    // One whose calls are refused judges nothing: reports without it are others than those with it.
    let of = match rule.barred() {
        Some(_) => serde_json::json!([id, digest, "barred"]),
        None => serde_json::json!([id, digest, sorted(rule.config())]),
    };
    let mut key = crate::load::digest(of.to_string().as_bytes());
    key.truncate(KEY);
    key
}

/// Keys in order, whatever order the JSON library keeps them in.
fn sorted(map: &serde_json::Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut pairs: Vec<_> = map.iter().collect();
    pairs.sort_by_key(|(key, _)| *key);
    pairs
}
