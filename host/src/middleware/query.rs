//! Refuses query parameters where a route takes none; routes that take some check theirs with `extract::Query`.

use std::{collections::HashSet, sync::LazyLock};

use axum::{
    extract::{MatchedPath, Request},
    http::Method,
    middleware::Next,
    response::Response,
};
use utoipa::openapi::{
    PathItem,
    path::{Operation, ParameterIn},
};

use crate::{
    error::{ApiError, FieldError},
    router,
};

/// Method and path of every documented route without a query parameter.
static WITHOUT: LazyLock<HashSet<(Method, String)>> = LazyLock::new(|| {
    let document = router::routes().into_openapi();
    let plain = |path: &str, item: PathItem| {
        let methods = [
            (Method::GET, item.get),
            (Method::POST, item.post),
            (Method::PUT, item.put),
            (Method::DELETE, item.delete),
        ];
        let path = path.to_owned();
        methods.into_iter().filter(|(_, of)| of.as_ref().is_some_and(takes_none)).map(move |(m, _)| (m, path.clone()))
    };
    document.paths.paths.into_iter().flat_map(|(path, item)| plain(&path, item).collect::<Vec<_>>()).collect()
});

/// A misspelled parameter must not look as if it had been heard.
pub async fn refuse_unknown(path: MatchedPath, request: Request, next: Next) -> Result<Response, ApiError> {
    let query = request.uri().query().unwrap_or_default();
    let names: Vec<(String, String)> = serde_urlencoded::from_str(query).unwrap_or_default();
    if !names.is_empty() && WITHOUT.contains(&(request.method().clone(), path.as_str().to_owned())) {
        let told =
            names.into_iter().map(|(name, _)| FieldError::new(format!("?{name}"), "is no parameter of this route"));
        return Err(ApiError::unprocessable(told.collect()));
    }
    Ok(next.run(request).await)
}

fn takes_none(operation: &Operation) -> bool {
    let given = operation.parameters.iter().flatten();
    given.into_iter().all(|parameter| parameter.parameter_in != ParameterIn::Query)
}
