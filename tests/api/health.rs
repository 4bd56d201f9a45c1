//! /api/health

use drls::{
    auth::Role,
    health::{Part, State},
};
use serde_json::{Value, json};

use crate::support::Server;

#[tokio::test]
async fn tells_strangers_status_and_version_only() {
    let server = Server::start().await;
    let shown: Value = server.get("/api/health").send().await.unwrap().json().await.unwrap();
    assert_eq!(shown, json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") }));
}

#[tokio::test]
async fn tells_users_how_each_part_is_and_is_as_well_as_the_worst() {
    let server = Server::start().await;
    let token = server.token(Role::Viewer).await;
    server.app.health.add("probe", async || Part { state: State::Down, detail: "does not run".to_owned() });
    let shown: Value = server.get("/api/health").bearer_auth(token).send().await.unwrap().json().await.unwrap();
    assert_eq!(shown["parts"]["database"]["state"], "ok");
    assert_eq!(shown["parts"]["probe"], json!({ "state": "down", "detail": "does not run" }));
    assert_eq!(shown["status"], "degraded");
    assert!(shown["uptime_ms"].is_u64());
}
