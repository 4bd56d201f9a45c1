//! How skew is weighed: the largest partition against the median, as Spark's skew-join optimisation tells a skewed one.

use std::collections::BTreeMap;

use drls_plugin::facts::Partition;
use drls_plugin::weigh::{filled, points};
use drls_plugin::{Finding, Severity, human};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Values that the operator may change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "Partition skew")]
pub(crate) struct Config {
    /// Rows of the largest partition to those of the median from which it is told. 5: Spark's
    /// spark.sql.adaptive.skewJoin.skewedPartitionFactor.
    #[schemars(title = "Factor", range(min = 1.0))]
    factor: f64,
    /// Factor at which the full weight is taken.
    #[schemars(title = "Worst factor", range(min = 1.0))]
    worst_factor: f64,
    /// Partitions under which there is no usual one to compare with.
    #[schemars(title = "Least partitions", range(min = 2))]
    least_partitions: u64,
    /// Rows of the largest partition under which skew costs nothing.
    #[schemars(title = "Least rows", range(min = 0))]
    least_rows: u64,
    /// Rows of the largest partition from which skew counts fully, whatever its bytes.
    #[schemars(title = "Many rows", range(min = 1))]
    many_rows: u64,
    /// Bytes of the largest partition from which skew counts fully. 256 MiB: Spark's
    /// spark.sql.adaptive.skewJoin.skewedPartitionThresholdInBytes.
    #[schemars(title = "Many bytes", range(min = 1))]
    many_bytes: u64,
    /// Points off at the worst. 15: the weight of partition skew in lake-pulse.
    #[schemars(title = "Weight", range(min = 0, max = 100))]
    weight: u8,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            factor: 5.0,
            worst_factor: 50.0,
            least_partitions: 4,
            least_rows: 10_000,
            many_rows: 1_000_000,
            many_bytes: 256 << 20,
            weight: 15,
        }
    }
}

/// No remedy: rewriting files does not move rows between partitions. What helps is another partition spec, which is a
/// decision about queries.
pub(crate) fn judge(partitions: &[Partition], config: &Config) -> Option<Finding> {
    // A partition that holds files of an old and of the current spec is one partition for a reader.
    let mut sizes: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for p in partitions {
        let (records, bytes) = sizes.entry(&p.path).or_default();
        *records += p.records;
        *bytes += p.data_bytes;
    }
    let mut records: Vec<u64> = sizes.values().map(|(records, _)| *records).collect();
    records.sort_unstable();
    let median = records.get(records.len() / 2).copied()?.max(1);
    let (path, (largest, bytes)) = sizes.iter().max_by_key(|(_, (records, _))| *records)?;
    let factor = *largest as f64 / median as f64;
    let count = records.len() as u64;
    if count < config.least_partitions || *largest < config.least_rows || factor <= config.factor {
        return None;
    }
    let size = filled(*bytes as f64, config.many_bytes as f64).max(filled(*largest as f64, config.many_rows as f64));
    let penalty = points(config.weight, filled(factor, config.worst_factor) * size);
    let title = format!(
        "Partition \"{path}\" holds {}, {} times the median of {}.",
        human::count(*largest, "row"),
        human::number(factor.round() as u64),
        human::count(count, "partition"),
    );
    let finding = Finding::new("partition-skew", Severity::of(penalty, config.weight), title, penalty)
        .measure("largest partition to median", factor, "ratio", Some(config.factor))
        .measure("rows of the largest", *largest as f64, "rows", Some(config.least_rows as f64))
        .measure("bytes of the largest", *bytes as f64, "bytes", Some(config.many_bytes as f64))
        .measure("median rows", median as f64, "rows", None);
    Some(finding)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partition(path: &str, records: u64) -> Partition {
        Partition {
            path: path.into(),
            spec_id: 0,
            records,
            data_files: 1,
            data_bytes: records * 30,
            small_files: 1,
            small_bytes: records * 30,
            delete_files: 0,
            written_at: None,
        }
    }

    fn judged(rows: &[u64]) -> Option<(u8, Severity)> {
        let partitions: Vec<Partition> =
            rows.iter().zip(0..).map(|(r, n)| partition(&format!("day={n}"), *r)).collect();
        judge(&partitions, &Config::default()).map(|f| (f.penalty, f.severity))
    }

    #[test]
    fn an_empty_an_even_and_a_small_table_are_not_sick() {
        assert_eq!(judged(&[]), None);
        assert_eq!(judged(&[50_000; 12]), None);
        assert_eq!(judged(&[9_000, 10, 10, 10, 10]), None);
    }

    #[test]
    fn three_partitions_are_too_few_to_tell() {
        assert_eq!(judged(&[900_000, 10, 10]), None);
    }

    #[test]
    fn a_dwarfing_partition_is_told_and_weighs_with_its_size() {
        assert_eq!(judged(&[300_000, 6_000, 6_000, 6_000, 6_000]), Some((5, Severity::Warning)));
        assert_eq!(judged(&[50_000_000, 6_000, 6_000, 6_000, 6_000]), Some((15, Severity::Critical)));
    }

    #[test]
    fn files_of_two_specs_in_one_partition_count_together() {
        let mut partitions: Vec<Partition> = (0..4).map(|n| partition(&format!("day={n}"), 10_000)).collect();
        partitions.extend((0..4).map(|_| Partition { spec_id: 1, ..partition("day=0", 20_000) }));
        let finding = judge(&partitions, &Config::default()).unwrap();
        assert_eq!(finding.title, "Partition \"day=0\" holds 90,000 rows, 9 times the median of 4 partitions.");
    }
}
