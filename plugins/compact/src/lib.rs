//! Operation: rewrites data files, with the outcome told before.
//!
//! Files are grouped and packed as Iceberg 1.12 does it on Spark (see `group` and `forecast`), so that the plan's figures are those of the
//! rewrite. Never rewrites everything: `rewrite-all` makes a table pay for what is already well sized.

mod arguments;
mod deletes;
mod filter;
mod forecast;
mod group;
mod options;
mod order;
mod outcome;
mod respread;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;

use drls_plugin::{About, Error, NoConfig, Plan, Properties, Table, TableOperation, Throughput, export_operation};

use arguments::Arguments;
use group::Cell;
use outcome::Facts;

struct Compact;

impl TableOperation for Compact {
    const ABOUT: About = About {
        id: "compact",
        title: "Compact",
        summary: "Rewrites data files that are too small, too large or full of deleted rows into files of the target size, \
                  optionally sorted.",
        icon: "combine",
    };
    type Arguments = Arguments;
    type Config = NoConfig;

    fn arguments_schema() -> String {
        include_str!("../arguments-schema.json").into()
    }

    fn plan(table: &Table, arguments: Arguments, _: NoConfig, throughput: Throughput) -> Result<Plan, Error> {
        let cells = (0..)
            .zip(table.partitions(0, table.partition_count()))
            .map(|(number, p)| Cell {
                path: p.path,
                spec: p.spec_id,
                delete_files: p.delete_files,
                files: table.files(number, 0, u32::MAX),
            })
            .collect();
        let current = table.current_snapshot();
        let newest = table.snapshots().into_iter().find(|s| Some(s.id) == current);
        let facts = Facts {
            format_version: table.format_version(),
            properties: Properties::from_iter(table.properties()),
            fields: table.fields(),
            specs: table.partition_specs(),
            sort_order: table.sort_order(),
            totals: table.totals(),
            newest_deletes: newest.is_some_and(|s| matches!(s.operation.as_str(), "delete" | "overwrite")),
            cells,
        };
        outcome::plan(&facts, &arguments, throughput)
    }
}

export_operation!(Compact);
