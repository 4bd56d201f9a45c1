//! How the server is.

use std::collections::BTreeMap;

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    api::extract::Json,
    app::App,
    auth::User,
    health::{Part, State as PartState},
};

/// How the server is as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Overall {
    /// Everything works, or will when it is first needed.
    Ok,
    /// Some part does not work; the rest serves.
    Degraded,
    /// The database does not answer.
    Down,
}

/// How the server is; without sign-in `status` and `version` only.
#[derive(Debug, Serialize, ToSchema)]
pub struct Status {
    /// The worst that matters.
    status: Overall,
    /// Version of the server.
    version: &'static str,
    /// Milliseconds since the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    uptime_ms: Option<u64>,
    /// The parts by name: `database`, `python`, `catalog`, `spark`, `plugins`.
    #[serde(skip_serializing_if = "Option::is_none")]
    parts: Option<BTreeMap<&'static str, Part>>,
}

/// Tell how the server is. Starts nothing.
#[utoipa::path(get, path = "/api/health", tag = "health", responses((status = 200, body = Status)))]
pub async fn show(State(app): State<App>, user: Option<User>) -> Json<Status> {
    let parts: BTreeMap<_, _> = app.health.parts().await.into_iter().collect();
    let shown = user.is_some();
    Json(Status {
        status: overall(&parts),
        version: env!("CARGO_PKG_VERSION"),
        uptime_ms: shown.then(|| app.started.elapsed().as_millis().try_into().unwrap_or(u64::MAX)),
        parts: shown.then_some(parts),
    })
}

/// Without its database the server is down; any other part that fails leaves it degraded.
fn overall(parts: &BTreeMap<&'static str, Part>) -> Overall {
    if parts.get("database").is_some_and(|part| part.state == PartState::Down) {
        Overall::Down
    } else if parts.values().any(|part| matches!(part.state, PartState::Down | PartState::Degraded)) {
        Overall::Degraded
    } else {
        Overall::Ok
    }
}
