//! Removes what nobody needs any more: copies in the store, compiled code, and what is known of plugins that went long ago.

use std::{
    collections::HashSet,
    fs, io,
    path::Path,
    time::{Duration, SystemTime},
};

use crate::{cache::Cache, worker::Workshop};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How long what a process left half-written is kept: another one may be writing it, and a clock that is set forward by a day
/// makes it look as old.
const LEFT: Duration = Duration::from_secs(2 * DAY.as_secs());
/// How long the versions of a plugin whose file was removed are kept, to put one back.
const REMOVED: Duration = Duration::from_secs(30 * DAY.as_secs());
/// How long code of another engine is kept: a server that was brought up to date may be put back.
const OTHER_ENGINE: Duration = Duration::from_secs(7 * DAY.as_secs());

impl Workshop {
    /// Keeps the files of the digests in `needed` and of the ledger's versions. `ids`: plugins whose files are there.
    pub(crate) fn collect(&self, needed: HashSet<String>, ids: &HashSet<&str>) {
        if let Err(error) = self.try_collect(needed, ids) {
            tracing::warn!("files of plugins that nobody needs are left: {error}");
        }
    }

    fn try_collect(&self, mut needed: HashSet<String>, ids: &HashSet<&str>) -> io::Result<()> {
        let now = self.clock.now();
        let older = |at, age| older(at, age, now);
        let (entries, broken) = self.ledger.all()?;
        if !broken.is_empty() {
            // What those keep is not known.
            return Ok(());
        }
        for (id, entry) in entries {
            let gone = !ids.contains(id.as_str()) && entry.disabled.is_none();
            if gone && entry.serving.is_some() {
                // Its file went while nobody looked: the time that its versions are kept begins now.
                self.ledger.update(&id, |entry| entry.serving = None)?;
                needed.extend(entry.versions.into_iter().map(|kept| kept.digest));
            } else if gone && self.ledger.written(&id).is_ok_and(|at| older(at, REMOVED)) {
                self.ledger.remove(&id)?;
            } else {
                needed.extend(entry.versions.into_iter().map(|kept| kept.digest));
            }
        }
        let left = |name: &str, at| name.starts_with(".tmp") && older(at, LEFT);
        sweep(self.files.store(), left, |name, _| {
            is_digest(name.strip_suffix(".wasm")?).map(|digest| needed.contains(digest))
        })?;
        if let Some(cache) = &self.cache {
            let own = Cache::tag(&self.host.optimising().engine);
            sweep(cache.folder(), left, |name, at| {
                let (digest, tag) = name.strip_suffix(".cwasm")?.split_once('-')?;
                Some(needed.contains(is_digest(digest)?) && (tag == own || !older(at, OTHER_ENGINE)))
            })?;
        }
        sweep(self.ledger.folder(), left, |_, _| None)
    }
}

/// Removes the files of a folder that are not to be kept, and what is `left` of a process that was killed. Both are told the name
/// and when the file was written; `keep` does not know of other people's files.
fn sweep(
    folder: &Path,
    left: impl Fn(&str, SystemTime) -> bool,
    keep: impl Fn(&str, SystemTime) -> Option<bool>,
) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let (Some(name), Ok(meta)) = (name.to_str(), entry.metadata()) else { continue };
        let at = meta.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        if meta.is_file() && (left(name, at) || keep(name, at) == Some(false)) {
            match fs::remove_file(entry.path()) {
                // Another process was first.
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }
    Ok(())
}

fn is_digest(text: &str) -> Option<&str> {
    (text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(text)
}

/// What was written after `now`, before the clock was set back, is of no age.
fn older(at: SystemTime, age: Duration, now: SystemTime) -> bool {
    now.duration_since(at).is_ok_and(|passed| passed > age)
}
