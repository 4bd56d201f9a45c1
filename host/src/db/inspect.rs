//! Looks at a state database without changing it, for `drls doctor`.

use std::path::Path;

use anyhow::Result;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};

use super::{
    BUSY_TIMEOUT, MIGRATIONS,
    audit::{self, BrokenChain},
    explain_open,
};

/// What was found.
#[derive(Debug)]
pub enum Found {
    /// No file.
    Absent,
    /// Whole, and of this binary's schema.
    Sound {
        /// The schema.
        version: i64,
    },
    /// Whole, and to be migrated.
    Older {
        /// The file's schema.
        version: i64,
        /// This binary's.
        known: i64,
    },
    /// Written by a newer binary.
    Newer {
        /// The file's schema.
        version: i64,
        /// This binary's.
        known: i64,
    },
    /// SQLite's own check fails.
    Damaged {
        /// Its first complaint.
        report: String,
    },
}

/// Checks the pages and the schema of `<home>/drls.db`.
///
/// # Errors
/// One line that says why it can't be opened.
pub async fn look(home: &Path) -> Result<Found> {
    let Some(mut connection) = open(home).await? else { return Ok(Found::Absent) };
    let report: String = sqlx::query_scalar("PRAGMA quick_check(1)")
        .fetch_one(&mut connection)
        .await
        .map_err(|error| explain_open(error, &home.join("drls.db")))?;
    if report != "ok" {
        return Ok(Found::Damaged { report });
    }
    let version: Option<i64> = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations")
        .fetch_one(&mut connection)
        .await
        .map_err(|error| explain_open(error, &home.join("drls.db")))?;
    let (version, known) = (version.unwrap_or_default(), newest());
    connection.close().await?;
    Ok(match version.cmp(&known) {
        std::cmp::Ordering::Less => Found::Older { version, known },
        std::cmp::Ordering::Equal => Found::Sound { version },
        std::cmp::Ordering::Greater => Found::Newer { version, known },
    })
}

/// Verifies the audit rows; `None` where there is no database.
///
/// # Errors
/// One line that says why it can't be read.
pub async fn audit_chain(home: &Path) -> Result<Option<Result<i64, BrokenChain>>> {
    let Some(mut connection) = open(home).await? else { return Ok(None) };
    let verified = audit::verify(&mut connection).await?;
    connection.close().await?;
    Ok(Some(verified))
}

/// The newest schema that this binary knows.
pub(super) fn newest() -> i64 {
    MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or_default()
}

async fn open(home: &Path) -> Result<Option<SqliteConnection>> {
    let file = home.join("drls.db");
    if !file.exists() {
        return Ok(None);
    }
    let options = SqliteConnectOptions::new().filename(&file).read_only(true).busy_timeout(BUSY_TIMEOUT);
    options.connect().await.map(Some).map_err(|error| explain_open(error, &file))
}
