//! The host's side of the plugin runtime: where its folders are, its settings, and its events on ours.

pub(crate) mod decisions;
pub(crate) mod figures;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use drls_runtime::{
    Ceiling, Clock, Ledger, LifeState, Limits, Network, PluginState, Policy, PublicKey, Runtime, RuntimeConfig,
};

use serde_json::Value;
use tokio::runtime::Handle;

use crate::config::{Config, ConfigStore};
use crate::db::Db;
use crate::error::FieldError;
use crate::events::Events;
use crate::health::{Part, State};
use crate::schema::child;

/// Opens the runtime on `<home>/plugins`; loads nothing yet.
///
/// # Errors
/// Where a folder can't be made, or the WebAssembly engine does not start.
pub(crate) fn open(config: &Config) -> Result<Arc<Runtime>> {
    let plugins = config.settings.plugins.iter();
    let plugins: HashMap<_, _> =
        plugins.map(|(id, plugin)| (id.clone(), plugin.config.clone().into_iter().collect())).collect();
    let runtime = Runtime::open(RuntimeConfig {
        plugins_dir: config.home.join("plugins"),
        store_dir: config.home.join("store"),
        cache_dir: config.home.join("cache"),
        ledger_dir: config.home.join("ledger"),
        limits: Limits::default(),
        plugins,
        policy: policy(config),
        clock: Clock::default(),
    });
    runtime.context("the plugin runtime can't be opened")
}

/// The settings' word on which plugins are let in. A key or a host that can't be read, which the settings' own rules refuse,
/// is left out: that lets in less, never more.
fn policy(config: &Config) -> Policy {
    let trust = &config.settings.plugin_trust;
    let signers = trust.signers.iter().filter_map(|(name, key)| Some((name.clone(), PublicKey::parse(key).ok()?)));
    let ceilings = config.settings.plugins.iter().map(|(id, plugin)| {
        let memory = plugin.ceiling.memory_mib.map(|mib| mib << 20);
        (id.clone(), Ceiling { memory, time: plugin.ceiling.time_ms.map(Duration::from_millis) })
    });
    Policy {
        signatures: trust.signed,
        signers: signers.collect(),
        ceilings: ceilings.collect(),
        network: Network::of(&trust.internal_hosts).unwrap_or_default(),
    }
}

/// What is decided about the plugins of a home.
pub(crate) fn ledger(home: &Path) -> Ledger {
    Ledger::new(&home.join("ledger"), &home.join("plugins"), &home.join("store"))
}

/// Loads what is in the folder, watches it, tells every event in a plugin's life, and writes down what the runtime decides.
///
/// # Errors
/// Where the folder can't be watched.
pub(crate) fn start(runtime: &Arc<Runtime>, events: Events, db: Db) -> Result<()> {
    let life = runtime.subscribe();
    let handle = Handle::current();
    // The events end with the runtime.
    let plugins = Arc::downgrade(runtime);
    std::thread::Builder::new().name("plugin-events".to_owned()).spawn(move || {
        for event in life {
            let detail = event.detail.as_deref().unwrap_or_default();
            tracing::debug!(plugin = event.id, state = ?event.state, took_ms = event.took_ms, "{detail}");
            if matches!(event.state, LifeState::Quarantined | LifeState::RolledBack | LifeState::Denied) {
                handle.block_on(decisions::write_down_own(&db, &event));
            }
            match serde_json::to_value(&event) {
                Ok(mut data) => {
                    // Versions go with every swap; a plugin is gone where none of its name serves any more.
                    let serves = plugins.upgrade().is_some_and(|all| all.snapshot().plugin(&event.id).is_some());
                    data["serves"] = Value::from(serves);
                    events.publish("plugin.changed", data);
                }
                Err(error) => tracing::error!(%error, "an event of a plugin can't be told"),
            }
        }
    })?;
    runtime.start().context("the plugins folder can't be watched")
}

/// Mistakes of the plugins' values in settings that somebody sends, against what the loaded plugins take. Values of a
/// plugin that is not there are kept for when it comes, and so are those for a version that waits for others than it found.
pub(crate) fn mistakes(runtime: &Runtime, settings: &Value) -> Vec<FieldError> {
    let loaded = runtime.snapshot();
    let given = settings.get("plugins").and_then(Value::as_object).into_iter().flatten();
    let mut mistakes = Vec::new();
    for (id, plugin) in given {
        let values = plugin.get("config").and_then(Value::as_object);
        let (Some(values), Some(plugin)) = (values, loaded.plugin(id)) else { continue };
        if runtime.waits_for_values(id) {
            continue;
        }
        let at = child(&child("/plugins", id), "config");
        mistakes.extend(
            plugin.check_config(values).into_iter().map(|e| FieldError::new(format!("{at}{}", e.pointer), e.detail)),
        );
    }
    mistakes
}

/// Takes over the settings' word on plugins and the values of their configurations, those of now. A plugin that the settings do not
/// name has its own again.
pub(crate) fn configure(runtime: &Runtime, settings: &ConfigStore) {
    // One after the other, so that none of two changes leaves the older one in force.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let config = &*settings.get();
    runtime.set_policy(policy(config));
    let named = &config.settings.plugins;
    let others = runtime.configured().into_iter().filter(|id| !named.contains_key(id));
    for id in named.keys().cloned().chain(others) {
        let values = named.get(&id).map(|plugin| plugin.config.clone().into_iter().collect()).unwrap_or_default();
        if let Err(error) = runtime.set_plugin_config(&id, values) {
            tracing::warn!(plugin = id, "its new configuration is not taken: {error}");
        }
    }
}

/// How the plugins are, for `GET /api/health`.
pub(crate) fn part(runtime: &Runtime) -> Part {
    let all = runtime.status();
    let count = |state| all.iter().filter(|p| p.state == state).count();
    let (active, refused) = (count(PluginState::Active), count(PluginState::Refused));
    let wrong = all.iter().filter(|p| p.state == PluginState::Active && p.error.is_some()).count();
    let (quarantined, disabled) = (count(PluginState::Quarantined), count(PluginState::Disabled));
    let waiting = all.iter().filter(|p| p.waiting.is_some()).count();
    let wrong = wrong - all.iter().filter(|p| p.state == PluginState::Active && p.waiting.is_some()).count();
    let bad = refused + wrong + quarantined;
    let state = match (active, bad) {
        (_, 1..) => State::Degraded,
        (0, 0) => State::Idle,
        _ => State::Ok,
    };
    let told = [
        (refused, "refused"),
        (wrong, "with a file or values that are not taken"),
        (quarantined, "in quarantine"),
        (disabled, "disabled"),
        (waiting, "waiting for a grant"),
    ];
    let mut detail = format!("{active} loaded");
    for (count, words) in told.into_iter().filter(|(count, _)| *count > 0) {
        detail += &format!(", {count} {words}");
    }
    if bad > 0 {
        detail += "; GET /api/plugins says why";
    }
    Part { state, detail }
}
