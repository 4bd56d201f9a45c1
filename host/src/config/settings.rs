//! The typed settings, their defaults and the rules that no schema can state.

use std::{collections::BTreeMap, net::SocketAddr};

use drls_runtime::{Network, PublicKey};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{error::FieldError, schema::child};

/// Everything that can be set. Each field may be left out; its default then holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Settings {
    /// How the server is reached.
    pub server: Server,
    /// Iceberg catalogs by name; the embedded one, `drls`, is always there.
    pub catalogs: BTreeMap<String, Catalog>,
    /// The catalog of tables named without one.
    pub default_catalog: String,
    /// The engine of rewrites.
    pub spark: Spark,
    /// The embedded Python.
    pub python: Python,
    /// Settings of plugins by id.
    pub plugins: BTreeMap<String, Plugin>,
    /// Which plugins are let in, and where they may reach.
    pub plugin_trust: PluginTrust,
    /// What the server allows itself.
    pub limits: Limits,
}

/// How the server is reached.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Server {
    /// Address and port to listen on. Needs a restart.
    #[schema(value_type = String, format = "socket-address")]
    pub bind: SocketAddr,
    /// Names by which this server is reached beside its own addresses, without scheme and port.
    pub allowed_hosts: Vec<String>,
    /// Origins that may change things beside the server's own, like `http://localhost:5173` of a development server.
    pub allowed_origins: Vec<String>,
    /// The console's files.
    pub frontend_dir: String,
}

/// One Iceberg catalog.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Catalog {
    /// What speaks to it.
    #[serde(rename = "type")]
    pub kind: CatalogKind,
    /// Passed unchanged to PyIceberg and `spark.sql.catalog.*`. Values of keys that name secrets are write-only.
    #[serde(default)]
    pub properties: BTreeMap<String, String>,
}

/// Kinds of catalogs: ours, and those of PyIceberg's `load_catalog`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CatalogKind {
    /// A SQLite file and a warehouse folder in the home; only `drls`.
    Embedded,
    /// Iceberg REST.
    Rest,
    /// Hive metastore.
    Hive,
    /// AWS Glue.
    Glue,
    /// AWS DynamoDB.
    Dynamodb,
    /// A SQL database.
    Sql,
}

/// The engine of rewrites.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Spark {
    /// `sc://host:port/;token=...` of a Spark Connect server; empty for one of our own, started when it is first needed.
    pub remote: Option<String>,
    /// Memory of our own Spark; measured floor 768m (below it, sorting a gigabyte runs out of memory).
    #[schema(pattern = "^[1-9][0-9]*[mg]$")]
    pub driver_memory: String,
    /// Java 17 or newer; empty for the one on the path.
    pub java_home: Option<String>,
    /// Folder with the two jars that pyspark does not carry; empty for the one that `make` fills.
    pub jars: Option<String>,
    /// More `spark.*` properties.
    pub properties: BTreeMap<String, String>,
}

/// The embedded Python. Needs a restart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Python {
    /// The interpreter of the environment that has PyIceberg and PySpark; empty for the one that this binary was built with.
    pub executable: String,
    /// The folder that holds the package `drls`; empty for the one that this binary was built with.
    pub packages: String,
}

/// Settings of one plugin.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Plugin {
    /// Values for what the plugin's schema describes.
    #[schema(value_type = BTreeMap<String, Value>)]
    pub config: BTreeMap<String, Value>,
    /// What a call gets at most, whatever the plugin asks for.
    pub ceiling: Ceiling,
}

/// The most that a call of one plugin gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Ceiling {
    /// MiB of memory; empty for what it asks for.
    #[schema(minimum = 1)]
    pub memory_mib: Option<u64>,
    /// Milliseconds; empty for what it asks for.
    #[schema(minimum = 1)]
    pub time_ms: Option<u64>,
}

/// Which plugins are let in, and where they may reach.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct PluginTrust {
    /// off: signatures are shown; warn: a plugin that no trusted key signed warns; require: it does not serve.
    pub signed: drls_runtime::Signatures,
    /// Public keys that are trusted, as `drls plugin keys` prints them, by a name for people.
    pub signers: BTreeMap<String, String>,
    /// Hosts of your own network, with a port where it is not 443, that plugins may be granted: reached at private addresses
    /// and without TLS. All others must have public addresses.
    pub internal_hosts: Vec<String>,
}

/// What the server allows itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Limits {
    /// How long a request may take before it is answered 504, in milliseconds.
    #[schema(minimum = 1000, maximum = 600_000)]
    pub request_timeout_ms: u64,
}

impl CatalogKind {
    /// As PyIceberg's property `type` has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Embedded | Self::Sql => "sql",
            Self::Rest => "rest",
            Self::Hive => "hive",
            Self::Glue => "glue",
            Self::Dynamodb => "dynamodb",
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        let embedded = Catalog { kind: CatalogKind::Embedded, properties: BTreeMap::new() };
        Self {
            server: Server::default(),
            catalogs: BTreeMap::from([(EMBEDDED.to_owned(), embedded)]),
            default_catalog: EMBEDDED.to_owned(),
            spark: Spark::default(),
            python: Python::default(),
            plugins: BTreeMap::new(),
            plugin_trust: PluginTrust::default(),
            limits: Limits::default(),
        }
    }
}

impl Default for Server {
    fn default() -> Self {
        Self {
            bind: SocketAddr::from(([127, 0, 0, 1], 3000)),
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            frontend_dir: "../frontend/dist".to_owned(),
        }
    }
}

impl Default for Spark {
    fn default() -> Self {
        Self { remote: None, driver_memory: "1g".to_owned(), java_home: None, jars: None, properties: BTreeMap::new() }
    }
}

impl Python {
    /// The interpreter: the one that is set, else the one that this binary was built with.
    pub fn executable(&self) -> &str {
        if self.executable.is_empty() { env!("DRLS_PYTHON_EXECUTABLE") } else { &self.executable }
    }

    /// The folder of the package: the one that is set, else the one that this binary was built with.
    pub fn packages(&self) -> &str {
        if self.packages.is_empty() { env!("DRLS_PYTHON_PACKAGES") } else { &self.packages }
    }
}

impl Default for Limits {
    /// A minute: twice the longest `Prefer: wait`.
    fn default() -> Self {
        Self { request_timeout_ms: 60_000 }
    }
}

/// Name of the embedded catalog: a key column of its tables, so it never changes.
const EMBEDDED: &str = "drls";

impl Settings {
    /// Mistakes between fields.
    pub(super) fn mistakes(&self) -> Vec<FieldError> {
        let mut found = Vec::new();
        if !self.catalogs.contains_key(&self.default_catalog) {
            let known = self.catalogs.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            found.push(FieldError::new("/default_catalog", format!("is no configured catalog; there are: {known}")));
        }
        for (name, catalog) in &self.catalogs {
            let at = child("/catalogs", name);
            if name.is_empty() || !name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_') {
                found
                    .push(FieldError::new(&at, "a catalog's name has letters, digits and _ only: Spark's SQL uses it"));
            }
            if (catalog.kind == CatalogKind::Embedded) != (name == EMBEDDED) {
                found.push(FieldError::new(format!("{at}/type"), "`drls`, and no other, is the embedded catalog"));
            }
        }
        for (index, host) in self.server.allowed_hosts.iter().enumerate() {
            if url::Host::parse(host).is_err() {
                let detail = "must be a name or address without scheme and port, like lake.example.org";
                found.push(FieldError::new(format!("/server/allowed_hosts/{index}"), detail));
            }
        }
        for (index, origin) in self.server.allowed_origins.iter().enumerate() {
            if url::Url::parse(origin).map(|url| url.origin().ascii_serialization()).ok().as_ref() != Some(origin) {
                let detail = "must be scheme://host[:port] and nothing after it, like http://localhost:5173";
                found.push(FieldError::new(format!("/server/allowed_origins/{index}"), detail));
            }
        }
        for (name, key) in &self.plugin_trust.signers {
            if let Err(error) = PublicKey::parse(key) {
                found.push(FieldError::new(child("/plugin_trust/signers", name), error.to_string()));
            }
        }
        for (index, detail) in Network::of(&self.plugin_trust.internal_hosts).err().into_iter().flatten() {
            found.push(FieldError::new(format!("/plugin_trust/internal_hosts/{index}"), detail));
        }
        if self.spark.remote.as_ref().is_some_and(|remote| !remote.starts_with("sc://")) {
            found.push(FieldError::new("/spark/remote", "must begin with sc://, like sc://spark.example.org:15002"));
        }
        found
    }
}
