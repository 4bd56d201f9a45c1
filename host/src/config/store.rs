//! The configuration in force, and how it changes.

use std::{
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, Result, anyhow, bail};
use arc_swap::ArcSwap;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use tokio::sync::{Mutex, MutexGuard};

use super::{Config, Environment, Settings, merge, secrets};
use crate::{error::FieldError, schema};

/// Settings that a running server does not take up.
const AT_START: [&str; 6] =
    ["/server/bind", "/catalogs", "/default_catalog", "/spark", "/python/executable", "/python/packages"];

/// Where an unknown key is a mistake: a word that is spelled wrong there, or that this release does not know, would let in
/// what the operator keeps out.
const TRUST: &str = "/plugin_trust/";

const NO_SETTING: &str = "is no known setting";

/// Holds the configuration; readers take a snapshot with [`ConfigStore::get`].
#[derive(Debug)]
pub struct ConfigStore {
    environment: Environment,
    current: ArcSwap<Config>,
    started: Arc<Config>,
    change: Mutex<()>,
}

/// A checked change that waits for its audit row.
#[derive(Debug)]
pub struct Change<'a> {
    store: &'a ConfigStore,
    config: Config,
    temporary: tempfile::NamedTempFile,
    before: Option<Vec<u8>>,
    _only_one: MutexGuard<'a, ()>,
}

impl ConfigStore {
    /// Reads the file and lays the environment over it. An absent file is an empty one.
    ///
    /// # Errors
    /// Every mistake in the file or the environment, by JSON Pointer.
    pub fn open(environment: Environment) -> Result<Self> {
        let bytes = read(&file_of(environment.home()))?;
        let config = Arc::new(build(&environment, bytes.as_deref())?);
        Ok(Self { environment, current: ArcSwap::from(Arc::clone(&config)), started: config, change: Mutex::default() })
    }

    /// The settings in force.
    pub fn get(&self) -> Arc<Config> {
        self.current.load_full()
    }

    /// Reads the file again, for one that was edited by hand.
    ///
    /// # Errors
    /// As [`ConfigStore::open`], and where a file that was there is gone; the settings in force then stay.
    pub fn refresh(&self) -> Result<Arc<Config>> {
        let bytes = read(&self.file())?;
        if etag(bytes.as_deref()) != self.get().etag {
            // Many an editor removes a file and writes it anew: in between nothing is let in that it keeps out.
            bytes
                .as_ref()
                .context("config.json is gone; put it back, or start again to have everything at its default")?;
            self.current.store(Arc::new(build(&self.environment, bytes.as_deref())?));
        }
        Ok(self.get())
    }

    /// The settings for showing: secrets masked.
    ///
    /// # Errors
    /// Where settings can't be written as JSON: a fault of ours.
    pub fn shown(config: &Config) -> Result<Value> {
        let mut shown = serde_json::to_value(&config.settings)?;
        secrets::mask(&mut shown);
        Ok(shown)
    }

    /// JSON Pointers of settings in `config` that hold only after a restart.
    ///
    /// # Errors
    /// Where settings can't be written as JSON: a fault of ours.
    pub fn waiting_for_restart(&self, config: &Config) -> Result<Vec<&'static str>> {
        let (started, wanted) =
            (serde_json::to_value(&self.started.settings)?, serde_json::to_value(&config.settings)?);
        Ok(AT_START.into_iter().filter(|pointer| started.pointer(pointer) != wanted.pointer(pointer)).collect())
    }

    /// Locks the configuration and answers the file's present entity tag, for a comparison before [`ConfigStore::prepare`].
    ///
    /// # Errors
    /// As [`ConfigStore::refresh`].
    pub async fn lock(&self) -> Result<(MutexGuard<'_, ()>, String)> {
        let lock = self.change.lock().await;
        let config = self.refresh()?;
        Ok((lock, config.etag.clone()))
    }

    /// Checks new settings (fields left out fall back to their defaults) and writes them beside the file, with the unknown keys that the
    /// file has. Nothing holds before [`Change::put`].
    ///
    /// # Errors
    /// The inner error: every mistake at once. The outer one: the disk.
    pub fn prepare<'a>(
        &'a self,
        lock: MutexGuard<'a, ()>,
        mut body: Value,
    ) -> Result<Result<Change<'a>, Vec<FieldError>>> {
        let before = read(&self.file())?;
        let stored = parse(before.as_deref())?;
        let mut mistakes = schema::check::<Settings>(&body)?;
        mistakes.extend(secrets::unmask(&mut body, &stored));
        if !mistakes.is_empty() {
            return Ok(Err(mistakes));
        }
        let unknown = unknown_in(&body);
        merge::lay(&mut body, &merge::pick(&stored, &self.get().unknown));
        let mut bytes = serde_json::to_vec_pretty(&body)?;
        bytes.push(b'\n');
        let config = match assemble(&self.environment, &body, etag(Some(&bytes)))? {
            Ok(config) if unknown.is_empty() => config,
            Ok(_) => return Ok(Err(unknown)),
            Err(mistakes) => return Ok(Err(unknown.into_iter().chain(mistakes).collect())),
        };
        let mut temporary = tempfile::Builder::new().prefix(".config.").tempfile_in(self.environment.home())?;
        temporary.write_all(&bytes)?;
        temporary.as_file().sync_all()?;
        Ok(Ok(Change { store: self, config, temporary, before, _only_one: lock }))
    }

    fn file(&self) -> PathBuf {
        file_of(self.environment.home())
    }
}

impl Change<'_> {
    /// JSON Pointers of the settings that change.
    pub fn changed(&self) -> Vec<String> {
        let values = |config: &Config| {
            let value = serde_json::to_value(&config.settings).unwrap_or_default();
            config.origins.keys().map(|at| (at.clone(), value.pointer(at).cloned())).collect::<Vec<_>>()
        };
        let (before, after) = (values(&self.store.get()), values(&self.config));
        let mut changed: Vec<_> =
            after.iter().filter(|pair| !before.contains(pair)).map(|(at, _)| at.clone()).collect();
        let gone = before.iter().filter(|(at, _)| !after.iter().any(|(other, _)| other == at));
        changed.extend(gone.map(|(at, _)| at.clone()));
        changed
    }

    /// Renames the new file into its place, then runs `commit` (which makes the audit row hold); where that fails, the old file comes back.
    ///
    /// # Errors
    /// Those of the disk and of `commit`; nothing has changed then.
    pub async fn put<E: From<anyhow::Error>>(
        self,
        commit: impl Future<Output = Result<(), E>>,
    ) -> Result<Arc<Config>, E> {
        let Self { store, config, temporary, before, _only_one } = self;
        let file = store.file();
        temporary.persist(&file).map_err(|error| anyhow!(error).context("config.json can't be replaced"))?;
        sync_folder(&file)?;
        if let Err(error) = commit.await {
            restore(&file, before.as_deref())?;
            return Err(error);
        }
        let config = Arc::new(config);
        store.current.store(Arc::clone(&config));
        Ok(config)
    }
}

fn file_of(home: &Path) -> PathBuf {
    home.join("config.json")
}

/// The file's bytes; `None` where there is no file.
fn read(file: &Path) -> Result<Option<Vec<u8>>> {
    match std::fs::read(file) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("{} can't be read; check its permissions", file.display())),
    }
}

/// Puts back what was there before, atomically.
fn restore(file: &Path, before: Option<&[u8]>) -> Result<()> {
    let Some(bytes) = before else { return Ok(std::fs::remove_file(file)?) };
    let folder = file.parent().context("config.json lies in a folder")?;
    let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
    temporary.write_all(bytes)?;
    temporary.persist(file)?;
    sync_folder(file)
}

/// Makes a rename outlive a power cut.
fn sync_folder(file: &Path) -> Result<()> {
    let folder = file.parent().context("config.json lies in a folder")?;
    Ok(std::fs::File::open(folder)?.sync_all()?)
}

fn etag(bytes: Option<&[u8]>) -> String {
    let digest = hex::encode(Sha256::digest(bytes.unwrap_or_default()));
    format!("\"{}\"", &digest[..32])
}

/// The file's document; an absent file is an empty object. An empty one is what a full disk or a power cut leaves of a file
/// that may have said which plugins are kept out.
fn parse(bytes: Option<&[u8]>) -> Result<Value> {
    let Some(bytes) = bytes else { return Ok(Value::Object(Map::new())) };
    if bytes.trim_ascii().is_empty() {
        bail!("config.json is empty; put its content back, or {{}} to have everything at its default");
    }
    let value: Value = serde_json::from_slice(bytes).context("config.json is no JSON; mend it or move it away")?;
    value.is_object().then_some(value).context("config.json must hold an object; mend it or move it away")
}

/// A mistake for each key that is no setting.
fn unknown_in(body: &Value) -> Vec<FieldError> {
    let known = serde_json::from_value::<Settings>(with_defaults(body)).and_then(serde_json::to_value);
    let unknown = known.map(|known| merge::unknown(body, &known)).unwrap_or_default();
    unknown.into_iter().map(|pointer| FieldError::new(pointer, NO_SETTING)).collect()
}

fn with_defaults(document: &Value) -> Value {
    let mut all = serde_json::to_value(Settings::default()).unwrap_or_default();
    merge::lay(&mut all, document);
    all
}

fn build(environment: &Environment, bytes: Option<&[u8]>) -> Result<Config> {
    let file = parse(bytes)?;
    assemble(environment, &file, etag(bytes))?.and_then(trusted).map_err(|mistakes| {
        let list: Vec<_> = mistakes.iter().map(|one| format!("{} {}", one.pointer, one.detail)).collect();
        anyhow!("the configuration is wrong, mend config.json or the environment: {}", list.join("; "))
    })
}

/// Unknown keys are kept, but for those under [`TRUST`].
fn trusted(config: Config) -> Result<Config, Vec<FieldError>> {
    let unknown = config.unknown.iter().filter(|at| at.starts_with(TRUST));
    let mistakes: Vec<_> = unknown.map(|at| FieldError::new(at, NO_SETTING)).collect();
    if mistakes.is_empty() { Ok(config) } else { Err(mistakes) }
}

/// Settings from the defaults, the file and the environment, or every mistake in them.
fn assemble(environment: &Environment, file: &Value, etag: String) -> Result<Result<Config, Vec<FieldError>>> {
    let mut all = with_defaults(file);
    for (pointer, value) in &environment.values {
        merge::set(&mut all, pointer, value.clone());
    }
    let mistakes = schema::check::<Settings>(&all)?;
    if !mistakes.is_empty() {
        return Ok(Err(mistakes));
    }
    let settings: Settings = match serde_json::from_value(all) {
        Ok(settings) => settings,
        Err(error) => return Ok(Err(vec![FieldError::new("", error.to_string())])),
    };
    let mistakes = settings.mistakes();
    if !mistakes.is_empty() {
        return Ok(Err(mistakes));
    }
    let known = serde_json::to_value(&settings)?;
    Ok(Ok(Config {
        home: environment.home().to_owned(),
        origins: merge::origins(&known, file, &environment.values),
        unknown: merge::unknown(file, &known),
        settings,
        etag,
    }))
}
