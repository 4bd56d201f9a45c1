//! Sets how many metadata files a table keeps.

use drls_plugin::{
    About, Error, NoConfig, Plan, Table, TableOperation, Throughput, export_operation,
    facts::Totals,
    steps::{Effect, Reversibility, Step},
};
use schemars::JsonSchema;
use serde::Deserialize;

/// The Iceberg table property that holds the number.
const PROPERTY: &str = "write.metadata.previous-versions-max";

/// Fewer would leave a reader with nothing to go back to.
const FEWEST: u32 = 2;

/// What the caller says: the console draws a form from this type and its doc comments.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// Old metadata files to keep.
    versions: u32,
}

struct {{type}};

impl TableOperation for {{type}} {
    const ABOUT: About = About {
        id: "{{name}}",
        title: "{{title}}",
        summary: "Sets how many metadata files a table keeps.",
        icon: "settings",
    };
    type Arguments = Arguments;
    type Config = NoConfig;

    fn plan(
        table: &Table,
        arguments: Arguments,
        _: NoConfig,
        _: Throughput,
    ) -> Result<Plan, Error> {
        let properties = table.properties();
        let now = properties
            .iter()
            .find(|(key, _)| key == PROPERTY)
            .map(|(_, value)| value.as_str());
        decide(arguments.versions, now, table.totals())
    }
}

/// One step, none where the table has that value already.
fn decide(versions: u32, now: Option<&str>, totals: Totals) -> Result<Plan, Error> {
    if versions < FEWEST {
        return Err(Error::invalid(
            "/versions",
            format!("is {versions}; keep {FEWEST} or more"),
        ));
    }
    let value = versions.to_string();
    let effect = Effect::unchanged(totals);
    if now == Some(value.as_str()) {
        return Ok(Plan::nothing(
            effect,
            format!("The table keeps {value} already."),
        ));
    }
    let step = Step::SetProperties(vec![(PROPERTY.into(), value)]);
    Ok(Plan::new(vec![step], effect, Reversibility::Inverse))
}

export_operation!({{type}});

#[cfg(test)]
mod tests {
    use super::*;

    const TOTALS: Totals = Totals {
        records: 1,
        data_files: 1,
        data_bytes: 1,
        delete_files: 0,
        position_deletes: 0,
        equality_deletes: 0,
        manifests: None,
    };

    #[test]
    fn does_nothing_where_the_value_is_there() {
        let plan = decide(20, Some("20"), TOTALS).expect("the arguments are right");
        assert!(plan.steps.is_empty());
    }

    #[test]
    fn refuses_too_few() {
        assert!(matches!(decide(1, None, TOTALS), Err(Error::Invalid(_))));
    }
}
