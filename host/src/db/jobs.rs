//! Jobs: operations that were asked for, run or undone. Written through [`insert`], [`start`], [`progress`] and
//! [`end`]; a job that ended never changes again.

use sqlx::SqliteExecutor;

/// One job row. Namespace, steps, before, after, result and error are JSON.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) id: String,
    pub(crate) operation: String,
    pub(crate) catalog: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) state: String,
    pub(crate) plan_id: Option<String>,
    pub(crate) undo_of: Option<String>,
    /// The job that undoes this one, or undid it; not written.
    pub(crate) undone_by: Option<String>,
    pub(crate) steps: String,
    pub(crate) progress_done: i64,
    pub(crate) progress_total: i64,
    pub(crate) progress_unit: String,
    pub(crate) before: Option<String>,
    pub(crate) after: Option<String>,
    pub(crate) result: Option<String>,
    pub(crate) error: Option<String>,
    pub(crate) actor: String,
    pub(crate) plugin_id: String,
    pub(crate) plugin_version: String,
    pub(crate) plugin_digest: String,
    pub(crate) created_at: i64,
    pub(crate) started_at: Option<i64>,
    pub(crate) ended_at: Option<i64>,
}

/// How a job ended.
pub(crate) struct End<'a> {
    pub(crate) state: &'a str,
    pub(crate) after: Option<&'a str>,
    pub(crate) result: Option<&'a str>,
    pub(crate) error: Option<&'a str>,
    pub(crate) at: i64,
}

/// Which jobs to list.
#[derive(Debug, Default)]
pub(crate) struct Filter<'a> {
    pub(crate) catalog: Option<&'a str>,
    pub(crate) namespace: Option<&'a str>,
    pub(crate) name: Option<&'a str>,
    pub(crate) operation: Option<&'a str>,
    pub(crate) state: Option<&'a str>,
    /// Only jobs that have ended, or only those that have not.
    pub(crate) ended: Option<bool>,
    /// Only jobs older than the one with this id.
    pub(crate) before: Option<&'a str>,
    pub(crate) limit: i64,
}

/// Puts a job in the queue.
pub(crate) async fn insert(db: impl SqliteExecutor<'_>, job: &Job) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO jobs (id, operation, catalog, namespace, name, state, plan_id, undo_of, steps, actor, plugin_id,
                           plugin_version, plugin_digest, created_at)
         VALUES (?, ?, ?, ?, ?, 'queued', ?, ?, ?, ?, ?, ?, ?, ?)",
        job.id,
        job.operation,
        job.catalog,
        job.namespace,
        job.name,
        job.plan_id,
        job.undo_of,
        job.steps,
        job.actor,
        job.plugin_id,
        job.plugin_version,
        job.plugin_digest,
        job.created_at
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A queued job begins: what it runs and the table as it is now. False where it is not queued any more.
pub(crate) async fn start(
    db: impl SqliteExecutor<'_>,
    id: &str,
    plan_id: Option<&str>,
    steps: &str,
    before: &str,
    now: i64,
) -> sqlx::Result<bool> {
    let changed = sqlx::query!(
        "UPDATE jobs SET state = 'running', plan_id = ?, steps = ?, before = ?, started_at = ?
         WHERE id = ? AND state = 'queued'",
        plan_id,
        steps,
        before,
        now,
        id
    )
    .execute(db)
    .await?;
    Ok(changed.rows_affected() == 1)
}

/// Progress of a running job.
pub(crate) async fn progress(
    db: impl SqliteExecutor<'_>,
    id: &str,
    done: i64,
    total: i64,
    unit: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE jobs SET progress_done = ?, progress_total = ?, progress_unit = ? WHERE id = ? AND state = 'running'",
        done,
        total,
        unit,
        id
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A queued or running job ends. False where it had ended before.
pub(crate) async fn end(db: impl SqliteExecutor<'_>, id: &str, end: &End<'_>) -> sqlx::Result<bool> {
    let changed = sqlx::query!(
        "UPDATE jobs SET state = ?, after = ?, result = ?, error = ?, ended_at = ?
         WHERE id = ? AND state IN ('queued', 'running')",
        end.state,
        end.after,
        end.result,
        end.error,
        end.at,
        id
    )
    .execute(db)
    .await?;
    Ok(changed.rows_affected() == 1)
}

/// The job with this id.
pub(crate) async fn get(db: impl SqliteExecutor<'_>, id: &str) -> sqlx::Result<Option<Job>> {
    sqlx::query_as!(
        Job,
        r#"SELECT id AS "id!", operation, catalog, namespace, name, state, plan_id, undo_of, steps, progress_done,
                  progress_total, progress_unit, before, after, result, error, actor, plugin_id, plugin_version,
                  plugin_digest, created_at, started_at, ended_at,
                  (SELECT u.id FROM jobs AS u
                   WHERE u.undo_of = jobs.id AND u.state IN ('queued', 'running', 'succeeded')) AS "undone_by?: String"
           FROM jobs WHERE id = ?"#,
        id
    )
    .fetch_optional(db)
    .await
}

/// Jobs, newest first.
pub(crate) async fn list(db: impl SqliteExecutor<'_>, filter: &Filter<'_>) -> sqlx::Result<Vec<Job>> {
    sqlx::query_as!(
        Job,
        r#"SELECT id AS "id!", operation, catalog, namespace, name, state, plan_id, undo_of, steps, progress_done,
                  progress_total, progress_unit, before, after, result, error, actor, plugin_id, plugin_version,
                  plugin_digest, created_at, started_at, ended_at,
                  (SELECT u.id FROM jobs AS u
                   WHERE u.undo_of = jobs.id AND u.state IN ('queued', 'running', 'succeeded')) AS "undone_by?: String"
           FROM jobs
           WHERE (?1 IS NULL OR catalog = ?1) AND (?2 IS NULL OR namespace = ?2) AND (?3 IS NULL OR name = ?3)
             AND (?4 IS NULL OR operation = ?4) AND (?5 IS NULL OR state = ?5)
             AND (?6 IS NULL OR (state NOT IN ('queued', 'running')) = ?6) AND (?7 IS NULL OR id < ?7)
           ORDER BY id DESC LIMIT ?8"#,
        filter.catalog,
        filter.namespace,
        filter.name,
        filter.operation,
        filter.state,
        filter.ended,
        filter.before,
        filter.limit
    )
    .fetch_all(db)
    .await
}

/// Results (JSON) of the newest ten jobs of this operation in this catalog that succeeded and measured how long they took.
pub(crate) async fn results(db: impl SqliteExecutor<'_>, operation: &str, catalog: &str) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"SELECT result AS "result!" FROM jobs
           WHERE operation = ? AND catalog = ? AND state = 'succeeded' AND steps <> '[]'
             AND result ->> '$.duration' IS NOT NULL
           ORDER BY id DESC LIMIT 10"#,
        operation,
        catalog
    )
    .fetch_all(db)
    .await
}

/// Bytes a second of the last rewrites that succeeded: sum of bytes read over sum of milliseconds, the newest ten of
/// 64 MiB or more, since smaller ones measure what each costs before the first byte; none where none was measured.
pub(crate) async fn throughput(db: impl SqliteExecutor<'_>) -> sqlx::Result<Option<i64>> {
    let sums = sqlx::query!(
        r#"SELECT COALESCE(SUM(bytes), 0) AS "bytes!: i64", COALESCE(SUM(ms), 0) AS "ms!: i64" FROM (
               SELECT CAST(result ->> '$.bytes_read' AS INTEGER) AS bytes, CAST(result ->> '$.duration' AS INTEGER) AS ms
               FROM jobs
               WHERE state = 'succeeded' AND result ->> '$.bytes_read' >= 67108864
               ORDER BY id DESC LIMIT 10)"#
    )
    .fetch_one(db)
    .await?;
    Ok((sums.bytes > 0 && sums.ms > 0).then(|| sums.bytes.saturating_mul(1000) / sums.ms))
}
