//! `drls plugin`: the author's commands, and the operator's on a home's plugins.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, anyhow, bail};
use clap::Subcommand;
use drls_runtime::{Did, LOCK_FILE, Lock, Named, PublicKey, Rights, inspect};

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
    Author(Box<drls_author::Command>),
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
    /// Let a plugin do what its file in the plugins folder asks for
    ///
    /// Some plugins ask for more than facts: to send requests to hosts that their manifest names. Such a plugin waits until an
    /// admin grants that; `drls plugin inspect` tells what a file asks for. A grant holds for versions of the same signer that
    /// ask for no more.
    #[command(verbatim_doc_comment)]
    Grant {
        /// Id of the plugin
        id: String,
        /// Take back what was granted, for calls that run too
        #[arg(long)]
        nothing: bool,
    },
    /// Let in the files that are in the plugins folder now, and no others
    ///
    /// Writes their digests to plugins.lock in that folder. Where it is, a file that it does not name is refused, on a start and
    /// while the server runs. Put it beside the same files on another machine to have the same plugins there.
    #[command(verbatim_doc_comment)]
    Lock {
        /// Only these plugins; the others stay as they are locked [default: all]
        ids: Vec<String>,
        /// Remove the lock: every file is let in again
        #[arg(long, conflicts_with = "ids")]
        remove: bool,
    },
}

/// Carries out one command on a home, beside a server that may be running and then takes it over.
pub(super) async fn run(command: &Operator, home: &Path) -> Result<()> {
    let ledger = plugins::ledger(home);
    let (id, wish) = match command {
        Operator::Rollback { id, to } => (id, Wish::Rollback(to.clone())),
        Operator::Disable { id } => (id, Wish::Disable),
        Operator::Enable { id } => (id, Wish::Enable),
        Operator::Grant { id, nothing } => {
            // To take it back, the file need not be whole.
            let (asked, signer) = if *nothing { Default::default() } else { asked(&place(home, id))? };
            (id, Wish::Grant(asked, signer))
        }
        Operator::Lock { ids, remove } => return lock(home, ids, *remove),
    };
    let change = wish.prepare(&ledger, id, ACTOR)?;
    let db = Db::open(home).await?;
    let done = decisions::carry_out(&db, ACTOR, wish.action(), id, change).await;
    db.close().await;
    let did = done.map_err(|error| told(&error))?;
    println!("{}", words(id, &wish, &did));
    Ok(())
}

/// An error of a room in words. Whoever types a command may see the cause as well.
pub(super) fn told(error: &ApiError) -> anyhow::Error {
    let cause = error.cause().map(|cause| format!(" ({cause:#})")).unwrap_or_default();
    anyhow!("{}{cause}", error.detail())
}

fn place(home: &Path, id: &str) -> PathBuf {
    home.join("plugins").join(format!("{id}.wasm"))
}

/// The file of a plugin in the plugins folder.
fn read(file: &Path) -> Result<Vec<u8>> {
    fs::read(file).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            anyhow!("there is no plugin at {}; `drls plugin install` puts one there", file.display())
        }
        _ => anyhow!("cannot read {}: {error}", file.display()),
    })
}

/// What a file asks for, and who signed it.
fn asked(file: &Path) -> Result<(Rights, Option<PublicKey>)> {
    let bytes = read(file)?;
    let inspection = inspect(&bytes).map_err(|refusal| anyhow!("{}: {refusal}", file.display()))?;
    let needs = inspection.manifest.filter(|_| inspection.http).map(|manifest| manifest.needs);
    Ok((needs.unwrap_or_default(), inspection.signed.key()))
}

fn lock(home: &Path, ids: &[String], remove: bool) -> Result<()> {
    let folder = &home.join("plugins");
    let at = folder.join(LOCK_FILE);
    if remove {
        return match fs::remove_file(&at) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                println!("there is no lock: every plugin is let in");
                Ok(())
            }
            done => done.map(|()| println!("unlocked: every plugin is let in")).context("cannot remove the lock"),
        };
    }
    let mut lock = Lock::default();
    let files: Vec<PathBuf> = if ids.is_empty() {
        let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
        let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        paths.filter(|path| path.extension().is_some_and(|extension| extension == "wasm")).collect()
    } else {
        lock = Lock::read(folder).with_context(|| format!("cannot read {}", at.display()))?.unwrap_or_default();
        ids.iter().map(|id| place(home, id)).collect()
    };
    let mut wrong = Vec::new();
    for file in &files {
        if let Err(refusal) = lock.name(&read(file)?) {
            wrong.push(format!("{}: {refusal}", file.display()));
        }
    }
    if !wrong.is_empty() {
        bail!("not locked, since these are no plugins:\n  {}", wrong.join("\n  "));
    }
    lock.write(folder).with_context(|| format!("cannot write {}", at.display()))?;
    println!("locked: {} plugins, {}", lock.plugins.len(), at.display());
    Ok(())
}

/// What was done, for people.
fn words(id: &str, wish: &Wish, did: &Did) -> String {
    let named = |one: &Option<Named>| one.as_ref().map(ToString::to_string).unwrap_or_default();
    match wish {
        Wish::Rollback(_) if did.nothing => format!("{id} {} is in the folder already", named(&did.to)),
        Wish::Rollback(_) => {
            let from = did.from.as_ref().map(|from| format!(" in place of {from}")).unwrap_or_default();
            format!("rolled back: {id} {}{from}", named(&did.to))
        }
        Wish::Disable if did.nothing => format!("{id} was disabled already"),
        Wish::Disable => format!("disabled: {id}; `drls plugin enable {id}` lets it serve again"),
        Wish::Enable if did.nothing => format!("{id} was neither disabled nor in quarantine"),
        Wish::Enable => {
            let released =
                did.released.as_ref().map(|one| format!(", with {one} out of quarantine")).unwrap_or_default();
            format!("enabled: {id}{released}")
        }
        Wish::Grant(rights, _) => match (rights.is_empty(), did.nothing) {
            (true, true) => format!("nothing is granted to {id}"),
            (true, false) => format!("taken back: {id} may read facts and no more"),
            (false, nothing) => {
                format!("granted{}: {id} may send {}", if nothing { " already" } else { "" }, rights.words())
            }
        },
    }
}
