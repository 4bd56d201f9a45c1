//! The file that a command works on: named as such, or built from a folder first.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use sha2::{Digest as _, Sha256};

use crate::{build, files, toolchain::ToolchainArgs};

/// A plugin file in memory.
pub(crate) struct Artifact {
    /// Where it was read.
    pub(crate) file: PathBuf,
    /// All of it.
    pub(crate) bytes: Vec<u8>,
}

impl Artifact {
    /// Reads `target`, a file; builds it first where it is the folder of a plugin.
    pub(crate) fn open(target: &Path, toolchain: &ToolchainArgs) -> Result<Self> {
        if !target.exists() {
            bail!("{} is not there\n  fix: name the folder of a plugin, or a built file", target.display());
        }
        let file = if target.is_dir() { build::one(target, None, toolchain)?.file } else { target.to_owned() };
        Self::read(&file)
    }

    /// Reads a file.
    pub(crate) fn read(file: &Path) -> Result<Self> {
        Ok(Self { file: file.to_owned(), bytes: files::read(file)? })
    }

    /// SHA-256 in hexadecimal digits, the name of these bytes in the server's store and lists.
    pub(crate) fn digest(&self) -> String {
        Sha256::digest(&self.bytes).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
