//! A plugin's manifest: `plugin.toml` in its source folder, a custom section in its component.
//!
//! Reads every mistake of a `plugin.toml` at once. Never reads a fixture from outside the folder.

mod toml_reader;
mod units;

use std::{collections::BTreeMap, path::Path, time::Duration};

use semver::Version;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    error::FieldError,
    facts::TableFacts,
    refusal::Refusal,
    rights::Rights,
    section::{Binary, Broken, MANIFEST_SECTION},
};

/// Layout of the section; another number is another layout.
const FORMAT: u32 = 1;
/// The longest id, since it is a file name and a database key.
const LONGEST_ID: usize = 64;

/// What a plugin says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Unique id, kebab-case, equal to the file name without `.wasm`.
    pub id: String,
    /// Semantic version.
    pub version: Version,
    /// Name for people.
    pub title: String,
    /// One or two sentences.
    #[serde(default)]
    pub description: String,
    /// SPDX expression.
    #[serde(default)]
    pub license: Option<String>,
    /// Address of the project.
    #[serde(default)]
    pub homepage: Option<String>,
    /// What it wants to do beyond reading facts.
    #[serde(default, skip_serializing_if = "Rights::is_empty")]
    pub needs: Rights,
    /// Memory that a call asks for, bytes.
    #[serde(default)]
    pub memory: Option<u64>,
    /// Time that a call asks for, milliseconds.
    #[serde(default)]
    pub time: Option<u64>,
    /// Default values of the configuration that an operator may change.
    #[serde(default)]
    pub config: Map<String, Value>,
    /// Tests that a host runs before the plugin may serve.
    #[serde(default)]
    pub selftests: Vec<SelfTest>,
}

/// One test of a plugin with the facts that it runs on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SelfTest {
    /// Name for people: the fixture's path in the source folder.
    pub name: String,
    /// Which export is called.
    pub export: Export,
    /// The table.
    pub facts: TableFacts,
    /// Values over the default configuration.
    #[serde(default)]
    pub config: Map<String, Value>,
    /// Arguments of `plan`.
    #[serde(default)]
    pub arguments: Map<String, Value>,
    /// Throughput given to `plan`, bytes per second; 0 where none was measured.
    #[serde(default)]
    pub throughput: u64,
    /// What must come out.
    pub expect: Expect,
}

/// Functions that a self-test may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Export {
    /// `evaluate` of a health rule.
    Evaluate,
    /// `plan` of a table operation.
    Plan,
}

/// What a self-test must give. Every one that is present must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// Codes of the findings, in any order.
    #[serde(default)]
    pub codes: Option<Vec<String>>,
    /// Kinds of the steps in order, as "rewrite-data-files".
    #[serde(default)]
    pub steps: Option<Vec<String>>,
    /// JSON Pointers of the refused arguments, in any order.
    #[serde(default)]
    pub invalid: Option<Vec<String>>,
}

/// One mistake of a `plugin.toml`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{detail}", if path.is_empty() { String::new() } else { format!("{path}: ") })]
pub struct ManifestError {
    /// Dotted path of the key; empty for the whole file.
    pub path: String,
    /// What is wrong and what would be right.
    pub detail: String,
}

#[derive(Serialize, Deserialize)]
struct Section {
    format: u32,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

impl Manifest {
    /// Reads a `plugin.toml`; fixtures are read from `folder` and packed in.
    ///
    /// # Errors
    /// Every mistake: unknown keys with the nearest known one, missing and malformed values, unreadable fixtures.
    pub fn from_toml(text: &str, folder: &Path) -> Result<Self, Vec<ManifestError>> {
        toml_reader::read(text, folder)
    }

    /// Content of the custom section.
    pub fn to_section(&self) -> Vec<u8> {
        let rest = match serde_json::to_value(self) {
            Ok(Value::Object(map)) => map.into_iter().collect(),
            _ => BTreeMap::new(),
        };
        serde_json::to_vec(&Section { format: FORMAT, rest }).unwrap_or_default()
    }

    /// The manifest inside a component; `None` where it has none.
    ///
    /// # Errors
    /// The bytes are not a whole binary, or the section is not one that this release reads.
    pub fn read(component: &[u8]) -> Result<Option<Self>, Refusal> {
        let binary = Binary::cut(component).map_err(Refusal::from)?;
        binary.custom(MANIFEST_SECTION).map(Self::from_section).transpose()
    }

    pub(crate) fn from_section(data: &[u8]) -> Result<Self, Refusal> {
        let broken = |e: serde_json::Error| Refusal::BadManifest(e.to_string());
        let Section { format, rest } = serde_json::from_slice(data).map_err(broken)?;
        if format != FORMAT {
            return Err(Refusal::BadManifest(format!("format {format} is not one that this release reads ({FORMAT})")));
        }
        let mut manifest: Self = serde_json::from_value(Value::Object(rest.into_iter().collect())).map_err(broken)?;
        if !is_kebab(&manifest.id) {
            return Err(Refusal::BadManifest(format!("id {:?}: {KEBAB_RULE}", manifest.id)));
        }
        // Not only where something is asked for: hosts without a method are a mistake too.
        if manifest.needs != Rights::default() {
            let wrong = |mistakes: Vec<FieldError>| {
                let words = mistakes.iter().map(|one| format!("needs{}: {}", one.pointer, one.detail));
                Refusal::BadManifest(words.collect::<Vec<_>>().join("; "))
            };
            manifest.needs = manifest.needs.parse().map_err(wrong)?;
        }
        Ok(manifest)
    }

    /// Time that a call asks for.
    pub(crate) fn time(&self) -> Option<Duration> {
        self.time.map(Duration::from_millis)
    }
}

/// `component` with `manifest` as its only manifest.
///
/// # Errors
/// The bytes are not a whole component.
pub fn embed(component: &[u8], manifest: &Manifest) -> Result<Vec<u8>, Refusal> {
    let binary = Binary::cut(component).map_err(Refusal::from)?;
    if binary.encoding != wasmparser::Encoding::Component {
        return Err(Refusal::CoreModule);
    }
    Ok(binary.with_custom(MANIFEST_SECTION, &manifest.to_section()))
}

impl From<Broken> for Refusal {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Empty => Self::Empty,
            Broken::NotWasm => Self::NotWasm,
            Broken::Truncated => Self::Truncated,
        }
    }
}

pub(crate) const KEBAB_RULE: &str =
    "must be kebab-case: lower-case letters, digits and single hyphens, a letter first, at most 64 characters";

/// True for an id in kebab-case: lower-case letters, digits and single hyphens, a letter first, at most 64 characters.
pub fn is_kebab(word: &str) -> bool {
    let part = |p: &str| !p.is_empty() && p.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    word.len() <= LONGEST_ID && word.starts_with(|c: char| c.is_ascii_lowercase()) && word.split('-').all(part)
}
