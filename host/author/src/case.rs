//! One test case: a JSON file with facts, what the caller says, and the exact answer.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, Result, anyhow, bail};
use drls_runtime::{
    Failure,
    answer::{Finding, OperationPlan},
    facts::TableFacts,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, value::RawValue};
use similar::TextDiff;

use crate::{canned::Responses, files};

/// Lines of context around a difference.
const CONTEXT: usize = 3;

/// The file as its author wrote it: raw values stay as they stand when the expectation is recorded.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Text<E> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    facts: Option<Box<RawValue>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    facts_file: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    config: Option<Box<RawValue>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    arguments: Option<Box<RawValue>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    throughput: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    http: Option<Box<RawValue>>,
    #[serde(default = "Option::default", skip_serializing_if = "Option::is_none")]
    expect: Option<E>,
}

/// A case that can be run.
pub(crate) struct Case {
    file: PathBuf,
    text: String,
    /// What the plugin is called with.
    pub(crate) input: Input,
    expect: Option<Value>,
}

/// What a plugin is called with.
pub(crate) struct Input {
    /// The table.
    pub(crate) facts: Arc<TableFacts>,
    /// Values over the manifest's configuration.
    pub(crate) config: Map<String, Value>,
    /// Arguments of an operation; none where nobody names any.
    pub(crate) arguments: Option<Value>,
    /// Bytes per second that rewrites reached, 0 for not measured.
    pub(crate) throughput: u64,
    /// What comes of its requests.
    pub(crate) http: Responses,
}

/// What a plugin answered, in the shape of `expect`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Answer {
    /// Of a health rule.
    Findings(Vec<Finding>),
    /// Of a table operation.
    Plan(OperationPlan),
    /// One key: the kind of the failure.
    Error(Map<String, Value>),
}

impl Answer {
    /// The expectation that this failure meets: what the contract gives with it, and no more, since a backtrace
    /// changes with every build.
    pub(crate) fn failed(failure: &Failure) -> Self {
        let detail = match failure {
            Failure::Invalid(mistakes) => serde_json::json!(mistakes),
            Failure::NotFound(text) | Failure::Denied(text) | Failure::Failed(text) => Value::from(text.as_str()),
            Failure::Trapped(trapped) => Value::from(trapped.message.as_str()),
            other => Value::from(other.to_string()),
        };
        Self::error(failure.kind().name(), detail)
    }

    /// Whether the plugin gave neither findings nor a plan.
    pub(crate) fn is_error(&self) -> bool {
        matches!(self, Self::Error(_))
    }

    /// An error of this kind.
    pub(crate) fn error(kind: &str, detail: Value) -> Self {
        Self::Error(Map::from_iter([(kind.to_owned(), detail)]))
    }
}

/// How an answer compares.
pub(crate) enum Outcome {
    /// It is exactly what the case expects.
    Same,
    /// The case expects nothing yet.
    Unexpected,
    /// Lines with - are expected and missing, lines with + came instead.
    Different(String),
}

impl Case {
    /// Every case of a folder by name, `*.json`; none where there is no folder.
    pub(crate) fn files(folder: &Path) -> Result<Vec<PathBuf>> {
        if !folder.is_dir() {
            return Ok(Vec::new());
        }
        let entries = folder.read_dir().with_context(|| format!("cannot read {}", folder.display()))?;
        let mut files = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
        files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
        files.sort();
        Ok(files)
    }

    /// Reads a case and its facts. Errors name the file, the line and the key.
    pub(crate) fn read(file: &Path) -> Result<Self> {
        let text = files::read_text(file)?;
        let parsed: Text<Value> = parse(file, &text)?;
        let facts = match (&parsed.facts, &parsed.facts_file) {
            (Some(facts), None) => parse(file, facts.get()).context("in `facts`")?,
            (None, Some(name)) => {
                let place = file.parent().unwrap_or(Path::new(".")).join(name);
                parse(&place, &files::read_text(&place)?)?
            }
            _ => bail!(
                "{} needs either `facts`, the facts of a table, or `facts_file`, the path of a file with them",
                file.display()
            ),
        };
        let config = parsed.config.map(|raw| parse(file, raw.get()).context("in `config`")).transpose()?;
        let http = parsed.http.map(|raw| parse(file, raw.get()).context("in `http`")).transpose()?;
        let arguments = parsed.arguments.map(|raw| parse(file, raw.get()).context("in `arguments`")).transpose()?;
        let input = Input {
            facts: Arc::new(facts),
            config: config.unwrap_or_default(),
            arguments,
            throughput: parsed.throughput.unwrap_or_default(),
            http: http.unwrap_or_default(),
        };
        Ok(Self { file: file.to_owned(), input, expect: parsed.expect, text })
    }

    /// Holds an answer against what the case expects.
    pub(crate) fn compare(&self, answer: &Answer) -> Result<Outcome> {
        let Some(expected) = self.expect.clone() else { return Ok(Outcome::Unexpected) };
        let (mut expected, mut got) = (plain(expected), plain(serde_json::to_value(answer)?));
        if expected == got {
            return Ok(Outcome::Same);
        }
        // A case may have its fields in any order: that is no difference.
        expected.sort_all_objects();
        got.sort_all_objects();
        let (expected, got) = (serde_json::to_string_pretty(&expected)?, serde_json::to_string_pretty(&got)?);
        let diff = TextDiff::from_lines(&expected, &got);
        let text = diff
            .unified_diff()
            .context_radius(CONTEXT)
            .missing_newline_hint(false)
            .header("expected", "got")
            .to_string();
        Ok(Outcome::Different(text))
    }

    /// Writes the answer into the file as what the case expects; everything else stays as it is.
    pub(crate) fn record(&self, answer: &Answer) -> Result<()> {
        let old: Text<Value> = parse(&self.file, &self.text)?;
        let new = Text {
            description: old.description,
            facts: old.facts,
            facts_file: old.facts_file,
            config: old.config,
            arguments: old.arguments,
            throughput: old.throughput,
            http: old.http,
            expect: Some(answer),
        };
        files::write_atomically(&self.file, format!("{}\n", serde_json::to_string_pretty(&new)?).as_bytes())
    }
}

/// Name of a case, the stem of its file.
pub(crate) fn name(file: &Path) -> impl fmt::Display {
    file.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn parse<'a, T: Deserialize<'a>>(file: &Path, text: &'a str) -> Result<T> {
    serde_json::from_str(text).map_err(|e| anyhow!("{}: {e}", file.display()))
}

/// The same value written in one way: no nulls in objects, whole numbers without a fraction. An author writes 3 and
/// leaves out what is not there; the runtime says 3.0 and null.
fn plain(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            map.into_iter().filter(|(_, value)| !value.is_null()).map(|(key, value)| (key, plain(value))).collect()
        }
        Value::Array(items) => items.into_iter().map(plain).collect(),
        Value::Number(number) => whole(&number).map_or(Value::Number(number), Value::from),
        other => other,
    }
}

/// A float without a fraction as an integer, where every integer of that size has a float of its own.
fn whole(number: &serde_json::Number) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let float = number.as_f64().filter(|f| number.is_f64() && f.fract() == 0.0 && f.abs() < EXACT)?;
    #[expect(clippy::cast_possible_truncation, reason = "the fraction is zero and the size is under 2^53")]
    Some(float as i64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_number_and_its_float_are_the_same_and_an_absent_key_is_null() {
        assert_eq!(plain(json!({"a": 3.0, "b": null, "c": [1.5, -2.0]})), json!({"a": 3, "c": [1.5, -2]}));
        assert_ne!(plain(json!(3.5)), plain(json!(3)));
    }
}
