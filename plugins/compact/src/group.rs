//! Which files a rewrite picks up, and which it rewrites together: Iceberg's planner, without Iceberg.
//!
//! Source: apache/iceberg 1.12 `BinPackRewriteFilePlanner`, `SizeBasedFileRewritePlanner`, `BinPacking`.

use std::collections::BTreeMap;

use drls_plugin::facts::{DataFile, PartitionSpec};

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
    /// True where some of the files were written under another spec than the default one.
    pub(crate) old: bool,
}

impl Group {
    pub(crate) fn bytes(&self) -> u64 {
        self.members.iter().map(|m| m.file.bytes).sum()
    }
}

/// The file groups of a rewrite, in the order of `cells`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Groups {
    pub(crate) all: Vec<Group>,
    /// True where which files share a group, or are taken at all, follows from the order in which Iceberg meets them.
    pub(crate) by_order: bool,
}

pub(crate) fn groups(cells: &[Cell], default: Option<&PartitionSpec>, sizing: &Sizing) -> Groups {
    let id = default.map_or(0, |spec| spec.id);
    // Files of an old spec may hold rows of many current partitions, so Iceberg pools them under the partition whose
    // values are all null. An unpartitioned table has no other one.
    let mut pools: Vec<(bool, Vec<Member>)> = Vec::new();
    let mut by_partition: BTreeMap<Option<&str>, usize> = BTreeMap::new();
    for (cell, Cell { path, spec, files, .. }) in cells.iter().enumerate() {
        let old = *spec != id;
        let pool = *by_partition.entry((!old && !all_null(path)).then_some(path)).or_insert_with(|| {
            pools.push((false, Vec::new()));
            pools.len() - 1
        });
        let (any_old, members) = &mut pools[pool];
        let before = members.len();
        members.extend(files.iter().filter(|f| picked(f, sizing)).map(|file| Member { cell, file: *file }));
        *any_old |= old && members.len() > before;
    }
    let mut left = sizing.max_files;
    let mut groups = Groups::default();
    for (old, members) in pools {
        let packed = pack(members, sizing);
        groups.by_order |= packed.len() > 1;
        for mut members in packed.into_iter().filter(|group| worth_it(group, sizing)) {
            let whole = members.len();
            members.truncate(usize::try_from(left).unwrap_or(usize::MAX));
            groups.by_order |= members.len() < whole;
            left -= members.len() as u64;
            if !members.is_empty() {
                groups.all.push(Group { members, old });
            }
        }
    }
    groups
}

/// A path tells no null from the text "null": a partition of that name is taken for one without values.
fn all_null(path: &str) -> bool {
    path.split('/').all(|part| part.rsplit_once('=').is_none_or(|(_, value)| value == "null"))
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
