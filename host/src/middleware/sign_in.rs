//! Finds out who is asking.

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    middleware::Next,
    response::Response,
};
use axum_extra::extract::CookieJar;

use crate::{
    api::{openapi::PUBLIC, session::COOKIE},
    app::App,
    auth::User,
    db::{sessions, users},
    error::ApiError,
    middleware::observe::record_user,
};

/// Id of the newest event when the request came: `/api/events?after=` tells what came after it, so that nothing is missed that
/// happens between an answer and the opening of the feed. Who is not signed in is told nothing of what happens.
const NEWEST_EVENT: HeaderName = HeaderName::from_static("x-newest-event");

/// Puts the [`User`] into the request, by bearer token or session cookie; everything but the public routes and the console's files needs one.
pub async fn identify(State(app): State<App>, mut request: Request, next: Next) -> Result<Response, ApiError> {
    if let Some(user) = who(&app, request.headers()).await? {
        record_user(&user.name);
        request.extensions_mut().insert(user);
        let newest = app.events.id(app.events.last());
        let mut response = next.run(request).await;
        if let Ok(newest) = HeaderValue::try_from(newest) {
            response.headers_mut().insert(NEWEST_EVENT, newest);
        }
        return Ok(response);
    }
    if needs_sign_in(&request) {
        return Err(ApiError::not_signed_in(
            "sign in at POST /api/session, or send `Authorization: Bearer` with a token of `drls user token`",
        ));
    }
    Ok(next.run(request).await)
}

/// A token that is wrong is refused; a cookie that has run out is as none.
async fn who(app: &App, headers: &HeaderMap) -> Result<Option<User>, ApiError> {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let token = value.to_str().ok().and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
        });
        let user = match token {
            Some(token) => users::by_token(app.db.read(), token).await?,
            None => None,
        };
        return user.map(Some).ok_or_else(|| {
            ApiError::not_signed_in("the bearer token is not valid here; make one with `drls user token NAME`")
        });
    }
    match CookieJar::from_headers(headers).get(COOKIE) {
        Some(cookie) => Ok(sessions::by_key(app.db.read(), cookie.value()).await?),
        None => Ok(None),
    }
}

/// Whether the request is for data: a route that is not public, or an unknown address below `/api`.
fn needs_sign_in(request: &Request) -> bool {
    let method = request.method().as_str().to_ascii_lowercase();
    match request.extensions().get::<MatchedPath>() {
        Some(route) => {
            let method = if method == "head" { "get" } else { method.as_str() };
            !PUBLIC.contains(&(method, route.as_str()))
        }
        None => request.uri().path().starts_with("/api/"),
    }
}
