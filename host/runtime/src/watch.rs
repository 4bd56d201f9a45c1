//! Watches the plugins folder, not the files in it: a file that is replaced keeps its name and loses its inode.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::mpsc::Sender,
};

use notify::{
    Event, EventKind, RecursiveMode, Watcher,
    event::{AccessKind, AccessMode, ModifyKind, RenameMode},
};

use crate::loader::Message;

/// A watch that renews itself when the folder was replaced.
pub(crate) struct Watch {
    folder: PathBuf,
    sender: Sender<Message>,
    live: Option<(notify::RecommendedWatcher, FolderId)>,
}

/// Tells a folder from another of the same name.
type FolderId = Option<(u64, u64)>;

impl Watch {
    pub(crate) fn new(folder: &Path, sender: Sender<Message>) -> Self {
        Self { folder: folder.to_owned(), sender, live: None }
    }

    /// Watches the folder that has the name now. False where the system cannot: then only rescans find changes.
    pub(crate) fn renew(&mut self) -> bool {
        let id = folder_id(&self.folder);
        if self.live.as_ref().is_some_and(|(_, watched)| *watched == id) {
            return true;
        }
        self.live = None;
        if id.is_none() {
            // Not made here: whoever replaces the folder by a rename would find one in the way.
            return false;
        }
        let sender = self.sender.clone();
        let folder = self.folder.clone();
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            for message in messages(&folder, event) {
                // The receiver is gone only when the runtime is shut down.
                let _ = sender.send(message);
            }
        });
        let watching = watcher.and_then(|mut watcher| {
            watcher.watch(&self.folder, RecursiveMode::NonRecursive)?;
            Ok(watcher)
        });
        match watching {
            Ok(watcher) => self.live = Some((watcher, folder_id(&self.folder))),
            Err(error) => tracing::warn!("the plugins folder is not watched, only read now and then: {error}"),
        }
        self.live.is_some()
    }
}

fn messages(folder: &Path, event: notify::Result<Event>) -> Vec<Message> {
    let event = match event {
        Ok(event) if !event.need_rescan() => event,
        // The kernel lost events, or the watch broke.
        _ => return vec![Message::Rescan],
    };
    if event.paths.iter().any(|path| path == folder) {
        return if matches!(event.kind, EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_))) {
            vec![Message::Rescan]
        } else {
            Vec::new()
        };
    }
    let name = |path: &PathBuf| path.file_name().and_then(|n| n.to_str()).map(str::to_owned);
    let names = event.paths.iter().filter_map(name);
    let changed = |whole| move |name| Message::Changed { name, whole };
    match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write))
        | EventKind::Modify(ModifyKind::Name(RenameMode::To)) => names.map(changed(true)).collect(),
        // Linux tells both ends of a rename on their own as well.
        EventKind::Access(_) | EventKind::Modify(ModifyKind::Name(RenameMode::Both)) if cfg!(target_os = "linux") => {
            Vec::new()
        }
        EventKind::Access(_) => Vec::new(),
        // Whether a file is there or not is looked up when its turn comes.
        _ => names.map(changed(false)).collect(),
    }
}

#[cfg(unix)]
fn folder_id(folder: &Path) -> FolderId {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(folder).ok().map(|meta| (meta.dev(), meta.ino()))
}

#[cfg(not(unix))]
fn folder_id(folder: &Path) -> FolderId {
    folder.exists().then_some((0, 0))
}
