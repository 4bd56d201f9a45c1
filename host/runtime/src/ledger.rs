//! What was decided about each plugin, and which of its versions are kept: one JSON file a plugin, `<folder>/<id>.json`.
//!
//! The runtime, the server's routes and the command line all write it, under the folder's lock and by one rename. The
//! runtime watches the folder, so that a decision holds at once, whoever took it and whether or not a server runs.

mod change;
mod entry;

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

pub use self::{
    change::{Change, DecisionError, Did, Named},
    entry::{Decision, Entry, Grant, KEPT, Kept, Quarantine},
};

/// Entries by id.
type Entries = Vec<(String, Entry)>;

/// Extension of the files.
const EXTENSION: &str = "json";

/// The folder of the entries, with the plugins and the store that they are about.
#[derive(Debug, Clone)]
pub struct Ledger {
    folder: PathBuf,
    plugins: PathBuf,
    store: PathBuf,
}

impl Ledger {
    /// Names the folder, which is made by the first that is written.
    pub fn new(folder: &Path, plugins: &Path, store: &Path) -> Self {
        Self { folder: folder.to_owned(), plugins: plugins.to_owned(), store: store.to_owned() }
    }

    /// What is known of a plugin; an empty entry where nothing is.
    ///
    /// # Errors
    /// The file can't be read, or is no entry: the words name it.
    pub fn read(&self, id: &str) -> io::Result<Entry> {
        read(&self.file(id)?)
    }

    /// Every entry, by id, and the ids of those that can't be read.
    pub(crate) fn all(&self) -> io::Result<(Entries, Vec<String>)> {
        let (mut entries, mut broken) = (Vec::new(), Vec::new());
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let Some(id) = id_of(&path) else { continue };
            match read(&path) {
                Ok(entry) => entries.push((id, entry)),
                Err(_) => broken.push(id),
            }
        }
        Ok((entries, broken))
    }

    /// Forgets a plugin.
    pub(crate) fn remove(&self, id: &str) -> io::Result<()> {
        fs::remove_file(self.file(id)?)
    }

    /// When an entry was last written.
    pub(crate) fn written(&self, id: &str) -> io::Result<std::time::SystemTime> {
        fs::metadata(self.file(id)?)?.modified()
    }

    /// Changes an entry, and writes it where that changed it. Nobody else changes it meanwhile.
    pub(crate) fn update<R>(&self, id: &str, change: impl FnOnce(&mut Entry) -> R) -> io::Result<(Entry, R)> {
        let file = self.file(id)?;
        fs::create_dir_all(&self.folder)?;
        let path = self.folder.join(".lock");
        let new = !path.exists();
        let lock = File::options().create(true).append(true).open(&path)?;
        if new {
            as_the_folder(&path, &self.folder)?;
        }
        // Until the file is closed.
        lock.lock()?;
        let before = read(&file)?;
        let mut entry = before.clone();
        let answer = change(&mut entry);
        if entry != before {
            replace(&file, &serde_json::to_vec_pretty(&entry)?)?;
        }
        Ok((entry, answer))
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// An id from outside may be no path.
    fn file(&self, id: &str) -> io::Result<PathBuf> {
        if id.is_empty() || id.starts_with('.') || id.contains(['/', '\\', '\0']) {
            return Err(io::Error::new(ErrorKind::InvalidInput, format!("{id:?} is no id of a plugin")));
        }
        Ok(self.folder.join(format!("{id}.{EXTENSION}")))
    }
}

/// The id that a file of the folder stands for.
pub(crate) fn id_of(file: &Path) -> Option<String> {
    let name = file.file_name()?.to_str()?;
    let id = name.strip_suffix(".json")?;
    (!id.is_empty() && !id.starts_with('.')).then(|| id.to_owned())
}

fn read(file: &Path) -> io::Result<Entry> {
    let name = || file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    match fs::read(file) {
        Ok(text) => serde_json::from_slice(&text)
            .map_err(|error| io::Error::new(ErrorKind::InvalidData, format!("ledger/{}: {error}", name()))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Entry::default()),
        Err(error) => Err(io::Error::new(error.kind(), format!("ledger/{}: {error}", name()))),
    }
}

/// Puts `content` in the place of a file by one rename.
fn replace(file: &Path, content: &[u8]) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    let mut beside = NamedTempFile::new_in(folder)?;
    beside.write_all(content)?;
    beside.as_file().sync_all()?;
    as_the_folder(beside.path(), folder)?;
    beside.persist(file)?;
    sync(folder)
}

/// Gives a file to whom its folder belongs, readable as other files: what root decides at a command line is read and written
/// on by the server's user.
#[cfg(unix)]
pub(crate) fn as_the_folder(file: &Path, folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
    fs::set_permissions(file, fs::Permissions::from_mode(0o644))?;
    let (theirs, ours) = (fs::metadata(folder)?, fs::metadata(file)?);
    if (theirs.uid(), theirs.gid()) != (ours.uid(), ours.gid()) {
        // Only root can, and only root has to.
        let _ = chown(file, Some(theirs.uid()), Some(theirs.gid()));
    }
    Ok(())
}

#[cfg(not(unix))]
pub(crate) fn as_the_folder(_: &Path, _: &Path) -> io::Result<()> {
    Ok(())
}

/// A rename is on disk once its folder is.
#[cfg(unix)]
fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync(_: &Path) -> io::Result<()> {
    Ok(())
}
