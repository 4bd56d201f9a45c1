//! Some rows of a table, read by PyIceberg.

use std::time::Duration;

use drls_runtime::facts::TableId;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Lakehouse;
use super::catalogs::Catalog;
use crate::error::ApiError;
use crate::python::Work;

/// Reads at least one data file, wherever it is.
const DEADLINE: Duration = Duration::from_secs(60);

#[derive(Serialize)]
struct Arguments {
    catalog: Catalog,
    namespace: Vec<String>,
    name: String,
    snapshot_id: Option<i64>,
    limit: u32,
}

/// A column of a preview.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub(crate) struct PreviewColumn {
    /// Name.
    pub(crate) name: String,
    /// Iceberg type.
    #[serde(rename = "type")]
    pub(crate) data_type: String,
}

/// Some rows.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub(crate) struct Preview {
    /// Columns in order.
    pub(crate) columns: Vec<PreviewColumn>,
    /// Rows in no order, each a list of values as JSON can carry them.
    #[schema(value_type = Vec<Vec<Object>>)]
    pub(crate) rows: Vec<Vec<Value>>,
    /// True where a value was shortened.
    pub(crate) cut: bool,
    /// Snapshot that was read, as text; null for a table without one.
    #[serde(deserialize_with = "as_text")]
    pub(crate) snapshot_id: Option<String>,
}

/// Python has ids as numbers, JSON must have them as text.
fn as_text<'de, D: serde::Deserializer<'de>>(id: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<i64>::deserialize(id)?.map(|id| id.to_string()))
}

impl Lakehouse {
    /// At most `limit` rows of a snapshot, the current one where none is named.
    pub(crate) async fn preview(
        &self,
        id: &TableId,
        snapshot_id: Option<i64>,
        limit: u32,
    ) -> Result<Preview, ApiError> {
        let arguments = Arguments {
            catalog: self.catalogs.get(Some(&id.catalog))?.clone(),
            namespace: id.namespace.clone(),
            name: id.name.clone(),
            snapshot_id,
            limit,
        };
        Ok(self.python.call(Work::Short, "preview.rows", arguments, DEADLINE).await?)
    }
}
