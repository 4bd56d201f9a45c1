//! The sources of a plugin, watched: tells when what is in them has changed and stands still.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    time::Duration,
};

use anyhow::{Context as _, Result};
use notify::{
    EventKind, RecommendedWatcher, RecursiveMode, Watcher as _,
    event::{AccessKind, AccessMode},
};
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    iterator::Signals,
};

use crate::tools;

/// How long nothing may happen before a save counts as done: an editor writes, renames and sets rights.
const QUIET: Duration = Duration::from_millis(50);

/// Folders that hold nothing that is built from.
const NO_SOURCE: [&str; 6] = ["dist", "target", "tests", "node_modules", "__pycache__", "venv"];

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum News {
    /// Something about a file or folder.
    Changed,
    /// Somebody ends the program.
    End,
}

/// A folder of sources that is watched.
pub(crate) struct Saves {
    folder: PathBuf,
    sender: Sender<News>,
    news: Receiver<News>,
    /// Digest of what was there at the last turn.
    seen: Option<String>,
    /// Of the folders that were there at the last turn.
    watcher: Option<RecommendedWatcher>,
}

impl Saves {
    /// Watches `folder`; from now on SIGINT and SIGTERM end [`Saves::next`] and not the program.
    pub(crate) fn of(folder: &Path) -> Result<Self> {
        let (sender, news) = channel();
        let mut signals = Signals::new([SIGINT, SIGTERM]).context("signals can't be listened to")?;
        let end = sender.clone();
        std::thread::spawn(move || signals.forever().all(|_| end.send(News::End).is_ok()));
        Ok(Self { folder: folder.to_owned(), sender, news, seen: None, watcher: None })
    }

    /// Waits until the sources are others than at the turn before: at once at the first, and where they changed since.
    /// False where the program is to end.
    pub(crate) fn next(&mut self) -> Result<bool> {
        loop {
            if !self.settle() {
                return Ok(false);
            }
            // Anew, since a folder may have come, or gone and come again. What happens before it is seen in the digest.
            self.watcher = Some(self.watch()?);
            let digest = self.digest()?;
            if self.seen.as_ref() != Some(&digest) {
                self.seen = Some(digest);
                return Ok(true);
            }
            if self.news.recv() != Ok(News::Changed) {
                return Ok(false);
            }
        }
    }

    /// Waits until nothing happens any more. False where the program is to end.
    pub(crate) fn settle(&self) -> bool {
        loop {
            match self.news.recv_timeout(QUIET) {
                Ok(News::Changed) => {}
                Err(RecvTimeoutError::Timeout) => return true,
                Ok(News::End) | Err(RecvTimeoutError::Disconnected) => return false,
            }
        }
    }

    fn watch(&self) -> Result<RecommendedWatcher> {
        let sender = self.sender.clone();
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // Our own reading is an access too.
            let read = |kind: &EventKind| kind.is_access() && *kind != CLOSED;
            if !event.is_ok_and(|event| read(&event.kind)) {
                // Nobody listens once the program ends.
                let _ = sender.send(News::Changed);
            }
        })?;
        for folder in folders(&self.folder)? {
            match watcher.watch(&folder, RecursiveMode::NonRecursive) {
                // It has just gone, which its parent tells.
                Err(_) if !folder.exists() => {}
                watched => watched.with_context(|| format!("{} can't be watched", folder.display()))?,
            }
        }
        Ok(watcher)
    }

    /// Digest of every source with its place.
    fn digest(&self) -> Result<String> {
        let mut files = Vec::new();
        for folder in folders(&self.folder)? {
            files.extend(entries(&folder)?.into_iter().filter(|path| path.is_file() && is_source(path)));
        }
        files.sort();
        let mut parts = Vec::with_capacity(files.len() * 2);
        for file in files {
            // One that has just gone is not there.
            if let Ok(content) = fs::read(&file) {
                parts.push(file.into_os_string().into_encoded_bytes());
                parts.push(content);
            }
        }
        Ok(tools::digest(parts.iter().map(Vec::as_slice)))
    }
}

/// A file was closed after writing.
const CLOSED: EventKind = EventKind::Access(AccessKind::Close(AccessMode::Write));

/// `folder` and the folders in it that may hold sources.
fn folders(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = vec![folder.to_owned()];
    let mut at = 0;
    while let Some(folder) = found.get(at).cloned() {
        at += 1;
        match entries(&folder) {
            Ok(inside) => found.extend(inside.into_iter().filter(|path| holds_sources(path))),
            // A folder in it has just gone, which its parent tells.
            Err(_) if at > 1 && !folder.exists() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let read = || fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>();
    read().with_context(|| format!("cannot read {}", folder.display()))
}

fn holds_sources(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // Not through a link, which may lead to where it is.
    !name.starts_with('.') && !NO_SOURCE.contains(&&*name) && !path.is_symlink() && path.is_dir()
}

/// False for what editors put beside a file, and for what cargo writes by itself.
fn is_source(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    !name.starts_with(['.', '#']) && !name.ends_with('~') && name != "Cargo.lock"
}
