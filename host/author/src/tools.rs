//! Toolchains of other languages than Rust: pinned by a lock file, brought once a machine, kept in the cache.

use std::{
    env,
    fs::{self, File},
    io::ErrorKind,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};

/// The folder of a toolchain, made by `make` where it is not there yet. `pins` are the texts that it is made from: others
/// make another folder, and going back to older ones costs nothing.
pub(crate) fn brought(name: &str, pins: &[&str], make: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let tools = cache()?.join("plugin-tools");
    fs::create_dir_all(&tools).with_context(|| format!("cannot make {}", tools.display()))?;
    let folder = tools.join(format!("{name}-{}", &digest(pins.iter().map(|pin| pin.as_bytes()))[..16]));
    let complete = folder.join(".complete");
    // One maker at a time; the lock goes with the process that holds it.
    let lock = File::create(tools.join(format!("{name}.lock"))).context("cannot lock the cache of toolchains")?;
    lock.lock().context("cannot lock the cache of toolchains")?;
    if !complete.exists() {
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
        }
        eprintln!("drls: bringing what builds plugins in {name}, once: {}", folder.display());
        fs::create_dir(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        make(&folder)?;
        fs::write(&complete, "").with_context(|| format!("cannot write {}", complete.display()))?;
    }
    Ok(folder)
}

/// The cache that the scripts of the repository use too.
fn cache() -> Result<PathBuf> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(cache) = set("DRLS_CACHE") {
        return Ok(cache);
    }
    let home = || env::home_dir().map(|home| home.join(".cache"));
    let cache = set("XDG_CACHE_HOME").or_else(home);
    Ok(cache.context("your home folder is unknown\n  fix: name a cache folder with DRLS_CACHE")?.join("drls"))
}

/// SHA-256 over several texts, hexadecimal; each is told from the next.
pub(crate) fn digest<'a>(texts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hash = Sha256::new();
    for text in texts {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Runs a command whose output is for people, and passes it on to standard error where it fails. `missing` is said where
/// the program is not there.
pub(crate) fn run(command: &mut Command, what: &str, missing: &str) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = match command.stdin(Stdio::null()).output() {
        Ok(output) => output,
        Err(e) if e.kind() == ErrorKind::NotFound => bail!("{program} was not found on the PATH, and {missing}"),
        Err(e) => return Err(e).with_context(|| format!("cannot run {program}")),
    };
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(said);
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    bail!("{what}:\n{}", [said.trim_end(), errors.trim_end()].join("\n").trim_matches('\n'))
}
