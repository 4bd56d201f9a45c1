//! The embedded Iceberg catalog: the SQLite file that PyIceberg's `SqlCatalog` and Spark's `JdbcCatalog` share. Read by
//! SQL here, written by them alone.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};

use crate::error::ApiError;
use crate::lakehouse::catalogs::Listed;

/// Name of the embedded catalog: a key column of its own tables, so it never changes.
pub const NAME: &str = "drls";

/// The two tables of Iceberg's `JdbcUtil` with schema version V1, as PyIceberg makes them too.
const TABLES: [&str; 2] = [
    "CREATE TABLE IF NOT EXISTS iceberg_tables (
        catalog_name VARCHAR(255) NOT NULL, table_namespace VARCHAR(255) NOT NULL, table_name VARCHAR(255) NOT NULL,
        metadata_location VARCHAR(1000), previous_metadata_location VARCHAR(1000), iceberg_type VARCHAR(5),
        PRIMARY KEY (catalog_name, table_namespace, table_name))",
    "CREATE TABLE IF NOT EXISTS iceberg_namespace_properties (
        catalog_name VARCHAR(255) NOT NULL, namespace VARCHAR(255) NOT NULL, property_key VARCHAR(255) NOT NULL,
        property_value VARCHAR(1000) NOT NULL,
        PRIMARY KEY (catalog_name, namespace, property_key))",
];

/// How long a read waits for an engine that is committing.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The open catalog file.
#[derive(Clone, Debug)]
pub struct Embedded {
    pool: SqlitePool,
    file: PathBuf,
    warehouse: PathBuf,
}

impl Embedded {
    /// Opens `<home>/catalog.db`, making it and `<home>/warehouse` where they are absent.
    ///
    /// # Errors
    /// Where the file can't be opened or written.
    pub async fn open(home: &Path) -> anyhow::Result<Self> {
        let (file, warehouse) = (home.join("catalog.db"), home.join("warehouse"));
        std::fs::create_dir_all(&warehouse)
            .with_context(|| format!("{} can't be made; check that you may write there", warehouse.display()))?;
        let options = SqliteConnectOptions::new()
            .filename(&file)
            .create_if_missing(true)
            .busy_timeout(BUSY_TIMEOUT)
            .journal_mode(SqliteJournalMode::Wal);
        let pool = SqlitePoolOptions::new().max_connections(4).connect_lazy_with(options);
        for table in TABLES {
            sqlx::query(table)
                .execute(&pool)
                .await
                .with_context(|| format!("{} is no catalog that can be used", file.display()))?;
        }
        Ok(Self { pool, file, warehouse })
    }

    /// Name of this catalog.
    pub fn name(&self) -> &'static str {
        NAME
    }

    /// Properties as PyIceberg's `SqlCatalog` takes them.
    pub fn properties(&self) -> BTreeMap<String, String> {
        BTreeMap::from([
            ("type".to_owned(), "sql".to_owned()),
            ("uri".to_owned(), format!("sqlite:///{}", self.file.display())),
            ("warehouse".to_owned(), format!("file://{}", self.warehouse.display())),
        ])
    }

    /// Every table, in order of namespace and name.
    pub(crate) async fn list(&self) -> Result<Vec<Listed>, ApiError> {
        let rows: Vec<(String, String, Option<String>)> = sqlx::query_as(
            "SELECT table_namespace, table_name, metadata_location FROM iceberg_tables
             WHERE catalog_name = ? AND (iceberg_type = 'TABLE' OR iceberg_type IS NULL)
             ORDER BY table_namespace, table_name",
        )
        .bind(NAME)
        .fetch_all(&self.pool)
        .await
        .map_err(unreadable)?;
        Ok(rows
            .into_iter()
            .map(|(namespace, name, metadata_location)| Listed {
                namespace: namespace.split('.').map(str::to_owned).collect(),
                name,
                metadata_location,
            })
            .collect())
    }

    /// The metadata location of a table; none where there is no such table.
    pub(crate) async fn locate(&self, namespace: &[String], name: &str) -> Result<Option<String>, ApiError> {
        let row: Option<(Option<String>,)> = sqlx::query_as(
            "SELECT metadata_location FROM iceberg_tables
             WHERE catalog_name = ? AND table_namespace = ? AND table_name = ?
               AND (iceberg_type = 'TABLE' OR iceberg_type IS NULL)",
        )
        .bind(NAME)
        .bind(namespace.join("."))
        .bind(name)
        .fetch_optional(&self.pool)
        .await
        .map_err(unreadable)?;
        Ok(row.and_then(|(location,)| location))
    }

    /// Whether the file can be read now.
    pub(crate) async fn check(&self) -> Result<(), ApiError> {
        sqlx::query("SELECT 1 FROM iceberg_tables LIMIT 1").execute(&self.pool).await.map_err(unreadable)?;
        Ok(())
    }
}

/// A catalog file that is locked passes; anything else is told as the catalog's fault.
fn unreadable(error: sqlx::Error) -> ApiError {
    if super::is_busy(&error) {
        let words = "the catalog file is locked by another process; try again shortly";
        return ApiError::unavailable("catalog-locked", words, Duration::from_secs(2)).because(error);
    }
    ApiError::bad_gateway(
        "catalog-unavailable",
        "the embedded catalog's file can't be read; `drls doctor` says what is wrong with it",
    )
    .because(error)
}
