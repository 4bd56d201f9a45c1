//! The author kit: `drls plugin new|build|check|inspect|install|test`, as a library that the `drls` binary and the
//! example `drls-plugin` put behind their command lines. Works on files and the plugin runtime alone: never on the
//! server, its database or Python, so that a third party can use it in continuous integration.

mod artifact;
mod build;
mod cargo;
mod case;
mod check;
mod component;
mod files;
mod inspect;
mod install;
mod new;
mod source;
mod summary;
mod test;
mod toolchain;

use std::process::ExitCode;

use clap::Subcommand;

pub use crate::{
    build::BuildArgs, check::CheckArgs, inspect::InspectArgs, install::InstallArgs, new::NewArgs, test::TestArgs,
};

/// What an author of plugins types after `drls plugin`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make the folder of a new plugin that builds and tests green at once
    New(NewArgs),
    /// Compile a plugin and pack it into one file
    Build(BuildArgs),
    /// Load a plugin as a server would, and tell every problem with its fix
    Check(CheckArgs),
    /// Tell what a plugin file holds
    Inspect(InspectArgs),
    /// Check a plugin and put it where a server takes it over
    Install(InstallArgs),
    /// Run a plugin's self-tests and cases in the real runtime
    Test(TestArgs),
}

/// Runs a command. Results go to standard output; errors, with their fix, and what cargo says go to standard error.
///
/// Exit status: 0 done, 1 it failed or found a problem. Takes as long as a build takes: call it from a thread that may
/// block, outside an async runtime's workers.
pub fn run(command: &Command) -> ExitCode {
    let result = match command {
        Command::New(args) => new::run(args).map(|()| true),
        Command::Build(args) => build::run(args).map(|()| true),
        Command::Check(args) => check::run(args),
        Command::Inspect(args) => inspect::run(args).map(|()| true),
        Command::Install(args) => install::run(args),
        Command::Test(args) => test::run(args),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
