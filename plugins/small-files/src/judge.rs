//! How small files are weighed: Apache Amoro's formula, with the files that a rewrite would really save as a second
//! ground on which a table is not small any more.

use drls_plugin::weigh::{filled, points};
use drls_plugin::{Finding, Severity, human};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Values that the operator may change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "Small files")]
pub(crate) struct Config {
    /// Share of the table's data files that a rewrite would join, from which it is told. 0.3: nimtable's threshold.
    #[schemars(title = "Share of small files", range(min = 0.0, max = 1.0))]
    share: f64,
    /// Small files in one partition from which a rewrite joins them. 5: Iceberg's min-input-files.
    #[schemars(title = "Small files a partition", range(min = 2))]
    min_input_files: u64,
    /// Files that a rewrite must save at least. 12: under so many files Amoro's CommonPartitionEvaluator spares a table.
    #[schemars(title = "Least files saved", range(min = 1))]
    least_saved: u64,
    /// Files saved from which a table of few bytes counts fully. 100: where AWS Glue starts to compact a partition.
    #[schemars(title = "Many files saved", range(min = 1))]
    many_saved: u64,
    /// Points off for the worst case. 40: the weight of small files in Amoro's score.
    #[schemars(title = "Weight", range(min = 0, max = 100))]
    weight: u8,
}

impl Default for Config {
    fn default() -> Self {
        Self { share: 0.3, min_input_files: 5, least_saved: 12, many_saved: 100, weight: 40 }
    }
}

/// Small files of one partition, those under 75 % of the target (Iceberg's min-file-size-bytes).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    pub(crate) files: u64,
    pub(crate) bytes: u64,
}

/// What the rule looks at.
#[derive(Debug, Clone)]
pub(crate) struct Figures {
    pub(crate) files: u64,
    pub(crate) bytes: u64,
    pub(crate) target: u64,
    pub(crate) small_files: u64,
    pub(crate) parts: Vec<Part>,
}

/// Files that a rewrite would pick up, and how many fewer there would be after it.
///
/// A partition is picked as Iceberg's `SizeBasedFileRewritePlanner` picks a group: enough small files, or more bytes in
/// them than the target. The saving is AutoComp's `small files - ceil(small bytes / target)` (OpenHouse
/// `OpenHouseDataLayoutStrategyGenerator`).
fn saving(figures: &Figures, config: &Config) -> (u64, u64) {
    let target = figures.target.max(1);
    let picked = |p: &&Part| p.files > 1 && (p.files >= config.min_input_files || p.bytes > target);
    figures.parts.iter().filter(picked).fold((0, 0), |(joined, saved), p| {
        (joined + p.files, saved + p.files.saturating_sub(p.bytes.div_ceil(target).max(1)))
    })
}

/// Amoro's `weight * damping * (1 - n(average size, 75 % of the target))`. Amoro damps by `n(files, 12) * n(bytes, 75 %
/// of the target)` alone, which calls 400 files of 25 KiB healthy; here many files saved undo the damping by bytes.
pub(crate) fn judge(figures: &Figures, config: &Config) -> Option<Finding> {
    let (joined, saved) = saving(figures, config);
    let files = figures.files as f64;
    let share = joined as f64 / files.max(1.0);
    if figures.files == 0 || saved < config.least_saved || share <= config.share {
        return None;
    }
    let fair = 0.75 * figures.target as f64;
    let average = figures.bytes as f64 / files;
    let damping =
        filled(files, 12.0) * filled(figures.bytes as f64, fair).max(filled(saved as f64, config.many_saved as f64));
    let penalty = points(config.weight, damping * (1.0 - filled(average, fair)));
    let title = format!(
        "{} of {} are under 75 % of the target size of {}, {} on average; joining them would leave {} fewer.",
        human::number(figures.small_files),
        human::count(figures.files, "data file"),
        human::bytes(figures.target),
        human::bytes(average as u64),
        human::number(saved),
    );
    let finding = Finding::new("small-files", Severity::of(penalty, config.weight), title, penalty)
        .measure("share of files that a rewrite joins", share, "ratio", Some(config.share))
        .measure("files saved by a rewrite", saved as f64, "files", Some(config.least_saved as f64))
        .measure("average file size", average, "bytes", Some(fair))
        .measure("small files", figures.small_files as f64, "files", None)
        .remedy("compact", &json!({"strategy": "binpack"}));
    Some(finding)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    /// `partitions` partitions of `each` files of `size` bytes, all small.
    fn figures(partitions: u64, each: u64, size: u64) -> Figures {
        Figures {
            files: partitions * each,
            bytes: partitions * each * size,
            target: 512 * MIB,
            small_files: partitions * each,
            parts: vec![Part { files: each, bytes: each * size }; partitions as usize],
        }
    }

    fn penalty(figures: &Figures) -> Option<u8> {
        judge(figures, &Config::default()).map(|f| f.penalty)
    }

    #[test]
    fn an_empty_table_is_not_sick() {
        assert_eq!(penalty(&Figures { parts: vec![], ..figures(0, 0, 0) }), None);
    }

    #[test]
    fn a_table_of_few_files_is_not_sick() {
        assert_eq!(penalty(&figures(1, 10, MIB)), None);
    }

    #[test]
    fn one_small_file_in_each_of_many_partitions_cannot_be_joined() {
        assert_eq!(penalty(&figures(400, 1, 25_000)), None);
    }

    #[test]
    fn hundreds_of_tiny_files_weigh_fully_even_in_a_table_of_few_bytes() {
        let finding = judge(&figures(12, 33, 25_000), &Config::default()).unwrap();
        assert_eq!((finding.penalty, finding.severity), (40, Severity::Critical));
        assert!(finding.title.contains("396 of 396 data files"), "{}", finding.title);
        assert!(finding.title.contains("384 fewer"), "{}", finding.title);
    }

    #[test]
    fn files_near_the_target_weigh_little() {
        assert_eq!(penalty(&figures(1, 40, 380 * MIB)), None, "joining 40 files of 380 MiB saves ten");
        assert_eq!(penalty(&figures(1, 80, 300 * MIB)), Some(9));
    }

    #[test]
    fn a_table_where_few_files_are_small_is_not_told() {
        let mut figures = figures(1, 30, MIB);
        figures.files = 1_000;
        figures.bytes = 970 * 512 * MIB;
        assert_eq!(penalty(&figures), None);
    }
}
