//! The server's own description, from which clients and the console's types are made.

use std::sync::LazyLock;

use serde_json::Value;
use utoipa::{
    OpenApi,
    openapi::{
        Content, OpenApi as Document, Ref, Response, SecurityRequirement,
        path::Operation,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use crate::{api::extract::Json, error::Problem, router};

/// Routes that need no sign-in, by method and path.
pub const PUBLIC: [(&str, &str); 5] = [
    ("get", "/api/health"),
    ("post", "/api/session"),
    ("delete", "/api/session"),
    ("get", "/sign-in"),
    ("get", "/api/openapi.json"),
];

#[derive(OpenApi)]
#[openapi(
    info(title = "DRLS", description = "Lakehouse console: Apache Iceberg tables read, judged and repaired."),
    components(schemas(Problem))
)]
struct Base;

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| serde_json::to_value(document()).unwrap_or_default());

/// Show this description.
#[utoipa::path(get, path = "/api/openapi.json", tag = "openapi", responses((status = 200, body = Object)))]
pub async fn show() -> Json<&'static Value> {
    Json(&DOCUMENT)
}

/// What the description says before the routes are in it.
pub fn base() -> Document {
    Base::openapi()
}

/// The whole description: routes, their roles, how to sign in, and the one form of errors.
pub fn document() -> Document {
    let mut document = router::routes().into_openapi();
    let components = document.components.get_or_insert_default();
    components
        .add_security_scheme("bearer", SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build()));
    components.add_security_scheme(
        "session",
        SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(crate::api::session::COOKIE))),
    );
    for (path, item) in &mut document.paths.paths {
        let operations = [
            ("get", &mut item.get),
            ("put", &mut item.put),
            ("post", &mut item.post),
            ("delete", &mut item.delete),
            ("patch", &mut item.patch),
        ];
        for (method, operation) in operations {
            if let Some(operation) = operation {
                operation.operation_id = Some(operation_id(method, path));
                complete(operation, PUBLIC.contains(&(method, path.as_str())));
            }
        }
    }
    document
}

/// A unique name for generated clients: `get_table_name_schema` for `GET /api/table/{name}/schema`.
fn operation_id(method: &str, path: &str) -> String {
    let words = path.trim_start_matches("/api").split(|letter: char| !letter.is_ascii_alphanumeric());
    words.filter(|word| !word.is_empty()).fold(method.to_owned(), |name, word| format!("{name}_{word}"))
}

/// Adds what all routes share.
fn complete(operation: &mut Operation, public: bool) {
    let mut problem = Response::new("What is wrong, and what to do");
    let schema = Content::new(Some(Ref::from_schema_name("Problem")));
    problem.content.insert("application/problem+json".to_owned(), schema);
    operation.responses.responses.insert("default".to_owned(), problem.into());
    if !public {
        let none: [&str; 0] = [];
        operation.security =
            Some(vec![SecurityRequirement::new("bearer", none), SecurityRequirement::new("session", none)]);
    }
}
