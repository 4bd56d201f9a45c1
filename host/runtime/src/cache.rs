//! Compiled code on disk, so that a start does not compile again.
//!
//! Native code is loaded from here without further checks by the engine, so a file counts only where this user owns it
//! and the folder, nobody else may write them, and the checksum in front of the code holds. Anything else is a miss.

use std::{
    fmt, fs,
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;
use wasmtime::{Engine, component::Component};

const MAGIC: &[u8; 8] = b"drlscw01";
const CHECKSUM: usize = 32;

/// A folder of compiled components.
#[derive(Debug)]
pub(crate) struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// Makes the folder where it is missing, for this user alone.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        private_folder(folder)?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// The code of `digest`, where a file of it can be trusted.
    pub(crate) fn load(&self, engine: &Engine, digest: &str) -> Option<Component> {
        let path = self.path(engine, digest);
        if let Err(error) = own_folder(&self.folder) {
            tracing::warn!("no compiled code in {} is used: {error}", self.folder.display());
            return None;
        }
        let file = match read_own(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => return lose(&path, &error),
        };
        let Some(code) = payload(&file) else { return lose(&path, &"it is damaged") };
        #[expect(unsafe_code, reason = "deserialising native code is the purpose of the cache")]
        // SAFETY: the bytes are what `Component::serialize` gave to `store`: this user alone can write the file and its
        // folder, the checksum holds, and the name has the engine's compatibility hash, which the engine checks again.
        let component = unsafe { Component::deserialize(engine, code) };
        component.map_or_else(|error| lose(&path, &format_args!("{error:#}")), Some)
    }

    /// Keeps code for the next start. A failure costs time and nothing else, so it is only logged.
    pub(crate) fn store(&self, engine: &Engine, digest: &str, component: &Component) {
        let path = self.path(engine, digest);
        let write = || {
            let code = component.serialize().map_err(io::Error::other)?;
            let mut file = NamedTempFile::new_in(&self.folder)?;
            file.write_all(MAGIC)?;
            file.write_all(&Sha256::digest(&code))?;
            file.write_all(&code)?;
            persist(file, &path)
        };
        if let Err(error) = write() {
            tracing::warn!("compiled code is not kept in {}: {error}", path.display());
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// What tells an engine's code from another's, in the names of the files.
    pub(crate) fn tag(engine: &Engine) -> String {
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    }

    fn path(&self, engine: &Engine, digest: &str) -> PathBuf {
        self.folder.join(format!("{digest}-{}.cwasm", Self::tag(engine)))
    }
}

/// Removes what is not used: left there it would keep its place from the code that is made again, at every start.
fn lose(path: &Path, why: &dyn fmt::Display) -> Option<Component> {
    tracing::warn!("compiled code {} is not used, and made again: {why}", path.display());
    // Unlinked and not written over: another process may have it mapped.
    let _ = fs::remove_file(path);
    None
}

fn payload(file: &[u8]) -> Option<&[u8]> {
    let rest = file.strip_prefix(MAGIC)?;
    let (checksum, code) = rest.split_at_checked(CHECKSUM)?;
    (*Sha256::digest(code) == *checksum).then_some(code)
}

/// Moves a temporary file to its name, on disk before the name is, and leaves a file that is there.
pub(crate) fn persist(file: NamedTempFile, path: &Path) -> io::Result<()> {
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error.error),
    }
}

#[cfg(unix)]
fn private_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
}

#[cfg(not(unix))]
fn private_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

/// What is this user's alone.
#[cfg(unix)]
fn own(what: &str, meta: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    if meta.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::Error::other(format!("the {what} belongs to another user")));
    }
    if meta.permissions().mode() & 0o022 != 0 {
        return Err(io::Error::other(format!("others may write the {what}")));
    }
    Ok(())
}

#[cfg(not(unix))]
fn own(_: &str, _: &fs::Metadata) -> io::Result<()> {
    Ok(())
}

fn own_folder(folder: &Path) -> io::Result<()> {
    own("folder", &fs::metadata(folder)?)
}

fn read_own(path: &Path) -> io::Result<Vec<u8>> {
    // Of the open file, so that what is checked is what is read.
    let mut file = fs::File::open(path)?;
    own("file", &file.metadata()?)?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}
