//! Operations on tables: planned first where one asks for it, run as jobs.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use drls_runtime::Kind;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use crate::api::catalog::{OfCatalog, table_id};
use crate::api::extract::{Json, Path, Query, Wait};
use crate::api::idempotency::Idempotency;
use crate::api::names::TableName;
use crate::app::App;
use crate::auth::{Role, User};
use crate::error::{ApiError, FieldError};
use crate::lakehouse::health::PluginRef;
use crate::lakehouse::operations::Request;
use crate::lakehouse::operations::plan::PlanView;
use crate::lakehouse::operations::view::JobView;
use crate::schema;

/// Keys of a body that are not arguments of the operation.
const OURS: [&str; 3] = ["table", "dry_run", "plan"];

/// Body of the routes with a fixed operation: the arguments stand beside the table.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct FlatRequest {
    /// `namespace.table`.
    table: TableName,
    /// Plan only; change nothing.
    #[serde(default)]
    dry_run: bool,
    /// Id of a plan to run exactly; its arguments may be left out.
    plan: Option<String>,
    /// Arguments of the operation, checked against the schema that GET /api/operations shows.
    #[serde(flatten)]
    arguments: Map<String, Value>,
}

/// Body of the route for any operation.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OperationRequest {
    /// `namespace.table`.
    table: TableName,
    /// Arguments of the operation, checked against the schema that GET /api/operations shows.
    #[serde(default)]
    arguments: Map<String, Value>,
    /// Plan only; change nothing.
    #[serde(default)]
    dry_run: bool,
    /// Id of a plan to run exactly; its arguments may be left out.
    plan: Option<String>,
}

/// Answer to a dry run.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PlanAnswer {
    /// The plan; run it by its id.
    plan: PlanView,
}

/// Answer to a run.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobAnswer {
    /// The job.
    pub(crate) job: JobView,
}

/// Id of an operation in the path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct OperationPath {
    /// As GET /api/operations lists it.
    id: String,
}

/// One loaded operation.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OperationItem {
    /// Id.
    id: String,
    /// Title.
    title: String,
    /// One or two sentences, Markdown.
    summary: String,
    /// Icon name.
    icon: String,
    /// JSON Schema of the arguments.
    #[schema(value_type = Object)]
    schema: Value,
    /// The plugin.
    plugin: PluginRef,
}

/// Loaded operations.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OperationList {
    /// By id.
    items: Vec<OperationItem>,
}

/// What a body asks for, whatever its form.
struct Asked {
    operation: String,
    table: TableName,
    arguments: Map<String, Value>,
    dry_run: bool,
    plan: Option<String>,
    /// Where the arguments stand in the body.
    prefix: &'static str,
}

/// List the operations that plugins offer.
#[utoipa::path(get, path = "/api/operations", tag = "operations", extensions(("x-role" = json!("viewer"))),
    responses((status = 200, body = OperationList)))]
pub(crate) async fn list(State(app): State<App>, _user: User) -> Result<Json<OperationList>, ApiError> {
    let loaded = app.lakehouse.plugins().await?;
    let items = loaded.operations().iter().filter_map(|plugin| {
        let about = plugin.descriptor(Kind::TableOperation)?;
        Some(OperationItem {
            id: plugin.id().to_owned(),
            title: about.title.clone(),
            summary: about.summary.clone(),
            icon: about.icon.clone(),
            schema: about.schema.clone(),
            plugin: PluginRef::from(plugin.as_ref()),
        })
    });
    Ok(Json(OperationList { items: items.collect() }))
}

/// Run any loaded operation, or plan it.
#[utoipa::path(post, path = "/api/operations/{id}", tag = "operations", extensions(("x-role" = json!("operator"))),
    params(OperationPath, OfCatalog), request_body = OperationRequest,
    responses((status = 200, body = PlanAnswer), (status = 202, body = JobAnswer)))]
pub(crate) async fn run(
    State(app): State<App>,
    user: User,
    Path(path): Path<OperationPath>,
    Query(query): Query<OfCatalog>,
    wait: Wait,
    idempotency: Idempotency,
    Json(body): Json<Value>,
) -> Result<Response, ApiError> {
    user.require(Role::Operator)?;
    let given = body.get("arguments").cloned().unwrap_or_else(|| Map::new().into());
    let body: OperationRequest = read(&app, &path.id, body, &given, "/arguments").await?;
    let OperationRequest { table, arguments, dry_run, plan } = body;
    let asked = Asked { operation: path.id, table, arguments, dry_run, plan, prefix: "/arguments" };
    act(app, user, query, wait, idempotency, asked).await
}

macro_rules! fixed {
    ($name:ident, $path:literal, $operation:literal, $words:literal) => {
        #[doc = $words]
        #[utoipa::path(post, path = $path, tag = "operations", extensions(("x-role" = json!("operator"))),
                                    params(OfCatalog), request_body = FlatRequest,
                                    responses((status = 200, body = PlanAnswer), (status = 202, body = JobAnswer)))]
        pub(crate) async fn $name(
            State(app): State<App>,
            user: User,
            Query(query): Query<OfCatalog>,
            wait: Wait,
            idempotency: Idempotency,
            Json(body): Json<Value>,
        ) -> Result<Response, ApiError> {
            user.require(Role::Operator)?;
            let mut given = body.clone();
            if let Some(fields) = given.as_object_mut() {
                fields.retain(|key, _| !OURS.contains(&key.as_str()));
            }
            let FlatRequest { table, dry_run, plan, arguments } = read(&app, $operation, body, &given, "").await?;
            let operation = $operation.to_owned();
            let asked = Asked { operation, table, arguments, dry_run, plan, prefix: "" };
            act(app, user, query, wait, idempotency, asked).await
        }
    };
}

fixed!(compact, "/api/compact", "compact", "Rewrite data files into fewer, well-sized ones, or plan it.");
fixed!(expire, "/api/expire", "expire", "Remove old snapshots and the files that only they reach, or plan it.");
fixed!(add_column, "/api/evolve/add-column", "add-column", "Add a column, or plan it.");
fixed!(rename_column, "/api/evolve/rename-column", "rename-column", "Rename a column, or plan it.");
fixed!(drop_column, "/api/evolve/drop-column", "drop-column", "Drop a column, or plan it.");

/// Reads a body; tells its own mistakes and those of the arguments together.
async fn read<T: DeserializeOwned + ToSchema + 'static>(
    app: &App,
    operation: &str,
    body: Value,
    arguments: &Value,
    prefix: &str,
) -> Result<T, ApiError> {
    let mut mistakes = schema::check::<T>(&body)?;
    // The arguments of a plan that is named were checked when it was made.
    if body.get("plan").is_none_or(Value::is_null) && arguments.is_object() {
        let found = app.operations.plugin(operation).await?.check_arguments(arguments);
        mistakes.extend(found.into_iter().map(|e| FieldError::new(format!("{prefix}{}", e.pointer), e.detail)));
    }
    if mistakes.is_empty() {
        return serde_json::from_value(body)
            .map_err(|error| ApiError::unprocessable(vec![FieldError::new("", error.to_string())]));
    }
    Err(ApiError::unprocessable(mistakes))
}

async fn act(
    app: App,
    user: User,
    query: OfCatalog,
    Wait(wait): Wait,
    idempotency: Idempotency,
    asked: Asked,
) -> Result<Response, ApiError> {
    let prefix = asked.prefix;
    let request = Request {
        table: table_id(&app, &asked.table, query.catalog.as_deref())?,
        operation: asked.operation,
        arguments: Value::Object(asked.arguments),
        plan: asked.plan,
        actor: user.name.clone(),
    };
    if asked.dry_run {
        let planned = app.operations.dry_run(&request).await.map_err(|e| under(e, prefix))?;
        return Ok(Json(PlanAnswer { plan: planned.view() }).into_response());
    }
    let operations = app.operations.clone();
    let body = serde_json::json!([request.operation, request.table, request.arguments, request.plan]);
    let work = async move {
        let job = operations.submit(request).await.map_err(|e| under(e, prefix))?;
        if let Some(limit) = wait {
            operations.wait(&job.id, limit).await;
        }
        let job = operations.job(&job.id).await?;
        Ok(answer(job))
    };
    idempotency.run(&app, &user, &body, work).await
}

/// 202 while it runs, 200 once it has ended.
pub(crate) fn answer(job: JobView) -> Response {
    let status = if job.has_ended() { StatusCode::OK } else { StatusCode::ACCEPTED };
    let location = format!("/api/jobs/{}", job.id);
    (status, [(header::LOCATION, location)], Json(JobAnswer { job })).into_response()
}

/// Pointers of mistakes in arguments, as they stand in the body.
fn under(error: ApiError, prefix: &str) -> ApiError {
    if prefix.is_empty() || error.code() != "invalid-request" {
        return error;
    }
    let errors = error
        .errors()
        .iter()
        .map(|e| match e.pointer.as_str() {
            "/plan" | "/table" => e.clone(),
            pointer => FieldError::new(format!("{prefix}{pointer}"), e.detail.clone()),
        })
        .collect();
    error.with_errors(errors)
}
