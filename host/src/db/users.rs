//! Users and their bearer tokens.

use chrono::{DateTime, Utc};
use sqlx::{Sqlite, SqliteExecutor, Transaction};
use uuid::Uuid;

use crate::{
    auth::{Role, User, secret},
    db,
};

/// A user as listed.
#[derive(Debug)]
pub struct UserRow {
    /// Who.
    pub user: User,
    /// When the user was added.
    pub created_at: DateTime<Utc>,
    /// Whether a password is set.
    pub has_password: bool,
    /// How many bearer tokens are valid.
    pub tokens: i64,
}

/// Adds a user.
///
/// # Errors
/// A unique violation where the name is taken.
pub async fn insert(tx: &mut Transaction<'_, Sqlite>, name: &str, role: Role) -> sqlx::Result<User> {
    let user = User { id: Uuid::now_v7().to_string(), name: name.to_owned(), role };
    let (word, at) = (role.as_str(), db::now().timestamp_millis());
    sqlx::query!("INSERT INTO users (id, name, role, created_at) VALUES (?, ?, ?, ?)", user.id, name, word, at)
        .execute(&mut **tx)
        .await?;
    Ok(user)
}

/// The user called `name`.
///
/// # Errors
/// Where the database fails.
pub async fn by_name(executor: impl SqliteExecutor<'_>, name: &str) -> sqlx::Result<Option<User>> {
    let row = sqlx::query!("SELECT id, name, role FROM users WHERE name = ?", name).fetch_optional(executor).await?;
    row.map(|row| user(row.id, row.name, &row.role)).transpose()
}

/// The oldest admin: the one who is offered the sign-in link at start.
///
/// # Errors
/// Where the database fails.
pub async fn first_admin(executor: impl SqliteExecutor<'_>) -> sqlx::Result<Option<User>> {
    let row = sqlx::query!("SELECT id, name, role FROM users WHERE role = 'admin' ORDER BY created_at, id LIMIT 1")
        .fetch_optional(executor)
        .await?;
    row.map(|row| user(row.id, row.name, &row.role)).transpose()
}

/// Whether an admin exists who can sign in without a link: with a password or a token.
///
/// # Errors
/// Where the database fails.
pub async fn admin_can_sign_in(executor: impl SqliteExecutor<'_>) -> sqlx::Result<bool> {
    let row = sqlx::query!(
        r#"SELECT EXISTS (
               SELECT 1 FROM users WHERE role = 'admin'
               AND (password_hash IS NOT NULL OR EXISTS (SELECT 1 FROM tokens WHERE tokens.user_id = users.id))
           ) AS "found!: bool""#
    )
    .fetch_one(executor)
    .await?;
    Ok(row.found)
}

/// All users by name.
///
/// # Errors
/// Where the database fails.
pub async fn list(executor: impl SqliteExecutor<'_>) -> sqlx::Result<Vec<UserRow>> {
    let rows = sqlx::query!(
        r#"SELECT id, name, role, created_at, password_hash IS NOT NULL AS "has_password!: bool",
                  (SELECT count(*) FROM tokens WHERE tokens.user_id = users.id) AS "tokens!: i64"
           FROM users ORDER BY name"#
    )
    .fetch_all(executor)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(UserRow {
                user: user(row.id, row.name, &row.role)?,
                created_at: db::time(row.created_at),
                has_password: row.has_password,
                tokens: row.tokens,
            })
        })
        .collect()
}

/// The user called `name` with the stored password hash.
///
/// # Errors
/// Where the database fails.
pub async fn with_password(
    executor: impl SqliteExecutor<'_>,
    name: &str,
) -> sqlx::Result<Option<(User, Option<String>)>> {
    let row = sqlx::query!("SELECT id, name, role, password_hash FROM users WHERE name = ?", name)
        .fetch_optional(executor)
        .await?;
    row.map(|row| Ok((user(row.id, row.name, &row.role)?, row.password_hash))).transpose()
}

/// Sets the password of a user and ends the user's sessions.
///
/// # Errors
/// Where the database fails.
pub async fn set_password(tx: &mut Transaction<'_, Sqlite>, user: &User, phc: &str) -> sqlx::Result<()> {
    sqlx::query!("UPDATE users SET password_hash = ? WHERE id = ?", phc, user.id).execute(&mut **tx).await?;
    sqlx::query!("DELETE FROM sessions WHERE user_id = ?", user.id).execute(&mut **tx).await?;
    Ok(())
}

/// Removes a user with the tokens, sessions and sign-in links that the user has. What the user did stays in the audit.
///
/// # Errors
/// Where the database fails.
pub async fn remove(tx: &mut Transaction<'_, Sqlite>, user: &User) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM users WHERE id = ?", user.id).execute(&mut **tx).await?;
    Ok(())
}

/// Remembers a new bearer token of a user by its digest.
///
/// # Errors
/// Where the database fails.
pub async fn insert_token(tx: &mut Transaction<'_, Sqlite>, user: &User, token: &str) -> sqlx::Result<()> {
    let (digest, at) = (secret::digest(token), db::now().timestamp_millis());
    sqlx::query!("INSERT INTO tokens (digest, user_id, created_at) VALUES (?, ?, ?)", digest, user.id, at)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// The user of a bearer token.
///
/// # Errors
/// Where the database fails.
pub async fn by_token(executor: impl SqliteExecutor<'_>, token: &str) -> sqlx::Result<Option<User>> {
    let digest = secret::digest(token);
    let row = sqlx::query!(
        "SELECT users.id, name, role FROM tokens JOIN users ON users.id = tokens.user_id WHERE digest = ?",
        digest
    )
    .fetch_optional(executor)
    .await?;
    row.map(|row| user(row.id, row.name, &row.role)).transpose()
}

/// A user from stored columns.
pub(super) fn user(id: String, name: String, role: &str) -> sqlx::Result<User> {
    let role = role.parse().map_err(|error: anyhow::Error| sqlx::Error::Decode(error.into()))?;
    Ok(User { id, name, role })
}
