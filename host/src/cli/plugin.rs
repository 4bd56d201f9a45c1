//! `drls plugin`: the author's commands, and the operator's on a home's plugins.

use std::path::Path;

use anyhow::{Result, anyhow};
use clap::Subcommand;
use drls_runtime::{Did, Named};

use super::ACTOR;
use crate::{
    db::Db,
    error::ApiError,
    plugins::{
        self,
        decisions::{self, Wish},
    },
};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    #[command(flatten)]
    Author(drls_author::Command),
    #[command(flatten)]
    Operator(Operator),
}

#[derive(Debug, Subcommand)]
pub(super) enum Operator {
    /// Go back to a version that served before
    ///
    /// The last five versions of each plugin are kept. The file takes the place of the one in the plugins folder of the
    /// home, by one rename; a running server swaps it in without a restart, the next one starts with it.
    #[command(verbatim_doc_comment)]
    Rollback {
        /// Id of the plugin
        id: String,
        /// A version that is kept, or the beginning of its digest [default: the one that served before]
        #[arg(long, value_name = "VERSION|DIGEST")]
        to: Option<String>,
    },
    /// Take a plugin out of service, whatever file is put there
    Disable {
        /// Id of the plugin
        id: String,
    },
    /// Let a plugin serve again that was disabled or is in quarantine
    Enable {
        /// Id of the plugin
        id: String,
    },
}

/// Carries out one command on a home, beside a server that may be running and then takes it over.
pub(super) async fn run(command: &Operator, home: &Path) -> Result<()> {
    let ledger = plugins::ledger(home);
    let (id, wish) = match command {
        Operator::Rollback { id, to } => (id, Wish::Rollback(to.clone())),
        Operator::Disable { id } => (id, Wish::Disable),
        Operator::Enable { id } => (id, Wish::Enable),
    };
    let change = wish.prepare(&ledger, id, ACTOR)?;
    let db = Db::open(home).await?;
    let done = decisions::carry_out(&db, ACTOR, wish.action(), id, change).await;
    db.close().await;
    let did = done.map_err(|error| told(&error))?;
    println!("{}", words(command, &did));
    Ok(())
}

/// An error of a room in words. Whoever types a command may see the cause as well.
pub(super) fn told(error: &ApiError) -> anyhow::Error {
    let cause = error.cause().map(|cause| format!(" ({cause:#})")).unwrap_or_default();
    anyhow!("{}{cause}", error.detail())
}

/// What was done, for people.
fn words(command: &Operator, did: &Did) -> String {
    let named = |one: &Option<Named>| one.as_ref().map(ToString::to_string).unwrap_or_default();
    match command {
        Operator::Rollback { id, .. } if did.nothing => format!("{id} {} is in the folder already", named(&did.to)),
        Operator::Rollback { id, .. } => {
            let from = did.from.as_ref().map(|from| format!(" in place of {from}")).unwrap_or_default();
            format!("rolled back: {id} {}{from}", named(&did.to))
        }
        Operator::Disable { id } if did.nothing => format!("{id} was disabled already"),
        Operator::Disable { id } => format!("disabled: {id}; `drls plugin enable {id}` lets it serve again"),
        Operator::Enable { id } if did.nothing => format!("{id} was neither disabled nor in quarantine"),
        Operator::Enable { id } => {
            let released =
                did.released.as_ref().map(|one| format!(", with {one} out of quarantine")).unwrap_or_default();
            format!("enabled: {id}{released}")
        }
    }
}
