//! Reads a component without running or compiling it: what it is, what it wants, what it offers.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use wasmparser::{
    Encoding, Payload, Validator, WasmFeatures,
    component_types::{ComponentEntityType, ComponentItem},
    types::Types,
};

use crate::{
    contract::{self, Instance},
    facts::Group,
    manifest::Manifest,
    refusal::{Mismatch, Refusal},
    schema::nearest,
    section::{Binary, MANIFEST_SECTION},
    signature::Signed,
};

/// Version of the plugin contract that this host speaks.
pub const CONTRACT: &str = "0.1.0";

const PACKAGE: &str = "drls:plugin/";
/// The capability to send requests.
const HTTP: &str = "drls:http/client@0.1.0";
const HTTP_PACKAGE: &str = "drls:http/";
const HTTP_FUNCTIONS: [&str; 1] = ["send"];

/// Functions of a table and the group of facts that each reads.
const TABLE_METHODS: [(&str, Group); 20] = [
    ("id", Group::Metadata),
    ("format-version", Group::Metadata),
    ("location", Group::Metadata),
    ("properties", Group::Metadata),
    ("fields", Group::Metadata),
    ("partition-specs", Group::Metadata),
    ("sort-order", Group::Metadata),
    ("snapshots", Group::Metadata),
    ("current-snapshot", Group::Metadata),
    ("refs", Group::Metadata),
    ("totals", Group::Metadata),
    ("file-sizes", Group::Manifests),
    ("partition-count", Group::Manifests),
    ("partitions", Group::Manifests),
    ("files", Group::Manifests),
    ("manifests", Group::ManifestList),
    ("metadata-log", Group::Metadata),
    ("exclusive-to", Group::Reachability),
    ("orphans", Group::Orphans),
    ("as-of", Group::Metadata),
];

const METHOD: &str = "[method]table.";
const LOG_FUNCTIONS: [&str; 1] = ["write"];

/// What a plugin is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Judges a table.
    HealthRule,
    /// Plans a change of a table.
    TableOperation,
}

impl Kind {
    /// Both kinds.
    pub const ALL: [Self; 2] = [Self::HealthRule, Self::TableOperation];

    /// Kebab-case name, the name of its world.
    pub fn name(self) -> &'static str {
        match self {
            Self::HealthRule => "health-rule",
            Self::TableOperation => "table-operation",
        }
    }

    fn interface(self) -> &'static str {
        match self {
            Self::HealthRule => "health",
            Self::TableOperation => "operation",
        }
    }

    fn functions(self) -> [&'static str; 2] {
        match self {
            Self::HealthRule => ["describe", "evaluate"],
            Self::TableOperation => ["describe", "plan"],
        }
    }
}

/// One imported or exported interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Interface {
    /// Full name, "drls:plugin/facts@0.1.0".
    pub name: String,
    /// Functions of it that the component names, as `[method]table.totals`.
    pub functions: Vec<String>,
}

/// What a component file holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Inspection {
    /// Bytes of the file.
    pub size: u64,
    /// What it offers.
    pub kinds: BTreeSet<Kind>,
    /// What it wants.
    pub imports: Vec<Interface>,
    /// What it offers, by interface.
    pub exports: Vec<Interface>,
    /// Groups of facts that it reads, from the functions that it imports.
    pub needs: BTreeSet<Group>,
    /// True where it sends requests: an admin grants that.
    pub http: bool,
    /// Who signed it.
    pub signed: Signed,
    /// Version of the contract.
    pub contract: &'static str,
    /// The manifest, where there is one.
    pub manifest: Option<Manifest>,
}

/// Reads a component. Takes one without a manifest: the loader is stricter.
///
/// # Errors
/// The bytes are not a valid component, or it does not fit the contract: every import and export that does not.
pub fn inspect(bytes: &[u8]) -> Result<Inspection, Refusal> {
    let binary = Binary::cut(bytes).map_err(Refusal::from)?;
    if binary.encoding == Encoding::Module {
        return Err(Refusal::CoreModule);
    }
    let invalid = |e: wasmparser::BinaryReaderError| Refusal::InvalidBinary(e.to_string());
    let types = Validator::new_with_features(WasmFeatures::default()).validate_all(bytes).map_err(invalid)?;
    let (imports, exports) = interfaces(bytes, &types).map_err(invalid)?;
    let kinds: BTreeSet<Kind> =
        Kind::ALL.into_iter().filter(|k| exports.iter().any(|e| e.name == full(k.interface()))).collect();
    let mut problems: Vec<Mismatch> = imports.iter().flat_map(import_problems).collect();
    for kind in &kinds {
        let interface = full(kind.interface());
        let found = exports.iter().filter(|e| e.name == interface).flat_map(|e| &e.functions);
        let found: Vec<&str> = found.map(String::as_str).collect();
        let missing = kind.functions().into_iter().filter(|f| !found.contains(f));
        problems
            .extend(missing.map(|item| Mismatch::MissingItem { interface: interface.clone(), item: item.to_owned() }));
    }
    let others = exports.iter().filter(|e| other_version(&e.name));
    problems.extend(others.map(|e| Mismatch::OtherVersion { name: e.name.clone() }));
    problems.extend(contract::differences(&instances(&types, &imports, &exports)));
    if kinds.is_empty() && problems.is_empty() {
        problems.push(Mismatch::NoKind(exports.into_iter().map(|e| e.name).collect()));
        return Err(Refusal::Contract(problems));
    }
    if !problems.is_empty() {
        return Err(Refusal::Contract(problems));
    }
    let manifest = binary.custom(MANIFEST_SECTION).map(Manifest::from_section).transpose()?;
    let needs = imports.iter().filter(|i| i.name == full("facts")).flat_map(|i| &i.functions);
    let needs = needs.filter_map(|f| Group::of_method(f.strip_prefix(METHOD)?)).collect();
    let (http, signed) = (imports.iter().any(|import| import.name == HTTP), Signed::read(&binary));
    let size = bytes.len() as u64;
    Ok(Inspection { size, kinds, imports, exports, needs, http, signed, contract: CONTRACT, manifest })
}

fn full(interface: &str) -> String {
    format!("{PACKAGE}{interface}@{CONTRACT}")
}

impl Group {
    /// The group that a function of `table` in the `facts` interface reads, by its WIT name, as "file-sizes".
    pub fn of_method(method: &str) -> Option<Self> {
        TABLE_METHODS.iter().find(|(name, _)| *name == method).map(|(_, group)| *group)
    }
}

/// True for an interface of the contract in a version that is not ours.
fn other_version(name: &str) -> bool {
    name.strip_prefix(PACKAGE).and_then(|rest| rest.split_once('@')).is_some_and(|(_, version)| version != CONTRACT)
}

fn import_problems(import: &Interface) -> Vec<Mismatch> {
    let name = &import.name;
    if other_version(name) || (name.starts_with(HTTP_PACKAGE) && name != HTTP) {
        return vec![Mismatch::OtherVersion { name: name.clone() }];
    }
    if name == HTTP {
        return unknown_items(import, &HTTP_FUNCTIONS.map(str::to_owned));
    }
    let known: Vec<String> = match name.strip_prefix(PACKAGE).and_then(|r| r.split('@').next()) {
        Some("types") => Vec::new(),
        Some("log") => LOG_FUNCTIONS.map(str::to_owned).to_vec(),
        Some("facts") => TABLE_METHODS.iter().map(|(m, _)| format!("{METHOD}{m}")).collect(),
        _ => return vec![Mismatch::ExtraImport { name: name.clone() }],
    };
    unknown_items(import, &known)
}

fn unknown_items(import: &Interface, known: &[String]) -> Vec<Mismatch> {
    let unknown = import.functions.iter().filter(|f| !known.contains(f));
    let problem = |item: &String| Mismatch::UnknownItem {
        interface: import.name.clone(),
        item: item.clone(),
        nearest: nearest(item, known.iter().map(String::as_str)).map(str::to_owned),
    };
    unknown.map(problem).collect()
}

/// The types of its interfaces, by name.
fn instances<'a>(types: &'a Types, imports: &'a [Interface], exports: &'a [Interface]) -> Vec<(&'a str, Instance<'a>)> {
    let types = types.as_ref();
    let imports = imports.iter().map(|import| (&import.name, types.component_item_for_import(&import.name)));
    let exports = exports.iter().map(|export| (&export.name, types.component_item_for_export(&export.name)));
    let instance = |(name, item): (&'a String, Option<&ComponentItem>)| match item?.ty {
        ComponentEntityType::Instance(id) => Some((name.as_str(), Instance::new(types, id))),
        _ => None,
    };
    imports.chain(exports).filter_map(instance).collect()
}

/// Imports and exports of the outermost component.
pub(crate) fn interfaces(
    bytes: &[u8],
    types: &Types,
) -> Result<(Vec<Interface>, Vec<Interface>), wasmparser::BinaryReaderError> {
    let (mut imports, mut exports) = (Vec::new(), Vec::new());
    let mut depth = 0_u32;
    for payload in wasmparser::Parser::new(0).parse_all(bytes) {
        match payload? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    let name = import?.name.name;
                    let item = types.as_ref().component_item_for_import(name).map(|i| i.ty);
                    imports.push(interface(name, item, types));
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    let name = export?.name.name;
                    let item = types.as_ref().component_item_for_export(name).map(|i| i.ty);
                    exports.push(interface(name, item, types));
                }
            }
            _ => {}
        }
    }
    Ok((imports, exports))
}

fn interface(name: &str, item: Option<ComponentEntityType>, types: &Types) -> Interface {
    let functions = match item {
        Some(ComponentEntityType::Instance(id)) => {
            let types = types.as_ref();
            let functions =
                types[id].exports.iter().filter(|(_, item)| matches!(item.ty, ComponentEntityType::Func(_)));
            functions.map(|(name, _)| name.clone()).collect()
        }
        _ => Vec::new(),
    };
    Interface { name: name.to_owned(), functions }
}
