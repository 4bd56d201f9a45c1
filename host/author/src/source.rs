//! The folder of a plugin: `plugin.toml`, its code, fixtures for its self-tests, test cases.

use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow, bail};
use drls_runtime::manifest::Manifest;

use crate::{
    cargo::{self, Package},
    files,
    guest::Language,
};

/// Name of the manifest in the source folder.
pub(crate) const MANIFEST: &str = "plugin.toml";

/// A folder that can be built.
#[derive(Debug)]
pub(crate) struct Source {
    /// The folder as the user named it.
    pub(crate) dir: PathBuf,
    /// Its manifest, self-test fixtures included.
    pub(crate) manifest: Manifest,
    /// What it is written in.
    pub(crate) code: Code,
}

/// The code of a plugin.
#[derive(Debug, Clone)]
pub(crate) enum Code {
    /// A crate.
    Rust(Package),
    /// A main file in a language that brings its own engine.
    Guest(Language),
}

impl Source {
    /// Reads the folder. Errors name the file and the fix: no manifest, a manifest with mistakes, no code.
    pub(crate) fn open(dir: &Path) -> Result<Self> {
        if !dir.is_dir() {
            bail!("{} is no folder\n  fix: name the folder that holds {MANIFEST}", dir.display());
        }
        let file = dir.join(MANIFEST);
        if !file.is_file() {
            bail!(
                "{} has no {MANIFEST}\n  fix: name the folder of a plugin, or start one with `drls plugin new`",
                dir.display()
            );
        }
        let text = files::read_text(&file)?;
        let manifest = Manifest::from_toml(&text, dir).map_err(|mistakes| {
            let lines: String = mistakes.iter().map(|m| format!("\n  {m}")).collect();
            anyhow!("{} has mistakes:{lines}", file.display())
        })?;
        let code = match Language::of(dir) {
            Some(language) => Code::Guest(language),
            None if !dir.join("Cargo.toml").is_file() => bail!(
                "{} has no Cargo.toml, no {} and no {}\n  fix: start from `drls plugin new`, or name the folder that \
                 holds the plugin's code",
                dir.display(),
                Language::Python.main(),
                Language::JavaScript.main(),
            ),
            None => Code::Rust(cargo::package(dir)?),
        };
        Ok(Self { dir: dir.to_owned(), manifest, code })
    }

    /// Every plugin folder directly in `parent`, by name. Folders without a manifest, such as an SDK's, are passed over.
    ///
    /// Errors: none found, two with one id, and every folder that [`Source::open`] refuses, all at once.
    pub(crate) fn open_all(parent: &Path) -> Result<Vec<Self>> {
        let mut dirs = Vec::new();
        let entries = parent.read_dir().map_err(|e| anyhow!("cannot read the folder {}: {e}", parent.display()))?;
        for entry in entries {
            let dir = entry?.path();
            if dir.join(MANIFEST).is_file() {
                dirs.push(dir);
            }
        }
        if dirs.is_empty() {
            bail!(
                "no folder in {} has a {MANIFEST}\n  fix: name the folder that holds the plugin folders",
                parent.display()
            );
        }
        dirs.sort();
        let (sources, refused): (Vec<_>, Vec<_>) = dirs.iter().map(|dir| Self::open(dir)).partition(Result::is_ok);
        if !refused.is_empty() {
            let texts: Vec<_> = refused.into_iter().filter_map(Result::err).map(|e| format!("{e:#}")).collect();
            bail!("{}", texts.join("\n"));
        }
        let sources: Vec<_> = sources.into_iter().flatten().collect();
        for (i, source) in sources.iter().enumerate() {
            if let Some(other) = sources[..i].iter().find(|o| o.id() == source.id()) {
                bail!(
                    "{} and {} have the same id '{}'\n  fix: give one of them another id",
                    other.dir.display(),
                    source.dir.display(),
                    source.id()
                );
            }
        }
        Ok(sources)
    }

    /// Id of the plugin, also the stem of its file.
    pub(crate) fn id(&self) -> &str {
        &self.manifest.id
    }

    /// Where a build puts the plugin unless told otherwise.
    pub(crate) fn default_output(&self) -> PathBuf {
        self.dir.join("dist").join(format!("{}.wasm", self.id()))
    }
}
