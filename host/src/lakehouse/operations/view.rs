//! Jobs as the API shows them.

use drls_runtime::facts::TableId;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::super::health::PluginRef;
use super::super::{full_name, namespace_of, rfc3339};
use super::action::Action;
use super::plan::{PlanView, Planned};
use super::run::{JobError, JobResult};
use super::undoable::Undoable;
use crate::db::{Db, jobs, plans};
use crate::error::ApiError;

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// Waits for its table.
    Queued,
    /// Runs.
    Running,
    /// Did all that it was to do.
    Succeeded,
    /// Did not; its error says what of it was committed.
    Failed,
    /// Was cancelled; its error says what of it was committed.
    Cancelled,
}

impl State {
    /// The lower-case word.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// How far a job is.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct Progress {
    /// Units done.
    pub(crate) done: i64,
    /// Units known; may grow while Spark plans its stages.
    pub(crate) total: i64,
    /// "steps" or "tasks".
    pub(crate) unit: String,
}

/// When things happened, RFC 3339.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct Timestamps {
    /// Asked for.
    pub(crate) created_at: String,
    /// Its turn came.
    pub(crate) started_at: Option<String>,
    /// It ended.
    pub(crate) ended_at: Option<String>,
}

/// One job.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct JobView {
    /// UUIDv7.
    pub(crate) id: String,
    /// Operation id; "undo" for the way back from another job.
    pub(crate) operation: String,
    /// Table.
    pub(crate) table: String,
    /// Catalog.
    pub(crate) catalog: String,
    /// queued, running, succeeded, failed or cancelled.
    pub(crate) state: String,
    /// How far.
    pub(crate) progress: Progress,
    /// What it runs, typed steps.
    pub(crate) steps: Vec<Action>,
    /// What was promised; none for an undo.
    pub(crate) plan: Option<PlanView>,
    /// The job that it undoes.
    pub(crate) undo_of: Option<String>,
    /// The job that undoes it, or undid it; one that failed or was cancelled does not count.
    pub(crate) undone_by: Option<String>,
    /// Whether it can be undone now.
    pub(crate) undoable: Undoable,
    /// What happened, in the words of the plan's effect.
    pub(crate) result: Option<JobResult>,
    /// Why it did not succeed.
    pub(crate) error: Option<JobError>,
    /// Who asked.
    pub(crate) actor: String,
    /// Whose plan.
    pub(crate) plugin: PluginRef,
    /// When.
    pub(crate) timestamps: Timestamps,
    #[serde(skip)]
    id_of_table: TableId,
}

impl JobView {
    /// A row with its plan.
    pub(crate) async fn of(row: jobs::Job, db: &Db) -> Result<Self, ApiError> {
        let plan = match &row.plan_id {
            Some(id) => plans::get(db.read(), id).await?.map(Planned::of).transpose()?.map(|p| p.view()),
            None => None,
        };
        let undoable = Undoable::by_itself(&row)?;
        let table = TableId { catalog: row.catalog, namespace: namespace_of(&row.namespace), name: row.name };
        Ok(Self {
            id: row.id,
            operation: row.operation,
            table: full_name(&table),
            catalog: table.catalog.clone(),
            state: row.state,
            progress: Progress { done: row.progress_done, total: row.progress_total, unit: row.progress_unit },
            steps: from(&row.steps)?,
            plan,
            undo_of: row.undo_of,
            undone_by: row.undone_by,
            undoable,
            result: row.result.as_deref().map(from).transpose()?,
            error: row.error.as_deref().map(from).transpose()?,
            actor: row.actor,
            plugin: PluginRef { id: row.plugin_id, version: row.plugin_version, digest: row.plugin_digest },
            timestamps: Timestamps {
                created_at: rfc3339(row.created_at),
                started_at: row.started_at.map(rfc3339),
                ended_at: row.ended_at.map(rfc3339),
            },
            id_of_table: table,
        })
    }

    /// Nothing changes any more.
    pub(crate) fn has_ended(&self) -> bool {
        !matches!(self.state.as_str(), "queued" | "running")
    }

    /// The table's id.
    pub(crate) fn table_id(&self) -> TableId {
        self.id_of_table.clone()
    }
}

/// A column of JSON that this server wrote.
fn from<T: DeserializeOwned>(json: &str) -> Result<T, ApiError> {
    serde_json::from_str(json).map_err(ApiError::internal)
}
