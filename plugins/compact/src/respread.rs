//! Where the rows of files of an old partition spec go: what their partitions tell of those under the default spec.
//!
//! Source: apache/iceberg 1.12 `SparkWriteConf.adjustWriteDistributionMode`, `SparkShufflingFileRewriteRunner`,
//! `PartitionSpec.partitionToPath`.

use std::collections::BTreeMap;

use drls_plugin::facts::{PartitionField, PartitionSpec};

use crate::arguments::Strategy;
use crate::filter;
use crate::group::{Cell, Group};
use crate::outcome::Facts;

/// Rows that are alike in all that is known of their partition.
pub(crate) struct Part {
    /// Partitions that they lie in.
    pub(crate) count: u64,
    pub(crate) bytes: u64,
}

pub(crate) struct Spread {
    pub(crate) partitions: Vec<Part>,
    /// False where the rows may lie in more or fewer partitions.
    pub(crate) exact: bool,
}

/// Whether rows of an old spec are moved before they are written: not where there is nothing to move them by.
pub(crate) fn shuffles(facts: &Facts, strategy: Strategy) -> bool {
    let partitioned = facts.default_spec().is_some_and(|s| s.fields.iter().any(|f| f.transform != "void"));
    partitioned || (strategy == Strategy::Binpack && !facts.sort_order.is_empty())
}

/// The partitions under the default spec that the rows of a group lie in.
pub(crate) fn partitions(facts: &Facts, cells: &[Cell], group: &Group) -> Spread {
    let mut parts: BTreeMap<Vec<Option<String>>, (u64, u64)> = BTreeMap::new();
    let fields = facts.default_spec().map_or(&[][..], |s| &s.fields);
    for member in &group.members {
        let key = cells.get(member.cell).map(|cell| known(cell, &facts.specs, fields));
        let (bytes, records) = parts.entry(key.unwrap_or_default()).or_default();
        *bytes += member.file.bytes;
        *records += member.file.records;
    }
    let exact = parts.keys().flatten().all(Option::is_some);
    let partitions =
        parts.into_iter().map(|(key, (bytes, records))| Part { count: guess(&key, fields, records), bytes });
    Spread { partitions: partitions.collect(), exact }
}

/// Partitions of rows whose partition is known in part: all buckets, and of everything else one at least.
fn guess(key: &[Option<String>], fields: &[PartitionField], records: u64) -> u64 {
    let unknown = key.iter().zip(fields).filter(|(value, _)| value.is_none());
    let buckets = unknown.filter_map(|(_, f)| f.transform.strip_prefix("bucket[")?.strip_suffix(']')?.parse().ok());
    buckets.fold(1, u64::saturating_mul).min(records.max(1))
}

/// The values of `fields` that a cell's own partition determines.
fn known(cell: &Cell, specs: &[PartitionSpec], fields: &[PartitionField]) -> Vec<Option<String>> {
    let old = specs.iter().find(|s| s.id == cell.spec).map_or(&[][..], |s| &s.fields);
    let value = |field: &PartitionField| {
        let mut parts = cell.path.split('/').filter_map(|part| part.split_once('='));
        parts.find(|(name, _)| filter::unescape(name) == field.name).map(|(_, value)| filter::unescape(value))
    };
    let of = |field: &PartitionField| {
        if field.transform == "void" {
            return Some("null".to_owned());
        }
        let mut same = old.iter().filter(|o| o.source_id == field.source_id);
        same.find_map(|o| determined(&o.transform, &field.transform, &value(o)?))
    };
    fields.iter().map(of).collect()
}

/// The value by a transform of a source whose value by another one is known. Times read "2026-11-23-14", cut off at the
/// end.
fn determined(from: &str, to: &str, value: &str) -> Option<String> {
    const TIMES: [(&str, usize); 4] = [("year", 4), ("month", 7), ("day", 10), ("hour", 13)];
    if from == to || value == "null" {
        return Some(value.to_owned());
    }
    let length = |transform: &str| TIMES.iter().find(|(name, _)| *name == transform).map(|(_, length)| *length);
    let (from, to) = (if from == "identity" { 12 } else { length(from)? }, length(to)?);
    (from > to && value.as_bytes().get(4) == Some(&b'-')).then(|| value.get(..to).map(str::to_owned))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finer_time_tells_a_coarser_one() {
        assert_eq!(determined("day", "month", "2026-11-23").as_deref(), Some("2026-11"));
        assert_eq!(determined("hour", "day", "2026-11-23-14").as_deref(), Some("2026-11-23"));
        assert_eq!(determined("identity", "year", "2026-11-23").as_deref(), Some("2026"));
        assert_eq!(determined("bucket[4]", "bucket[4]", "3").as_deref(), Some("3"));
        assert_eq!(determined("day", "year", "null").as_deref(), Some("null"));
    }

    #[test]
    fn nothing_else_is_told() {
        for (from, to, value) in [
            ("month", "day", "2026-11"),
            ("bucket[4]", "bucket[8]", "3"),
            ("identity", "bucket[4]", "eu"),
            ("identity", "hour", "2026-11-23T14:00:00+00:00"),
            ("identity", "year", "12345"),
        ] {
            assert_eq!(determined(from, to, value), None, "{from} {to}");
        }
    }
}
