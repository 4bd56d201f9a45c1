//! Tells of tables that nobody has written to for a while: a pipeline that stopped, or a table that can go.

use drls_plugin::{About, Error, Finding, HealthRule, Severity, Table, export_rule, time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The most points that this rule takes off 100.
const WEIGHT: u8 = 20;

const DAY: i64 = 24 * 60 * 60 * 1_000;

/// What the operator may change.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Config {
    /// Days without a commit after which a table is stale.
    #[schemars(title = "Days", range(min = 1))]
    days: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self { days: 30 }
    }
}

struct StaleTable;

impl HealthRule for StaleTable {
    const ABOUT: About = About {
        id: "stale-table",
        title: "Stale table",
        summary: "Tells of tables that nobody has written to for a while.",
        icon: "clock",
    };
    type Config = Config;

    fn evaluate(table: &Table, config: Config) -> Result<Vec<Finding>, Error> {
        let newest = table.snapshots().iter().map(|snapshot| snapshot.committed_at).max();
        Ok(judge(newest, table.as_of(), &config).into_iter().collect())
    }
}

export_rule!(StaleTable);

/// A quarter of the weight at the limit, all of it at four times the limit. A table that was never written is new.
fn judge(newest: Option<i64>, now: i64, config: &Config) -> Option<Finding> {
    let newest = newest?;
    let days = (now - newest) / DAY;
    let limit = i64::from(config.days);
    if days <= limit {
        return None;
    }
    let penalty = u8::try_from(i64::from(WEIGHT) * days / limit / 4).unwrap_or(WEIGHT).min(WEIGHT);
    let title = format!("The last commit is {days} days old, of {}.", time::format(newest));
    let finding = Finding::new("stale", Severity::of(penalty, WEIGHT), title, penalty);
    Some(finding.measure("age", (days * DAY) as f64, "ms", Some((limit * DAY) as f64)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_435_200_000;

    fn penalty(days: i64) -> Option<u8> {
        judge(Some(NOW - days * DAY), NOW, &Config::default()).map(|finding| finding.penalty)
    }

    #[test]
    fn the_penalty_grows_with_the_age() {
        assert_eq!((penalty(30), penalty(31), penalty(60), penalty(900)), (None, Some(5), Some(10), Some(WEIGHT)));
    }

    #[test]
    fn a_new_table_is_not_stale() {
        assert!(judge(None, NOW, &Config::default()).is_none());
    }
}
