//! Asks cargo where the crates are, and compiles them to core modules.

use std::{
    collections::BTreeMap,
    env,
    io::{BufReader, ErrorKind},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, anyhow, bail};
use cargo_metadata::{CrateType, Message, MetadataCommand, PackageId};

use crate::toolchain::Toolchain;

/// Set for the server's own build, or by the cargo that runs us; in a plugin's build they would be surprises.
const FOREIGN: [&str; 5] =
    ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_RUSTFLAGS", "CARGO_BUILD_TARGET", "RUSTC_WORKSPACE_WRAPPER"];

/// The crate of a plugin.
#[derive(Debug, Clone)]
pub(crate) struct Package {
    id: PackageId,
    name: String,
    /// Root of the workspace that it belongs to: its own folder where it stands alone.
    workspace: PathBuf,
}

/// The crate in `dir`. Errors: cargo cannot read it, it has no `cdylib` target.
pub(crate) fn package(dir: &Path) -> Result<Package> {
    let file = dir.join("Cargo.toml");
    let file = file.canonicalize().with_context(|| format!("cannot read {}", file.display()))?;
    let metadata = MetadataCommand::new()
        .cargo_path("cargo")
        .manifest_path(&file)
        .no_deps()
        .exec()
        .map_err(|e| explain(&file, &e))?;
    let package = metadata.packages.iter().find(|p| p.manifest_path.as_std_path() == file).ok_or_else(|| {
        anyhow!("{} is a workspace without a package of its own; name the folder of one plugin", file.display())
    })?;
    if !package.targets.iter().any(|t| t.crate_types.contains(&CrateType::CDyLib)) {
        bail!("{} makes no WebAssembly module\n  fix: add `[lib]` with `crate-type = [\"cdylib\"]`", file.display());
    }
    Ok(Package {
        id: package.id.clone(),
        name: package.name.to_string(),
        workspace: metadata.workspace_root.clone().into(),
    })
}

/// Compiles the packages in release mode, one cargo run for each workspace, and answers the core modules in the order
/// of `packages`. What cargo and the compiler say goes to standard error as they say it.
pub(crate) fn compile(packages: &[Package], toolchain: &Toolchain) -> Result<Vec<PathBuf>> {
    let mut workspaces = BTreeMap::<&Path, Vec<&Package>>::new();
    for package in packages {
        workspaces.entry(&package.workspace).or_default().push(package);
    }
    let mut modules = BTreeMap::new();
    for (workspace, members) in workspaces {
        run_cargo(workspace, &members, toolchain, &mut modules)?;
    }
    packages
        .iter()
        .map(|p| modules.remove(&p.id).ok_or_else(|| anyhow!("cargo reported no module for {}", p.name)))
        .collect()
}

fn run_cargo(
    workspace: &Path,
    packages: &[&Package],
    toolchain: &Toolchain,
    modules: &mut BTreeMap<PackageId, PathBuf>,
) -> Result<()> {
    let mut command = Command::new("cargo");
    command
        .args(["build", "--release", "--lib", "--message-format", "json-render-diagnostics"])
        .args(["--target", &toolchain.target])
        .arg("--manifest-path")
        .arg(workspace.join("Cargo.toml"))
        .args(packages.iter().flat_map(|p| ["--package", p.id.repr.as_str()]))
        .env("RUSTC", &toolchain.rustc)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    for name in FOREIGN {
        command.env_remove(name);
    }
    command.env("CARGO_ENCODED_RUSTFLAGS", remapped(workspace, toolchain)?.join("\u{1f}"));
    let mut cargo = command.spawn().context("cannot run cargo")?;
    let stdout = cargo.stdout.take().context("cargo has no output")?;
    for message in Message::parse_stream(BufReader::new(stdout)) {
        let Message::CompilerArtifact(artifact) = message.context("cannot read what cargo says")? else {
            continue;
        };
        if let Some(module) = artifact.filenames.iter().find(|f| f.extension() == Some("wasm")) {
            modules.insert(artifact.package_id, module.clone().into());
        }
    }
    if !cargo.wait().context("cargo went away")?.success() {
        let names: Vec<_> = packages.iter().map(|p| p.name.as_str()).collect();
        bail!("cargo could not build {} (its errors stand above)", names.join(", "));
    }
    Ok(())
}

/// Flags that name sources without the folders of this machine: what panics, and what is printed of a panic, tells the
/// place in the source, and a file that is handed on tells nothing of whoever built it.
fn remapped(workspace: &Path, toolchain: &Toolchain) -> Result<Vec<String>> {
    let sysroot = Command::new(&toolchain.rustc).args(["--print", "sysroot"]).output().context("cannot run rustc")?;
    let sysroot = PathBuf::from(String::from_utf8_lossy(&sysroot.stdout).trim());
    let cargo_home = env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| Some(env::home_dir()?.join(".cargo")));
    // Of several that fit, the compiler takes the last.
    let mut folders: Vec<_> = cargo_home.iter().map(|home| (home.clone(), "cargo".to_owned())).collect();
    if let Some(home) = cargo_home {
        // The folder of a registry's crate names crate and version.
        let registries = home.join("registry/src").read_dir().into_iter().flatten().flatten();
        folders.extend(registries.map(|registry| (registry.path(), "crates".to_owned())));
    }
    folders.push((sysroot.join("lib/rustlib/src/rust"), "rust".to_owned()));
    folders.push((workspace.to_owned(), ".".to_owned()));
    // Crates by path, as the SDK may be, lie anywhere.
    let file = workspace.join("Cargo.toml");
    let metadata =
        MetadataCommand::new().cargo_path("cargo").manifest_path(&file).exec().map_err(|e| explain(&file, &e))?;
    let by_path = metadata.packages.iter().filter(|p| p.source.is_none() && !p.manifest_path.starts_with(workspace));
    folders.extend(by_path.filter_map(|p| Some((p.manifest_path.parent()?.to_owned().into(), p.name.to_string()))));
    Ok(folders.iter().map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display())).collect())
}

/// In cargo's own words where it said something.
fn explain(file: &Path, error: &cargo_metadata::Error) -> anyhow::Error {
    let text = match error {
        cargo_metadata::Error::Io(e) if e.kind() == ErrorKind::NotFound => {
            return anyhow!(
                "cargo was not found on the PATH, and plugins in Rust are built with it\n  \
                 fix: install Rust, see https://rustup.rs"
            );
        }
        cargo_metadata::Error::CargoMetadata { stderr } => stderr.trim().trim_start_matches("error: ").to_owned(),
        other => other.to_string(),
    };
    anyhow!("cargo cannot read {}: {text}", file.display())
}
