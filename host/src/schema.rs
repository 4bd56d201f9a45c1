//! Checks JSON against the schema that OpenAPI shows, and tells every mistake at once in words for people.

use std::{
    any::TypeId,
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use anyhow::{Context as _, Result, anyhow};
use jsonschema::{
    JsonType, Validator,
    error::{TypeKind, ValidationError, ValidationErrorKind},
};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::{api::names::TableName, error::FieldError};

/// Compiled validators; compiling one takes a good part of a millisecond.
static COMPILED: LazyLock<Mutex<HashMap<TypeId, Arc<Validator>>>> = LazyLock::new(Mutex::default);

/// At most so many mistakes are told of one request.
const MOST: usize = 100;

/// Every way in which `value` is not a `T`, in the order of the document; empty where it is one.
///
/// # Errors
/// Where the schema of `T` itself is wrong: a fault of ours.
pub fn check<T: ToSchema + 'static>(value: &Value) -> Result<Vec<FieldError>> {
    Ok(mistakes(&*validator::<T>()?, value))
}

/// Every way in which `value` breaks the schema of `validator`.
pub fn mistakes(validator: &Validator, value: &Value) -> Vec<FieldError> {
    let mut found = Vec::new();
    for error in validator.iter_errors(value) {
        describe(&error, &mut found);
        if found.len() >= MOST {
            break;
        }
    }
    found.truncate(MOST);
    found
}

/// Compiles a schema with our formats: `table-name`, `socket-address`.
///
/// # Errors
/// Where it is no valid JSON Schema (draft 2020-12).
pub fn compile(schema: &Value) -> Result<Validator> {
    jsonschema::options()
        .with_draft(jsonschema::Draft::Draft202012)
        .should_validate_formats(true)
        .with_format("table-name", |text: &str| text.parse::<TableName>().is_ok())
        .with_format("socket-address", |text: &str| text.parse::<SocketAddr>().is_ok())
        .build(schema)
        .map_err(|error| anyhow!("a schema of ours is wrong: {error}"))
}

/// The compiled schema of `T` with everything it refers to.
fn validator<T: ToSchema + 'static>() -> Result<Arc<Validator>> {
    cached(TypeId::of::<T>(), || {
        let mut parts = vec![(T::name().into_owned(), T::schema())];
        T::schemas(&mut parts);
        let parts: HashMap<_, _> = parts.into_iter().collect();
        json!({
            "$ref": format!("#/components/schemas/{}", T::name()),
            "components": { "schemas": parts },
        })
    })
    .with_context(|| T::name().into_owned())
}

/// The validator known under `key`, compiled from `schema` the first time.
///
/// # Errors
/// As [`compile`].
pub fn cached(key: TypeId, schema: impl FnOnce() -> Value) -> Result<Arc<Validator>> {
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = compiled.get(&key) {
        return Ok(Arc::clone(known));
    }
    let made = Arc::new(compile(&schema())?);
    compiled.insert(key, Arc::clone(&made));
    Ok(made)
}

/// Turns one error of the validator into mistakes: a missing field is told at its own place, an alternative by its nearest form.
fn describe(error: &ValidationError<'_>, found: &mut Vec<FieldError>) {
    let at = error.instance_path().as_str();
    match error.kind() {
        ValidationErrorKind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            found.push(FieldError::new(child(at, name), "is missing"));
        }
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            found.extend(unexpected.iter().map(|name| FieldError::new(child(at, name), "is not a known field")));
        }
        ValidationErrorKind::OneOfNotValid { context } | ValidationErrorKind::AnyOf { context } => {
            match nearest(context, at) {
                Some(branch) => branch.iter().for_each(|inner| describe(inner, found)),
                None => found.push(FieldError::new(at, "has none of the allowed forms")),
            }
        }
        kind => found.push(FieldError::new(at, words(kind, error.instance()))),
    }
}

/// The alternative that the sender most likely meant: the one that is not wrong at the top.
fn nearest<'a>(context: &'a [Vec<ValidationError<'static>>], at: &str) -> Option<&'a [ValidationError<'static>]> {
    let wrong_at_top = |error: &ValidationError<'_>| {
        error.instance_path().as_str() == at && matches!(error.kind(), ValidationErrorKind::Type { .. })
    };
    let not_null = |branch: &&Vec<ValidationError<'static>>| !matches!(branch.as_slice(), [only] if matches!(only.kind(), ValidationErrorKind::Type { kind: TypeKind::Single(JsonType::Null) }));
    let fitting = context.iter().find(|branch| !branch.is_empty() && !branch.iter().any(wrong_at_top));
    fitting
        .or_else(|| {
            let mut candidates = context.iter().filter(not_null);
            candidates.next().filter(|_| candidates.next().is_none())
        })
        .map(Vec::as_slice)
}

/// What is wrong and what would be right. The value itself is not repeated: it may be large, or a secret.
fn words(kind: &ValidationErrorKind, instance: &Value) -> String {
    match kind {
        ValidationErrorKind::Type { kind } => {
            let wanted = match kind {
                TypeKind::Single(one) => one.to_string(),
                TypeKind::Multiple(many) => {
                    let names = many.iter().filter(|one| *one != JsonType::Null).map(|one| one.to_string());
                    names.collect::<Vec<_>>().join(" or ")
                }
            };
            format!("must be {wanted}, is {}", type_of(instance))
        }
        ValidationErrorKind::Enum { options } => {
            let options = options.as_array().map(|all| all.iter().map(Value::to_string).collect::<Vec<_>>().join(", "));
            format!("must be one of {}", options.unwrap_or_default())
        }
        ValidationErrorKind::Constant { expected_value } => format!("must be {expected_value}"),
        ValidationErrorKind::Format { format } if format == "table-name" => {
            let reason = instance.as_str().and_then(|text| text.parse::<TableName>().err());
            reason.map_or_else(|| "is no table name".to_owned(), |reason| reason.to_string())
        }
        ValidationErrorKind::Format { format } if format == "socket-address" => {
            "must be ADDRESS:PORT, like 127.0.0.1:3000 or [::1]:3000".to_owned()
        }
        ValidationErrorKind::Format { format } => format!("must be a valid {format}"),
        ValidationErrorKind::Pattern { pattern } => format!("must match {pattern}"),
        ValidationErrorKind::Minimum { limit } => format!("must be at least {limit}"),
        ValidationErrorKind::Maximum { limit } => format!("must be at most {limit}"),
        ValidationErrorKind::ExclusiveMinimum { limit } => format!("must be more than {limit}"),
        ValidationErrorKind::ExclusiveMaximum { limit } => format!("must be less than {limit}"),
        ValidationErrorKind::MinLength { limit } => format!("must have at least {limit} characters"),
        ValidationErrorKind::MaxLength { limit } => format!("must have at most {limit} characters"),
        ValidationErrorKind::MinItems { limit } => format!("must have at least {limit} items"),
        ValidationErrorKind::MaxItems { limit } => format!("must have at most {limit} items"),
        ValidationErrorKind::UniqueItems => "must not have an item twice".to_owned(),
        ValidationErrorKind::PropertyNames { error } => {
            format!("has a name that {}", words(error.kind(), error.instance()))
        }
        _ => "is not allowed by the schema of this route in /api/openapi.json".to_owned(),
    }
}

/// JSON's word for the type of a value.
fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number with a fraction",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// The JSON Pointer of a member.
pub fn child(parent: &str, name: &str) -> String {
    format!("{parent}/{}", name.replace('~', "~0").replace('/', "~1"))
}
