//! /api/session and /sign-in

use drls::{
    auth::{Role, password, secret},
    db::{sessions, users},
};
use reqwest::{Method, Response, StatusCode, header};
use serde_json::{Value, json};

use crate::support::{Server, mistakes, problem};

const PASSWORD: &str = "correct horse battery";

/// A user with a password.
async fn ada(server: &Server) {
    let phc = password::hash(PASSWORD.to_owned()).await.unwrap();
    let mut tx = server.app.db.write().await.unwrap();
    let user = users::insert(&mut tx, "ada", Role::Operator).await.unwrap();
    users::set_password(&mut tx, &user, &phc).await.unwrap();
    tx.commit().await.unwrap();
}

/// A sign-in code of a new user.
async fn link(server: &Server) -> String {
    let code = secret::make("").unwrap();
    let mut tx = server.app.db.write().await.unwrap();
    let user = users::insert(&mut tx, "grace", Role::Admin).await.unwrap();
    sessions::insert_link(&mut tx, &user, &code).await.unwrap();
    tx.commit().await.unwrap();
    code
}

/// The cookie of an answer, as it is sent back.
fn cookie(response: &Response) -> String {
    let set = response.headers()[header::SET_COOKIE].to_str().unwrap();
    for attribute in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age="] {
        assert!(set.contains(attribute), "{set} lacks {attribute}");
    }
    set.split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn opens_a_session_by_password_and_ends_it() {
    let server = Server::start().await;
    ada(&server).await;
    let opened =
        server.post("/api/session").json(&json!({ "name": "ada", "password": PASSWORD })).send().await.unwrap();
    assert_eq!(opened.status(), StatusCode::OK);
    let cookie = cookie(&opened);
    assert_eq!(opened.json::<Value>().await.unwrap()["role"], "operator");

    let shown = server.get("/api/session").header("cookie", &cookie).send().await.unwrap();
    assert_eq!(shown.json::<Value>().await.unwrap()["name"], "ada");

    let ended = server.request(Method::DELETE, "/api/session").header("cookie", &cookie).send().await.unwrap();
    assert_eq!(ended.status(), StatusCode::NO_CONTENT);
    let gone = server.get("/api/session").header("cookie", &cookie).send().await.unwrap();
    problem(gone, 401, "not-signed-in").await;
}

#[tokio::test]
async fn refuses_wrong_passwords_alike_and_slows_down_guessing() {
    let server = Server::start().await;
    ada(&server).await;
    let try_in = |name: &'static str| {
        server.post("/api/session").json(&json!({ "name": name, "password": "not the password" })).send()
    };
    let wrong = problem(try_in("ada").await.unwrap(), 401, "sign-in-failed").await;
    let unknown = problem(try_in("nobody").await.unwrap(), 401, "sign-in-failed").await;
    assert_eq!(wrong["detail"], unknown["detail"]);
    for _ in 0..4 {
        problem(try_in("ada").await.unwrap(), 401, "sign-in-failed").await;
    }
    let held = try_in("ada").await.unwrap();
    assert!(held.headers().contains_key(header::RETRY_AFTER));
    problem(held, 429, "too-many-tries").await;
}

#[tokio::test]
async fn refuses_a_body_that_is_neither_password_nor_code() {
    let server = Server::start().await;
    let refused = server.post("/api/session").json(&json!({ "name": 7, "pass": "x" })).send().await.unwrap();
    let body = problem(refused, 422, "invalid-request").await;
    assert_eq!(mistakes(&body), ["/name: must be string, is number", "/pass: is not a known field"]);
    let both = json!({ "name": "ada", "password": PASSWORD, "code": "x" });
    problem(server.post("/api/session").json(&both).send().await.unwrap(), 422, "invalid-request").await;
}

#[tokio::test]
async fn follows_a_sign_in_link_once() {
    let server = Server::start().await;
    let path = format!("/sign-in?code={}", link(&server).await);
    let looked = server.request(reqwest::Method::HEAD, &path).send().await.unwrap();
    assert!(!looked.headers().contains_key(header::SET_COOKIE), "looking where it leads does not use it up");
    let first = server.get(&path).send().await.unwrap();
    assert_eq!(first.status(), StatusCode::SEE_OTHER);
    assert_eq!(first.headers()[header::LOCATION], "/");
    let shown = server.get("/api/session").header("cookie", cookie(&first)).send().await.unwrap();
    assert_eq!(shown.json::<Value>().await.unwrap()["name"], "grace");
    problem(server.get(&path).send().await.unwrap(), 401, "sign-in-failed").await;
}

#[tokio::test]
async fn takes_the_code_of_a_link_in_a_body_too() {
    let server = Server::start().await;
    let code = link(&server).await;
    let opened = server.post("/api/session").json(&json!({ "code": code })).send().await.unwrap();
    assert_eq!(opened.status(), StatusCode::OK);
    cookie(&opened);
}

#[tokio::test]
async fn knows_bearer_tokens_and_refuses_wrong_ones_even_on_public_routes() {
    let server = Server::start().await;
    let token = server.token(Role::Viewer).await;
    let shown = server.get("/api/session").bearer_auth(&token).send().await.unwrap();
    assert_eq!(shown.json::<Value>().await.unwrap()["role"], "viewer");
    let wrong = server.get("/api/health").bearer_auth("drls_wrong").send().await.unwrap();
    assert_eq!(wrong.headers()[header::WWW_AUTHENTICATE], "Bearer");
    problem(wrong, 401, "not-signed-in").await;
}
