//! What a job runs: the steps of a plan, or the way back. Each is one call of the Python side.

use std::time::Duration;

use drls_runtime::answer::{Step, Strategy};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::metadata::Metadata;
use super::state::TableState;

/// Metadata-only commits on a slow catalog.
const COMMIT_DEADLINE: Duration = Duration::from_secs(120);

/// Deletions and listings of millions of files.
const FILES_DEADLINE: Duration = Duration::from_secs(4 * 3600);

/// A rewrite of terabytes; it is cancelled by hand, not by this.
const REWRITE_DEADLINE: Duration = Duration::from_secs(48 * 3600);

/// One thing that a job does to the table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(untagged)]
pub(crate) enum Action {
    /// A step of a plan.
    Step(Step),
    /// A step of an undo.
    Back(Back),
}

/// The way back from a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(crate) enum Back {
    /// The main branch to the snapshot that was current before.
    SetCurrentSnapshot {
        /// As text.
        snapshot_id: String,
        /// The one that must be current until then.
        from: Option<String>,
    },
    /// The schema that was current before: dropped columns come back with their data, since their ids do.
    SetCurrentSchema {
        /// Schema id.
        schema_id: i32,
        /// The one that must be current until then.
        from: i32,
        /// The current snapshot that it was looked at with, which must be that still: text, "-1" for none.
        #[serde(default)]
        seen: Option<String>,
    },
}

/// How an action is called.
pub(crate) struct Call {
    /// Function of the `drls` package.
    pub(crate) function: &'static str,
    /// Its arguments beside the table.
    pub(crate) arguments: Value,
    /// Runs on Spark: has progress and can be interrupted.
    pub(crate) spark: bool,
    /// May take long without Spark.
    pub(crate) long: bool,
    /// When to give up waiting.
    pub(crate) deadline: Duration,
}

impl Call {
    fn commit(function: &'static str, arguments: Value) -> Self {
        Self { function, arguments, spark: false, long: false, deadline: COMMIT_DEADLINE }
    }

    fn files(function: &'static str, arguments: Value) -> Self {
        Self { function, arguments, spark: false, long: true, deadline: FILES_DEADLINE }
    }

    fn spark(function: &'static str, arguments: Value) -> Self {
        Self { function, arguments, spark: true, long: true, deadline: REWRITE_DEADLINE }
    }
}

impl Action {
    /// The call that does it.
    pub(crate) fn call(&self) -> Call {
        match self {
            Self::Step(step) => call(step),
            Self::Back(Back::SetCurrentSnapshot { snapshot_id, from }) => Call::commit(
                "operations.set_current_snapshot",
                json!({ "snapshot_id": number(snapshot_id), "expected": from.as_deref().map(number) }),
            ),
            Self::Back(Back::SetCurrentSchema { schema_id, from, seen }) => Call::commit(
                "operations.set_current_schema",
                json!({ "schema_id": schema_id, "expected": from, "seen": seen.as_deref().map(number) }),
            ),
        }
    }

    /// It changes the schema.
    pub(crate) fn changes_schema(&self) -> bool {
        matches!(
            self,
            Self::Step(Step::AddColumn { .. } | Step::RenameColumn { .. } | Step::DropColumn { .. })
                | Self::Back(Back::SetCurrentSchema { .. })
        )
    }

    /// It commits to the main branch files that hold the same rows as those before.
    pub(crate) fn rewrites(&self) -> bool {
        matches!(
            self,
            Self::Step(Step::RewriteDataFiles { .. } | Step::RewritePositionDeletes { .. } | Step::RewriteManifests)
        )
    }

    /// The snapshot that it sets the main branch to.
    pub(crate) fn target(&self) -> Option<i64> {
        match self {
            Self::Step(Step::Rollback { snapshot_id }) => Some(*snapshot_id),
            Self::Back(Back::SetCurrentSnapshot { snapshot_id, .. }) => snapshot_id.parse().ok(),
            _ => None,
        }
    }

    /// Its name in words, for errors and logs.
    pub(crate) fn name(&self) -> String {
        let kind = serde_json::to_value(self).ok();
        kind.as_ref().and_then(|v| v["kind"].as_str()).unwrap_or("step").to_owned()
    }

    /// Whether the table shows that this was committed after `before`; none where it leaves no trace in the metadata.
    /// This is how a job that a `kill -9` interrupted is told truthfully.
    pub(crate) fn committed(&self, before: &TableState, now: &Metadata) -> Option<bool> {
        let has = |path: &str| now.current_schema().is_some_and(|s| s.flat().iter().any(|f| f.path == path));
        let schema_moved = now.current_schema_id != before.schema_id;
        Some(match self {
            Self::Step(Step::AddColumn { path, .. }) => schema_moved && has(path),
            Self::Step(Step::DropColumn { path }) => schema_moved && !has(path),
            Self::Step(Step::RenameColumn { path, name }) => {
                let renamed = match path.rsplit_once('.') {
                    Some((parent, _)) => format!("{parent}.{name}"),
                    None => name.clone(),
                };
                schema_moved && has(&renamed) && !has(path)
            }
            Self::Step(Step::SetProperties { properties }) => {
                properties.iter().all(|(key, value)| now.properties.get(key) == Some(value))
            }
            Self::Step(Step::Rollback { snapshot_id }) => now.current_snapshot_id == Some(*snapshot_id),
            Self::Step(Step::ExpireSnapshots { snapshot_ids }) => {
                snapshot_ids.iter().all(|id| now.snapshot(*id).is_none())
            }
            Self::Step(Step::RemoveOrphanFiles { .. }) => return None,
            Self::Step(
                Step::RewriteDataFiles { .. } | Step::RewritePositionDeletes { .. } | Step::RewriteManifests,
            ) => replaced_since(before, now) > 0,
            Self::Back(Back::SetCurrentSnapshot { snapshot_id, .. }) => {
                now.current_snapshot_id.is_some_and(|id| id.to_string() == *snapshot_id)
            }
            Self::Back(Back::SetCurrentSchema { schema_id, .. }) => now.current_schema_id == *schema_id,
        })
    }
}

/// Commits of kind "replace" (rewrites, never new rows) on the main branch since `before`; none where the branch went back.
pub(crate) fn replaced_since(before: &TableState, now: &Metadata) -> usize {
    let ancestors = now.ancestors();
    if before.snapshot_id.is_some_and(|id| !ancestors.contains(&id)) {
        return 0;
    }
    ancestors
        .into_iter()
        .take_while(|id| Some(*id) != before.snapshot_id)
        .filter_map(|id| now.snapshot(id))
        .filter(|s| s.operation == "replace")
        .count()
}

fn call(step: &Step) -> Call {
    match step {
        Step::RewriteDataFiles { strategy, order, filter, options } => {
            let strategy = match strategy {
                Strategy::Binpack => "binpack",
                Strategy::Sort => "sort",
                Strategy::Zorder => "zorder",
            };
            Call::spark(
                "spark.rewrite_data_files",
                json!({ "strategy": strategy, "order": order, "filter": filter, "options": map(options) }),
            )
        }
        Step::RewritePositionDeletes { options } => {
            Call::spark("spark.rewrite_position_deletes", json!({ "options": map(options) }))
        }
        Step::RewriteManifests => Call::spark("spark.rewrite_manifests", json!({ "options": {} })),
        Step::ExpireSnapshots { snapshot_ids } => {
            Call::files("operations.expire_snapshots", json!({ "snapshot_ids": snapshot_ids }))
        }
        Step::RemoveOrphanFiles { older_than } => {
            Call::files("operations.remove_orphan_files", json!({ "older_than": older_than }))
        }
        Step::AddColumn { path, data_type, doc, after } => Call::commit(
            "operations.add_column",
            json!({ "path": path, "data_type": data_type, "doc": doc, "after": after }),
        ),
        Step::RenameColumn { path, name } => {
            Call::commit("operations.rename_column", json!({ "path": path, "new_name": name }))
        }
        Step::DropColumn { path } => Call::commit("operations.drop_column", json!({ "path": path })),
        Step::SetProperties { properties } => {
            Call::commit("operations.set_properties", json!({ "properties": map(properties) }))
        }
        Step::Rollback { snapshot_id } => Call::commit("operations.rollback", json!({ "snapshot_id": snapshot_id })),
    }
}

fn map(pairs: &[(String, String)]) -> Value {
    pairs.iter().map(|(key, value)| (key.clone(), Value::from(value.clone()))).collect::<serde_json::Map<_, _>>().into()
}

/// Snapshot ids of ours are text on the way and numbers again for Python.
fn number(id: &str) -> i64 {
    id.parse().unwrap_or_default()
}
