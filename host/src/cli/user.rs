//! `drls user`.

use std::io::{IsTerminal as _, Read as _, stdin};

use anyhow::{Context as _, Result, bail};
use clap::Subcommand;
use serde_json::json;
use sqlx::{Sqlite, Transaction};

use super::ACTOR;
use crate::{
    auth::{Role, User, password, secret},
    config::Config,
    db::{Db, audit, sessions, users},
};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Add a user
    Add {
        /// Name of the user
        name: String,
        /// What the user may do
        #[arg(long, value_enum)]
        role: Role,
        /// Make a bearer token and print it as the last word
        #[arg(long)]
        token: bool,
        /// Read a password from standard input
        #[arg(long)]
        password_stdin: bool,
    },
    /// Set a user's password
    Passwd {
        /// Name of the user
        name: String,
        /// Read it from standard input instead of asking for it
        #[arg(long)]
        password_stdin: bool,
    },
    /// Make another bearer token and print it as the last word
    Token {
        /// Name of the user
        name: String,
    },
    /// Make a one-time sign-in link and print it as the last word
    Link {
        /// Name of the user
        name: String,
    },
    /// Remove a user, whose tokens and open sessions end at once
    Remove {
        /// Name of the user
        name: String,
    },
    /// List the users
    List,
}

impl Command {
    /// Whether it may be the first thing that happens in a home: a server that others reach wants an admin before it starts.
    pub(super) fn makes_home(&self) -> bool {
        matches!(self, Self::Add { .. })
    }
}

/// Carries out one command on the home's database, beside a server that may be running.
pub(super) async fn run(command: Command, config: &Config) -> Result<()> {
    let db = Db::open(&config.home).await?;
    let done = carry_out(command, &db, config).await;
    db.close().await;
    done
}

async fn carry_out(command: Command, db: &Db, config: &Config) -> Result<()> {
    match command {
        Command::Add { name, role, token, password_stdin } => {
            let phc = if password_stdin { Some(new_password(true).await?) } else { None };
            add(db, &name, role, token, phc).await
        }
        Command::Passwd { name, password_stdin } => {
            let phc = new_password(password_stdin).await?;
            let mut tx = db.write().await?;
            let user = known(&mut tx, &name).await?;
            set_password(&mut tx, &user, &phc).await?;
            tx.commit().await?;
            println!("The password of {name} is set; open sessions of {name} have ended");
            Ok(())
        }
        Command::Token { name } => {
            let mut tx = db.write().await?;
            let user = known(&mut tx, &name).await?;
            let token = make_token(&mut tx, &user).await?;
            tx.commit().await?;
            println!("Token of {name}, shown this once: {token}");
            Ok(())
        }
        Command::Link { name } => {
            let code = secret::make("")?;
            let mut tx = db.write().await?;
            let user = known(&mut tx, &name).await?;
            sessions::insert_link(&mut tx, &user, &code).await?;
            audit::append(&mut tx, ACTOR, "user.link", &user.name, &json!({})).await?;
            tx.commit().await?;
            println!(
                "Sign in once as {name}, within an hour: http://{}/sign-in?code={code}",
                config.settings.server.bind
            );
            Ok(())
        }
        Command::Remove { name } => {
            let mut tx = db.write().await?;
            let user = known(&mut tx, &name).await?;
            users::remove(&mut tx, &user).await?;
            audit::append(&mut tx, ACTOR, "user.remove", &user.name, &json!({ "role": user.role })).await?;
            tx.commit().await?;
            println!("Removed {name}; tokens and open sessions of {name} have ended");
            Ok(())
        }
        Command::List => list(db).await,
    }
}

async fn add(db: &Db, name: &str, role: Role, token: bool, phc: Option<String>) -> Result<()> {
    if name.is_empty()
        || name.chars().count() > 100
        || name.chars().any(|letter| letter.is_control() || letter.is_whitespace())
    {
        bail!("a user's name has 1 to 100 characters, no spaces");
    }
    let mut tx = db.write().await?;
    if users::by_name(&mut *tx, name).await?.is_some() {
        bail!("there is a user {name} already; `drls user token {name}` makes another token");
    }
    let user = users::insert(&mut tx, name, role).await?;
    audit::append(&mut tx, ACTOR, "user.add", name, &json!({ "role": role })).await?;
    if let Some(phc) = phc {
        set_password(&mut tx, &user, &phc).await?;
    }
    let made = if token { Some(make_token(&mut tx, &user).await?) } else { None };
    tx.commit().await?;
    println!("Added {name} as {role}");
    if let Some(token) = made {
        println!("Token of {name}, shown this once: {token}");
    }
    Ok(())
}

async fn list(db: &Db) -> Result<()> {
    for row in users::list(db.read()).await? {
        let password = if row.has_password { "password" } else { "no password" };
        let added = row.created_at.format("%Y-%m-%d");
        println!("{}\t{}\t{password}\t{} tokens\tadded {added}", row.user.name, row.user.role, row.tokens);
    }
    Ok(())
}

async fn known(tx: &mut Transaction<'_, Sqlite>, name: &str) -> Result<User> {
    users::by_name(&mut **tx, name)
        .await?
        .with_context(|| format!("there is no user {name}; `drls user list` shows all, `drls user add` adds one"))
}

async fn set_password(tx: &mut Transaction<'_, Sqlite>, user: &User, phc: &str) -> Result<()> {
    users::set_password(tx, user, phc).await?;
    audit::append(tx, ACTOR, "user.password", &user.name, &json!({})).await?;
    Ok(())
}

async fn make_token(tx: &mut Transaction<'_, Sqlite>, user: &User) -> Result<String> {
    let token = secret::make("drls_")?;
    users::insert_token(tx, user, &token).await?;
    audit::append(tx, ACTOR, "user.token", &user.name, &json!({})).await?;
    Ok(token)
}

/// A new password's hash: from standard input, or asked for twice on the terminal.
async fn new_password(from_stdin: bool) -> Result<String> {
    let word = if from_stdin {
        let mut text = String::new();
        stdin().read_to_string(&mut text).context("the password can't be read from standard input")?;
        text.trim_end_matches(['\r', '\n']).to_owned()
    } else {
        if !stdin().is_terminal() {
            bail!("there is no terminal to ask for the password; pipe it in with --password-stdin");
        }
        let first = rpassword::prompt_password("Password: ")?;
        if rpassword::prompt_password("Again: ")? != first {
            bail!("the two passwords differ; nothing was changed");
        }
        first
    };
    password::hash(word).await
}
