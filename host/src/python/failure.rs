//! Failures of the Python side as answers of the API.

use std::borrow::Cow;
use std::time::Duration;

use axum::http::StatusCode;

use super::Failure;
use crate::error::{ApiError, FieldError};

/// Status of each code that `drls.errors` knows; an unknown one is a backend that answered badly.
fn status(code: &str) -> StatusCode {
    match code {
        "table-not-found" | "namespace-not-found" | "column-not-found" | "snapshot-not-found" => StatusCode::NOT_FOUND,
        "commit-conflict" | "commit-failed" | "cancelled" | "gc-disabled" => StatusCode::CONFLICT,
        "invalid-argument" => StatusCode::UNPROCESSABLE_ENTITY,
        "catalog-locked" | "read-only-storage" | "disk-full" | "spark-unavailable" | "java-not-found" => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        _ => StatusCode::BAD_GATEWAY,
    }
}

impl From<Failure> for ApiError {
    fn from(failure: Failure) -> Self {
        let soon = Duration::from_secs(5);
        match failure {
            Failure::Told { code, detail, errors, trace } => {
                let status = status(&code);
                let errors = errors.into_iter().map(|(pointer, detail)| FieldError::new(pointer, detail)).collect();
                let error = if status == StatusCode::SERVICE_UNAVAILABLE {
                    Self::unavailable("unavailable", detail, soon).with_code(Cow::Owned(code))
                } else if code == "invalid-argument" {
                    // The doors have one code for what is readable and wrong.
                    Self::new(status, "invalid-request", detail)
                } else {
                    Self::new(status, Cow::Owned(code), detail)
                };
                error.with_errors(errors).because(anyhow::anyhow!(trace))
            }
            Failure::Crashed { trace } => Self::internal(anyhow::anyhow!(trace)),
            Failure::Overloaded => {
                Self::unavailable("overloaded", "too many requests wait for the catalog; try again shortly", soon)
            }
            Failure::TimedOut(limit) => Self::timed_out(
                "timed-out",
                format!("the catalog or its storage gave no answer within {} s", limit.as_secs()),
            ),
            Failure::Unusable(detail) => Self::unavailable(
                "python-unavailable",
                "the Python part of the server can't start; `drls doctor` says what to mend",
                Duration::from_secs(60),
            )
            .because(anyhow::anyhow!(detail)),
        }
    }
}
