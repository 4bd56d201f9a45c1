//! Decisions of people: switch a plugin off and on, go back to a version that is kept. Each is prepared first and takes
//! effect by a rename at the end, so that whoever keeps an audit trail can write it down in between.

use std::{
    fmt, fs, io,
    io::Write as _,
    path::{Path, PathBuf},
    time::SystemTime,
};

use semver::Version;
use tempfile::NamedTempFile;

use super::{Decision, Entry, Grant, Kept, Ledger, as_the_folder, entry::SHORT, sync};
use crate::{load::digest, log::millis, manifest::Manifest, rights::Rights, signature::PublicKey, store};

/// A decision was not taken.
#[derive(Debug, thiserror::Error)]
pub enum DecisionError {
    /// Nothing of this id is there, and nothing of it is kept.
    #[error("there is no plugin {0:?}")]
    Unknown(String),
    /// No other version is kept, or all that are failed.
    #[error("no version of {0} that served before is kept")]
    NoneBefore(String),
    /// What was asked for is not among those that are kept.
    #[error("{wanted:?} is no version of {id} that is kept; kept are: {kept}")]
    NotKept {
        /// Id of the plugin.
        id: String,
        /// What was asked for.
        wanted: String,
        /// Versions with the beginnings of their digests.
        kept: String,
    },
    /// The store's copy is not what served.
    #[error("the copy of {id} {version} in the store is damaged; put the file into the plugins folder again")]
    Damaged {
        /// Id of the plugin.
        id: String,
        /// Version of the copy.
        version: Version,
    },
    /// Reading or writing failed.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// One version of a plugin, by number and by the SHA-256 of its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Version from its manifest.
    pub version: Version,
    /// SHA-256 of its file.
    pub digest: String,
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.version, self.digest.get(..12).unwrap_or_default())
    }
}

/// What a decision does, for the audit trail and for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Did {
    /// Version and SHA-256 of what served before it.
    pub from: Option<Named>,
    /// Version and SHA-256 of the file that is put in its place.
    pub to: Option<Named>,
    /// Version and SHA-256 of what is in quarantine no longer.
    pub released: Option<Named>,
    /// What it may do from now on, where that was decided.
    pub granted: Option<Rights>,
    /// It changes nothing.
    pub nothing: bool,
}

/// A decision that is prepared; dropped, it changes nothing.
#[derive(Debug)]
pub struct Change {
    ledger: Ledger,
    id: String,
    did: Did,
    act: Act,
    /// Digests whose quarantine is lifted.
    release: Vec<String>,
    /// A file on its way into the plugins folder.
    file: Option<(NamedTempFile, PathBuf)>,
}

#[derive(Debug)]
enum Act {
    Disable(Decision),
    Enable,
    Rollback(String),
    Grant(Option<Grant>),
}

impl Change {
    /// What it does.
    pub fn did(&self) -> &Did {
        &self.did
    }

    /// Makes it hold.
    ///
    /// # Errors
    /// The disk does not take it.
    pub fn put(self) -> io::Result<Did> {
        let Self { ledger, id, did, act, release, file } = self;
        if did.nothing && matches!(act, Act::Grant(_)) {
            // It stays as it is, with who gave it.
            return Ok(did);
        }
        ledger.update(&id, |entry| {
            match act {
                Act::Disable(decision) => drop(entry.disabled.get_or_insert(decision)),
                Act::Enable => entry.disabled = None,
                Act::Rollback(digest) => entry.went_back = Some(digest),
                Act::Grant(grant) => entry.grant = grant,
            }
            for kept in entry.versions.iter_mut().filter(|kept| release.contains(&kept.digest)) {
                kept.quarantine = None;
            }
        })?;
        if let Some((file, place)) = file {
            file.persist(&place)?;
            sync(place.parent().unwrap_or(Path::new(".")))?;
        }
        Ok(did)
    }
}

impl Ledger {
    /// Why the file in the plugins folder would not be let in, whatever is in it; none where it would be.
    ///
    /// # Errors
    /// The entry or the file can't be read.
    pub fn standing(&self, id: &str) -> io::Result<Option<String>> {
        let entry = self.read(id)?;
        if let Some(decision) = &entry.disabled {
            return Ok(Some(format!("disabled by {}", decision.by)));
        }
        let now = millis(SystemTime::now());
        let file = digest(&fs::read(self.place(id))?);
        Ok(entry.quarantined(&file, now).map(|quarantine| format!("in quarantine: {}", quarantine.words(now))))
    }

    /// Prepares to take a plugin out of service, whatever file is put there, until it is enabled.
    ///
    /// # Errors
    /// [`DecisionError::Unknown`], [`DecisionError::Io`].
    pub fn disable(&self, id: &str, by: &str) -> Result<Change, DecisionError> {
        let entry = self.known(id)?;
        let act = Act::Disable(Decision { by: by.to_owned(), at: millis(SystemTime::now()) });
        let did = Did { nothing: entry.disabled.is_some(), ..Did::of(&entry) };
        Ok(self.change(id, did, act))
    }

    /// Prepares to let a plugin serve again that was disabled or whose file is in quarantine.
    ///
    /// # Errors
    /// [`DecisionError::Unknown`], [`DecisionError::Io`].
    pub fn enable(&self, id: &str) -> Result<Change, DecisionError> {
        let entry = self.known(id)?;
        let in_folder = fs::read(self.place(id)).ok().map(|bytes| digest(&bytes));
        let mut of = in_folder.into_iter().chain(entry.serving.clone());
        let released = of.find_map(|digest| entry.kept(&digest).filter(|kept| kept.quarantine.is_some()));
        let nothing = entry.disabled.is_none() && released.is_none();
        let did = Did { released: released.map(named), nothing, ..Did::of(&entry) };
        Ok(self.change(id, did, Act::Enable))
    }

    /// Prepares to let a plugin do what it asks for, as far as `rights` go, in place of what it might before; none take all
    /// back. They hold for versions that `signer` signed, or for unsigned ones.
    ///
    /// # Errors
    /// [`DecisionError::Unknown`], [`DecisionError::Io`].
    pub fn grant(
        &self,
        id: &str,
        rights: &Rights,
        signer: Option<PublicKey>,
        by: &str,
    ) -> Result<Change, DecisionError> {
        let entry = self.known(id)?;
        let decision = Decision { by: by.to_owned(), at: millis(SystemTime::now()) };
        let signer = signer.map(|key| key.to_string());
        let grant = (!rights.is_empty()).then(|| Grant { rights: rights.clone(), signer, decision });
        let nothing = match (&entry.grant, &grant) {
            (Some(before), Some(after)) => before.is_like(after),
            (None, None) => true,
            _ => false,
        };
        let did = Did { granted: Some(rights.clone()), nothing, ..Did::of(&entry) };
        Ok(self.change(id, did, Act::Grant(grant)))
    }

    /// Prepares to put a kept version into the plugins folder: the one that `to` names by version or digest, else the one
    /// that served before. Its quarantine, where it is in one, is lifted. `to` may name the file that is in the folder as well:
    /// then it may serve though it is older than what did.
    ///
    /// # Errors
    /// See [`DecisionError`].
    pub fn rollback(&self, id: &str, to: Option<&str>) -> Result<Change, DecisionError> {
        let entry = self.known(id)?;
        if let Some(digest) = to.filter(|to| entry.find(to).is_none()).and_then(|to| self.in_folder(id, to)) {
            let did = Did { to: Some(digest.clone()), ..Did::of(&entry) };
            return Ok(self.change(id, did, Act::Rollback(digest.digest)));
        }
        let target = match to {
            None => entry.before(millis(SystemTime::now())).ok_or_else(|| DecisionError::NoneBefore(id.to_owned()))?,
            Some(wanted) => entry.find(wanted).ok_or_else(|| DecisionError::NotKept {
                id: id.to_owned(),
                wanted: wanted.to_owned(),
                kept: list(&entry),
            })?,
        };
        let Some(bytes) = store::kept(&self.store, &target.digest)? else {
            return Err(DecisionError::Damaged { id: id.to_owned(), version: target.version.clone() });
        };
        let place = self.place(id);
        let there = fs::read(&place).is_ok_and(|old| old == bytes);
        let released = target.quarantine.is_some().then(|| named(target));
        let nothing = there && released.is_none();
        let digest = target.digest.clone();
        let did = Did { to: Some(named(target)), released, nothing, ..Did::of(&entry) };
        let file = if there { None } else { Some((beside(&place, &bytes)?, place)) };
        Ok(Change { file, ..self.change(id, did, Act::Rollback(digest)) })
    }

    fn change(&self, id: &str, did: Did, act: Act) -> Change {
        let release = did.released.iter().map(|one| one.digest.clone()).collect();
        Change { ledger: self.clone(), id: id.to_owned(), did, act, release, file: None }
    }

    /// The entry of a plugin that is there or was.
    fn known(&self, id: &str) -> Result<Entry, DecisionError> {
        let unknown = || DecisionError::Unknown(id.to_owned());
        // Of an id that is no name of a file nothing is known either.
        self.file(id).map_err(|_| unknown())?;
        let entry = self.read(id)?;
        if entry.versions.is_empty() && entry.disabled.is_none() && !self.place(id).exists() {
            return Err(unknown());
        }
        Ok(entry)
    }

    /// The file in the plugins folder, where it is of this version or digest.
    fn in_folder(&self, id: &str, wanted: &str) -> Option<Named> {
        let bytes = fs::read(self.place(id)).ok()?;
        let Manifest { version, .. } = Manifest::read(&bytes).ok()??;
        let file = Named { version, digest: digest(&bytes) };
        let is = file.version.to_string() == wanted || (wanted.len() >= SHORT && file.digest.starts_with(wanted));
        is.then_some(file)
    }

    fn place(&self, id: &str) -> PathBuf {
        self.plugins.join(format!("{id}.wasm"))
    }
}

/// The file's content under a name that is no plugin's.
fn beside(place: &Path, bytes: &[u8]) -> io::Result<NamedTempFile> {
    let folder = place.parent().unwrap_or(Path::new("."));
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    as_the_folder(file.path(), folder)?;
    file.as_file().sync_all()?;
    Ok(file)
}

impl Did {
    /// Nothing yet, to what serves by this entry.
    fn of(entry: &Entry) -> Self {
        let from = entry.serving.as_deref().and_then(|digest| entry.kept(digest)).map(named);
        Self { from, to: None, released: None, granted: None, nothing: false }
    }
}

fn named(kept: &Kept) -> Named {
    Named { version: kept.version.clone(), digest: kept.digest.clone() }
}

fn list(entry: &Entry) -> String {
    let all: Vec<String> = entry.versions.iter().map(|kept| named(kept).to_string()).collect();
    if all.is_empty() { "none".to_owned() } else { all.join(", ") }
}
