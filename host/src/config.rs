//! The one reader of `<home>/config.json` and of the environment.
//!
//! What is asked for is merged from the defaults, the file and the environment, in this order; each value remembers where it came from.
//! Keys that this version does not know are kept in the file and reported.

mod merge;
mod secrets;
mod settings;
mod store;

use std::{
    collections::BTreeMap,
    env,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

pub use secrets::MASK;
pub(crate) use secrets::{names_a_secret, veil};
pub use settings::{Catalog, CatalogKind, Limits, Plugin, Python, Server, Settings, Spark};
pub use store::{Change, ConfigStore};

/// Where a value came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// Built in.
    Default,
    /// `config.json`.
    File,
    /// The environment or the command line.
    Environment,
}

/// Settings as they are in force.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The folder with everything that this server keeps.
    pub home: PathBuf,
    /// The values.
    pub settings: Settings,
    /// Where each value came from, by JSON Pointer.
    pub origins: BTreeMap<String, Origin>,
    /// JSON Pointers of keys in the file that this version does not know.
    pub unknown: Vec<String>,
    /// Entity tag of the file.
    pub etag: String,
}

impl Config {
    /// The configured catalog called `name`, or the default one.
    pub fn catalog(&self, name: Option<&str>) -> Option<(&str, &Catalog)> {
        let name = name.unwrap_or(&self.settings.default_catalog);
        self.settings.catalogs.get_key_value(name).map(|(name, catalog)| (name.as_str(), catalog))
    }
}

/// Variables of the environment that set a value, and the value that they set.
const VARIABLES: [(&str, &str); 7] = [
    ("DRLS_BIND", "/server/bind"),
    ("FRONTEND_DIR", "/server/frontend_dir"),
    ("DRLS_DEFAULT_CATALOG", "/default_catalog"),
    ("DRLS_SPARK_REMOTE", "/spark/remote"),
    ("DRLS_SPARK_DRIVER_MEMORY", "/spark/driver_memory"),
    ("JAVA_HOME", "/spark/java_home"),
    ("DRLS_PYTHON", "/python/executable"),
];

/// What the environment and the command line ask for, read once.
#[derive(Clone, Debug)]
pub struct Environment {
    home: PathBuf,
    values: Vec<(&'static str, Value)>,
}

impl Environment {
    /// Reads the process's environment; `home` and `bind` are the command line's and win.
    ///
    /// # Errors
    /// Where no home can be told.
    pub fn of_process(home: Option<PathBuf>, bind: Option<SocketAddr>) -> Result<Self> {
        let named = env::var_os("DRLS_HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
        let home = match home.or(named) {
            Some(home) => home,
            None => env::home_dir().context("no home folder: name one with --home or DRLS_HOME")?.join(".drls"),
        };
        let mut values: Vec<_> = VARIABLES
            .iter()
            .filter_map(|(variable, pointer)| Some((*pointer, Value::from(env::var(variable).ok()?))))
            .filter(|(_, value)| value.as_str() != Some(""))
            .collect();
        values.extend(bind.map(|bind| ("/server/bind", Value::from(bind.to_string()))));
        Ok(Self { home: std::path::absolute(home)?, values })
    }

    /// A home and nothing from the environment.
    pub fn of_home(home: &Path) -> Self {
        Self { home: home.to_owned(), values: Vec::new() }
    }

    /// The folder with everything that this server keeps.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Makes the home, readable by its owner only.
    ///
    /// # Errors
    /// Where it can't be made, with what to do.
    pub fn make_home(&self) -> Result<()> {
        use std::os::unix::fs::DirBuilderExt as _;
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.home).with_context(|| {
            format!("{} can't be made; name another folder with --home or DRLS_HOME", self.home.display())
        })
    }
}

/// The level of the log, as `RUST_LOG` asks for it.
pub fn log_filter() -> String {
    env::var("RUST_LOG").unwrap_or_else(|_| "info,sqlx=warn,wasmtime=warn,cranelift=warn".to_owned())
}

/// Where the console's files are: `frontend_dir` as seen from the working folder, else in the working folder itself or in one above
/// the binary, which may lie elsewhere: `target` can be a link. `None` while there is no console.
pub fn find_frontend(frontend_dir: &str) -> Option<PathBuf> {
    let wanted = Path::new(frontend_dir);
    let has_console = |folder: &PathBuf| folder.join("index.html").is_file();
    if wanted.is_absolute() {
        return Some(wanted.to_owned()).filter(has_console);
    }
    let inner = wanted.strip_prefix("..").unwrap_or(wanted);
    let here = env::current_dir().ok();
    let here = here.iter().flat_map(|folder| [folder.join(wanted), folder.join(inner)]);
    let binary = env::current_exe().ok();
    let above = binary.iter().flat_map(|binary| binary.ancestors().skip(1)).map(|folder| folder.join(inner));
    here.chain(above).find(has_console)
}
