//! The embedded catalog: one SQLite file that PyIceberg's `SqlCatalog` and Spark's `JdbcCatalog` share, and a folder.
//!
//! Never opened by this side: SQLite's locks belong to the process, and Python carries a copy of the library of its own,
//! which would neither see ours nor survive that we close the file. Another process, as Spark is, may.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Name of the embedded catalog: a key column of its tables, so it never changes.
pub(crate) const NAME: &str = "drls";

/// Where the embedded catalog is.
#[derive(Debug, Clone)]
pub(crate) struct Embedded {
    database: PathBuf,
    warehouse: PathBuf,
}

impl Embedded {
    /// The catalog of a home; PyIceberg makes its tables when it is first asked.
    ///
    /// # Errors
    /// Where the warehouse folder can't be made.
    pub(crate) fn of(home: &Path) -> anyhow::Result<Self> {
        // Both engines write the path into metadata: it must mean the same from every working directory.
        let home = std::path::absolute(home)?;
        let catalog = Self { database: home.join("catalog.db"), warehouse: home.join("warehouse") };
        std::fs::create_dir_all(&catalog.warehouse).map_err(|error| {
            let warehouse = catalog.warehouse.display();
            anyhow::anyhow!(error).context(format!("{warehouse} can't be made; check that you may write there"))
        })?;
        Ok(catalog)
    }

    /// Properties as PyIceberg's `SqlCatalog` takes them.
    pub(crate) fn properties(&self) -> BTreeMap<String, String> {
        BTreeMap::from([
            ("type".to_owned(), "sql".to_owned()),
            ("uri".to_owned(), format!("sqlite:///{}", self.database.display())),
            ("warehouse".to_owned(), format!("file://{}", self.warehouse.display())),
            ("schema_version".to_owned(), "v1".to_owned()),
        ])
    }
}
