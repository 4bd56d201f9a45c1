//! The runtime as the server holds it: a folder of plugins, the snapshot of now, and what is known of each file.

use std::{
    collections::{BTreeSet, HashMap},
    fs, io,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::Ordering::Relaxed,
        mpsc::{self, Receiver, Sender},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use arc_swap::ArcSwap;
use semver::Version;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    cache::Cache,
    clock::Clock,
    engine::{EngineError, Host, Tier},
    error::{Failure, FieldError},
    facts::Group,
    inspect::Kind,
    ledger::{Entry, Ledger},
    life::{Figures, Life, LifeEvent, Record, Refused, Subject},
    limits::Limits,
    loader::{Loader, Message},
    log::{LogLine, millis},
    plugin::Plugin,
    policy::Policy,
    refusal::{Refusal, Wanted},
    rights::Rights,
    signature::PublicKey,
    snapshot::Snapshot,
    stats::Counters,
    store::Files,
    watch::Watch,
    worker::Workshop,
};

/// Where a runtime keeps its files and what plugins may use.
#[derive(Debug, Clone, Default)]
pub struct RuntimeConfig {
    /// Plugins are put here, one file each.
    pub plugins_dir: PathBuf,
    /// Copies of every file that was ever loaded, by SHA-256.
    pub store_dir: PathBuf,
    /// Compiled code. For this user alone.
    pub cache_dir: PathBuf,
    /// What was decided about plugins, and which of their versions are kept: one file each.
    pub ledger_dir: PathBuf,
    /// Limits of each plugin.
    pub limits: Limits,
    /// The operator's values by plugin id, over those of the manifests.
    pub plugins: HashMap<String, Map<String, Value>>,
    /// What is let in, and how much of it.
    pub policy: Policy,
    /// By which quarantines end and old files are removed.
    pub clock: Clock,
}

/// The runtime could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The engine does not start.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A folder cannot be made or used.
    #[error("{folder}: {error}; check that this user may write there")]
    Folder {
        /// Which folder.
        folder: PathBuf,
        /// What the system says.
        error: io::Error,
    },
}

/// An operator's values were not taken.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ConfigError {
    /// They do not fit: every mistake.
    #[error("{}", Failure::Invalid(.0.clone()))]
    Invalid(Vec<FieldError>),
    /// The runtime is not started, or shut down.
    #[error("the plugin runtime does not run")]
    NotRunning,
}

/// What is going on with a plugin file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PluginState {
    /// Calls go to it.
    Active,
    /// It is being loaded, or not yet written to its end.
    Staged,
    /// It is not taken and nothing else serves.
    Refused,
    /// It failed too often, calls are refused, and no version before it can take its place.
    Quarantined,
    /// A person switched it off.
    Disabled,
    /// It is in order, asks for more than an admin granted, and nothing else serves.
    Waiting,
}

/// A version that asks for more than is granted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Waiting {
    /// Version.
    pub version: Option<Version>,
    /// SHA-256 of its file.
    pub digest: Option<String>,
    /// What it asks for, and what is missing.
    pub wanted: Wanted,
    /// Who signed it; none where nobody did.
    pub signed_by: Option<SignedBy>,
}

/// Who signed what serves.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SignedBy {
    /// Key.
    pub key: PublicKey,
    /// Name that the operator trusts it by, where he does.
    pub name: Option<String>,
}

/// All that is known of one plugin file.
#[derive(Debug, Clone, Serialize)]
pub struct PluginStatus {
    /// Name of the file without `.wasm`, the id of every plugin that serves.
    pub id: String,
    /// Name of the file.
    pub file: String,
    /// What is going on.
    pub state: PluginState,
    /// Name for people, where something serves.
    pub title: Option<String>,
    /// Version that serves, else that of the refused file where it is known.
    pub version: Option<Version>,
    /// SHA-256 of the file that serves, else of the refused one.
    pub digest: Option<String>,
    /// Why the file in the folder, or the operator's values, are not taken, and what serves instead.
    pub error: Option<String>,
    /// Stable name of it, as "core-module"; "config" for values.
    pub error_code: Option<&'static str>,
    /// How the code that serves was compiled.
    pub tier: Option<Tier>,
    /// What it offers.
    pub kinds: BTreeSet<Kind>,
    /// Groups of facts that it reads.
    pub needs: BTreeSet<Group>,
    /// What it asks for beyond facts.
    pub asks: Rights,
    /// Version that waits for a grant.
    pub waiting: Option<Waiting>,
    /// Who signed what serves; none where nobody did.
    pub signed_by: Option<SignedBy>,
    /// What is wrong with the signature of what serves, where the operator wants to be warned.
    pub warning: Option<String>,
    /// Times that a version wanted what is not granted, since the start.
    pub denials: u64,
    /// Counters of the version that serves.
    pub counters: Counters,
    /// Figures of the last versions, the one that was loaded last first.
    pub figures: Vec<Figures>,
    /// Log lines that were dropped for coming too fast.
    pub log_lines_dropped: u64,
    /// What was decided about it, and its versions that are kept.
    pub entry: Entry,
    /// Times that a version of it was taken out of service, since the start.
    pub quarantines: u64,
    /// Times that a version of it gave its place back to the one before by itself, since the start.
    pub rollbacks: u64,
    /// When the one that serves was made, milliseconds since the Unix epoch, UTC.
    pub loaded_at: Option<i64>,
    /// The last 50 events, oldest first.
    pub history: Vec<LifeEvent>,
}

/// A folder of plugins that are loaded, swapped and called.
#[derive(Debug)]
pub struct Runtime {
    shop: Arc<Workshop>,
    snapshot: Arc<ArcSwap<Snapshot>>,
    configs: Mutex<Option<HashMap<String, Map<String, Value>>>>,
    /// Ids of plugins that were given values, there or not.
    configured: Mutex<BTreeSet<String>>,
    messages: Sender<Message>,
    receiver: Mutex<Option<Receiver<Message>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Runtime {
    /// Makes the engine and the folders. Compiles and scans nothing: see [`Runtime::start`].
    ///
    /// # Errors
    /// The engine does not start, or a folder cannot be made. A cache that cannot be used is done without.
    pub fn open(config: RuntimeConfig) -> Result<Arc<Self>, OpenError> {
        let RuntimeConfig { plugins_dir, store_dir, cache_dir, ledger_dir, limits, plugins, policy, clock } = config;
        let files = Files::open(&plugins_dir, &store_dir)
            .map_err(|error| OpenError::Folder { folder: plugins_dir.clone(), error })?;
        fs::create_dir_all(&ledger_dir).map_err(|error| OpenError::Folder { folder: ledger_dir.clone(), error })?;
        let ledger = Ledger::new(&ledger_dir, &files.plugins, &store_dir);
        let cache = Cache::open(&cache_dir);
        let cache = cache.map_err(|e| tracing::warn!("no compiled code is kept in {}: {e}", cache_dir.display())).ok();
        let life = Life::new(limits.clone());
        let host = Host::new(limits)?;
        host.set_policy(policy);
        let (messages, receiver) = mpsc::channel();
        Ok(Arc::new(Self {
            shop: Arc::new(Workshop { host, files, cache, ledger, life, clock }),
            snapshot: Arc::default(),
            configured: Mutex::new(plugins.keys().cloned().collect()),
            configs: Mutex::new(Some(plugins)),
            messages,
            receiver: Mutex::new(Some(receiver)),
            thread: Mutex::default(),
        }))
    }

    /// Starts the threads that watch the folder and load what is in it. A second start does nothing.
    ///
    /// # Errors
    /// The system gives no more threads.
    pub fn start(&self) -> io::Result<()> {
        let take = |slot: &Mutex<Option<_>>| slot.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(receiver) = self.receiver.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            return Ok(());
        };
        let configs = take(&self.configs).unwrap_or_default();
        let (jobs, job_receiver) = mpsc::channel();
        self.shop.start(job_receiver, &self.messages)?;
        let watch = |folder| Watch::new(folder, self.messages.clone());
        let watches = [watch(&self.shop.files.plugins), watch(self.shop.ledger.folder())];
        let loader = Loader::new(Arc::clone(&self.shop), Arc::clone(&self.snapshot), configs, jobs, watches);
        let thread = thread::Builder::new().name("plugin-loader".to_owned()).spawn(move || loader.run(&receiver))?;
        *self.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
        Ok(())
    }

    /// The plugins of now. Take one for each request and keep it to its end.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// The engine and the limits.
    pub fn host(&self) -> &Arc<Host> {
        &self.shop.host
    }

    /// Reads the folder now instead of at the next turn.
    pub fn rescan(&self) {
        // Nobody listens after a shutdown, and nothing is left to do then.
        let _ = self.messages.send(Message::Rescan);
    }

    /// Waits until every file that was noticed is loaded or refused. False where that takes longer than `timeout`.
    /// Files that end too early, and those that have just gone, are not waited for.
    pub fn settle(&self, timeout: Duration) -> bool {
        let (sender, receiver) = mpsc::channel();
        self.messages.send(Message::Settle(sender)).is_ok() && receiver.recv_timeout(timeout).is_ok()
    }

    /// Gives a plugin the operator's values in place of those before, and publishes it in the same way as a new version.
    /// Values of a plugin that is not there hold once it comes; those that it has already change nothing.
    ///
    /// # Errors
    /// Every mistake against the plugin's schema: the values before stay in force, and its status says so. Not running.
    pub fn set_plugin_config(&self, id: &str, values: Map<String, Value>) -> Result<(), ConfigError> {
        self.configured.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned());
        let (reply, answer) = mpsc::channel();
        let message = Message::Configure { id: id.to_owned(), values, reply };
        self.messages.send(message).map_err(|_| ConfigError::NotRunning)?;
        answer.recv().map_err(|_| ConfigError::NotRunning)?
    }

    /// Gives the runtime another word of the operator, which holds for what serves too.
    pub fn set_policy(&self, policy: Policy) {
        // Nobody listens after a shutdown, and nothing serves then.
        let _ = self.messages.send(Message::Policy(Box::new(policy)));
    }

    /// Where decisions are taken: what is put there holds at once.
    pub fn ledger(&self) -> &Ledger {
        &self.shop.ledger
    }

    /// Looks at what was decided about a plugin now, instead of when the system tells, and waits until that holds: at most
    /// `timeout`, false where it takes longer.
    pub fn decided(&self, id: &str, timeout: Duration) -> bool {
        let told = [Message::Decided { id: id.to_owned() }, Message::Rescan];
        told.into_iter().all(|message| self.messages.send(message).is_ok()) && self.settle(timeout)
    }

    /// Whether a file of this plugin was refused for the values that it found. Other values are for that one.
    pub fn waits_for_values(&self, id: &str) -> bool {
        self.shop.life.with(id, |record| matches!(&record.refused, Some(Refused { refusal: Refusal::Config(_), .. })))
    }

    /// Ids of all plugins that were ever given values, whether or not their files are there.
    pub fn configured(&self) -> BTreeSet<String> {
        self.configured.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What is known of every plugin file, by id.
    pub fn status(&self) -> Vec<PluginStatus> {
        let snapshot = self.snapshot();
        let life = &self.shop.life;
        let policy = self.shop.host.policy();
        let mut all = life.each(|id, record| status(id, record, snapshot.plugin(id), &policy));
        for status in &mut all {
            status.log_lines_dropped = life.dropped(&status.id);
            status.denials = life.denials(&status.id).load(Relaxed);
            status.figures = life.figures(&status.id);
        }
        all
    }

    /// The last 500 log lines of a plugin, oldest first, over its versions; `None` for a plugin that was never loaded.
    pub fn log(&self, id: &str) -> Option<Vec<LogLine>> {
        self.shop.life.lines(id)
    }

    /// Every event from now on.
    pub fn subscribe(&self) -> Receiver<LifeEvent> {
        self.shop.life.subscribe()
    }

    /// Ends the threads. Plugins that are held can still be called.
    pub fn shutdown(&self) {
        // An error says that it has ended already.
        let _ = self.messages.send(Message::Shutdown);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the plugin loader panicked");
        }
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        self.shutdown();
    }
}

fn status(id: &str, record: &Record, plugin: Option<&Arc<Plugin>>, policy: &Policy) -> PluginStatus {
    let refused = record.refused.as_ref();
    let state = match (plugin, refused) {
        (Some(plugin), _) if plugin.barred().is_some() => PluginState::Quarantined,
        (Some(_), _) => PluginState::Active,
        (None, _) if record.entry.disabled.is_some() => PluginState::Disabled,
        (None, Some(Refused { refusal: Refusal::NeedsGrant(_), .. })) => PluginState::Waiting,
        (None, Some(_)) => PluginState::Refused,
        (None, None) => PluginState::Staged,
    };
    let identity = plugin.map(|p| p.identity());
    let last = record.entry.versions.first().filter(|_| record.entry.disabled.is_some());
    let last = last.map(|kept| Subject { version: Some(kept.version.clone()), digest: Some(kept.digest.clone()) });
    let subject = refused.map(|r| r.subject.clone()).or(last).unwrap_or_default();
    let error = None
        .or_else(|| refused.map(|r| (r.refusal.code(), r.text(id, identity.map(|i| &**i)))))
        .or_else(|| Some(("quarantined", format!("in quarantine: {}; enable it to try it at once", plugin?.barred()?))))
        .or_else(|| Some(("config", record.unfit.as_ref()?.text())));
    let (error_code, error) = error.unzip();
    let named = |key| SignedBy { key, name: policy.name_of(key).map(str::to_owned) };
    let waiting = refused.and_then(|refused| match &refused.refusal {
        Refusal::NeedsGrant(wanted) => Some(Waiting {
            version: refused.subject.version.clone(),
            digest: refused.subject.digest.clone(),
            wanted: (**wanted).clone(),
            signed_by: wanted.signer.map(named),
        }),
        _ => None,
    });
    let signed = plugin.map(|plugin| &plugin.inspection().signed);
    let signed_by = signed.and_then(|signed| signed.key());
    PluginStatus {
        id: id.to_owned(),
        file: format!("{id}.wasm"),
        state,
        title: plugin.map(|p| p.manifest().title.clone()),
        version: identity.map(|i| i.version.clone()).or(subject.version),
        digest: identity.map(|i| i.digest.clone()).or(subject.digest),
        error,
        error_code,
        tier: plugin.map(|p| p.tier()),
        kinds: plugin.map(|p| p.kinds().clone()).unwrap_or_default(),
        needs: plugin.map(|p| p.needs().clone()).unwrap_or_default(),
        asks: plugin.map(|p| p.asks().clone()).unwrap_or_default(),
        waiting,
        signed_by: signed_by.map(named),
        warning: signed.and_then(|signed| policy.warning(signed)),
        denials: 0,
        counters: plugin.map(|p| p.counters()).unwrap_or_default(),
        figures: Vec::new(),
        log_lines_dropped: 0,
        entry: record.entry.clone(),
        quarantines: record.quarantines,
        rollbacks: record.rollbacks,
        loaded_at: plugin.map(|p| millis(p.loaded_at())),
        history: record.history.iter().cloned().collect(),
    }
}
