//! Operation: adds an optional column, at the top or in a struct.

mod arguments;
mod types;

use drls_plugin::steps::{AddColumn, Effect, Reversibility, Step};
use drls_plugin::{About, Error, NoConfig, Plan, Table, TableOperation, Throughput, export_operation};

use arguments::{Arguments, check};

struct Add;

impl TableOperation for Add {
    const ABOUT: About = About {
        id: "add-column",
        title: "Add a column",
        summary: "Adds an optional column; existing rows read null. Changes metadata only.",
        icon: "column-plus",
    };
    type Arguments = Arguments;
    type Config = NoConfig;

    fn arguments_schema() -> String {
        include_str!("../arguments-schema.json").into()
    }

    fn plan(table: &Table, arguments: Arguments, _: NoConfig, _: Throughput) -> Result<Plan, Error> {
        let data_type = check(&table.fields(), table.format_version(), &arguments)?;
        let Arguments { path, doc, after, .. } = arguments;
        let step = Step::AddColumn(AddColumn { path, data_type, doc, after });
        let plan = Plan::new(vec![step], Effect::unchanged(table.totals()), Reversibility::Inverse);
        Ok(plan.warn("Readers of every column (SELECT *) and writers that insert by position meet one column more."))
    }
}

export_operation!(Add);
