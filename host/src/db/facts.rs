//! The cache of what was read from Iceberg's immutable files.

use sqlx::SqliteExecutor;

/// A packed body under its path.
pub(crate) struct Cached {
    pub(crate) path: String,
    pub(crate) body: Vec<u8>,
}

/// A manifest's packed columns under its path; `paths` is empty where it was not asked for.
pub(crate) struct CachedManifest {
    pub(crate) path: String,
    pub(crate) entries: Vec<u8>,
    pub(crate) paths: Vec<u8>,
}

/// The packed metadata file at `location`.
pub(crate) async fn metadata(db: impl SqliteExecutor<'_>, location: &str) -> sqlx::Result<Option<Vec<u8>>> {
    sqlx::query_scalar!("SELECT body FROM metadata_files WHERE location = ?", location).fetch_optional(db).await
}

/// Keeps a packed metadata file.
pub(crate) async fn put_metadata(
    db: impl SqliteExecutor<'_>,
    location: &str,
    body: &[u8],
    now: i64,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT OR REPLACE INTO metadata_files (location, body, read_at) VALUES (?, ?, ?)",
        location,
        body,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Those of `paths` (a JSON array) that are kept.
pub(crate) async fn manifest_lists(db: impl SqliteExecutor<'_>, paths: &str) -> sqlx::Result<Vec<Cached>> {
    sqlx::query_as!(
        Cached,
        r#"SELECT path AS "path!", body FROM manifest_lists WHERE path IN (SELECT value FROM json_each(?))"#,
        paths
    )
    .fetch_all(db)
    .await
}

/// Keeps a packed manifest list.
pub(crate) async fn put_manifest_list(
    db: impl SqliteExecutor<'_>,
    path: &str,
    body: &[u8],
    now: i64,
) -> sqlx::Result<()> {
    sqlx::query!("INSERT OR REPLACE INTO manifest_lists (path, body, read_at) VALUES (?, ?, ?)", path, body, now)
        .execute(db)
        .await?;
    Ok(())
}

/// Those of `paths` (a JSON array) that are kept, with or without the files' paths.
pub(crate) async fn manifests(
    db: impl SqliteExecutor<'_>,
    paths: &str,
    with_paths: bool,
) -> sqlx::Result<Vec<CachedManifest>> {
    sqlx::query_as!(
        CachedManifest,
        r#"SELECT path AS "path!", entries, CASE WHEN ? THEN paths ELSE x'' END AS "paths!: Vec<u8>"
           FROM manifests WHERE path IN (SELECT value FROM json_each(?))"#,
        with_paths,
        paths
    )
    .fetch_all(db)
    .await
}

/// Keeps a packed manifest.
pub(crate) async fn put_manifest(db: impl SqliteExecutor<'_>, manifest: &CachedManifest, now: i64) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT OR REPLACE INTO manifests (path, entries, paths, read_at) VALUES (?, ?, ?, ?)",
        manifest.path,
        manifest.entries,
        manifest.paths,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets what was read before `before` (ms since the epoch): it is read again when it is needed again.
pub(crate) async fn forget(db: &mut sqlx::SqliteConnection, before: i64) -> sqlx::Result<u64> {
    let mut gone = 0;
    gone +=
        sqlx::query!("DELETE FROM metadata_files WHERE read_at < ?", before).execute(&mut *db).await?.rows_affected();
    gone +=
        sqlx::query!("DELETE FROM manifest_lists WHERE read_at < ?", before).execute(&mut *db).await?.rows_affected();
    gone += sqlx::query!("DELETE FROM manifests WHERE read_at < ?", before).execute(&mut *db).await?.rows_affected();
    Ok(gone)
}
