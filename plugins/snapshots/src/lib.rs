//! Health rule: snapshots that retention would let go, or more of them than anyone travels back through.

mod judge;

use drls_plugin::{About, Error, Finding, HealthRule, Properties, Table, export_rule};
use judge::{Config, Figures, judge};

struct Snapshots;

impl HealthRule for Snapshots {
    const ABOUT: About = About {
        id: "snapshots",
        title: "Snapshots",
        summary: "Tells of tables that keep many snapshots: each holds on to the files of its time, and all of them are in \
                  the metadata file that every reader loads.",
        icon: "history",
    };
    type Config = Config;

    fn config_schema() -> String {
        include_str!("../config-schema.json").into()
    }

    fn evaluate(table: &Table, config: Config) -> Result<Vec<Finding>, Error> {
        let figures = Figures {
            snapshots: table.snapshots(),
            refs: table.refs(),
            properties: Properties::from_iter(table.properties()),
            now: table.as_of(),
        };
        Ok(judge(&figures, &config).into_iter().collect())
    }
}

export_rule!(Snapshots);
