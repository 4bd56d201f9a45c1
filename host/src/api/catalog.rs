//! Tables: the list, and what their metadata says.

use std::sync::Arc;

use axum::extract::State;
use drls_runtime::facts::TableId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use utoipa::{IntoParams, ToSchema};

use crate::api::extract::{Json, Path, Query};
use crate::api::names::TableName;
use crate::api::page::{self, Page};
use crate::app::App;
use crate::auth::User;
use crate::db::audit;
use crate::error::{ApiError, FieldError};
use crate::lakehouse::catalogs::Located;
use crate::lakehouse::listing::{Sort, TableItem, Want};
use crate::lakehouse::metadata::Metadata;
use crate::lakehouse::pages::{self, FileItem, PartitionItem, RefItem, SnapshotItem};
use crate::lakehouse::preview::Preview;
use crate::lakehouse::schema::{TableSchema, table_schema};
use crate::lakehouse::subject;

/// Rows of a preview, where nobody asks for fewer.
const PREVIEW_ROWS: u32 = 20;

/// Name of a table in the path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct TablePath {
    /// `namespace.table`; a part with odd characters in back-ticks.
    pub(crate) name: TableName,
}

/// Which catalog.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct OfCatalog {
    /// Another catalog than the default.
    pub(crate) catalog: Option<String>,
}

/// Which tables, and which page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    /// Another catalog than the default.
    catalog: Option<String>,
    /// Only this namespace and those below it, `a.b`.
    namespace: Option<String>,
    /// Only names that contain this, in any case.
    search: Option<String>,
    /// Order: by name, lowest score, most bytes or last change first.
    #[param(inline)]
    #[serde(default)]
    sort: Sort,
    /// Items on the page.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// Which catalog and page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageQuery {
    /// Another catalog than the default.
    catalog: Option<String>,
    /// Items on the page.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// Which rows.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct PreviewQuery {
    /// Another catalog than the default.
    catalog: Option<String>,
    /// Snapshot to read, the current one by default.
    snapshot_id: Option<String>,
    /// Rows.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
}

/// A row of a table's history.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HistoryItem {
    /// Number in the audit chain.
    seq: i64,
    /// When.
    at: chrono::DateTime<chrono::Utc>,
    /// Who.
    actor: String,
    /// What, as `table.compact` or `job.succeeded`.
    action: String,
    /// Particulars.
    #[schema(value_type = Object)]
    detail: Value,
}

/// List tables with their health.
#[utoipa::path(get, path = "/api/tables", tag = "tables", extensions(("x-role" = json!("viewer"))), params(ListQuery),
    responses((status = 200, body = Page<TableItem>)))]
pub(crate) async fn list(
    State(app): State<App>,
    _user: User,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<TableItem>>, ApiError> {
    let namespace = query.namespace.as_deref().map(namespace_of).transpose()?;
    let want = Want {
        catalog: query.catalog.as_deref(),
        namespace: namespace.as_deref(),
        search: query.search.as_deref(),
        sort: query.sort,
        after: page::position(query.cursor.as_deref())?,
        limit: query.limit.unwrap_or(100),
    };
    let (items, last) = app.lakehouse.list(&want).await?;
    let next = last.map(|place| page::cursor(&place)).transpose()?;
    Ok(Json(Page { items, next }))
}

/// Show the schema of a table, nested, with its history.
#[utoipa::path(get, path = "/api/table/{name}/schema", tag = "tables", extensions(("x-role" = json!("viewer"))),
    params(TablePath, OfCatalog), responses((status = 200, body = TableSchema)))]
pub(crate) async fn schema(
    State(app): State<App>,
    _user: User,
    Path(path): Path<TablePath>,
    Query(query): Query<OfCatalog>,
) -> Result<Json<TableSchema>, ApiError> {
    let (table, metadata) = open(&app, &path.name, query.catalog.as_deref()).await?;
    Ok(Json(table_schema(&table, &metadata)))
}

/// List the snapshots of a table, newest first.
#[utoipa::path(get, path = "/api/table/{name}/snapshots", tag = "tables", extensions(("x-role" = json!("viewer"))),
    params(TablePath, PageQuery), responses((status = 200, body = Page<SnapshotItem>)))]
pub(crate) async fn snapshots(
    State(app): State<App>,
    _user: User,
    Path(path): Path<TablePath>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<SnapshotItem>>, ApiError> {
    let (table, metadata) = open(&app, &path.name, query.catalog.as_deref()).await?;
    whole(pages::snapshots(&metadata), &table, &query)
}

/// List the branches and tags of a table.
#[utoipa::path(get, path = "/api/table/{name}/refs", tag = "tables", extensions(("x-role" = json!("viewer"))),
    params(TablePath, PageQuery), responses((status = 200, body = Page<RefItem>)))]
pub(crate) async fn refs(
    State(app): State<App>,
    _user: User,
    Path(path): Path<TablePath>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<RefItem>>, ApiError> {
    let (table, metadata) = open(&app, &path.name, query.catalog.as_deref()).await?;
    whole(pages::refs(&metadata), &table, &query)
}

/// List the live files of a table, data and deletes.
#[utoipa::path(get, path = "/api/table/{name}/files", tag = "tables", extensions(("x-role" = json!("viewer"))),
    params(TablePath, PageQuery), responses((status = 200, body = Page<FileItem>)))]
pub(crate) async fn files(
    State(app): State<App>,
    _user: User,
    Path(path): Path<TablePath>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<FileItem>>, ApiError> {
    let table = locate(&app, &path.name, query.catalog.as_deref()).await?;
    let version = version(&table);
    let start = page::start_of(&version, query.cursor.as_deref())?;
    let (items, more) = app.lakehouse.files(&table, start, query.limit.unwrap_or(100)).await?;
    let next = more.then(|| page::cursor(&(version, start + items.len()))).transpose()?;
    Ok(Json(Page { items, next }))
}

/// List the partitions of a table, most small files first.
#[utoipa::path(get, path = "/api/table/{name}/partitions", tag = "tables", extensions(("x-role" = json!("viewer"))),
    params(TablePath, PageQuery), responses((status = 200, body = Page<PartitionItem>)))]
pub(crate) async fn partitions(
    State(app): State<App>,
    _user: User,
    Path(path): Path<TablePath>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<PartitionItem>>, ApiError> {
    let table = locate(&app, &path.name, query.catalog.as_deref()).await?;
    whole(app.lakehouse.partitions(&table).await?, &table, &query)
}

/// Show some rows of a table.
#[utoipa::path(get, path = "/api/table/{name}/preview", tag = "tables", extensions(("x-role" = json!("viewer"))),
    params(TablePath, PreviewQuery), responses((status = 200, body = Preview)))]
pub(crate) async fn preview(
    State(app): State<App>,
    _user: User,
    Path(path): Path<TablePath>,
    Query(query): Query<PreviewQuery>,
) -> Result<Json<Preview>, ApiError> {
    let id = table_id(&app, &path.name, query.catalog.as_deref())?;
    let snapshot = query.snapshot_id.as_deref().map(str::parse::<i64>).transpose().map_err(|_| {
        ApiError::unprocessable(vec![FieldError::new("?snapshot_id", "must be the number of a snapshot")])
    })?;
    app.lakehouse.locate(&id).await?;
    let rows = app.lakehouse.preview(&id, snapshot, query.limit.unwrap_or(PREVIEW_ROWS)).await;
    rows.map(Json).map_err(in_query)
}

/// List what was done to a table, newest first.
#[utoipa::path(get, path = "/api/table/{name}/history", tag = "tables", extensions(("x-role" = json!("viewer"))),
    params(TablePath, PageQuery), responses((status = 200, body = Page<HistoryItem>)))]
pub(crate) async fn history(
    State(app): State<App>,
    _user: User,
    Path(path): Path<TablePath>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<HistoryItem>>, ApiError> {
    let id = table_id(&app, &path.name, query.catalog.as_deref())?;
    let before: Option<i64> = page::position(query.cursor.as_deref())?;
    let limit = query.limit.unwrap_or(100);
    let most = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
    let mut rows = audit::of_subject(app.db.read(), &subject(&id), before, most).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|r| page::cursor(&r.seq)).transpose()?;
    let items = rows
        .into_iter()
        .map(|r| HistoryItem { seq: r.seq, at: r.at, actor: r.actor, action: r.action, detail: r.detail })
        .collect();
    Ok(Json(Page { items, next }))
}

/// Pointers of mistakes that stand in the query.
fn in_query(error: ApiError) -> ApiError {
    let at = |e: &FieldError| FieldError::new(format!("?{}", e.pointer.trim_start_matches('/')), e.detail.clone());
    let errors = error.errors().iter().map(at).collect();
    error.with_errors(errors)
}

/// The table of a path.
pub(crate) fn table_id(app: &App, name: &TableName, catalog: Option<&str>) -> Result<TableId, ApiError> {
    Ok(TableId {
        catalog: app.lakehouse.catalogs.get(catalog)?.name.clone(),
        namespace: name.namespace().to_vec(),
        name: name.table().to_owned(),
    })
}

/// Where the table of a path stands now.
pub(crate) async fn locate(app: &App, name: &TableName, catalog: Option<&str>) -> Result<Located, ApiError> {
    app.lakehouse.locate(&table_id(app, name, catalog)?).await
}

async fn open(app: &App, name: &TableName, catalog: Option<&str>) -> Result<(Located, Arc<Metadata>), ApiError> {
    let table = locate(app, name, catalog).await?;
    let metadata = app.lakehouse.metadata(&table).await?;
    Ok((table, metadata))
}

/// Cursors of a table's pages hold while its metadata file is the same.
fn version(table: &Located) -> String {
    hex::encode(&Sha256::digest(&table.metadata_location)[..8])
}

fn whole<T>(list: Vec<T>, table: &Located, query: &PageQuery) -> Result<Json<Page<T>>, ApiError> {
    page::of_whole(list, &version(table), query.cursor.as_deref(), query.limit.unwrap_or(100)).map(Json)
}

/// A namespace as a table name without its last part.
fn namespace_of(text: &str) -> Result<Vec<String>, ApiError> {
    let with_table: Result<TableName, _> = format!("{text}.x").parse();
    with_table
        .map(|name| name.namespace().to_vec())
        .map_err(|error| ApiError::unprocessable(vec![FieldError::new("?namespace", error.to_string())]))
}
