//! Whether a job can be undone now, and why not: what the undo would answer, without asking for it.

use std::time::Duration;

use serde::Serialize;

use super::undo::{closed, steps, ways};
use super::view::JobView;
use super::{Operations, table_of};
use crate::db::jobs;
use crate::error::ApiError;

/// A catalog that does not answer holds up no page of a job.
const LOOK_DEADLINE: Duration = Duration::from_secs(2);

/// Whether a job can be undone now.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct Undoable {
    /// True or false; null where only the table can tell and was not looked at, as in lists and events. `GET
    /// /api/jobs/{id}` looks at it.
    pub(crate) now: Option<bool>,
    /// Why not, or why that is not known.
    pub(crate) reason: Option<String>,
}

impl Undoable {
    /// What the job's row tells.
    pub(super) fn by_itself(job: &jobs::Job) -> Result<Self, ApiError> {
        if let Some(undo) = &job.undone_by {
            return Ok(Self::no(format!("job {undo} undoes it, or did")));
        }
        Ok(match closed(job, &steps(job)?) {
            Ok(_) => Self { now: None, reason: None },
            Err(reason) => Self::no(reason.to_owned()),
        })
    }

    fn no(reason: String) -> Self {
        Self { now: Some(false), reason: Some(reason) }
    }

    fn unknown(reason: String) -> Self {
        Self { now: None, reason: Some(reason) }
    }
}

impl Operations {
    /// A job as it is now, and whether its table bears that it is undone.
    pub(crate) async fn shown(&self, id: &str) -> Result<JobView, ApiError> {
        let row = self.row(id).await?;
        let mut view = JobView::of(row.clone(), &self.lakehouse.db).await?;
        if view.undoable.now.is_none() {
            view.undoable = match tokio::time::timeout(LOOK_DEADLINE, self.look(&row)).await {
                Ok(Ok(undoable)) => undoable,
                Ok(Err(error)) if error.code() == "table-not-found" => {
                    Undoable::no("the table is not there".to_owned())
                }
                Ok(Err(error)) => Undoable::unknown(format!("the table can't be read now: {}", error.detail())),
                Err(_) => Undoable::unknown("the table can't be read now: its catalog does not answer".to_owned()),
            };
        }
        Ok(view)
    }

    async fn look(&self, job: &jobs::Job) -> Result<Undoable, ApiError> {
        let located = self.lakehouse.locate(&table_of(job)).await?;
        let metadata = self.lakehouse.metadata(&located).await?;
        Ok(match ways(job, &steps(job)?, &metadata) {
            Ok(_) => Undoable { now: Some(true), reason: None },
            Err(reason) => Undoable::no(reason.to_owned()),
        })
    }
}
