//! What holds for every route: sign-in, `Host`, `Origin`, bodies, queries, and the form of problems.

use std::time::Duration;

use axum::{
    Router,
    routing::{get, post},
};
use drls::{
    api::{
        extract::{Json, Path, Query, Wait},
        names::TableName,
        openapi,
    },
    auth::Role,
};
use reqwest::{Method, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use crate::support::{Server, mistakes, problem};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Compact {
    table: TableName,
    strategy: Option<Strategy>,
    #[schema(minimum = 1)]
    files: Option<u32>,
    columns: Vec<Column>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Strategy {
    Binpack,
    Sort,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Column {
    name: String,
}

#[derive(Deserialize, IntoParams)]
struct Page {
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    deep: Option<bool>,
    #[param(inline)]
    sort: Option<Strategy2>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Strategy2 {
    Name,
    Score,
}

#[derive(Deserialize)]
struct Named {
    name: TableName,
}

/// Routes that show what the extractors make of a request.
async fn extractors() -> Server {
    let routes = Router::new()
        .route(
            "/api/compact",
            post(|Json(body): Json<Compact>| async move {
                let names: Vec<_> = body.columns.into_iter().map(|column| column.name).collect();
                Json(json!([body.table, body.strategy.map(|one| matches!(one, Strategy::Sort)), body.files, names]))
            }),
        )
        .route(
            "/api/page",
            get(|Query(page): Query<Page>| async move {
                Json(json!([page.limit, page.deep, page.sort.map(|one| matches!(one, Strategy2::Score))]))
            }),
        )
        .route("/api/table/{name}", get(|Path(path): Path<Named>| async move { Json(path.name.parts().to_vec()) }))
        .route("/api/wait", get(|Wait(wait): Wait| async move { Json(json!(wait.map(|wait| wait.as_secs()))) }))
        .route(
            "/api/panic",
            get(|| async {
                if true {
                    panic!("with a secret path /etc/x")
                }
            }),
        )
        .route("/api/slow", get(|| tokio::time::sleep(Duration::from_secs(30))));
    Server::start_routes(&json!({ "limits": { "request_timeout_ms": 1000 } }), routes).await
}

async fn ask(server: &Server, token: &str, path: &str) -> reqwest::Response {
    server.get(path).bearer_auth(token).send().await.unwrap()
}

#[tokio::test]
async fn needs_sign_in_unless_it_is_listed_as_public() {
    let server = Server::start().await;
    let document = serde_json::to_value(openapi::document()).unwrap();
    let mut asked = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            if openapi::PUBLIC.contains(&(method.as_str(), path.as_str())) {
                continue;
            }
            let address = path.replace(['{', '}'], "");
            let method: Method = method.to_uppercase().parse().unwrap();
            let answer = server.request(method, &address).json(&json!({})).send().await.unwrap();
            problem(answer, 401, "not-signed-in").await;
            asked += 1;
        }
    }
    assert!(asked > 3);
    problem(server.get("/api/nothing-here").send().await.unwrap(), 401, "not-signed-in").await;
}

#[tokio::test]
async fn refuses_a_foreign_host() {
    let server = Server::start_with(&json!({ "server": { "allowed_hosts": ["lake.example.org"] } })).await;
    for (host, allowed) in [
        ("evil.example.com", false),
        ("127.0.0.1.evil.example.com", false),
        ("lake.example.org.evil.example.com", false),
        ("192.168.1.7", false),
        ("lake.example.org", true),
        ("LAKE.example.org:8443", true),
        ("localhost:3000", true),
        ("[::1]:3000", true),
        ("127.0.0.1", true),
    ] {
        let answer = server.get("/api/health").header(header::HOST, host).send().await.unwrap();
        if allowed {
            assert_eq!(answer.status(), StatusCode::OK, "{host}");
        } else {
            problem(answer, 403, "foreign-host").await;
        }
    }
}

#[tokio::test]
async fn refuses_changes_from_a_foreign_origin() {
    let server = Server::start_with(&json!({ "server": { "allowed_origins": ["http://localhost:5173"] } })).await;
    let own = format!("http://{}", server.address);
    let ask =
        |name: &'static str, value: String| server.request(Method::DELETE, "/api/session").header(name, value).send();
    for origin in ["http://evil.example.com", "null", "http://127.0.0.1:1", "http://localhost:5174"] {
        problem(ask("origin", origin.to_owned()).await.unwrap(), 403, "foreign-origin").await;
    }
    problem(ask("sec-fetch-site", "cross-site".to_owned()).await.unwrap(), 403, "foreign-origin").await;
    for origin in [own, "http://localhost:5173".to_owned()] {
        assert_eq!(ask("origin", origin).await.unwrap().status(), StatusCode::NO_CONTENT);
    }
    let socket = server.get("/api/health").header("origin", "http://evil.example.com").header("upgrade", "websocket");
    problem(socket.send().await.unwrap(), 403, "foreign-origin").await;
}

#[tokio::test]
async fn tells_every_mistake_of_a_body_at_once() {
    let server = extractors().await;
    let token = server.token(Role::Operator).await;
    let send = |body: Value| server.post("/api/compact").bearer_auth(&token).json(&body).send();
    let good = json!({ "table": "a.`b.c`", "strategy": "sort", "files": 3, "columns": [{ "name": "x" }] });
    assert_eq!(send(good).await.unwrap().json::<Value>().await.unwrap(), json!(["a.`b.c`", true, 3, ["x"]]));
    let bad = json!({ "table": "a", "strategy": "zip", "files": "many", "columns": [{ "name": 1 }, {}], "dry": true });
    let refused = problem(send(bad).await.unwrap(), 422, "invalid-request").await;
    assert_eq!(
        mistakes(&refused),
        [
            "/columns/0/name: must be string, is number",
            "/columns/1/name: is missing",
            "/dry: is not a known field",
            "/files: must be integer, is string",
            "/strategy: must be one of \"binpack\", \"sort\"",
            "/table: a table is named namespace.table; \"a\" names no namespace",
        ]
    );
    let refused = problem(send(json!({ "files": 0 })).await.unwrap(), 422, "invalid-request").await;
    assert_eq!(mistakes(&refused), ["/columns: is missing", "/files: must be at least 1", "/table: is missing"]);
    let refused = problem(send(json!([1])).await.unwrap(), 422, "invalid-request").await;
    assert_eq!(mistakes(&refused), [": must be object, is array"]);
}

#[tokio::test]
async fn refuses_bodies_that_are_too_large_not_json_or_of_another_type() {
    let server = extractors().await;
    let token = server.token(Role::Operator).await;
    let post = || server.post("/api/compact").bearer_auth(&token);
    let json = || post().header(header::CONTENT_TYPE, "application/json");
    problem(json().body("{\"table\":").send().await.unwrap(), 400, "not-json").await;
    problem(json().send().await.unwrap(), 400, "not-json").await;
    problem(post().body("{}").send().await.unwrap(), 415, "not-json-type").await;
    problem(post().form(&[("table", "a.b")]).send().await.unwrap(), 415, "not-json-type").await;
    let large = format!("\"{}\"", "x".repeat(3 * 1024 * 1024));
    problem(json().body(large).send().await.unwrap(), 413, "body-too-large").await;
    let deep = "[".repeat(100_000);
    problem(json().body(deep).send().await.unwrap(), 400, "not-json").await;
}

#[tokio::test]
async fn refuses_unknown_and_wrong_query_parameters() {
    let server = extractors().await;
    let token = server.token(Role::Viewer).await;
    let good = ask(&server, &token, "/api/page?limit=5&deep=true&sort=score").await;
    assert_eq!(good.json::<Value>().await.unwrap(), json!([5, true, true]));
    assert_eq!(ask(&server, &token, "/api/page").await.json::<Value>().await.unwrap(), json!([null, null, null]));
    let refused = ask(&server, &token, "/api/page?limit=5000&deep=maybe&sort=age&color=red").await;
    let body = problem(refused, 422, "invalid-request").await;
    let pointers: Vec<_> = mistakes(&body).iter().map(|one| one.split(':').next().unwrap().to_owned()).collect();
    assert_eq!(pointers, ["?color", "?deep", "?limit", "?sort"]);
    let twice = problem(ask(&server, &token, "/api/page?limit=1&limit=2").await, 422, "invalid-request").await;
    assert_eq!(mistakes(&twice), ["?limit: is given more than once"]);
}

#[tokio::test]
async fn refuses_query_parameters_where_a_route_takes_none() {
    let server = Server::start().await;
    let token = server.token(Role::Viewer).await;
    let refused = problem(ask(&server, &token, "/api/health?kind=rule&all").await, 422, "invalid-request").await;
    assert_eq!(mistakes(&refused), ["?all: is no parameter of this route", "?kind: is no parameter of this route"]);
    assert_eq!(ask(&server, &token, "/api/health?").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn reads_table_names_in_paths() {
    let server = extractors().await;
    let token = server.token(Role::Viewer).await;
    let nested = ask(&server, &token, "/api/table/a.%60b.c%60.d").await;
    assert_eq!(nested.json::<Value>().await.unwrap(), json!(["a", "b.c", "d"]));
    let refused = problem(ask(&server, &token, "/api/table/a..b").await, 422, "invalid-request").await;
    assert_eq!(mistakes(&refused), ["{name}: part 2 of the name is empty"]);
    problem(ask(&server, &token, "/api/table/%ff.b").await, 422, "invalid-request").await;
}

#[tokio::test]
async fn reads_how_long_a_client_would_wait() {
    let server = extractors().await;
    let token = server.token(Role::Viewer).await;
    for (wish, seconds) in [("wait=5", json!(5)), ("respond-async, wait=900", json!(30)), ("wait=soon", Value::Null)] {
        let answer = server.get("/api/wait").bearer_auth(&token).header("prefer", wish).send().await.unwrap();
        assert_eq!(answer.json::<Value>().await.unwrap(), seconds, "{wish}");
    }
}

#[tokio::test]
async fn answers_a_panic_without_its_words_and_serves_on() {
    let server = extractors().await;
    let token = server.token(Role::Viewer).await;
    let body = problem(ask(&server, &token, "/api/panic").await, 500, "internal").await;
    assert!(!body.to_string().contains("/etc/x"));
    assert_eq!(ask(&server, &token, "/api/page").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn answers_in_time_what_takes_too_long() {
    let server = extractors().await;
    let token = server.token(Role::Viewer).await;
    problem(ask(&server, &token, "/api/slow").await, 504, "timed-out").await;
}

#[tokio::test]
async fn answers_unknown_addresses_and_methods_as_problems() {
    let server = Server::start().await;
    let token = server.token(Role::Viewer).await;
    problem(ask(&server, &token, "/api/nothing-here").await, 404, "route-not-found").await;
    let patched = server.request(Method::PATCH, "/api/config").bearer_auth(&token).send().await.unwrap();
    assert!(patched.headers()[header::ALLOW].to_str().unwrap().contains("PUT"));
    problem(patched, 405, "method-not-allowed").await;
}

#[tokio::test]
async fn keeps_a_plain_request_id_and_replaces_an_odd_one() {
    let server = Server::start().await;
    let ask = |id: &'static str| server.get("/api/health").header("x-request-id", id).send();
    assert_eq!(ask("abc-1.2_3").await.unwrap().headers()["x-request-id"], "abc-1.2_3");
    assert_ne!(ask("a b\"c").await.unwrap().headers()["x-request-id"], "a b\"c");
}

#[tokio::test]
async fn binds_the_browser_by_headers() {
    let server = Server::start().await;
    let answer = server.get("/api/health").send().await.unwrap();
    let policy = answer.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
    assert!(!policy.contains("unsafe"));
    assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
    assert_eq!(answer.headers()["cache-control"], "no-store");
}
