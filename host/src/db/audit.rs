//! Who changed what: rows chained by hash, written in the transaction of the change itself.
//!
//! Every change of a table, a version, a grant, a user or a setting goes through [`append`]. Each row's hash covers its fields and the
//! hash of the row before it, so a row that was altered, put in or taken out is found by [`verify`].

use anyhow::Result;
use chrono::{DateTime, Utc};
use futures::TryStreamExt as _;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use sqlx::{Sqlite, SqliteConnection, SqliteExecutor, Transaction};

use crate::db;

/// The hash before the first row.
const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// A change, as it happened.
#[derive(Clone, Debug, Serialize)]
pub struct AuditRow {
    /// Number in the chain, from 1, without holes.
    pub seq: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// Name of the user, or `system`.
    pub actor: String,
    /// What was done, `resource.verb`: `config.change`, `table.compact`.
    pub action: String,
    /// What it was done to: a table, a user, a job.
    pub subject: String,
    /// Particulars; never a secret.
    pub detail: serde_json::Value,
}

/// A chain that does not hold.
#[derive(Debug, PartialEq, Eq)]
pub struct BrokenChain {
    /// The first row that does not fit.
    pub seq: i64,
    /// What is wrong with it.
    pub reason: String,
}

/// The fields that a hash covers, as stored.
struct Link<'a> {
    seq: i64,
    at: i64,
    actor: &'a str,
    action: &'a str,
    subject: &'a str,
    detail: &'a str,
    prev_hash: &'a str,
}

impl Link<'_> {
    /// SHA-256 over the fields in the table's order, each as `<length in bytes>:<text>;`, so that no two rows share a form.
    fn hash(&self) -> String {
        let (seq, at) = (self.seq.to_string(), self.at.to_string());
        let mut hash = Sha256::new();
        for field in [&seq, &at, self.actor, self.action, self.subject, self.detail, self.prev_hash] {
            hash.update(format!("{}:{field};", field.len()));
        }
        hex::encode(hash.finalize())
    }
}

/// Writes the audit row of a change within the change's own transaction; answers its number.
///
/// # Errors
/// Where the database fails; the change must then be rolled back too.
pub async fn append(
    tx: &mut Transaction<'_, Sqlite>,
    actor: &str,
    action: &str,
    subject: &str,
    detail: &serde_json::Value,
) -> sqlx::Result<i64> {
    let last = sqlx::query!("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").fetch_optional(&mut **tx).await?;
    let (seq, prev_hash) = last.map_or_else(|| (1, GENESIS.to_owned()), |row| (row.seq + 1, row.hash));
    let (at, detail) = (db::now().timestamp_millis(), detail.to_string());
    let hash = Link { seq, at, actor, action, subject, detail: &detail, prev_hash: &prev_hash }.hash();
    sqlx::query!(
        "INSERT INTO audit (seq, at, actor, action, subject, detail, prev_hash, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        seq,
        at,
        actor,
        action,
        subject,
        detail,
        prev_hash,
        hash
    )
    .execute(&mut **tx)
    .await?;
    Ok(seq)
}

/// The rows of `subject` older than row `before`, newest first, at most `limit`.
///
/// # Errors
/// Where the database fails.
pub async fn of_subject(
    executor: impl SqliteExecutor<'_>,
    subject: &str,
    before: Option<i64>,
    limit: i64,
) -> sqlx::Result<Vec<AuditRow>> {
    let before = before.unwrap_or(i64::MAX);
    let rows = sqlx::query!(
        "SELECT seq, at, actor, action, subject, detail FROM audit WHERE subject = ? AND seq < ? ORDER BY seq DESC LIMIT ?",
        subject,
        before,
        limit
    )
    .fetch_all(executor)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(AuditRow {
                seq: row.seq,
                at: db::time(row.at),
                actor: row.actor,
                action: row.action,
                subject: row.subject,
                detail: serde_json::from_str(&row.detail).map_err(|error| sqlx::Error::Decode(error.into()))?,
            })
        })
        .collect()
}

/// Walks the whole chain; answers how many rows hold, or where it breaks.
///
/// # Errors
/// Where the database fails.
pub async fn verify(connection: &mut SqliteConnection) -> Result<Result<i64, BrokenChain>> {
    let given =
        sqlx::query!(r#"SELECT coalesce(max(seq), 0) AS "seq!: i64" FROM sqlite_sequence WHERE name = 'audit'"#)
            .fetch_one(&mut *connection)
            .await?
            .seq;
    let mut rows =
        sqlx::query!("SELECT seq, at, actor, action, subject, detail, prev_hash, hash FROM audit ORDER BY seq")
            .fetch(&mut *connection);
    let (mut seen, mut prev_hash) = (0, GENESIS.to_owned());
    while let Some(row) = rows.try_next().await? {
        let broken = |reason: &str| Ok(Err(BrokenChain { seq: row.seq, reason: reason.to_owned() }));
        if row.seq != seen + 1 {
            return broken(&format!("rows {} to {} are missing before it", seen + 1, row.seq - 1));
        }
        if row.prev_hash != prev_hash {
            return broken("it does not follow the row before it");
        }
        let link = Link {
            seq: row.seq,
            at: row.at,
            actor: &row.actor,
            action: &row.action,
            subject: &row.subject,
            detail: &row.detail,
            prev_hash: &row.prev_hash,
        };
        if link.hash() != row.hash {
            return broken("it was altered after it was written");
        }
        (seen, prev_hash) = (row.seq, row.hash);
    }
    if seen < given {
        return Ok(Err(BrokenChain {
            seq: given,
            reason: format!("rows {} to {given} were cut off the end", seen + 1),
        }));
    }
    Ok(Ok(seen))
}
