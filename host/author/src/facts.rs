//! `drls plugin facts`: the facts of a real table as a fixture.

use std::{
    collections::BTreeSet,
    io::{Write as _, stdout},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, anyhow};
use clap::Args;
use drls_runtime::{facts::Group, inspect};

use crate::{
    files,
    installation::{Installation, RealTable, needed},
};

/// What `drls plugin facts` is told.
#[derive(Debug, Args)]
pub struct FactsArgs {
    /// Name of the table, `namespace.table`; a part with a dot or other odd characters in back-ticks
    table: String,
    /// Another catalog than the default
    #[arg(long, value_name = "NAME")]
    catalog: Option<String>,
    /// Record only what this plugin reads
    #[arg(long, value_name = "FILE")]
    needs: Option<PathBuf>,
    /// File to write [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Runs the command.
pub(crate) fn run(args: &FactsArgs, installation: Option<&dyn Installation>) -> Result<()> {
    let groups = match &args.needs {
        Some(file) => needs(file)?,
        None => Group::ALL.into(),
    };
    let table = RealTable { name: args.table.clone(), catalog: args.catalog.clone() };
    let facts = needed(installation)?.facts(&table, &groups)?;
    let text = format!("{}\n", serde_json::to_string_pretty(&facts)?);
    match &args.output {
        Some(file) => {
            files::write_atomically(file, text.as_bytes())?;
            let names: Vec<_> = groups.iter().map(|group| group.name()).collect();
            println!("recorded: {}, {}, {} bytes, {}", args.table, names.join(" "), text.len(), file.display());
        }
        None => stdout().write_all(text.as_bytes()).context("standard output takes no more")?,
    }
    Ok(())
}

/// The groups that the plugin in this file reads.
fn needs(file: &Path) -> Result<BTreeSet<Group>> {
    let inspection = inspect(&files::read(file)?).map_err(|refusal| anyhow!("{}: {refusal}", file.display()))?;
    Ok(inspection.needs)
}
