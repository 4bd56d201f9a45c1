//! `drls plugin keys` and `drls plugin sign`: who answers for a plugin.

use std::{
    env, fs,
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, anyhow, bail};
use clap::{Args, Subcommand};
use drls_runtime::{Manifest, PrivateKey, manifest::is_kebab, sign};

use crate::files;

/// Where keys are kept.
#[derive(Debug, Args)]
pub struct KeyFolder {
    /// Folder of the private keys [default: ~/.config/drls/keys]
    #[arg(long, value_name = "DIR", env = "DRLS_KEYS", hide_env_values = true)]
    keys: Option<PathBuf>,
}

/// What `drls plugin keys` is told.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct KeysArgs {
    #[command(subcommand)]
    command: Option<KeysCommand>,
    #[command(flatten)]
    folder: KeyFolder,
}

/// What is done with keys.
#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// Make a key pair; the private key stays on this machine
    New {
        /// Name of the key, kebab-case
        name: String,
        #[command(flatten)]
        folder: KeyFolder,
    },
}

/// What `drls plugin sign` is told.
#[derive(Debug, Args)]
pub struct SignArgs {
    /// The file of a plugin
    file: PathBuf,
    /// Name of the key [default: the only one there is]
    #[arg(long, value_name = "NAME")]
    key: Option<String>,
    #[command(flatten)]
    folder: KeyFolder,
}

/// Lists the keys, or makes one.
pub(crate) fn run(args: &KeysArgs) -> Result<()> {
    match &args.command {
        Some(KeysCommand::New { name, folder }) => make(name, &folder.path()?),
        None => {
            let folder = args.folder.path()?;
            let names = names(&folder)?;
            if names.is_empty() {
                println!("no keys in {}; `drls plugin keys new NAME` makes one", folder.display());
            }
            for name in names {
                println!("{name} {}", read(&folder, &name)?.public());
            }
            Ok(())
        }
    }
}

/// Signs a file in its place.
pub(crate) fn run_sign(args: &SignArgs) -> Result<()> {
    let folder = args.folder.path()?;
    let name = match &args.key {
        Some(name) => name.clone(),
        None => only(&folder)?,
    };
    let key = read(&folder, &name)?;
    let bytes = files::read(&args.file)?;
    let refused = |refusal| anyhow!("{}: {refusal}", args.file.display());
    let manifest = Manifest::read(&bytes).map_err(refused)?;
    let Manifest { id, version, .. } =
        manifest.context("it has no manifest; `drls plugin build` makes a plugin of it")?;
    files::write_if_changed(&args.file, &sign(&bytes, &key).map_err(refused)?)?;
    println!("signed: {id} {version} with {name} {}, {}", key.public(), args.file.display());
    Ok(())
}

impl KeyFolder {
    fn path(&self) -> Result<PathBuf> {
        if let Some(folder) = &self.keys {
            return Ok(folder.clone());
        }
        let home =
            env::home_dir().context("your home folder is unknown\n  fix: name one with --keys DIR or DRLS_KEYS")?;
        Ok(home.join(".config/drls/keys"))
    }
}

fn make(name: &str, folder: &Path) -> Result<()> {
    if !is_kebab(name) {
        bail!("{name:?} is no name for a key: lower-case letters, digits and single hyphens, a letter first");
    }
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).context("the system gives no random numbers")?;
    let key = PrivateKey::new(&seed);
    // Readable by nobody else from its first moment on.
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("cannot make {}", folder.display()))?;
    let place = place(folder, name);
    let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&place);
    let mut file = file.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => anyhow!("there is a key {name} already: {}", place.display()),
        _ => anyhow!("cannot write {}: {error}", place.display()),
    })?;
    file.write_all(key.to_pem()?.as_bytes()).with_context(|| format!("cannot write {}", place.display()))?;
    println!("{name} {}", key.public());
    eprintln!(
        "drls: the private key is {}; keep a copy where nobody else reads it\n\
         drls: operators trust the line above: \"plugin_trust\": {{\"signers\": {{\"{name}\": \"{}\"}}}}",
        place.display(),
        key.public()
    );
    Ok(())
}

fn place(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.pem"))
}

fn read(folder: &Path, name: &str) -> Result<PrivateKey> {
    let place = place(folder, name);
    if !place.is_file() {
        bail!("there is no key {name} in {}\n  fix: `drls plugin keys new {name}` makes it", folder.display());
    }
    PrivateKey::from_pem(&files::read_text(&place)?).with_context(|| format!("cannot read {}", place.display()))
}

fn names(folder: &Path) -> Result<Vec<String>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let entries = folder.read_dir().with_context(|| format!("cannot read {}", folder.display()))?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_suffix(".pem").map(str::to_owned));
    let mut names: Vec<_> = names.collect();
    names.sort();
    Ok(names)
}

fn only(folder: &Path) -> Result<String> {
    let mut names = names(folder)?;
    match names.len() {
        1 => Ok(names.remove(0)),
        0 => bail!("there are no keys in {}\n  fix: `drls plugin keys new NAME` makes one", folder.display()),
        _ => bail!("there are several keys: {}\n  fix: name one with --key NAME", names.join(", ")),
    }
}
