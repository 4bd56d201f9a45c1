//! `drls plugin new`: a folder that builds and tests green at once, and shows everything that a plugin has.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueEnum};

use crate::files;

/// The SDK of the checkout that this binary was built from.
const SDK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../plugins/sdk");

/// Longest id: it becomes a file name, a metric label and part of a route.
const LONGEST_NAME: usize = 64;

/// One file of a template: its place in the new folder and its text.
type Template = (&'static str, &'static str);

/// Manifest, self-tests and cases of a rule, in every language.
const HEALTH_RULE: &[Template] = &[
    ("plugin.toml", include_str!("../templates/health-rule/plugin.toml")),
    ("selftest/many-snapshots.json", include_str!("../templates/health-rule/many-snapshots.json")),
    ("tests/few-snapshots.json", include_str!("../templates/health-rule/few-snapshots.case.json")),
    ("tests/many-snapshots.json", include_str!("../templates/health-rule/many-snapshots.case.json")),
];

/// Manifest, self-tests and cases of an operation, in every language.
const TABLE_OPERATION: &[Template] = &[
    ("plugin.toml", include_str!("../templates/table-operation/plugin.toml")),
    ("selftest/plain.json", include_str!("../templates/table-operation/plain.json")),
    ("tests/sets-the-property.json", include_str!("../templates/table-operation/sets-the-property.case.json")),
    ("tests/refuses-too-few.json", include_str!("../templates/table-operation/refuses-too-few.case.json")),
];

/// Has no dot in the repository, so that git does not obey it there.
const IGNORED: Template = (".gitignore", include_str!("../templates/gitignore"));

/// Files of a plugin in Rust, of whatever kind.
const CRATE: &[Template] = &[
    ("Cargo.toml", include_str!("../templates/Cargo.toml.txt")),
    ("README.md", include_str!("../templates/README.md")),
];

/// The README of a plugin in another language.
const GUEST: Template = ("README.md", include_str!("../templates/README.guest.md"));

/// What `drls plugin new` is told.
#[derive(Debug, Args)]
pub struct NewArgs {
    /// Folder to make; its last part is the plugin's id: lower-case words joined by hyphens
    #[arg(value_name = "NAME")]
    path: PathBuf,
    /// What the plugin is
    #[arg(long, value_enum)]
    kind: Kind,
    /// Language that it is written in
    #[arg(long, value_enum, default_value = "rust")]
    lang: Language,
    /// Folder of the SDK crate `drls-plugin`, for plugins in Rust; others need none
    #[arg(long, value_name = "PATH", env = "DRLS_SDK", default_value = SDK, hide_default_value = true)]
    sdk: PathBuf,
}

/// Kinds of plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Judges a table from facts: findings, penalty, remedy
    HealthRule,
    /// Plans maintenance or a change of schema: typed steps and the effect they promise
    TableOperation,
}

/// Languages that have a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Language {
    /// Rust: a crate on drls-plugin; some 50 KB that swap in milliseconds
    Rust,
    /// Python: plugin.py; some 20 MB with its interpreter
    Python,
    /// JavaScript: plugin.js; some 12 MB with its engine
    #[value(name = "javascript")]
    JavaScript,
}

impl Language {
    /// The file with the code, and what else the language wants.
    fn files(self, kind: Kind) -> Vec<Template> {
        let code = match (self, kind) {
            (Self::Rust, Kind::HealthRule) => ("src/lib.rs", include_str!("../templates/health-rule/lib.rs")),
            (Self::Rust, Kind::TableOperation) => ("src/lib.rs", include_str!("../templates/table-operation/lib.rs")),
            (Self::Python, Kind::HealthRule) => ("plugin.py", include_str!("../templates/python/health-rule.py")),
            (Self::Python, Kind::TableOperation) => {
                ("plugin.py", include_str!("../templates/python/table-operation.py"))
            }
            (Self::JavaScript, Kind::HealthRule) => {
                ("plugin.js", include_str!("../templates/javascript/health-rule.js"))
            }
            (Self::JavaScript, Kind::TableOperation) => {
                ("plugin.js", include_str!("../templates/javascript/table-operation.js"))
            }
        };
        let more = if self == Self::Rust { CRATE } else { &[GUEST] };
        [code, IGNORED].into_iter().chain(more.iter().copied()).collect()
    }
}

/// Runs the command: prints what was made and the next words to type.
pub(crate) fn run(args: &NewArgs) -> Result<()> {
    let name = checked_name(&args.path)?;
    let sdk = if args.lang == Language::Rust { sdk(&args.sdk)? } else { String::new() };
    refuse_if_used(&args.path)?;
    let kind = match args.kind {
        Kind::HealthRule => HEALTH_RULE,
        Kind::TableOperation => TABLE_OPERATION,
    };
    for (place, text) in kind.iter().copied().chain(args.lang.files(args.kind)) {
        let text = fill(text, &name, &sdk);
        let text = match args.lang {
            Language::Rust => text,
            Language::Python => {
                text.replace("{{language}}", "Python").replace("{{lang}}", "python").replace("{{main}}", "plugin.py")
            }
            Language::JavaScript => text
                .replace("{{language}}", "JavaScript")
                .replace("{{lang}}", "javascript")
                .replace("{{main}}", "plugin.js"),
        };
        files::write_atomically(&args.path.join(place), text.as_bytes())?;
    }
    let folder = args.path.display();
    println!("made: {folder}\nnext: drls plugin test {folder}");
    Ok(())
}

/// The last part of the path where it is a good id.
fn checked_name(path: &Path) -> Result<String> {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    if is_kebab_case(&name) && name.len() <= LONGEST_NAME {
        return Ok(name);
    }
    let mut fix = format!(
        "fix: lower-case letters and digits in words joined by single hyphens, a letter first, at most {LONGEST_NAME}"
    );
    let better = kebab_case(&name);
    if is_kebab_case(&better) && better.len() <= LONGEST_NAME {
        fix = format!("{fix}, such as '{better}'");
    }
    bail!("'{name}' is no name for a plugin\n  {fix}")
}

fn is_kebab_case(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .split('-')
            .all(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()))
}

/// "MyRule_2" as "my-rule-2": what the author may have meant.
fn kebab_case(name: &str) -> String {
    let mut words = String::new();
    let mut lower_before = false;
    for c in name.chars() {
        if !c.is_ascii_alphanumeric() || (c.is_ascii_uppercase() && lower_before) {
            words.push('-');
        }
        if c.is_ascii_alphanumeric() {
            words.push(c.to_ascii_lowercase());
        }
        lower_before = c.is_ascii_lowercase() || c.is_ascii_digit();
    }
    let words: Vec<_> = words.split('-').filter(|w| !w.is_empty()).collect();
    words.join("-")
}

/// Absolute path of the SDK. Error: the folder is not there or is not the SDK.
fn sdk(path: &Path) -> Result<String> {
    let manifest = path.join("Cargo.toml");
    if !fs::read_to_string(&manifest).is_ok_and(|text| text.contains("\"drls-plugin\"")) {
        bail!(
            "the SDK crate `drls-plugin` is not in {}\n  \
             fix: name its folder (plugins/sdk of a DRLS checkout) with --sdk PATH or DRLS_SDK",
            path.display()
        );
    }
    let path = path.canonicalize().with_context(|| format!("cannot read {}", path.display()))?;
    path.into_os_string()
        .into_string()
        .map_err(|path| anyhow::anyhow!("{} is not UTF-8, which Cargo.toml needs", path.display()))
}

fn refuse_if_used(path: &Path) -> Result<()> {
    let used = match path.read_dir() {
        Ok(mut entries) => entries.next().is_some(),
        Err(_) => path.exists(),
    };
    if used {
        bail!("{} is there already and not empty\n  fix: take another name, or empty it yourself", path.display());
    }
    Ok(())
}

/// Puts the plugin's names into a template.
fn fill(text: &str, name: &str, sdk: &str) -> String {
    let title = {
        let words = name.replace('-', " ");
        words[..1].to_uppercase() + &words[1..]
    };
    let type_name: String = name.split('-').map(|word| word[..1].to_uppercase() + &word[1..]).collect();
    text.replace("{{name}}", name)
        .replace("{{title}}", &title)
        .replace("{{type}}", &type_name)
        .replace("{{sdk}}", &sdk.replace('\\', "\\\\").replace('"', "\\\""))
}
