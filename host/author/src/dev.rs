//! `drls plugin dev`: builds at every save, installs, and has the running server followed.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::Result;
use clap::Args;

use crate::{
    artifact::Artifact,
    build::{self, Built},
    install::{self, Placed},
    installation::Installation,
    saves::Saves,
    source::{Code, Source},
    toolchain::{self, ToolchainArgs},
};

/// What `drls plugin dev` is told.
#[derive(Debug, Args)]
pub struct DevArgs {
    /// Folder of the plugin
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Home of the server [default: ~/.drls]
    #[arg(long, value_name = "DIR", env = "DRLS_HOME", hide_env_values = true)]
    home: Option<PathBuf>,
    #[command(flatten)]
    toolchain: ToolchainArgs,
}

/// Runs the command until a signal ends it.
pub(crate) fn run(args: &DevArgs, installation: Option<&dyn Installation>) -> Result<()> {
    let home = install::home(args.home.as_deref())?;
    let source = Source::open(&args.dir)?;
    let toolchain = match source.code {
        Code::Rust(_) => toolchain::found(&args.toolchain)?,
        Code::Guest(_) => args.toolchain.clone(),
    };
    let follow = |id: &str| installation.iter().for_each(|installation| installation.follow(id));
    let mut saves = Saves::of(&args.dir)?;
    let mut followed = source.id().to_owned();
    follow(&followed);
    while saves.next()? {
        let started = Instant::now();
        let built = build::one(&args.dir, None, &toolchain);
        let took = started.elapsed().as_secs_f64();
        let told = built.and_then(|built| {
            if followed != built.id {
                follow(&built.id);
                followed.clone_from(&built.id);
            }
            Ok((line(&built, took), install(&built, &home)?))
        });
        match told {
            Ok((line, Placed::Installed(words))) => println!("{line}; {words}"),
            Ok((line, Placed::Refused(words))) => println!("{line}; {words}\nwaiting for the next save"),
            // Ctrl-C ends the compiler as well, which is no mistake in the plugin.
            Err(_) if !saves.settle() => break,
            Err(error) => eprintln!("error: {error:#}\nwaiting for the next save, after {took:.1} s"),
        }
    }
    println!("ended");
    Ok(())
}

fn line(built: &Built, took: f64) -> String {
    let Built { id, version, .. } = built;
    let state = if built.written { "built" } else { "built the same" };
    format!("{state}: {id} {version} in {took:.2} s")
}

/// Installs what was built; a version that does not rise is no matter between two saves.
fn install(built: &Built, home: &Path) -> Result<Placed> {
    let artifact = Artifact::read(&built.file)?;
    install::place(&artifact, home, false)
}
