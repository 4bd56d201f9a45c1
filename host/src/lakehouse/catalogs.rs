//! Which catalogs there are and where their tables stand.
//!
//! The embedded catalog is one SQLite file that Spark and PyIceberg share: its names and metadata locations are read by
//! SQL. Any other catalog is asked through PyIceberg.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use drls_runtime::facts::TableId;
use serde::{Deserialize, Serialize};

use crate::db::embedded::Embedded;
use crate::error::ApiError;
use crate::python::{Python, Work};

/// A catalog may be across a network.
const DEADLINE: Duration = Duration::from_secs(30);

/// Properties of a table's file access, as PyIceberg takes them.
pub(crate) type Io = BTreeMap<String, String>;

/// A catalog as the Python side takes it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Catalog {
    /// Its name in the configuration, in PyIceberg and in Spark.
    pub(crate) name: String,
    /// Properties, passed unchanged.
    pub(crate) properties: BTreeMap<String, String>,
}

/// A table and the metadata file that it is at.
#[derive(Debug, Clone)]
pub(crate) struct Located {
    pub(crate) id: TableId,
    pub(crate) metadata_location: String,
    pub(crate) io: Io,
}

/// A name in a catalog; the embedded catalog knows the location at once.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Listed {
    pub(crate) namespace: Vec<String>,
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) metadata_location: Option<String>,
}

/// All catalogs of the configuration.
pub(crate) struct Catalogs {
    default: String,
    embedded: Embedded,
    catalogs: BTreeMap<String, Catalog>,
    python: Arc<Python>,
}

#[derive(Serialize)]
struct CatalogOnly {
    catalog: Catalog,
}

#[derive(Serialize)]
struct OneTable {
    catalog: Catalog,
    namespace: Vec<String>,
    name: String,
}

#[derive(Deserialize)]
struct Location {
    metadata_location: String,
    io: Io,
}

impl Catalogs {
    /// `catalogs` has every catalog but the embedded one, which `embedded` is.
    pub(crate) fn new(
        default: String,
        embedded: Embedded,
        mut catalogs: BTreeMap<String, Catalog>,
        python: Arc<Python>,
    ) -> Self {
        let properties = embedded.properties();
        catalogs.insert(embedded.name().to_owned(), Catalog { name: embedded.name().to_owned(), properties });
        Self { default, embedded, catalogs, python }
    }

    /// The default catalog's name.
    pub(crate) fn default_name(&self) -> &str {
        &self.default
    }

    /// All catalogs, by name.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Catalog> {
        self.catalogs.values()
    }

    /// The embedded catalog's file.
    pub(crate) fn embedded(&self) -> &Embedded {
        &self.embedded
    }

    /// The catalog of this name, or the default.
    pub(crate) fn get(&self, name: Option<&str>) -> Result<&Catalog, ApiError> {
        let name = name.unwrap_or(&self.default);
        self.catalogs.get(name).ok_or_else(|| {
            let known: Vec<&str> = self.catalogs.keys().map(String::as_str).collect();
            ApiError::not_found(
                "catalog-not-found",
                format!("there is no catalog `{name}`; the configuration has: {}", known.join(", ")),
            )
        })
    }

    /// Every table of a catalog, in order of namespace and name.
    pub(crate) async fn list(&self, catalog: &Catalog) -> Result<Vec<Listed>, ApiError> {
        if self.is_embedded(catalog) {
            return self.embedded.list().await;
        }
        let arguments = CatalogOnly { catalog: catalog.clone() };
        let mut tables: Vec<Listed> =
            self.python.call(Work::Short, "catalog.list_tables", arguments, DEADLINE).await?;
        tables.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
        Ok(tables)
    }

    /// Where a table stands now.
    pub(crate) async fn locate(&self, id: &TableId) -> Result<Located, ApiError> {
        let catalog = self.get(Some(&id.catalog))?;
        if self.is_embedded(catalog) {
            let Some(metadata_location) = self.embedded.locate(&id.namespace, &id.name).await? else {
                return Err(table_not_found(id));
            };
            return Ok(Located { id: id.clone(), metadata_location, io: Io::new() });
        }
        let arguments =
            OneTable { catalog: catalog.clone(), namespace: id.namespace.clone(), name: id.name.clone() };
        let Location { metadata_location, io } =
            self.python.call(Work::Short, "catalog.table_location", arguments, DEADLINE).await?;
        Ok(Located { id: id.clone(), metadata_location, io })
    }

    fn is_embedded(&self, catalog: &Catalog) -> bool {
        catalog.name == self.embedded.name()
    }
}

fn table_not_found(id: &TableId) -> ApiError {
    let name = super::full_name(id);
    ApiError::not_found(
        "table-not-found",
        format!("there is no table `{name}` in catalog `{}`; GET /api/tables lists what is there", id.catalog),
    )
}
