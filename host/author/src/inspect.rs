//! `drls plugin inspect`: what a file holds, for people and for scripts.

use std::{collections::BTreeMap, path::PathBuf};

use anyhow::{Result, anyhow, bail};
use clap::Args;
use drls_runtime::{Descriptor, Host, Inspection, Kind, Limits, Tier, inspect};
use serde::Serialize;
use serde_json::Map;

use crate::{artifact::Artifact, files, summary};

/// What `drls plugin inspect` is told.
#[derive(Debug, Args)]
pub struct InspectArgs {
    /// The file of a plugin
    file: PathBuf,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// The JSON document.
#[derive(Serialize)]
struct Document<'a> {
    file: &'a std::path::Path,
    /// SHA-256, hexadecimal.
    digest: String,
    #[serde(flatten)]
    inspection: &'a Inspection,
    /// By kind; empty where the runtime refuses the plugin.
    descriptors: BTreeMap<Kind, &'a Descriptor>,
    refusal: Option<RefusalText>,
}

#[derive(Serialize)]
struct RefusalText {
    code: &'static str,
    detail: String,
}

/// Runs the command.
pub(crate) fn run(args: &InspectArgs) -> Result<()> {
    if args.file.is_dir() {
        let folder = args.file.display();
        bail!("{folder} is a folder\n  fix: `drls plugin build {folder}` makes the file to inspect");
    }
    let artifact = Artifact { bytes: files::read(&args.file)?, file: args.file.clone() };
    let inspection = inspect(&artifact.bytes).map_err(|refusal| anyhow!("{}: {refusal}", args.file.display()))?;
    let limits = Limits::default();
    let loaded = Host::new(limits.clone())?.load_in(Tier::Quick, &artifact.bytes, &Map::new());
    if args.json {
        let of = |kind: &Kind| Some((*kind, loaded.as_ref().ok()?.descriptor(*kind)?));
        let document = Document {
            file: &artifact.file,
            digest: artifact.digest(),
            inspection: &inspection,
            descriptors: inspection.kinds.iter().filter_map(of).collect(),
            refusal: loaded.as_ref().err().map(|r| RefusalText { code: r.code(), detail: r.to_string() }),
        };
        println!("{}", serde_json::to_string_pretty(&document)?);
        return Ok(());
    }
    println!("{}", summary::text(&artifact, &inspection, loaded.as_ref().ok(), &limits));
    if let Some(manifest) = &inspection.manifest {
        let entries = [
            ("about", (!manifest.description.is_empty()).then_some(&manifest.description)),
            ("license", manifest.license.as_ref()),
            ("homepage", manifest.homepage.as_ref()),
        ];
        for (label, value) in entries.into_iter().filter_map(|(label, value)| Some((label, value?))) {
            println!("  {label:<8} {value}");
        }
        for test in &manifest.selftests {
            println!("  selftest {}", test.name);
        }
    }
    if let Err(refusal) = &loaded {
        println!("  refused  {refusal}");
    }
    Ok(())
}
