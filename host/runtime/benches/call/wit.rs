//! The answer of `evaluate`, as wasmtime lifts it without bindings of ours.

#![expect(dead_code, reason = "the answer is lifted and dropped")]

use wasmtime::component::{ComponentType, Lift};

#[derive(ComponentType, Lift)]
#[component(enum)]
#[repr(u8)]
pub(crate) enum Severity {
    #[component(name = "info")]
    Info,
    #[component(name = "warning")]
    Warning,
    #[component(name = "critical")]
    Critical,
}

#[derive(ComponentType, Lift)]
#[component(record)]
pub(crate) struct Measure {
    name: String,
    value: f64,
    unit: String,
    threshold: Option<f64>,
}

#[derive(ComponentType, Lift)]
#[component(record)]
pub(crate) struct Remedy {
    operation: String,
    arguments: String,
}

#[derive(ComponentType, Lift)]
#[component(record)]
pub(crate) struct Finding {
    code: String,
    severity: Severity,
    title: String,
    penalty: u8,
    evidence: Vec<Measure>,
    remedy: Option<Remedy>,
}

#[derive(ComponentType, Lift)]
#[component(record)]
pub(crate) struct FieldError {
    pointer: String,
    detail: String,
}

#[derive(ComponentType, Lift)]
#[component(variant)]
pub(crate) enum Error {
    #[component(name = "invalid")]
    Invalid(Vec<FieldError>),
    #[component(name = "not-found")]
    NotFound(String),
    #[component(name = "denied")]
    Denied(String),
    #[component(name = "failed")]
    Failed(String),
}
