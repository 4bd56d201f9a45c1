//! What `drls doctor` asks of the lakehouse: the catalog, Spark's jars, the plugins. Changes nothing, starts no Spark.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use drls_runtime::{Host, Limits};
use serde::Serialize;

use super::doctor::Finding;
use crate::config::Config;
use crate::lakehouse::embedded::{Embedded, NAME};
use crate::python::{Failure, Python, Settings, Work};

/// Each question is answered from this machine.
const DEADLINE: Duration = Duration::from_secs(60);

#[derive(Serialize)]
struct Catalog {
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
        python.call(Work::Short, "catalog.list_tables", Catalog { catalog }, DEADLINE).await;
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
    let mut findings = Vec::new();
    for file in &files {
        let id = file.file_stem().unwrap_or_default().to_string_lossy();
        let values = config.settings.plugins.get(id.as_ref()).map(|p| p.config.clone().into_iter().collect());
        let loaded = std::fs::read(file).map_err(|e| e.to_string()).and_then(|bytes| {
            host.load(&bytes, &values.unwrap_or_default()).map(drop).map_err(|refusal| refusal.to_string())
        });
        if let Err(reason) = loaded {
            let fix = format!("mend it, or remove {}", file.display());
            findings.push(Finding::broken("plugins", format!("{id}.wasm is refused: {reason}"), fix));
        }
    }
    if findings.is_empty() {
        findings.push(Finding::ok("plugins", format!("{} files, each would be loaded", files.len())));
    }
    findings
}

fn is_plugin(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "wasm")
}
