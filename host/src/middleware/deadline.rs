//! No request waits for ever.

use std::time::Duration;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use tokio::time::timeout;

use crate::{app::App, error::ApiError};

/// Answers 504 where no answer has begun within the configured time. Bodies that stream, like events, may take longer.
pub async fn limit(State(app): State<App>, request: Request, next: Next) -> Result<Response, ApiError> {
    let limit = Duration::from_millis(app.config.get().settings.limits.request_timeout_ms);
    timeout(limit, next.run(request)).await.map_err(|_elapsed| {
        ApiError::timed_out(
            "timed-out",
            format!("no answer within {} ms; ask for less, or raise limits.request_timeout_ms", limit.as_millis()),
        )
    })
}
