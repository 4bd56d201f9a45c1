//! Checks JSON against the JSON Schema (2020-12) that a plugin declared.

use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::{Map, Value};

use crate::error::FieldError;

/// A compiled schema.
#[derive(Debug)]
pub(crate) struct Schema {
    pub(crate) json: Value,
    validator: Validator,
}

impl Schema {
    /// Compiles the text that `describe` gave. `Err` says what is wrong with it.
    pub(crate) fn compile(text: &str) -> Result<Self, String> {
        let json: Value = serde_json::from_str(text).map_err(|e| format!("is not JSON: {e}"))?;
        if !json.is_object() {
            return Err("must be a JSON object".to_owned());
        }
        // A plugin writes the patterns, so they run in linear time; and nothing is fetched for a `$ref`.
        let options = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .should_validate_formats(true)
            .with_pattern_options(PatternOptions::regex())
            .offline();
        let validator = options.build(&json).map_err(|e| format!("is not a valid JSON Schema: {e}"))?;
        Ok(Self { json, validator })
    }

    /// Every mistake of `value`; none where it fits.
    pub(crate) fn check(&self, value: &Value) -> Vec<FieldError> {
        let error = |e: jsonschema::ValidationError<'_>| FieldError {
            pointer: e.instance_path().to_string(),
            detail: e.to_string(),
        };
        self.validator.iter_errors(value).map(error).collect()
    }
}

/// `over` merged over `base`: objects key by key, anything else replaced.
pub(crate) fn merge(base: &Map<String, Value>, over: &Map<String, Value>) -> Map<String, Value> {
    let mut merged = base.clone();
    for (key, value) in over {
        let value = match (merged.get(key), value) {
            (Some(Value::Object(below)), Value::Object(above)) => Value::Object(merge(below, above)),
            _ => value.clone(),
        };
        merged.insert(key.clone(), value);
    }
    merged
}

/// The name of `known` that `word` most looks like, for "did you mean".
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const ALIKE: f64 = 0.7;
    let score = |name: &'a str| (strsim::jaro_winkler(word, name), name);
    let best = known.into_iter().map(score).max_by(|a, b| a.0.total_cmp(&b.0));
    best.filter(|(score, _)| *score >= ALIKE).map(|(_, name)| name)
}
