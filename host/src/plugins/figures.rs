//! Figures of plugins for `GET /metrics`, read when somebody looks.

use std::fmt::Error;
use std::sync::Arc;

use drls_runtime::{Figures, PluginState, PluginStatus, Runtime, Times};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

/// Digits of a digest that tell versions apart.
const DIGITS: usize = 12;

/// What the runtime counts, by plugin; calls by version too.
#[derive(Debug)]
pub(crate) struct Calls(pub(crate) Arc<Runtime>);

impl Collector for Calls {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let plugins = self.0.status();
        calls(&mut encoder, &plugins)?;
        times(&mut encoder, &plugins, "call", "Times of calls in the guest", |counted| &counted.counters.runs)?;
        let help = "Of the calls' times the part until the instance was there";
        times(&mut encoder, &plugins, "instantiate", help, |counted| &counted.counters.instances)?;
        let help = "Times that calls waited for their turn";
        times(&mut encoder, &plugins, "wait", help, |counted| &counted.counters.waits)?;
        let help = "The most memory that one call held";
        let mut peak = encoder.encode_descriptor("plugin_memory_peak", help, Some(&Unit::Bytes), MetricType::Gauge)?;
        for (plugin, counted) in versions(&plugins) {
            peak.encode_family(&labels(plugin, counted))?.encode_gauge(&counted.counters.memory_peak)?;
        }
        let help = "1 where calls go to the plugin";
        let mut serving = encoder.encode_descriptor("plugin_serving", help, None, MetricType::Gauge)?;
        for plugin in &plugins {
            let labels = [("plugin", plugin.id.as_str())];
            serving.encode_family(&labels)?.encode_gauge(&i64::from(plugin.state == PluginState::Active))?;
        }
        let help = "Times that a version of a plugin was taken out of service for failing";
        count(&mut encoder, &plugins, "plugin_quarantines", help, |plugin| plugin.quarantines)?;
        let help = "Times that a new version of a plugin gave its place back by itself";
        count(&mut encoder, &plugins, "plugin_rollbacks", help, |plugin| plugin.rollbacks)?;
        let help = "Lines of a plugin's log that were dropped for coming too fast";
        count(&mut encoder, &plugins, "plugin_log_lines_dropped", help, |plugin| plugin.log_lines_dropped)?;
        let help = "Times that a plugin wanted what is not granted to it";
        count(&mut encoder, &plugins, "plugin_denials", help, |plugin| plugin.denials)
    }
}

/// Every version of every plugin that something was counted for.
fn versions(plugins: &[PluginStatus]) -> impl Iterator<Item = (&PluginStatus, &Figures)> {
    plugins.iter().flat_map(|plugin| plugin.figures.iter().map(move |counted| (plugin, counted)))
}

fn labels(plugin: &PluginStatus, counted: &Figures) -> [(&'static str, String); 3] {
    let digest = counted.digest.chars().take(DIGITS).collect();
    [("plugin", plugin.id.clone()), ("version", counted.version.to_string()), ("digest", digest)]
}

/// Calls and failures by version.
fn calls(encoder: &mut DescriptorEncoder<'_>, plugins: &[PluginStatus]) -> Result<(), Error> {
    let mut calls = encoder.encode_descriptor("plugin_calls", "Calls of plugins", None, MetricType::Counter)?;
    for (plugin, counted) in versions(plugins) {
        let labels = labels(plugin, counted);
        calls.encode_family(&labels)?.encode_counter::<NoLabelSet, _, u64>(&counted.counters.calls, None)?;
    }
    let help = "Failed calls of plugins by kind";
    let mut failures = encoder.encode_descriptor("plugin_failures", help, None, MetricType::Counter)?;
    for (plugin, counted) in versions(plugins) {
        for (kind, count) in &counted.counters.failures {
            let [plugin, version, digest] = labels(plugin, counted);
            let labels = [plugin, version, digest, ("kind", kind.name().to_owned())];
            failures.encode_family(&labels)?.encode_counter::<NoLabelSet, _, u64>(count, None)?;
        }
    }
    Ok(())
}

/// One histogram a version, in seconds.
fn times(
    encoder: &mut DescriptorEncoder<'_>,
    plugins: &[PluginStatus],
    name: &str,
    help: &str,
    of: impl Fn(&Figures) -> &Times,
) -> Result<(), Error> {
    let seconds = |us: u64| us as f64 / 1e6;
    let name = format!("plugin_{name}_duration");
    let mut histogram = encoder.encode_descriptor(&name, help, Some(&Unit::Seconds), MetricType::Histogram)?;
    for (plugin, counted) in versions(plugins) {
        let times = of(counted);
        let mut buckets: Vec<(f64, u64)> = times.by_bound().into_iter().map(|(us, n)| (seconds(us), n)).collect();
        let beyond = times.count() - buckets.iter().map(|(_, n)| n).sum::<u64>();
        buckets.push((f64::INFINITY, beyond));
        let labels = labels(plugin, counted);
        let mut family = histogram.encode_family(&labels)?;
        family.encode_histogram::<NoLabelSet>(seconds(times.sum_us), times.count(), &buckets, None)?;
    }
    Ok(())
}

/// One counter a plugin.
fn count(
    encoder: &mut DescriptorEncoder<'_>,
    plugins: &[PluginStatus],
    name: &str,
    help: &str,
    count: impl Fn(&PluginStatus) -> u64,
) -> Result<(), Error> {
    let mut counter = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for plugin in plugins {
        let labels = [("plugin", plugin.id.as_str())];
        counter.encode_family(&labels)?.encode_counter::<NoLabelSet, _, u64>(&count(plugin), None)?;
    }
    Ok(())
}
