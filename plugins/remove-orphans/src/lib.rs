//! Operation: deletes files under the table's location that nothing in its metadata names.

use drls_plugin::facts::{Orphans, Totals};
use drls_plugin::steps::{Effect, RemoveOrphanFiles, Reversibility, Step};
use drls_plugin::{
    About, Error, NoConfig, Plan, Properties, Table, TableOperation, Throughput, export_operation, human, time,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Files younger than this may belong to a commit that is under way: 24 h, Lakekeeper's hard floor.
const FLOOR: i64 = time::DAY as i64;
/// Age from which files go where the caller does not say: 3 days, Iceberg's `remove_orphan_files`.
const DEFAULT_AGE: i64 = 3 * FLOOR;

struct RemoveOrphans;

/// How old an orphan must be.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "Remove orphan files")]
struct Arguments {
    /// Delete files last modified before; nothing is 3 days ago. Files of the last 24 hours always stay.
    #[schemars(title = "Older than", extend("format" = "date-time"))]
    older_than: Option<String>,
}

impl TableOperation for RemoveOrphans {
    const ABOUT: About = About {
        id: "remove-orphans",
        title: "Remove orphan files",
        summary: "Deletes files under the table's location that nothing in its metadata names: what failed and cancelled \
                  writes leave behind.",
        icon: "trash",
    };
    type Arguments = Arguments;
    type Config = NoConfig;

    fn arguments_schema() -> String {
        include_str!("../arguments-schema.json").into()
    }

    fn plan(table: &Table, arguments: Arguments, _: NoConfig, _: Throughput) -> Result<Plan, Error> {
        let properties = Properties::from_iter(table.properties());
        let older_than = limit(&arguments, &properties, table.as_of())?;
        Ok(promise(table.totals(), table.orphans(older_than), older_than))
    }
}

export_operation!(RemoveOrphans);

fn limit(arguments: &Arguments, properties: &Properties, now: i64) -> Result<i64, Error> {
    if !properties.flag("gc.enabled", true) {
        return Err(Error::invalid(
            "",
            "the table's property gc.enabled is false: other tables may use files under its location, so none may be \
             deleted; set it to true first if that is no longer so",
        ));
    }
    let Some(text) = &arguments.older_than else { return Ok(now - DEFAULT_AGE) };
    let at = time::parse(text).map_err(|problem| Error::invalid("/older_than", problem))?;
    if at > now - FLOOR {
        let latest = time::format(now - FLOOR);
        return Err(Error::invalid(
            "/older_than",
            format!(
                "{text} is less than 24 hours ago: younger files may belong to a write that is under way; say {latest} or \
                 earlier"
            ),
        ));
    }
    Ok(at)
}

fn promise(totals: Totals, orphans: Orphans, older_than: i64) -> Plan {
    let mut effect = Effect::unchanged(totals);
    let limit = time::format(older_than);
    if orphans.files == 0 {
        return Plan::nothing(effect, format!("There is no orphan file last modified before {limit}."));
    }
    effect.bytes_freed = Some(orphans.bytes);
    let oldest = orphans.oldest.map(|at| format!(", the oldest of {}", time::format(at))).unwrap_or_default();
    Plan::new(vec![Step::RemoveOrphanFiles(RemoveOrphanFiles { older_than })], effect, Reversibility::None)
        .warn(format!(
            "Deletes {} with {} last modified before {limit}{oldest}, for ever.",
            human::count(orphans.files, "file"),
            human::bytes(orphans.bytes),
        ))
        .warn(
            "Files of another table that lie in this location, as those that it took in by `add_files`, would be taken for \
             orphans; give each table a folder of its own.",
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_435_200_000;
    const TOTALS: Totals = Totals {
        records: 0,
        data_files: 4,
        data_bytes: 0,
        delete_files: 0,
        position_deletes: 0,
        equality_deletes: 0,
        manifests: None,
    };

    fn limited(older_than: Option<&str>) -> Result<i64, Error> {
        limit(&Arguments { older_than: older_than.map(Into::into) }, &Properties::default(), NOW)
    }

    #[test]
    fn spares_three_days_unless_told_otherwise() {
        assert_eq!(limited(None), Ok(NOW - 3 * FLOOR));
        assert_eq!(limited(Some("2026-11-22T12:00:00Z")), Ok(NOW - FLOOR));
    }

    #[test]
    fn never_goes_below_24_hours() {
        let Err(Error::Invalid(fields)) = limited(Some("2026-11-22T12:00:01Z")) else { panic!() };
        assert_eq!(fields[0].pointer, "/older_than");
        assert!(fields[0].detail.ends_with("say 2026-11-22T12:00:00Z or earlier"), "{fields:?}");
        assert!(limited(Some("soon")).is_err());
    }

    #[test]
    fn a_table_whose_location_others_may_use_is_not_touched() {
        let shared = Properties::from_iter([("gc.enabled".to_owned(), "false".to_owned())]);
        assert!(limit(&Arguments::default(), &shared, NOW).is_err());
    }

    #[test]
    fn promises_the_bytes_or_nothing() {
        let plan =
            promise(TOTALS, Orphans { files: 3, bytes: 9_000, oldest: Some(NOW - 9 * FLOOR) }, NOW - DEFAULT_AGE);
        assert_eq!((plan.steps.len(), plan.effect.bytes_freed), (1, Some(9_000)));
        let nothing = promise(TOTALS, Orphans { files: 0, bytes: 0, oldest: None }, NOW - DEFAULT_AGE);
        assert_eq!(nothing.steps, []);
        assert_eq!(nothing.warnings, ["There is no orphan file last modified before 2026-11-20T12:00:00Z."]);
    }
}
