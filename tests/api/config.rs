//! /api/config

use drls::{
    auth::Role,
    config::{ConfigStore, Environment},
};
use drls_runtime::Signatures;
use reqwest::{Method, Response, StatusCode, header};
use serde_json::{Value, json};

use crate::support::{Server, drls, mistakes, problem, stdout};

async fn read(server: &Server, token: &str) -> (String, Value) {
    let shown = server.get("/api/config").bearer_auth(token).send().await.unwrap();
    assert_eq!(shown.status(), StatusCode::OK);
    let etag = shown.headers()[header::ETAG].to_str().unwrap().to_owned();
    (etag, shown.json().await.unwrap())
}

async fn write(server: &Server, token: &str, etag: Option<&str>, body: &Value) -> Response {
    let mut request = server.request(Method::PUT, "/api/config").bearer_auth(token).json(body);
    if let Some(etag) = etag {
        request = request.header(header::IF_MATCH, etag);
    }
    request.send().await.unwrap()
}

fn stored(server: &Server) -> Value {
    serde_json::from_slice(&std::fs::read(server.home.path().join("config.json")).unwrap()).unwrap()
}

#[tokio::test]
async fn shows_values_with_their_origin_and_reports_unknown_keys() {
    let server = Server::start_with(&json!({ "spark": { "driver_memory": "2g", "drivr": 1 }, "colour": "blue" })).await;
    let token = server.token(Role::Viewer).await;
    let (_, shown) = read(&server, &token).await;
    assert_eq!(shown["settings"]["spark"]["driver_memory"], "2g");
    assert_eq!(shown["origins"]["/spark/driver_memory"], "file");
    assert_eq!(shown["origins"]["/server/bind"], "default");
    assert_eq!(shown["settings"]["catalogs"]["drls"]["type"], "embedded");
    assert_eq!(shown["unknown"], json!(["/spark/drivr", "/colour"]));
}

#[tokio::test]
async fn changes_only_what_was_seen() {
    let server = Server::start().await;
    let token = server.token(Role::Admin).await;
    let (etag, _) = read(&server, &token).await;
    let body = json!({ "spark": { "driver_memory": "3g" } });
    problem(write(&server, &token, None, &body).await, 428, "if-match-missing").await;
    let done = write(&server, &token, Some(&etag), &body).await;
    assert_eq!(done.status(), StatusCode::OK);
    assert_ne!(done.headers()[header::ETAG], etag.as_str());
    problem(write(&server, &token, Some(&etag), &json!({})).await, 412, "if-match-failed").await;
    assert_eq!(stored(&server), body);
    assert_eq!(server.app.config.get().settings.spark.driver_memory, "3g");
}

#[tokio::test]
async fn notices_a_file_that_was_edited_by_hand() {
    let server = Server::start().await;
    let token = server.token(Role::Admin).await;
    let (etag, _) = read(&server, &token).await;
    std::fs::write(server.home.path().join("config.json"), r#"{"spark": {"driver_memory": "4g"}}"#).unwrap();
    problem(write(&server, &token, Some(&etag), &json!({})).await, 412, "if-match-failed").await;
    assert_eq!(read(&server, &token).await.1["settings"]["spark"]["driver_memory"], "4g");
    std::fs::write(server.home.path().join("config.json"), "{").unwrap();
    let broken = server.get("/api/config").bearer_auth(&token).send().await.unwrap();
    problem(broken, 409, "config-unreadable").await;
    assert_eq!(server.app.config.get().settings.spark.driver_memory, "4g");
}

/// Settings that keep out what nobody signed.
fn required() -> Value {
    json!({ "plugin_trust": { "signed": "require", "signers": {} } })
}

#[tokio::test]
async fn goes_on_requiring_signatures_where_the_file_says_nothing_any_more() {
    let server = Server::start_with(&required()).await;
    let token = server.token(Role::Admin).await;
    let file = server.home.path().join("config.json");
    let in_force = || server.app.config.get().settings.plugin_trust.signed;
    let misspelt = json!({ "plugin_trust": { "sined": "require" } }).to_string();
    for (content, words) in [
        (Some(String::new()), "config.json is empty"),
        (Some(" \n".to_owned()), "config.json is empty"),
        (Some(misspelt), "/plugin_trust/sined is no known setting"),
        (None, "config.json is gone"),
    ] {
        match &content {
            Some(text) => std::fs::write(&file, text).unwrap(),
            None => std::fs::remove_file(&file).unwrap(),
        }
        let shown = server.get("/api/config").bearer_auth(&token).send().await.unwrap();
        let told = problem(shown, 409, "config-unreadable").await;
        assert!(told["detail"].as_str().unwrap().contains(words), "{told}");
        problem(write(&server, &token, Some("\"any\""), &json!({})).await, 409, "config-unreadable").await;
        assert_eq!(in_force(), Signatures::Require, "{words}");
        if content.is_some() {
            let refused = drls(server.home.path(), &["doctor"]);
            assert!(stdout(&refused).contains(words), "{}", stdout(&refused));
            let start = ConfigStore::open(Environment::of_home(server.home.path())).unwrap_err();
            assert!(format!("{start:#}").contains(words), "{start:#}");
        }
    }
    std::fs::write(&file, "{}").unwrap();
    read(&server, &token).await;
    assert_eq!(in_force(), Signatures::Off, "an operator who says so");
}

#[tokio::test]
async fn tells_an_unknown_word_of_trust_once() {
    let server = Server::start().await;
    let token = server.token(Role::Admin).await;
    let (etag, _) = read(&server, &token).await;
    let body = json!({ "plugin_trust": { "sined": "require" } });
    let refused = problem(write(&server, &token, Some(&etag), &body).await, 422, "invalid-request").await;
    assert_eq!(mistakes(&refused), ["/plugin_trust/sined: is no known setting"]);
}

#[tokio::test]
async fn is_for_admins_to_change() {
    let server = Server::start().await;
    let (admin, approver) = (server.token(Role::Admin).await, server.token(Role::Approver).await);
    let (etag, _) = read(&server, &admin).await;
    problem(write(&server, &approver, Some(&etag), &json!({})).await, 403, "role-too-low").await;
}

#[tokio::test]
async fn tells_every_mistake_at_once() {
    let server = Server::start().await;
    let token = server.token(Role::Admin).await;
    let (etag, _) = read(&server, &token).await;
    let body = json!({
        "server": { "bind": "localhost", "allowed_hosts": "all" },
        "spark": { "driver_memory": "lots" },
        "catalogs": { "lake": { "type": "ftp" } },
        "limits": { "request_timeout_ms": 1 },
    });
    let refused = problem(write(&server, &token, Some(&etag), &body).await, 422, "invalid-request").await;
    let pointers: Vec<_> = mistakes(&refused).iter().map(|one| one.split(':').next().unwrap().to_owned()).collect();
    assert_eq!(
        pointers,
        [
            "/catalogs/lake/type",
            "/limits/request_timeout_ms",
            "/server/allowed_hosts",
            "/server/bind",
            "/spark/driver_memory",
        ]
    );
    let body = json!({
        "default_catalog": "lake", "colour": "blue",
        "catalogs": { "my lake": { "type": "rest" }, "other": { "type": "embedded" } },
    });
    let refused = problem(write(&server, &token, Some(&etag), &body).await, 422, "invalid-request").await;
    assert_eq!(refused["errors"].as_array().unwrap().len(), 4, "{refused}");
    assert!(!server.home.path().join("config.json").exists());
}

#[tokio::test]
async fn keeps_unknown_keys_and_secrets_it_does_not_show() {
    let lake =
        |token: &str| json!({ "type": "rest", "properties": { "uri": "https://lake.example.org", "token": token } });
    let before = json!({ "catalogs": { "lake": lake("s3cret") }, "colour": "blue" });
    let server = Server::start_with(&before).await;
    let token = server.token(Role::Admin).await;
    let (etag, shown) = read(&server, &token).await;
    assert!(!shown.to_string().contains("s3cret"));
    assert_eq!(shown["settings"]["catalogs"]["lake"], lake("<secret>"));

    let body = json!({ "catalogs": { "lake": lake("<secret>") }, "default_catalog": "lake" });
    assert_eq!(write(&server, &token, Some(&etag), &body).await.status(), StatusCode::OK);
    assert_eq!(
        stored(&server),
        json!({ "catalogs": { "lake": lake("s3cret") }, "default_catalog": "lake", "colour": "blue" })
    );
    let (etag, _) = read(&server, &token).await;
    let invented = json!({ "catalogs": { "other": lake("<secret>") } });
    let refused = problem(write(&server, &token, Some(&etag), &invented).await, 422, "invalid-request").await;
    assert_eq!(refused["errors"][0]["pointer"], "/catalogs/other/properties/token");
}

#[tokio::test]
async fn leaves_an_audit_row_and_an_event_without_values() {
    let server = Server::start().await;
    let token = server.token(Role::Admin).await;
    let (etag, _) = read(&server, &token).await;
    let body = json!({ "server": { "bind": "127.0.0.1:3999" }, "spark": { "remote": "sc://spark.example.org/;token=s3cret" } });
    let done = write(&server, &token, Some(&etag), &body).await;
    assert_eq!(done.json::<Value>().await.unwrap()["waiting_for_restart"], json!(["/server/bind", "/spark"]));
    let rows = drls::db::audit::of_subject(server.app.db.read(), "config", None, 10).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].action, "config.change");
    assert!(rows[0].actor.starts_with("admin-"));
    assert_eq!(rows[0].detail, json!({ "changed": ["/server/bind", "/spark/remote"] }));
    assert_eq!(server.app.events.last(), 1);
}
