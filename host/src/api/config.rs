//! Settings: read by everyone, changed by admins.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse as _, Response},
};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::{
    api::{
        extract::{IfMatch, Json},
        to_the_end,
    },
    app::App,
    auth::{Role, User},
    config::{Config, ConfigStore, Origin, Settings},
    db::audit,
    error::ApiError,
    plugins,
};

/// Settings and where they come from.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConfigAnswer {
    /// The values in force; secrets are shown as `<secret>`.
    #[schema(value_type = Settings)]
    settings: Value,
    /// Where each value came from, by JSON Pointer.
    origins: BTreeMap<String, Origin>,
    /// JSON Pointers of keys in `config.json` that this version does not know; they are kept.
    unknown: Vec<String>,
    /// JSON Pointers of changed settings that hold only after a restart.
    waiting_for_restart: Vec<&'static str>,
}

/// Show the settings.
#[utoipa::path(get, path = "/api/config", tag = "config", extensions(("x-role" = json!("viewer"))),
    responses((status = 200, body = ConfigAnswer, headers(("ETag" = String)))))]
pub async fn show(State(app): State<App>, _user: User) -> Result<Response, ApiError> {
    let before = app.config.get().etag.clone();
    let config = app.config.refresh().map_err(unreadable)?;
    if config.etag != before {
        plugins::configure(&app.lakehouse.runtime, &app.config);
    }
    answer(&app, &config)
}

/// Replace the settings.
///
/// Fields left out fall back to their defaults; `<secret>` keeps the stored secret; values set by the environment stay in force.
#[utoipa::path(put, path = "/api/config", tag = "config", extensions(("x-role" = json!("admin"))), request_body = Settings,
    params(("If-Match" = String, Header, description = "`ETag` of the settings that were seen")),
    responses((status = 200, body = ConfigAnswer, headers(("ETag" = String)))))]
pub async fn replace(
    State(app): State<App>,
    user: User,
    if_match: IfMatch,
    Json(body): Json<Value>,
) -> Result<Response, ApiError> {
    user.require(Role::Admin)?;
    to_the_end(async move {
        let config = change(&app, &user, &if_match, body).await?;
        answer(&app, &config)
    })
    .await
}

/// Checks, writes the file, the audit row and the event.
async fn change(app: &App, user: &User, if_match: &IfMatch, body: Value) -> Result<Arc<Config>, ApiError> {
    let before = app.config.get().etag.clone();
    let (lock, etag) = app.config.lock().await.map_err(unreadable)?;
    if etag != before {
        // The file was edited by hand: that is in force now, whether or not this change is refused.
        plugins::configure(&app.lakehouse.runtime, &app.config);
    }
    if_match.check(&etag)?;
    let refused = plugins::mistakes(&app.lakehouse.runtime, &body);
    let change = match app.config.prepare(lock, body)? {
        Ok(change) if refused.is_empty() => change,
        Ok(_) => return Err(ApiError::unprocessable(refused)),
        Err(mistakes) => return Err(ApiError::unprocessable(mistakes.into_iter().chain(refused).collect())),
    };
    let changed = json!({ "changed": change.changed() });
    let mut tx = app.db.write().await?;
    audit::append(&mut tx, &user.name, "config.change", "config", &changed).await?;
    let config = change.put(async move { tx.commit().await.map_err(ApiError::from) }).await?;
    plugins::configure(&app.lakehouse.runtime, &app.config);
    app.events.publish("config.changed", changed);
    Ok(config)
}

fn answer(app: &App, config: &Config) -> Result<Response, ApiError> {
    let body = ConfigAnswer {
        settings: ConfigStore::shown(config)?,
        origins: config.origins.clone(),
        unknown: config.unknown.clone(),
        waiting_for_restart: app.config.waiting_for_restart(config)?,
    };
    Ok(([(header::ETAG, config.etag.clone())], Json(body)).into_response())
}

/// The file was broken by hand while the server runs.
fn unreadable(error: anyhow::Error) -> ApiError {
    ApiError::conflict("config-unreadable", format!("{error:#}")).because(error)
}
