//! Reading what the host hands over. The host has validated it against the schema already; a plugin that is called by
//! another host, or whose schema says less than its types, still answers with fields and not with a trap.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::{Error, FieldError};

/// Mistakes gathered until all are known.
///
/// ```
/// use drls_plugin::{Error, Problems};
/// let mut problems = Problems::default();
/// problems.add("/name", "is empty; give the column a name");
/// let Err(Error::Invalid(fields)) = problems.check() else { panic!() };
/// assert_eq!(fields[0].pointer, "/name");
/// ```
#[derive(Debug, Default)]
pub struct Problems(Vec<FieldError>);

impl Problems {
    /// Adds one. `pointer`: JSON Pointer (RFC 6901), "" for the whole document. `detail`: what is wrong and what would
    /// be right.
    pub fn add(&mut self, pointer: impl Into<String>, detail: impl Into<String>) {
        self.0.push(FieldError { pointer: pointer.into(), detail: detail.into() });
    }

    /// How many were added.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True where nothing was added.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Ends the gathering.
    ///
    /// # Errors
    /// [`Error::Invalid`] with everything that was added, if anything was.
    pub fn check(self) -> Result<(), Error> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Invalid(self.0)) }
    }
}

impl Error {
    /// One wrong field.
    pub fn invalid(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError { pointer: pointer.into(), detail: detail.into() }])
    }
}

/// Parses a JSON object; the empty string stands for an empty one. Every field that does not fit is told: where the whole
/// fails, each field is tried alone. Written for small components: no tree of values, no second deserializer.
pub(crate) fn parse<T: DeserializeOwned>(json: &str) -> Result<T, Error> {
    let text = if json.trim().is_empty() { "{}" } else { json };
    let whole = match serde_json::from_str::<T>(text) {
        Ok(value) => return Ok(value),
        Err(error) => detail(&error),
    };
    let Ok(fields) = serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(text) else {
        return Err(Error::invalid("", format!("is not a JSON object that fits: {whole}")));
    };
    let mut problems = Problems::default();
    for (name, value) in fields {
        let alone = format!("{{{}:{}}}", serde_json::to_string(&name).unwrap_or_default(), value.get());
        match serde_json::from_str::<T>(&alone).map_err(|error| detail(&error)) {
            Err(problem) if !problem.starts_with(MISSING) => problems.add(format!("/{}", token(&name)), problem),
            _ => {}
        }
    }
    if problems.is_empty() {
        problems.add("", whole);
    }
    Err(Error::Invalid(problems.0))
}

/// How serde begins to tell of a field that is not there.
const MISSING: &str = "missing field";

/// Without the line and column, which are those of a rewritten document.
fn detail(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text).to_owned()
}

/// One name in a JSON Pointer (RFC 6901).
///
/// ```
/// assert_eq!(drls_plugin::token("a/b"), "a~1b");
/// ```
pub fn token(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Arguments {
        name: String,
        #[serde(default)]
        counts: Vec<u32>,
    }

    fn fields(json: &str) -> Vec<(String, String)> {
        match parse::<Arguments>(json) {
            Err(Error::Invalid(fields)) => fields.into_iter().map(|f| (f.pointer, f.detail)).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn reads_a_document_that_fits() {
        let arguments: Arguments = parse(r#"{"name": "a", "counts": [1, 2]}"#).unwrap();
        assert_eq!((arguments.name.as_str(), arguments.counts.as_slice()), ("a", &[1, 2][..]));
    }

    #[test]
    fn tells_every_field_that_does_not_fit() {
        let told = fields(r#"{"name": 1, "counts": [1, "x"], "nmae": "a"}"#);
        let pointers: Vec<&str> = told.iter().map(|(p, _)| p.as_str()).collect();
        assert!(pointers == ["/counts", "/name", "/nmae"], "{told:?}");
    }

    #[test]
    fn tells_what_is_missing_and_what_is_no_json() {
        assert_eq!(fields("{}"), [(String::new(), "missing field `name`".to_owned())]);
        assert_eq!(fields(r#"{"counts": []}"#)[0].1, "missing field `name`");
        assert!(fields("{")[0].1.starts_with("is not a JSON object"));
        assert!(fields("[1]")[0].1.starts_with("is not a JSON object"));
    }
}
