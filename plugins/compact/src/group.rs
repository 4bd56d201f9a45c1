//! Which files a rewrite picks up and how many it leaves: Iceberg's planner, without Iceberg.
//!
//! Source: apache/iceberg 1.12 `BinPackRewriteFilePlanner`, `SizeBasedFileRewritePlanner`, `BinPacking`, `TableScanUtil`.

use std::collections::{BTreeMap, VecDeque};

use drls_plugin::facts::DataFile;

use crate::options::Sizing;

/// The live files of one partition under one spec.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    pub(crate) path: String,
    pub(crate) spec: i32,
    pub(crate) delete_files: u64,
    /// In scan order.
    pub(crate) files: Vec<DataFile>,
}

/// A file with the number of the cell that it lies in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Member {
    pub(crate) cell: usize,
    pub(crate) file: DataFile,
}

/// Files that are rewritten together.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) members: Vec<Member>,
    /// True where the files were written under another spec than the default one: Spark shuffles them by partition, and
    /// how many come out depends on their rows.
    pub(crate) repartitioned: bool,
}

impl Group {
    pub(crate) fn bytes(&self) -> u64 {
        self.members.iter().map(|m| m.file.bytes).sum()
    }
}

/// The file groups of a rewrite, in the order of `cells`.
pub(crate) fn groups(cells: &[Cell], default_spec: i32, sizing: &Sizing) -> Vec<Group> {
    // Files of an old spec may hold rows of many current partitions, so Iceberg pools them as if unpartitioned.
    let mut pools: Vec<(bool, Vec<Member>)> = Vec::new();
    let mut by_partition: BTreeMap<Option<&str>, usize> = BTreeMap::new();
    for (cell, Cell { path, spec, files, .. }) in cells.iter().enumerate() {
        let old = *spec != default_spec;
        let pool = *by_partition.entry((!old).then_some(path)).or_insert_with(|| {
            pools.push((old, Vec::new()));
            pools.len() - 1
        });
        pools[pool].1.extend(files.iter().filter(|f| picked(f, sizing)).map(|file| Member { cell, file: *file }));
    }
    let mut left = sizing.max_files;
    let mut groups = Vec::new();
    for (repartitioned, members) in pools {
        for mut members in pack(members, sizing).into_iter().filter(|group| worth_it(group, sizing)) {
            members.truncate(usize::try_from(left).unwrap_or(usize::MAX));
            left -= members.len() as u64;
            if !members.is_empty() {
                groups.push(Group { members, repartitioned });
            }
        }
    }
    groups
}

fn picked(file: &DataFile, sizing: &Sizing) -> bool {
    file.bytes < sizing.min || file.bytes > sizing.max || many_deletes(file, sizing) || deleted(file, sizing)
}

fn many_deletes(file: &DataFile, sizing: &Sizing) -> bool {
    u64::from(file.delete_files) >= sizing.delete_file_threshold
}

fn deleted(file: &DataFile, sizing: &Sizing) -> bool {
    let rows = file.deleted_records.min(file.records) as f64;
    file.delete_files > 0 && rows / file.records as f64 >= sizing.delete_ratio_threshold
}

/// Iceberg's `ListPacker` with a lookback of one: the open bin is closed by the first file that does not fit.
fn pack(members: Vec<Member>, sizing: &Sizing) -> Vec<Vec<Member>> {
    let mut bins: Vec<Vec<Member>> = Vec::new();
    let mut weight = 0_u64;
    for member in members {
        let heavier = weight.saturating_add(member.file.bytes);
        match bins.last_mut() {
            Some(bin) if heavier <= sizing.max_group_bytes && (bin.len() as u64) < sizing.max_group_files => {
                bin.push(member);
                weight = heavier;
            }
            _ => {
                bins.push(vec![member]);
                weight = member.file.bytes;
            }
        }
    }
    bins
}

fn worth_it(group: &[Member], sizing: &Sizing) -> bool {
    let bytes: u64 = group.iter().map(|m| m.file.bytes).sum();
    let several = group.len() > 1;
    let enough = group.len() as u64 >= sizing.min_input_files || bytes > sizing.target;
    (several && enough)
        || bytes > sizing.max
        || group.iter().any(|m| many_deletes(&m.file, sizing) || deleted(&m.file, sizing))
}

/// Iceberg's `expectedOutputFiles`: a sort writes exactly so many files.
pub(crate) fn expected_files(bytes: u64, sizing: &Sizing) -> u64 {
    let target = sizing.target.max(1);
    if bytes < target {
        return 1;
    }
    let (without, with) = (bytes / target, bytes.div_ceil(target));
    let average = (bytes / without) as f64;
    let keeps_remainder = bytes % target > sizing.min;
    if !keeps_remainder && average < (1.1 * target as f64).min(largest_written(sizing) as f64) { without } else { with }
}

/// Iceberg's `writeMaxFileSize`: half-way between target and maximum.
fn largest_written(sizing: &Sizing) -> u64 {
    (sizing.target as f64 + (sizing.max.saturating_sub(sizing.target)) as f64 * 0.5) as u64
}

/// Iceberg's `inputSplitSize`.
fn split_size(bytes: u64, sizing: &Sizing) -> u64 {
    const SPLIT_OVERHEAD: u64 = 5 * 1024;
    let estimate = bytes / expected_files(bytes, sizing).max(1) + SPLIT_OVERHEAD;
    if estimate < sizing.target { sizing.target } else { estimate.min(largest_written(sizing)) }
}

/// Files that a bin-packing rewrite of `group` writes: one for each split. Splits are packed as Spark's scan packs them:
/// `lookback` open bins, the largest closed first. Parquet files are cut at row groups of `row_group` bytes.
///
/// A split whose rows are all deleted writes no file.
pub(crate) fn packed_files(group: &Group, sizing: &Sizing, row_group: u64, lookback: usize) -> u64 {
    struct Bin {
        weight: u64,
        live: bool,
    }
    let size = split_size(group.bytes(), sizing);
    let mut open: VecDeque<Bin> = VecDeque::new();
    let mut files = 0;
    for Member { file, .. } in &group.members {
        let live = file.deleted_records < file.records;
        for weight in chunks(file.bytes, row_group) {
            if let Some(bin) = open.iter_mut().find(|bin| bin.weight + weight <= size) {
                bin.weight += weight;
                bin.live |= live;
                continue;
            }
            open.push_back(Bin { weight, live });
            if open.len() > lookback {
                let largest = (0..open.len()).max_by_key(|i| (open[*i].weight, usize::MAX - i)).unwrap_or(0);
                files += u64::from(open.remove(largest).is_some_and(|bin| bin.live));
            }
        }
    }
    files + open.iter().filter(|bin| bin.live).count() as u64
}

fn chunks(bytes: u64, row_group: u64) -> impl Iterator<Item = u64> {
    let row_group = row_group.max(1);
    let rest = bytes % row_group;
    std::iter::repeat_n(row_group, (bytes / row_group) as usize).chain((rest > 0).then_some(rest))
}
