//! What happened while a job ran, line by line.

use sqlx::SqliteExecutor;

/// One line.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// Milliseconds since the epoch.
    pub(crate) at: i64,
    /// "job" or "spark".
    pub(crate) source: String,
    /// "info", "warn" or "error".
    pub(crate) level: String,
    pub(crate) text: String,
}

/// Keeps a line of a job.
pub(crate) async fn insert(db: impl SqliteExecutor<'_>, job: &str, line: &Line) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO job_lines (job_id, at, source, level, text) VALUES (?, ?, ?, ?, ?)",
        job,
        line.at,
        line.source,
        line.level,
        line.text
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Whether lines of Spark are kept of a job.
pub(crate) async fn has_spark(db: impl SqliteExecutor<'_>, job: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT 1 FROM job_lines WHERE job_id = ? AND source = 'spark') AS "has!: bool""#,
        job
    )
    .fetch_one(db)
    .await
}

/// Removes lines from before `before` (ms since the epoch), and what plugins wrote while they made plans that old.
pub(crate) async fn forget(db: &mut sqlx::SqliteConnection, before: i64) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM job_lines WHERE at < ?", before).execute(&mut *db).await?;
    sqlx::query!("UPDATE plans SET log = '[]' WHERE created_at < ? AND log <> '[]'", before).execute(&mut *db).await?;
    Ok(())
}

/// The lines of a job, oldest first.
pub(crate) async fn of(db: impl SqliteExecutor<'_>, job: &str) -> sqlx::Result<Vec<Line>> {
    sqlx::query_as!(Line, "SELECT at, source, level, text FROM job_lines WHERE job_id = ? ORDER BY at, rowid", job)
        .fetch_all(db)
        .await
}
