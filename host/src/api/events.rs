//! The live feed: server-sent events that can be resumed.

use std::{collections::VecDeque, convert::Infallible, time::Duration};

use axum::{
    extract::State,
    http::HeaderMap,
    response::sse::{self, KeepAlive, Sse},
};
use futures::{Stream, stream};
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;

use crate::{
    api::extract::Query,
    app::App,
    auth::User,
    events::{Event, Since},
};

/// Where to go on.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct After {
    /// `id` of an event, or the `X-Newest-Event` of any answer to who is signed in: the feed begins after it. `Last-Event-ID` comes before it, since a
    /// browser that lost its connection sends both.
    after: Option<String>,
}

/// Listen to what happens.
///
/// Each event has an `id`, an `event` name and `data` of `{at, data}`. After a break, `Last-Event-ID` goes on where it was; where events were
/// lost in between, the event `lost` comes first: ask for the state anew. Without either id it begins with what happens next. A comment every 15 s keeps the connection.
#[utoipa::path(get, path = "/api/events", tag = "events", extensions(("x-role" = json!("viewer"))),
    params(After, ("Last-Event-ID" = Option<String>, Header, description = "`id` of the last event seen")),
    responses((status = 200, content_type = "text/event-stream", body = String)))]
pub async fn listen(
    State(app): State<App>,
    _user: User,
    Query(query): Query<After>,
    headers: HeaderMap,
) -> Sse<impl Stream<Item = Result<sse::Event, Infallible>>> {
    let last_seen = headers.get("last-event-id").and_then(|id| id.to_str().ok()).or(query.after.as_deref());
    // An id of another run of the server is past every number of this one, which the ring tells as lost.
    let after = last_seen.map_or_else(|| app.events.last(), |id| app.events.seq(id).unwrap_or(u64::MAX));
    let feed = stream::unfold((app, after, VecDeque::new()), next);
    Sse::new(feed).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
}

type Place = (App, u64, VecDeque<Event>);

/// The next event of the feed; ends when the server stops.
async fn next((app, mut after, mut waiting): Place) -> Option<(Result<sse::Event, Infallible>, Place)> {
    while waiting.is_empty() {
        let since = tokio::select! {
            since = app.events.after(after) => since,
            () = app.stopping.cancelled() => return None,
        };
        match since {
            Since::Events(events) => waiting.extend(events),
            Since::Lost(last) => {
                let lost = sse::Event::default().id(app.events.id(last)).event("lost").data("{}");
                return Some((Ok(lost), (app, last, waiting)));
            }
        }
    }
    let event = waiting.pop_front()?;
    after = event.seq;
    let data = json!({ "at": event.at, "data": &*event.data });
    let sent = sse::Event::default().id(app.events.id(event.seq)).event(event.kind).data(data.to_string());
    Some((Ok(sent), (app, after, waiting)))
}
