//! The lakehouse: what is known of its tables (facts), how they are judged (health), and how they are changed
//! (operations). Reads never start Spark.

pub(crate) mod catalogs;
mod codec;
mod deletes;
pub(crate) mod embedded;
mod facts;
mod gather;
pub(crate) mod gauges;
pub(crate) mod health;
pub(crate) mod listing;
pub(crate) mod metadata;
mod open;
pub(crate) mod operations;
pub(crate) mod pages;
pub(crate) mod preview;
mod reach;
mod reader;
mod refresh;
pub(crate) mod schema;

use std::sync::Arc;
use std::time::Duration;

use drls_runtime::facts::TableId;
use drls_runtime::{Runtime, Snapshot};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::db::Db;
use crate::error::ApiError;
use crate::events::Events;
use crate::python::Python;
use catalogs::{Catalogs, Located};
use gauges::Gauges;
pub(crate) use open::open;
use reader::Reader;

/// What was read from Iceberg's files is read again after 30 days: so long at least does a dead file's share of the cache stay.
const KEPT_MS: i64 = 30 * 24 * 3_600_000;

/// Plans that nobody ran are kept so long after they expired, for who asks why an id is refused.
const PLANS_KEPT_MS: i64 = 2 * 24 * 3_600_000;

/// What was said while jobs ran is kept for 90 days; the jobs and the audit trail stay.
const LINES_KEPT_MS: i64 = 90 * 24 * 3_600_000;

/// Compiling every plugin anew on a slow machine.
const FIRST_LOAD: Duration = Duration::from_secs(120);

/// How long a request waits for the plugins after a start.
const LOADING_WAIT: Duration = Duration::from_secs(15);

/// Tables, their facts and their health.
#[derive(Clone)]
pub(crate) struct Lakehouse {
    pub(crate) db: Db,
    pub(crate) python: Arc<Python>,
    pub(crate) runtime: Arc<Runtime>,
    pub(crate) catalogs: Arc<Catalogs>,
    pub(crate) events: Events,
    pub(crate) gauges: Gauges,
    reader: Reader,
    lists: Arc<listing::Lists>,
    refresher: Arc<refresh::Refresher>,
    stopping: CancellationToken,
    /// False from the start of the plugin runtime until its first look at the folder is through.
    loaded: Arc<watch::Sender<bool>>,
}

impl Lakehouse {
    /// Puts the parts together; starts nothing.
    pub(crate) fn new(
        db: Db,
        python: Arc<Python>,
        runtime: Arc<Runtime>,
        catalogs: Catalogs,
        events: Events,
        stopping: CancellationToken,
    ) -> Self {
        let reader = Reader::new(db.clone(), python.clone());
        let refresher = Arc::new(refresh::Refresher::default());
        Self {
            db,
            python,
            runtime,
            catalogs: Arc::new(catalogs),
            events,
            gauges: Gauges::default(),
            reader,
            lists: Arc::default(),
            refresher,
            stopping,
            loaded: Arc::new(watch::Sender::new(true)),
        }
    }

    /// Says that plugins are being loaded, until the first look at the folder is through.
    pub(crate) fn await_plugins(&self) {
        self.loaded.send_replace(false);
        let (runtime, loaded, stopping) = (self.runtime.clone(), self.loaded.clone(), self.stopping.clone());
        tokio::task::spawn_blocking(move || {
            if !runtime.settle(FIRST_LOAD) && !stopping.is_cancelled() {
                tracing::warn!("some plugins are still being loaded; what is asked of them is answered without them");
            }
            loaded.send_replace(true);
        });
    }

    /// The plugins, once those that were in the folder at the start are loaded: no report leaves out a rule, and no
    /// operation is said to be missing, because the server has just started.
    pub(crate) async fn plugins(&self) -> Result<Arc<Snapshot>, ApiError> {
        let mut loaded = self.loaded.subscribe();
        let waited = tokio::time::timeout(LOADING_WAIT, loaded.wait_for(|loaded| *loaded)).await;
        if waited.is_err() {
            let words = "the plugins are still being loaded after the start; try again shortly";
            return Err(ApiError::unavailable("plugins-loading", words, Duration::from_secs(2)));
        }
        Ok(self.runtime.snapshot())
    }

    /// Where a table stands now; 404 where there is none.
    pub(crate) async fn locate(&self, id: &TableId) -> Result<Located, ApiError> {
        let located = self.catalogs.locate(id).await?;
        self.lists.stands(id, &located.metadata_location);
        Ok(located)
    }

    /// Forgets what was read long ago, plans that nobody ran and what was said while old jobs ran: the files and tables are
    /// still there.
    pub(crate) async fn forget_old(&self) -> Result<(), ApiError> {
        let now = crate::db::now().timestamp_millis();
        let mut tx = self.db.write().await?;
        crate::db::facts::forget(&mut tx, now - KEPT_MS).await?;
        crate::db::job_lines::forget(&mut tx, now - LINES_KEPT_MS).await?;
        crate::db::plans::forget(&mut *tx, now - PLANS_KEPT_MS).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Iceberg metadata of a table as it stands.
    pub(crate) async fn metadata(&self, table: &Located) -> Result<Arc<metadata::Metadata>, ApiError> {
        self.reader.metadata(table).await
    }
}

/// Namespace levels as the database keeps them.
pub(crate) fn namespace_key(namespace: &[String]) -> String {
    serde_json::Value::from(namespace.to_vec()).to_string()
}

/// Namespace levels as [`namespace_key`] wrote them.
pub(crate) fn namespace_of(key: &str) -> Vec<String> {
    serde_json::from_str(key).unwrap_or_default()
}

/// The text form of a table's name, as paths and bodies have it.
pub(crate) fn full_name(id: &TableId) -> String {
    let parts: Vec<String> = id.namespace.iter().chain([&id.name]).cloned().collect();
    // Another engine may have made a name that ours refuses; it is shown as it is.
    crate::api::names::TableName::new(parts.clone()).map_or_else(|_| parts.join("."), |name| name.to_string())
}

/// A time in ms since the epoch as RFC 3339 in UTC.
pub(crate) fn rfc3339(ms: i64) -> String {
    crate::db::time(ms).to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

/// How the audit log names a table.
pub(crate) fn subject(id: &TableId) -> String {
    format!("{}:{}", id.catalog, full_name(id))
}

impl std::fmt::Debug for Lakehouse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lakehouse").finish_non_exhaustive()
    }
}
