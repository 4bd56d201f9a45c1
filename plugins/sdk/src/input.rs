//! Reading what the host hands over. The host has validated it against the schema already; a plugin that is called by
//! another host, or whose schema says less than its types, still answers with fields and not with a trap.

use serde::de::DeserializeOwned;
use serde_json::Value;

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

/// Parses a JSON object; the empty string stands for an empty one. Every field that does not fit is told: each failed
/// field is set aside and the rest tried again.
pub(crate) fn parse<T: DeserializeOwned>(json: &str) -> Result<T, Error> {
    let text = if json.trim().is_empty() { "{}" } else { json };
    let mut rest: Value = serde_json::from_str(text).map_err(|e| Error::invalid("", format!("is not JSON: {e}")))?;
    let mut problems = Problems::default();
    let mut aside: Vec<String> = Vec::new();
    loop {
        let error = match serde_path_to_error::deserialize::<_, T>(&rest) {
            Ok(value) => return problems.check().map(|()| value),
            Err(error) => error,
        };
        let pointer = pointer(error.path());
        let first = pointer.split('/').nth(1).map(unescape);
        let detail = error.into_inner().to_string();
        // A required field that was set aside is missing only because of that, and is told already.
        if !aside.iter().any(|name| detail == format!("missing field `{name}`")) {
            problems.add(pointer, detail);
        }
        let removed = first.filter(|name| rest.as_object_mut().is_some_and(|object| object.remove(name).is_some()));
        match removed {
            Some(name) => aside.push(name),
            None => return Err(Error::Invalid(problems.0)),
        }
    }
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => format!("/{}", escape(key)),
            Segment::Enum { variant } => format!("/{}", escape(variant)),
            Segment::Unknown => String::new(),
        })
        .collect()
}

fn escape(token: &str) -> String {
    token.replace('~', "~0").replace('/', "~1")
}

fn unescape(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
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
        assert!(
            pointers.contains(&"/name") && pointers.contains(&"/counts/1") && pointers.contains(&"/nmae"),
            "{told:?}"
        );
    }

    #[test]
    fn tells_what_is_missing_and_what_is_no_json() {
        assert_eq!(fields("{}"), [(String::new(), "missing field `name`".to_owned())]);
        assert!(fields("{")[0].1.starts_with("is not JSON"));
    }
}
