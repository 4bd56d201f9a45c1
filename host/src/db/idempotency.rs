//! Answers kept under an `Idempotency-Key`.

use std::time::Duration;

use sqlx::{Sqlite, Transaction};

use crate::db;

/// How long an answer is kept.
const KEPT: Duration = Duration::from_secs(24 * 3600);

/// A kept answer.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers worth repeating, as a JSON object of strings.
    pub headers: String,
    /// The body as it was sent.
    pub body: Vec<u8>,
}

/// What is known of a key.
#[derive(Debug)]
pub enum Claim {
    /// New: the caller is to do the work and call [`finish`] or [`release`].
    Ours,
    /// Used for a different request.
    OtherRequest,
    /// Claimed by a request that runs, or whose answer was not kept.
    Unanswered,
    /// Answered.
    Done(Answer),
}

/// Takes `key` of a user for the request with the digest `request`, or says what is known of it.
///
/// # Errors
/// Where the database fails.
pub async fn claim(tx: &mut Transaction<'_, Sqlite>, user_id: &str, key: &str, request: &str) -> sqlx::Result<Claim> {
    let now = db::now();
    let (at, oldest) = (now.timestamp_millis(), (now - KEPT).timestamp_millis());
    sqlx::query!("DELETE FROM idempotency_keys WHERE created_at < ?", oldest).execute(&mut **tx).await?;
    let known = sqlx::query!(
        "SELECT request, status, headers, body FROM idempotency_keys WHERE user_id = ? AND key = ?",
        user_id,
        key
    )
    .fetch_optional(&mut **tx)
    .await?;
    let Some(known) = known else {
        sqlx::query!(
            "INSERT INTO idempotency_keys (user_id, key, request, created_at) VALUES (?, ?, ?, ?)",
            user_id,
            key,
            request,
            at
        )
        .execute(&mut **tx)
        .await?;
        return Ok(Claim::Ours);
    };
    if known.request != request {
        return Ok(Claim::OtherRequest);
    }
    Ok(match (known.status, known.headers, known.body) {
        (Some(status), Some(headers), Some(body)) => {
            let status = u16::try_from(status).map_err(|error| sqlx::Error::Decode(error.into()))?;
            Claim::Done(Answer { status, headers, body })
        }
        _ => Claim::Unanswered,
    })
}

/// Keeps the answer of a claimed key.
///
/// # Errors
/// Where the database fails.
pub async fn finish(tx: &mut Transaction<'_, Sqlite>, user_id: &str, key: &str, answer: &Answer) -> sqlx::Result<()> {
    let status = i64::from(answer.status);
    sqlx::query!(
        "UPDATE idempotency_keys SET status = ?, headers = ?, body = ? WHERE user_id = ? AND key = ?",
        status,
        answer.headers,
        answer.body,
        user_id,
        key
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Gives a claimed key back after a request that was refused, so that it can be tried again.
///
/// # Errors
/// Where the database fails.
pub async fn release(tx: &mut Transaction<'_, Sqlite>, user_id: &str, key: &str) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM idempotency_keys WHERE user_id = ? AND key = ?", user_id, key).execute(&mut **tx).await?;
    Ok(())
}
