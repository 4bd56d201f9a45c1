//! Plan -> job -> steps -> result beside promise -> audit row -> undo. One writer a table.

pub(crate) mod action;
mod estimate;
pub(crate) mod log;
pub(crate) mod plan;
mod recover;
mod run;
mod spark;
mod spark_log;
mod state;
mod undo;
mod undoable;
pub(crate) mod view;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use drls_runtime::facts::TableId;
use serde_json::Value;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Lakehouse, namespace_key, namespace_of, subject};
use crate::db::{self, audit, jobs};
use crate::error::{ApiError, FieldError};
use action::Action;
use plan::Planned;
pub(crate) use spark::{Settings as SparkSettings, Spark};
use view::JobView;

/// What somebody asks for.
pub(crate) struct Request {
    /// Operation id.
    pub(crate) operation: String,
    /// On which table.
    pub(crate) table: TableId,
    /// Arguments of the operation.
    pub(crate) arguments: Value,
    /// A plan to run exactly.
    pub(crate) plan: Option<String>,
    /// Who asks.
    pub(crate) actor: String,
}

/// Runs operations as jobs.
#[derive(Clone)]
pub(crate) struct Operations {
    pub(crate) lakehouse: Lakehouse,
    pub(crate) spark: Arc<Spark>,
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    /// One lock a table; an entry stays, tables are few beside their files.
    locks: Mutex<HashMap<TableId, Arc<tokio::sync::Mutex<()>>>>,
    /// Jobs of this process that have not ended.
    live: Mutex<HashMap<String, Live>>,
    tasks: TaskTracker,
    stopping: CancellationToken,
}

struct Live {
    cancel: CancellationToken,
    ended: watch::Receiver<bool>,
}

/// A job about to run: its row and, for an operation, the plan that it came with.
struct Work {
    job: jobs::Job,
    table: TableId,
    actions: Vec<Action>,
    planned: Option<Planned>,
    /// The caller named the plan, so no other may be run in its place.
    exact: bool,
    /// The job that this one undoes.
    undone: Option<jobs::Job>,
}

impl Operations {
    pub(crate) fn new(lakehouse: Lakehouse, spark: Arc<Spark>) -> Self {
        Self { lakehouse, spark, inner: Arc::default() }
    }

    /// What the operation would do; changes nothing.
    pub(crate) async fn dry_run(&self, request: &Request) -> Result<Planned, ApiError> {
        let plugin = self.plugin(&request.operation).await?;
        let table = self.lakehouse.locate(&request.table).await?;
        match &request.plan {
            Some(id) => {
                let planned = self.lakehouse.kept_plan(id, &request.operation, &request.table).await?;
                let repeated = request.arguments.as_object().is_none_or(serde_json::Map::is_empty);
                if repeated || request.arguments == planned.arguments {
                    return Ok(planned);
                }
                let words =
                    "the plan was made with other arguments; leave them out to run it, or plan anew without `plan`";
                Err(ApiError::unprocessable(vec![FieldError::new("/plan", words)]))
            }
            None => self.lakehouse.plan(plugin, &table, request.arguments.clone(), &request.actor).await,
        }
    }

    /// Puts the operation in the queue as a job; a plan that is named must still hold.
    pub(crate) async fn submit(&self, request: Request) -> Result<JobView, ApiError> {
        let exact = request.plan.is_some();
        let planned = self.dry_run(&request).await?;
        if exact {
            let table = self.lakehouse.locate(&request.table).await?;
            planned.must_hold(&table.metadata_location, &*self.lakehouse.metadata(&table).await?)?;
        }
        let actions: Vec<Action> = planned.plan.steps.iter().cloned().map(Action::Step).collect();
        let job = new_job(&request.operation, &request.table, &actions, &request.actor, &planned.plugin)?;
        let job = jobs::Job { plan_id: Some(planned.id.clone()), ..job };
        let work = Work { job, table: request.table, actions, planned: Some(planned), exact, undone: None };
        self.enqueue(work).await
    }

    /// Cancels a job that has not ended. What it committed stays, and is told.
    pub(crate) async fn cancel(&self, id: &str, actor: &str) -> Result<JobView, ApiError> {
        let job = self.job(id).await?;
        let token = self.live().get(id).map(|live| live.cancel.clone());
        let Some(token) = token else {
            return Err(ApiError::conflict(
                "job-ended",
                format!("the job has ended ({}); there is nothing to cancel", job.state),
            ));
        };
        let mut tx = self.lakehouse.db.write().await?;
        let detail = serde_json::json!({ "job": id, "operation": job.operation });
        audit::append(&mut tx, actor, "job.cancel", &subject(&job.table_id()), &detail).await?;
        tx.commit().await?;
        token.cancel();
        self.job(id).await
    }

    /// A job as it is now.
    pub(crate) async fn job(&self, id: &str) -> Result<JobView, ApiError> {
        JobView::of(self.row(id).await?, &self.lakehouse.db).await
    }

    /// A job's row.
    async fn row(&self, id: &str) -> Result<jobs::Job, ApiError> {
        jobs::get(self.lakehouse.db.read(), id).await?.ok_or_else(|| {
            ApiError::not_found("job-not-found", format!("there is no job `{id}`; GET /api/jobs lists them"))
        })
    }

    /// Waits until a job has ended or the time is over.
    pub(crate) async fn wait(&self, id: &str, limit: std::time::Duration) {
        let ended = self.live().get(id).map(|live| live.ended.clone());
        if let Some(mut ended) = ended {
            // Over time, or the job's task is gone: either way the job's row says how it stands.
            drop(tokio::time::timeout(limit, ended.wait_for(|done| *done)).await);
        }
    }

    /// No new jobs; those that run are cancelled and told so. Waits for them up to `limit`.
    pub(crate) async fn stop(&self, limit: std::time::Duration) {
        self.inner.stopping.cancel();
        self.inner.tasks.close();
        if tokio::time::timeout(limit, self.inner.tasks.wait()).await.is_err() {
            tracing::warn!("some jobs did not end in time; the next start finds out what they committed");
        }
    }

    /// The loaded operation of this id.
    pub(crate) async fn plugin(&self, id: &str) -> Result<Arc<drls_runtime::Plugin>, ApiError> {
        self.lakehouse.plugins().await?.operation(id).cloned().ok_or_else(|| {
            ApiError::not_found(
                "operation-not-loaded",
                format!("no plugin offers the operation `{id}`; GET /api/operations lists what is loaded"),
            )
        })
    }

    async fn enqueue(&self, work: Work) -> Result<JobView, ApiError> {
        if self.inner.stopping.is_cancelled() {
            let soon = std::time::Duration::from_secs(10);
            return Err(ApiError::unavailable("stopping", "the server is stopping; try again when it is back", soon));
        }
        let id = work.job.id.clone();
        let detail = serde_json::json!({
            "job": id, "plan": work.job.plan_id, "undo_of": work.job.undo_of, "plugin": {
                "id": work.job.plugin_id, "version": work.job.plugin_version, "digest": work.job.plugin_digest },
            "arguments": work.planned.as_ref().map(|p| &p.arguments),
        });
        let action = format!("table.{}", work.job.operation);
        let cancel = self.inner.stopping.child_token();
        let (done, ended) = watch::channel(false);
        // Before its row is there: who finds a row without a job behind it takes it for one that a crash left.
        self.live().insert(id.clone(), Live { cancel: cancel.clone(), ended });
        let queue = async {
            let mut tx = self.lakehouse.db.write().await?;
            jobs::insert(&mut *tx, &work.job).await.map_err(|error| already_undone(error, &work.job))?;
            audit::append(&mut tx, &work.job.actor, &action, &subject(&work.table), &detail).await?;
            tx.commit().await?;
            Ok::<_, ApiError>(())
        };
        if let Err(error) = queue.await {
            self.live().remove(&id);
            return Err(error);
        }
        let operations = self.clone();
        self.inner.tasks.spawn(async move {
            let id = work.job.id.clone();
            operations.run(work, cancel).await;
            operations.live().remove(&id);
            done.send_replace(true);
        });
        let view = self.job(&id).await?;
        self.announce(&view);
        Ok(view)
    }

    fn announce(&self, job: &JobView) {
        match serde_json::to_value(job) {
            Ok(value) => {
                self.lakehouse.events.publish("job.changed", value);
            }
            Err(error) => tracing::error!(%error, "a job can't be told as an event"),
        }
    }

    fn live(&self) -> std::sync::MutexGuard<'_, HashMap<String, Live>> {
        self.inner.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_of(&self, table: &TableId) -> Arc<tokio::sync::Mutex<()>> {
        let mut locks = self.inner.locks.lock().unwrap_or_else(PoisonError::into_inner);
        locks.entry(table.clone()).or_default().clone()
    }
}

fn new_job(
    operation: &str,
    table: &TableId,
    actions: &[Action],
    actor: &str,
    plugin: &super::health::PluginRef,
) -> Result<jobs::Job, ApiError> {
    Ok(jobs::Job {
        id: uuid::Uuid::now_v7().to_string(),
        operation: operation.to_owned(),
        catalog: table.catalog.clone(),
        namespace: namespace_key(&table.namespace),
        name: table.name.clone(),
        state: "queued".to_owned(),
        plan_id: None,
        undo_of: None,
        undone_by: None,
        steps: serde_json::to_string(actions).map_err(ApiError::internal)?,
        progress_done: 0,
        progress_total: 0,
        progress_unit: "steps".to_owned(),
        before: None,
        after: None,
        result: None,
        error: None,
        actor: actor.to_owned(),
        plugin_id: plugin.id.clone(),
        plugin_version: plugin.version.clone(),
        plugin_digest: plugin.digest.clone(),
        created_at: db::now().timestamp_millis(),
        started_at: None,
        ended_at: None,
    })
}

fn table_of(job: &jobs::Job) -> TableId {
    TableId { catalog: job.catalog.clone(), namespace: namespace_of(&job.namespace), name: job.name.clone() }
}

/// The one unique constraint of the table: a job is undone once.
fn already_undone(error: sqlx::Error, job: &jobs::Job) -> ApiError {
    match (&job.undo_of, error.as_database_error().map(|e| e.is_unique_violation())) {
        (Some(id), Some(true)) => {
            ApiError::conflict("already-undone", format!("job {id} is being undone or was undone already"))
        }
        _ => error.into(),
    }
}

impl std::fmt::Debug for Operations {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Operations").finish_non_exhaustive()
    }
}
