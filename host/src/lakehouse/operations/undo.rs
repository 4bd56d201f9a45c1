//! The way back from a job, as long as nothing was built on what it did.

use super::super::health::PluginRef;
use super::super::metadata::Metadata;
use super::action::{Action, Back};
use super::state::TableState;
use super::{Operations, Work, new_job};
use crate::db::jobs;
use crate::error::ApiError;

impl Operations {
    /// Puts the undo of a job in the queue.
    pub(crate) async fn undo(&self, id: &str, actor: &str) -> Result<super::JobView, ApiError> {
        let view = self.job(id).await?;
        let row = jobs::get(self.lakehouse.db.read(), id).await?;
        let (Some(row), table) = (row, view.table_id()) else {
            return Err(ApiError::not_found("job-not-found", format!("there is no job `{id}`")));
        };
        if let Some(undo) = jobs::undo_of(self.lakehouse.db.read(), id).await? {
            let words = format!("job {id} is being undone or was undone already, by job {undo}");
            return Err(ApiError::conflict("already-undone", words));
        }
        let located = self.lakehouse.locate(&table).await?;
        let metadata = self.lakehouse.metadata(&located).await?;
        let actions = way_back(&row, &metadata)?;
        let plugin = PluginRef {
            id: row.plugin_id.clone(),
            version: row.plugin_version.clone(),
            digest: row.plugin_digest.clone(),
        };
        let job = new_job("undo", &table, &actions, actor, &plugin)?;
        let job = jobs::Job { undo_of: Some(id.to_owned()), ..job };
        self.enqueue(Work { job, table, actions, planned: None, exact: true, undone: Some(row) }).await
    }
}

/// What brings the table back to where it was before the job; 409 with the reason where that would lose anything.
pub(super) fn way_back(job: &jobs::Job, now: &Metadata) -> Result<Vec<Action>, ApiError> {
    let refuse = |reason: &str| ApiError::conflict("cannot-undo", format!("job {} can't be undone: {reason}", job.id));
    let (Some(before), Some(after)) = (state(job.before.as_deref()), state(job.after.as_deref())) else {
        return Err(refuse("it has not ended, or never began"));
    };
    if after.table_uuid != now.table_uuid {
        return Err(refuse("the table was dropped and another made under its name"));
    }
    if after.snapshots < before.snapshots {
        return Err(refuse("it removed snapshots and their files, which nothing brings back"));
    }
    let done: Vec<Action> = serde_json::from_str(&job.steps).map_err(ApiError::internal)?;
    let mut actions = Vec::new();
    if before.schema_id != after.schema_id && done.iter().any(Action::changes_schema) {
        if now.current_schema_id != after.schema_id {
            return Err(refuse("the schema was changed again since"));
        }
        actions.push(Action::Back(Back::SetCurrentSchema { schema_id: before.schema_id, from: after.schema_id }));
    }
    let rewrote = done.iter().any(Action::rewrites);
    if before.snapshot_id != after.snapshot_id && (rewrote || done.iter().any(|a| a.target().is_some())) {
        if now.current_snapshot_id != after.snapshot_id {
            return Err(refuse("there are newer commits, which going back would lose"));
        }
        if rewrote && !only_rewrites(&before, now) {
            return Err(refuse("another writer committed while it ran, and going back would lose those rows"));
        }
        let targets: Vec<i64> = done.iter().filter_map(Action::target).collect();
        if !rewrote && after.snapshot_id != targets.last().copied() {
            return Err(refuse("another writer committed while it ran, and going back would lose those rows"));
        }
        let Some(snapshot) = before.snapshot_id.filter(|id| now.snapshot(*id).is_some()) else {
            return Err(refuse("the snapshot from before it is not kept any more"));
        };
        let from = after.snapshot_id.map(|id| id.to_string());
        actions.push(Action::Back(Back::SetCurrentSnapshot { snapshot_id: snapshot.to_string(), from }));
    }
    if actions.is_empty() {
        return Err(refuse("it changed neither the schema nor the current snapshot"));
    }
    Ok(actions)
}

/// Whether every commit since `before` holds the rows that were there before.
fn only_rewrites(before: &TableState, now: &Metadata) -> bool {
    let mut since = now.ancestors().into_iter().take_while(|id| Some(*id) != before.snapshot_id);
    since.all(|id| now.snapshot(id).is_some_and(|s| s.operation == "replace"))
}

fn state(json: Option<&str>) -> Option<TableState> {
    serde_json::from_str(json?).ok()
}
