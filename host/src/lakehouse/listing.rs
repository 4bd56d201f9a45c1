//! The list of tables: names from the catalog, figures from the last reports. Reads no Iceberg file; reports that are
//! missing or out of date are made in the background, for the next look.

use std::collections::HashMap;

use drls_runtime::facts::TableId;
use serde::{Deserialize, Serialize};

use super::catalogs::Listed;
use super::health::Worst;
use super::{Lakehouse, full_name, namespace_key, rfc3339};
use crate::db::reports::{self, Summary};
use crate::error::ApiError;

/// Catalogs that do not tell where a table stands are asked again after this.
const UNSEEN_MS: i64 = 300_000;

/// Tables handed to the background at once.
const MOST_REFRESHED: usize = 1000;

/// Order of the list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Sort {
    /// By name.
    #[default]
    Name,
    /// Lowest score first; tables without one last.
    Score,
    /// Largest first.
    Bytes,
    /// Changed last first.
    Modified,
}

/// Health as a list shows it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct ListedHealth {
    /// 0 to 100.
    pub(crate) score: i64,
    /// The worst finding.
    pub(crate) worst: Option<Worst>,
    /// When it was judged, RFC 3339.
    pub(crate) as_of: String,
    /// The table, or a rule, has changed since.
    pub(crate) stale: bool,
}

/// One table.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct TableItem {
    /// Full name, as the other routes take it.
    pub(crate) name: String,
    /// Namespace levels.
    pub(crate) namespace: Vec<String>,
    /// Last part of the name.
    pub(crate) table: String,
    /// Catalog.
    pub(crate) catalog: String,
    /// 1, 2 or 3; null until it was judged once, as the figures below.
    pub(crate) format_version: Option<i64>,
    /// Bytes of live data files.
    pub(crate) bytes: Option<i64>,
    /// Live data files.
    pub(crate) data_files: Option<i64>,
    /// Rows before deletes.
    pub(crate) records: Option<i64>,
    /// Last change of the metadata, RFC 3339.
    pub(crate) modified_at: Option<String>,
    /// The last report; null until there is one.
    pub(crate) health: Option<ListedHealth>,
    #[serde(skip)]
    key: (i64, String),
}

/// What to list.
#[derive(Debug, Default)]
pub(crate) struct Want<'a> {
    pub(crate) catalog: Option<&'a str>,
    /// Only this namespace and those below it.
    pub(crate) namespace: Option<&'a [String]>,
    /// Only names that contain this, in any case.
    pub(crate) search: Option<&'a str>,
    pub(crate) sort: Sort,
}

impl TableItem {
    /// Where it stands in the order of the list.
    pub(crate) fn key(&self) -> &(i64, String) {
        &self.key
    }
}

impl Lakehouse {
    /// Every table that fits, in order.
    pub(crate) async fn list(&self, want: &Want<'_>) -> Result<Vec<TableItem>, ApiError> {
        let catalog = self.catalogs.get(want.catalog)?;
        let names = self.catalogs.list(catalog).await?;
        let reports: HashMap<(String, String), Summary> = reports::summaries(self.db.read(), &catalog.name)
            .await?
            .into_iter()
            .map(|s| ((s.namespace.clone(), s.name.clone()), s))
            .collect();
        let rules = self.plugins().await?;
        let now = crate::db::now().timestamp_millis();
        let search = want.search.map(str::to_lowercase);
        let (mut items, mut behind) = (Vec::new(), Vec::new());
        for listed in names {
            if want.namespace.is_some_and(|n| !listed.namespace.starts_with(n)) {
                continue;
            }
            let id = TableId {
                catalog: catalog.name.clone(),
                namespace: listed.namespace.clone(),
                name: listed.name.clone(),
            };
            let name = full_name(&id);
            if search.as_ref().is_some_and(|s| !name.to_lowercase().contains(s)) {
                continue;
            }
            let summary = reports.get(&(namespace_key(&id.namespace), id.name.clone()));
            let stale = summary.is_none_or(|s| out_of_date(s, &listed, rules.rules_digest(), now));
            if stale && behind.len() < MOST_REFRESHED {
                behind.push(id.clone());
            }
            items.push(item(name, id, summary, stale, want.sort));
        }
        self.refresh(behind);
        items.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(items)
    }
}

fn out_of_date(summary: &Summary, listed: &Listed, rules_digest: &str, now: i64) -> bool {
    let moved = match &listed.metadata_location {
        Some(location) => *location != summary.metadata_location,
        None => now - summary.as_of > UNSEEN_MS,
    };
    moved || summary.rules_digest != rules_digest
}

fn item(name: String, id: TableId, summary: Option<&Summary>, stale: bool, sort: Sort) -> TableItem {
    let rank = match (sort, summary) {
        (Sort::Name, _) => 0,
        (Sort::Score, Some(s)) => s.score,
        (Sort::Bytes, Some(s)) => -s.bytes,
        (Sort::Modified, Some(s)) => -s.modified_at,
        (_, None) => i64::MAX,
    };
    TableItem {
        key: (rank, name.clone()),
        name,
        namespace: id.namespace,
        table: id.name,
        catalog: id.catalog,
        format_version: summary.map(|s| s.format_version),
        bytes: summary.map(|s| s.bytes),
        data_files: summary.map(|s| s.data_files),
        records: summary.map(|s| s.records),
        modified_at: summary.map(|s| rfc3339(s.modified_at)),
        health: summary.map(|s| ListedHealth {
            score: s.score,
            worst: s.worst.as_deref().and_then(|w| serde_json::from_str(w).ok()),
            as_of: rfc3339(s.as_of),
            stale,
        }),
    }
}
