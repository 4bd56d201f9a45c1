//! Health rule: data files far under the target size, where joining them would save many opens.

mod judge;

use drls_plugin::{About, Error, Finding, HealthRule, Table, export_rule};
use judge::{Config, Figures, Part, judge};

struct SmallFiles;

impl HealthRule for SmallFiles {
    const ABOUT: About = About {
        id: "small-files",
        title: "Small files",
        summary: "Tells of tables whose data files are far smaller than their target size, so that a scan opens more files \
                  than it need and planning reads more metadata. Small and empty tables are spared.",
        icon: "files",
    };
    type Config = Config;

    fn config_schema() -> String {
        include_str!("../config-schema.json").into()
    }

    fn evaluate(table: &Table, config: Config) -> Result<Vec<Finding>, Error> {
        let totals = table.totals();
        let sizes = table.file_sizes();
        let parts = table
            .partitions(0, table.partition_count())
            .into_iter()
            .map(|p| Part { files: p.small_files, bytes: p.small_bytes })
            .collect();
        let figures = Figures {
            files: totals.data_files,
            bytes: totals.data_bytes,
            target: sizes.target,
            small_files: sizes.small_files,
            parts,
        };
        Ok(judge(&figures, &config).into_iter().collect())
    }
}

export_rule!(SmallFiles);
