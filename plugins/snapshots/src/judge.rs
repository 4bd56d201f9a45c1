//! How snapshots are weighed: first those that the table's own retention lets go, else their number.

use drls_plugin::facts::{Ref, Snapshot};
use drls_plugin::retention::{History, Policy};
use drls_plugin::time::{self, age};
use drls_plugin::weigh::{filled, points};
use drls_plugin::{Finding, Properties, Severity, human};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Values that the operator may change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "Snapshots")]
pub(crate) struct Config {
    /// Snapshots that the table's retention lets go, from which it is told. 20: Lakekeeper schedules an expiry from
    /// there on.
    #[schemars(title = "Expirable snapshots", range(min = 1))]
    expirable: u64,
    /// Snapshots from which it is told even while retention keeps them all. 50: lake-pulse's medium count.
    #[schemars(title = "Snapshots", range(min = 1))]
    snapshots: u64,
    /// Snapshots at which the full weight is taken. 100: lake-pulse's high count.
    #[schemars(title = "Worst number of snapshots", range(min = 1))]
    worst: u64,
    /// Snapshots that the offered expiry leaves where retention alone lets none go. 20: lake-pulse's low count.
    #[schemars(title = "Snapshots to leave", range(min = 1))]
    leave: u64,
    /// Points off at the worst. 10: the weight of snapshots in lake-pulse.
    #[schemars(title = "Weight", range(min = 0, max = 100))]
    weight: u8,
}

impl Default for Config {
    fn default() -> Self {
        Self { expirable: 20, snapshots: 50, worst: 100, leave: 20, weight: 10 }
    }
}

/// What the rule looks at.
#[derive(Debug, Clone)]
pub(crate) struct Figures {
    /// Oldest first.
    pub(crate) snapshots: Vec<Snapshot>,
    pub(crate) refs: Vec<Ref>,
    pub(crate) properties: Properties,
    pub(crate) now: i64,
}

/// One finding at most: what retention lets go is repaired by applying retention; a crowd of young snapshots only by
/// giving up history, which a person must want.
pub(crate) fn judge(figures: &Figures, config: &Config) -> Option<Finding> {
    let history = History::new(&figures.snapshots, &figures.refs);
    let policy = Policy::of(&figures.properties, figures.now);
    let count = figures.snapshots.len() as u64;
    let expirable = history.expirable(&policy).len() as u64;
    let oldest = age(figures.snapshots.first()?.committed_at, figures.now);
    let told = expirable >= config.expirable;
    if !told && count < config.snapshots {
        return None;
    }
    let weighed = if told { expirable } else { count };
    let penalty = points(config.weight, filled(weighed as f64, config.worst as f64));
    let severity = Severity::of(penalty, config.weight);
    let finding = if told {
        let title = format!(
            "{} of {} are past the table's retention; the oldest is {} old.",
            human::number(expirable),
            human::count(count, "snapshot"),
            human::duration(oldest),
        );
        Finding::new("expirable-snapshots", severity, title, penalty).remedy("expire", &json!({}))
    } else {
        let title = format!(
            "{} within {}, of which the table's retention lets {} go.",
            human::count(count, "snapshot"),
            human::duration(oldest),
            if expirable == 0 { "none".into() } else { human::number(expirable) },
        );
        let arguments = json!({"older_than": time::format(figures.now), "retain_last": config.leave});
        Finding::new("many-snapshots", severity, title, penalty).remedy("expire", &arguments)
    };
    let finding = finding
        .measure("snapshots", count as f64, "snapshots", Some(config.snapshots as f64))
        .measure("expirable snapshots", expirable as f64, "snapshots", Some(config.expirable as f64))
        .measure("age of the oldest", oldest as f64, "ms", Some(figures.now.saturating_sub(policy.older_than) as f64));
    Some(finding)
}

#[cfg(test)]
mod tests {
    use super::*;
    use drls_plugin::facts::RefKind;
    use drls_plugin::time::DAY;

    const NOW: i64 = 1_795_435_200_000;

    /// `count` snapshots in a row, one every `every` milliseconds until now.
    fn figures(count: i64, every: u64) -> Figures {
        let snapshot = |n: i64| Snapshot {
            id: n,
            parent: (n > 1).then_some(n - 1),
            committed_at: NOW - (count - n) * every as i64,
            operation: "append".into(),
            added_files: 6,
            removed_files: 0,
            added_bytes: 150_000,
            is_ancestor: true,
        };
        let main = Ref {
            name: "main".into(),
            kind: RefKind::Branch,
            snapshot: count,
            min_snapshots_to_keep: None,
            max_snapshot_age: None,
            max_ref_age: None,
        };
        Figures {
            snapshots: (1..=count).map(snapshot).collect(),
            refs: if count > 0 { vec![main] } else { vec![] },
            properties: Properties::default(),
            now: NOW,
        }
    }

    fn judged(figures: &Figures) -> Option<(String, u8, Severity)> {
        judge(figures, &Config::default()).map(|f| (f.code, f.penalty, f.severity))
    }

    #[test]
    fn an_empty_table_or_one_of_few_snapshots_is_not_sick() {
        assert_eq!(judged(&figures(0, DAY)), None);
        assert_eq!(judged(&figures(24, DAY)), None, "5 days keep the newest six, eighteen could go");
    }

    #[test]
    fn twenty_snapshots_past_retention_are_told_with_a_plain_expiry() {
        assert_eq!(judged(&figures(26, DAY)), Some(("expirable-snapshots".into(), 2, Severity::Info)));
        assert_eq!(judged(&figures(400, DAY)), Some(("expirable-snapshots".into(), 10, Severity::Warning)));
        let remedy = judge(&figures(26, DAY), &Config::default()).unwrap().remedy.unwrap();
        assert_eq!((remedy.operation.as_str(), remedy.arguments.as_str()), ("expire", "{}"));
    }

    #[test]
    fn a_crowd_of_young_snapshots_is_told_with_what_would_thin_it() {
        let finding = judge(&figures(64, 1_000), &Config::default()).unwrap();
        assert_eq!(
            (finding.code.as_str(), finding.penalty, finding.severity),
            ("many-snapshots", 7, Severity::Warning)
        );
        assert_eq!(finding.title, "64 snapshots within 1.1 min, of which the table's retention lets none go.");
        let arguments: serde_json::Value = serde_json::from_str(&finding.remedy.unwrap().arguments).unwrap();
        assert_eq!(arguments, json!({"older_than": "2026-11-23T12:00:00Z", "retain_last": 20}));
    }

    #[test]
    fn a_longer_retention_of_the_table_is_respected() {
        let mut figures = figures(40, DAY);
        figures.properties =
            Properties::from_iter([("history.expire.max-snapshot-age-ms".into(), (90 * DAY).to_string())]);
        assert_eq!(judged(&figures), None);
    }
}
