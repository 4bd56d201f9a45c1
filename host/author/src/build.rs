//! `drls plugin build`: source folder in, one file out.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow};
use clap::Args;
use drls_runtime::Refusal;

use crate::{
    cargo, component, files,
    source::{Code, Source},
    toolchain::{self, ToolchainArgs},
};

/// What `drls plugin build` is told.
#[derive(Debug, Args)]
pub struct BuildArgs {
    /// Folder of the plugin: plugin.toml, and a crate, plugin.py or plugin.js
    #[arg(default_value = ".", conflicts_with = "all")]
    dir: PathBuf,
    /// File to write [default: `<DIR>/dist/<id>.wasm`]
    #[arg(long, value_name = "FILE", conflicts_with = "all")]
    out: Option<PathBuf>,
    /// Build every plugin folder directly in DIR, one cargo run for each workspace
    #[arg(long, value_name = "DIR", requires = "out_dir")]
    all: Option<PathBuf>,
    /// Folder for the files of --all, each named `<id>.wasm`
    #[arg(long, value_name = "DIR", requires = "all")]
    out_dir: Option<PathBuf>,
    #[command(flatten)]
    toolchain: ToolchainArgs,
}

/// A plugin as it was built.
pub(crate) struct Built {
    /// Id of the plugin.
    pub(crate) id: String,
    /// Version of the plugin.
    pub(crate) version: String,
    /// The file.
    pub(crate) file: PathBuf,
    /// Its size in bytes.
    pub(crate) bytes: usize,
    /// False where the file already was what the build made.
    pub(crate) written: bool,
}

/// Runs the command: prints a line for each file.
pub(crate) fn run(args: &BuildArgs) -> Result<()> {
    let built = match (&args.all, &args.out_dir) {
        (Some(all), Some(out_dir)) => {
            let sources = Source::open_all(all)?;
            let outputs = sources.iter().map(|s| out_dir.join(format!("{}.wasm", s.id()))).collect();
            build(&sources, outputs, &args.toolchain)?
        }
        _ => vec![one(&args.dir, args.out.as_deref(), &args.toolchain)?],
    };
    for plugin in &built {
        let Built { id, version, bytes, file, .. } = plugin;
        let state = if plugin.written { "built" } else { "up to date" };
        println!("{state}: {id} {version}, {bytes} bytes, {}", file.display());
    }
    Ok(())
}

/// Builds the plugin in `dir` into `out`, or to its place in `dist`.
pub(crate) fn one(dir: &Path, out: Option<&Path>, toolchain: &ToolchainArgs) -> Result<Built> {
    let source = Source::open(dir)?;
    let output = out.map_or_else(|| source.default_output(), Path::to_owned);
    let mut built = build(&[source], vec![output], toolchain)?;
    built.pop().context("the build made nothing")
}

fn build(sources: &[Source], outputs: Vec<PathBuf>, toolchain: &ToolchainArgs) -> Result<Vec<Built>> {
    let crates =
        sources.iter().filter_map(|s| if let Code::Rust(package) = &s.code { Some(package.clone()) } else { None });
    let crates: Vec<_> = crates.collect();
    let modules = if crates.is_empty() { Vec::new() } else { cargo::compile(&crates, &toolchain::find(toolchain)?)? };
    let mut modules = modules.into_iter();
    sources
        .iter()
        .zip(outputs)
        .map(|(source, file)| {
            let component = match &source.code {
                Code::Rust(_) => modules.next().context("cargo made too little").and_then(|module| read(&module)),
                Code::Guest(language) => language.component(&source.dir, !source.manifest.needs.http.is_empty()),
            };
            let bytes = component.and_then(|component| pack(source, &component));
            let bytes = bytes.with_context(|| format!("cannot build {}", source.id()))?;
            Ok(Built {
                id: source.id().to_owned(),
                version: source.manifest.version.to_string(),
                written: files::write_if_changed(&file, &bytes)?,
                bytes: bytes.len(),
                file,
            })
        })
        .collect()
}

/// The compiled module as a component.
fn read(module: &Path) -> Result<Vec<u8>> {
    component::from_module(&files::read(module)?)
}

/// The plugin file: a component that fits the contract, with the manifest inside.
fn pack(source: &Source, component: &[u8]) -> Result<Vec<u8>> {
    let inspection = drls_runtime::inspect(component).map_err(|refusal| {
        anyhow!("{refusal}\n  fix: export the plugin once with the SDK's macro, export_rule! or export_operation!")
    })?;
    if inspection.http && source.manifest.needs.http.is_empty() {
        return Err(anyhow!("{}", Refusal::Needs));
    }
    Ok(drls_runtime::embed(component, &source.manifest)?)
}
