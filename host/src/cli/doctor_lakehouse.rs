//! What `drls doctor` asks of the lakehouse: the catalog, Spark's jars, the plugins. Changes nothing, starts no Spark.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use drls_runtime::{Host, Ledger, Limits};
use serde::Serialize;

use super::doctor::Finding;
use crate::config::{CatalogKind, Config};
use crate::lakehouse::catalogs::Catalog;
use crate::lakehouse::embedded::{Embedded, NAME};
use crate::plugins;
use crate::python::{Failure, Python, Settings, Work};

/// Each question is answered from this machine.
const DEADLINE: Duration = Duration::from_secs(60);

#[derive(Serialize)]
struct OneCatalog {
    catalog: serde_json::Value,
}

#[derive(Serialize)]
struct Folder {
    folder: String,
}

/// The embedded catalog opens, and Spark's jars are there and whole.
pub(super) async fn lakehouse(config: &Config) -> Vec<Finding> {
    let python = Python::new(Settings {
        executable: config.settings.python.executable().into(),
        packages: config.settings.python.packages().into(),
    });
    let mut findings = Vec::new();
    if config.home.join("catalog.db").is_file() {
        findings.push(catalog(config, &python).await);
    } else {
        findings.push(Finding::warning(
            "catalog",
            "catalog.db is not there yet",
            "the first read of `drls serve` makes it; `drls demo` fills it with a sample",
        ));
    }
    for (name, other) in config.settings.catalogs.iter().filter(|(_, c)| c.kind != CatalogKind::Embedded) {
        findings.push(reached(&Catalog::configured(name, other), &python).await);
    }
    if config.settings.spark.remote.is_none() {
        findings.push(jars(config, &python).await);
    }
    findings
}

async fn catalog(config: &Config, python: &Python) -> Finding {
    let properties = match Embedded::of(&config.home) {
        Ok(embedded) => embedded.properties(),
        Err(error) => return Finding::broken("catalog", format!("{error:#}"), "mend that and run `drls doctor` again"),
    };
    let catalog = serde_json::json!({ "name": NAME, "properties": properties });
    let tables: Result<Vec<serde_json::Value>, Failure> =
        python.call(Work::Short, "catalog.list_tables", OneCatalog { catalog }, DEADLINE).await;
    match tables {
        Ok(tables) => Finding::ok("catalog", format!("the embedded catalog answers and has {} tables", tables.len())),
        Err(Failure::Unusable(detail)) => {
            Finding::broken("catalog", detail, "make the Python environment (`make build` does)")
        }
        Err(failure) => Finding::broken(
            "catalog",
            format!("catalog.db can't be read: {failure}"),
            "stop what holds it, or restore it from a backup: the tables' files are all still in warehouse/",
        ),
    }
}

/// A catalog of the configuration answers.
async fn reached(catalog: &Catalog, python: &Python) -> Finding {
    let arguments = OneCatalog { catalog: serde_json::json!(catalog) };
    let answered: Result<u64, Failure> = python.call(Work::Short, "catalog.namespaces", arguments, DEADLINE).await;
    let name = &catalog.name;
    match answered {
        Ok(count) => Finding::ok("catalog", format!("{name} answers and has {count} namespaces at its root")),
        Err(failure) => Finding::broken(
            "catalog",
            format!("{name} does not answer: {failure}"),
            format!("check catalogs.{name} in config.json, and that the catalog runs and may be reached from here"),
        ),
    }
}

async fn jars(config: &Config, python: &Python) -> Finding {
    let folder = config.settings.spark.jars.clone().unwrap_or_default();
    let lacking: Result<Vec<String>, Failure> =
        python.call(Work::Short, "jars.lacking", Folder { folder }, DEADLINE).await;
    let fix = "`make build` brings them once by checksum; until then everything but rewrites works";
    match lacking {
        Ok(lacking) if lacking.is_empty() => Finding::ok("spark", "its two jars are there and whole"),
        Ok(lacking) => Finding::warning(
            "spark",
            format!("jars are missing or not what they should be: {}", lacking.join(", ")),
            fix,
        ),
        Err(failure) => Finding::warning("spark", format!("its jars can't be looked at: {failure}"), fix),
    }
}

/// Every file in `<home>/plugins` would be loaded.
pub(super) async fn plugins(config: Arc<Config>) -> Vec<Finding> {
    let checked = tokio::task::spawn_blocking(move || check_plugins(&config));
    checked.await.unwrap_or_else(|error| {
        vec![Finding::broken(
            "plugins",
            format!("they can't be checked: {error}"),
            "run `drls plugin check FILE` on each",
        )]
    })
}

fn check_plugins(config: &Config) -> Vec<Finding> {
    let folder = config.home.join("plugins");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        let fix = "`make run` installs the first-party ones; `drls plugin install FILE` any other";
        return vec![Finding::warning("plugins", "there is no plugins folder yet", fix)];
    };
    let host = match Host::new(Limits::default()) {
        Ok(host) => host,
        Err(error) => {
            let fix = "this machine can't run WebAssembly; its memory may be limited (ulimit -v)";
            return vec![Finding::broken("plugins", error.to_string(), fix)];
        }
    };
    let mut files: Vec<_> = entries.filter_map(|e| Some(e.ok()?.path())).filter(|p| is_plugin(p)).collect();
    files.sort();
    let ledger = plugins::ledger(&config.home);
    let mut findings = Vec::new();
    for file in &files {
        let id = file.file_stem().unwrap_or_default().to_string_lossy();
        let values = config.settings.plugins.get(id.as_ref()).map(|p| p.config.clone().into_iter().collect());
        let values: serde_json::Map<_, _> = values.unwrap_or_default();
        let bytes = match std::fs::read(file) {
            Ok(bytes) => bytes,
            Err(error) => {
                let fix = format!("make {} readable, or remove it", file.display());
                findings.push(Finding::broken("plugins", format!("{id}.wasm can't be read: {error}"), fix));
                continue;
            }
        };
        if let Err(refusal) = host.load(&bytes, &values) {
            let (what, fix) = if refusal.code() == "config" && !values.is_empty() {
                let fix = format!("mend plugins.{id}.config in config.json; until then its own values hold");
                (format!("the values of {id} in config.json are not taken: {refusal}"), fix)
            } else {
                (format!("{id}.wasm is refused: {refusal}"), format!("mend it, or remove {}", file.display()))
            };
            findings.push(Finding::broken("plugins", what, fix));
        }
        findings.extend(barred(&ledger, &id));
    }
    if findings.is_empty() {
        findings.push(Finding::ok("plugins", format!("{} files, each would be loaded", files.len())));
    }
    findings
}

/// A file that would not be let in, however good it is.
fn barred(ledger: &Ledger, id: &str) -> Option<Finding> {
    match ledger.standing(id) {
        Ok(None) => None,
        Ok(Some(why)) => {
            let fix = format!("`drls plugin enable {id}` lets it serve again");
            Some(Finding::warning("plugins", format!("{id}.wasm is {why}"), fix))
        }
        Err(error) => {
            let fix = "mend that file, or remove it to forget what was decided about the plugin";
            Some(Finding::broken("plugins", format!("what was decided about {id} can't be read: {error}"), fix))
        }
    }
}

fn is_plugin(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "wasm")
}
