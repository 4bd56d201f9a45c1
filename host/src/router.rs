//! Every route, in the order of the documentation.

use axum::{
    Router,
    extract::Request,
    middleware::{from_fn, from_fn_with_state},
};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::{router::OpenApiRouter, routes};
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::{
    api::{catalog, config, events, health, jobs, metrics, openapi, operations, plugins, session, status},
    app::App,
    error::ApiError,
    middleware::{deadline, guard, observe, query, sign_in, site},
};

/// The routes with their descriptions.
#[rustfmt::skip]
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(openapi::base())
        .routes(routes!(status::show))
        .routes(routes!(session::sign_in, session::show, session::sign_out))
        .routes(routes!(session::follow_link))
        .routes(routes!(catalog::list))
        .routes(routes!(catalog::schema))
        .routes(routes!(health::show))
        .routes(routes!(catalog::snapshots))
        .routes(routes!(catalog::refs))
        .routes(routes!(catalog::files))
        .routes(routes!(catalog::partitions))
        .routes(routes!(catalog::preview))
        .routes(routes!(catalog::history))
        .routes(routes!(operations::compact))
        .routes(routes!(operations::expire))
        .routes(routes!(operations::add_column))
        .routes(routes!(operations::rename_column))
        .routes(routes!(operations::drop_column))
        .routes(routes!(operations::list))
        .routes(routes!(operations::run))
        .routes(routes!(jobs::list))
        .routes(routes!(jobs::show))
        .routes(routes!(jobs::log))
        .routes(routes!(jobs::cancel))
        .routes(routes!(jobs::undo))
        .routes(routes!(config::show, config::replace))
        .routes(routes!(plugins::list))
        .routes(routes!(plugins::show))
        .routes(routes!(plugins::log))
        .routes(routes!(plugins::rollback))
        .routes(routes!(plugins::disable))
        .routes(routes!(plugins::enable))
        .routes(routes!(plugins::grant))
        .routes(routes!(events::listen))
        .routes(routes!(openapi::show))
        .routes(routes!(metrics::show))
}

/// The whole server.
pub fn build(app: App) -> Router {
    with_layers(Router::from(routes()), app)
}

/// Routes, the files of the console, and what every request passes (outermost last).
pub fn with_layers(routes: Router<App>, app: App) -> Router {
    routes
        .route_layer(from_fn(query::refuse_unknown))
        .merge(SwaggerUi::new("/api/docs").config(Config::from("/api/openapi.json")))
        .fallback(site::serve)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state(app.clone(), guard::check_origin))
        .layer(from_fn_with_state(app.clone(), sign_in::identify))
        .layer(from_fn_with_state(app.clone(), deadline::limit))
        .layer(from_fn_with_state(app.clone(), guard::check_host))
        .layer(from_fn(guard::add_security_headers))
        .layer(CatchPanicLayer::custom(observe::panicked))
        .layer(from_fn_with_state(app.clone(), observe::observe))
        .with_state(app)
}

async fn method_not_allowed(request: Request) -> ApiError {
    ApiError::method_not_allowed(format!(
        "{} is not among the methods of this address; see /api/openapi.json",
        request.method()
    ))
}
