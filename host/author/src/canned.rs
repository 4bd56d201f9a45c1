//! Responses that a case brings along, in place of the network.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use drls_runtime::{HttpFailure, Request, Response, Transport};
use serde::{Deserialize, Serialize};

/// Responses by method and address, as "GET https://api.example.com/owners".
pub(crate) type Responses = BTreeMap<String, Reply>;

/// What comes of one request.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Reply {
    /// No answer in time.
    TimedOut,
    /// No connection, and why.
    Unreachable(String),
    /// A response.
    #[serde(untagged)]
    Response {
        status: u16,
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        headers: BTreeMap<String, String>,
        /// Text.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        body: String,
    },
}

/// Gives the responses of the case that runs.
#[derive(Debug, Default)]
pub(crate) struct Canned(Mutex<Responses>);

impl Canned {
    pub(crate) fn set(&self, responses: Responses) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = responses;
    }
}

impl Transport for Canned {
    fn send(&self, request: Request, _internal: bool, _timeout: Duration) -> Result<Response, HttpFailure> {
        let asked = format!("{} {}", request.method, request.url);
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&asked) {
            Some(Reply::Response { status, headers, body }) => Ok(Response {
                status: *status,
                headers: headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect(),
                body: body.clone().into_bytes(),
            }),
            Some(Reply::TimedOut) => Err(HttpFailure::TimedOut),
            Some(Reply::Unreachable(why)) => Err(HttpFailure::Unreachable(why.clone())),
            None => Err(HttpFailure::Unreachable(format!("the case has no \"http\" with a response to {asked:?}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json};

    use super::*;

    #[test]
    fn a_case_says_what_comes_of_a_request() {
        let replies: Responses = from_value(json!({
            "GET https://a.example/": {"status": 200, "headers": {"X-One": "1"}, "body": "hello"},
            "GET https://b.example/": "timed-out",
            "GET https://c.example/": {"unreachable": "refused"},
        }))
        .expect("replies");
        let canned = Canned::default();
        canned.set(replies);
        let send = |url: &str| {
            let request = Request { method: "GET".into(), url: url.into(), headers: Vec::new(), body: Vec::new() };
            canned.send(request, false, Duration::ZERO)
        };
        let first = send("https://a.example/").expect("a response");
        assert_eq!(
            (first.status, first.headers, first.body),
            (200, vec![("x-one".into(), "1".into())], b"hello".into())
        );
        assert_eq!(send("https://b.example/"), Err(HttpFailure::TimedOut));
        assert_eq!(send("https://c.example/"), Err(HttpFailure::Unreachable("refused".into())));
        assert!(
            matches!(send("https://d.example/"), Err(HttpFailure::Unreachable(text)) if text.contains("d.example"))
        );
    }
}
