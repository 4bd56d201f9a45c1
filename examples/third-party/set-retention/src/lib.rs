//! Sets how long a table keeps its snapshots, in days and not in milliseconds.

use std::collections::BTreeMap;

use drls_plugin::{
    About, Error, NoConfig, Plan, Problems, Table, TableOperation, Throughput, export_operation,
    steps::{Effect, Reversibility, Step},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const AGE: &str = "history.expire.max-snapshot-age-ms";
const LEAST: &str = "history.expire.min-snapshots-to-keep";
const DAY: u64 = 24 * 60 * 60 * 1_000;

/// What the caller says.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// Days that a snapshot is kept.
    days: u64,
    /// Snapshots that are kept however old they are.
    #[serde(default = "one")]
    #[schemars(default = "one")]
    least: u64,
}

fn one() -> u64 {
    1
}

struct SetRetention;

impl TableOperation for SetRetention {
    const ABOUT: About = About {
        id: "set-retention",
        title: "Set retention",
        summary: "Sets for how many days a table keeps its snapshots. What is older goes with the next expiry.",
        icon: "calendar",
    };
    type Arguments = Arguments;
    type Config = NoConfig;

    fn plan(table: &Table, arguments: Arguments, _: NoConfig, _: Throughput) -> Result<Plan, Error> {
        decide(&arguments, &table.properties().into_iter().collect(), Effect::unchanged(table.totals()))
    }
}

export_operation!(SetRetention);

/// Sets what differs; refuses a retention that would keep nothing.
fn decide(arguments: &Arguments, now: &BTreeMap<String, String>, effect: Effect) -> Result<Plan, Error> {
    let mut problems = Problems::default();
    if arguments.days == 0 {
        problems.add("/days", "is 0; keep snapshots for a day or more");
    }
    if arguments.least == 0 {
        problems.add("/least", "is 0; keep one or more");
    }
    problems.check()?;
    let wanted = [(AGE, arguments.days.saturating_mul(DAY)), (LEAST, arguments.least)];
    let wanted = wanted.map(|(key, value)| (key.to_owned(), value.to_string()));
    let changed: Vec<_> = wanted.into_iter().filter(|(key, value)| now.get(key) != Some(value)).collect();
    if changed.is_empty() {
        return Ok(Plan::nothing(effect, "The table has this retention already."));
    }
    Ok(Plan::new(vec![Step::SetProperties(changed)], effect, Reversibility::Inverse))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_both_mistakes_at_once() {
        let arguments = Arguments { days: 0, least: 0 };
        let refused = decide(&arguments, &BTreeMap::new(), Effect::unknown());
        assert!(matches!(refused, Err(Error::Invalid(mistakes)) if mistakes.len() == 2));
    }
}
