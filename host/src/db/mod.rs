//! The server's own state in `<home>/drls.db`: one writer, many readers, schema by migrations.
//!
//! One file per resource; its functions take an executor, so that the caller owns the transaction. No plugin, Python or network call
//! happens while a transaction is open.

pub mod audit;
pub(crate) mod facts;
pub mod idempotency;
pub mod inspect;
pub(crate) mod job_lines;
pub(crate) mod jobs;
pub(crate) mod plans;
pub(crate) mod reports;
pub mod sessions;
pub mod users;

use std::{path::Path, time::Duration};

use anyhow::{Result, anyhow};
use chrono::{DateTime, Utc};
use sqlx::{
    ConnectOptions as _, Connection as _, Sqlite, SqliteConnection, SqlitePool, Transaction,
    migrate::{MigrateError, Migrator},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

/// The schema, newest last; compiled in.
pub static MIGRATIONS: Migrator = sqlx::migrate!("../migrations");

/// How long a statement waits for another process (a command line beside the server) that is writing.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Readers open at once; SQLite serves each from its own snapshot.
const READERS: u32 = 8;

/// The open state database.
#[derive(Clone, Debug)]
pub struct Db {
    reader: SqlitePool,
    writer: SqlitePool,
}

impl Db {
    /// Opens `<home>/drls.db`, making it where it is absent, and brings its schema up to date.
    ///
    /// # Errors
    /// One line that says what is wrong and what to do: the disk is read-only, another process holds the file, the schema is newer than
    /// this binary, the file is no database.
    pub async fn open(home: &Path) -> Result<Self> {
        let file = home.join("drls.db");
        let options = SqliteConnectOptions::new()
            .filename(&file)
            .create_if_missing(true)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .optimize_on_close(true, None);
        // A pool would try again and again, and hide why.
        let mut first = options.connect().await.map_err(|error| explain_open(error, &file))?;
        migrate(&mut first).await.map_err(|error| explain_migrate(error, &file))?;
        first.close().await.map_err(|error| explain_open(error, &file))?;
        let writer = SqlitePoolOptions::new()
            .min_connections(1)
            .max_connections(1)
            .acquire_timeout(Duration::from_secs(10))
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options.clone())
            .await
            .map_err(|error| explain_open(error, &file))?;
        let reader = SqlitePoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(Duration::from_secs(10))
            .connect_with(options.read_only(true))
            .await
            .map_err(|error| explain_open(error, &file))?;
        Ok(Self { reader, writer })
    }

    /// Readers: any number at once; a write through them fails.
    pub fn read(&self) -> &SqlitePool {
        &self.reader
    }

    /// The one writer, holding SQLite's write lock from the start (`BEGIN IMMEDIATE`), so that a read in it can be built upon.
    ///
    /// # Errors
    /// [`sqlx::Error::PoolTimedOut`] where the writer stayed busy for ten seconds: 503 `overloaded` at the doors.
    pub async fn write(&self) -> sqlx::Result<Transaction<'static, Sqlite>> {
        match self.begin().await {
            Err(error) if is_spent(&error) => {
                // Whatever it says when it is closed, it is gone, and the pool opens another.
                drop(self.writer.acquire().await?.close().await);
                self.begin().await
            }
            begun => begun,
        }
    }

    async fn begin(&self) -> sqlx::Result<Transaction<'static, Sqlite>> {
        let mut tx = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        // Where the file could only be opened for reading, that silently began to read; what writes, be it nothing, says so.
        sqlx::query!("DELETE FROM jobs WHERE FALSE").execute(&mut *tx).await?;
        Ok(tx)
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// What it says.
    pub async fn ping(&self) -> sqlx::Result<()> {
        sqlx::query_scalar!("SELECT 1").fetch_one(&self.reader).await.map(drop)
    }

    /// Closes every connection; the last one folds the write-ahead log into the file.
    pub async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }
}

/// Applies what is missing, all or nothing, while other processes wait.
async fn migrate(connection: &mut SqliteConnection) -> Result<(), MigrateError> {
    let mut tx = connection.begin_with("BEGIN IMMEDIATE").await?;
    MIGRATIONS.run(&mut *tx).await?;
    Ok(tx.commit().await?)
}

/// Now, as the database stores it: whole milliseconds.
pub fn now() -> DateTime<Utc> {
    time(Utc::now().timestamp_millis())
}

/// The time of a stored number of milliseconds since 1970; a number out of range is 1970.
pub fn time(milliseconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(milliseconds).unwrap_or_default()
}

/// Whether the connection will never write again, though the disk may: a commit failed and SQLite rolled it back by itself,
/// so that sqlx's own rollback fails and it takes the transaction for open ever after; or the file could only be opened for
/// reading at that moment.
fn is_spent(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::InvalidSavePointStatement) || primary_code(error) == Some(8)
}

/// Whether the same write may succeed later: the database is busy, or its disk is full, read-only or failing.
pub(crate) fn may_pass(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::PoolTimedOut)
        || is_spent(error)
        || primary_code(error).is_some_and(|code| matches!(code, 5 | 6 | 10 | 13 | 14))
}

/// SQLite's primary result code (the low byte of the extended one).
pub(crate) fn primary_code(error: &sqlx::Error) -> Option<i32> {
    let code: i32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(code & 0xff)
}

/// Words for a database that can't be opened.
fn explain_open(error: sqlx::Error, file: &Path) -> anyhow::Error {
    let file = file.display();
    let words = match primary_code(&error) {
        Some(5 | 6) => {
            format!("{file} is locked by another process; stop it (a second `drls serve`, a copy tool) and try again")
        }
        Some(8) => format!(
            "{file} can't be written: the disk or the file is read-only; make it writable or choose another --home"
        ),
        Some(13) => format!("{file} can't grow: the disk is full; free some space and try again"),
        Some(14) => format!("{file} can't be opened; check that its folder exists and that you may write there"),
        Some(11 | 26) => format!("{file} is damaged or no SQLite database; restore it from a backup or move it away"),
        _ => format!("{file} can't be opened"),
    };
    anyhow!(error).context(words)
}

/// Words for a schema that can't be brought up to date.
fn explain_migrate(error: MigrateError, file: &Path) -> anyhow::Error {
    let shown = file.display();
    let words = match error {
        MigrateError::Execute(cause) => return explain_open(cause, file),
        MigrateError::VersionMissing(version) => {
            let known = inspect::newest();
            format!(
                "{shown} was written by a newer DRLS (schema {version}, this one knows up to {known}); run that version or a newer \
                 one, or choose another --home"
            )
        }
        MigrateError::VersionMismatch(version) => format!(
            "{shown} has another migration {version} than this binary, so a different build made it; restore a backup or choose \
             another --home"
        ),
        other => return anyhow!(other).context(format!("the schema of {shown} can't be brought up to date")),
    };
    anyhow!(words)
}
