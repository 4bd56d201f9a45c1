//! Plugins: what is loaded, how it does, what it logs; back to a version before, off and on.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use drls_runtime::{Counters, Figures, Grant, Kept, Kind, PluginStatus, PublicKey, Rights, SignedBy, Waiting};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::api::extract::{Json, Path, Query};
use crate::api::idempotency::Idempotency;
use crate::app::App;
use crate::auth::{Role, User};
use crate::error::{ApiError, FieldError};
use crate::lakehouse::rfc3339;
use crate::plugins::decisions::{self, Wish};

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
    /// seen, staged, verified, compiled, linked, self-tested, waiting, active, optimised, configured, draining, gone, refused,
    /// quarantined, rolled-back, disabled, enabled, granted or denied.
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
    /// active, staged, refused, quarantined (it failed too often, and calls are refused), disabled or waiting (for a grant).
    #[schema(value_type = String)]
    state: drls_runtime::PluginState,
    /// Why the file in the folder is not taken, and what serves instead.
    error: Option<String>,
    /// Stable name of the refusal.
    error_code: Option<&'static str>,
    /// quick: its code was compiled in a hurry, and faster code follows; optimised.
    #[schema(value_type = Option<String>)]
    tier: Option<drls_runtime::Tier>,
    /// Groups of facts that it reads.
    #[schema(value_type = Vec<String>)]
    needs: Vec<drls_runtime::facts::Group>,
    /// What it asks for beyond facts; an admin grants it.
    asks: Rights,
    /// What is granted; null for nothing.
    grant: Option<PluginGrant>,
    /// Version that asks for more than is granted, and waits.
    waiting: Option<PluginWaiting>,
    /// Who signed what serves; null where nobody did.
    signed_by: Option<PluginSigner>,
    /// What is wrong with the signature of what serves, where the settings ask for a warning.
    warning: Option<String>,
    /// Times that a version wanted what is not granted, since the server started.
    denials: u64,
    /// Of the version that serves.
    #[serde(flatten)]
    counted: PluginCounters,
    /// Of the last versions, the one that was loaded last first.
    figures: Vec<PluginFigures>,
    /// Log lines that came too fast.
    log_lines_dropped: u64,
    /// Who switched it off, where somebody did.
    disabled: Option<PluginDecision>,
    /// Versions that are kept, the one that served last first: any can be gone back to.
    versions: Vec<PluginVersion>,
    /// Times that a version was taken out of service for failing, since the server started.
    quarantines: u64,
    /// Times that a new version gave its place back by itself, since the server started.
    rollbacks: u64,
    /// RFC 3339.
    loaded_at: Option<String>,
    /// The last 50 steps of its life, oldest first.
    history: Vec<PluginEvent>,
}

/// What was counted of a version's calls, in this run of the server.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PluginCounters {
    /// Calls so far.
    calls: u64,
    /// Failed calls by kind.
    failures: BTreeMap<&'static str, u64>,
    /// Median time of a call, microseconds.
    p50_us: Option<u64>,
    /// 99th percentile, microseconds.
    p99_us: Option<u64>,
    /// Median time until a call's instance was there, microseconds.
    instantiate_p50_us: Option<u64>,
    /// 99th percentile, microseconds.
    instantiate_p99_us: Option<u64>,
    /// Median time that a call waited for its turn, microseconds.
    wait_p50_us: Option<u64>,
    /// 99th percentile, microseconds.
    wait_p99_us: Option<u64>,
    /// Most memory that a call held, bytes.
    memory_peak: u64,
}

/// What was counted of one version.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PluginFigures {
    /// Version.
    version: String,
    /// SHA-256 of its file.
    digest: String,
    #[serde(flatten)]
    counted: PluginCounters,
}

/// What a person decided.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PluginDecision {
    /// Name of the user, or "command line".
    by: String,
    /// RFC 3339.
    at: String,
}

/// What an admin granted.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PluginGrant {
    #[serde(flatten)]
    rights: Rights,
    /// Key that signed the version that it was given for: it holds for versions of the same signer.
    signer: Option<String>,
    /// Who gave it.
    #[serde(flatten)]
    decision: PluginDecision,
}

/// A version that waits for a grant.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PluginWaiting {
    /// Version.
    version: Option<String>,
    /// SHA-256 of its file.
    digest: Option<String>,
    /// All that it asks for.
    asks: Rights,
    /// What of it is not granted.
    missing: Rights,
    /// Who signed it; null where nobody did.
    signed_by: Option<PluginSigner>,
}

/// Who signed a plugin.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PluginSigner {
    /// Public key.
    key: String,
    /// Name that the settings trust it by; null where they do not.
    name: Option<String>,
}

/// A version of a plugin whose file is kept.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PluginVersion {
    /// Version.
    version: String,
    /// SHA-256 of its file.
    digest: String,
    /// Calls go to it, or would if they were not refused.
    serving: bool,
    /// When it last began to serve, RFC 3339.
    served_at: String,
    /// Why it is out of service, where it is.
    quarantine: Option<PluginQuarantine>,
}

/// A version that failed too often.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PluginQuarantine {
    /// What it did.
    reason: String,
    /// Since when, RFC 3339.
    at: String,
    /// How often in a row.
    times: u32,
    /// When it is tried again, RFC 3339; null: once somebody enables it.
    until: Option<String>,
}

/// Which version to go back to.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RollbackRequest {
    /// Version or digest of one that is kept; the one that served before, where it is left out.
    to: Option<String>,
}

/// What a plugin may do from now on.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GrantRequest {
    /// Requests that it may send; left out, none.
    #[serde(default)]
    http: drls_runtime::Http,
    /// SHA-256 of the file that it is meant for, as it was shown: where that is another one by now, nothing is granted. It must be
    /// said where one version serves and one of another signer waits.
    digest: Option<String>,
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
    let status =
        runtime.status().into_iter().find(|p| p.id == path.id).ok_or_else(|| decisions::not_found(&path.id))?;
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
    let lines = app.lakehouse.runtime.log(&path.id).ok_or_else(|| decisions::not_found(&path.id))?;
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

/// Go back to a version that is kept, without a restart.
///
/// Its file takes the place of the one in the plugins folder, and it is swapped in while requests go on. Its quarantine, where
/// it is in one, is lifted.
#[utoipa::path(post, path = "/api/plugins/{id}/rollback", tag = "plugins", extensions(("x-role" = json!("admin"))),
    params(PluginPath), request_body = RollbackRequest, responses((status = 200, body = PluginItem)))]
pub(crate) async fn rollback(
    State(app): State<App>,
    user: User,
    Path(path): Path<PluginPath>,
    idempotency: Idempotency,
    Json(body): Json<RollbackRequest>,
) -> Result<Response, ApiError> {
    let wish = Wish::Rollback(body.to.clone());
    decide(app, user, path, idempotency, &body, wish).await
}

/// Take a plugin out of service, whatever file is put there, until it is enabled.
#[utoipa::path(post, path = "/api/plugins/{id}/disable", tag = "plugins", extensions(("x-role" = json!("admin"))),
    params(PluginPath), responses((status = 200, body = PluginItem)))]
pub(crate) async fn disable(
    State(app): State<App>,
    user: User,
    Path(path): Path<PluginPath>,
    idempotency: Idempotency,
) -> Result<Response, ApiError> {
    decide(app, user, path, idempotency, &(), Wish::Disable).await
}

/// Let a plugin serve again that was disabled or is in quarantine.
#[utoipa::path(post, path = "/api/plugins/{id}/enable", tag = "plugins", extensions(("x-role" = json!("admin"))),
    params(PluginPath), responses((status = 200, body = PluginItem)))]
pub(crate) async fn enable(
    State(app): State<App>,
    user: User,
    Path(path): Path<PluginPath>,
    idempotency: Idempotency,
) -> Result<Response, ApiError> {
    decide(app, user, path, idempotency, &(), Wish::Enable).await
}

/// Grant a plugin what it asks for, or take it back.
///
/// What is sent takes the place of what was granted before, for versions of the same signer; nothing takes all back, and holds
/// for calls that run. A version that waits for it serves at once.
#[utoipa::path(put, path = "/api/plugins/{id}/grants", tag = "plugins", extensions(("x-role" = json!("admin"))),
    params(PluginPath), request_body = GrantRequest, responses((status = 200, body = PluginItem)))]
pub(crate) async fn grant(
    State(app): State<App>,
    user: User,
    Path(path): Path<PluginPath>,
    idempotency: Idempotency,
    Json(body): Json<GrantRequest>,
) -> Result<Response, ApiError> {
    user.require(Role::Admin)?;
    let rights = Rights { http: body.http.clone() }.parse().map_err(|mistakes| {
        ApiError::unprocessable(mistakes.into_iter().map(|one| FieldError::new(one.pointer, one.detail)).collect())
    })?;
    let status = app.lakehouse.runtime.status().into_iter().find(|status| status.id == path.id);
    let status = status.ok_or_else(|| decisions::not_found(&path.id))?;
    let signer = if rights.is_empty() { None } else { signer_of(&status, body.digest.as_deref())? };
    let wish = Wish::Grant(rights, signer);
    decide(app, user, path, idempotency, &body, wish).await
}

/// Who signed the version that a grant is meant for.
fn signer_of(status: &PluginStatus, digest: Option<&str>) -> Result<Option<PublicKey>, ApiError> {
    let signer = |by: &Option<SignedBy>| by.as_ref().map(|by| by.key);
    let serving = status.loaded_at.and(status.digest.as_deref()).map(|digest| (digest, signer(&status.signed_by)));
    let waits = status.waiting.as_ref();
    let waits = waits.and_then(|waiting| Some((waiting.digest.as_deref()?, waiting.wanted.signer)));
    let mut all = waits.into_iter().chain(serving);
    if let Some(meant) = digest {
        let found = all.find(|(digest, _)| *digest == meant);
        return found.map(|(_, signer)| signer).ok_or_else(|| {
            ApiError::conflict("plugin-changed", "another file is there by now; look at what that one asks for")
        });
    }
    match (all.next(), all.next()) {
        (Some((_, one)), Some((_, other))) if one != other => Err(ApiError::conflict(
            "version-unclear",
            "one version serves and one of another signer waits; say by its `digest` which one is meant",
        )),
        (Some((_, signer)), _) => Ok(signer),
        (None, _) => Err(ApiError::conflict(
            "plugin-not-serving",
            "it neither serves nor waits, so nobody knows what it asks for",
        )),
    }
}

async fn decide(
    app: App,
    user: User,
    path: PluginPath,
    idempotency: Idempotency,
    body: &impl Serialize,
    wish: Wish,
) -> Result<Response, ApiError> {
    user.require(Role::Admin)?;
    let (rooms, actor) = (app.clone(), user.name.clone());
    let work = async move {
        let status = decisions::decide(&rooms, &actor, &path.id, wish).await?;
        Ok(Json(item(status)).into_response())
    };
    idempotency.run(&app, &user, body, work).await
}

fn decision(by: drls_runtime::Decision) -> PluginDecision {
    PluginDecision { by: by.by, at: rfc3339(by.at) }
}

fn granted(grant: Grant) -> PluginGrant {
    PluginGrant { rights: grant.rights, signer: grant.signer, decision: decision(grant.decision) }
}

fn waiting(Waiting { version, digest, wanted, signed_by }: Waiting) -> PluginWaiting {
    PluginWaiting {
        version: version.map(|version| version.to_string()),
        digest,
        asks: wanted.asked,
        missing: wanted.missing,
        signed_by: signed_by.map(signer),
    }
}

fn signer(SignedBy { key, name }: SignedBy) -> PluginSigner {
    PluginSigner { key: key.to_string(), name }
}

fn version(kept: Kept, serving: Option<&str>, now: i64) -> PluginVersion {
    let quarantine = kept.quarantined(now).map(|quarantine| PluginQuarantine {
        reason: quarantine.reason.clone(),
        at: rfc3339(quarantine.at),
        times: quarantine.times,
        until: quarantine.until.map(rfc3339),
    });
    PluginVersion {
        version: kept.version.to_string(),
        serving: serving == Some(kept.digest.as_str()),
        served_at: rfc3339(kept.served_at),
        quarantine,
        digest: kept.digest,
    }
}

fn item(status: PluginStatus) -> PluginItem {
    let now = crate::db::now().timestamp_millis();
    let serving = status.loaded_at.and(status.digest.clone());
    let versions = status.entry.versions.into_iter().map(|kept| version(kept, serving.as_deref(), now)).collect();
    let disabled = status.entry.disabled.map(decision);
    let history = status.history.into_iter().map(|event| PluginEvent {
        at: rfc3339(event.at),
        state: serde_json::to_value(event.state).unwrap_or_default(),
        version: event.version.map(|v| v.to_string()),
        digest: event.digest,
        took_ms: event.took_ms,
        detail: event.detail,
    });
    let figures = status.figures.into_iter().map(|Figures { version, digest, counters }| PluginFigures {
        version: version.to_string(),
        digest,
        counted: counted(counters),
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
        tier: status.tier,
        needs: status.needs.into_iter().collect(),
        asks: status.asks,
        grant: status.entry.grant.map(granted),
        waiting: status.waiting.map(waiting),
        signed_by: status.signed_by.map(signer),
        warning: status.warning,
        denials: status.denials,
        counted: counted(status.counters),
        figures: figures.collect(),
        log_lines_dropped: status.log_lines_dropped,
        disabled,
        versions,
        quarantines: status.quarantines,
        rollbacks: status.rollbacks,
        loaded_at: status.loaded_at.map(rfc3339),
        history: history.collect(),
    }
}

fn counted(counters: Counters) -> PluginCounters {
    PluginCounters {
        calls: counters.calls,
        failures: counters.failures.into_iter().map(|(kind, n)| (kind.name(), n)).collect(),
        p50_us: counters.runs.p50_us,
        p99_us: counters.runs.p99_us,
        instantiate_p50_us: counters.instances.p50_us,
        instantiate_p99_us: counters.instances.p99_us,
        wait_p50_us: counters.waits.p50_us,
        wait_p99_us: counters.waits.p99_us,
        memory_peak: counters.memory_peak,
    }
}
