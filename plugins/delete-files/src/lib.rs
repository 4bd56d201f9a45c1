//! Health rule: rows that are marked as deleted but still stored, which every scan reads and filters again.

mod judge;

use drls_plugin::{About, Error, Finding, HealthRule, Properties, Table, export_rule};
use judge::{Config, judge};

struct DeleteFiles;

impl HealthRule for DeleteFiles {
    const ABOUT: About = About {
        id: "delete-files",
        title: "Delete files",
        summary: "Tells of tables whose scans have to apply delete files: equality deletes first, since they cost most, \
                  then position deletes and deletion vectors.",
        icon: "eraser",
    };
    type Config = Config;

    fn config_schema() -> String {
        include_str!("../config-schema.json").into()
    }

    fn evaluate(table: &Table, config: Config) -> Result<Vec<Finding>, Error> {
        let target = Properties::from_iter(table.properties()).target_file_size();
        Ok(judge(&table.totals(), target, &config).into_iter().collect())
    }
}

export_rule!(DeleteFiles);
