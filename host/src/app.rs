//! The parts of the server, handed to every handler.

use std::{ops::Deref, sync::Arc, time::Instant};

use anyhow::Result;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use crate::{
    auth::throttle::Throttle,
    config::ConfigStore,
    db::Db,
    events::Events,
    health::{Health, Part, State},
    lakehouse::{self, Lakehouse, operations::Operations},
    metrics::Metrics,
};

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
    /// Names this run of the server.
    pub boot: String,
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
        let runtime = crate::shim::plugins::open(&config.get())?;
        let (lakehouse, operations) = lakehouse::open(&config.get(), db.clone(), events.clone(), runtime).await?;
        Ok(Self(Arc::new(Parts {
            config,
            db,
            events,
            lakehouse,
            operations,
            metrics: Metrics::default(),
            health,
            throttle: Throttle::default(),
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
            boot: Uuid::now_v7().to_string(),
            started: Instant::now(),
        })))
    }

    /// The folder with everything that this server keeps.
    pub fn home(&self) -> std::path::PathBuf {
        self.config.get().home.clone()
    }

    /// Ends what runs: tells the tasks, waits for them, closes the database.
    pub async fn close(&self) {
        self.stopping.cancel();
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
            match sqlx::query_scalar!("SELECT 1").fetch_one(db.read()).await {
                Ok(_) => Part { state: State::Ok, detail: "answers".to_owned() },
                Err(error) => {
                    tracing::warn!(%error, "the state database does not answer");
                    Part { state: State::Down, detail: "does not answer; see the server's log".to_owned() }
                }
            }
        }
    });
}
