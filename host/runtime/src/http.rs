//! The capability `drls:http/client`: requests to the hosts that were granted, under limits of their own.
//!
//! A name that was granted may still lead into the operator's network, so the addresses that it stands for are looked at
//! too, at every connection: a second look-up can't bring another one. Redirects go back to the plugin, so that each is
//! checked as a request of its own.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use ureq::{
    Agent, Body, Error,
    config::Config,
    http::{self, Uri},
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
        transport::{DefaultConnector, NextTimeout},
    },
};

use crate::{
    bindings::client as wit,
    call::CallState,
    engine::Host,
    rights::{self, Rights},
};

/// Requests of one call.
const REQUESTS: u32 = 16;
/// Time of all requests of one call together: what a person waits for a table's health.
const TIME: Duration = Duration::from_secs(5);
/// Bytes of a request's or response's content.
const CONTENT: usize = 1 << 20;
/// Bytes of a request's headers.
const HEADERS: usize = 16 << 10;
/// How long the same denial is told once only.
const TOLD: Duration = Duration::from_secs(60);
/// Different denials of a version that are told in that time; of more it is told that there are.
const MOST_TOLD: usize = 8;
/// How long a host that gave no answer in time is not asked again: who reads the health of many tables waits once.
const DOWN: Duration = Duration::from_secs(10);
/// Headers that say where a message ends or goes; whoever sets them can smuggle another one.
const OURS: [&str; 8] =
    ["host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer", "proxy-authorization"];

/// A request as a plugin makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// One of the methods that can be granted.
    pub method: String,
    /// Whole address.
    pub url: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// Content.
    pub body: Vec<u8>,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// Content.
    pub body: Vec<u8>,
}

/// Why nothing came back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpFailure {
    /// Not granted, or an address inside the operator's network.
    #[error("denied: {0}")]
    Denied(String),
    /// The request is wrong.
    #[error("{0}")]
    Invalid(String),
    /// No connection, or one that broke.
    #[error("unreachable: {0}")]
    Unreachable(String),
    /// No whole answer in time.
    #[error("no answer in time")]
    TimedOut,
    /// Too much content.
    #[error("more than {CONTENT} bytes")]
    TooBig,
}

/// Sends requests that are granted.
pub trait Transport: std::fmt::Debug + Send + Sync {
    /// Sends one, for at most `timeout`. `internal`: to a host of the operator's own network.
    ///
    /// # Errors
    /// See [`HttpFailure`].
    fn send(&self, request: Request, internal: bool, timeout: Duration) -> Result<Response, HttpFailure>;
}

/// What a plugin wanted and may not; told to whoever keeps an audit trail.
pub(crate) struct Denials {
    /// Of all versions of the plugin.
    count: Arc<AtomicU64>,
    told: Mutex<HashMap<String, Instant>>,
    tell: Box<dyn Fn(String) + Send + Sync>,
}

impl Denials {
    pub(crate) fn new(count: Arc<AtomicU64>, tell: impl Fn(String) + Send + Sync + 'static) -> Self {
        Self { count, told: Mutex::default(), tell: Box::new(tell) }
    }

    fn denied(&self, what: &str) {
        self.count.fetch_add(1, Relaxed);
        let now = Instant::now();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.retain(|_, at| now.duration_since(*at) < TOLD);
        // One that tries address after address fills no trail.
        let what = if told.len() < MOST_TOLD { what } else { "and others, within a minute" };
        if told.insert(what.to_owned(), now).is_none() {
            (self.tell)(what.to_owned());
        }
    }
}

/// Hosts that gave no answer in time, and since when.
#[derive(Debug, Default)]
pub(crate) struct Down(Mutex<HashMap<String, Instant>>);

impl Down {
    fn is(&self, host: &str) -> bool {
        let mut hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        hosts.retain(|_, at| at.elapsed() < DOWN);
        hosts.contains_key(host)
    }

    fn note(&self, host: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(host, Instant::now());
    }
}

/// What a call may send.
pub(crate) struct Client {
    rights: Arc<ArcSwap<Rights>>,
    denials: Option<Arc<Denials>>,
    host: Arc<Host>,
    sent: u32,
    spent: Duration,
}

/// Where a request that may be sent goes.
struct Target {
    host: String,
    /// In the operator's own network.
    internal: bool,
}

impl Client {
    pub(crate) fn new(rights: Arc<ArcSwap<Rights>>, denials: Option<Arc<Denials>>, host: Arc<Host>) -> Self {
        Self { rights, denials, host, sent: 0, spent: Duration::ZERO }
    }

    /// `deadline`: time that the caller leaves.
    fn send(&mut self, request: Request, deadline: Option<Duration>) -> Result<Response, HttpFailure> {
        let Target { host, internal } = self.check(&request)?;
        self.sent += 1;
        if self.sent > REQUESTS {
            return Err(HttpFailure::Denied(format!("more than {REQUESTS} requests in one call")));
        }
        let left = TIME.saturating_sub(self.spent).min(deadline.unwrap_or(TIME));
        if left.is_zero() || self.host.down().is(&host) {
            return Err(HttpFailure::TimedOut);
        }
        let start = Instant::now();
        let answer = self.host.transport().send(request, internal, left);
        self.spent += start.elapsed();
        if answer == Err(HttpFailure::TimedOut) {
            self.host.down().note(host);
        }
        answer
    }

    /// Whether it may be sent, and where to.
    fn check(&self, request: &Request) -> Result<Target, HttpFailure> {
        let invalid = |text: String| HttpFailure::Invalid(text);
        let method = rights::method(&request.method).map_err(invalid)?;
        let wrong = || HttpFailure::Invalid(format!("{:?} is no whole address", request.url));
        let uri: Uri = request.url.parse().map_err(|_| wrong())?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return Err(wrong()) };
        if authority.as_str().contains('@') {
            return Err(invalid("an address carries no user name or password; use a header".to_owned()));
        }
        let port = authority.port_u16().unwrap_or(if scheme == "http" { 80 } else { 443 });
        let host = rights::host(&format!("{}:{port}", authority.host())).map_err(invalid)?;
        // Read at every request, so that a grant that is taken back holds for calls that run.
        let granted = self.rights.load();
        if !granted.http.hosts.contains(&host) {
            return Err(HttpFailure::Denied(format!("{host} is not granted")));
        }
        if !granted.http.methods.contains(&method) {
            return Err(HttpFailure::Denied(format!("{method} is not granted")));
        }
        let internal = self.host.policy().network.internal.contains(&host);
        if scheme != "https" && !(scheme == "http" && internal) {
            return Err(HttpFailure::Denied(format!("{scheme} to {host}; only https is")));
        }
        let headers: usize = request.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        if headers > HEADERS {
            return Err(HttpFailure::Invalid(format!("more than {HEADERS} bytes of headers")));
        }
        if let Some((name, _)) =
            request.headers.iter().find(|(name, _)| OURS.contains(&name.to_ascii_lowercase().as_str()))
        {
            return Err(HttpFailure::Invalid(format!("the header {name} is the host's")));
        }
        if request.body.len() > CONTENT {
            return Err(HttpFailure::TooBig);
        }
        Ok(Target { host, internal })
    }
}

impl wit::Host for CallState {
    fn send(&mut self, request: wit::Request) -> wasmtime::Result<Result<wit::Response, wit::Failure>> {
        let wit::Request { method, url, headers, body } = request;
        let Some(client) = &mut self.client else {
            return Ok(Err(wit::Failure::Denied("the network is not for this call".to_owned())));
        };
        let start = Instant::now();
        let answer = client.send(Request { method, url, headers, body }, self.budget.until_deadline());
        self.budget.waited(start.elapsed());
        if let (Err(HttpFailure::Denied(what)), Some(denials)) = (&answer, &client.denials) {
            denials.denied(what);
        }
        let told = |Response { status, headers, body }| wit::Response { status, headers, body };
        Ok(answer.map(told).map_err(|failure| match failure {
            HttpFailure::Denied(text) => wit::Failure::Denied(text),
            HttpFailure::Invalid(text) => wit::Failure::Invalid(text),
            HttpFailure::Unreachable(text) => wit::Failure::Unreachable(text),
            HttpFailure::TimedOut => wit::Failure::TimedOut,
            HttpFailure::TooBig => wit::Failure::TooBig,
        }))
    }
}

/// The network, with certificates of the public authorities.
#[derive(Debug)]
pub(crate) struct Internet {
    outside: Agent,
    inside: Agent,
}

impl Internet {
    pub(crate) fn new() -> Self {
        let agent = |inside| Agent::with_parts(config(), DefaultConnector::new(), Addresses { inside });
        Self { outside: agent(false), inside: agent(true) }
    }
}

/// No proxy: it would look names up where nobody checks the addresses. No redirects: see above.
fn config() -> Config {
    let config = Agent::config_builder().proxy(None).max_redirects(0).max_redirects_will_error(false);
    let config = config.http_status_as_error(false).max_idle_connections(0);
    config.user_agent(concat!("drls/", env!("CARGO_PKG_VERSION"))).build()
}

impl Transport for Internet {
    fn send(&self, request: Request, internal: bool, timeout: Duration) -> Result<Response, HttpFailure> {
        let invalid = |error: http::Error| HttpFailure::Invalid(error.to_string());
        let mut built = http::Request::builder().method(request.method.as_str()).uri(&request.url);
        for (name, value) in &request.headers {
            built = built.header(name, value);
        }
        let agent = if internal { &self.inside } else { &self.outside };
        let answer = if request.body.is_empty() {
            let built = agent.configure_request(built.body(()).map_err(invalid)?);
            agent.run(built.timeout_global(Some(timeout)).build())
        } else {
            let built = agent.configure_request(built.body(request.body).map_err(invalid)?);
            agent.run(built.timeout_global(Some(timeout)).build())
        };
        let (parts, mut body): (_, Body) = answer.map_err(failure)?.into_parts();
        let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = parts.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
        let body = body.with_config().limit(CONTENT as u64).read_to_vec().map_err(failure)?;
        Ok(Response { status: parts.status.as_u16(), headers, body })
    }
}

fn failure(error: Error) -> HttpFailure {
    match error {
        Error::Timeout(_) => HttpFailure::TimedOut,
        Error::BodyExceedsLimit(_) => HttpFailure::TooBig,
        Error::BadUri(text) => HttpFailure::Invalid(text),
        Error::Http(error) => HttpFailure::Invalid(error.to_string()),
        Error::Other(error) if error.is::<Inside>() => HttpFailure::Denied(error.to_string()),
        error => HttpFailure::Unreachable(error.to_string()),
    }
}

/// A name that was granted leads into the operator's network.
#[derive(Debug, thiserror::Error)]
#[error("{0} stands for an address that is not of the public internet; an operator can name it as internal")]
struct Inside(String);

/// Looks names up, and takes addresses of the public internet only, unless the host is the operator's own.
#[derive(Debug)]
struct Addresses {
    inside: bool,
}

impl Resolver for Addresses {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let found = DefaultResolver::default().resolve(uri, config, timeout)?;
        // All of them: one that is inside beside one that is not is how a name is rebound.
        if !self.inside && found.iter().any(|address| !is_public(address.ip())) {
            return Err(Error::Other(Box::new(Inside(uri.host().unwrap_or_default().to_owned()))));
        }
        Ok(found)
    }
}

/// True for an address that the public internet routes (IANA's registries of special-purpose addresses, RFC 6890).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(a == 0
        || a >= 224
        || address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_documentation()
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (b == 18 || b == 19)))
}

/// Global unicast, without what carries an address of version 4 in it: Teredo and 6to4.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    a & 0xe000 == 0x2000 && !(a == 0x2001 && (b < 0x200 || b == 0xdb8)) && a != 0x2002 && !(a == 0x3fff && b < 0x1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_a_network_of_its_own_are_told_from_public_ones() {
        let public = ["8.8.8.8", "172.15.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450::1"];
        let inside = [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "192.168.1.1",
            "192.0.2.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:8.8.8.8",
            "fe80::1",
            "fd00:ec2::254",
            "64:ff9b::a00:1",
            "2001::1",
            "2001:db8::1",
            "2002:a00:1::",
            "ff02::1",
        ];
        let of = |text: &str| is_public(text.parse().expect("address"));
        assert!(public.into_iter().all(of));
        let wrong: Vec<_> = inside.into_iter().filter(|text| of(text)).collect();
        assert!(wrong.is_empty(), "{wrong:?}");
    }
}
