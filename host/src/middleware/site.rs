//! The console's files; until they are there, a plain page that says so.

use axum::{
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    response::{Html, IntoResponse as _, Response},
};
use tower::ServiceExt as _;
use tower_http::services::{ServeDir, ServeFile};

use crate::{app::App, auth::User, config::find_frontend, error::ApiError};

/// First parts of addresses that are never the console's.
const RESERVED: [&str; 4] = ["api", "notebook", "mcp", "metrics"];

/// Serves what no route has. Addresses without a file are the console's own pages, so they get its `index.html`.
pub async fn serve(State(app): State<App>, user: Option<User>, request: Request) -> Result<Response, ApiError> {
    let path = request.uri().path().to_owned();
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    let read = matches!(*request.method(), Method::GET | Method::HEAD);
    if !read || RESERVED.contains(&first) {
        return Err(ApiError::not_found("route-not-found", "there is no such address; see /api/openapi.json"));
    }
    let Some(folder) = find_frontend(&app.config.get().settings.server.frontend_dir) else {
        return Ok(if path == "/" { waiting(user.as_ref()) } else { missing() });
    };
    // Files stand at the root and below /assets/. Elsewhere a dot is one of a name, as in /tables/sales.orders.
    let is_file = path.starts_with("/assets/") || (path.contains('.') && path.rfind('/') == Some(0));
    let files = ServeDir::new(&folder).precompressed_gzip().precompressed_br();
    let mut response = if is_file {
        files.oneshot(request).await.into_response()
    } else {
        ServeFile::new(folder.join("index.html")).oneshot(request).await.into_response()
    };
    if response.status() == StatusCode::NOT_FOUND {
        return Ok(missing());
    }
    // Names below /assets/ carry a hash of their content, so they never change.
    let kept = if path.starts_with("/assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
    // A shared cache keeps a compressed one from who can't read it.
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    Ok(response)
}

fn missing() -> Response {
    (StatusCode::NOT_FOUND, "There is no such file. The console begins at /\n").into_response()
}

/// The page in place of the console.
fn waiting(user: Option<&User>) -> Response {
    let who = user.map_or_else(
        || "You are not signed in: open the link that <code>drls serve</code> printed, or make one with <code>drls user link NAME</code>.".to_owned(),
        |user| format!("You are signed in as {} ({}).", escape(&user.name), user.role),
    );
    Html(format!(
        r#"<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>DRLS</title></head>
<body>
<h1>DRLS serves</h1>
<p>The console will be here. It is not built yet: build it, or name the folder with its files in <code>FRONTEND_DIR</code>.</p>
<p>{who}</p>
<ul>
<li><a href="/api/health">/api/health</a>: how the server is</li>
<li><a href="/api/tables">/api/tables</a>: the tables</li>
<li><a href="/api/plugins">/api/plugins</a>: what is plugged in</li>
<li><a href="/api/openapi.json">/api/openapi.json</a>: every route</li>
<li><a href="/metrics">/metrics</a>: counts and times</li>
</ul>
</body>
</html>
"#
    ))
    .into_response()
}

/// Text for HTML.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
