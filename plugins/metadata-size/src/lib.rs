//! Health rule: a metadata file so large, or so many old ones, that every commit and every reader pays for it.

mod judge;

use drls_plugin::{About, Error, Finding, HealthRule, Properties, Table, export_rule};
use judge::{Config, Figures, judge};

struct MetadataSize;

impl HealthRule for MetadataSize {
    const ABOUT: About = About {
        id: "metadata-size",
        title: "Metadata size",
        summary: "Tells of tables whose metadata file is large, or that keep many old metadata files which nothing deletes.",
        icon: "file-json",
    };
    type Config = Config;

    fn config_schema() -> String {
        include_str!("../config-schema.json").into()
    }

    fn evaluate(table: &Table, config: Config) -> Result<Vec<Finding>, Error> {
        let log = table.metadata_log();
        let properties = Properties::from_iter(table.properties());
        let figures = Figures {
            bytes: log.metadata_bytes,
            entries: log.entries,
            snapshots: table.snapshots().len() as u64,
            deletes_old: properties.flag("write.metadata.delete-after-commit.enabled", false),
        };
        Ok(judge(&figures, &config))
    }
}

export_rule!(MetadataSize);
