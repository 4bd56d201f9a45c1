//! Sees every request from outside: gives it an id and a span, counts it, logs its failure once and writes the body of a problem.

use std::{any::Any, time::Instant};

use anyhow::anyhow;
use axum::{
    body::Body,
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, Method, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use tracing::{Instrument as _, Span, field::Empty, info_span};
use uuid::Uuid;

use crate::{app::App, error::ApiError};

/// Carries the id in both directions.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The outermost layer.
pub async fn observe(State(app): State<App>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request_id(&request);
    let method = known_method(request.method());
    let route = request.extensions().get::<MatchedPath>().map_or("other", MatchedPath::as_str).to_owned();
    let span = info_span!("request", request_id = %id, method, path = request.uri().path(), user = Empty);
    let mut response = next.run(request).instrument(span.clone()).await;
    let took = started.elapsed();
    let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    app.metrics.request(method, &route, response.status().as_u16(), took);
    span.in_scope(|| log(&response, took_ms));
    if let Some(error) = response.extensions_mut().remove::<ApiError>() {
        response = problem(response, &error, &id);
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// The answer of a handler that panicked.
#[expect(clippy::needless_pass_by_value, reason = "the layer hands the panic over by value")]
pub fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let words = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    ApiError::internal(anyhow!("a handler panicked: {words}")).into_response()
}

/// Names the user of the current request in its span.
pub fn record_user(name: &str) {
    Span::current().record("user", name);
}

/// The method, if it is a common one: any word may be sent as a method, and each would be a row of the metrics for ever.
fn known_method(method: &Method) -> &'static str {
    let common = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    common.into_iter().find(|word| *word == method.as_str()).unwrap_or("other")
}

/// The client's id, where it is short and plain, else a new one.
fn request_id(request: &Request) -> String {
    let plain = |id: &&str| {
        (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    request
        .headers()
        .get(REQUEST_ID)
        .and_then(|id| id.to_str().ok())
        .filter(plain)
        .map_or_else(|| Uuid::now_v7().to_string(), str::to_owned)
}

/// One line for each answer: faults of ours as errors, refusals as information, the rest for debugging.
fn log(response: &Response, took_ms: u64) {
    let status = response.status().as_u16();
    match response.extensions().get::<ApiError>() {
        Some(error) if status >= 500 => {
            let cause = error.cause().map(|cause| format!("{cause:#}"));
            tracing::error!(status, took_ms, code = error.code(), detail = error.detail(), cause, "request failed");
        }
        Some(error) => {
            let cause = error.cause().map(|cause| format!("{cause:#}"));
            tracing::info!(status, took_ms, code = error.code(), detail = error.detail(), cause, "request refused");
        }
        None => tracing::debug!(status, took_ms, "request answered"),
    }
}

/// Gives a refusal its body.
fn problem(response: Response, error: &ApiError, id: &str) -> Response {
    let (mut parts, _empty) = response.into_parts();
    let body = serde_json::to_vec(&error.problem(id)).unwrap_or_default();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    Response::from_parts(parts, Body::from(body))
}
