//! How manifests are weighed: by those that a rewrite would save.

use drls_plugin::facts::Manifest;
use drls_plugin::weigh::{filled, points};
use drls_plugin::{Finding, Properties, Severity, human};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Values that the operator may change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "Manifests")]
pub(crate) struct Config {
    /// Manifests that a rewrite must save, from which it is told.
    #[schemars(title = "Least manifests saved", range(min = 1))]
    least_saved: u64,
    /// Manifests saved at which the full weight is taken. 100: Iceberg merges manifests by itself at so many
    /// (commit.manifest.min-count-to-merge).
    #[schemars(title = "Worst number saved", range(min = 1))]
    worst: u64,
    /// Points off at the worst.
    #[schemars(title = "Weight", range(min = 0, max = 100))]
    weight: u8,
}

impl Default for Config {
    fn default() -> Self {
        Self { least_saved: 20, worst: 100, weight: 10 }
    }
}

/// Compares the manifests of the default partition spec with what Iceberg's `RewriteManifestsSparkAction` makes of them:
/// `ceil(bytes / commit.manifest.target-size-bytes)`, data and deletes apart. Others are left as they are by a rewrite.
///
/// One that lists no live file says only what the last commit removed: Iceberg's `ManifestGroup` does not open it to plan a
/// scan, and the next commit drops it. So it costs nothing, and how many of them a compaction leaves is chance: it depends on
/// which groups of files were done last.
pub(crate) fn judge(manifests: &[Manifest], spec: i32, properties: &Properties, config: &Config) -> Option<Finding> {
    let manifests: Vec<&Manifest> = manifests.iter().filter(|m| m.files > 0).collect();
    let target = properties.number("commit.manifest.target-size-bytes", 8 << 20).max(1);
    let after = |deletes: bool| -> (u64, u64) {
        let these = manifests.iter().filter(|m| m.spec_id == spec && m.deletes == deletes);
        let (count, bytes) = these.fold((0, 0), |(n, b), m| (n + 1, b + m.bytes));
        (count, bytes.div_ceil(target))
    };
    let ((data, data_after), (deletes, deletes_after)) = (after(false), after(true));
    let saved = (data + deletes).saturating_sub(data_after + deletes_after);
    if saved < config.least_saved {
        return None;
    }
    let count = manifests.len() as u64;
    let bytes: u64 = manifests.iter().map(|m| m.bytes).sum();
    let files: u64 = manifests.iter().map(|m| m.files).sum();
    let penalty = points(config.weight, filled(saved as f64, config.worst as f64));
    let title = format!(
        "{} of {} on average list {}; {} would do.",
        human::count(count, "manifest"),
        human::bytes(bytes / count.max(1)),
        human::count(files, "file"),
        human::number(count - saved),
    );
    let finding = Finding::new("many-manifests", Severity::of(penalty, config.weight), title, penalty)
        .measure("manifests saved by a rewrite", saved as f64, "manifests", Some(config.least_saved as f64))
        .measure("manifests", count as f64, "manifests", None)
        .measure("average manifest size", bytes as f64 / count.max(1) as f64, "bytes", Some(target as f64))
        .remedy("rewrite-manifests", &json!({}));
    Some(finding)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifests(count: usize, bytes: u64, spec_id: i32) -> Vec<Manifest> {
        vec![Manifest { bytes, spec_id, deletes: false, files: 6 }; count]
    }

    fn judged(manifests: &[Manifest]) -> Option<(u8, Severity)> {
        judge(manifests, 0, &Properties::default(), &Config::default()).map(|f| (f.penalty, f.severity))
    }

    #[test]
    fn none_or_few_manifests_are_fine() {
        assert_eq!(judged(&[]), None);
        assert_eq!(judged(&manifests(20, 7_000, 0)), None, "nineteen would be saved");
    }

    #[test]
    fn many_manifests_of_full_size_are_fine() {
        assert_eq!(judged(&manifests(200, 8 << 20, 0)), None);
    }

    #[test]
    fn many_small_manifests_are_told_with_what_would_do() {
        assert_eq!(judged(&manifests(66, 7_000, 0)), Some((7, Severity::Warning)));
        let finding = judge(&manifests(66, 7_000, 0), 0, &Properties::default(), &Config::default()).unwrap();
        assert_eq!(finding.title, "66 manifests of 6.8 KiB on average list 396 files; 1 would do.");
    }

    #[test]
    fn what_the_last_commit_emptied_costs_nothing() {
        let emptied = vec![Manifest { bytes: 7_000, spec_id: 0, deletes: false, files: 0 }; 200];
        assert_eq!(judged(&emptied), None);
        assert_eq!(judged(&[emptied, manifests(66, 7_000, 0)].concat()), Some((7, Severity::Warning)));
    }

    #[test]
    fn manifests_of_an_old_spec_are_not_what_a_rewrite_saves() {
        assert_eq!(judged(&manifests(200, 7_000, 1)), None);
    }
}
