//! Which snapshots a table's retention keeps, as Iceberg's `RemoveSnapshots` computes it (apache/iceberg
//! `core/.../RemoveSnapshots.java`, 1.12), without running it.

use std::collections::{BTreeMap, BTreeSet};

use crate::Properties;
use crate::facts::{Ref, RefKind, Snapshot};
use crate::time::{DAY, age};

/// `history.expire.max-snapshot-age-ms`, default 5 days.
pub const MAX_AGE: &str = "history.expire.max-snapshot-age-ms";
/// `history.expire.min-snapshots-to-keep`, default 1.
pub const MIN_KEPT: &str = "history.expire.min-snapshots-to-keep";
/// `history.expire.max-ref-age-ms`, default never.
pub const MAX_REF_AGE: &str = "history.expire.max-ref-age-ms";

/// How long snapshots live where their branch does not say otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Snapshots committed before go, milliseconds since the epoch.
    pub older_than: i64,
    /// So many of each branch stay whatever their age.
    pub least: u64,
    /// The time that ages are counted to.
    pub now: i64,
}

impl Policy {
    /// What the table's properties say at `now`.
    pub fn of(properties: &Properties, now: i64) -> Self {
        let max_age = i64::try_from(properties.number(MAX_AGE, 5 * DAY)).unwrap_or(i64::MAX);
        Self { older_than: now.saturating_sub(max_age), least: properties.number(MIN_KEPT, 1).max(1), now }
    }
}

/// Snapshots of a table with the refs that hold them.
#[derive(Debug)]
pub struct History<'a> {
    snapshots: &'a [Snapshot],
    by_id: BTreeMap<i64, &'a Snapshot>,
    refs: &'a [Ref],
}

impl<'a> History<'a> {
    /// `snapshots` oldest first.
    pub fn new(snapshots: &'a [Snapshot], refs: &'a [Ref]) -> Self {
        // Trees are extended here and below: collecting sorts first, which is more code than the tree itself.
        let mut by_id = BTreeMap::new();
        by_id.extend(snapshots.iter().map(|s| (s.id, s)));
        Self { snapshots, by_id, refs }
    }

    /// The snapshot with this id.
    pub fn get(&self, id: i64) -> Option<&'a Snapshot> {
        self.by_id.get(&id).copied()
    }

    /// `head` and what it descends from, newest first, as far as the metadata still has them.
    pub fn ancestors(&self, head: i64) -> impl Iterator<Item = &'a Snapshot> + '_ {
        std::iter::successors(self.get(head), |s| s.parent.and_then(|id| self.get(id)))
    }

    /// Snapshots that `policy` lets go, oldest first. A ref that outlived its own age is still taken to keep what it
    /// keeps: see [`Self::outlived`].
    pub fn expirable(&self, policy: &Policy) -> Vec<i64> {
        let (mut kept, mut referenced) = (BTreeSet::new(), BTreeSet::new());
        for r in self.refs {
            kept.extend(self.kept_by(r, policy));
            referenced.extend(self.reached_by(r));
        }
        let young = |s: &&Snapshot| !referenced.contains(&s.id) && s.committed_at >= policy.older_than;
        kept.extend(self.snapshots.iter().filter(young).map(|s| s.id));
        self.snapshots.iter().map(|s| s.id).filter(|id| !kept.contains(id)).collect()
    }

    /// The ref that keeps `snapshot` by pointing to it or by a retention of its own, whatever the table's defaults say.
    pub fn holder(&self, snapshot: i64, now: i64) -> Option<&'a Ref> {
        let nothing = Policy { older_than: i64::MAX, least: 1, now };
        self.refs.iter().find(|r| self.kept_by(r, &nothing).contains(&snapshot))
    }

    /// Refs other than main that are older than they may get: Iceberg's own expiry would drop them.
    pub fn outlived(&self, properties: &Properties, now: i64) -> Vec<&'a str> {
        let default = properties.number(MAX_REF_AGE, u64::MAX);
        self.refs
            .iter()
            .filter(|r| r.name != "main")
            .filter(|r| {
                self.get(r.snapshot).is_some_and(|s| age(s.committed_at, now) > r.max_ref_age.unwrap_or(default))
            })
            .map(|r| r.name.as_str())
            .collect()
    }

    fn reached_by(&self, r: &Ref) -> Vec<i64> {
        match r.kind {
            RefKind::Tag => vec![r.snapshot],
            RefKind::Branch => self.ancestors(r.snapshot).map(|s| s.id).collect(),
        }
    }

    fn kept_by(&self, r: &Ref, policy: &Policy) -> Vec<i64> {
        if r.kind == RefKind::Tag {
            return vec![r.snapshot];
        }
        let older_than = r
            .max_snapshot_age
            .map_or(policy.older_than, |max_age| policy.now.saturating_sub(i64::try_from(max_age).unwrap_or(i64::MAX)));
        let least = r.min_snapshots_to_keep.map_or(policy.least, u64::from).max(1);
        // The head always stays, the others from the newest on while young enough or too few.
        self.ancestors(r.snapshot)
            .zip(0..)
            .take_while(|(s, n)| *n < least || s.committed_at >= older_than)
            .map(|(s, _)| s.id)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 100 * DAY as i64;

    fn snapshot(id: i64, parent: Option<i64>, days_old: i64) -> Snapshot {
        Snapshot {
            id,
            parent,
            committed_at: NOW - days_old * DAY as i64,
            operation: "append".into(),
            added_files: 1,
            removed_files: 0,
            added_bytes: 1,
            is_ancestor: true,
        }
    }

    fn reference(name: &str, kind: RefKind, snapshot: i64) -> Ref {
        Ref {
            name: name.into(),
            kind,
            snapshot,
            min_snapshots_to_keep: None,
            max_snapshot_age: None,
            max_ref_age: None,
        }
    }

    /// 1 <- 2 <- 3 <- 4 on main, 5 beside it from 2.
    fn snapshots() -> Vec<Snapshot> {
        vec![
            snapshot(1, None, 40),
            snapshot(2, Some(1), 30),
            snapshot(5, Some(2), 25),
            snapshot(3, Some(2), 20),
            snapshot(4, Some(3), 10),
        ]
    }

    #[test]
    fn keeps_the_head_and_lets_go_what_is_old() {
        let (snapshots, refs) = (snapshots(), [reference("main", RefKind::Branch, 4)]);
        let history = History::new(&snapshots, &refs);
        assert_eq!(history.expirable(&Policy::of(&Properties::default(), NOW)), [1, 2, 5, 3]);
    }

    #[test]
    fn keeps_what_is_young_or_among_the_least() {
        let (snapshots, refs) = (snapshots(), [reference("main", RefKind::Branch, 4)]);
        let history = History::new(&snapshots, &refs);
        let young = Policy { older_than: NOW - 28 * DAY as i64, least: 1, now: NOW };
        assert_eq!(history.expirable(&young), [1, 2]);
        let three = Policy { older_than: NOW, least: 3, now: NOW };
        assert_eq!(history.expirable(&three), [1, 5]);
    }

    #[test]
    fn a_tag_keeps_one_and_a_branch_keeps_by_its_own_retention() {
        let snapshots = snapshots();
        let mut audit = reference("audit", RefKind::Branch, 5);
        audit.min_snapshots_to_keep = Some(2);
        let refs = [reference("main", RefKind::Branch, 4), reference("v1", RefKind::Tag, 1), audit];
        let history = History::new(&snapshots, &refs);
        assert_eq!(history.expirable(&Policy::of(&Properties::default(), NOW)), [3]);
        assert_eq!(history.holder(2, NOW).map(|r| r.name.as_str()), Some("audit"));
        assert_eq!(history.holder(1, NOW).map(|r| r.name.as_str()), Some("v1"));
        assert_eq!(history.holder(3, NOW), None);
    }

    #[test]
    fn names_refs_that_outlived_their_age() {
        let snapshots = snapshots();
        let mut old = reference("v1", RefKind::Tag, 1);
        old.max_ref_age = Some(35 * DAY);
        let refs = [reference("main", RefKind::Branch, 4), old];
        assert_eq!(History::new(&snapshots, &refs).outlived(&Properties::default(), NOW), ["v1"]);
    }
}
