//! `plugin.toml` to a manifest, with every mistake at once.

use std::path::{Component, Path};

use semver::Version;
use serde_json::{Map, Value};

use super::{Expect, Export, KEBAB_RULE, Manifest, ManifestError, SelfTest, is_kebab, units};
use crate::{
    facts::TableFacts,
    rights::{self, Http, Rights},
    schema::nearest,
};

pub(super) fn read(text: &str, folder: &Path) -> Result<Manifest, Vec<ManifestError>> {
    let table: toml::Table = text.parse().map_err(|e: toml::de::Error| {
        vec![ManifestError { path: String::new(), detail: format!("not TOML: {}", e.to_string().trim_end()) }]
    })?;
    let mut errors = Vec::new();
    let mut root = Keys::new("", table, &mut errors);
    let plugin = root.table("plugin", true);
    let needs = root.table("needs", false);
    let limits = root.table("limits", false);
    let config = root.table("config", false);
    let selftests = root.tables("selftest");
    root.finish();

    let mut keys = Keys::new("plugin", plugin, &mut errors);
    let mut id = keys.string("id", true).unwrap_or_default();
    if !id.is_empty() && !is_kebab(&id) {
        keys.error("id", format!("{id:?} {KEBAB_RULE}"));
        id.clear();
    }
    let version = keys.string("version", true).unwrap_or_default();
    let version = Version::parse(&version).unwrap_or_else(|e| {
        if !version.is_empty() {
            keys.error("version", format!("{version:?} is not a semantic version ({e}); write \"1.2.0\""));
        }
        Version::new(0, 0, 0)
    });
    let title = keys.string("title", true).unwrap_or_default();
    let description = keys.string("description", false).unwrap_or_default();
    let license = keys.string("license", false);
    let homepage = keys.string("homepage", false);
    keys.finish();

    let mut keys = Keys::new("needs", needs, &mut errors);
    let http = keys.given("http").then_some(()).map(|()| keys.table("http", false));
    keys.known.push("http");
    keys.finish();
    let needs = Rights { http: http.map(|table| http_needs(table, &mut errors)).unwrap_or_default() };

    let mut keys = Keys::new("limits", limits, &mut errors);
    let memory = keys.parsed("memory", units::bytes);
    let time = keys.parsed("time", units::time).and_then(|t| u64::try_from(t.as_millis()).ok());
    keys.finish();

    let config = json_object("config", config, &mut errors);
    let number = |(i, table)| selftest(&format!("selftest[{i}]"), table, folder, &mut errors);
    let selftests = selftests.into_iter().enumerate().filter_map(number).collect();
    if errors.is_empty() {
        Ok(Manifest { id, version, title, description, license, homepage, needs, memory, time, config, selftests })
    } else {
        Err(errors)
    }
}

/// Hosts and methods; "GET" where no method is named.
fn http_needs(table: toml::Table, errors: &mut Vec<ManifestError>) -> Http {
    let mut keys = Keys::new("needs.http", table, errors);
    let hosts = keys.strings("hosts");
    if hosts.as_ref().is_none_or(Vec::is_empty) && !keys.wrong("hosts") {
        keys.error(
            "hosts",
            "is missing; name the hosts that it sends requests to, as [\"api.example.com\"]".to_owned(),
        );
    }
    let methods = keys.strings("methods").unwrap_or_else(|| vec!["GET".to_owned()]);
    if methods.is_empty() {
        keys.error("methods", "is empty; name one or more, or leave it out for \"GET\"".to_owned());
    }
    let mut each = |key: &str, words: Vec<String>, parse: fn(&str) -> Result<String, String>| {
        let parsed = words.iter().map(|word| parse(word));
        parsed.filter_map(|one| one.map_err(|detail| keys.error(key, detail)).ok()).collect()
    };
    let http = Http {
        hosts: each("hosts", hosts.unwrap_or_default(), rights::host),
        methods: each("methods", methods, rights::method),
    };
    keys.finish();
    http
}

fn selftest(path: &str, table: toml::Table, folder: &Path, errors: &mut Vec<ManifestError>) -> Option<SelfTest> {
    let mut keys = Keys::new(path, table, errors);
    let export = keys.parsed("export", |word| match word {
        "evaluate" => Ok(Export::Evaluate),
        "plan" => Ok(Export::Plan),
        other => Err(format!("{other:?} is not a function; write \"evaluate\" or \"plan\"")),
    });
    if export.is_none() && !keys.wrong("export") {
        keys.error("export", "is missing; write \"evaluate\" or \"plan\"".to_owned());
    }
    let name = keys.string("facts", true);
    let facts = name.as_deref().and_then(|name| {
        let facts = fixture(folder, name);
        facts.map_err(|detail| keys.error("facts", detail)).ok()
    });
    let throughput = keys.number("throughput");
    let (config, arguments) = (keys.table("config", false), keys.table("arguments", false));
    let expect = keys.table("expect", true);
    keys.finish();
    let config = json_object(&format!("{path}.config"), config, errors);
    let arguments = json_object(&format!("{path}.arguments"), arguments, errors);
    let mut keys = Keys::new(&format!("{path}.expect"), expect, errors);
    let expect =
        Expect { codes: keys.strings("codes"), steps: keys.strings("steps"), invalid: keys.strings("invalid") };
    keys.finish();
    Some(SelfTest { name: name?, export: export?, facts: facts?, config, arguments, throughput, expect })
}

fn fixture(folder: &Path, name: &str) -> Result<TableFacts, String> {
    let inside = Path::new(name).components().all(|c| matches!(c, Component::Normal(_) | Component::CurDir));
    if !inside {
        return Err(format!("{name:?} must be a path inside the plugin's folder"));
    }
    let text = std::fs::read_to_string(folder.join(name)).map_err(|e| format!("{name}: {e}"))?;
    serde_json::from_str(&text).map_err(|e| format!("{name}: {e}"))
}

fn json_object(path: &str, table: toml::Table, errors: &mut Vec<ManifestError>) -> Map<String, Value> {
    let mut map = Map::new();
    for (key, value) in table {
        let at = format!("{path}.{key}");
        if let Some(value) = json(&at, value, errors) {
            map.insert(key, value);
        }
    }
    map
}

fn json(path: &str, value: toml::Value, errors: &mut Vec<ManifestError>) -> Option<Value> {
    let mut refuse = |detail: &str| {
        errors.push(ManifestError { path: path.to_owned(), detail: detail.to_owned() });
        None
    };
    match value {
        toml::Value::String(s) => Some(Value::String(s)),
        toml::Value::Integer(i) => Some(i.into()),
        toml::Value::Float(f) if f.is_finite() => Some(f.into()),
        toml::Value::Float(_) => refuse("JSON has no such number; write a finite one"),
        toml::Value::Boolean(b) => Some(b.into()),
        toml::Value::Datetime(_) => refuse("JSON has no dates; write a string"),
        toml::Value::Array(items) => {
            let item = |(i, v)| json(&format!("{path}[{i}]"), v, errors);
            Some(Value::Array(items.into_iter().enumerate().filter_map(item).collect()))
        }
        toml::Value::Table(table) => Some(Value::Object(json_object(path, table, errors))),
    }
}

/// Takes known keys out of a table one by one; what is left over is unknown.
struct Keys<'a> {
    path: String,
    table: toml::Table,
    known: Vec<&'static str>,
    errors: &'a mut Vec<ManifestError>,
}

impl<'a> Keys<'a> {
    fn new(path: &str, table: toml::Table, errors: &'a mut Vec<ManifestError>) -> Self {
        Self { path: path.to_owned(), table, known: Vec::new(), errors }
    }

    fn at(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn error(&mut self, key: &str, detail: String) {
        let path = self.at(key);
        self.errors.push(ManifestError { path, detail });
    }

    /// True where there is a value of `key`.
    fn given(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// True where an error of `key` was told already.
    fn wrong(&self, key: &str) -> bool {
        self.errors.iter().any(|e| e.path == self.at(key))
    }

    fn take(&mut self, key: &'static str) -> Option<toml::Value> {
        self.known.push(key);
        self.table.remove(key)
    }

    fn typed<T>(
        &mut self,
        key: &'static str,
        wanted: &str,
        convert: impl FnOnce(toml::Value) -> Option<T>,
    ) -> Option<T> {
        let value = self.take(key)?;
        let found = value.type_str();
        let value = convert(value);
        if value.is_none() {
            self.error(key, format!("must be {wanted}, not {found}"));
        }
        value
    }

    fn string(&mut self, key: &'static str, required: bool) -> Option<String> {
        let there = self.table.contains_key(key);
        let text = self.typed(key, "a string", |v| match v {
            toml::Value::String(s) => Some(s),
            _ => None,
        });
        if required && (!there || text.as_deref() == Some("")) {
            self.error(key, "is missing".to_owned());
        }
        text
    }

    fn parsed<T>(&mut self, key: &'static str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let text = self.string(key, false)?;
        parse(&text).map_err(|detail| self.error(key, detail)).ok()
    }

    fn number(&mut self, key: &'static str) -> u64 {
        let number = self.typed(key, "a whole number, 0 or more", |v| u64::try_from(v.as_integer()?).ok());
        number.unwrap_or(0)
    }

    fn strings(&mut self, key: &'static str) -> Option<Vec<String>> {
        self.typed(key, "a list of strings", |v| match v {
            toml::Value::Array(items) => items.into_iter().map(|i| Some(i.as_str()?.to_owned())).collect(),
            _ => None,
        })
    }

    fn table(&mut self, key: &'static str, required: bool) -> toml::Table {
        if required && !self.table.contains_key(key) {
            self.error(key, "is missing".to_owned());
        }
        let table = self.typed(key, "a table", |v| match v {
            toml::Value::Table(t) => Some(t),
            _ => None,
        });
        table.unwrap_or_default()
    }

    fn tables(&mut self, key: &'static str) -> Vec<toml::Table> {
        let tables = self.typed(key, "a list of tables, [[selftest]]", |v| match v {
            toml::Value::Array(items) => items.into_iter().map(|i| i.as_table().cloned()).collect(),
            _ => None,
        });
        tables.unwrap_or_default()
    }

    fn finish(mut self) {
        for key in std::mem::take(&mut self.table).keys() {
            let hint = match nearest(key, self.known.iter().copied()) {
                Some(known) => format!("did you mean {known}?"),
                None => format!("known here: {}", self.known.join(", ")),
            };
            self.error(key, format!("unknown key; {hint}"));
        }
    }
}
