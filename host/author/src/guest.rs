//! Plugins in Python and JavaScript: found by the name of their main file, built by pinned tools, kept until a source
//! changes, since a build takes the better part of a minute.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use serde::Serialize;

use crate::{files, javascript, python, tools};

/// A language whose plugins carry an engine of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) enum Language {
    Python,
    JavaScript,
}

/// Folders that hold no source: what is built, tests, the environments of other tools.
const NO_SOURCE: [&str; 7] = ["dist", "tests", "selftest", "node_modules", "__pycache__", "target", "venv"];

impl Language {
    /// The language of the plugin in this folder, where it is one of these.
    pub(crate) fn of(dir: &Path) -> Option<Self> {
        [Self::Python, Self::JavaScript].into_iter().find(|language| dir.join(language.main()).is_file())
    }

    /// Name of the main file.
    pub(crate) fn main(self) -> &'static str {
        match self {
            Self::Python => "plugin.py",
            Self::JavaScript => "plugin.js",
        }
    }

    fn extensions(self) -> &'static [&'static str] {
        match self {
            Self::Python => &["py"],
            Self::JavaScript => &["js", "mjs", "json"],
        }
    }

    /// The component of the plugin in `dir`, without a manifest. `http`: its manifest says that it sends requests.
    pub(crate) fn component(self, dir: &Path, http: bool) -> Result<Vec<u8>> {
        let dir = dir.canonicalize().with_context(|| format!("cannot read {}", dir.display()))?;
        let sources = self.sources(&dir)?;
        let mut texts = vec![env!("CARGO_PKG_VERSION").as_bytes().to_vec(), vec![u8::from(http)]];
        for source in &sources {
            texts.push(source.strip_prefix(&dir).unwrap_or(source).as_os_str().as_encoded_bytes().to_vec());
            texts.push(files::read(source)?);
        }
        let pins = match self {
            Self::Python => python::pins(),
            Self::JavaScript => javascript::pins(),
        };
        let key = tools::digest(texts.iter().map(Vec::as_slice).chain(pins.iter().map(|pin| pin.as_bytes())));
        // Beside the plugin, so that it goes with the folder; the key stands in the name.
        let kept = dir.join("dist").join(format!(".{}.component", &key[..16]));
        if let Ok(component) = fs::read(&kept) {
            return Ok(component);
        }
        let work = tempfile::tempdir().context("cannot make a folder to build in")?;
        let component = match self {
            Self::Python => python::component(&dir, &sources, http, work.path())?,
            Self::JavaScript => javascript::component(&dir, &sources, http, work.path())?,
        };
        forget(&dir.join("dist"));
        files::write_atomically(&kept, &component)?;
        Ok(component)
    }

    /// Every source in the folder, by path.
    fn sources(self, dir: &Path) -> Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        let mut folders = vec![dir.to_owned()];
        while let Some(folder) = folders.pop() {
            let entries = folder.read_dir().with_context(|| format!("cannot read {}", folder.display()))?;
            for entry in entries {
                let path = entry?.path();
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let is_source = path.extension().is_some_and(|e| self.extensions().iter().any(|known| e == *known));
                if path.is_dir() && !name.starts_with('.') && !NO_SOURCE.contains(&name.as_str()) {
                    folders.push(path);
                } else if path.is_file() && is_source {
                    found.push(path);
                }
            }
        }
        found.sort();
        Ok(found)
    }
}

/// Removes the components of earlier sources.
fn forget(dist: &Path) {
    for entry in dist.read_dir().into_iter().flatten().flatten() {
        if entry.path().extension().is_some_and(|e| e == "component") {
            // One that stays costs space and nothing else.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Copies the sources of the plugin in `dir` to another folder, each changed: a build leaves nothing in the plugin's own.
pub(crate) fn copy(dir: &Path, sources: &[PathBuf], to: &Path, change: impl Fn(&Path, String) -> String) -> Result<()> {
    for source in sources {
        let place = source.strip_prefix(dir).context("a source outside of the plugin")?;
        let text = change(place, files::read_text(source)?);
        files::write_atomically(&to.join(place), text.as_bytes())?;
    }
    Ok(())
}

/// Lays files out under a folder.
pub(crate) fn lay_out(folder: &Path, files: &[(&str, &str)]) -> Result<()> {
    for (name, text) in files {
        let place = folder.join(name);
        fs::create_dir_all(place.parent().unwrap_or(folder)).with_context(|| format!("cannot write {name}"))?;
        fs::write(&place, text).with_context(|| format!("cannot write {name}"))?;
    }
    Ok(())
}
