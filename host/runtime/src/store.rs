//! The plugins folder and the content-addressed store. A file is read once, copied to the store under the SHA-256 of
//! what was read, and from then on only the copy counts.

use std::{
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::SystemTime,
};

use crate::{cache::persist, limits::Limits, load::digest, refusal::Refusal};

/// Extension of plugin files.
const EXTENSION: &str = "wasm";

/// What tells one state of a file from another without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    size: u64,
    modified: SystemTime,
    inode: Inode,
}

/// Number of the inode, and when it was last changed, seconds and nanoseconds: a time that nobody can set, as a copy sets that
/// of the content to the original's.
type Inode = (u64, i64, i64);

/// A file's content.
pub(crate) struct Staged {
    pub(crate) bytes: Vec<u8>,
    pub(crate) digest: String,
}

/// Two folders: the one that people put plugins into, and the store.
#[derive(Debug)]
pub(crate) struct Files {
    /// Canonical.
    pub(crate) plugins: PathBuf,
    store: PathBuf,
}

impl Files {
    /// Makes both folders where they are missing.
    pub(crate) fn open(plugins: &Path, store: &Path) -> io::Result<Self> {
        fs::create_dir_all(plugins)?;
        fs::create_dir_all(store)?;
        Ok(Self { plugins: plugins.canonicalize()?, store: store.to_owned() })
    }

    /// Names of the plugin files that are there.
    pub(crate) fn list(&self) -> io::Result<Vec<String>> {
        let names = fs::read_dir(&self.plugins)?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        Ok(names.filter(|name| is_plugin(name)).collect())
    }

    /// State of a file; `None` where it is gone. Follows a link, so that a change of its target is a change.
    pub(crate) fn stamp(&self, name: &str) -> Option<Stamp> {
        let path = self.plugins.join(name);
        // A link that leads nowhere is still there, and refused when it is read.
        let meta = fs::metadata(&path).or_else(|_| fs::symlink_metadata(&path)).ok()?;
        Some(stamp_of(&meta))
    }

    /// Where the copies are.
    pub(crate) fn store(&self) -> &Path {
        &self.store
    }

    /// Reads a file and keeps a copy.
    pub(crate) fn stage(&self, name: &str, limits: &Limits) -> Result<Staged, Refusal> {
        let bytes = self.read(name, limits)?;
        let digest = digest(&bytes);
        let copy = self.store.join(format!("{digest}.{EXTENSION}"));
        if !copy.exists() {
            let keep = || {
                let mut file = tempfile::NamedTempFile::new_in(&self.store)?;
                file.write_all(&bytes)?;
                persist(file, &copy)
            };
            keep().map_err(|e| Refusal::Io(format!("copying {name} to the store failed: {e}")))?;
        }
        Ok(Staged { bytes, digest })
    }

    /// The store's copy of a digest.
    pub(crate) fn copy(&self, digest: &str) -> Result<Staged, Refusal> {
        let failed = |e: io::Error| Refusal::Io(format!("reading {digest} from the store failed: {e}"));
        match kept(&self.store, digest).map_err(failed)? {
            Some(bytes) => Ok(Staged { bytes, digest: digest.to_owned() }),
            None => Err(Refusal::Io(format!("the copy of {digest} in the store is damaged or gone"))),
        }
    }

    fn read(&self, name: &str, limits: &Limits) -> Result<Vec<u8>, Refusal> {
        let failed = |e: io::Error| Refusal::Io(format!("reading {name} failed: {e}"));
        let path = self.plugins.join(name);
        let target = match path.canonicalize() {
            Ok(target) => target,
            Err(_) if path.is_symlink() => {
                return Err(Refusal::NotAFile(format!("{name} is a symbolic link that leads nowhere")));
            }
            Err(error) => return Err(failed(error)),
        };
        // Of now: a link may have come into the folder's place.
        if !target.starts_with(self.plugins.canonicalize().map_err(failed)?) {
            return Err(Refusal::NotAFile(format!("{name} is a symbolic link out of the plugins folder")));
        }
        if !fs::metadata(&target).map_err(failed)?.is_file() {
            return Err(Refusal::NotAFile(format!("{name} is not a regular file")));
        }
        let file = fs::File::open(&target).map_err(failed)?;
        let before = file.metadata().map_err(failed)?;
        let size = before.len();
        if size > limits.file {
            return Err(Refusal::TooBig { size, most: limits.file });
        }
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
        (&file).take(limits.file + 1).read_to_end(&mut bytes).map_err(failed)?;
        // Two builds that are much alike make a whole file in the middle of a write of one over the other.
        if stamp_of(&file.metadata().map_err(failed)?) != stamp_of(&before) {
            return Err(Refusal::Truncated);
        }
        Ok(bytes)
    }
}

/// The content of a digest's copy in the store; none where it is gone or damaged. A damaged one is removed: the same file put
/// into the plugins folder again is then copied again.
pub(crate) fn kept(store: &Path, digest_of: &str) -> io::Result<Option<Vec<u8>>> {
    let copy = store.join(format!("{digest_of}.{EXTENSION}"));
    match fs::read(&copy) {
        Ok(bytes) if digest(&bytes) == digest_of => Ok(Some(bytes)),
        Ok(_) => fs::remove_file(&copy).map(|()| None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn stamp_of(meta: &fs::Metadata) -> Stamp {
    Stamp { size: meta.len(), modified: meta.modified().unwrap_or(SystemTime::UNIX_EPOCH), inode: inode(meta) }
}

/// True for a name that may be a plugin; temporary names, as of a copy on its way, start with a dot or end otherwise.
pub(crate) fn is_plugin(name: &str) -> bool {
    !name.starts_with('.') && Path::new(name).extension().is_some_and(|e| e == EXTENSION)
}

#[cfg(unix)]
fn inode(meta: &fs::Metadata) -> Inode {
    use std::os::unix::fs::MetadataExt;
    (meta.ino(), meta.ctime(), meta.ctime_nsec())
}

#[cfg(not(unix))]
fn inode(_: &fs::Metadata) -> Inode {
    (0, 0, 0)
}

/// The id that a plugin file's name stands for.
pub(crate) fn stem(name: &str) -> &str {
    name.strip_suffix(".wasm").unwrap_or(name)
}
