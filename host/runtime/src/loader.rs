//! The one thread that decides: which file is loaded when, what is published, what is retired.
//!
//! Everything comes to it as a message, so snapshots follow each other in one order. It never reads a plugin's content,
//! compiles or runs a plugin: workers do.

mod admission;
mod trust;

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Weak,
        mpsc::{Receiver, RecvTimeoutError, Sender},
    },
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use serde_json::{Map, Value};

use crate::{
    error::{FieldError, Identity},
    ledger::Entry,
    life::{Holds, LifeState, Refused, Subject, Unfit},
    lock::LOCK_FILE,
    plugin::Plugin,
    policy::Policy,
    refusal::Refusal,
    runtime::ConfigError,
    snapshot::Snapshot,
    store::{Stamp, is_plugin, stem},
    strikes::Verdict,
    watch::Watch,
    worker::{Job, Outcome, Workshop},
};

/// How long a file's size and time must stand still where nothing says that it was closed or renamed.
const QUIET: Duration = Duration::from_millis(100);
/// How long a file that ends too early counts as one that is still being written.
const UNFINISHED: Duration = Duration::from_secs(5);
/// How long a file may be gone before its plugin is retired: replacing one can leave a gap.
const GAP: Duration = Duration::from_secs(2);
/// How often the folder is read whether or not events came.
const RESCAN: Duration = Duration::from_secs(30);
/// The same where the system gives no events.
const RESCAN_UNWATCHED: Duration = Duration::from_secs(2);
/// How often replaced plugins are looked at until their last call is over.
const DRAIN: Duration = Duration::from_millis(100);

/// What the thread is told.
pub(crate) enum Message {
    /// Something happened to a file. `whole`: it was closed after writing, or renamed to this name.
    Changed { name: String, whole: bool },
    /// Read the folder.
    Rescan,
    /// A worker is done with a file, or with the kept version of that digest in its place.
    Done { name: String, kept: Option<String>, outcome: Outcome },
    /// The calls of a version say something of it.
    Judged { id: String, digest: String, verdict: Verdict },
    /// Look at what was decided about a plugin.
    Decided { id: String },
    /// A call wanted what is not granted.
    Denied { identity: Arc<Identity>, what: String },
    /// The operator's word.
    Policy(Box<Policy>),
    /// An operator's values for a plugin.
    Configure { id: String, values: Map<String, Value>, reply: Sender<Result<(), ConfigError>> },
    /// Answer once nothing is under way.
    Settle(Sender<()>),
    /// End.
    Shutdown,
}

/// What is known of one file.
#[derive(Default)]
struct Track {
    /// State of the file when it was last given to a worker.
    loaded: Option<Stamp>,
    /// State of the file when it was last looked at.
    looked: Option<Stamp>,
    /// When to look next, and why.
    due: Option<(Instant, Why)>,
    /// When the change was noticed that is to be loaded.
    noticed: Option<Instant>,
    /// When a file that ended too early is judged after all.
    unfinished: Option<Instant>,
    /// A worker has it.
    busy: bool,
    gone_since: Option<Instant>,
    refused: Option<Refused>,
    /// When a plugin whose calls are refused is tried again.
    release: Option<Instant>,
    /// The version that failed, while one is looked for that takes its place.
    failed: Option<Arc<Identity>>,
    /// Digests of the kept versions that were tried for it.
    tried: Vec<String>,
    /// The operator's word when it was given to a worker.
    word: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Why {
    /// It changed and was closed.
    Whole,
    /// It changed and may still be written.
    Quiet,
    /// It ended too early and gets another chance.
    Unfinished,
    /// Its plugin must be made again from the same bytes.
    Again,
    /// It is gone and may come back.
    Gone,
}

/// The thread's state.
pub(crate) struct Loader {
    shop: Arc<Workshop>,
    snapshot: Arc<ArcSwap<Snapshot>>,
    configs: HashMap<String, Map<String, Value>>,
    jobs: Sender<Job>,
    /// Of the plugins, and of the ledger.
    watches: [Watch; 2],
    tracks: HashMap<String, Track>,
    draining: Vec<(Weak<Plugin>, Arc<Identity>, Instant)>,
    waiting: Vec<Sender<()>>,
    next_scan: Instant,
    /// The folder could not be read at the last scan.
    unreadable: bool,
    /// Something changed since files that nobody needs were last removed.
    untidy: bool,
    /// State of the lock when it was last looked at; none where it has changed since.
    lock: Option<Option<Stamp>>,
    /// Times that the operator's word or the lock was another one.
    word: u64,
    /// Changes of ledgers that the disk did not take yet, by id: they hold, and are written with the next.
    unsaved: HashMap<String, Vec<Edit>>,
}

/// A change of what is known of a plugin.
type Edit = Box<dyn Fn(&mut Entry) + Send>;

impl Loader {
    pub(crate) fn new(
        shop: Arc<Workshop>,
        snapshot: Arc<ArcSwap<Snapshot>>,
        configs: HashMap<String, Map<String, Value>>,
        jobs: Sender<Job>,
        watches: [Watch; 2],
    ) -> Self {
        Self {
            shop,
            snapshot,
            configs,
            jobs,
            watches,
            tracks: HashMap::new(),
            draining: Vec::new(),
            waiting: Vec::new(),
            next_scan: Instant::now(),
            unreadable: false,
            untidy: true,
            lock: None,
            word: 0,
            unsaved: HashMap::new(),
        }
    }

    /// Runs until it is told to end.
    pub(crate) fn run(mut self, messages: &Receiver<Message>) {
        // Watch first and read then: what comes in between is seen by both.
        self.scan(Why::Whole);
        loop {
            self.look();
            self.drained();
            self.settle();
            match messages.recv_timeout(self.pause()) {
                Ok(Message::Shutdown) | Err(RecvTimeoutError::Disconnected) => return,
                Ok(message) => self.handle(message),
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    fn pause(&self) -> Duration {
        let due = self.tracks.values().filter(|t| !t.busy).filter_map(|t| Some(t.due?.0));
        let release = self.tracks.values().filter_map(|track| track.release);
        let drain = (!self.draining.is_empty()).then(|| Instant::now() + DRAIN);
        let next = due.chain(release).chain(drain).chain([self.next_scan]).min().unwrap_or(self.next_scan);
        next.saturating_duration_since(Instant::now())
    }

    fn handle(&mut self, message: Message) {
        match message {
            Message::Changed { name, whole } if is_plugin(&name) => {
                self.note(&name, if whole { Why::Whole } else { Why::Quiet });
            }
            Message::Changed { name, whole } if name == LOCK_FILE => {
                // One that is being written waits a moment: what is half of it would let nothing in.
                let wait = if whole { Duration::ZERO } else { QUIET };
                self.next_scan = self.next_scan.min(Instant::now() + wait);
                self.lock = None;
            }
            Message::Changed { name, .. } => {
                if let Some(id) = name.strip_suffix(".json") {
                    self.decided(id);
                }
            }
            Message::Shutdown => {}
            Message::Rescan => self.scan(Why::Quiet),
            Message::Done { name, kept: None, outcome } => self.done(&name, outcome),
            Message::Done { name, kept: Some(digest), outcome } => self.fallen(&name, &digest, outcome),
            Message::Judged { id, digest, verdict } => self.judged(&id, &digest, verdict),
            Message::Decided { id } => self.decided(&id),
            Message::Denied { identity, what } => self.denied(&identity, what),
            Message::Policy(policy) => self.obey(*policy),
            Message::Configure { id, values, reply } => {
                // Whoever asked may have gone away.
                let _ = reply.send(self.configure(&id, values));
            }
            Message::Settle(reply) => self.waiting.push(reply),
        }
    }

    /// Compares the folder with what is known.
    fn scan(&mut self, why: Why) {
        // All of them are renewed, whatever one says.
        let unwatched = self.watches.iter_mut().map(Watch::renew).filter(|watched| !watched).count();
        self.untidy = true;
        self.next_scan = Instant::now() + if unwatched == 0 { RESCAN } else { RESCAN_UNWATCHED };
        let names = match self.shop.files.list() {
            Ok(names) => names,
            Err(error) => {
                // Nothing is retired: a folder that is away, as a mount can be, says nothing about its files.
                if !std::mem::replace(&mut self.unreadable, true) {
                    tracing::warn!("the plugins folder cannot be read: {error}; what serves goes on");
                }
                return;
            }
        };
        self.unreadable = false;
        for name in names {
            let known = self.tracks.get(&name).and_then(|t| t.loaded);
            if known.is_none() || known != self.shop.files.stamp(&name) {
                self.note(&name, why);
            }
        }
        let gone: Vec<String> =
            self.tracks.keys().filter(|name| self.shop.files.stamp(name).is_none()).cloned().collect();
        gone.iter().for_each(|name| self.note(name, Why::Quiet));
        let known: Vec<String> = self.tracks.keys().map(|name| stem(name).to_owned()).collect();
        for id in &known {
            self.save(id);
            self.decided(id);
        }
        // The lock is a file of the folder that may have changed unseen, as they may have.
        let lock = Some(self.shop.files.stamp(LOCK_FILE));
        if std::mem::replace(&mut self.lock, lock) != lock {
            self.reconsider();
        }
    }

    /// Plans a look at a file.
    fn note(&mut self, name: &str, why: Why) {
        let now = Instant::now();
        let stamp = self.shop.files.stamp(name);
        let track = self.tracks.entry(name.to_owned()).or_default();
        if track.looked != stamp || track.noticed.is_none() {
            track.noticed = Some(now);
        }
        track.looked = stamp;
        track.due = match (stamp, why) {
            (None, _) => {
                let since = *track.gone_since.get_or_insert(now);
                Some((since + GAP, Why::Gone))
            }
            (Some(_), Why::Quiet) if !matches!(track.due, Some((_, Why::Whole | Why::Again))) => {
                Some((now + QUIET, Why::Quiet))
            }
            (Some(_), Why::Quiet) => track.due,
            (Some(_), why) => Some((now, why)),
        };
    }

    /// Looks at every file whose time has come.
    fn look(&mut self) {
        if self.next_scan <= Instant::now() {
            self.scan(Why::Quiet);
        }
        let now = Instant::now();
        let is_due = |t: &Track| !t.busy && t.due.is_some_and(|(at, _)| at <= now);
        let due: Vec<String> = self.tracks.iter().filter(|(_, t)| is_due(t)).map(|(name, _)| name.clone()).collect();
        due.iter().for_each(|name| self.look_at(name, now));
        self.release_due(now);
    }

    fn look_at(&mut self, name: &str, now: Instant) {
        let stamp = self.shop.files.stamp(name);
        let Some(track) = self.tracks.get_mut(name) else { return };
        let Some((_, why)) = track.due.take() else { return };
        let Some(stamp) = stamp else {
            let since = *track.gone_since.get_or_insert(now);
            if now.duration_since(since) >= GAP {
                self.retire(name);
            } else {
                track.due = Some((since + GAP, Why::Gone));
            }
            return;
        };
        track.gone_since = None;
        if why == Why::Quiet && track.looked != Some(stamp) {
            track.looked = Some(stamp);
            track.due = Some((now + QUIET, Why::Quiet));
            return;
        }
        let same_bytes = matches!(why, Why::Unfinished | Why::Again);
        // What could not be read before may be readable now, without another size or time.
        let unread = matches!(track.refused, Some(Refused { refusal: Refusal::Io(_), .. }));
        // One that was closed is read again: what was written in the same tick of the clock left no other stamp.
        if track.loaded == Some(stamp) && why != Why::Whole && !same_bytes && !unread {
            match track.unfinished {
                Some(judged) => track.due = Some((judged, Why::Unfinished)),
                None => track.noticed = None,
            }
            return;
        }
        self.load(name, stamp, same_bytes || unread, now);
    }

    fn load(&mut self, name: &str, stamp: Stamp, same_bytes: bool, now: Instant) {
        let id = stem(name);
        if !self.may_serve(name, stamp) {
            return;
        }
        let serving = self.snapshot.load().plugin(id).map(|p| p.identity().digest.clone());
        let Some(track) = self.tracks.get_mut(name) else { return };
        let refused = track.refused.as_ref().and_then(|r| r.subject.digest.clone());
        self.shop.life.with(id, |record| record.present = true);
        (track.loaded, track.busy, track.unfinished, track.word) = (Some(stamp), true, None, self.word);
        track.tried.clear();
        let job = Job {
            name: name.to_owned(),
            noticed: track.noticed.unwrap_or(now),
            serving,
            refused: refused.filter(|_| !same_bytes),
            kept: None,
            config: self.configs.get(id).cloned().unwrap_or_default(),
        };
        // The workers live as long as this sender.
        let _ = self.jobs.send(job);
    }

    fn done(&mut self, name: &str, outcome: Outcome) {
        let now = Instant::now();
        let Some(track) = self.tracks.get_mut(name) else { return };
        track.busy = false;
        let noticed = track.noticed.unwrap_or(now);
        // A change that came in between has a look planned and keeps its own time.
        track.noticed = track.due.map(|_| now);
        let id = stem(name);
        match outcome {
            Outcome::StillRefused => {}
            Outcome::Serving => {
                track.refused = None;
                self.shop.life.with(id, |record| record.refused = None);
            }
            Outcome::Loaded { plugin, config, unfit, took } => {
                let (plugin, unfit) = self.current(id, *plugin, &config, unfit);
                self.take(name, plugin, unfit, took);
            }
            Outcome::Refused(refused) => {
                // Still being copied, as long as nobody says that it is whole.
                let young = now.duration_since(noticed) < UNFINISHED;
                if refused.refusal.unfinished() && (young || track.due.is_some()) {
                    let judged = noticed + UNFINISHED;
                    (track.unfinished, track.noticed) = (Some(judged), Some(noticed));
                    track.due.get_or_insert((judged, Why::Unfinished));
                } else if self.shop.files.stamp(name).is_some() {
                    let another_word = track.word != self.word;
                    self.refuse(name, refused);
                    if another_word {
                        // What refused it may stand no longer.
                        self.note(name, Why::Again);
                    }
                    self.fall_back(name);
                } else {
                    self.note(name, Why::Gone);
                }
            }
        }
    }

    /// The plugin with the operator's values of now, which may have changed while it was loaded, and what is wrong with them.
    fn current(
        &self,
        id: &str,
        plugin: Plugin,
        config: &Map<String, Value>,
        unfit: Vec<FieldError>,
    ) -> (Plugin, Vec<FieldError>) {
        let now = self.configs.get(id).cloned().unwrap_or_default();
        if now == *config {
            return (plugin, unfit);
        }
        match plugin.with_config(&now) {
            Ok(plugin) => (plugin, Vec::new()),
            Err(mistakes) => (plugin, mistakes),
        }
    }

    fn refuse(&mut self, name: &str, refused: Refused) {
        let id = stem(name);
        self.untidy = true;
        let detail = refused.text(id, self.snapshot.load().plugin(id).map(|p| &**p.identity()));
        self.shop.life.with(id, |record| record.refused = Some(refused.clone()));
        let waits = matches!(refused.refusal, Refusal::NeedsGrant(_));
        let state = if waits { LifeState::Waiting } else { LifeState::Refused };
        self.shop.life.tell(id, state, &refused.subject, Duration::ZERO, Some(detail));
        if let Some(track) = self.tracks.get_mut(name) {
            track.refused = Some(refused);
        }
    }

    /// The file is gone for good.
    fn retire(&mut self, name: &str) {
        let id = stem(name);
        self.tracks.remove(name);
        self.write(id, |entry| entry.serving = None);
        if self.snapshot.load().plugin(id).is_none() {
            self.shop.life.forget(id);
            return;
        }
        self.shop.life.with(id, |record| (record.present, record.refused) = (false, None));
        self.swap(id, None);
        tracing::info!(plugin = id, "plugin retired");
    }

    /// Publishes a snapshot with `plugin` in the place of what has its id. Calls that hold the old one finish with it.
    fn swap(&mut self, id: &str, plugin: Option<Plugin>) {
        let before = self.snapshot.load_full();
        let mut plugins = before.map().clone();
        let old = match plugin {
            Some(plugin) => plugins.insert(id.to_owned(), Arc::new(plugin)),
            None => plugins.remove(id),
        };
        self.snapshot.store(Arc::new(Snapshot::new(before.generation() + 1, plugins)));
        self.untidy = true;
        if let Some(old) = old {
            let identity = Arc::clone(old.identity());
            self.shop.life.tell(id, LifeState::Draining, &Subject::from(&*identity), Duration::ZERO, None);
            self.draining.push((Arc::downgrade(&old), identity, Instant::now()));
        }
    }

    fn drained(&mut self) {
        let life = &self.shop.life;
        self.draining.retain(|(plugin, identity, since)| {
            let held = plugin.strong_count() > 0;
            if !held {
                life.tell(&identity.id, LifeState::Gone, &Subject::from(&**identity), since.elapsed(), None);
            }
            held
        });
    }

    fn configure(&mut self, id: &str, values: Map<String, Value>) -> Result<(), ConfigError> {
        let name = format!("{id}.wasm");
        let started = Instant::now();
        let track = self.tracks.get(&name);
        let in_force = track.is_none() || self.shop.life.with(id, |record| record.unfit.is_none());
        if in_force && self.configs.get(id).map_or(values.is_empty(), |before| *before == values) {
            return Ok(());
        }
        let serving = self.snapshot.load().plugin(id).cloned();
        let refused_for_it =
            matches!(track.and_then(|t| t.refused.as_ref()), Some(Refused { refusal: Refusal::Config(_), .. }));
        let Some(serving) = serving else {
            self.configs.insert(id.to_owned(), values);
            if track.is_some() {
                self.note(&name, Why::Again);
            }
            return Ok(());
        };
        let plugin = match serving.with_config(&values) {
            Ok(plugin) => plugin,
            Err(_) if refused_for_it => {
                // They are for the version that waits for them; the one that serves keeps what it has until then.
                self.configs.insert(id.to_owned(), values);
                self.note(&name, Why::Again);
                return Ok(());
            }
            Err(mistakes) => {
                self.shop.life.with(id, |record| {
                    let holds = record.unfit.as_ref().map_or(Holds::ValuesBefore, |before| before.holds);
                    record.unfit = Some(Unfit { mistakes: mistakes.clone(), holds });
                });
                return Err(ConfigError::Invalid(mistakes));
            }
        };
        let identity = Arc::clone(plugin.identity());
        self.configs.insert(id.to_owned(), values);
        self.shop.life.with(id, |record| record.unfit = None);
        drop(serving);
        self.swap(id, Some(plugin));
        self.shop.life.tell(id, LifeState::Configured, &Subject::from(&*identity), started.elapsed(), None);
        if refused_for_it {
            self.note(&name, Why::Again);
        }
        Ok(())
    }

    /// Removes the copies and the compiled code of what neither serves nor is kept.
    fn tidy(&self) {
        let serving = self.snapshot.load_full();
        let serving = serving.plugins().map(|plugin| plugin.identity().digest.clone());
        let refused = self.tracks.values().filter_map(|track| track.refused.as_ref()?.subject.digest.clone());
        let needed: HashSet<String> = serving.chain(refused).collect();
        let ids: HashSet<&str> = self.tracks.keys().map(|name| stem(name)).collect();
        self.shop.collect(needed, &ids);
    }

    fn settle(&mut self) {
        let working = |t: &Track| t.busy || matches!(t.due, Some((_, Why::Whole | Why::Quiet | Why::Again)));
        if !self.tracks.values().any(working) {
            // A folder that is away says nothing about what is needed.
            if !self.unreadable && std::mem::take(&mut self.untidy) {
                self.tidy();
            }
            for reply in self.waiting.drain(..) {
                let _ = reply.send(());
            }
        }
    }
}
