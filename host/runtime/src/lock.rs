//! `plugins.lock` in the plugins folder: where it is, no other files than those that it names serve. It goes with the
//! folder, so that two installations run the same plugins to the byte.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, ErrorKind, Write as _},
    path::Path,
};

use semver::Version;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use crate::{error::Identity, load::digest, manifest::Manifest, refusal::Refusal};

/// Name of the file.
pub const LOCK_FILE: &str = "plugins.lock";
/// Layout of the file; another number is another layout.
const FORMAT: u32 = 1;

/// The plugins that may serve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    format: u32,
    /// By id.
    pub plugins: BTreeMap<String, Locked>,
}

/// The one file of an id that may serve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Locked {
    /// Version, for people.
    pub version: Version,
    /// SHA-256 of the file.
    pub sha256: String,
}

impl Default for Lock {
    fn default() -> Self {
        Self { format: FORMAT, plugins: BTreeMap::new() }
    }
}

impl Lock {
    /// Reads the lock of a plugins folder; none where it has none.
    ///
    /// # Errors
    /// It can't be read, or is none that this release knows.
    pub fn read(plugins: &Path) -> io::Result<Option<Self>> {
        let text = match fs::read(plugins.join(LOCK_FILE)) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let invalid = |text: String| io::Error::new(ErrorKind::InvalidData, text);
        let lock: Self = serde_json::from_slice(&text).map_err(|error| invalid(error.to_string()))?;
        if lock.format == FORMAT {
            Ok(Some(lock))
        } else {
            Err(invalid(format!("format {} is not one that this release reads ({FORMAT})", lock.format)))
        }
    }

    /// Writes it by one rename.
    ///
    /// # Errors
    /// The disk does not take it.
    pub fn write(&self, plugins: &Path) -> io::Result<()> {
        let mut beside = NamedTempFile::new_in(plugins)?;
        beside.write_all(&serde_json::to_vec_pretty(self)?)?;
        beside.write_all(b"\n")?;
        crate::ledger::as_the_folder(beside.path(), plugins)?;
        beside.as_file().sync_all()?;
        beside.persist(plugins.join(LOCK_FILE))?;
        Ok(())
    }

    /// Names a file in place of another of its id; gives the id.
    ///
    /// # Errors
    /// It is no plugin.
    pub fn name(&mut self, bytes: &[u8]) -> Result<String, Refusal> {
        let Manifest { id, version, .. } = Manifest::read(bytes)?.ok_or(Refusal::NoManifest)?;
        self.plugins.insert(id.clone(), Locked { version, sha256: digest(bytes) });
        Ok(id)
    }

    /// Whether the lock of a folder lets a file in.
    pub(crate) fn admits(plugins: &Path, identity: &Identity) -> Result<(), Refusal> {
        let lock = Self::read(plugins).map_err(|error| Refusal::Lock(format!("can't be read: {error}")))?;
        let Some(lock) = lock else { return Ok(()) };
        match lock.plugins.get(&identity.id) {
            Some(locked) if locked.sha256 == identity.digest => Ok(()),
            Some(locked) => {
                let other = locked.sha256.get(..12).unwrap_or(&locked.sha256);
                Err(Refusal::Lock(format!("names {} ({other}) in its place", locked.version)))
            }
            None => Err(Refusal::Lock("does not name it".to_owned())),
        }
    }
}
