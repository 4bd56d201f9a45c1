//! Operation: sets the main branch back to one of the snapshots that it descends from.

use drls_plugin::facts::{Snapshot, Totals};
use drls_plugin::steps::{Effect, Reversibility, Step};
use drls_plugin::{
    About, Error, NoConfig, Plan, Table, TableOperation, Throughput, export_operation, human, names, time,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

struct Rollback;

/// Where to go back to: a snapshot or a time, one of the two.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "Roll back")]
struct Arguments {
    /// Id of an ancestor of the current snapshot, as a string.
    #[schemars(title = "Snapshot", regex(pattern = "^[0-9]+$"))]
    snapshot_id: Option<String>,
    /// The snapshot that was current at this time.
    #[schemars(title = "Time", extend("format" = "date-time"))]
    to: Option<String>,
}

impl TableOperation for Rollback {
    const ABOUT: About = About {
        id: "rollback",
        title: "Roll back",
        summary: "Makes an earlier snapshot the current one again. What was committed after it is no longer seen.",
        icon: "undo",
    };
    type Arguments = Arguments;
    type Config = NoConfig;

    fn arguments_schema() -> String {
        include_str!("../arguments-schema.json").into()
    }

    fn plan(table: &Table, arguments: Arguments, _: NoConfig, _: Throughput) -> Result<Plan, Error> {
        plan(&table.snapshots(), table.current_snapshot(), table.totals(), &arguments)
    }
}

export_operation!(Rollback);

/// How many files the older snapshot has is not known without reading its manifests, so it is not promised.
fn plan(snapshots: &[Snapshot], current: Option<i64>, totals: Totals, arguments: &Arguments) -> Result<Plan, Error> {
    let effect = Effect::unchanged(totals);
    let Some(current) = current else {
        return Err(Error::invalid("", "the table was never written: there is no snapshot to go back to"));
    };
    let target = target(snapshots, arguments)?;
    if target.id == current {
        return Ok(Plan::nothing(effect, format!("Snapshot {current} is the current one already.")));
    }
    let undone =
        snapshots.iter().filter(|s| s.is_ancestor && s.committed_at >= target.committed_at && s.id != target.id);
    let effect = Effect { data_files: None, delete_files: None, manifests: None, ..effect };
    let plan = Plan::new(vec![Step::Rollback(target.id)], effect, Reversibility::Rollback)
        .warn(format!(
            "Undoes {} made after {}; their files stay until the snapshots expire.",
            human::count(undone.count() as u64, "commit"),
            time::format(target.committed_at),
        ))
        .warn("The schema and the properties stay as they are now.");
    Ok(plan)
}

fn target<'a>(snapshots: &'a [Snapshot], arguments: &Arguments) -> Result<&'a Snapshot, Error> {
    match (&arguments.snapshot_id, &arguments.to) {
        (Some(id), None) => by_id(snapshots, id).map_err(|problem| Error::invalid("/snapshot_id", problem)),
        (None, Some(at)) => by_time(snapshots, at).map_err(|problem| Error::invalid("/to", problem)),
        (Some(_), Some(_)) => Err(Error::invalid("", "says both snapshot_id and to; leave one out")),
        (None, None) => Err(Error::invalid("", "says neither snapshot_id nor to; say one of them")),
    }
}

fn by_id<'a>(snapshots: &'a [Snapshot], id: &str) -> Result<&'a Snapshot, String> {
    match snapshots.iter().find(|s| s.id.to_string() == id) {
        Some(snapshot) if snapshot.is_ancestor => Ok(snapshot),
        Some(_) => Err(format!(
            "snapshot {id} is not an ancestor of the current one, so going to it would not be going back; choose an ancestor"
        )),
        None => {
            let ids: Vec<String> = snapshots.iter().filter(|s| s.is_ancestor).map(|s| s.id.to_string()).collect();
            Err(format!("the table has no snapshot {id}{}", names::hint(id, ids.iter().map(String::as_str))))
        }
    }
}

fn by_time<'a>(snapshots: &'a [Snapshot], at: &str) -> Result<&'a Snapshot, String> {
    let instant = time::parse(at)?;
    let ancestors = || snapshots.iter().filter(|s| s.is_ancestor);
    let then = ancestors().filter(|s| s.committed_at <= instant).max_by_key(|s| s.committed_at);
    then.ok_or_else(|| match ancestors().map(|s| s.committed_at).min() {
        Some(oldest) => format!("{at} is before the oldest snapshot that is kept, of {}", time::format(oldest)),
        None => "no ancestor of the current snapshot is kept".into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: i64 = 1_795_435_200_000;
    const TOTALS: Totals = Totals {
        records: 0,
        data_files: 4,
        data_bytes: 0,
        delete_files: 0,
        position_deletes: 0,
        equality_deletes: 0,
        manifests: None,
    };

    /// 1 <- 2 <- 4 at hours 1, 2, 4 after noon, and 3 beside them.
    fn planned(json: serde_json::Value) -> Result<Plan, Error> {
        let snapshot = |id: i64, parent, is_ancestor| Snapshot {
            id,
            parent,
            committed_at: NOON + id * 3_600_000,
            operation: "append".into(),
            added_files: 1,
            removed_files: 0,
            added_bytes: 1,
            is_ancestor,
        };
        let snapshots = [
            snapshot(1, None, true),
            snapshot(2, Some(1), true),
            snapshot(3, Some(1), false),
            snapshot(4, Some(2), true),
        ];
        plan(&snapshots, Some(4), TOTALS, &serde_json::from_value(json).unwrap())
    }

    fn refused(json: serde_json::Value) -> (String, String) {
        match planned(json) {
            Err(Error::Invalid(fields)) => (fields[0].pointer.clone(), fields[0].detail.clone()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn goes_back_by_id_or_by_time_and_counts_what_is_undone() {
        let plan = planned(serde_json::json!({"snapshot_id": "1"})).unwrap();
        assert_eq!(plan.steps, [Step::Rollback(1)]);
        assert!(
            plan.warnings[0].starts_with("Undoes 2 commits made after 2026-11-23T13:00:00Z"),
            "{:?}",
            plan.warnings
        );
        assert_eq!(planned(serde_json::json!({"to": "2026-11-23T15:30:00Z"})).unwrap().steps, [Step::Rollback(2)]);
    }

    #[test]
    fn the_current_snapshot_is_nothing_to_do() {
        assert_eq!(planned(serde_json::json!({"snapshot_id": "4"})).unwrap().steps, []);
        assert_eq!(planned(serde_json::json!({"to": "2027-01-01T00:00:00Z"})).unwrap().steps, []);
    }

    #[test]
    fn refuses_what_is_no_ancestor_and_what_does_not_exist() {
        assert!(refused(serde_json::json!({"snapshot_id": "3"})).1.contains("not an ancestor"));
        assert_eq!(refused(serde_json::json!({"snapshot_id": "9"})).0, "/snapshot_id");
        let early = refused(serde_json::json!({"to": "2026-11-23T12:00:00Z"}));
        assert!(early.1.ends_with("of 2026-11-23T13:00:00Z"), "{early:?}");
    }

    #[test]
    fn wants_exactly_one_target() {
        assert!(refused(serde_json::json!({})).1.contains("neither"));
        assert!(refused(serde_json::json!({"snapshot_id": "1", "to": "2026-11-23T15:30:00Z"})).1.contains("both"));
    }

    #[test]
    fn a_table_that_was_never_written_is_refused() {
        assert!(plan(&[], None, TOTALS, &Arguments::default()).is_err());
    }
}
