//! Health of one table.

use axum::extract::State;

use crate::api::catalog::{OfCatalog, TablePath, locate};
use crate::api::extract::{Json, Path, Query};
use crate::app::App;
use crate::auth::User;
use crate::error::ApiError;
use crate::lakehouse::health::Report;

/// Judge a table by every loaded rule.
#[utoipa::path(get, path = "/api/table/{name}/health", tag = "tables", extensions(("x-role" = json!("viewer"))),
    params(TablePath, OfCatalog), responses((status = 200, body = Report)))]
pub(crate) async fn show(
    State(app): State<App>,
    _user: User,
    Path(path): Path<TablePath>,
    Query(query): Query<OfCatalog>,
) -> Result<Json<Report>, ApiError> {
    let table = locate(&app, &path.name, query.catalog.as_deref()).await?;
    app.lakehouse.health(&table).await.map(Json)
}
