//! Jobs: what was asked for, how far it is, how it ended, and the way back.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::api::catalog::table_id;
use crate::api::extract::{Json, Path, Query, Wait};
use crate::api::idempotency::Idempotency;
use crate::api::names::TableName;
use crate::api::operations::{JobAnswer, answer};
use crate::api::page::{self, Page};
use crate::api::to_the_end;
use crate::app::App;
use crate::auth::{Role, User};
use crate::db::jobs::{self, Filter};
use crate::error::ApiError;
use crate::lakehouse::namespace_key;
use crate::lakehouse::operations::log::JobLog;
use crate::lakehouse::operations::view::{JobView, State as JobState};

/// Id of a job in the path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct JobPath {
    /// UUIDv7.
    id: String,
}

/// Which jobs, and which page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct JobsQuery {
    /// Only jobs of this table.
    #[param(inline)]
    table: Option<TableName>,
    /// Catalog of the table.
    catalog: Option<String>,
    /// Only jobs of this operation, whether or not a plugin offers it now.
    operation: Option<String>,
    /// Only jobs that have ended, or with `false` those that wait or run.
    ended: Option<bool>,
    /// Only jobs in this state.
    #[param(inline)]
    state: Option<JobState>,
    /// Items on the page.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// List jobs, newest first.
#[utoipa::path(get, path = "/api/jobs", tag = "jobs", extensions(("x-role" = json!("viewer"))), params(JobsQuery),
    responses((status = 200, body = Page<JobView>)))]
pub(crate) async fn list(
    State(app): State<App>,
    _user: User,
    Query(query): Query<JobsQuery>,
) -> Result<Json<Page<JobView>>, ApiError> {
    let table = query.table.as_ref().map(|name| table_id(&app, name, query.catalog.as_deref())).transpose()?;
    let namespace = table.as_ref().map(|t| namespace_key(&t.namespace));
    let before: Option<String> = page::position(query.cursor.as_deref())?;
    let limit = query.limit.unwrap_or(100);
    let filter = Filter {
        catalog: table.as_ref().map(|t| t.catalog.as_str()).or(query.catalog.as_deref()),
        namespace: namespace.as_deref(),
        name: table.as_ref().map(|t| t.name.as_str()),
        operation: query.operation.as_deref(),
        state: query.state.map(JobState::as_str),
        ended: query.ended,
        before: before.as_deref(),
        limit: i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1),
    };
    let mut rows = jobs::list(app.db.read(), &filter).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|r| page::cursor(&r.id)).transpose()?;
    let mut items = Vec::with_capacity(rows.len());
    for row in rows {
        items.push(JobView::of(row, &app.db).await?);
    }
    Ok(Json(Page { items, next }))
}

/// Show a job.
#[utoipa::path(get, path = "/api/jobs/{id}", tag = "jobs", extensions(("x-role" = json!("viewer"))), params(JobPath),
    responses((status = 200, body = JobView)))]
pub(crate) async fn show(
    State(app): State<App>,
    _user: User,
    Path(path): Path<JobPath>,
    Wait(wait): Wait,
) -> Result<Json<JobView>, ApiError> {
    if let Some(limit) = wait {
        app.operations.wait(&path.id, limit).await;
    }
    app.operations.shown(&path.id).await.map(Json)
}

/// Show what a job's plugin wrote while it planned, the job's own steps, and what Spark said meanwhile, in words.
#[utoipa::path(get, path = "/api/jobs/{id}/log", tag = "jobs", extensions(("x-role" = json!("viewer"))), params(JobPath),
    responses((status = 200, body = JobLog)))]
pub(crate) async fn log(
    State(app): State<App>,
    _user: User,
    Path(path): Path<JobPath>,
) -> Result<Json<JobLog>, ApiError> {
    app.operations.log(&path.id).await.map(Json)
}

/// Cancel a job; what it committed stays, and is told.
#[utoipa::path(post, path = "/api/jobs/{id}/cancel", tag = "jobs", extensions(("x-role" = json!("operator"))),
    params(JobPath), responses((status = 200, body = JobAnswer), (status = 202, body = JobAnswer)))]
pub(crate) async fn cancel(
    State(app): State<App>,
    user: User,
    Path(path): Path<JobPath>,
    Wait(wait): Wait,
) -> Result<Response, ApiError> {
    user.require(Role::Operator)?;
    let (operations, id, actor) = (app.operations.clone(), path.id.clone(), user.name.clone());
    let job = to_the_end(async move { operations.cancel(&id, &actor).await }).await?;
    if let Some(limit) = wait {
        app.operations.wait(&job.id, limit).await;
    }
    Ok(answer(app.operations.job(&job.id).await?))
}

/// Undo a job, as a job of its own.
#[utoipa::path(post, path = "/api/jobs/{id}/undo", tag = "jobs", extensions(("x-role" = json!("operator"))),
    params(JobPath), responses((status = 200, body = JobAnswer), (status = 202, body = JobAnswer)))]
pub(crate) async fn undo(
    State(app): State<App>,
    user: User,
    Path(path): Path<JobPath>,
    Wait(wait): Wait,
    idempotency: Idempotency,
) -> Result<Response, ApiError> {
    user.require(Role::Operator)?;
    let (operations, actor) = (app.operations.clone(), user.name.clone());
    let work = async move {
        let job = operations.undo(&path.id, &actor).await?;
        if let Some(limit) = wait {
            operations.wait(&job.id, limit).await;
        }
        Ok(answer(operations.job(&job.id).await?))
    };
    idempotency.run(&app, &user, &(), work).await
}
