//! Signing in and out.

use axum::{
    extract::State,
    http::{Method, StatusCode},
    response::{IntoResponse as _, Redirect, Response},
};
use axum_extra::extract::{
    CookieJar,
    cookie::{Cookie, SameSite},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::{Sqlite, Transaction};
use utoipa::{IntoParams, ToSchema};

use crate::{
    api::extract::{Json, Query},
    app::App,
    auth::{Role, User, password, secret},
    db::{audit, sessions, users},
    error::{ApiError, FieldError},
};

/// The cookie that holds the key of a session.
pub const COOKIE: &str = "drls_session";

/// One of two ways in: name and password, or the code of a sign-in link.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// Name of the user.
    #[schema(max_length = 200)]
    name: Option<String>,
    /// The user's password.
    #[schema(max_length = 1000)]
    password: Option<String>,
    /// Code of a one-time sign-in link.
    #[schema(max_length = 200)]
    code: Option<String>,
}

/// Who is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub struct Session {
    /// Id of the user.
    user_id: String,
    /// Name of the user.
    name: String,
    /// What the user may do.
    role: Role,
}

impl From<User> for Session {
    fn from(user: User) -> Self {
        Self { user_id: user.id, name: user.name, role: user.role }
    }
}

/// Sign in. Opens a session and sets its cookie.
#[utoipa::path(post, path = "/api/session", tag = "session", request_body = SignIn, responses((status = 200, body = Session)))]
pub async fn sign_in(
    State(app): State<App>,
    jar: CookieJar,
    Json(body): Json<SignIn>,
) -> Result<(CookieJar, Json<Session>), ApiError> {
    let (jar, user) = match body {
        SignIn { name: Some(name), password: Some(password), code: None } => {
            let user = by_password(&app, &name, password).await?;
            let tx = app.db.write().await?;
            (open_session(tx, jar, &user, "password").await?, user)
        }
        SignIn { name: None, password: None, code: Some(code) } => by_code(&app, jar, &code).await?,
        _ => {
            return Err(ApiError::unprocessable(vec![FieldError::new(
                "",
                "send `name` and `password`, or `code` alone",
            )]));
        }
    };
    Ok((jar, Json(user.into())))
}

/// Who is signed in.
#[utoipa::path(get, path = "/api/session", tag = "session", extensions(("x-role" = json!("viewer"))), responses((status = 200, body = Session)))]
pub async fn show(user: User) -> Json<Session> {
    Json(user.into())
}

/// Sign out. Ends the session of the cookie; without one it does nothing.
#[utoipa::path(delete, path = "/api/session", tag = "session", responses((status = 204)))]
pub async fn sign_out(State(app): State<App>, user: Option<User>, jar: CookieJar) -> Result<Response, ApiError> {
    if let (Some(cookie), Some(user)) = (jar.get(COOKIE), user) {
        let mut tx = app.db.write().await?;
        sessions::delete(&mut tx, cookie.value()).await?;
        audit::append(&mut tx, &user.name, "session.close", &user.name, &json!({})).await?;
        tx.commit().await?;
    }
    Ok((StatusCode::NO_CONTENT, jar.remove(Cookie::build(COOKIE).path("/"))).into_response())
}

/// The code of a link.
#[derive(Debug, Deserialize, IntoParams)]
pub struct Link {
    /// From the address that `drls serve` prints, or `drls user link`.
    code: String,
}

/// Follow a one-time sign-in link: opens a session and goes on to the console.
#[utoipa::path(get, path = "/sign-in", tag = "session", params(Link), responses((status = 303, description = "To `/`, signed in")))]
pub async fn follow_link(
    State(app): State<App>,
    method: Method,
    jar: CookieJar,
    Query(link): Query<Link>,
) -> Result<(CookieJar, Redirect), ApiError> {
    // A program that only looks where a link leads must not use it up.
    if method == Method::HEAD {
        return Ok((jar, Redirect::to("/")));
    }
    let (jar, _user) = by_code(&app, jar, &link.code).await?;
    Ok((jar, Redirect::to("/")))
}

/// The user with this name and password, after the pause that earlier failures have earned.
async fn by_password(app: &App, name: &str, given: String) -> Result<User, ApiError> {
    if let Some(wait) = app.throttle.wait(name) {
        return Err(ApiError::too_many("too-many-tries", "too many failed tries for this name; wait a little", wait));
    }
    let (user, stored) = users::with_password(app.db.read(), name).await?.unzip();
    let fits = password::verify(given, stored.flatten()).await?;
    match user {
        Some(user) if fits => {
            app.throttle.succeeded(name);
            Ok(user)
        }
        _ => {
            app.throttle.failed(name);
            Err(ApiError::new(StatusCode::UNAUTHORIZED, "sign-in-failed", "name or password is wrong"))
        }
    }
}

/// Uses up a code and opens its user's session in one transaction.
async fn by_code(app: &App, jar: CookieJar, code: &str) -> Result<(CookieJar, User), ApiError> {
    let mut tx = app.db.write().await?;
    let user = sessions::take_link(&mut tx, code).await?.ok_or_else(|| {
        ApiError::new(
            StatusCode::UNAUTHORIZED,
            "sign-in-failed",
            "this sign-in link was used before or has run out; make a new one with `drls user link NAME`",
        )
    })?;
    Ok((open_session(tx, jar, &user, "link").await?, user))
}

/// Opens a session of `user` and ends the transaction.
async fn open_session(
    mut tx: Transaction<'static, Sqlite>,
    jar: CookieJar,
    user: &User,
    by: &str,
) -> Result<CookieJar, ApiError> {
    let key = secret::make("")?;
    sessions::insert(&mut tx, user, &key).await?;
    audit::append(&mut tx, &user.name, "session.open", &user.name, &json!({ "by": by })).await?;
    tx.commit().await?;
    Ok(jar.add(cookie(key)))
}

/// The cookie of a session: out of reach of scripts, never sent along from other sites.
fn cookie(key: String) -> Cookie<'static> {
    let mut cookie = Cookie::build((COOKIE, key)).path("/").http_only(true).same_site(SameSite::Strict).build();
    cookie.set_max_age(sessions::SESSION_LIFE.try_into().ok());
    cookie
}
