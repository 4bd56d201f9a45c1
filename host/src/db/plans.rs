//! Plans: what an operation would do, kept until it is run or expires.

use sqlx::SqliteExecutor;

/// One plan row. Namespace, arguments and body are JSON.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) id: String,
    pub(crate) operation: String,
    pub(crate) catalog: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) arguments: String,
    pub(crate) plugin_id: String,
    pub(crate) plugin_version: String,
    pub(crate) plugin_digest: String,
    pub(crate) body: String,
    pub(crate) metadata_location: String,
    pub(crate) snapshot_id: Option<i64>,
    pub(crate) schema_id: i64,
    pub(crate) table_uuid: String,
    pub(crate) actor: String,
    pub(crate) created_at: i64,
    pub(crate) expires_at: i64,
}

/// Keeps a plan, and what its plugin wrote meanwhile (JSON).
pub(crate) async fn insert(db: impl SqliteExecutor<'_>, plan: &Plan, log: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO plans (id, operation, catalog, namespace, name, arguments, plugin_id, plugin_version, plugin_digest,
                            body, log, metadata_location, snapshot_id, schema_id, table_uuid, actor, created_at,
                            expires_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        plan.id,
        plan.operation,
        plan.catalog,
        plan.namespace,
        plan.name,
        plan.arguments,
        plan.plugin_id,
        plan.plugin_version,
        plan.plugin_digest,
        plan.body,
        log,
        plan.metadata_location,
        plan.snapshot_id,
        plan.schema_id,
        plan.table_uuid,
        plan.actor,
        plan.created_at,
        plan.expires_at
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The plan with this id.
pub(crate) async fn get(db: impl SqliteExecutor<'_>, id: &str) -> sqlx::Result<Option<Plan>> {
    sqlx::query_as!(
        Plan,
        r#"SELECT id AS "id!", operation, catalog, namespace, name, arguments, plugin_id, plugin_version, plugin_digest,
                  body, metadata_location, snapshot_id, schema_id, table_uuid, actor, created_at, expires_at
           FROM plans WHERE id = ?"#,
        id
    )
    .fetch_optional(db)
    .await
}

/// What the plugin wrote while it made this plan (JSON): far more than the plan, and seldom asked for.
pub(crate) async fn log(db: impl SqliteExecutor<'_>, id: &str) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!("SELECT log FROM plans WHERE id = ?", id).fetch_optional(db).await
}

/// Removes plans that expired before `before` (ms since the epoch) and that no job ran.
pub(crate) async fn forget(db: impl SqliteExecutor<'_>, before: i64) -> sqlx::Result<u64> {
    let gone = sqlx::query!(
        "DELETE FROM plans WHERE expires_at < ? AND id NOT IN (SELECT plan_id FROM jobs WHERE plan_id IS NOT NULL)",
        before
    )
    .execute(db)
    .await?;
    Ok(gone.rows_affected())
}
