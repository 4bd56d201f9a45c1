//! /api/openapi.json

use std::{collections::HashSet, path::Path};

use drls::{api::openapi, auth::Role};
use serde_json::Value;

use crate::support::{self, Server};

/// The committed description of what clients may rely on.
fn snapshot() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    std::fs::read_to_string(file).unwrap_or_default()
}

#[tokio::test]
async fn is_the_committed_one() {
    let server = Server::start().await;
    let served: Value = server.get("/api/openapi.json").send().await.unwrap().json().await.unwrap();
    assert_eq!(served["openapi"], "3.1.0");
    let committed: Value = serde_json::from_str(&snapshot()).unwrap_or_default();
    assert!(
        served == committed,
        "the routes have changed: look at the difference, then run `target/release/drls openapi > host/openapi.json`"
    );
}

#[tokio::test]
async fn has_a_page_whose_files_are_all_ours() {
    let server = Server::start().await;
    let token = server.token(Role::Viewer).await;
    let page = server.get("/api/docs/").bearer_auth(&token).send().await.unwrap();
    assert_eq!(page.status(), 200);
    let html = page.text().await.unwrap();
    assert!(html.contains("swagger-ui") && !html.contains("://"), "nothing from elsewhere: {html}");
    let start = server.get("/api/docs/swagger-initializer.js").bearer_auth(&token).send().await.unwrap();
    assert!(start.text().await.unwrap().contains("/api/openapi.json"));
}

#[test]
fn is_printed_by_the_command() {
    let home = tempfile::TempDir::new().unwrap();
    let printed = support::drls(home.path(), &["openapi"]);
    assert!(printed.status.success());
    assert_eq!(support::stdout(&printed), snapshot());
}

#[test]
fn names_a_role_or_is_public_on_every_route() {
    let document = serde_json::to_value(openapi::document()).unwrap();
    let mut names = HashSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let public = openapi::PUBLIC.contains(&(method.as_str(), path.as_str()));
            let role = operation["x-role"].as_str();
            assert!(
                public != role.is_some_and(|role| ["viewer", "operator", "approver", "admin"].contains(&role)),
                "{method} {path} must be public or name its role with x-role"
            );
            assert!(
                names.insert(operation["operationId"].as_str().unwrap()),
                "{method} {path} has the name of another"
            );
            assert!(operation["summary"].is_string(), "{method} {path} has no summary");
            assert!(operation["responses"]["default"].is_object(), "{method} {path} has no problem");
        }
    }
}
