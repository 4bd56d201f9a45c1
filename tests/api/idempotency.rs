//! `Idempotency-Key`

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::post,
};
use drls::{
    api::{extract::Json, idempotency::Idempotency},
    app::App,
    auth::{Role, User},
    error::ApiError,
};
use serde_json::{Value, json};

use crate::support::{Server, problem};

/// A route that counts how often it was carried out; it waits `slow` milliseconds and fails the first `fail` times.
async fn counting() -> (Server, Arc<AtomicU32>) {
    let done = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&done);
    let count = move |State(app): State<App>, user: User, key: Idempotency, Json(body): Json<Value>| {
        let counter = Arc::clone(&counter);
        async move {
            let asked = body.clone();
            let work = async move {
                tokio::time::sleep(Duration::from_millis(asked["slow"].as_u64().unwrap_or_default())).await;
                let number = counter.fetch_add(1, Ordering::SeqCst) + 1;
                if u64::from(number) <= asked["fail"].as_u64().unwrap_or_default() {
                    return Err(ApiError::conflict("table-locked", "another job holds the table"));
                }
                let location = [("location", "/api/jobs/7")];
                Ok((StatusCode::ACCEPTED, location, Json(json!({ "number": number }))).into_response())
            };
            let answer: Result<Response, ApiError> = key.run(&app, &user, &body, work).await;
            answer
        }
    };
    let server = Server::start_routes(&Value::Null, Router::new().route("/api/count", post(count))).await;
    (server, done)
}

async fn send(server: &Server, token: &str, key: Option<&str>, body: &Value) -> reqwest::Response {
    let mut request = server.post("/api/count").bearer_auth(token).json(body);
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    request.send().await.unwrap()
}

#[tokio::test]
async fn carries_out_a_repeated_request_once() {
    let (server, done) = counting().await;
    let token = server.token(Role::Operator).await;
    let body = json!({ "table": "a.b" });
    let first = send(&server, &token, Some("k1"), &body).await;
    let again = send(&server, &token, Some("k1"), &body).await;
    assert_eq!(again.headers()["idempotent-replayed"], "true");
    for answer in [first, again] {
        assert_eq!(answer.status(), 202);
        assert_eq!(answer.headers()["location"], "/api/jobs/7");
        assert_eq!(answer.headers()["content-type"], "application/json");
        assert_eq!(answer.json::<Value>().await.unwrap(), json!({ "number": 1 }));
    }
    assert_eq!(done.load(Ordering::SeqCst), 1);
    send(&server, &token, None, &body).await;
    send(&server, &token, None, &body).await;
    let other_user = server.token(Role::Operator).await;
    send(&server, &other_user, Some("k1"), &body).await;
    assert_eq!(done.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn refuses_a_key_of_another_request() {
    let (server, _) = counting().await;
    let token = server.token(Role::Operator).await;
    send(&server, &token, Some("k1"), &json!({ "table": "a.b" })).await;
    let other = send(&server, &token, Some("k1"), &json!({ "table": "a.c" })).await;
    problem(other, 422, "idempotency-key-reused").await;
    problem(send(&server, &token, Some(""), &json!({})).await, 400, "idempotency-key-unreadable").await;
}

#[tokio::test]
async fn lets_a_refused_request_try_again() {
    let (server, _) = counting().await;
    let token = server.token(Role::Operator).await;
    let body = json!({ "fail": 1 });
    problem(send(&server, &token, Some("k1"), &body).await, 409, "table-locked").await;
    assert_eq!(send(&server, &token, Some("k1"), &body).await.status(), 202);
}

#[tokio::test]
async fn finishes_for_a_client_that_went_away_and_says_so_meanwhile() {
    let (server, done) = counting().await;
    let token = server.token(Role::Operator).await;
    let body = json!({ "slow": 700 });
    let impatient = server.post("/api/count").bearer_auth(&token).header("idempotency-key", "k1").json(&body);
    assert!(impatient.timeout(Duration::from_millis(200)).send().await.unwrap_err().is_timeout());
    problem(send(&server, &token, Some("k1"), &body).await, 409, "request-in-progress").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let later = send(&server, &token, Some("k1"), &body).await;
    assert_eq!(later.headers()["idempotent-replayed"], "true");
    assert_eq!(done.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn says_when_the_outcome_was_lost_with_the_server() {
    let (server, done) = counting().await;
    let token = server.token(Role::Operator).await;
    let body = json!({ "slow": 300 });
    let first = send(&server, &token, Some("k1"), &body).await;
    assert_eq!(first.status(), 202);
    // As a server leaves it that is killed before the answer, or that could not write it.
    let mut tx = server.app.db.write().await.unwrap();
    sqlx::query("UPDATE idempotency_keys SET status = NULL, headers = NULL, body = NULL")
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    problem(send(&server, &token, Some("k1"), &body).await, 409, "outcome-lost").await;
    assert_eq!(done.load(Ordering::SeqCst), 1);
}
