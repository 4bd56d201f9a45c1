//! What is known of each plugin file over time: its state, its refusal, its history, and who wants to hear of it.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicU64, mpsc},
    time::{Duration, SystemTime},
};

use semver::Version;
use serde::Serialize;

use crate::{
    error::{Failure, FieldError, Identity},
    ledger::Entry,
    limits::Limits,
    log::{LogLine, LogRing, millis},
    refusal::Refusal,
    stats::{Counters, Stats},
};

/// Events kept for each plugin.
const KEPT: usize = 50;

/// Versions of a plugin whose figures are kept: those that can be gone back to, and one that waits.
const COUNTED: usize = crate::ledger::KEPT + 1;

/// A step in the life of a plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LifeState {
    /// A new or changed file was noticed.
    Seen,
    /// It was read and copied to the store.
    Staged,
    /// Its bytes, imports, exports and manifest are in order.
    Verified,
    /// Native code is there.
    Compiled,
    /// It is linked and has described itself.
    Linked,
    /// Its self-tests passed.
    SelfTested,
    /// Calls go to it.
    Active,
    /// Its code was replaced by faster code of the same component, or could not be.
    Optimised,
    /// Calls go to it with another configuration.
    Configured,
    /// It is in order, and waits for an admin to grant what it asks for.
    Waiting,
    /// An admin granted rights, or took some back.
    Granted,
    /// A call wanted something that is not granted.
    Denied,
    /// No new call goes to it.
    Draining,
    /// The last call that held it is over.
    Gone,
    /// It is not taken.
    Refused,
    /// It failed too often; calls are refused, or go to the version before it.
    Quarantined,
    /// Calls go to it in the place of a newer version that failed.
    RolledBack,
    /// A person switched it off.
    Disabled,
    /// A person lets it serve again.
    Enabled,
}

impl LifeState {
    /// Kebab-case name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Seen => "seen",
            Self::Staged => "staged",
            Self::Verified => "verified",
            Self::Compiled => "compiled",
            Self::Linked => "linked",
            Self::SelfTested => "self-tested",
            Self::Active => "active",
            Self::Optimised => "optimised",
            Self::Configured => "configured",
            Self::Waiting => "waiting",
            Self::Granted => "granted",
            Self::Denied => "denied",
            Self::Draining => "draining",
            Self::Gone => "gone",
            Self::Refused => "refused",
            Self::Quarantined => "quarantined",
            Self::RolledBack => "rolled-back",
            Self::Disabled => "disabled",
            Self::Enabled => "enabled",
        }
    }
}

/// One step, as it happened.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LifeEvent {
    /// When, milliseconds since the Unix epoch, UTC.
    pub at: i64,
    /// Name of the file without `.wasm`: the id of every plugin that is not refused for its id.
    pub id: String,
    /// What happened.
    pub state: LifeState,
    /// Version, once known.
    pub version: Option<Version>,
    /// SHA-256 of the file, once known.
    pub digest: Option<String>,
    /// Milliseconds since the step before.
    pub took_ms: f64,
    /// More in words: the refusal, for one.
    pub detail: Option<String>,
}

/// Which plugin an event is about, as far as it is known.
#[derive(Debug, Clone, Default)]
pub(crate) struct Subject {
    pub(crate) version: Option<Version>,
    pub(crate) digest: Option<String>,
}

impl From<&Identity> for Subject {
    fn from(identity: &Identity) -> Self {
        Self { version: Some(identity.version.clone()), digest: Some(identity.digest.clone()) }
    }
}

/// A candidate that was not taken.
#[derive(Debug, Clone)]
pub(crate) struct Refused {
    pub(crate) subject: Subject,
    pub(crate) refusal: Refusal,
}

impl Refused {
    /// "1.3.0 refused: ...; 1.2.0 serves".
    pub(crate) fn text(&self, id: &str, serving: Option<&Identity>) -> String {
        let what = self.subject.version.as_ref().map_or_else(|| format!("{id}.wasm"), ToString::to_string);
        let serves = serving.map(|s| format!("; {} serves", s.version)).unwrap_or_default();
        match &self.refusal {
            Refusal::Quarantined(_) => format!("{what} is {}{serves}", self.refusal),
            Refusal::NeedsGrant(wanted) => {
                format!("{what} waits for an admin to grant {}{serves}", wanted.missing.words())
            }
            refusal => format!("{what} refused: {refusal}{serves}"),
        }
    }
}

/// Values of the operator that the plugin does not take.
#[derive(Debug, Clone)]
pub(crate) struct Unfit {
    pub(crate) mistakes: Vec<FieldError>,
    pub(crate) holds: Holds,
}

/// What holds in the place of values that do not fit.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Holds {
    /// The manifest's, since a start found no others.
    OwnValues,
    /// The operator's last ones that fitted.
    ValuesBefore,
}

impl Unfit {
    /// Which values do not fit, and what holds in their place.
    pub(crate) fn text(&self) -> String {
        let holds = match self.holds {
            Holds::OwnValues => "its own values",
            Holds::ValuesBefore => "the values before",
        };
        let mistakes = Failure::Invalid(self.mistakes.clone());
        format!("the configuration does not fit: {mistakes}; it serves with {holds}")
    }
}

/// What is known of one file beside the plugin that serves.
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// False once the file is gone; the history stays.
    pub(crate) present: bool,
    pub(crate) refused: Option<Refused>,
    /// Why the operator's values are not in force.
    pub(crate) unfit: Option<Unfit>,
    /// What the ledger said when it was last read.
    pub(crate) entry: Entry,
    /// Times that a version was taken out of service since the start.
    pub(crate) quarantines: u64,
    /// Times that a version gave its place back to the one before it since the start.
    pub(crate) rollbacks: u64,
    pub(crate) history: VecDeque<LifeEvent>,
}

/// Figures of one version: since the start, or since it came back after as many others as are kept.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    /// Version.
    pub version: Version,
    /// SHA-256 of its file.
    pub digest: String,
    /// What was counted.
    pub counters: Counters,
}

/// What counts the calls of a version.
type Counted = (Arc<Identity>, Arc<Stats>);

/// Records, logs and listeners of one runtime.
#[derive(Debug)]
pub(crate) struct Life {
    limits: Limits,
    records: Mutex<BTreeMap<String, Record>>,
    logs: Mutex<HashMap<String, Arc<LogRing>>>,
    denials: Mutex<HashMap<String, Arc<AtomicU64>>>,
    /// By id, the version that was loaded last first.
    counted: Mutex<HashMap<String, VecDeque<Counted>>>,
    listeners: Mutex<Vec<mpsc::Sender<LifeEvent>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Life {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            records: Mutex::default(),
            logs: Mutex::default(),
            denials: Mutex::default(),
            counted: Mutex::default(),
            listeners: Mutex::default(),
        }
    }

    /// Counts what the versions of a plugin wanted and may not.
    pub(crate) fn denials(&self, id: &str) -> Arc<AtomicU64> {
        Arc::clone(lock(&self.denials).entry(id.to_owned()).or_default())
    }

    /// Counts the calls of a version, on from where it was when it served before.
    pub(crate) fn stats(&self, identity: &Arc<Identity>) -> Arc<Stats> {
        let mut counted = lock(&self.counted);
        let versions = counted.entry(identity.id.clone()).or_default();
        let before = versions.iter().position(|(of, _)| of == identity);
        let known = before.and_then(|at| versions.remove(at)).unwrap_or_else(|| (Arc::clone(identity), Arc::default()));
        let stats = Arc::clone(&known.1);
        versions.push_front(known);
        // One that serves, or has calls left, holds its counters: others than those go first.
        while versions.len() > COUNTED
            && let Some(oldest) = versions.iter().rposition(|(_, stats)| Arc::strong_count(stats) == 1)
        {
            versions.remove(oldest);
        }
        stats
    }

    /// Figures of the last versions of a plugin, the one that was loaded last first.
    pub(crate) fn figures(&self, id: &str) -> Vec<Figures> {
        let counted = lock(&self.counted);
        let figures = |(of, stats): &Counted| Figures {
            version: of.version.clone(),
            digest: of.digest.clone(),
            counters: stats.read(),
        };
        // What was loaded and never served has nothing to tell.
        let served = |(_, stats): &&Counted| Arc::strong_count(stats) > 1 || stats.read().calls > 0;
        counted.get(id).into_iter().flatten().filter(served).map(figures).collect()
    }

    /// The log of a plugin, which outlives its versions.
    pub(crate) fn log(&self, id: &str) -> Arc<LogRing> {
        let mut logs = lock(&self.logs);
        Arc::clone(logs.entry(id.to_owned()).or_insert_with(|| Arc::new(LogRing::new(&self.limits))))
    }

    pub(crate) fn lines(&self, id: &str) -> Option<Vec<LogLine>> {
        lock(&self.logs).get(id).map(|log| log.lines())
    }

    /// Lines of a plugin that were dropped.
    pub(crate) fn dropped(&self, id: &str) -> u64 {
        lock(&self.logs).get(id).map_or(0, |log| log.dropped())
    }

    pub(crate) fn subscribe(&self) -> mpsc::Receiver<LifeEvent> {
        let (sender, receiver) = mpsc::channel();
        lock(&self.listeners).push(sender);
        receiver
    }

    /// Writes an event to the history, the log and the listeners.
    pub(crate) fn tell(&self, id: &str, state: LifeState, subject: &Subject, took: Duration, detail: Option<String>) {
        let event = LifeEvent {
            at: millis(SystemTime::now()),
            id: id.to_owned(),
            state,
            version: subject.version.clone(),
            digest: subject.digest.clone(),
            took_ms: took.as_secs_f64() * 1e3,
            detail,
        };
        let (version, detail) = (event.version.as_ref().map(ToString::to_string), event.detail.as_deref());
        if matches!(state, LifeState::Refused | LifeState::Quarantined | LifeState::RolledBack | LifeState::Denied) {
            tracing::warn!(plugin = id, version, digest = event.digest, detail, "plugin {}", state.name());
        } else {
            tracing::debug!(plugin = id, version, digest = event.digest, detail, ?state, "plugin");
        }
        self.with(id, |record| {
            if record.history.len() == KEPT {
                record.history.pop_front();
            }
            record.history.push_back(event.clone());
        });
        lock(&self.listeners).retain(|listener| listener.send(event.clone()).is_ok());
    }

    /// Reads or changes a record, made where it is missing.
    pub(crate) fn with<R>(&self, id: &str, change: impl FnOnce(&mut Record) -> R) -> R {
        change(lock(&self.records).entry(id.to_owned()).or_default())
    }

    pub(crate) fn forget(&self, id: &str) {
        lock(&self.records).remove(id);
    }

    /// Every record of a file that is there, by id.
    pub(crate) fn each<R>(&self, mut read: impl FnMut(&String, &Record) -> R) -> Vec<R> {
        lock(&self.records).iter().filter(|(_, r)| r.present).map(|(id, r)| read(id, r)).collect()
    }
}
