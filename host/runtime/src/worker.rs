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

use crate::{
    cache::Cache,
    engine::Host,
    error::Identity,
    life::{Life, LifeState, Refused, Subject},
    load::{Load, Stage},
    loader::Message,
    plugin::Plugin,
    refusal::Refusal,
    store::{Files, stem},
};

/// The most threads that load at once; the compiler itself uses all cores for one component.
const MOST_THREADS: usize = 4;

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
    pub(crate) config: Map<String, Value>,
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The content is what serves already.
    Serving,
    /// The content is what was refused already.
    StillRefused,
    /// A plugin, and the operator's values that it was made with.
    Loaded { plugin: Box<Plugin>, config: Map<String, Value>, took: Duration },
    /// Not taken.
    Refused(Refused),
}

/// What every worker needs.
#[derive(Debug)]
pub(crate) struct Workshop {
    pub(crate) host: Arc<Host>,
    pub(crate) files: Files,
    pub(crate) cache: Option<Cache>,
    pub(crate) life: Life,
}

impl Workshop {
    /// Starts the threads; they end when the sender of `jobs` is gone.
    pub(crate) fn start(self: &Arc<Self>, jobs: Receiver<Job>, done: &Sender<Message>) -> std::io::Result<()> {
        let threads = thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS);
        let jobs = Arc::new(Mutex::new(jobs));
        for number in 0..threads {
            let (shop, jobs, done) = (Arc::clone(self), Arc::clone(&jobs), done.clone());
            thread::Builder::new().name(format!("plugin-load-{number}")).spawn(move || {
                let next = || jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
                while let Ok(job) = next() {
                    let name = job.name.clone();
                    let outcome = shop.caught(job);
                    if done.send(Message::Done { name, outcome }).is_err() {
                        return;
                    }
                }
            })?;
        }
        Ok(())
    }

    /// A panic while loading must not take the thread, and the file with it, out of service.
    fn caught(&self, job: Job) -> Outcome {
        catch_unwind(AssertUnwindSafe(|| self.load(job))).unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
            let refusal = Refusal::Compile(format!("the loader panicked: {text}"));
            Outcome::Refused(Refused { subject: Subject::default(), refusal })
        })
    }

    fn load(&self, job: Job) -> Outcome {
        let id = stem(&job.name);
        let seen = Instant::now();
        let staged = match self.files.stage(&job.name, &self.host.limits) {
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
        let last = Cell::new(Instant::now());
        self.life.tell(id, LifeState::Seen, &subject, seen - job.noticed, None);
        self.life.tell(id, LifeState::Staged, &subject, last.get() - seen, None);
        let load = Load {
            host: &self.host,
            cache: self.cache.as_ref(),
            config: &job.config,
            log: &|id| self.life.log(id),
            check: &|identity| {
                known.set(Some(Subject::from(identity)));
                self.belongs(identity, &job.name)
            },
            stage: &|identity, stage| {
                let (state, detail) = match stage {
                    Stage::Verified => (LifeState::Verified, None),
                    Stage::Compiled { from_cache: true } => (LifeState::Compiled, Some("from the cache".to_owned())),
                    Stage::Compiled { from_cache: false } => (LifeState::Compiled, None),
                    Stage::Linked => (LifeState::Linked, None),
                    Stage::SelfTested => (LifeState::SelfTested, None),
                };
                let now = Instant::now();
                self.life.tell(id, state, &Subject::from(identity), now - last.replace(now), detail);
            },
            self_tests: true,
        };
        match load.run(&staged.bytes, &staged.digest) {
            Ok(plugin) => {
                Outcome::Loaded { plugin: Box::new(plugin), config: job.config, took: last.get() - job.noticed }
            }
            Err(refusal) => Outcome::Refused(Refused { subject: known.take().unwrap_or(subject), refusal }),
        }
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
