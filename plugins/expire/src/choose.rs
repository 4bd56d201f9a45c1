//! Which snapshots go.

use std::collections::BTreeSet;

use drls_plugin::facts::{Ref, RefKind, Snapshot};
use drls_plugin::retention::{History, Policy};
use drls_plugin::{Error, Problems, Properties, human, names, time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What to expire; with nothing said, what the table's properties say. Branches with a retention of their own keep it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "Expire snapshots")]
pub(crate) struct Arguments {
    /// Expire snapshots committed before; nothing is the table's history.expire.max-snapshot-age-ms (5 days).
    #[schemars(title = "Older than", extend("format" = "date-time"))]
    older_than: Option<String>,
    /// Snapshots of each branch to keep whatever their age; nothing is the table's history.expire.min-snapshots-to-keep
    /// (1).
    #[schemars(title = "Keep at least", range(min = 1))]
    retain_last: Option<u64>,
    /// Exactly these snapshots, as strings; beside older_than or retain_last, these too.
    #[schemars(title = "Snapshots", inner(regex(pattern = "^[0-9]+$")))]
    snapshot_ids: Vec<String>,
}

/// What the choice is made from.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    /// Oldest first.
    pub(crate) snapshots: Vec<Snapshot>,
    pub(crate) refs: Vec<Ref>,
    pub(crate) properties: Properties,
    pub(crate) now: i64,
}

/// What is chosen.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Choice {
    /// Oldest first.
    pub(crate) ids: Vec<i64>,
    /// Commit time of the oldest snapshot that the main branch can still go back to.
    pub(crate) oldest_kept: Option<i64>,
    pub(crate) warnings: Vec<String>,
}

pub(crate) fn choose(facts: &Facts, arguments: &Arguments) -> Result<Choice, Error> {
    let mut problems = Problems::default();
    if !facts.properties.flag("gc.enabled", true) {
        problems.add(
            "",
            "the table's property gc.enabled is false: other tables may use its files, so nothing of it may be deleted; \
             set it to true first if that is no longer so",
        );
    }
    let mut policy = Policy::of(&facts.properties, facts.now);
    if let Some(text) = &arguments.older_than {
        match time::parse(text) {
            Ok(at) => policy.older_than = at,
            Err(problem) => problems.add("/older_than", problem),
        }
    }
    if let Some(least) = arguments.retain_last {
        policy.least = least;
        if least == 0 {
            problems.add("/retain_last", "must be 1 or more: a branch always keeps the snapshot that it points to");
        }
    }
    let history = History::new(&facts.snapshots, &facts.refs);
    let named = named(&history, facts, arguments, &mut problems);
    problems.check()?;

    let by_age = arguments.snapshot_ids.is_empty() || arguments.older_than.is_some() || arguments.retain_last.is_some();
    let aged = if by_age { history.expirable(&policy) } else { Vec::new() };
    let mut gone = BTreeSet::new();
    gone.extend(named.into_iter().chain(aged));
    let main = facts.refs.iter().find(|r| r.name == "main").map(|r| r.snapshot);
    let kept = main.and_then(|head| history.ancestors(head).take_while(|s| !gone.contains(&s.id)).last());
    Ok(Choice {
        ids: facts.snapshots.iter().map(|s| s.id).filter(|id| gone.contains(id)).collect(),
        oldest_kept: kept.map(|s| s.committed_at),
        warnings: history.outlived(&facts.properties, facts.now).into_iter().map(outlived).collect(),
    })
}

fn outlived(name: &str) -> String {
    format!("\"{name}\" is older than its max-ref-age: it keeps its snapshots here until it is dropped.")
}

/// The snapshots that the caller names; a mistake for each that does not exist or that a ref keeps.
fn named(history: &History<'_>, facts: &Facts, arguments: &Arguments, problems: &mut Problems) -> Vec<i64> {
    let mut ids = Vec::new();
    for (n, text) in arguments.snapshot_ids.iter().enumerate() {
        let id = text.parse::<i64>().ok().filter(|id| history.get(*id).is_some());
        match id.map(|id| (id, history.holder(id, facts.now))) {
            Some((id, None)) => ids.push(id),
            Some((_, Some(r))) => problems.add(format!("/snapshot_ids/{n}"), held(text, r)),
            None => {
                let known: Vec<String> = facts.snapshots.iter().map(|s| s.id.to_string()).collect();
                let near = names::hint(text, known.iter().map(String::as_str));
                problems.add(format!("/snapshot_ids/{n}"), format!("the table has no snapshot {text}{near}"));
            }
        }
    }
    ids
}

fn held(id: &str, r: &Ref) -> String {
    let name = &r.name;
    match r.kind {
        RefKind::Tag => format!("tag \"{name}\" keeps snapshot {id}; drop the tag first, or leave the snapshot out"),
        RefKind::Branch if r.snapshot.to_string() == id => {
            format!("branch \"{name}\" points to snapshot {id}; leave it out")
        }
        RefKind::Branch => {
            let least = r.min_snapshots_to_keep.map(|n| human::count(u64::from(n), "snapshot"));
            let age = r.max_snapshot_age.map(human::duration);
            let rule = least.into_iter().chain(age).collect::<Vec<_>>().join(", ");
            format!("branch \"{name}\" keeps snapshot {id} by its own retention ({rule}); leave the snapshot out")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_435_200_000;
    const DAY: i64 = time::DAY as i64;

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

    /// Snapshots 1 to 10 on main, 10 made today and each other a day before the next.
    fn facts() -> Facts {
        let snapshot = |n: i64| Snapshot {
            id: n,
            parent: (n > 1).then_some(n - 1),
            committed_at: NOW - (10 - n) * DAY,
            operation: "append".into(),
            added_files: 1,
            removed_files: 0,
            added_bytes: 10,
            is_ancestor: true,
        };
        Facts {
            snapshots: (1..=10).map(snapshot).collect(),
            refs: vec![reference("main", RefKind::Branch, 10)],
            properties: Properties::default(),
            now: NOW,
        }
    }

    fn arguments(json: serde_json::Value) -> Arguments {
        serde_json::from_value(json).unwrap()
    }

    fn chosen(facts: &Facts, json: serde_json::Value) -> Vec<i64> {
        choose(facts, &arguments(json)).unwrap().ids
    }

    fn refused(facts: &Facts, json: serde_json::Value) -> Vec<(String, String)> {
        match choose(facts, &arguments(json)) {
            Err(Error::Invalid(fields)) => fields.into_iter().map(|f| (f.pointer, f.detail)).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn follows_the_tables_properties_when_nothing_is_said() {
        let mut facts = facts();
        assert_eq!(chosen(&facts, serde_json::json!({})), [1, 2, 3, 4]);
        facts.properties = [("history.expire.max-snapshot-age-ms", "1"), ("history.expire.min-snapshots-to-keep", "3")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into_iter()
            .collect();
        assert_eq!(chosen(&facts, serde_json::json!({})), [1, 2, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn the_caller_wins_over_the_properties() {
        let facts = facts();
        assert_eq!(chosen(&facts, serde_json::json!({"older_than": "2026-11-16T13:00:00+01:00"})), [1, 2]);
        assert_eq!(chosen(&facts, serde_json::json!({"older_than": "2027-01-01T00:00:00Z", "retain_last": 8})), [1, 2]);
        assert_eq!(chosen(&facts, serde_json::json!({"snapshot_ids": ["7"]})), [7], "and nothing by age");
        assert_eq!(chosen(&facts, serde_json::json!({"snapshot_ids": ["9"], "retain_last": 1})), [1, 2, 3, 4, 9]);
    }

    #[test]
    fn an_empty_table_has_nothing_to_expire() {
        let facts = Facts { snapshots: vec![], refs: vec![], ..facts() };
        let choice = choose(&facts, &Arguments::default()).unwrap();
        assert_eq!((choice.ids.len(), choice.oldest_kept), (0, None));
    }

    #[test]
    fn refuses_a_snapshot_that_a_branch_or_tag_keeps_and_names_it() {
        let mut facts = facts();
        facts.refs.push(reference("release", RefKind::Tag, 2));
        let mut audit = reference("audit", RefKind::Branch, 5);
        audit.min_snapshots_to_keep = Some(2);
        facts.refs.push(audit);
        let told = refused(&facts, serde_json::json!({"snapshot_ids": ["1", "2", "10", "4", "77"]}));
        let pointers: Vec<&str> = told.iter().map(|(p, _)| p.as_str()).collect();
        assert_eq!(pointers, ["/snapshot_ids/1", "/snapshot_ids/2", "/snapshot_ids/3", "/snapshot_ids/4"]);
        assert!(told[0].1.contains("tag \"release\""), "{told:?}");
        assert!(told[1].1.contains("branch \"main\" points to"), "{told:?}");
        assert!(told[2].1.contains("branch \"audit\" keeps snapshot 4 by its own retention (2 snapshots)"), "{told:?}");
        assert!(told[3].1.contains("no snapshot 77"), "{told:?}");
    }

    #[test]
    fn a_table_whose_files_others_may_use_is_not_touched() {
        let mut facts = facts();
        facts.properties = Properties::from_iter([("gc.enabled".to_owned(), "false".to_owned())]);
        let told = refused(&facts, serde_json::json!({"older_than": "yesterday", "retain_last": 0}));
        assert_eq!(told.len(), 3);
        assert!(told[0].1.contains("gc.enabled"), "{told:?}");
    }

    #[test]
    fn tells_of_a_ref_that_outlived_its_age_and_keeps_what_it_keeps() {
        let mut facts = facts();
        let mut old = reference("old", RefKind::Tag, 1);
        old.max_ref_age = Some(time::DAY);
        facts.refs.push(old);
        let choice = choose(&facts, &Arguments::default()).unwrap();
        assert_eq!(choice.ids, [2, 3, 4]);
        assert!(choice.warnings[0].contains("\"old\""), "{choice:?}");
    }
}
