//! Sessions of browsers and the one-time links that open them.

use std::time::Duration;

use sqlx::{Sqlite, SqliteExecutor, Transaction};

use crate::{
    auth::{User, secret},
    db,
};

/// How long a session lives.
pub const SESSION_LIFE: Duration = Duration::from_secs(7 * 24 * 3600);

/// How long a sign-in link can be used.
pub const LINK_LIFE: Duration = Duration::from_secs(3600);

/// Opens a session of `user` known by `key`, and clears away those that have run out.
///
/// # Errors
/// Where the database fails.
pub async fn insert(tx: &mut Transaction<'_, Sqlite>, user: &User, key: &str) -> sqlx::Result<()> {
    let now = db::now();
    let (digest, at) = (secret::digest(key), now.timestamp_millis());
    let expires = (now + SESSION_LIFE).timestamp_millis();
    sqlx::query!("DELETE FROM sessions WHERE expires_at <= ?", at).execute(&mut **tx).await?;
    sqlx::query!(
        "INSERT INTO sessions (digest, user_id, created_at, expires_at) VALUES (?, ?, ?, ?)",
        digest,
        user.id,
        at,
        expires
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The user of a session that has not run out.
///
/// # Errors
/// Where the database fails.
pub async fn by_key(executor: impl SqliteExecutor<'_>, key: &str) -> sqlx::Result<Option<User>> {
    let (digest, at) = (secret::digest(key), db::now().timestamp_millis());
    let row = sqlx::query!(
        "SELECT users.id, name, role FROM sessions JOIN users ON users.id = sessions.user_id WHERE digest = ? AND expires_at > ?",
        digest,
        at
    )
    .fetch_optional(executor)
    .await?;
    row.map(|row| db::users::user(row.id, row.name, &row.role)).transpose()
}

/// Ends a session; one that is not there is no error.
///
/// # Errors
/// Where the database fails.
pub async fn delete(tx: &mut Transaction<'_, Sqlite>, key: &str) -> sqlx::Result<()> {
    let digest = secret::digest(key);
    sqlx::query!("DELETE FROM sessions WHERE digest = ?", digest).execute(&mut **tx).await?;
    Ok(())
}

/// Remembers a one-time sign-in code of `user`.
///
/// # Errors
/// Where the database fails.
pub async fn insert_link(tx: &mut Transaction<'_, Sqlite>, user: &User, code: &str) -> sqlx::Result<()> {
    let (digest, expires) = (secret::digest(code), (db::now() + LINK_LIFE).timestamp_millis());
    sqlx::query!("INSERT INTO sign_in_links (digest, user_id, expires_at) VALUES (?, ?, ?)", digest, user.id, expires)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Uses up a sign-in code: its user, once, while it is young.
///
/// # Errors
/// Where the database fails.
pub async fn take_link(tx: &mut Transaction<'_, Sqlite>, code: &str) -> sqlx::Result<Option<User>> {
    let (digest, at) = (secret::digest(code), db::now().timestamp_millis());
    let taken =
        sqlx::query!("DELETE FROM sign_in_links WHERE digest = ? AND expires_at > ? RETURNING user_id", digest, at)
            .fetch_optional(&mut **tx)
            .await?;
    sqlx::query!("DELETE FROM sign_in_links WHERE expires_at <= ?", at).execute(&mut **tx).await?;
    let Some(taken) = taken else { return Ok(None) };
    let row = sqlx::query!("SELECT id, name, role FROM users WHERE id = ?", taken.user_id).fetch_one(&mut **tx).await?;
    db::users::user(row.id, row.name, &row.role).map(Some)
}
