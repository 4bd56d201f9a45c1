//! Operation: writes the manifests of the default partition spec anew, clustered by partition.

mod predict;

use drls_plugin::{About, Error, NoConfig, Plan, Properties, Table, TableOperation, Throughput, export_operation};
use schemars::JsonSchema;
use serde::Deserialize;

struct RewriteManifests;

/// Nothing needs to be said.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Rewrite manifests")]
struct Arguments {}

impl TableOperation for RewriteManifests {
    const ABOUT: About = About {
        id: "rewrite-manifests",
        title: "Rewrite manifests",
        summary: "Joins small manifests and clusters their entries by partition, so that planning a scan opens fewer of them.",
        icon: "list",
    };
    type Arguments = Arguments;
    type Config = NoConfig;

    fn arguments_schema() -> String {
        include_str!("../arguments-schema.json").into()
    }

    fn plan(table: &Table, _: Arguments, _: NoConfig, throughput: Throughput) -> Result<Plan, Error> {
        let properties = Properties::from_iter(table.properties());
        let spec = table.partition_specs().iter().find(|s| s.is_default).map_or(0, |s| s.id);
        Ok(predict::plan(table.totals(), &table.manifests(), spec, &properties, throughput))
    }
}

export_operation!(RewriteManifests);
