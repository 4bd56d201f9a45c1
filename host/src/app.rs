//! The parts of the server, handed to every handler.

use std::{
    ops::Deref,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Result;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    api::idempotency::InFlight,
    auth::throttle::Throttle,
    config::ConfigStore,
    db::Db,
    events::Events,
    health::{Health, Part, State},
    lakehouse::{self, Lakehouse, operations::Operations},
    metrics::Metrics,
    plugins, python,
};

/// How long running jobs may take to end when the server stops; what they committed by then is told by the next start.
const JOBS_END: Duration = Duration::from_secs(4);

/// How often jobs whose table could not be read at the start are looked at again, and what is old is forgotten.
const LOOK_AGAIN: Duration = Duration::from_secs(600);

/// The one shared state; a clone is a pointer.
#[derive(Clone, Debug)]
pub struct App(Arc<Parts>);

/// What is behind an [`App`].
#[derive(Debug)]
pub struct Parts {
    /// Settings in force; take a snapshot with `get()`.
    pub config: ConfigStore,
    /// The state database.
    pub db: Db,
    /// What happened, for `GET /api/events`.
    pub events: Events,
    /// Counts and times for `GET /metrics`.
    pub metrics: Metrics,
    /// Tables, their facts and health.
    pub(crate) lakehouse: Lakehouse,
    /// Operations on tables, as jobs.
    pub(crate) operations: Operations,
    /// How the parts are, for `GET /api/health`.
    pub health: Health,
    /// Holds back guessing of passwords.
    pub throttle: Throttle,
    /// Cancelled when the server is to stop; long-lived answers and tasks end then.
    pub stopping: CancellationToken,
    /// Tasks that the server waits for before it ends.
    pub tasks: TaskTracker,
    /// Requests with an `Idempotency-Key` that are worked on.
    pub in_flight: InFlight,
    /// When it started.
    pub started: Instant,
}

impl App {
    /// Puts the parts together: opens the database, which is quick; starts nothing that is slow.
    ///
    /// # Errors
    /// Those of [`Db::open`].
    pub async fn open(config: ConfigStore) -> Result<Self> {
        let db = Db::open(&config.get().home).await?;
        let health = Health::default();
        add_database(&health, &db);
        let events = Events::default();
        let stopping = CancellationToken::new();
        let runtime = plugins::open(&config.get())?;
        let (lakehouse, operations) =
            lakehouse::open(&config.get(), db.clone(), events.clone(), runtime, stopping.clone())?;
        let metrics = Metrics::default();
        lakehouse.gauges.register(&metrics);
        metrics.collect(plugins::figures::Calls(lakehouse.runtime.clone()));
        add_lakehouse(&health, &lakehouse, &operations);
        Ok(Self(Arc::new(Parts {
            config,
            db,
            events,
            lakehouse,
            operations,
            metrics,
            health,
            throttle: Throttle::default(),
            stopping,
            tasks: TaskTracker::new(),
            in_flight: InFlight::default(),
            started: Instant::now(),
        })))
    }

    /// The folder with everything that this server keeps.
    pub fn home(&self) -> std::path::PathBuf {
        self.config.get().home.clone()
    }

    /// Starts what goes on beside the requests: loads and watches plugins, tells the jobs of an earlier run, forgets what is old.
    /// None of it starts Python or Spark unless a job was left behind.
    ///
    /// # Errors
    /// Where the plugins folder can't be watched.
    pub fn start(&self) -> Result<()> {
        plugins::start(&self.lakehouse.runtime, self.events.clone(), self.db.clone())?;
        self.lakehouse.await_plugins();
        let app = self.clone();
        self.tasks.spawn(async move {
            loop {
                if let Err(error) = app.operations.recover().await {
                    tracing::error!("jobs of an earlier run can't be read: {}", error.detail());
                }
                if let Err(error) = app.lakehouse.forget_old().await {
                    tracing::warn!("what is old could not be forgotten: {}", error.detail());
                }
                tokio::select! {
                    () = tokio::time::sleep(LOOK_AGAIN) => {}
                    () = app.stopping.cancelled() => return,
                }
            }
        });
        Ok(())
    }

    /// Ends what runs: tells the tasks, waits for them, closes the database.
    pub async fn close(&self) {
        self.stopping.cancel();
        // A rewrite that does not hear that it is cancelled ends with its Spark.
        self.operations.stop(JOBS_END).await;
        self.operations.spark.stop().await;
        self.operations.stop(JOBS_END).await;
        self.lakehouse.runtime.shutdown();
        self.tasks.close();
        self.tasks.wait().await;
        self.db.close().await;
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// The database answers, or not.
fn add_database(health: &Health, db: &Db) {
    let db = db.clone();
    health.add("database", move || {
        let db = db.clone();
        async move {
            match db.ping().await {
                Ok(()) => Part { state: State::Ok, detail: "answers".to_owned() },
                Err(error) => {
                    tracing::warn!(%error, "the state database does not answer");
                    Part { state: State::Down, detail: "does not answer; see the server's log".to_owned() }
                }
            }
        }
    });
}

/// Python, the catalog, Spark and the plugins, as they are; asking starts none of them.
fn add_lakehouse(health: &Health, lakehouse: &Lakehouse, operations: &Operations) {
    let python = lakehouse.python.clone();
    health.add("python", move || {
        let (state, detail) = match python.state() {
            python::State::Idle => (State::Idle, "starts with the first read".to_owned()),
            python::State::Ready => (State::Ok, "runs".to_owned()),
            python::State::Failed(_) => (State::Down, "can't start; `drls doctor` says why".to_owned()),
        };
        std::future::ready(Part { state, detail })
    });
    let catalogs = lakehouse.catalogs.clone();
    let python = lakehouse.python.clone();
    health.add("catalog", move || {
        let (catalogs, ready) = (catalogs.clone(), python.state() == python::State::Ready);
        async move {
            if !ready {
                return Part { state: State::Idle, detail: "is opened with the first read".to_owned() };
            }
            match catalogs.check().await {
                Ok(()) => Part { state: State::Ok, detail: "the embedded catalog answers".to_owned() },
                Err(error) => Part { state: State::Down, detail: error.detail().to_owned() },
            }
        }
    });
    let spark = operations.spark.clone();
    health.add("spark", move || {
        let spark = spark.clone();
        async move { spark.part().await }
    });
    let runtime = lakehouse.runtime.clone();
    health.add("plugins", move || std::future::ready(plugins::part(&runtime)));
}
