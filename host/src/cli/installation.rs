//! What the author's commands ask of a home: facts of its tables, and what its server makes of a plugin.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Result, anyhow, bail};
use drls_author::RealTable;
use drls_runtime::facts::{Group, TableFacts, TableId};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::plugin::told;
use super::{follow, known_home};
use crate::api::names::TableName;
use crate::config::{Config, ConfigStore, Environment};
use crate::db::Db;
use crate::events::Events;
use crate::lakehouse::catalogs::Catalog;
use crate::lakehouse::{self, Lakehouse, embedded, full_name};
use crate::plugins;

/// Tables that are named where one is not found.
const NAMED: usize = 20;

/// A home that is looked at only where a command asks: most of them work without one.
pub(super) struct Installation {
    home: Option<PathBuf>,
    handle: Handle,
}

impl Installation {
    /// The home that the command line names, else the environment's; `handle` is of the runtime that the program runs on.
    pub(super) fn new(home: Option<PathBuf>, handle: Handle) -> Self {
        Self { home, handle }
    }

    fn config(&self) -> Result<Arc<Config>> {
        let environment = Environment::of_process(self.home.clone(), None)?;
        known_home(&environment)?;
        Ok(ConfigStore::open(environment)?.get())
    }
}

impl drls_author::Installation for Installation {
    fn facts(&self, table: &RealTable, groups: &BTreeSet<Group>) -> Result<TableFacts> {
        let config = self.config()?;
        self.handle.block_on(async {
            let db = Db::open(&config.home).await?;
            let facts = facts(&config, db.clone(), table, groups).await;
            db.close().await;
            facts
        })
    }

    fn follow(&self, id: &str) {
        let environment = Environment::of_process(self.home.clone(), None);
        let followed = environment.and_then(|home| follow::start(home.home().to_owned(), id.to_owned()));
        if let Err(error) = followed {
            eprintln!("no server is followed: {error:#}");
        }
    }
}

/// Reads a table as the server does, which may run beside this: both keep what they read in the same cache.
async fn facts(config: &Config, db: Db, table: &RealTable, groups: &BTreeSet<Group>) -> Result<TableFacts> {
    let name: TableName = table.name.parse().map_err(|error| anyhow!("{}: {error}", table.name))?;
    let catalog = table.catalog.as_deref().unwrap_or(&config.settings.default_catalog);
    if catalog == embedded::NAME && !config.home.join("catalog.db").is_file() {
        let home = config.home.display();
        bail!("{home} has no tables yet\n  fix: `drls demo` makes a sample lakehouse there, or name another --home");
    }
    let runtime = plugins::open(config)?;
    let (lakehouse, _) = lakehouse::open(config, db, Events::default(), runtime, CancellationToken::new())?;
    let catalog = lakehouse.catalogs.get(Some(catalog)).map_err(|error| told(&error))?;
    let id =
        TableId { catalog: catalog.name.clone(), namespace: name.namespace().to_vec(), name: name.table().to_owned() };
    let located = match lakehouse.locate(&id).await {
        Err(error) if error.code() == "table-not-found" => return Err(absent(&lakehouse, catalog, &name).await),
        located => located.map_err(|error| told(&error))?,
    };
    let (_, facts) = lakehouse.gather(&located, groups).await.map_err(|error| told(&error))?;
    Ok(facts.only(groups))
}

/// Says which tables there are, where one is not.
async fn absent(lakehouse: &Lakehouse, catalog: &Catalog, name: &TableName) -> anyhow::Error {
    let what = format!("there is no table {name} in catalog {}", catalog.name);
    let listed = match lakehouse.catalogs.list(catalog).await {
        Ok(listed) => listed,
        Err(error) => return told(&error).context(what),
    };
    let id = |namespace, name| TableId { catalog: catalog.name.clone(), namespace, name };
    let mut names: Vec<_> = listed.into_iter().map(|one| full_name(&id(one.namespace, one.name))).collect();
    if names.is_empty() {
        return anyhow!("{what}, which has none at all\n  fix: `drls demo` makes a sample, or name another --catalog");
    }
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    anyhow!("{what}\n  fix: name one of {}{more}", names.join(", "))
}
