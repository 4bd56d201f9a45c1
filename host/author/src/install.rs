//! `drls plugin install`: puts a checked plugin where a server takes it over.

use std::{
    env, fmt,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use drls_runtime::{Limits, Manifest};

use crate::{artifact::Artifact, check, files, toolchain::ToolchainArgs};

/// What `drls plugin install` is told.
#[derive(Debug, Args)]
pub struct InstallArgs {
    /// The file of a plugin, or the folder of one, which is built first
    target: PathBuf,
    /// Home of the server [default: ~/.drls]
    #[arg(long, value_name = "DIR", env = "DRLS_HOME", hide_env_values = true)]
    home: Option<PathBuf>,
    /// Install a lower version than the one that is there
    #[arg(long)]
    allow_downgrade: bool,
    #[command(flatten)]
    toolchain: ToolchainArgs,
}

/// Runs the command. False where the plugin has problems, which are printed.
pub(crate) fn run(args: &InstallArgs) -> Result<bool> {
    let artifact = Artifact::open(&args.target, &args.toolchain)?;
    let placed = place(&artifact, &home(args.home.as_deref())?, args.allow_downgrade)?;
    println!("{placed}");
    Ok(matches!(placed, Placed::Installed(_)))
}

/// What came of an install, in words.
pub(crate) enum Placed {
    /// The file is where a server takes it over.
    Installed(String),
    /// The plugin has problems, and nothing was changed.
    Refused(String),
}

impl fmt::Display for Placed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Installed(words) | Self::Refused(words) => f.write_str(words),
        }
    }
}

/// Checks a plugin and puts it into the plugins folder of `home`.
pub(crate) fn place(artifact: &Artifact, home: &Path, allow_downgrade: bool) -> Result<Placed> {
    let found = check::examine(&artifact.bytes, &Limits::default())?;
    if !found.problems.is_empty() {
        let words = format!("not installed: {}\n{}", artifact.file.display(), check::verdict(&found));
        return Ok(Placed::Refused(words));
    }
    let manifest = found.inspection.and_then(|inspection| inspection.manifest).context("the plugin has no manifest")?;
    let Manifest { id, version, .. } = &manifest;
    let place = home.join("plugins").join(format!("{id}.wasm"));
    let before = Installed::at(&place);
    if let Installed::Version(old) = &before
        && old > version
        && !allow_downgrade
    {
        bail!(
            "{id} {old} is installed, which is newer than {version}\n  \
             fix: raise the version in plugin.toml, or say --allow-downgrade"
        );
    }
    let at = place.display();
    Ok(Placed::Installed(if files::write_if_changed(&place, &artifact.bytes)? {
        format!("installed: {id} {version}{}, {at}", before.replaced(version))
    } else {
        format!("installed already: {id} {version}, {at}")
    }))
}

/// What the plugins folder holds under the same id.
enum Installed {
    Nothing,
    /// A file that is no plugin, or none that this release reads.
    Unreadable,
    Version(semver::Version),
}

impl Installed {
    fn at(place: &Path) -> Self {
        match std::fs::read(place) {
            Err(_) => Self::Nothing,
            Ok(bytes) => match Manifest::read(&bytes) {
                Ok(Some(manifest)) => Self::Version(manifest.version),
                Ok(None) | Err(_) => Self::Unreadable,
            },
        }
    }

    fn replaced(&self, new: &semver::Version) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Unreadable => " in place of a file that could not be read".to_owned(),
            Self::Version(old) if old == new => " in place of another build of the same version".to_owned(),
            Self::Version(old) => format!(" in place of {old}"),
        }
    }
}

/// The home that is named, else the one in the user's own folder.
pub(crate) fn home(named: Option<&Path>) -> Result<PathBuf> {
    match named {
        Some(home) => Ok(home.to_owned()),
        None => Ok(env::home_dir()
            .context("your home folder is unknown\n  fix: name the server's home with --home DIR or DRLS_HOME")?
            .join(".drls")),
    }
}
