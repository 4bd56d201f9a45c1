//! What the kit is lent by a program that has more than files.

use std::collections::BTreeSet;

use anyhow::{Result, anyhow};
use drls_runtime::facts::{Group, TableFacts};

/// A table of the lakehouse, as a person names it.
#[derive(Debug, Clone)]
pub struct RealTable {
    /// `namespace.table`; a part with odd characters in back-ticks.
    pub name: String,
    /// Another catalog than the default.
    pub catalog: Option<String>,
}

/// The home of a server, with its lakehouse. The kit alone has none.
pub trait Installation {
    /// Facts of a table as it stands: these groups and no others.
    ///
    /// # Errors
    /// What is missing, with what to do.
    fn facts(&self, table: &RealTable, groups: &BTreeSet<Group>) -> Result<TableFacts>;

    /// Prints what the server that runs on the home makes of a plugin, and the lines that the plugin logs, from now on until
    /// the program ends. Returns once nothing is missed; a server may come and go meanwhile.
    fn follow(&self, id: &str);
}

/// The installation that a command needs.
pub(crate) fn needed(installation: Option<&dyn Installation>) -> Result<&dyn Installation> {
    installation.ok_or_else(|| {
        anyhow!("tables are read by the server's own program, and this is the kit alone\n  fix: type `drls plugin ...`")
    })
}
