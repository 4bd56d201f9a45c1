//! Loads candidates on threads of their own, so that compiling one holds up neither calls nor the next candidate.

use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, Sender},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::{Map, Value};
use wasmtime::component::Component;

use crate::{
    cache::Cache,
    clock::Clock,
    engine::{Host, Tier},
    error::{FieldError, Identity},
    http::Denials,
    ledger::Ledger,
    life::{Life, LifeState, Refused, Subject},
    load::{Load, Made, Stage},
    loader::Message,
    lock::Lock,
    log::millis,
    optimise::{self, Slow},
    plugin::Plugin,
    refusal::Refusal,
    signature::Signed,
    store::{Files, stem},
    strikes::Judge,
};

/// The most threads that load at once; the compiler itself uses all cores for one component.
const MOST_THREADS: usize = 4;

/// What is left to do for code that was compiled, once it serves.
#[derive(Default)]
struct After {
    /// Keep the code under the digest of what it was compiled from.
    keep: Option<(String, Component)>,
    /// Optimise what was compiled quickly.
    optimise: Option<Slow>,
}

/// One file to load.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) name: String,
    /// When the change was noticed.
    pub(crate) noticed: Instant,
    /// Digest of what serves; the same again is nothing to do.
    pub(crate) serving: Option<String>,
    /// Digest of what was refused for a reason that only other bytes can heal.
    pub(crate) refused: Option<String>,
    /// Digest of a kept version to load in the place of the file.
    pub(crate) kept: Option<String>,
    pub(crate) config: Map<String, Value>,
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The content is what serves already.
    Serving,
    /// The content is what was refused already.
    StillRefused,
    /// A plugin, the operator's values that it was made with, and the mistakes for which it was made without them.
    Loaded { plugin: Box<Plugin>, config: Map<String, Value>, unfit: Vec<FieldError>, took: Duration },
    /// Not taken.
    Refused(Refused),
}

/// What every worker needs.
#[derive(Debug)]
pub(crate) struct Workshop {
    pub(crate) host: Arc<Host>,
    pub(crate) files: Files,
    pub(crate) cache: Option<Cache>,
    pub(crate) ledger: Ledger,
    pub(crate) life: Life,
    pub(crate) clock: Clock,
}

impl Workshop {
    /// The time of day, milliseconds since the Unix epoch, UTC.
    pub(crate) fn now(&self) -> i64 {
        millis(self.clock.now())
    }

    /// Starts the threads; they end when the sender of `jobs` is gone.
    pub(crate) fn start(self: &Arc<Self>, jobs: Receiver<Job>, done: &Sender<Message>) -> std::io::Result<()> {
        let threads = thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS);
        let slow = optimise::start(Arc::clone(self))?;
        let jobs = Arc::new(Mutex::new(jobs));
        for number in 0..threads {
            let (shop, jobs, done, slow) = (Arc::clone(self), Arc::clone(&jobs), done.clone(), slow.clone());
            thread::Builder::new().name(format!("plugin-load-{number}")).spawn(move || {
                let next = || jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
                while let Ok(job) = next() {
                    let (name, kept) = (job.name.clone(), job.kept.clone());
                    let mut after = After::default();
                    let outcome = shop.caught(job, &mut after, &done);
                    if done.send(Message::Done { name, kept, outcome }).is_err() {
                        return;
                    }
                    // Once it serves: neither is a part of the swap.
                    if let (Some(cache), Some((digest, component))) = (&shop.cache, after.keep) {
                        cache.store(&shop.host.optimising().engine, &digest, &component);
                    }
                    if let Some(plugin) = after.optimise {
                        // That thread lives as long as this sender.
                        let _ = slow.send(plugin);
                    }
                }
            })?;
        }
        Ok(())
    }

    /// A panic while loading must not take the thread, and the file with it, out of service.
    fn caught(&self, job: Job, after: &mut After, done: &Sender<Message>) -> Outcome {
        catch_unwind(AssertUnwindSafe(|| self.load(job, after, done))).unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
            let refusal = Refusal::Compile(format!("the loader panicked: {text}"));
            Outcome::Refused(Refused { subject: Subject::default(), refusal })
        })
    }

    fn load(&self, job: Job, after: &mut After, done: &Sender<Message>) -> Outcome {
        let id = stem(&job.name);
        let seen = Instant::now();
        let read = match &job.kept {
            Some(digest) => self.files.copy(digest),
            None => self.files.stage(&job.name, &self.host.limits),
        };
        let staged = match read {
            Ok(staged) => staged,
            Err(refusal) => return Outcome::Refused(Refused { subject: Subject::default(), refusal }),
        };
        if job.serving.as_ref() == Some(&staged.digest) {
            return Outcome::Serving;
        }
        if job.refused.as_ref() == Some(&staged.digest) {
            return Outcome::StillRefused;
        }
        let subject = Subject { version: None, digest: Some(staged.digest.clone()) };
        let known = Cell::new(None);
        let fresh = Cell::new(None);
        let unfit = Cell::new(Vec::new());
        let leave_out = |mistakes| unfit.set(mistakes);
        let last = Cell::new(Instant::now());
        self.life.tell(id, LifeState::Seen, &subject, seen - job.noticed, None);
        self.life.tell(id, LifeState::Staged, &subject, last.get() - seen, None);
        let load = Load {
            host: &self.host,
            cache: self.cache.as_ref(),
            config: &job.config,
            // What serves goes on with its values; where nothing does, a plugin on its defaults is better than none.
            unfit: job.serving.is_none().then_some(&leave_out),
            log: &|id| self.life.log(id),
            check: &|identity, inspection| {
                known.set(Some(Subject::from(identity)));
                self.belongs(identity, &job.name)?;
                self.admits(identity, &inspection.signed)
            },
            stage: &|identity, stage| {
                let (state, detail) = match stage {
                    Stage::Verified => (LifeState::Verified, None),
                    Stage::Compiled(made) => {
                        if made.tier == Tier::Optimised && !made.from_cache {
                            fresh.set(Some((identity.digest.clone(), made.component.clone())));
                        }
                        (LifeState::Compiled, told(made))
                    }
                    Stage::Linked => (LifeState::Linked, None),
                    Stage::SelfTested => (LifeState::SelfTested, None),
                };
                let now = Instant::now();
                self.life.tell(id, state, &Subject::from(identity), now - last.replace(now), detail);
            },
            judge: &|identity| {
                let (done, id, digest) = (done.clone(), identity.id.clone(), identity.digest.clone());
                let strikes = self.host.limits.strikes.clone();
                Some(Judge::new(strikes, move |verdict| {
                    // After the end nobody is taken out of service.
                    let _ = done.send(Message::Judged { id: id.clone(), digest: digest.clone(), verdict });
                }))
            },
            stats: &|identity| self.life.stats(identity),
            denials: &|identity| {
                let (done, count) = (done.clone(), self.life.denials(&identity.id));
                let identity = Arc::new(identity.clone());
                Some(Denials::new(count, move |what| {
                    // After the end nobody listens.
                    let _ = done.send(Message::Denied { identity: Arc::clone(&identity), what });
                }))
            },
            self_tests: true,
            quick: true,
        };
        match load.run(&staged.bytes, &staged.digest) {
            Ok(plugin) => {
                after.keep = fresh.take();
                if plugin.tier() == Tier::Quick {
                    after.optimise = Some(Slow { code: Arc::downgrade(plugin.code()), bytes: staged.bytes });
                }
                let took = last.get() - job.noticed;
                Outcome::Loaded { plugin: Box::new(plugin), config: job.config, unfit: unfit.take(), took }
            }
            Err(refusal) => Outcome::Refused(Refused { subject: known.take().unwrap_or(subject), refusal }),
        }
    }

    /// Whether the operator lets a file in: by who signed it, and by the lock.
    pub(crate) fn admits(&self, identity: &Identity, signed: &Signed) -> Result<(), Refusal> {
        self.host.policy().admits(signed)?;
        Lock::admits(&self.files.plugins, identity)
    }

    /// A plugin's file has its id as a name, so that one id is one file.
    fn belongs(&self, identity: &Identity, name: &str) -> Result<(), Refusal> {
        let id = &identity.id;
        let own = format!("{id}.wasm");
        if own == name {
            Ok(())
        } else if self.files.stamp(&own).is_some() {
            Err(Refusal::DuplicateId { id: id.clone(), other: own })
        } else {
            Err(Refusal::IdMismatch { id: id.clone(), file: name.to_owned() })
        }
    }
}

/// How code was made, in words.
fn told(made: &Made) -> Option<String> {
    match (made.tier, &made.not_quick) {
        _ if made.from_cache => Some("from the cache".to_owned()),
        (Tier::Quick, _) => Some("by Winch, to serve at once".to_owned()),
        (Tier::Optimised, Some(why)) => Some(format!("by Cranelift, since Winch can't take it: {why}")),
        (Tier::Optimised, None) => None,
    }
}
