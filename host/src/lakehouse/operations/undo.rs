//! The way back from a job, as long as nothing was built on what it did.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::health::PluginRef;
use super::super::metadata::{Metadata, Snapshot};
use super::action::{Action, Back};
use super::plan::MOST_WRITABLE;
use super::run::JobResult;
use super::state::TableState;
use super::{Operations, Work, new_job, table_of};
use crate::db::jobs;
use crate::error::ApiError;

impl Operations {
    /// Puts the undo of a job in the queue.
    pub(crate) async fn undo(&self, id: &str, actor: &str) -> Result<super::JobView, ApiError> {
        let row = self.row(id).await?;
        if let Some(undo) = &row.undone_by {
            let words = format!("job {id} is being undone or was undone already, by job {undo}");
            return Err(ApiError::conflict("already-undone", words));
        }
        let table = table_of(&row);
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
    let done = steps(job)?;
    ways(job, &done, now)
        .map_err(|reason| ApiError::conflict("cannot-undo", format!("job {} can't be undone: {reason}", job.id)))
}

/// What the job was to run.
pub(super) fn steps(job: &jobs::Job) -> Result<Vec<Action>, ApiError> {
    serde_json::from_str(&job.steps).map_err(ApiError::internal)
}

/// What there is to take back, or why there is no way back whatever the table is like now, as the job's own row tells.
pub(super) fn closed(job: &jobs::Job, done: &[Action]) -> Result<Way, &'static str> {
    if job.ended_at.is_none() {
        return Err("it has not ended; cancel it to stop it");
    }
    let Some(before) = state(job.before.as_deref()) else {
        return Err("it never began, so it changed nothing");
    };
    let Some(after) = state(job.after.as_deref()) else {
        return Err("nobody saw how it left the table");
    };
    if after.snapshots < before.snapshots {
        return Err("it removed snapshots and their files, which nothing brings back");
    }
    // As its own commits found and left the schema: what others changed just before or after is theirs.
    let (found, left) = schemas(job, done).unwrap_or((before.schema_id, after.schema_id));
    let schema = (found != left && done.iter().any(Action::changes_schema)).then_some((found, left));
    let rewrote = done.iter().any(Action::rewrites);
    let snapshot = before.snapshot_id != after.snapshot_id && (rewrote || done.iter().any(|a| a.target().is_some()));
    if schema.is_none() && !snapshot {
        return Err("it changed neither the schema nor the current snapshot");
    }
    Ok(Way { before, after, schema, snapshot })
}

/// What there is to take back of a job.
pub(super) struct Way {
    before: TableState,
    after: TableState,
    /// The schemas that its commits found and left.
    schema: Option<(i32, i32)>,
    /// It moved the main branch.
    snapshot: bool,
}

/// The steps back, or why there are none.
pub(super) fn ways(job: &jobs::Job, done: &[Action], now: &Metadata) -> Result<Vec<Action>, &'static str> {
    let Way { before, after, schema, snapshot } = closed(job, done)?;
    if after.table_uuid != now.table_uuid {
        return Err("the table was dropped and another made under its name");
    }
    let mut actions = Vec::new();
    if let Some((found, left)) = schema {
        if now.current_schema_id != left {
            return Err("the schema was changed again since");
        }
        if brings_back(now, found, left) && !files_kept(&before, now) {
            return Err(
                "files were rewritten since without the column that it would bring back, and with them its values, \
                        or the snapshots that would tell are not kept; an older snapshot has them while it is kept",
            );
        }
        let taken = &fields(now, left) - &fields(now, found);
        if !taken.is_empty() && written_since(&before, now, &taken) {
            return Err(
                "rows were written since (or their snapshots are not kept), which may have values in the column that \
                        it would take away; drop the column if nobody needs them",
            );
        }
        let seen = Some(now.current_snapshot_id.unwrap_or(-1).to_string());
        actions.push(Action::Back(Back::SetCurrentSchema { schema_id: found, from: left, seen }));
    }
    if snapshot {
        let rewrote = done.iter().any(Action::rewrites);
        if now.current_snapshot_id != after.snapshot_id {
            return Err("there are newer commits, which going back would lose");
        }
        if rewrote && !only_rewrites(&before, now) {
            return Err("another writer committed while it ran, and going back would lose those rows");
        }
        let targets: Vec<i64> = done.iter().filter_map(Action::target).collect();
        if !rewrote && after.snapshot_id != targets.last().copied() {
            return Err("another writer committed while it ran, and going back would lose those rows");
        }
        let Some(snapshot) = before.snapshot_id.filter(|id| now.snapshot(*id).is_some()) else {
            return Err("the snapshot from before it is not kept any more");
        };
        let from = after.snapshot_id.map(|id| id.to_string());
        actions.push(Action::Back(Back::SetCurrentSnapshot { snapshot_id: snapshot.to_string(), from }));
    }
    if now.format_version > MOST_WRITABLE {
        return Err("only the metadata of format versions 1 and 2 can be changed without Spark; Spark SQL can");
    }
    Ok(actions)
}

/// The schema that the job's first change of it was made on, and the one that its last change left; none where the job's
/// steps did not tell, as after a kill.
fn schemas(job: &jobs::Job, done: &[Action]) -> Option<(i32, i32)> {
    let result: JobResult = serde_json::from_str(job.result.as_deref()?).ok()?;
    let changes: Vec<_> = done.iter().zip(&result.steps).filter(|(a, _)| a.changes_schema()).map(|(_, s)| s).collect();
    let id = |step: &Value, key: &str| step.get(key)?.as_i64()?.try_into().ok();
    Some((id(changes.first()?, "previous_schema_id")?, id(changes.last()?, "schema_id")?))
}

/// Whether the schema `found` has a field, nested ones too, that `left` lacks.
fn brings_back(now: &Metadata, found: i32, left: i32) -> bool {
    !fields(now, found).is_subset(&fields(now, left))
}

/// Ids of all fields of a schema.
fn fields(now: &Metadata, schema: i32) -> BTreeSet<i32> {
    let schema = now.schemas.iter().find(|s| s.schema_id == schema);
    schema.into_iter().flat_map(|s| s.flat()).map(|f| f.id).collect()
}

/// Whether a commit since `before` may have added rows with one of these fields; one that only rewrote files did not. True
/// too where the snapshots that would tell are not kept. Other branches are looked at as well.
fn written_since(before: &TableState, now: &Metadata, of: &BTreeSet<i32>) -> bool {
    let has_it = |s: &Snapshot| s.schema_id.is_none_or(|id| !fields(now, id).is_disjoint(of));
    let later = |s: &Snapshot| before.known.as_ref().is_none_or(|known| !known.has(s));
    let wrote = |s: &Snapshot| later(s) && s.operation != "replace" && adds_files(s) && has_it(s);
    since(before, now).is_none() || now.snapshots.iter().any(wrote)
}

fn adds_files(snapshot: &Snapshot) -> bool {
    snapshot.summary.get("added-data-files").is_some_and(|files| files != "0")
}

/// Whether the rows that were there `before` are still in the files that they were in then: whatever writes rows anew
/// leaves a dropped column out. False too where the snapshots that would tell are not kept.
fn files_kept(before: &TableState, now: &Metadata) -> bool {
    let anew = |s: &&Snapshot| adds_files(s) && matches!(s.operation.as_str(), "overwrite" | "replace");
    since(before, now).is_some_and(|commits| !commits.iter().any(anew))
}

/// Whether every commit since `before` holds the rows that were there before. False where that can't be told.
fn only_rewrites(before: &TableState, now: &Metadata) -> bool {
    since(before, now).is_some_and(|commits| commits.iter().all(|s| s.operation == "replace"))
}

/// The commits of the current history that are not in that of `before`, newest first; none where snapshots between the two
/// are not kept, so that nobody knows what they did.
fn since<'a>(before: &TableState, now: &'a Metadata) -> Option<Vec<&'a Snapshot>> {
    let mut known = BTreeSet::new();
    let mut next = before.snapshot_id.and_then(|id| now.snapshot(id));
    while let Some(snapshot) = next.filter(|s| known.insert(s.id)) {
        next = snapshot.parent.and_then(|id| now.snapshot(id));
    }
    let mut commits = Vec::new();
    for snapshot in now.ancestors().into_iter().filter_map(|id| now.snapshot(id)) {
        if known.contains(&snapshot.id) {
            return Some(commits);
        }
        commits.push(snapshot);
    }
    let from_the_first = commits.last().is_none_or(|first| first.parent.is_none());
    (before.snapshot_id.is_none() && from_the_first).then_some(commits)
}

fn state(json: Option<&str>) -> Option<TableState> {
    serde_json::from_str(json?).ok()
}
