//! Requests to the hosts that `[needs.http]` of the plugin's manifest names. A plugin that calls any of this waits on a server
//! until an admin grants what it asks for; one that does not, never asks.
//!
//! ```no_run
//! use drls_plugin::{Error, http};
//!
//! fn owner(table: &str) -> Result<String, Error> {
//!     let response = http::get(&format!("https://api.example.com/owners/{table}"))?;
//!     match response.status {
//!         200 => Ok(response.text().into_owned()),
//!         404 => Ok("nobody".to_owned()),
//!         status => Err(Error::Failed(format!("the list of owners answered {status}"))),
//!     }
//! }
//! ```

use std::borrow::Cow;

use serde::de::DeserializeOwned;

pub use crate::__bindings::http::drls::http::client::{Failure, Request, Response};
use crate::{__bindings::http::drls::http::client, Error};

/// Sends a request and waits for its response, whatever the status.
///
/// # Errors
/// What is not granted, no connection, no whole answer in time or over 1 MiB of it. A redirect is a response: send the next
/// request where it leads.
pub fn send(request: &Request) -> Result<Response, Failure> {
    client::send(request)
}

/// Gets what stands at an address.
///
/// # Errors
/// As [`send`].
pub fn get(url: &str) -> Result<Response, Failure> {
    send(&Request { method: "GET".into(), url: url.into(), headers: Vec::new(), body: Vec::new() })
}

/// Posts JSON to an address.
///
/// # Errors
/// As [`send`].
pub fn post_json(url: &str, value: &serde_json::Value) -> Result<Response, Failure> {
    let headers = vec![("content-type".into(), "application/json".into())];
    send(&Request { method: "POST".into(), url: url.into(), headers, body: value.to_string().into_bytes() })
}

impl Response {
    /// The content as text; what is not UTF-8 is replaced.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// The content as JSON.
    ///
    /// # Errors
    /// It is something else.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.body)
            .map_err(|error| Error::Failed(format!("the response is not the JSON that was expected: {error}")))
    }

    /// The first header of this name, in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl Failure {
    /// What went wrong, in a sentence.
    pub fn words(&self) -> String {
        match self {
            Self::Denied(why) => format!("a request was denied: {why}"),
            Self::Invalid(why) => format!("a request is wrong: {why}"),
            Self::Unreachable(why) => format!("a host can't be reached: {why}"),
            Self::TimedOut => "a host did not answer in time".to_owned(),
            Self::TooBig => "a response is bigger than 1 MiB".to_owned(),
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Denied(why) => Self::Denied(why),
            failure => Self::Failed(failure.words()),
        }
    }
}
