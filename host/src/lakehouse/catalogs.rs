//! Which catalogs there are and where their tables stand.
//!
//! All of them are asked through PyIceberg, which reads the embedded one's names and metadata locations by plain SQL.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use drls_runtime::facts::TableId;
use serde::{Deserialize, Serialize};

use super::embedded::{self, Embedded};
use crate::config;
use crate::error::ApiError;
use crate::python::{Failure, Python, Work};

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

impl Catalog {
    /// A catalog of the configuration that is not the embedded one.
    pub(crate) fn configured(name: &str, catalog: &config::Catalog) -> Self {
        let mut properties = catalog.properties.clone();
        properties.insert("type".to_owned(), catalog.kind.as_str().to_owned());
        Self { name: name.to_owned(), properties }
    }
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
    catalogs: BTreeMap<String, Catalog>,
    python: Arc<Python>,
    /// What opens the files of the catalogs that tell in a list where their tables stand: the same for all of a catalog.
    io: Mutex<HashMap<String, Io>>,
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
        embedded: &Embedded,
        mut catalogs: BTreeMap<String, Catalog>,
        python: Arc<Python>,
    ) -> Self {
        let name = embedded::NAME.to_owned();
        catalogs.insert(name.clone(), Catalog { name, properties: embedded.properties() });
        Self { default, catalogs, python, io: Mutex::default() }
    }

    /// All catalogs, by name.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Catalog> {
        self.catalogs.values()
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
        let arguments = CatalogOnly { catalog: catalog.clone() };
        self.python
            .call(Work::Short, "catalog.list_tables", arguments, DEADLINE)
            .await
            .map_err(|f| of(&catalog.name, f))
    }

    /// A number that is another one after each commit to a catalog; none for catalogs without such a number.
    pub(crate) async fn version(&self, catalog: &Catalog) -> Result<Option<i64>, ApiError> {
        let arguments = CatalogOnly { catalog: catalog.clone() };
        self.python.call(Work::Short, "catalog.version", arguments, DEADLINE).await.map_err(|f| of(&catalog.name, f))
    }

    /// Where a table stands now.
    pub(crate) async fn locate(&self, id: &TableId) -> Result<Located, ApiError> {
        let arguments = OneTable {
            catalog: self.get(Some(&id.catalog))?.clone(),
            namespace: id.namespace.clone(),
            name: id.name.clone(),
        };
        let found: Result<Location, Failure> =
            self.python.call(Work::Short, "catalog.table_location", arguments, DEADLINE).await;
        match found {
            Ok(Location { metadata_location, io }) => Ok(Located { id: id.clone(), metadata_location, io }),
            Err(Failure::Told { code, .. }) if code == "table-not-found" || code == "namespace-not-found" => {
                Err(table_not_found(id))
            }
            Err(failure) => Err(of(&id.catalog, failure)),
        }
    }

    /// A table at a place that a list of its catalog told.
    pub(crate) async fn at(&self, id: &TableId, location: &str) -> Result<Located, ApiError> {
        let known = self.io.lock().unwrap_or_else(PoisonError::into_inner).get(&id.catalog).cloned();
        if let Some(io) = known {
            return Ok(Located { id: id.clone(), metadata_location: location.to_owned(), io });
        }
        let located = self.locate(id).await?;
        let mut known = self.io.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(id.catalog.clone(), located.io.clone());
        Ok(located)
    }

    /// Whether the embedded catalog answers now.
    pub(crate) async fn check(&self) -> Result<(), ApiError> {
        self.version(self.get(Some(embedded::NAME))?).await.map(drop)
    }
}

/// A failure of a catalog, by its name.
fn of(catalog: &str, failure: Failure) -> ApiError {
    match failure {
        Failure::Told { code, detail, errors, trace } if code == "catalog-unavailable" => {
            Failure::Told { code, detail: format!("catalog `{catalog}`: {detail}"), errors, trace }.into()
        }
        other => other.into(),
    }
}

fn table_not_found(id: &TableId) -> ApiError {
    let name = super::full_name(id);
    ApiError::not_found(
        "table-not-found",
        format!("there is no table `{name}` in catalog `{}`; GET /api/tables lists what is there", id.catalog),
    )
}
