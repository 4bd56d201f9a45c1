//! `drls plugin sdk`: the SDK of a language as files, for editors, type checkers and unit tests. A build needs none of it.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::{files, javascript, python};

/// What `drls plugin sdk` is told.
#[derive(Debug, Args)]
pub struct SdkArgs {
    /// Folder to write it into
    dir: PathBuf,
    /// Language
    #[arg(long, value_enum)]
    lang: Language,
}

/// Languages whose SDK the kit carries along; that of Rust is a crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Language {
    /// The package drls_plugin: put DIR on PYTHONPATH
    Python,
    /// The package drls-plugin: `npm install DIR`, or name it in the paths of an editor
    #[value(name = "javascript")]
    JavaScript,
}

/// Runs the command: prints where the SDK is.
pub(crate) fn run(args: &SdkArgs) -> Result<()> {
    let sdk = match args.lang {
        Language::Python => python::SDK,
        Language::JavaScript => javascript::SDK,
    };
    for (place, text) in sdk {
        files::write_if_changed(&args.dir.join(place), text.as_bytes())?;
    }
    println!("written: {}", args.dir.display());
    Ok(())
}
