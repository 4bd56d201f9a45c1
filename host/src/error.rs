//! The one error of the HTTP doors: a status, a stable code, words for people, every mistake at once.
//!
//! [`ApiError`] becomes `application/problem+json` (RFC 9457). What only the operator may see (the cause) stays in the log, under the
//! request id; `middleware::observe` writes both, once.

use std::{borrow::Cow, sync::Arc, time::Duration};

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

/// One mistake in a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// JSON Pointer (RFC 6901) into the body; `?name` for a query parameter, `{name}` for a part of the path.
    pub pointer: String,
    /// What is wrong and what would be right.
    pub detail: String,
}

impl FieldError {
    /// A mistake at `pointer`, described by `detail`.
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into() }
    }
}

/// Body of every answer with a status of 400 or more (RFC 9457).
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Problem {
    /// Always `about:blank`: `code` tells the kinds apart.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The status in words.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// Stable kebab-case name of the kind of problem.
    pub code: Cow<'static, str>,
    /// What is wrong and what to do, for people.
    pub detail: String,
    /// Every mistake of the request.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// Finds this request in the server's log.
    pub request_id: String,
}

/// A refused or failed request.
#[derive(Clone, Debug)]
pub struct ApiError {
    status: StatusCode,
    code: Cow<'static, str>,
    detail: String,
    errors: Vec<FieldError>,
    retry_after: Option<Duration>,
    cause: Option<Arc<anyhow::Error>>,
}

impl ApiError {
    /// An error of any `status`; the named constructors below are to be preferred.
    pub fn new(status: StatusCode, code: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Self { status, code: code.into(), detail: detail.into(), errors: Vec::new(), retry_after: None, cause: None }
    }

    /// 400: the request can't be read.
    pub fn unreadable(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// 401 `not-signed-in`.
    pub fn not_signed_in(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "not-signed-in", detail)
    }

    /// 403: known, and not allowed.
    pub fn forbidden(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, detail)
    }

    /// 404.
    pub fn not_found(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, detail)
    }

    /// 409: the state of things does not allow it.
    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    /// 422 `invalid-request` with every mistake. `errors` must not be empty.
    pub fn unprocessable(errors: Vec<FieldError>) -> Self {
        let detail = in_one_line(&errors);
        Self { errors, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-request", detail) }
    }

    /// 429: too many of these; come back after `retry_after`.
    pub fn too_many(code: &'static str, detail: impl Into<String>, retry_after: Duration) -> Self {
        Self { retry_after: Some(retry_after), ..Self::new(StatusCode::TOO_MANY_REQUESTS, code, detail) }
    }

    /// 502: a backend (Spark, catalog, provider) answered badly.
    pub fn bad_gateway(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_GATEWAY, code, detail)
    }

    /// 503: overloaded or not ready; come back after `retry_after`.
    pub fn unavailable(code: &'static str, detail: impl Into<String>, retry_after: Duration) -> Self {
        Self { retry_after: Some(retry_after), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail) }
    }

    /// 504: it took too long.
    pub fn timed_out(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::GATEWAY_TIMEOUT, code, detail)
    }

    /// 500 `internal`: a fault of ours. The client learns nothing but the request id.
    pub fn internal(cause: impl Into<anyhow::Error>) -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "the server failed; its log has the reason under this request_id",
        )
        .because(cause)
    }

    /// 405, naming the methods that are there.
    pub(crate) fn method_not_allowed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", detail)
    }

    /// Adds the cause for the log; it never reaches the client.
    #[must_use]
    pub fn because(mut self, cause: impl Into<anyhow::Error>) -> Self {
        self.cause = Some(Arc::new(cause.into()));
        self
    }

    /// Replaces the mistakes, keeping status and code; words that were made of them are made anew.
    #[must_use]
    pub fn with_errors(mut self, errors: Vec<FieldError>) -> Self {
        if self.detail == in_one_line(&self.errors) {
            self.detail = in_one_line(&errors);
        }
        self.errors = errors;
        self
    }

    /// Replaces the code, for a more telling one.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<Cow<'static, str>>) -> Self {
        self.code = code.into();
        self
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The stable kebab-case code.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The words for people.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// Every mistake of the request.
    pub fn errors(&self) -> &[FieldError] {
        &self.errors
    }

    /// The cause, for the log.
    pub(crate) fn cause(&self) -> Option<&anyhow::Error> {
        self.cause.as_deref()
    }

    /// The body that a client sees for the request `request_id`.
    pub(crate) fn problem(&self, request_id: &str) -> Problem {
        Problem {
            kind: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            code: self.code.clone(),
            detail: self.detail.clone(),
            errors: self.errors.clone(),
            request_id: request_id.to_owned(),
        }
    }
}

impl IntoResponse for ApiError {
    /// A response without a body that carries the error; `middleware::observe` knows the request id, logs it and writes the body.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        let headers = response.headers_mut();
        if let Some(wait) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// The one mistake in words, or how many there are.
fn in_one_line(errors: &[FieldError]) -> String {
    match errors {
        [only] if only.pointer.is_empty() => only.detail.clone(),
        [only] => format!("{}: {}", only.pointer, only.detail),
        many => format!("the request has {} mistakes, listed in `errors`", many.len()),
    }
}

/// A database that fails is ours to mend, save for what passes: overload, and a disk that is full, read-only or broken.
impl From<sqlx::Error> for ApiError {
    fn from(error: sqlx::Error) -> Self {
        let result = match error {
            sqlx::Error::PoolTimedOut => Some(5),
            _ => crate::db::primary_code(&error),
        };
        // https://sqlite.org/rescode.html
        let (code, words) = match result {
            Some(5 | 6) => ("overloaded", "the state database is busy; try again shortly"),
            Some(8) => (
                "read-only-storage",
                "the state database can't be written: its disk is read-only; make it writable and try again",
            ),
            Some(13) => ("disk-full", "the disk with the state database is full; free some space and try again"),
            Some(10 | 14) => (
                "storage-failed",
                "the disk with the state database failed; the server's log says how; mend it and try again",
            ),
            _ => return Self::internal(error),
        };
        Self::unavailable(code, words, Duration::from_secs(2)).because(error)
    }
}

/// Anything unforeseen is a fault of ours.
impl From<anyhow::Error> for ApiError {
    fn from(error: anyhow::Error) -> Self {
        Self::internal(error)
    }
}
