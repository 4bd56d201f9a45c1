//! Counts and times for Prometheus.

use axum::{
    extract::State,
    http::{HeaderName, header},
};

use crate::{app::App, auth::User, error::ApiError};

/// Show all metrics in Prometheus' text format.
#[utoipa::path(get, path = "/metrics", tag = "metrics", extensions(("x-role" = json!("viewer"))),
    responses((status = 200, content_type = "text/plain", body = String)))]
pub async fn show(State(app): State<App>, _user: User) -> Result<([(HeaderName, &'static str); 1], String), ApiError> {
    let page = app.metrics.encode()?;
    Ok(([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], page))
}
