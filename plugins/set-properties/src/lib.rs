//! Operation: sets table properties.

use std::collections::BTreeMap;

use drls_plugin::steps::{Effect, Reversibility, Step};
use drls_plugin::{
    About, Error, NoConfig, Plan, Problems, Properties, Table, TableOperation, Throughput, export_operation, token,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Keys that Iceberg keeps for itself (`TableProperties.RESERVED_PROPERTIES`): they are fields of the metadata.
const RESERVED: [&str; 9] = [
    "format-version",
    "uuid",
    "snapshot-count",
    "current-snapshot-id",
    "current-snapshot-summary",
    "current-snapshot-timestamp-ms",
    "current-schema",
    "default-partition-spec",
    "default-sort-order",
];

struct SetProperties;

/// The properties.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Set properties")]
struct Arguments {
    /// Values by key, such as "write.target-file-size-bytes": "134217728".
    #[schemars(title = "Properties", length(min = 1))]
    properties: BTreeMap<String, String>,
}

impl TableOperation for SetProperties {
    const ABOUT: About = About {
        id: "set-properties",
        title: "Set properties",
        summary: "Sets table properties: target sizes, retention, commit behaviour. Changes metadata only.",
        icon: "sliders",
    };
    type Arguments = Arguments;
    type Config = NoConfig;

    fn arguments_schema() -> String {
        include_str!("../arguments-schema.json").into()
    }

    fn plan(table: &Table, arguments: Arguments, _: NoConfig, _: Throughput) -> Result<Plan, Error> {
        let present = Properties::from_iter(table.properties());
        plan(&present, Effect::unchanged(table.totals()), arguments.properties)
    }
}

export_operation!(SetProperties);

fn plan(present: &Properties, effect: Effect, wanted: BTreeMap<String, String>) -> Result<Plan, Error> {
    let mut problems = Problems::default();
    for key in wanted.keys() {
        let pointer = format!("/properties/{}", token(key));
        if key.trim().is_empty() || key.trim() != key {
            problems.add(pointer, "a key is not empty and has no blank at its ends");
        } else if RESERVED.contains(&key.as_str()) {
            problems
                .add(pointer, format!("\"{key}\" is a part of the metadata that Iceberg keeps itself; leave it out"));
        }
    }
    problems.check()?;
    let changed = wanted.iter().filter(|(key, value)| present.get(key.as_str()) != Some(*value));
    let before: Vec<String> = changed
        .map(|(key, _)| match present.get(key) {
            Some(value) => format!("{key} was \"{value}\""),
            None => format!("{key} was not set"),
        })
        .collect();
    if before.is_empty() {
        return Ok(Plan::nothing(effect, "The table has these properties already."));
    }
    let warning = format!("There is no undo; as it is now: {}.", before.join(", "));
    // All of them, those too that the table has now: somebody may change one before the plan runs.
    let step = Step::SetProperties(wanted.into_iter().collect());
    Ok(Plan::new(vec![step], effect, Reversibility::None).warn(warning))
}

#[cfg(test)]
mod tests {
    use super::*;
    use drls_plugin::facts::Totals;

    fn planned(wanted: &[(&str, &str)]) -> Result<Plan, Error> {
        let totals = Totals {
            records: 0,
            data_files: 0,
            data_bytes: 0,
            delete_files: 0,
            position_deletes: 0,
            equality_deletes: 0,
            manifests: None,
        };
        let present = Properties::from_iter([("gc.enabled".to_owned(), "true".to_owned())]);
        let wanted = wanted.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        plan(&present, Effect::unchanged(totals), wanted)
    }

    #[test]
    fn sets_all_that_was_asked_for_where_one_differs() {
        let plan = planned(&[("gc.enabled", "true"), ("write.metadata.previous-versions-max", "20")]).unwrap();
        let set = [("gc.enabled", "true"), ("write.metadata.previous-versions-max", "20")];
        let set = set.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec();
        assert_eq!(plan.steps, [Step::SetProperties(set)]);
        assert_eq!(plan.reversibility, Reversibility::None);
        let warning = "There is no undo; as it is now: write.metadata.previous-versions-max was not set.";
        assert_eq!(plan.warnings, [warning]);
        assert_eq!(planned(&[("gc.enabled", "true")]).unwrap().steps, []);
    }

    #[test]
    fn refuses_every_key_that_is_none() {
        let Err(Error::Invalid(fields)) = planned(&[("", "1"), ("format-version", "3"), ("a/b ", "1")]) else {
            panic!()
        };
        let pointers: Vec<&str> = fields.iter().map(|f| f.pointer.as_str()).collect();
        assert_eq!(pointers, ["/properties/", "/properties/a~1b ", "/properties/format-version"]);
    }
}
