//! The console's files

use drls::auth::Role;
use reqwest::StatusCode;
use serde_json::json;
use tempfile::TempDir;

use crate::support::{Server, problem};

#[tokio::test]
async fn says_where_the_console_will_be_until_it_is_there() {
    let server = Server::start_with(&json!({ "server": { "frontend_dir": "/nowhere/dist" } })).await;
    let page = server.get("/").send().await.unwrap();
    assert_eq!(page.status(), StatusCode::OK);
    let text = page.text().await.unwrap();
    assert!(text.contains("FRONTEND_DIR") && text.contains("/api/tables") && text.contains("not signed in"));
    let token = server.token(Role::Viewer).await;
    let text = server.get("/").bearer_auth(token).send().await.unwrap().text().await.unwrap();
    assert!(text.contains("You are signed in as viewer-"));
    assert_eq!(server.get("/pipelines").send().await.unwrap().status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn serves_the_console_and_its_own_addresses() {
    let dist = TempDir::new().unwrap();
    std::fs::create_dir(dist.path().join("assets")).unwrap();
    std::fs::write(dist.path().join("index.html"), "<!doctype html>console").unwrap();
    std::fs::write(dist.path().join("assets/app-1a2b.js"), "export {}").unwrap();
    let server = Server::start_with(&json!({ "server": { "frontend_dir": dist.path() } })).await;
    for path in ["/", "/tables/a.b/health", "/tables/a.b", "/tables/a.b.html", "/pipelines"] {
        let page = server.get(path).send().await.unwrap();
        assert_eq!(page.headers()["cache-control"], "no-cache");
        assert_eq!(page.text().await.unwrap(), "<!doctype html>console", "{path}");
    }
    let script = server.get("/assets/app-1a2b.js").send().await.unwrap();
    assert!(script.headers()["content-type"].to_str().unwrap().contains("javascript"));
    assert!(script.headers()["cache-control"].to_str().unwrap().contains("immutable"));
    assert_eq!(server.get("/robots.txt").send().await.unwrap().status(), StatusCode::NOT_FOUND);
    assert_eq!(server.get("/assets/gone.js").send().await.unwrap().status(), StatusCode::NOT_FOUND);
    for path in ["/../../etc/passwd", "/assets/..%2f..%2f..%2fetc/passwd", "/%2e%2e/%2e%2e/etc/passwd"] {
        let answer = server.get(path).send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status == StatusCode::NOT_FOUND || text == "<!doctype html>console", "{path}: {status} {text}");
    }
    problem(server.post("/tables").send().await.unwrap(), 404, "route-not-found").await;
}
