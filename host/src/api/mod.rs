//! The doors: one file per resource. A handler extracts, authorises, calls a room and answers.

pub mod catalog;
pub mod config;
pub mod events;
pub mod extract;
pub mod health;
pub mod idempotency;
pub mod jobs;
pub mod metrics;
pub mod names;
pub mod openapi;
pub mod operations;
pub mod page;
pub mod plugins;
pub mod session;
pub mod status;

use tracing::Instrument as _;

use crate::error::ApiError;

/// Runs `work` to its end even where the client goes away or the request's time runs out: for changes that must not stop half-way.
///
/// # Errors
/// Those of `work`; 500 where it panics.
pub async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, ApiError>> + Send + 'static,
) -> Result<T, ApiError> {
    tokio::spawn(work.in_current_span()).await.map_err(ApiError::internal)?
}
