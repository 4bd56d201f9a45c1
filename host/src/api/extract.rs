//! Extractors that tell every mistake at once, as problems.

use std::{any::TypeId, time::Duration};

use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, FromRequestParts, RawPathParams, Request, path::ErrorKind, rejection::PathRejection},
    http::{HeaderMap, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use http_body_util::BodyExt as _;
use serde::{
    Serialize,
    de::{DeserializeOwned, value::MapDeserializer},
};
use serde_json::{Map, Value, json};
use serde_path_to_error::Segment;
use utoipa::{
    IntoParams, ToSchema,
    openapi::{Required, path::ParameterIn},
};

use crate::{
    error::{ApiError, FieldError},
    schema,
};

/// The largest body accepted, in bytes.
pub const BODY_LIMIT: usize = 2 * 1024 * 1024;

/// So much of a body that is too large is read and thrown away, so that a client that is still sending hears the answer.
const DRAINED: usize = 4 * BODY_LIMIT;

/// A JSON body, checked against the schema of `T` before it is read into one; and a JSON answer.
///
/// Refuses with 415 (not JSON by its type), 413 (over 2 MiB), 400 `not-json`, and 422 `invalid-request` with every mistake.
#[derive(Clone, Copy, Debug)]
pub struct Json<T>(pub T);

impl<S: Sync, T: DeserializeOwned + ToSchema + 'static> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Self::Rejection> {
        if !is_json(request.headers()) {
            return Err(ApiError::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "not-json-type",
                "send the body as JSON, with `Content-Type: application/json`",
            ));
        }
        let bytes = read_body(request.into_body()).await?;
        let value = serde_json::from_slice::<Value>(&bytes)
            .map_err(|error| ApiError::unreadable("not-json", format!("the body is no JSON: {error}")))?;
        let mistakes = schema::check::<T>(&value)?;
        if !mistakes.is_empty() {
            return Err(ApiError::unprocessable(mistakes));
        }
        from_value(value).map(Self).map_err(|mistake| ApiError::unprocessable(vec![mistake]))
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// Query parameters; unknown ones are refused. `T` derives `Deserialize` and `IntoParams`; parameters of enum type need
/// `#[param(inline)]`.
#[derive(Clone, Copy, Debug)]
pub struct Query<T>(pub T);

impl<S: Sync, T: DeserializeOwned + IntoParams + 'static> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        let given: Vec<(String, String)> = serde_urlencoded::from_str(parts.uri.query().unwrap_or_default())
            .map_err(|error| ApiError::unreadable("query-unreadable", format!("the query is unreadable: {error}")))?;
        let schema = query_schema::<T>();
        let (value, mut mistakes) = query_value(&given, &schema);
        mistakes.extend(schema::mistakes(&*schema::cached(TypeId::of::<T>(), || schema)?, &value));
        if mistakes.is_empty() {
            match from_value(value) {
                Ok(query) => return Ok(Self(query)),
                Err(mistake) => mistakes.push(mistake),
            }
        }
        for mistake in &mut mistakes {
            mistake.pointer = format!("?{}", mistake.pointer.trim_start_matches('/'));
        }
        Err(ApiError::unprocessable(mistakes))
    }
}

/// Parts of the path, as a named struct.
#[derive(Clone, Copy, Debug)]
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(path)) => Ok(Self(path)),
            Err(PathRejection::FailedToDeserializePathParams(failure)) => {
                let mistake = match failure.into_kind() {
                    ErrorKind::DeserializeError { key, message, .. } => FieldError::new(format!("{{{key}}}"), message),
                    ErrorKind::ParseErrorAtKey { key, expected_type, .. } => {
                        FieldError::new(format!("{{{key}}}"), format!("must be {expected_type}"))
                    }
                    ErrorKind::InvalidUtf8InPathParam { key } => {
                        FieldError::new(format!("{{{key}}}"), "must be percent-encoded UTF-8")
                    }
                    other => {
                        let key = failing_part::<T>(parts, state).await.unwrap_or_default();
                        FieldError::new(format!("{{{key}}}"), other.to_string())
                    }
                };
                Err(ApiError::unprocessable(vec![mistake]))
            }
            Err(other) => Err(ApiError::internal(other)),
        }
    }
}

/// `Prefer: wait=N` (RFC 7240): how long the client would wait for long work, at most [`Wait::LONGEST`]. What can't be read is ignored.
#[derive(Clone, Copy, Debug)]
pub struct Wait(pub Option<Duration>);

impl Wait {
    /// Longer wishes are cut to this.
    pub const LONGEST: Duration = Duration::from_secs(30);
}

impl<S: Sync> FromRequestParts<S> for Wait {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        let wishes = parts.headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
        let wait = wishes
            .flat_map(|value| value.split([',', ';']))
            .find_map(|wish| wish.trim().strip_prefix("wait=")?.trim_matches('"').parse().ok());
        Ok(Self(wait.map(|seconds| Duration::from_secs(seconds).min(Self::LONGEST))))
    }
}

/// `If-Match`: the state that the client has seen of what it changes.
#[derive(Clone, Debug)]
pub struct IfMatch(Option<String>);

impl IfMatch {
    /// Compares with the present entity tag, quotes included.
    ///
    /// # Errors
    /// 428 `if-match-missing`; 412 `if-match-failed` where it was changed in between.
    pub fn check(&self, etag: &str) -> Result<(), ApiError> {
        let Some(wanted) = &self.0 else {
            return Err(ApiError::new(
                StatusCode::PRECONDITION_REQUIRED,
                "if-match-missing",
                "send `If-Match` with the `ETag` of the state that you have seen, so that no one's change is lost",
            ));
        };
        if wanted.split(',').map(str::trim).any(|tag| tag == "*" || tag == etag) {
            return Ok(());
        }
        Err(ApiError::new(
            StatusCode::PRECONDITION_FAILED,
            "if-match-failed",
            "it was changed since you read it; read it again and decide anew",
        ))
    }
}

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(parts.headers.get(header::IF_MATCH).and_then(|value| value.to_str().ok()).map(str::to_owned)))
    }
}

/// Which part of the path a `T` can't be read from, where axum does not say.
async fn failing_part<T: DeserializeOwned>(parts: &mut Parts, state: &(impl Send + Sync)) -> Option<String> {
    let raw = RawPathParams::from_request_parts(parts, state).await.ok()?;
    let read = MapDeserializer::<_, serde::de::value::Error>::new(raw.iter());
    let error = serde_path_to_error::deserialize::<_, T>(read).err()?;
    Some(error.path().to_string())
}

/// Whether the body is JSON by its type: `application/json` or `application/...+json`.
fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// The whole body, up to [`BODY_LIMIT`].
async fn read_body(mut body: Body) -> Result<Bytes, ApiError> {
    let (mut bytes, mut length) = (Vec::new(), 0);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            ApiError::unreadable("body-unreadable", "the body broke off; send it again").because(error)
        })?;
        let Ok(data) = frame.into_data() else { continue };
        length += data.len();
        if length > DRAINED {
            break;
        }
        if length <= BODY_LIMIT {
            bytes.extend_from_slice(&data);
        }
    }
    if length > BODY_LIMIT {
        return Err(ApiError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body-too-large",
            format!("the body is larger than {BODY_LIMIT} bytes"),
        ));
    }
    Ok(bytes.into())
}

/// Reads `value` into a `T`, telling the place of what the schema could not see.
fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, FieldError> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let pointer = error.path().iter().fold(String::new(), |at, segment| match segment {
            Segment::Seq { index } => format!("{at}/{index}"),
            Segment::Map { key } => schema::child(&at, key),
            Segment::Enum { .. } | Segment::Unknown => at,
        });
        FieldError::new(pointer, error.into_inner().to_string())
    })
}

/// The parameters of `T` as the schema of one object.
fn query_schema<T: IntoParams>() -> Value {
    let parameters = T::into_params(|| Some(ParameterIn::Query));
    let required: Vec<_> =
        parameters.iter().filter(|one| one.required == Required::True).map(|one| one.name.clone()).collect();
    let properties: Map<_, _> = parameters.into_iter().map(|one| (one.name, json!(one.schema))).collect();
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

/// The given texts as an object, numbers and truth values read by the type that the schema names; repeated ones are mistakes.
fn query_value(given: &[(String, String)], schema: &Value) -> (Value, Vec<FieldError>) {
    let (mut object, mut mistakes) = (Map::new(), Vec::new());
    for (name, text) in given {
        let type_of = &schema["properties"][name]["type"];
        let is = |wanted: &str| match type_of {
            Value::String(one) => one == wanted,
            Value::Array(many) => many.iter().any(|one| one == wanted),
            _ => false,
        };
        let read = if is("integer") || is("number") || is("boolean") { serde_json::from_str(text).ok() } else { None };
        let value = read.unwrap_or_else(|| Value::from(text.as_str()));
        if object.insert(name.clone(), value).is_some() {
            mistakes.push(FieldError::new(name, "is given more than once"));
        }
    }
    (Value::Object(object), mistakes)
}
