//! /api/events

use std::time::Duration;

use drls::auth::Role;
use futures::StreamExt as _;
use reqwest::Response;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::support::Server;

/// One event of the feed.
#[derive(Debug)]
struct Told {
    id: String,
    kind: String,
    data: Value,
}

/// Reads `count` events, within five seconds.
async fn read(response: Response, count: usize) -> Vec<Told> {
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let (mut text, mut stream) = (String::new(), response.bytes_stream());
    while text.matches("\n\n").count() < count {
        let chunk = timeout(Duration::from_secs(5), stream.next()).await.expect("an event within five seconds");
        text.push_str(std::str::from_utf8(&chunk.unwrap().unwrap()).unwrap());
    }
    let field = |event: &str, name: &str| {
        event.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).unwrap_or_default().to_owned()
    };
    text.split_terminator("\n\n")
        .take(count)
        .map(|event| Told {
            id: field(event, "id"),
            kind: field(event, "event"),
            data: serde_json::from_str(&field(event, "data")).unwrap(),
        })
        .collect()
}

async fn listen(server: &Server, last_seen: Option<&str>) -> Response {
    let token = server.token(Role::Viewer).await;
    let mut request = server.get("/api/events").bearer_auth(token);
    if let Some(id) = last_seen {
        request = request.header("last-event-id", id);
    }
    request.send().await.unwrap()
}

#[tokio::test]
async fn tells_what_happens_from_now_on_in_order() {
    let server = Server::start().await;
    server.app.events.publish("job.done", json!("before anyone listened"));
    let feed = listen(&server, None).await;
    for number in 1..=3 {
        server.app.events.publish("job.progressed", json!({ "number": number }));
    }
    let told = read(feed, 3).await;
    assert!(told.iter().all(|event| event.kind == "job.progressed" && event.data["at"].is_string()));
    let numbers: Vec<_> = told.iter().map(|event| event.data["data"]["number"].clone()).collect();
    assert_eq!(numbers, [1, 2, 3]);
}

#[tokio::test]
async fn goes_on_after_the_last_event_seen() {
    let server = Server::start().await;
    let feed = listen(&server, None).await;
    server.app.events.publish("one.told", json!(1));
    let seen = read(feed, 1).await;
    server.app.events.publish("two.told", json!(2));
    server.app.events.publish("three.told", json!(3));
    let told = read(listen(&server, Some(&seen[0].id)).await, 2).await;
    assert_eq!([told[0].kind.as_str(), told[1].kind.as_str()], ["two.told", "three.told"]);
}

#[tokio::test]
async fn begins_after_an_answer() {
    let server = Server::start().await;
    let token = server.token(Role::Viewer).await;
    server.app.events.publish("one.told", json!("before"));
    let session = server.get("/api/session").bearer_auth(&token).send().await.unwrap();
    let newest = session.headers()["x-newest-event"].to_str().unwrap().to_owned();
    server.app.events.publish("two.told", json!("between"));
    server.app.events.publish("three.told", json!("between"));
    let path = format!("/api/events?after={newest}");
    let told = read(server.get(&path).bearer_auth(&token).send().await.unwrap(), 2).await;
    assert_eq!([told[0].kind.as_str(), told[1].kind.as_str()], ["two.told", "three.told"]);
    // A browser that comes back sends what it saw last, at the same address.
    let again = server.get(&path).header("last-event-id", &told[0].id).bearer_auth(&token).send().await.unwrap();
    assert_eq!(read(again, 1).await[0].kind, "three.told");
}

#[tokio::test]
async fn says_when_events_were_lost() {
    let server = Server::start().await;
    let (of_another_run, feed_id) = ("0191-5", server.app.events.id(0));
    let told = read(listen(&server, Some(of_another_run)).await, 1).await;
    assert_eq!(told[0].kind, "lost");
    for number in 0..2000 {
        server.app.events.publish("job.progressed", json!(number));
    }
    let feed = listen(&server, Some(&feed_id)).await;
    server.app.events.publish("job.done", json!({}));
    let told = read(feed, 2).await;
    assert_eq!([told[0].kind.as_str(), told[1].kind.as_str()], ["lost", "job.done"]);
    assert_eq!(told[0].id, server.app.events.id(2000));
}

#[tokio::test]
async fn ends_when_the_server_stops() {
    let server = Server::start().await;
    let feed = listen(&server, None).await;
    server.app.stopping.cancel();
    let rest = timeout(Duration::from_secs(5), feed.text()).await.expect("the feed ends");
    assert_eq!(rest.unwrap(), "");
}
