//! How metadata files are weighed.

use drls_plugin::weigh::{filled, points};
use drls_plugin::{Finding, Severity, human};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Values that the operator may change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "Metadata size")]
pub(crate) struct Config {
    /// Size of the metadata file from which it is told. 5 MB: a catalog's limit on a request, met in
    /// estuary/connectors#3984.
    #[schemars(title = "Large metadata file, bytes", range(min = 1))]
    large_bytes: u64,
    /// Size at which the full weight is taken. 100 MB: lake-pulse.
    #[schemars(title = "Worst size, bytes", range(min = 1))]
    worst_bytes: u64,
    /// Points off for a metadata file of the worst size.
    #[schemars(title = "Weight of the size", range(min = 0, max = 100))]
    size_weight: u8,
    /// Old metadata files from which it is told while nothing deletes them. 50: half of what Iceberg lists by default.
    #[schemars(title = "Old metadata files", range(min = 1))]
    entries: u64,
    /// Old metadata files at which the full weight is taken. 100: Iceberg's write.metadata.previous-versions-max.
    #[schemars(title = "Worst number of old files", range(min = 1))]
    worst_entries: u64,
    /// Old metadata files that the offered properties keep.
    #[schemars(title = "Old files to keep", range(min = 1))]
    keep: u64,
    /// Points off for old metadata files at their worst.
    #[schemars(title = "Weight of the log", range(min = 0, max = 100))]
    log_weight: u8,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            large_bytes: 5_000_000,
            worst_bytes: 100_000_000,
            size_weight: 15,
            entries: 50,
            worst_entries: 100,
            keep: 20,
            log_weight: 10,
        }
    }
}

/// What the rule looks at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figures {
    /// Size of the current metadata file.
    pub(crate) bytes: u64,
    /// Older metadata files that it lists.
    pub(crate) entries: u64,
    pub(crate) snapshots: u64,
    /// write.metadata.delete-after-commit.enabled.
    pub(crate) deletes_old: bool,
}

pub(crate) fn judge(figures: &Figures, config: &Config) -> Vec<Finding> {
    [large(figures, config), long(figures, config)].into_iter().flatten().collect()
}

/// Snapshots are what fills a metadata file in practice, so fewer of them is what helps.
fn large(figures: &Figures, config: &Config) -> Option<Finding> {
    if figures.bytes < config.large_bytes {
        return None;
    }
    let penalty = points(config.size_weight, filled(figures.bytes as f64, config.worst_bytes as f64));
    let title = format!(
        "The metadata file is {} large and is written anew by every commit; it lists {}.",
        human::bytes(figures.bytes),
        human::count(figures.snapshots, "snapshot"),
    );
    let finding = Finding::new("large-metadata", Severity::of(penalty, config.size_weight), title, penalty)
        .measure("size of the metadata file", figures.bytes as f64, "bytes", Some(config.large_bytes as f64))
        .measure("snapshots", figures.snapshots as f64, "snapshots", None);
    Some(if figures.snapshots > 1 { finding.remedy("expire", &json!({})) } else { finding })
}

/// Iceberg drops the oldest entry of a full log but leaves its file, unless it is told to delete it. The offered
/// properties shorten the log too, so that the very next commit deletes what falls off.
fn long(figures: &Figures, config: &Config) -> Option<Finding> {
    if figures.deletes_old || figures.entries < config.entries {
        return None;
    }
    let penalty = points(config.log_weight, filled(figures.entries as f64, config.worst_entries as f64));
    let title = format!(
        "{} are kept, and nothing deletes those that fall off the log.",
        human::count(figures.entries, "old metadata file"),
    );
    let properties = json!({
        "write.metadata.delete-after-commit.enabled": "true",
        "write.metadata.previous-versions-max": config.keep.to_string(),
    });
    let finding = Finding::new("long-metadata-log", Severity::of(penalty, config.log_weight), title, penalty)
        .measure("old metadata files", figures.entries as f64, "files", Some(config.entries as f64))
        .remedy("set-properties", &json!({"properties": properties}));
    Some(finding)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(bytes: u64, entries: u64, deletes_old: bool) -> Vec<(String, u8, Severity)> {
        judge(&Figures { bytes, entries, snapshots: 90, deletes_old }, &Config::default())
            .into_iter()
            .map(|f| (f.code, f.penalty, f.severity))
            .collect()
    }

    #[test]
    fn a_young_table_is_not_sick() {
        assert_eq!(judged(2_000, 0, false), []);
        assert_eq!(judged(194_000, 49, false), []);
    }

    #[test]
    fn a_full_log_that_nothing_empties_is_told() {
        assert_eq!(judged(194_000, 100, false), [("long-metadata-log".into(), 10, Severity::Warning)]);
        assert_eq!(judged(194_000, 60, false), [("long-metadata-log".into(), 6, Severity::Warning)]);
    }

    #[test]
    fn a_full_log_that_is_emptied_by_commits_is_fine() {
        assert_eq!(judged(194_000, 100, true), []);
    }

    #[test]
    fn a_large_file_is_told_beside_the_log() {
        let codes: Vec<String> = judged(60_000_000, 100, false).into_iter().map(|f| f.0).collect();
        assert_eq!(codes, ["large-metadata", "long-metadata-log"]);
    }
}
