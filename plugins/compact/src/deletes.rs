//! What becomes of delete files: which go with a rewrite, and what it takes that they do.
//!
//! Source: apache/iceberg 1.12 `RewriteDataFilesCommitManager` (deletion vectors go with their data file),
//! `RemoveDanglingDeletesSparkAction` (deletes that are older than all data of their partition) and
//! `SparkRewritePositionDeleteRunner` (keeps position deletes of live data files only).

use std::collections::BTreeMap;

use drls_plugin::Plan;
use drls_plugin::steps::{Change, Effect, Reversibility, Step};

use crate::group::{Cell, Group};
use crate::outcome::Facts;

/// Delete files that surely go: a deletion vector with its data file (format 3); another delete file only where every data
/// file of its partition is rewritten, since one that stays may be older than it, and where it is not asked to stay.
pub(crate) fn removed(facts: &Facts, options: &BTreeMap<String, String>, cells: &[Cell], groups: &[Group]) -> u64 {
    let members = || groups.iter().flat_map(|g| &g.members);
    if facts.format_version >= 3 {
        return members().filter(|m| m.file.delete_files > 0 && m.file.deleted_records > 0).count() as u64;
    }
    if options.get("remove-dangling-deletes").is_some_and(|asked| asked.eq_ignore_ascii_case("false")) {
        return 0;
    }
    let mut rewritten: BTreeMap<usize, usize> = BTreeMap::new();
    for member in members() {
        *rewritten.entry(member.cell).or_default() += 1;
    }
    let whole = rewritten.iter().filter_map(|(cell, n)| cells.get(*cell).filter(|c| c.files.len() == *n));
    whole.map(|c| c.delete_files).sum()
}

/// Whether new files must not take the sequence number of the snapshot that the rewrite starts from: deletes of that very
/// snapshot would not be older than they, and stay. With a new number a concurrent commit of deletes makes the rewrite
/// fail, so it is taken only where needed.
pub(crate) fn need_new_sequence_number(facts: &Facts) -> bool {
    facts.format_version == 2 && facts.totals.delete_files > 0 && facts.newest_deletes
}

/// Where position deletes mark rows of no data file any more: a plan that drops them.
pub(crate) fn of_no_data(facts: &Facts) -> Option<Plan> {
    let applied = facts.cells.iter().flat_map(|c| &c.files).any(|f| f.delete_files > 0);
    let removed: u64 = facts.cells.iter().map(|c| c.delete_files).filter(|n| *n >= LEAST).sum();
    if facts.format_version != 2 || facts.totals.position_deletes == 0 || applied || removed == 0 {
        return None;
    }
    let mut effect = Effect::unchanged(facts.totals);
    let before = facts.totals.delete_files;
    (effect.delete_files, effect.manifests) = (Some(Change::new(before, before.saturating_sub(removed))), None);
    let plan = Plan::new(vec![step()], effect, Reversibility::Rollback);
    Some(plan.warn(
        "The data files are well sized; what is removed is delete files that mark rows of no data file any more.",
    ))
}

/// The rewrite of position deletes takes no single file.
const LEAST: u64 = 2;

fn step() -> Step {
    Step::RewritePositionDeletes(vec![("min-input-files".into(), LEAST.to_string())])
}
