//! `drls demo`: the sample lakehouse.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow};
use serde::Serialize;

use crate::config::Config;
use crate::lakehouse::embedded::{Embedded, NAME};
use crate::python::{Failure, Python, Settings, Work};

/// Some five hundred commits on a slow disk.
const DEADLINE: Duration = Duration::from_secs(900);

#[derive(Serialize)]
struct Arguments {
    catalog: Catalog,
    reset: bool,
}

#[derive(Serialize)]
struct Catalog {
    name: &'static str,
    properties: std::collections::BTreeMap<String, String>,
}

/// Makes the sample tables in the embedded catalog, or makes them anew; prints what is there.
pub(super) async fn run(config: &Config, reset: bool) -> Result<()> {
    let embedded = Embedded::of(&config.home)?;
    let python = Arc::new(Python::new(Settings {
        executable: config.settings.python.executable().into(),
        packages: config.settings.python.packages().into(),
    }));
    let arguments = Arguments { catalog: Catalog { name: NAME, properties: embedded.properties() }, reset };
    let made: serde_json::Value =
        python.call(Work::Long, "demo.build", arguments, DEADLINE).await.map_err(|failure| match failure {
            Failure::Told { detail, .. } => anyhow!(detail),
            Failure::Crashed { trace } => anyhow!("the sample lakehouse could not be made\n{trace}"),
            other => anyhow!(other),
        })?;
    println!("{}", serde_json::to_string_pretty(&made)?);
    Ok(())
}
