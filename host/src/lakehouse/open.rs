//! Puts the lakehouse together from the configuration. Starts neither Python nor Spark nor a plugin.

use std::collections::BTreeMap;
use std::sync::Arc;

use drls_runtime::Runtime;
use tokio_util::sync::CancellationToken;

use super::Lakehouse;
use super::catalogs::{Catalog, Catalogs};
use super::embedded::Embedded;
use super::operations::{Operations, Spark, SparkSettings};
use crate::config::{CatalogKind, Config};
use crate::db::Db;
use crate::events::Events;
use crate::python::{Python, Settings};

/// Puts together what reads and changes tables.
///
/// # Errors
/// Where the warehouse folder can't be made.
pub(crate) fn open(
    config: &Config,
    db: Db,
    events: Events,
    runtime: Arc<Runtime>,
    stopping: CancellationToken,
) -> anyhow::Result<(Lakehouse, Operations)> {
    let settings = &config.settings;
    let python = Arc::new(Python::new(Settings {
        executable: settings.python.executable().into(),
        packages: settings.python.packages().into(),
    }));
    let embedded = Embedded::of(&config.home)?;
    let others = settings.catalogs.iter().filter(|(_, c)| c.kind != CatalogKind::Embedded);
    let others: BTreeMap<String, Catalog> =
        others.map(|(name, catalog)| (name.clone(), Catalog::configured(name, catalog))).collect();
    let catalogs = Catalogs::new(settings.default_catalog.clone(), &embedded, others, python.clone());
    let spark = Spark::new(
        python.clone(),
        SparkSettings {
            home: config.home.display().to_string(),
            jars: settings.spark.jars.clone().unwrap_or_default(),
            remote: settings.spark.remote.clone().unwrap_or_default(),
            memory: settings.spark.driver_memory.clone(),
            master: "local[*]".to_owned(),
            java_home: settings.spark.java_home.clone().unwrap_or_default(),
            catalogs: catalogs.all().cloned().collect(),
            properties: settings.spark.properties.clone(),
        },
    );
    let lakehouse = Lakehouse::new(db, python, runtime, catalogs, events, stopping);
    let operations = Operations::new(lakehouse.clone(), Arc::new(spark));
    Ok((lakehouse, operations))
}
