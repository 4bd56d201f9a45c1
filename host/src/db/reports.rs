//! The last health report of each table.

use sqlx::SqliteExecutor;

/// What a list of tables shows of a report.
#[derive(Debug, Clone)]
pub(crate) struct Summary {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) metadata_location: String,
    pub(crate) rules_digest: String,
    pub(crate) as_of: i64,
    pub(crate) score: i64,
    pub(crate) worst: Option<String>,
    pub(crate) format_version: i64,
    pub(crate) bytes: i64,
    pub(crate) data_files: i64,
    pub(crate) records: i64,
    pub(crate) modified_at: i64,
}

/// A kept report and what it was made from.
pub(crate) struct Kept {
    pub(crate) metadata_location: String,
    pub(crate) rules_digest: String,
    pub(crate) as_of: i64,
    pub(crate) body: String,
}

/// Summaries of all reports of a catalog.
pub(crate) async fn summaries(db: impl SqliteExecutor<'_>, catalog: &str) -> sqlx::Result<Vec<Summary>> {
    sqlx::query_as!(
        Summary,
        "SELECT namespace, name, metadata_location, rules_digest, as_of, score, worst, format_version, bytes,
                data_files, records, modified_at
         FROM reports WHERE catalog = ?",
        catalog
    )
    .fetch_all(db)
    .await
}

/// The report of one table; `namespace` as a JSON array.
pub(crate) async fn get(
    db: impl SqliteExecutor<'_>,
    catalog: &str,
    namespace: &str,
    name: &str,
) -> sqlx::Result<Option<Kept>> {
    sqlx::query_as!(
        Kept,
        "SELECT metadata_location, rules_digest, as_of, body FROM reports
         WHERE catalog = ? AND namespace = ? AND name = ?",
        catalog,
        namespace,
        name
    )
    .fetch_optional(db)
    .await
}

/// Keeps a report, in place of an older one.
pub(crate) async fn put(db: impl SqliteExecutor<'_>, catalog: &str, summary: &Summary, body: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO reports (catalog, namespace, name, metadata_location, rules_digest, as_of, score, worst,
                                         format_version, bytes, data_files, records, modified_at, body)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (catalog, namespace, name) DO UPDATE
         SET metadata_location = excluded.metadata_location, rules_digest = excluded.rules_digest, as_of = excluded.as_of,
             score = excluded.score, worst = excluded.worst, format_version = excluded.format_version,
             bytes = excluded.bytes, data_files = excluded.data_files, records = excluded.records,
             modified_at = excluded.modified_at, body = excluded.body
         WHERE excluded.as_of >= reports.as_of",
        catalog,
        summary.namespace,
        summary.name,
        summary.metadata_location,
        summary.rules_digest,
        summary.as_of,
        summary.score,
        summary.worst,
        summary.format_version,
        summary.bytes,
        summary.data_files,
        summary.records,
        summary.modified_at,
        body
    )
    .execute(db)
    .await?;
    Ok(())
}
