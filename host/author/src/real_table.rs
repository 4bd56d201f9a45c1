//! `drls plugin test --table`: a plugin on the facts of a real table, as a server would call it now.

use std::sync::Arc;

use anyhow::Result;
use clap::Args;
use serde_json::{Map, Value};

use crate::{
    case::Input,
    installation::{Installation, RealTable, needed},
    test::Runner,
};

/// Which table, and what the caller says.
#[derive(Debug, Args)]
#[command(next_help_heading = "On a real table, instead of tests")]
pub(crate) struct RealTableArgs {
    /// Call the plugin on this table as it stands, `namespace.table`, and print what it answers
    #[arg(long, value_name = "TABLE", conflicts_with_all = ["cases", "update"])]
    table: Option<String>,
    /// Another catalog than the default
    #[arg(long, value_name = "NAME", requires = "table")]
    catalog: Option<String>,
    /// Values over `[config]` of plugin.toml, a JSON object
    #[arg(long, value_name = "JSON", requires = "table", value_parser = object)]
    config: Option<Map<String, Value>>,
    /// Arguments of a table operation, a JSON object
    #[arg(long, value_name = "JSON", requires = "table", value_parser = object)]
    arguments: Option<Map<String, Value>>,
}

impl RealTableArgs {
    /// The table, where one is named.
    pub(crate) fn table(&self) -> Option<RealTable> {
        Some(RealTable { name: self.table.clone()?, catalog: self.catalog.clone() })
    }
}

fn object(text: &str) -> Result<Map<String, Value>, String> {
    serde_json::from_str(text).map_err(|error| format!("no JSON object: {error}"))
}

/// Prints the findings or the plan; false where the plugin gave neither.
pub(crate) fn run(
    runner: &Runner,
    table: &RealTable,
    args: &RealTableArgs,
    installation: Option<&dyn Installation>,
) -> Result<bool> {
    let facts = needed(installation)?.facts(table, runner.plugin.needs())?;
    let input = Input {
        facts: Arc::new(facts),
        config: args.config.clone().unwrap_or_default(),
        arguments: args.arguments.clone().map(Value::Object),
        throughput: 0,
        http: Default::default(),
    };
    let (answer, _) = runner.answer(&input)?;
    println!("{}", serde_json::to_string_pretty(&answer)?);
    Ok(!answer.is_error())
}
