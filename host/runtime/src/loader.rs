//! The one thread that decides: which file is loaded when, what is published, what is retired.
//!
//! Everything comes to it as a message, so snapshots follow each other in one order. It never reads a file's content,
//! compiles or runs a plugin: workers do.

use std::{
    collections::HashMap,
    sync::{
        Arc, Weak,
        mpsc::{Receiver, RecvTimeoutError, Sender},
    },
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use serde_json::{Map, Value};

use crate::{
    error::Identity,
    life::{LifeState, Refused, Subject},
    plugin::Plugin,
    refusal::Refusal,
    runtime::ConfigError,
    snapshot::Snapshot,
    store::{Stamp, is_plugin, stem},
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
    /// A worker is done with a file.
    Done { name: String, outcome: Outcome },
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
    watch: Watch,
    tracks: HashMap<String, Track>,
    draining: Vec<(Weak<Plugin>, Arc<Identity>, Instant)>,
    waiting: Vec<Sender<()>>,
    next_scan: Instant,
    /// The folder could not be read at the last scan.
    unreadable: bool,
}

impl Loader {
    pub(crate) fn new(
        shop: Arc<Workshop>,
        snapshot: Arc<ArcSwap<Snapshot>>,
        configs: HashMap<String, Map<String, Value>>,
        jobs: Sender<Job>,
        watch: Watch,
    ) -> Self {
        Self {
            shop,
            snapshot,
            configs,
            jobs,
            watch,
            tracks: HashMap::new(),
            draining: Vec::new(),
            waiting: Vec::new(),
            next_scan: Instant::now(),
            unreadable: false,
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
        let drain = (!self.draining.is_empty()).then(|| Instant::now() + DRAIN);
        let next = due.chain(drain).chain([self.next_scan]).min().unwrap_or(self.next_scan);
        next.saturating_duration_since(Instant::now())
    }

    fn handle(&mut self, message: Message) {
        match message {
            Message::Changed { name, whole } if is_plugin(&name) => {
                self.note(&name, if whole { Why::Whole } else { Why::Quiet });
            }
            Message::Changed { .. } | Message::Shutdown => {}
            Message::Rescan => self.scan(Why::Quiet),
            Message::Done { name, outcome } => self.done(&name, outcome),
            Message::Configure { id, values, reply } => {
                // Whoever asked may have gone away.
                let _ = reply.send(self.configure(&id, values));
            }
            Message::Settle(reply) => self.waiting.push(reply),
        }
    }

    /// Compares the folder with what is known.
    fn scan(&mut self, why: Why) {
        let watched = self.watch.renew();
        self.next_scan = Instant::now() + if watched { RESCAN } else { RESCAN_UNWATCHED };
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
        if track.loaded == Some(stamp) && !same_bytes && !unread {
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
        let serving = self.snapshot.load().plugin(id).map(|p| p.identity().digest.clone());
        let Some(track) = self.tracks.get_mut(name) else { return };
        let refused = track.refused.as_ref().and_then(|r| r.subject.digest.clone());
        self.shop.life.with(id, |record| record.present = true);
        (track.loaded, track.busy, track.unfinished) = (Some(stamp), true, None);
        let job = Job {
            name: name.to_owned(),
            noticed: track.noticed.unwrap_or(now),
            serving,
            refused: refused.filter(|_| !same_bytes),
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
            Outcome::Loaded { plugin, config, took } => match self.current(id, *plugin, &config) {
                Ok(plugin) => self.publish(name, plugin, took),
                Err(refused) => self.refuse(name, refused),
            },
            Outcome::Refused(refused) => {
                // Still being copied, as long as nobody says that it is whole.
                let young = now.duration_since(noticed) < UNFINISHED;
                if refused.refusal.unfinished() && (young || track.due.is_some()) {
                    let judged = noticed + UNFINISHED;
                    (track.unfinished, track.noticed) = (Some(judged), Some(noticed));
                    track.due.get_or_insert((judged, Why::Unfinished));
                } else if self.shop.files.stamp(name).is_some() {
                    self.refuse(name, refused);
                } else {
                    self.note(name, Why::Gone);
                }
            }
        }
    }

    /// The plugin with the operator's values of now, which may have changed while it was loaded.
    fn current(&self, id: &str, plugin: Plugin, config: &Map<String, Value>) -> Result<Plugin, Refused> {
        let now = self.configs.get(id).cloned().unwrap_or_default();
        if now == *config {
            return Ok(plugin);
        }
        let refused =
            |mistakes| Refused { subject: Subject::from(&**plugin.identity()), refusal: Refusal::Config(mistakes) };
        plugin.with_config(&now).map_err(refused)
    }

    fn publish(&mut self, name: &str, plugin: Plugin, took: Duration) {
        let id = stem(name);
        if let Some(track) = self.tracks.get_mut(name) {
            track.refused = None;
        }
        let identity = Arc::clone(plugin.identity());
        self.shop.life.with(id, |record| record.refused = None);
        self.swap(id, Some(plugin));
        tracing::info!(plugin = id, version = %identity.version, digest = identity.digest, "plugin serves");
        self.shop.life.tell(id, LifeState::Active, &Subject::from(&*identity), took, None);
    }

    fn refuse(&mut self, name: &str, refused: Refused) {
        let id = stem(name);
        let detail = refused.text(id, self.snapshot.load().plugin(id).map(|p| &**p.identity()));
        self.shop.life.with(id, |record| record.refused = Some(refused.clone()));
        self.shop.life.tell(id, LifeState::Refused, &refused.subject, Duration::ZERO, Some(detail));
        if let Some(track) = self.tracks.get_mut(name) {
            track.refused = Some(refused);
        }
    }

    /// The file is gone for good.
    fn retire(&mut self, name: &str) {
        let id = stem(name);
        self.tracks.remove(name);
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
        let serving = self.snapshot.load().plugin(id).cloned();
        let Some(track) = self.tracks.get(&name) else { return Err(ConfigError::UnknownPlugin(id.to_owned())) };
        let refused_for_it = matches!(track.refused, Some(Refused { refusal: Refusal::Config(_), .. }));
        let Some(serving) = serving else {
            self.configs.insert(id.to_owned(), values);
            self.note(&name, Why::Again);
            return Ok(());
        };
        let plugin = serving.with_config(&values).map_err(ConfigError::Invalid)?;
        let identity = Arc::clone(plugin.identity());
        self.configs.insert(id.to_owned(), values);
        drop(serving);
        self.swap(id, Some(plugin));
        self.shop.life.tell(id, LifeState::Configured, &Subject::from(&*identity), started.elapsed(), None);
        if refused_for_it {
            self.note(&name, Why::Again);
        }
        Ok(())
    }

    fn settle(&mut self) {
        let working = |t: &Track| t.busy || matches!(t.due, Some((_, Why::Whole | Why::Quiet | Why::Again)));
        if !self.tracks.values().any(working) {
            for reply in self.waiting.drain(..) {
                let _ = reply.send(());
            }
        }
    }
}
