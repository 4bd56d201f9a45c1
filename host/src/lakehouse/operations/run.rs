//! The life of one job: wait for the table, see that the plan holds, run the steps, tell what happened.

use std::sync::Arc;
use std::time::Duration;

use drls_runtime::answer::{Effect, Step};
use drls_runtime::facts::TableId;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::super::metadata::Metadata;
use super::super::refresh::Due;
use super::action::Action;
use super::state::{Outcome, TableState, effect};
use super::undo::way_back;
use super::{Operations, Work, log};
use crate::db::{self, audit, jobs};
use crate::error::ApiError;
use crate::python;

/// How often a running rewrite is asked how far it is.
const PROGRESS_EVERY: Duration = Duration::from_millis(700);

/// Longest pause between two tries at what has to be known or written before a job is over.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// What a job did.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub(crate) struct JobResult {
    /// In the words of the promise.
    #[serde(flatten)]
    pub(crate) effect: Effect,
    /// Current snapshot afterwards, as text.
    pub(crate) snapshot_id: Option<String>,
    /// What the engine said of each step.
    #[schema(value_type = Vec<BTreeMap<String, Value>>)]
    pub(crate) steps: Vec<Value>,
}

/// Why a job did not succeed.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub(crate) struct JobError {
    /// Stable kebab-case code.
    pub(crate) code: String,
    /// What happened, and what of it was committed.
    pub(crate) detail: String,
}

impl From<&ApiError> for JobError {
    fn from(error: &ApiError) -> Self {
        Self { code: error.code().to_owned(), detail: error.detail().to_owned() }
    }
}

/// Partial progress lets a rewrite succeed though some of its commits did not.
fn partly_failed(number: usize, action: &Action, files: u64) -> JobError {
    JobError {
        code: "partly-failed".to_owned(),
        detail: format!(
            "step {number} ({}): {files} files could not be rewritten, another writer may have changed them; the rest \
             is committed; run the operation again for what is left",
            action.name()
        ),
    }
}

/// A rewrite whose commits failed, one or all: Spark counts their files nowhere. `bytes` is what was to be rewritten, where that
/// is known.
fn not_committed(number: usize, action: &Action, outcome: &Outcome, bytes: Option<u64>) -> Option<JobError> {
    let bytes =
        bytes.filter(|_| matches!(action, Action::Step(Step::RewriteDataFiles { filter, .. }) if filter.is_empty()))?;
    let (done, name) = (outcome.bytes_read(), action.name());
    let why =
        "another writer changed its files first, or the catalog could not be written: the job's log has Spark's words";
    let (code, what) = match done {
        0 if bytes > 0 => ("commit-failed", "nothing was committed"),
        _ if done < bytes => ("partly-failed", "some of it was committed and some was not"),
        _ => return None,
    };
    let detail = format!("step {number} ({name}): {what}, since {why}; run the operation again for what is left");
    Some(JobError { code: code.to_owned(), detail })
}

/// How the steps ended.
struct Ran {
    outcomes: Vec<Outcome>,
    error: Option<JobError>,
    cancelled: bool,
}

impl Operations {
    /// Runs a queued job to its end. Never fails: what goes wrong is the job's error.
    pub(super) async fn run(&self, work: Work, cancel: CancellationToken) {
        let id = work.job.id.clone();
        let table = work.table.clone();
        if let Err(error) = self.attempt(work, &cancel).await {
            let state = if cancel.is_cancelled() { "cancelled" } else { "failed" };
            self.end(&id, &table, state, None, None, Some(&JobError::from(&error))).await;
        }
    }

    async fn attempt(&self, mut work: Work, cancel: &CancellationToken) -> Result<(), ApiError> {
        let lock = self.lock_of(&work.table);
        let _one_writer = tokio::select! {
            guard = lock.lock() => guard,
            () = cancel.cancelled() => return Err(self.cancelled_before()),
        };
        self.tell_earlier(&work.table).await?;
        let located = self.lakehouse.locate(&work.table).await?;
        let (metadata, before) = self.lakehouse.state(&located).await?;
        if let Some(undone) = &work.undone {
            // What was true when it was asked for need not be when its turn comes.
            work.actions = way_back(undone, &metadata)?;
        }
        if let Some(planned) = &work.planned {
            let holds = planned.must_hold(&before.metadata_location, &metadata);
            if let Err(stale) = holds {
                if work.exact {
                    return Err(stale);
                }
                // Nobody named a plan: what counts is the table as it is when its turn comes.
                let plugin = self.plugin(&planned.operation).await?;
                let again = self.lakehouse.plan(plugin, &located, planned.arguments.clone(), &work.job.actor).await?;
                work.actions = again.plan.steps.iter().cloned().map(Action::Step).collect();
                work.planned = Some(again);
            }
        }
        if cancel.is_cancelled() {
            return Err(self.cancelled_before());
        }
        let began = self.begin(&work, &before).await?;
        // Starting Spark is no part of what the rewrite is measured by.
        let ready = match work.actions.iter().any(|a| a.call().spark) {
            true => self.spark.ensure(cancel).await,
            false => Ok(()),
        };
        let started = std::time::Instant::now();
        let ran = match ready {
            Ok(()) => self.steps(&work, cancel).await,
            Err(failure) => Ran {
                outcomes: Vec::new(),
                error: Some(JobError::from(&ApiError::from(failure))),
                cancelled: cancel.is_cancelled(),
            },
        };
        let duration = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.keep_spark(&work.job.id, &work.actions, began).await;
        self.conclude(&work, &before, ran, duration).await
    }

    /// Gives the time when it began.
    async fn begin(&self, work: &Work, before: &TableState) -> Result<i64, ApiError> {
        let json = |value: Result<String, _>| value.map_err(ApiError::internal);
        let (steps, before) = (json(serde_json::to_string(&work.actions))?, json(serde_json::to_string(before))?);
        let plan_id = work.planned.as_ref().map(|p| p.id.as_str());
        let mut tx = self.lakehouse.db.write().await?;
        let now = db::now().timestamp_millis();
        let begun = jobs::start(&mut *tx, &work.job.id, plan_id, &steps, &before, now).await?;
        tx.commit().await?;
        if !begun {
            return Err(ApiError::conflict("job-ended", "the job ended before its turn came"));
        }
        let (operation, table, actor) = (&work.job.operation, super::subject(&work.table), &work.job.actor);
        tracing::info!(job = work.job.id, operation, table, actor, "job begins");
        self.progress(&work.job.id, 0, i64::try_from(work.actions.len()).unwrap_or(0), "steps").await;
        Ok(now)
    }

    /// Runs the steps in order until one fails or the job is cancelled.
    async fn steps(&self, work: &Work, cancel: &CancellationToken) -> Ran {
        let mut ran = Ran { outcomes: Vec::new(), error: None, cancelled: false };
        let total = i64::try_from(work.actions.len()).unwrap_or(0);
        // Of a plan of several steps nobody knows which of them reads how much.
        let alone = work.planned.as_ref().filter(|_| work.actions.len() == 1);
        let to_rewrite = alone.and_then(|planned| planned.plan.effect.bytes_read);
        for (number, action) in work.actions.iter().enumerate() {
            if cancel.is_cancelled() {
                ran.cancelled = true;
                break;
            }
            let of = work.actions.len();
            if action.call().long {
                self.keep_lines(&work.job.id, &[log::step_begins(number + 1, of, action)]).await;
            }
            let span = tracing::info_span!("step", job = work.job.id, step = action.name());
            match self.step(work, action, cancel).instrument(span).await {
                Ok(outcome) => {
                    let failed = outcome.failed_files();
                    self.keep_lines(&work.job.id, &[log::step_done(number + 1, of, action, &outcome)]).await;
                    ran.error = match failed {
                        0 => not_committed(number + 1, action, &outcome, to_rewrite),
                        _ => Some(partly_failed(number + 1, action, failed)),
                    };
                    ran.outcomes.push(outcome);
                    if ran.error.is_some() {
                        break;
                    }
                }
                Err(failure) => {
                    ran.cancelled = cancel.is_cancelled();
                    let error = ApiError::from(failure);
                    if let Some(cause) = error.cause() {
                        tracing::debug!(job = work.job.id, step = action.name(), "{cause:#}");
                    }
                    ran.error = Some(JobError {
                        code: error.code().to_owned(),
                        detail: format!("step {} ({}): {}", number + 1, action.name(), error.detail()),
                    });
                    break;
                }
            }
            self.progress(&work.job.id, i64::try_from(number + 1).unwrap_or(0), total, "steps").await;
        }
        ran
    }

    async fn step(&self, work: &Work, action: &Action, cancel: &CancellationToken) -> Result<Outcome, python::Failure> {
        let call = action.call();
        let mut arguments = call.arguments;
        arguments["namespace"] = json!(work.table.namespace);
        arguments["name"] = json!(work.table.name);
        if !call.spark {
            arguments["catalog"] = json!(self.lakehouse.catalogs.get(Some(&work.table.catalog)).ok());
            arguments["job_id"] = json!(work.job.id);
            if let (Action::Step(Step::Rollback { .. }), Some(planned)) = (action, &work.planned) {
                // What was committed after the plan was looked at is not to be rolled over.
                arguments["expected"] = json!(planned.snapshot_id);
            }
            let lane = if call.long { python::Work::Long } else { python::Work::Short };
            return self.lakehouse.python.call(lane, call.function, arguments, call.deadline).await;
        }
        arguments["catalog"] = json!(work.table.catalog);
        arguments["tag"] = json!(work.job.id);
        let running = self.spark.call(call.function, json!({ "job": arguments }), call.deadline);
        tokio::pin!(running);
        let mut every = tokio::time::interval(PROGRESS_EVERY);
        let mut interrupted = false;
        loop {
            tokio::select! {
                outcome = &mut running => return outcome,
                () = cancel.cancelled(), if !interrupted => {
                    interrupted = true;
                    if let Err(error) = self.spark.interrupt(&work.job.id).await {
                        tracing::warn!(job = work.job.id, %error, "Spark could not be interrupted");
                    }
                }
                _ = every.tick() => {
                    if let Ok(progress) = self.spark.progress(&work.job.id).await
                        && progress.total > 0
                    {
                        self.progress(&work.job.id, progress.done, progress.total, "tasks").await;
                    }
                }
            }
        }
    }

    /// Tells how a job that began has ended: from the table as it is now, not from what was meant.
    async fn conclude(&self, work: &Work, before: &TableState, ran: Ran, duration: u64) -> Result<(), ApiError> {
        let Some((metadata, after)) = self.state_after(work).await? else { return Ok(()) };
        if after.table_uuid != before.table_uuid {
            let words =
                "the table was replaced by another one of its name while this ran; nothing of that one was changed";
            return Err(ApiError::conflict("commit-conflict", words));
        }
        let result = JobResult {
            effect: effect(before, &after, &ran.outcomes, duration),
            snapshot_id: after.snapshot_id.map(|id| id.to_string()),
            steps: ran.outcomes.into_iter().map(|o| o.0).collect(),
        };
        // Another writer's commits are not this job's.
        let moved = before.metadata_location != after.metadata_location;
        let some = moved && work.actions.iter().any(|action| action.committed(before, &metadata) != Some(false));
        let error = if ran.cancelled { Some(self.cancelled(some)) } else { ran.error };
        let state = match (&error, ran.cancelled) {
            (_, true) => "cancelled",
            (Some(_), false) => "failed",
            (None, false) => "succeeded",
        };
        self.end(&work.job.id, &work.table, state, Some(&after), Some(&result), error.as_ref()).await;
        self.lakehouse.refresh(vec![Due { id: work.table.clone(), listed: false }]);
        Ok(())
    }

    /// The table as the steps left it. A job whose steps have run is never told before that is known: while the table
    /// can't be read it is tried again, and where the server stops meanwhile the next start finds out.
    async fn state_after(&self, work: &Work) -> Result<Option<(Arc<Metadata>, TableState)>, ApiError> {
        let mut wait = Duration::from_secs(1);
        loop {
            let read = async { self.lakehouse.state(&self.lakehouse.locate(&work.table).await?).await };
            match read.await {
                Ok(read) => return Ok(Some(read)),
                Err(error) if error.code() == "table-not-found" => return Err(error),
                Err(error) => {
                    tracing::warn!(job = work.job.id, "what it committed can't be read yet: {}", error.detail());
                }
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => wait = (wait * 2).min(LONGEST_WAIT),
                () = self.inner.stopping.cancelled() => return Ok(None),
            }
        }
    }

    /// Writes the end of a job and its audit row in one transaction, and tells everyone. While the database can't be
    /// written it is tried again; where the server stops meanwhile, the next start finds out what was committed.
    pub(super) async fn end(
        &self,
        id: &str,
        table: &TableId,
        state: &str,
        after: Option<&TableState>,
        result: Option<&JobResult>,
        error: Option<&JobError>,
    ) {
        let write = async || {
            let after = after.map(serde_json::to_string).transpose()?;
            let result_text = result.map(serde_json::to_string).transpose()?;
            let error_text = error.map(serde_json::to_string).transpose()?;
            let end = jobs::End {
                state,
                after: after.as_deref(),
                result: result_text.as_deref(),
                error: error_text.as_deref(),
                at: db::now().timestamp_millis(),
            };
            let mut tx = self.lakehouse.db.write().await?;
            let ended = jobs::end(&mut *tx, id, &end).await?;
            if ended {
                let detail = json!({ "job": id, "state": state, "result": result, "error": error });
                let action = format!("job.{state}");
                audit::append(&mut tx, "system", &action, &super::subject(table), &detail).await?;
            }
            tx.commit().await?;
            anyhow::Ok(ended)
        };
        let mut wait = Duration::from_secs(1);
        loop {
            let error = match write().await {
                Ok(true) => break,
                Ok(false) => return,
                Err(error) => error,
            };
            if !error.downcast_ref::<sqlx::Error>().is_some_and(db::may_pass) {
                tracing::error!(job = id, "the end of the job can't be written; it is told later: {error:#}");
                return;
            }
            tracing::error!(job = id, "the end of the job can't be written yet: {error:#}");
            tokio::select! {
                () = tokio::time::sleep(wait) => wait = (wait * 2).min(LONGEST_WAIT),
                () = self.inner.stopping.cancelled() => return,
            }
        }
        match error {
            Some(JobError { code, detail }) if state == "failed" => {
                tracing::warn!(job = id, code, "job failed: {detail}")
            }
            Some(JobError { detail, .. }) => tracing::info!(job = id, "job {state}: {detail}"),
            None => tracing::info!(job = id, "job {state}"),
        }
        if let Ok(view) = self.job(id).await {
            self.lakehouse.gauges.ended(&view.operation, state);
            self.announce(&view);
        }
    }

    async fn progress(&self, id: &str, done: i64, total: i64, unit: &'static str) {
        let written = async {
            let mut tx = self.lakehouse.db.write().await?;
            jobs::progress(&mut *tx, id, done, total, unit).await?;
            tx.commit().await
        };
        if let Err(error) = written.await {
            tracing::warn!(job = id, %error, "progress was not written");
            return;
        }
        let data = json!({ "id": id, "progress": { "done": done, "total": total, "unit": unit } });
        self.lakehouse.events.publish("job.progressed", data);
    }

    fn cancelled_before(&self) -> ApiError {
        let error = self.cancelled(false);
        ApiError::conflict("cancelled", error.detail).with_code(error.code)
    }

    fn cancelled(&self, moved: bool) -> JobError {
        let told = if moved {
            "what it had committed until then stays; `result` tells what that is"
        } else {
            "nothing was committed"
        };
        if self.inner.stopping.is_cancelled() {
            JobError { code: "server-stopped".to_owned(), detail: format!("the server was stopped; {told}") }
        } else {
            JobError { code: "cancelled".to_owned(), detail: format!("cancelled on request; {told}") }
        }
    }
}
