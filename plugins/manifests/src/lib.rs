//! Health rule: more manifests than the files in them need, each one more object that planning opens.

mod judge;

use drls_plugin::{About, Error, Finding, HealthRule, Properties, Table, export_rule};
use judge::{Config, judge};

struct Manifests;

impl HealthRule for Manifests {
    const ABOUT: About = About {
        id: "manifests",
        title: "Manifests",
        summary: "Tells of tables whose files are listed in many small manifests, which makes planning a scan slow.",
        icon: "list",
    };
    type Config = Config;

    fn config_schema() -> String {
        include_str!("../config-schema.json").into()
    }

    fn evaluate(table: &Table, config: Config) -> Result<Vec<Finding>, Error> {
        let properties = Properties::from_iter(table.properties());
        let spec = table.partition_specs().iter().find(|s| s.is_default).map_or(0, |s| s.id);
        Ok(judge(&table.manifests(), spec, &properties, &config).into_iter().collect())
    }
}

export_rule!(Manifests);
