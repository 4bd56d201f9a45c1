//! The author kit: `drls plugin new|build|check|inspect|install|test|bench|dev|facts`, as a library that the `drls` binary and
//! the example `drls-plugin` put behind their command lines. Works on files and the plugin runtime alone: never on the
//! server, its database or Python, so that a third party can use it in continuous integration. What needs those asks the
//! [`Installation`] that its program lends it.

mod artifact;
mod bench;
mod build;
mod canned;
mod cargo;
mod case;
mod check;
mod component;
mod contract;
mod dev;
mod facts;
mod files;
mod guest;
mod inspect;
mod install;
mod installation;
mod javascript;
mod keys;
mod new;
mod python;
mod real_table;
mod saves;
mod sdk;
mod source;
mod summary;
mod test;
mod toolchain;
mod tools;

use std::process::ExitCode;

use clap::Subcommand;

pub use crate::{
    bench::BenchArgs,
    build::BuildArgs,
    check::CheckArgs,
    dev::DevArgs,
    facts::FactsArgs,
    inspect::InspectArgs,
    install::InstallArgs,
    installation::{Installation, RealTable},
    keys::{KeyFolder, KeysArgs, SignArgs},
    new::NewArgs,
    sdk::SdkArgs,
    test::TestArgs,
};

/// What an author of plugins types after `drls plugin`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make the folder of a new plugin that builds and tests green at once
    ///
    /// The folder holds a manifest, code on the SDK alone, a self-test that a server runs before the plugin
    /// may serve, and test cases. Start there and change it step by step:
    ///
    ///   drls plugin new --kind health-rule my-rule
    ///   drls plugin test my-rule
    ///   drls plugin install my-rule
    #[command(verbatim_doc_comment)]
    New(NewArgs),
    /// Compile a plugin and pack it into one file
    ///
    /// The folder holds plugin.toml and a crate, plugin.py or plugin.js. cargo compiles a crate for WebAssembly
    /// in release mode (its workspace and CARGO_TARGET_DIR are honoured); componentize-py and componentize-js
    /// make components of Python and JavaScript, and are brought once. Manifest and self-tests go inside, and
    /// the file is written in one step. A file that would not change is left alone.
    #[command(verbatim_doc_comment)]
    Build(BuildArgs),
    /// Load a plugin as a server would, and tell every problem with its fix
    ///
    /// Validates the binary, compares imports and exports with the contract, compiles and links it, asks it
    /// to describe itself, validates its schema and default configuration, holds the limits that it asks for
    /// against the ceilings, and runs its self-tests. Exit status 1 where there is a problem.
    #[command(verbatim_doc_comment)]
    Check(CheckArgs),
    /// Tell what a plugin file holds
    ///
    /// Manifest, kinds, contract, imports and exports, facts that it needs, size, digest, and what the plugin
    /// says of itself: for that it is called once, under the real limits. Where a server would refuse the
    /// file, the reason stands in its place.
    #[command(verbatim_doc_comment)]
    Inspect(InspectArgs),
    /// Check a plugin and put it where a server takes it over
    ///
    /// The file appears whole in the plugins folder of the home, by one rename; a running server takes it over
    /// without a restart, and keeps the old one where it refuses the new. A lower version than the installed
    /// one is refused.
    #[command(verbatim_doc_comment)]
    Install(InstallArgs),
    /// Run a plugin's self-tests and cases in the real runtime
    ///
    /// A case is a JSON file in the folder `tests` of the plugin:
    ///
    ///   {
    ///     "description": "why this case is here",
    ///     "facts_file": "../selftest/many.json",   or "facts": {...}, the facts of a table
    ///     "config": {"most": 2},                   values over `[config]` of plugin.toml
    ///     "arguments": {"versions": 20},           of a table operation
    ///     "throughput": 50000000,                  bytes per second, of a table operation
    ///     "http": {"GET https://a.example/": {"status": 200, "body": "..."}},   in place of the network
    ///     "expect": {"findings": [...]}            or {"plan": {...}} or {"error": {"invalid": [...]}}
    ///   }
    ///
    /// The answer must be exactly what the case expects; --update records it instead. Exit status 1
    /// where one fails. `drls plugin facts` records the facts of a real table for `facts_file`.
    #[command(verbatim_doc_comment)]
    Test(TestArgs),
    /// Measure what a plugin costs, beside what it may cost
    ///
    /// Calls the cases of `drls plugin test` again and again in the real runtime: time of an instance, of a
    /// whole call in a fresh store at p50 and p99, memory at most, and the limits that hold for them.
    #[command(verbatim_doc_comment)]
    Bench(BenchArgs),
    /// Build a plugin at every save, install it, and follow what a running server makes of it
    ///
    /// Tells each build with its time, what the compiler says, what serves, why a build is refused, and the
    /// lines that the plugin logs. A build needs no new version: every other file is taken. Ctrl-C ends it.
    #[command(verbatim_doc_comment)]
    Dev(DevArgs),
    /// Record the facts of a real table, for tests
    ///
    /// What a server would give a plugin that reads everything, or, by --needs, one plugin. Keep it beside
    /// your cases and name it there as facts_file, or in plugin.toml as the facts of a self-test:
    ///
    ///   drls plugin facts flights.flights --needs dist/my-rule.wasm -o selftest/flights.json
    ///
    /// Reads the table as a server does, beside one that runs or without one.
    #[command(verbatim_doc_comment)]
    Facts(FactsArgs),
    /// Sign a plugin's file, so that operators who trust the key let it in
    ///
    /// The signature stands at the end of the file, over every byte before it: build, then sign, then install.
    #[command(verbatim_doc_comment)]
    Sign(SignArgs),
    /// Tell the keys of this machine with their public keys, or make one
    Keys(KeysArgs),
    /// Write the SDK of Python or JavaScript into a folder, for an editor and for unit tests
    Sdk(SdkArgs),
}

/// Runs a command, with what the program lends it. Results go to standard output; errors, with their fix, and what cargo says go to standard error.
///
/// Exit status: 0 done, 1 it failed or found a problem. Takes as long as a build takes: call it from a thread that may
/// block, outside an async runtime's workers.
pub fn run(command: &Command, installation: Option<&dyn Installation>) -> ExitCode {
    let result = match command {
        Command::New(args) => new::run(args).map(|()| true),
        Command::Build(args) => build::run(args).map(|()| true),
        Command::Check(args) => check::run(args),
        Command::Inspect(args) => inspect::run(args).map(|()| true),
        Command::Install(args) => install::run(args),
        Command::Test(args) => test::run(args, installation),
        Command::Dev(args) => dev::run(args, installation).map(|()| true),
        Command::Facts(args) => facts::run(args, installation).map(|()| true),
        Command::Sign(args) => keys::run_sign(args).map(|()| true),
        Command::Keys(args) => keys::run(args).map(|()| true),
        Command::Sdk(args) => sdk::run(args).map(|()| true),
        Command::Bench(args) => bench::run(args).map(|()| true),
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

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use clap::{CommandFactory as _, Parser};

    use super::*;

    /// A program like `drls`, whose `--home` is for every command.
    #[derive(Debug, Parser)]
    struct Program {
        #[arg(long, global = true)]
        home: Option<PathBuf>,
        #[command(subcommand)]
        command: Command,
    }

    #[test]
    fn a_home_named_before_the_command_is_the_home_to_install_to() {
        Program::command().debug_assert();
        for words in [["drls", "--home", "there", "install", "a"], ["drls", "install", "a", "--home", "there"]] {
            let program = Program::try_parse_from(words).unwrap();
            let told = format!("{:?}", program.command);
            assert!(told.contains("home: Some(\"there\")"), "{told}");
        }
    }
}
