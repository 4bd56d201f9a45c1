//! How delete files are weighed: the two delete parts of Apache Amoro's health score.

use drls_plugin::facts::Totals;
use drls_plugin::weigh::{filled, points};
use drls_plugin::{Finding, Severity, human};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Values that the operator may change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "Delete files")]
pub(crate) struct Config {
    /// Delete files from which it is told. 1: Gravitino's compaction policy acts on any delete file.
    #[schemars(title = "Least delete files", range(min = 1))]
    least: u64,
    /// Delete files from which a table of few bytes counts fully: each is one more object that a scan opens.
    #[schemars(title = "Many delete files", range(min = 1))]
    many: u64,
    /// Equality deletes to rows at which the full weight is taken. 0.1: Amoro's CommonPartitionEvaluator.
    #[schemars(title = "Worst equality-delete ratio", range(min = 0.001, max = 1.0))]
    equality_ratio: f64,
    /// Position deletes to rows at which the full weight is taken. 0.2: Amoro's CommonPartitionEvaluator.
    #[schemars(title = "Worst position-delete ratio", range(min = 0.001, max = 1.0))]
    position_ratio: f64,
    /// Points off for equality deletes at their worst. 40: Amoro.
    #[schemars(title = "Weight of equality deletes", range(min = 0, max = 100))]
    equality_weight: u8,
    /// Points off for position deletes at their worst. 20: Amoro.
    #[schemars(title = "Weight of position deletes", range(min = 0, max = 100))]
    position_weight: u8,
}

impl Default for Config {
    fn default() -> Self {
        Self { least: 1, many: 10, equality_ratio: 0.1, position_ratio: 0.2, equality_weight: 40, position_weight: 20 }
    }
}

/// Amoro's `weight * damping * n(deleted rows / rows, ratio)` for both kinds. Amoro damps by `n(files, 12) * n(bytes,
/// 75 % of the target)`; ten delete files undo the damping, because a scan opens each of them however small the data is.
pub(crate) fn judge(totals: &Totals, target: u64, config: &Config) -> Option<Finding> {
    if totals.delete_files < config.least || totals.records == 0 {
        return None;
    }
    let ratio = |deletes: u64| deletes as f64 / totals.records as f64;
    let (equality, position) = (ratio(totals.equality_deletes), ratio(totals.position_deletes));
    let small = filled(totals.data_files as f64, 12.0) * filled(totals.data_bytes as f64, 0.75 * target as f64);
    let damping = small.max(filled(totals.delete_files as f64, config.many as f64));
    let penalty = points(config.equality_weight, damping * filled(equality, config.equality_ratio))
        .saturating_add(points(config.position_weight, damping * filled(position, config.position_ratio)))
        .clamp(1, 100);
    let weight = if totals.equality_deletes > 0 { config.equality_weight } else { config.position_weight };
    let deleted = totals.equality_deletes + totals.position_deletes;
    let title = format!(
        "{} to apply at every scan, holding {} against {} ({}).",
        human::count(totals.delete_files, "delete file"),
        human::count(deleted, "delete"),
        human::count(totals.records, "row"),
        human::percent(equality + position),
    );
    let finding = Finding::new("delete-files", Severity::of(penalty, weight), title, penalty)
        .measure("delete files", totals.delete_files as f64, "files", Some(config.least as f64))
        .measure("equality deletes to rows", equality, "ratio", Some(config.equality_ratio))
        .measure("position deletes to rows", position, "ratio", Some(config.position_ratio))
        .remedy("compact", &json!({"strategy": "binpack", "options": {"delete-file-threshold": "1"}}));
    Some(finding)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TARGET: u64 = 512 << 20;

    fn totals(delete_files: u64, position_deletes: u64, equality_deletes: u64) -> Totals {
        Totals {
            records: 26_115,
            data_files: 12,
            data_bytes: 700_000,
            delete_files,
            position_deletes,
            equality_deletes,
            manifests: None,
        }
    }

    fn judged(totals: Totals) -> Option<(u8, Severity)> {
        judge(&totals, TARGET, &Config::default()).map(|f| (f.penalty, f.severity))
    }

    #[test]
    fn a_table_without_delete_files_or_without_rows_is_not_sick() {
        assert_eq!(judged(totals(0, 0, 0)), None);
        assert_eq!(judged(Totals { records: 0, ..totals(1, 0, 0) }), None);
    }

    #[test]
    fn one_delete_file_of_a_small_table_is_told_and_hardly_weighs() {
        assert_eq!(judged(totals(1, 10, 0)), Some((1, Severity::Info)));
    }

    #[test]
    fn a_fifth_of_the_rows_by_position_takes_the_full_weight() {
        assert_eq!(judged(totals(10, 5_223, 0)), Some((20, Severity::Critical)));
        assert_eq!(judged(totals(10, 1_306, 0)), Some((6, Severity::Warning)));
    }

    #[test]
    fn equality_deletes_weigh_twice_as_much_and_at_half_the_ratio() {
        assert_eq!(judged(totals(10, 0, 2_612)), Some((40, Severity::Critical)));
    }

    #[test]
    fn the_title_has_the_figures() {
        let title = judge(&totals(12, 1_306, 0), TARGET, &Config::default()).unwrap().title;
        assert_eq!(title, "12 delete files to apply at every scan, holding 1,306 deletes against 26,115 rows (5 %).");
    }
}
