//! Health rule: one partition that dwarfs the others, so that its task decides how long a job takes.

mod judge;

use drls_plugin::{About, Error, Finding, HealthRule, Table, export_rule};
use judge::{Config, judge};

struct PartitionSkew;

impl HealthRule for PartitionSkew {
    const ABOUT: About = About {
        id: "partition-skew",
        title: "Partition skew",
        summary: "Tells of tables in which one partition holds many times the rows of a usual one.",
        icon: "bar-chart",
    };
    type Config = Config;

    fn config_schema() -> String {
        include_str!("../config-schema.json").into()
    }

    fn evaluate(table: &Table, config: Config) -> Result<Vec<Finding>, Error> {
        let partitions = table.partitions(0, table.partition_count());
        Ok(judge(&partitions, &config).into_iter().collect())
    }
}

export_rule!(PartitionSkew);
