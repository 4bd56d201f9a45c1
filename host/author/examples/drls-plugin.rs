//! The author kit alone, for continuous integration that has neither Python nor the server:
//! `cargo run --release -p drls-author --example drls-plugin -- check my-rule`.

use std::process::ExitCode;

use clap::Parser;

/// Make, build, check, test and install DRLS plugins
#[derive(Debug, Parser)]
#[command(name = "drls-plugin", version)]
struct Cli {
    #[command(subcommand)]
    command: drls_author::Command,
}

fn main() -> ExitCode {
    drls_author::run(&Cli::parse().command, None)
}
