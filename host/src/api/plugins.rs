//! Plugins: what is loaded, how it does, what it logs.

use std::collections::BTreeMap;

use axum::extract::State;
use drls_runtime::{Kind, PluginStatus};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::api::extract::{Json, Path, Query};
use crate::app::App;
use crate::auth::User;
use crate::error::ApiError;
use crate::lakehouse::rfc3339;

/// Lines of the log, where nobody asks for fewer.
const LOG_LINES: usize = 200;

/// Id of a plugin in the path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct PluginPath {
    /// Id: the file's name without `.wasm`.
    id: String,
}

/// How much of the log.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogQuery {
    /// Newest lines at most.
    #[param(minimum = 1, maximum = 500, default = 200)]
    limit: Option<usize>,
}

/// One step in a plugin's life.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PluginEvent {
    /// RFC 3339.
    at: String,
    /// seen, staged, verified, compiled, linked, self-tested, active, configured, draining, gone or refused.
    state: Value,
    /// Version, once known.
    version: Option<String>,
    /// SHA-256, once known.
    digest: Option<String>,
    /// Milliseconds since the step before.
    took_ms: f64,
    /// More in words.
    detail: Option<String>,
}

/// One plugin.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PluginItem {
    /// Id.
    id: String,
    /// Title, where something serves.
    title: Option<String>,
    /// What it offers: "health-rule", "table-operation".
    #[schema(value_type = Vec<String>)]
    kinds: Vec<Kind>,
    /// Version that serves, else of the refused file.
    version: Option<String>,
    /// SHA-256 of its file.
    digest: Option<String>,
    /// active, staged or refused.
    #[schema(value_type = String)]
    state: drls_runtime::PluginState,
    /// Why the file in the folder is not taken, and what serves instead.
    error: Option<String>,
    /// Stable name of the refusal.
    error_code: Option<&'static str>,
    /// Groups of facts that it reads.
    #[schema(value_type = Vec<String>)]
    needs: Vec<drls_runtime::facts::Group>,
    /// Calls so far.
    calls: u64,
    /// Failed calls by kind.
    failures: BTreeMap<&'static str, u64>,
    /// Median time of a call, microseconds.
    p50_us: Option<u64>,
    /// 99th percentile, microseconds.
    p99_us: Option<u64>,
    /// Most memory that a call held, bytes.
    memory_peak: u64,
    /// Log lines that came too fast.
    log_lines_dropped: u64,
    /// RFC 3339.
    loaded_at: Option<String>,
    /// The last 50 steps of its life, oldest first.
    history: Vec<PluginEvent>,
}

/// One plugin with its configuration.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PluginDetail {
    #[serde(flatten)]
    plugin: PluginItem,
    /// What it says of itself, by kind.
    #[schema(value_type = Object)]
    descriptors: BTreeMap<String, Value>,
    /// Configuration in force: the manifest's values with the operator's over them.
    #[schema(value_type = Object)]
    config: Value,
    /// Last failed call, with the guest's words.
    last_error: Option<String>,
}

/// Plugins.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PluginList {
    /// By id.
    items: Vec<PluginItem>,
}

/// One line of a log.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PluginLogLine {
    /// RFC 3339.
    at: String,
    /// debug, info, warn or error.
    level: Value,
    /// Text.
    message: String,
    /// Version that wrote it.
    version: String,
    /// Digest of it.
    digest: String,
}

/// A plugin's log.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PluginLog {
    /// Newest last.
    items: Vec<PluginLogLine>,
}

/// List the plugins, loaded and refused.
#[utoipa::path(get, path = "/api/plugins", tag = "plugins", extensions(("x-role" = json!("viewer"))),
    responses((status = 200, body = PluginList)))]
pub(crate) async fn list(State(app): State<App>, _user: User) -> Json<PluginList> {
    let items = app.lakehouse.runtime.status().into_iter().map(item).collect();
    Json(PluginList { items })
}

/// Show one plugin.
#[utoipa::path(get, path = "/api/plugins/{id}", tag = "plugins", extensions(("x-role" = json!("viewer"))),
    params(PluginPath), responses((status = 200, body = PluginDetail)))]
pub(crate) async fn show(
    State(app): State<App>,
    _user: User,
    Path(path): Path<PluginPath>,
) -> Result<Json<PluginDetail>, ApiError> {
    let runtime = &app.lakehouse.runtime;
    let status = runtime.status().into_iter().find(|p| p.id == path.id).ok_or_else(|| not_found(&path.id))?;
    let last_error = status.counters.last_error.clone();
    let loaded = runtime.snapshot().plugin(&path.id).cloned();
    let descriptors = loaded.iter().flat_map(|p| {
        p.kinds().iter().filter_map(|k| Some((k.name().to_owned(), serde_json::to_value(p.descriptor(*k)?).ok()?)))
    });
    Ok(Json(PluginDetail {
        descriptors: descriptors.collect(),
        config: loaded.as_ref().map(|p| Value::Object(p.config().clone())).unwrap_or_default(),
        last_error,
        plugin: item(status),
    }))
}

/// Show what a plugin logged.
#[utoipa::path(get, path = "/api/plugins/{id}/log", tag = "plugins", extensions(("x-role" = json!("viewer"))),
    params(PluginPath, LogQuery), responses((status = 200, body = PluginLog)))]
pub(crate) async fn log(
    State(app): State<App>,
    _user: User,
    Path(path): Path<PluginPath>,
    Query(query): Query<LogQuery>,
) -> Result<Json<PluginLog>, ApiError> {
    let lines = app.lakehouse.runtime.log(&path.id).ok_or_else(|| not_found(&path.id))?;
    let passed = lines.len().saturating_sub(query.limit.unwrap_or(LOG_LINES));
    let items = lines.into_iter().skip(passed).map(|line| PluginLogLine {
        at: rfc3339(line.at),
        level: serde_json::to_value(line.level).unwrap_or_default(),
        message: line.message,
        version: line.version.to_string(),
        digest: line.digest,
    });
    Ok(Json(PluginLog { items: items.collect() }))
}

fn item(status: PluginStatus) -> PluginItem {
    let history = status.history.into_iter().map(|event| PluginEvent {
        at: rfc3339(event.at),
        state: serde_json::to_value(event.state).unwrap_or_default(),
        version: event.version.map(|v| v.to_string()),
        digest: event.digest,
        took_ms: event.took_ms,
        detail: event.detail,
    });
    PluginItem {
        id: status.id,
        title: status.title,
        kinds: status.kinds.into_iter().collect(),
        version: status.version.map(|v| v.to_string()),
        digest: status.digest,
        state: status.state,
        error: status.error,
        error_code: status.error_code,
        needs: status.needs.into_iter().collect(),
        calls: status.counters.calls,
        failures: status.counters.failures.into_iter().map(|(kind, n)| (kind.name(), n)).collect(),
        p50_us: status.counters.p50_us,
        p99_us: status.counters.p99_us,
        memory_peak: status.counters.memory_peak,
        log_lines_dropped: status.log_lines_dropped,
        loaded_at: status.loaded_at.map(rfc3339),
        history: history.collect(),
    }
}

fn not_found(id: &str) -> ApiError {
    ApiError::not_found("plugin-not-found", format!("there is no plugin `{id}`; GET /api/plugins lists what is there"))
}
