//! The host's side of the plugin runtime: where its folders are, its settings, and its events on ours.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use drls_runtime::{Limits, PluginState, Runtime, RuntimeConfig};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;

use serde_json::Value;

use crate::config::Config;
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
        limits: Limits::default(),
        plugins,
    });
    runtime.context("the plugin runtime can't be opened")
}

/// Loads what is in the folder, watches it, and tells every event in a plugin's life.
///
/// # Errors
/// Where the folder can't be watched.
pub(crate) fn start(runtime: &Arc<Runtime>, events: Events) -> Result<()> {
    let life = runtime.subscribe();
    std::thread::Builder::new().name("plugin-events".to_owned()).spawn(move || {
        for event in life {
            let detail = event.detail.as_deref().unwrap_or_default();
            tracing::debug!(plugin = event.id, state = ?event.state, took_ms = event.took_ms, "{detail}");
            match serde_json::to_value(&event) {
                Ok(data) => {
                    events.publish("plugin.changed", data);
                }
                Err(error) => tracing::error!(%error, "an event of a plugin can't be told"),
            }
        }
    })?;
    runtime.start().context("the plugins folder can't be watched")
}

/// Mistakes of the plugins' values in settings that somebody sends, against what the loaded plugins take. Values of a
/// plugin that is not there are kept for when it comes.
pub(crate) fn mistakes(runtime: &Runtime, settings: &Value) -> Vec<FieldError> {
    let loaded = runtime.snapshot();
    let given = settings.get("plugins").and_then(Value::as_object).into_iter().flatten();
    let mut mistakes = Vec::new();
    for (id, plugin) in given {
        let values = plugin.get("config").and_then(Value::as_object);
        let (Some(values), Some(plugin)) = (values, loaded.plugin(id)) else { continue };
        let at = child(&child("/plugins", id), "config");
        mistakes.extend(
            plugin.check_config(values).into_iter().map(|e| FieldError::new(format!("{at}{}", e.pointer), e.detail)),
        );
    }
    mistakes
}

/// Takes over changed values of plugins' configurations.
pub(crate) fn configure(runtime: &Runtime, config: &Config) {
    for (id, plugin) in &config.settings.plugins {
        let values = plugin.config.clone().into_iter().collect();
        if let Err(error) = runtime.set_plugin_config(id, values) {
            tracing::warn!(plugin = id, "its new configuration is not taken: {error}");
        }
    }
}

/// How the plugins are, for `GET /api/health`.
pub(crate) fn part(runtime: &Runtime) -> Part {
    let all = runtime.status();
    let count = |state| all.iter().filter(|p| p.state == state).count();
    let (active, refused) = (count(PluginState::Active), count(PluginState::Refused));
    let state = match (active, refused) {
        (_, 1..) => State::Degraded,
        (0, 0) => State::Idle,
        _ => State::Ok,
    };
    let detail = match refused {
        0 => format!("{active} loaded"),
        _ => format!("{active} loaded, {refused} refused; GET /api/plugins says why"),
    };
    Part { state, detail }
}

/// Calls of plugins for `GET /metrics`, read when somebody looks.
#[derive(Debug)]
pub(crate) struct Calls(pub(crate) Arc<Runtime>);

impl Collector for Calls {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let plugins = self.0.status();
        let mut calls = encoder.encode_descriptor("plugin_calls", "Calls of plugins", None, MetricType::Counter)?;
        for plugin in &plugins {
            let labels = [("plugin", plugin.id.as_str())];
            calls.encode_family(&labels)?.encode_counter::<NoLabelSet, _, u64>(&plugin.counters.calls, None)?;
        }
        let help = "Failed calls of plugins by kind";
        let mut failures = encoder.encode_descriptor("plugin_failures", help, None, MetricType::Counter)?;
        for plugin in &plugins {
            for (kind, count) in &plugin.counters.failures {
                let labels = [("plugin", plugin.id.as_str()), ("kind", kind.name())];
                failures.encode_family(&labels)?.encode_counter::<NoLabelSet, _, u64>(count, None)?;
            }
        }
        Ok(())
    }
}
