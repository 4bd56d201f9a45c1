//! How many files a rewrite leaves, and whether that is known: Spark's scan and Iceberg's writers, without either.
//!
//! Source: apache/iceberg 1.12 `SizeBasedFileRewritePlanner`, `TableScanUtil`, `SparkBinPackFileRewriteRunner`,
//! `SparkShufflingFileRewriteRunner`, `SparkWriteConf`.

use std::collections::{BTreeSet, VecDeque};

use drls_plugin::facts::DataFile;

use crate::arguments::Strategy;
use crate::group::{Cell, Group, Groups};
use crate::options::Sizing;
use crate::outcome::Facts;
use crate::respread::{self, Spread};

/// Why a number of files is an estimate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Doubt {
    /// Rows go to other partitions than those that they lie in; which ones is known to who reads them.
    Rows,
    /// How files are cut and joined follows from more than their sizes.
    Packing,
    /// The writer may begin a new file early.
    Writer,
}

/// The files that come out of `groups`, and why there may be others.
pub(crate) fn files(
    facts: &Facts,
    strategy: Strategy,
    cells: &[Cell],
    groups: &Groups,
    sizing: &Sizing,
) -> (u64, BTreeSet<Doubt>) {
    let forecast = Forecast::new(facts, cells, sizing);
    let mut doubts = BTreeSet::new();
    if groups.by_order {
        doubts.insert(Doubt::Packing);
    }
    let mut count = 0;
    for group in &groups.all {
        let shuffled = shuffled(facts, strategy, group);
        let (files, doubt) = match strategy {
            Strategy::Binpack if !shuffled => forecast.packed(group),
            Strategy::Sort | Strategy::Zorder if !shuffled => {
                (expected_files(sorted_bytes(group, sizing), sizing), None)
            }
            Strategy::Binpack => forecast.respread(group),
            Strategy::Sort | Strategy::Zorder => forecast.sorted_anew(group),
        };
        count += files;
        doubts.extend(doubt);
        doubts.extend(forecast.may_close_early(group.bytes()).then_some(Doubt::Writer));
    }
    (count, doubts)
}

/// The `max-file-size-bytes` to send, so that each split becomes one file; none where Iceberg's own will do, where another
/// one would change which files are picked, and where nothing but it bounds what is written: in a shuffle.
///
/// Iceberg begins a new file half-way between target and maximum, and counts what Parquet's writer has not compressed yet
/// in full, which is up to a row group: under a target of some row groups it would cut every file in pieces that the next
/// rewrite picks up again.
pub(crate) fn roomier(
    facts: &Facts,
    strategy: Strategy,
    cells: &[Cell],
    groups: &Groups,
    sizing: &Sizing,
) -> Option<u64> {
    let row_group = row_group(facts);
    let roomy = sizing.max.saturating_add(row_group.saturating_mul(2));
    let needed = sizing.target.saturating_add(sizing.target / 10).saturating_add(row_group) > sizing.largest_written();
    let shuffled = strategy != Strategy::Binpack || groups.all.iter().any(|group| shuffled(facts, strategy, group));
    let between = cells.iter().flat_map(|c| &c.files).any(|file| file.bytes > sizing.max && file.bytes <= roomy);
    (needed && !shuffled && !between && i64::try_from(roomy).is_ok()).then_some(roomy)
}

fn shuffled(facts: &Facts, strategy: Strategy, group: &Group) -> bool {
    group.old && respread::shuffles(facts, strategy)
}

fn row_group(facts: &Facts) -> u64 {
    facts.properties.number("write.parquet.row-group-size-bytes", 128 << 20).max(1)
}

fn sorted_bytes(group: &Group, sizing: &Sizing) -> u64 {
    (group.bytes() as f64 * sizing.compression_factor) as u64
}

struct Forecast<'a> {
    facts: &'a Facts,
    cells: &'a [Cell],
    sizing: &'a Sizing,
    row_group: u64,
    lookback: usize,
    /// Bytes of deletes at worst: of all that may apply to any file.
    loose_deletes: u64,
}

impl<'a> Forecast<'a> {
    fn new(facts: &'a Facts, cells: &'a [Cell], sizing: &'a Sizing) -> Self {
        let lookback = facts.properties.number("read.split.planning-lookback", 10);
        let scoped: u64 = facts.cells.iter().flat_map(|c| &c.files).map(|f| f.deleted_records).sum();
        let loose = facts.totals.position_deletes.saturating_sub(scoped) + facts.totals.equality_deletes;
        Self {
            facts,
            cells,
            sizing,
            row_group: row_group(facts),
            lookback: usize::try_from(lookback).unwrap_or(10).max(1),
            loose_deletes: loose * DELETED_ROW,
        }
    }

    /// Whether the writer may take a file of the planned size for too large before it has compressed it.
    fn may_close_early(&self, bytes: u64) -> bool {
        let file = bytes.min(self.split_size(bytes));
        file.saturating_add(self.row_group.min(file.saturating_mul(COMPRESSION))) > self.sizing.largest_written()
    }

    /// A bin-packing rewrite writes a file for each split. A split whose rows are all deleted writes none.
    fn packed(&self, group: &Group) -> (u64, Option<Doubt>) {
        let size = self.split_size(group.bytes());
        let files: Vec<DataFile> = group.members.iter().map(|m| m.file).collect();
        let with_deletes = |file: &DataFile| file.bytes.saturating_add(self.deletes_of(file));
        let heavier: Vec<_> = files.iter().map(|f| DataFile { bytes: with_deletes(f), ..*f }).collect();
        let count = self.splits(&files, size, self.row_group);
        if heavier.iter().map(|f| f.bytes).fold(0, u64::saturating_add) <= size {
            return (count, None);
        }
        // Row groups are as large as they were before they were compressed.
        let sure = self.splits(&heavier, size, self.row_group) == count
            && self.splits(&files, size, self.row_group / 4) == count
            && self.any_order(files, size, count);
        (count, (!sure).then_some(Doubt::Packing))
    }

    /// Whether the count is the same in whatever order Iceberg's threads, one a manifest, meet the files.
    fn any_order(&self, mut files: Vec<DataFile>, size: u64, count: u64) -> bool {
        let mut same = |order: fn(&mut Vec<DataFile>)| {
            order(&mut files);
            self.splits(&files, size, self.row_group) == count
        };
        same(|files| files.reverse())
            && same(|files| files.sort_by_key(|f| f.bytes))
            && same(|files| files.reverse())
            && same(interleave)
    }

    /// Splits are packed as Spark's scan packs them: `lookback` open bins, the largest closed first. Parquet files are cut
    /// at row groups.
    fn splits(&self, files: &[DataFile], size: u64, row_group: u64) -> u64 {
        struct Bin {
            weight: u64,
            live: bool,
        }
        let mut open: VecDeque<Bin> = VecDeque::new();
        let mut closed = 0;
        for file in files {
            let live = file.deleted_records < file.records;
            for weight in chunks(file.bytes, row_group) {
                if let Some(bin) = open.iter_mut().find(|bin| bin.weight + weight <= size) {
                    bin.weight += weight;
                    bin.live |= live;
                    continue;
                }
                open.push_back(Bin { weight, live });
                if open.len() > self.lookback {
                    let largest = (0..open.len()).max_by_key(|i| (open[*i].weight, usize::MAX - i)).unwrap_or(0);
                    closed += u64::from(open.remove(largest).is_some_and(|bin| bin.live));
                }
            }
        }
        closed + open.iter().filter(|bin| bin.live).count() as u64
    }

    /// Bytes at most that a scan adds to a file for its deletes, whose sizes facts do not hold.
    fn deletes_of(&self, file: &DataFile) -> u64 {
        if file.delete_files == 0 {
            return 0;
        }
        u64::from(file.delete_files) * DELETE_FILE + file.deleted_records * DELETED_ROW + self.loose_deletes
    }

    /// Rows that go to other partitions are shuffled by them: each becomes a file, or several where it is larger than one.
    fn respread(&self, group: &Group) -> (u64, Option<Doubt>) {
        let Spread { partitions, exact } = respread::partitions(self.facts, self.cells, group);
        let small = partitions.iter().all(|p| p.bytes <= self.sizing.target);
        let files = partitions.iter().map(|p| p.count.max(expected_files(p.bytes, self.sizing))).sum();
        (files, (!(exact && small && self.facts.sort_order.is_empty())).then_some(Doubt::Rows))
    }

    /// A sort puts the partition before its own columns: so many ranges, and one file more where one ends within a range.
    fn sorted_anew(&self, group: &Group) -> (u64, Option<Doubt>) {
        let Spread { partitions, exact } = respread::partitions(self.facts, self.cells, group);
        let ranges = expected_files(sorted_bytes(group, self.sizing), self.sizing);
        let count: u64 = partitions.iter().map(|p| p.count).sum();
        (ranges + count.saturating_sub(1), (!exact || ranges > 1).then_some(Doubt::Rows))
    }

    /// Iceberg's `inputSplitSize`.
    fn split_size(&self, bytes: u64) -> u64 {
        const SPLIT_OVERHEAD: u64 = 5 * 1024;
        let Sizing { target, .. } = *self.sizing;
        let estimate = bytes / expected_files(bytes, self.sizing).max(1) + SPLIT_OVERHEAD;
        if estimate < target { target } else { estimate.min(self.sizing.largest_written()) }
    }
}

/// Times that compression makes a file smaller at most.
const COMPRESSION: u64 = 16;

/// Bytes at most of a delete file's frame, and of a row that it marks.
const DELETE_FILE: u64 = 4 << 10;
const DELETED_ROW: u64 = 64;

/// The first, the last, the second, the last but one: neighbours that are least alike.
fn interleave(files: &mut Vec<DataFile>) {
    let half = files.len() / 2;
    let ends = files.split_off(files.len() - half);
    let mut ends = ends.into_iter().rev();
    *files = std::mem::take(files).into_iter().flat_map(|first| [Some(first), ends.next()]).flatten().collect();
}

fn chunks(bytes: u64, row_group: u64) -> impl Iterator<Item = u64> {
    let row_group = row_group.max(1);
    let rest = bytes % row_group;
    std::iter::repeat_n(row_group, (bytes / row_group) as usize).chain((rest > 0).then_some(rest))
}

/// Iceberg's `expectedOutputFiles`: a sort writes exactly so many files.
fn expected_files(bytes: u64, sizing: &Sizing) -> u64 {
    let target = sizing.target.max(1);
    if bytes < target {
        return 1;
    }
    let (without, with) = (bytes / target, bytes.div_ceil(target));
    let average = (bytes / without) as f64;
    let keeps_remainder = bytes % target > sizing.min;
    if !keeps_remainder && average < (1.1 * target as f64).min(sizing.largest_written() as f64) {
        without
    } else {
        with
    }
}
