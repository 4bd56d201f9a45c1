//! Keeps foreign pages out: `Host` (DNS rebinding), `Origin` (forged requests), and headers that bind the browser.

use std::net::IpAddr;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, header, uri::Authority},
    middleware::Next,
    response::Response,
};
use url::Host;

use crate::{app::App, config::Server, error::ApiError};

/// What a browser may do with our answers. Scripts, styles and connections are our own only; the console shows notebooks in frames.
const HEADERS: [(HeaderName, &str); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; \
         frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Refuses a request that names another host than ours: a page that made its own name point here could otherwise read our answers.
pub async fn check_host(State(app): State<App>, request: Request, next: Next) -> Result<Response, ApiError> {
    let config = app.config.get();
    let host = authority(&request).and_then(|authority| Host::parse(authority.host()).ok());
    if host.is_some_and(|host| is_ours(&host, &config.settings.server)) {
        return Ok(next.run(request).await);
    }
    Err(ApiError::forbidden(
        "foreign-host",
        "this server does not answer to that `Host`; add the name to server.allowed_hosts in config.json",
    ))
}

/// Refuses a change or a socket that a page of another origin asks for.
pub async fn check_origin(State(app): State<App>, request: Request, next: Next) -> Result<Response, ApiError> {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if safe && !request.headers().contains_key(header::UPGRADE) {
        return Ok(next.run(request).await);
    }
    let config = app.config.get();
    if comes_from_us(request.headers(), authority(&request).as_ref(), &config.settings.server) {
        return Ok(next.run(request).await);
    }
    Err(ApiError::forbidden(
        "foreign-origin",
        "a page of another origin may not do this; add the origin to server.allowed_origins in config.json if it is yours",
    ))
}

/// Adds the headers that bind the browser, where a handler has not set its own.
pub async fn add_security_headers(request: Request, next: Next) -> Response {
    let private = request.uri().path().starts_with("/api/");
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if private {
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    }
    response
}

/// The host and port that the client asked for: `Host`, or `:authority` in HTTP/2.
fn authority(request: &Request) -> Option<Authority> {
    match request.headers().get(header::HOST) {
        Some(host) => host.to_str().ok()?.parse().ok(),
        None => request.uri().authority().cloned(),
    }
}

/// Whether `host` is a name or address of this server. Addresses can't be rebound, so where the server listens on all of them, each is ours.
fn is_ours(host: &Host<String>, server: &Server) -> bool {
    let address = match host {
        Host::Ipv4(address) => Some(IpAddr::V4(*address)),
        Host::Ipv6(address) => Some(IpAddr::V6(*address)),
        Host::Domain(_) => None,
    };
    let listens_on = server.bind.ip();
    let by_address = address.is_some_and(|address| {
        address == listens_on
            || (address.is_loopback() && (listens_on.is_loopback() || listens_on.is_unspecified()))
            || listens_on.is_unspecified()
    });
    by_address
        || *host == Host::Domain("localhost".to_owned())
        || server.allowed_hosts.iter().filter_map(|allowed| Host::parse(allowed).ok()).any(|allowed| allowed == *host)
}

/// Whether an unsafe request may be ours: its `Origin` is the host it was sent to, or an allowed one. Programs that are no browser send none.
fn comes_from_us(headers: &HeaderMap, host: Option<&Authority>, server: &Server) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else {
        // A browser that sends no Origin still says whether the page is ours.
        return headers.get("sec-fetch-site").is_none_or(|site| site == "same-origin" || site == "none");
    };
    let Ok(origin) = origin.to_str() else { return false };
    let same = origin
        .split_once("://")
        .and_then(|(_, authority)| authority.parse::<Authority>().ok())
        .is_some_and(|origin| host.is_some_and(|host| *host == origin));
    same || server.allowed_origins.iter().any(|allowed| allowed == origin)
}
