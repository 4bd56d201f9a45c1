//! The command line.

mod demo;
pub mod doctor;
mod doctor_lakehouse;
mod follow;
mod installation;
mod logs;
mod plugin;
mod serve;
mod user;

use std::{
    net::{SocketAddr, ToSocketAddrs as _},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::{Context as _, Result, bail};
use clap::{Parser, Subcommand};
use tokio::runtime::Handle;

use self::installation::Installation;

use crate::{
    api::openapi,
    config::{ConfigStore, Environment},
    db::Db,
};

/// The actor of changes made at the command line: whoever may write the home.
const ACTOR: &str = "command line";

/// Lakehouse console: Apache Iceberg tables read, judged and repaired.
#[derive(Debug, Parser)]
#[command(name = "drls", version)]
struct Cli {
    /// Folder with everything that the server keeps [default: DRLS_HOME, else ~/.drls]
    #[arg(long, global = true, value_name = "DIR")]
    home: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the console and its API
    Serve {
        /// Address to listen on [default: server.bind in config.json, else 127.0.0.1:3000]
        #[arg(long, value_name = "ADDRESS:PORT", value_parser = address)]
        bind: Option<SocketAddr>,
        /// Form of the log on standard error
        #[arg(long, value_enum, default_value_t = logs::Format::Auto)]
        log_format: logs::Format,
    },
    /// Bring the state database up to date
    Migrate,
    /// Print the OpenAPI description
    Openapi,
    /// Manage users
    #[command(subcommand)]
    User(user::Command),
    /// Make the sample lakehouse: real tables, sick in different ways
    Demo {
        /// Drop the sample tables and make them anew
        #[arg(long)]
        reset: bool,
    },
    /// Make, build, check, test and install plugins; go back to a version, switch one off and on
    #[command(subcommand)]
    Plugin(plugin::Command),
    /// Look for what is broken, with a fix for each finding
    Doctor(doctor::Arguments),
}

/// Runs the command line; exit status 0 for success, 1 for failure, 2 for a wrong use.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let done = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("no threads can be started")
        .and_then(|runtime| runtime.block_on(dispatch(cli)));
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("drls: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn dispatch(cli: Cli) -> Result<ExitCode> {
    match cli.command {
        Command::Serve { bind, log_format } => {
            logs::start(log_format);
            serve::run(Environment::of_process(cli.home, bind)?).await?;
        }
        Command::Migrate => {
            let environment = Environment::of_process(cli.home, None)?;
            environment.make_home()?;
            Db::open(environment.home()).await?.close().await;
            println!("{} is up to date", environment.home().join("drls.db").display());
        }
        Command::Openapi => println!("{}", openapi::document().to_pretty_json()?),
        Command::User(command) => {
            let environment = Environment::of_process(cli.home, None)?;
            if command.makes_home() {
                environment.make_home()?;
            } else {
                known_home(&environment)?;
            }
            let config = ConfigStore::open(environment)?.get();
            user::run(command, &config).await?;
        }
        Command::Demo { reset } => {
            let environment = Environment::of_process(cli.home, None)?;
            environment.make_home()?;
            let config = ConfigStore::open(environment)?.get();
            demo::run(&config, reset).await?;
            // Python's threads may still hold the interpreter: nothing is left to be done for them.
            std::process::exit(0);
        }
        Command::Plugin(plugin::Command::Author(command)) => {
            let installation = Installation::new(cli.home, Handle::current());
            // A build takes as long as it takes, and what the kit asks of the home waits for an answer.
            let run = tokio::task::spawn_blocking(move || drls_author::run(&command, Some(&installation)));
            return Ok(run.await?);
        }
        Command::Plugin(plugin::Command::Operator(command)) => {
            let environment = Environment::of_process(cli.home, None)?;
            plugin::run(&command, &known_home(&environment)?).await?;
        }
        Command::Doctor(arguments) => {
            return doctor::run(&arguments, Environment::of_process(cli.home, None)?).await;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The home, where a server was.
fn known_home(environment: &Environment) -> Result<PathBuf> {
    let home = environment.home();
    if !home.join("drls.db").is_file() {
        bail!("there is no DRLS home at {}; name it with --home or DRLS_HOME", home.display());
    }
    Ok(home.to_owned())
}

/// An address to listen on; a name, as `localhost`, stands for the first of its addresses, IPv4 first.
fn address(text: &str) -> Result<SocketAddr, String> {
    let mut found: Vec<_> = text.to_socket_addrs().map_err(|_| "say it as 127.0.0.1:3000 or [::1]:3000")?.collect();
    found.sort_by_key(SocketAddr::is_ipv6);
    found.first().copied().ok_or_else(|| format!("{text} has no address"))
}
