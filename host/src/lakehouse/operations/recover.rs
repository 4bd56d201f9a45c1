//! After a crash: every job that had not ended is told truthfully, from the table itself.

use drls_runtime::facts::TableId;

use super::super::namespace_key;
use super::action::{Action, replaced_since};
use super::run::{JobError, JobResult};
use super::state::{TableState, effect};
use super::{Operations, table_of};
use crate::db::jobs;
use crate::error::ApiError;

impl Operations {
    /// Ends the jobs that an earlier run of the server left behind. A table that can't be read now leaves its job as it
    /// is, for the next call.
    pub(crate) async fn recover(&self) -> Result<(), ApiError> {
        for state in ["queued", "running"] {
            let filter = jobs::Filter { state: Some(state), limit: i64::MAX, ..jobs::Filter::default() };
            for job in jobs::list(self.lakehouse.db.read(), &filter).await? {
                if self.live().contains_key(&job.id) {
                    continue;
                }
                let lock = self.lock_of(&table_of(&job));
                let _one_writer = lock.lock().await;
                if let Err(error) = self.tell(&job).await {
                    tracing::warn!(
                        job = job.id,
                        "what this job committed can't be found out now: {}; it is tried again later",
                        error.detail()
                    );
                }
            }
        }
        Ok(())
    }

    /// Ends the jobs of this table that an earlier run left behind, before another one changes what they left. The caller
    /// holds the table's lock.
    pub(super) async fn tell_earlier(&self, table: &TableId) -> Result<(), ApiError> {
        let namespace = namespace_key(&table.namespace);
        for state in ["queued", "running"] {
            let filter = jobs::Filter {
                catalog: Some(&table.catalog),
                namespace: Some(&namespace),
                name: Some(&table.name),
                state: Some(state),
                limit: i64::MAX,
                ..jobs::Filter::default()
            };
            for job in jobs::list(self.lakehouse.db.read(), &filter).await? {
                if !self.live().contains_key(&job.id) {
                    self.tell(&job).await?;
                }
            }
        }
        Ok(())
    }

    /// The caller holds the table's lock.
    async fn tell(&self, job: &jobs::Job) -> Result<(), ApiError> {
        // Whoever held the lock before may have told it.
        let Some(job) = jobs::get(self.lakehouse.db.read(), &job.id).await?.filter(|j| j.ended_at.is_none()) else {
            return Ok(());
        };
        let table = table_of(&job);
        let before: Option<TableState> = job.before.as_deref().and_then(|b| serde_json::from_str(b).ok());
        let Some(before) = before else {
            let detail = "the server stopped before this job began; nothing was changed; ask for it again";
            let error = JobError { code: "server-stopped".to_owned(), detail: detail.to_owned() };
            self.end(&job.id, &table, "failed", None, None, Some(&error)).await;
            return Ok(());
        };
        let actions: Vec<Action> = serde_json::from_str(&job.steps).map_err(ApiError::internal)?;
        let located = self.lakehouse.locate(&table).await?;
        let (metadata, after) = self.lakehouse.state(&located).await?;
        if let Some(began) = job.started_at {
            self.keep_spark(&job.id, &actions, began).await;
        }
        let committed: Vec<Option<bool>> = actions.iter().map(|a| a.committed(&before, &metadata)).collect();
        let result = JobResult {
            effect: drls_runtime::answer::Effect {
                snapshots_removed: Some(before.snapshots.saturating_sub(after.snapshots)),
                duration: None,
                ..effect(&before, &after, &[], 0)
            },
            snapshot_id: after.snapshot_id.map(|id| id.to_string()),
            steps: Vec::new(),
        };
        // A rewrite commits in parts: that some are there does not say that all are.
        let whole = committed.iter().all(|c| *c == Some(true)) && replaced_since(&before, &metadata) == 0;
        if whole {
            self.end(&job.id, &table, "succeeded", Some(&after), Some(&result), None).await;
            return Ok(());
        }
        let told = actions.iter().zip(&committed).map(|(action, committed)| match committed {
            Some(true) if action.rewrites() => format!("{}: committed at least in part", action.name()),
            Some(true) => format!("{}: committed", action.name()),
            Some(false) if action.call().spark && self.spark.is_remote() => {
                format!("{}: may have gone on in the remote Spark, and is not committed yet", action.name())
            }
            Some(false) => format!("{}: not committed", action.name()),
            None => format!("{}: may have deleted some of its files; it is safe to run again", action.name()),
        });
        let parts = match replaced_since(&before, &metadata) {
            0 => String::new(),
            n => format!(" ({n} commits of the rewrite are in the table; their rows are the same)"),
        };
        let detail = format!(
            "the server was killed while this ran; {}{parts}; run the operation again for what is left",
            told.collect::<Vec<_>>().join("; ")
        );
        let error = JobError { code: "server-killed".to_owned(), detail };
        self.end(&job.id, &table, "failed", Some(&after), Some(&result), Some(&error)).await;
        Ok(())
    }
}
