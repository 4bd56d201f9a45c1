//! Names of tables as they stand in paths and bodies: `namespace.table`, nested `a.b.table`.

use std::{borrow::Cow, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, SchemaFormat, Type},
};

/// The longest name accepted, in bytes: a path segment of a file system holds no more.
const LONGEST: usize = 255;

/// A table's full name: at least one namespace part and the table's own.
///
/// A part that holds anything but letters, digits, `_` and `-` stands in back-ticks, where a doubled back-tick means one of them:
/// ``a.`b.c`.d`` has the three parts `a`, `b.c` and `d`. The text form is unique: [`fmt::Display`] quotes only where it must.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableName {
    parts: Vec<String>,
}

/// Why a text is no table name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// One part only.
    #[error("a table is named namespace.table; {0:?} names no namespace")]
    NoNamespace(String),
    /// Nothing between two dots, or at an end.
    #[error("part {0} of the name is empty")]
    EmptyPart(usize),
    /// A character that has to be quoted, or may not be there at all.
    #[error("part {part} of the name has {character:?}; wrap the part in back-ticks")]
    Unquoted {
        /// Number of the part, from 1.
        part: usize,
        /// The character.
        character: char,
    },
    /// A control character, which no name may have.
    #[error("part {0} of the name has a control character")]
    Control(usize),
    /// A back-tick without its partner.
    #[error("part {0} of the name has an open back-tick")]
    OpenQuote(usize),
    /// Text after a closing back-tick.
    #[error("part {0} of the name goes on after its closing back-tick; a dot must follow")]
    AfterQuote(usize),
    /// Too long.
    #[error("the name has {0} bytes; at most {LONGEST} are allowed")]
    TooLong(usize),
}

impl TableName {
    /// A name of given parts.
    ///
    /// # Errors
    /// As for parsing: fewer than two parts, an empty one, control characters, too long.
    pub fn new(parts: Vec<String>) -> Result<Self, NameError> {
        for (index, part) in parts.iter().enumerate() {
            if part.is_empty() {
                return Err(NameError::EmptyPart(index + 1));
            }
            if part.chars().any(char::is_control) {
                return Err(NameError::Control(index + 1));
            }
        }
        if parts.len() < 2 {
            return Err(NameError::NoNamespace(parts.concat()));
        }
        Ok(Self { parts })
    }

    /// All parts: the namespace's, then the table's own.
    pub fn parts(&self) -> &[String] {
        &self.parts
    }

    /// The parts of the namespace; at least one.
    pub fn namespace(&self) -> &[String] {
        self.parts.split_last().map_or(&[], |(_, namespace)| namespace)
    }

    /// The table's own name, without the namespace.
    pub fn table(&self) -> &str {
        self.parts.last().map_or("", String::as_str)
    }
}

/// Whether a part can stand without back-ticks.
fn is_plain(character: char) -> bool {
    character.is_alphanumeric() || character == '_' || character == '-'
}

impl FromStr for TableName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > LONGEST {
            return Err(NameError::TooLong(text.len()));
        }
        let mut parts = Vec::new();
        let mut rest = text;
        loop {
            let number = parts.len() + 1;
            let (part, after) = match rest.strip_prefix('`') {
                Some(quoted) => take_quoted(quoted, number)?,
                None => take_plain(rest, number)?,
            };
            parts.push(part);
            match after {
                Some(after) => rest = after,
                None => return Self::new(parts),
            }
        }
    }
}

/// A part without back-ticks, and what stands after the dot that ends it.
fn take_plain(text: &str, part: usize) -> Result<(String, Option<&str>), NameError> {
    let (name, after) = text.split_once('.').map_or((text, None), |(name, after)| (name, Some(after)));
    match name.chars().find(|character| !is_plain(*character)) {
        Some(character) if character.is_control() => Err(NameError::Control(part)),
        Some(character) => Err(NameError::Unquoted { part, character }),
        None => Ok((name.to_owned(), after)),
    }
}

/// A part after its opening back-tick, and what stands after the dot that follows its closing one.
fn take_quoted(text: &str, part: usize) -> Result<(String, Option<&str>), NameError> {
    let mut name = String::new();
    let mut rest = text;
    loop {
        let (before, after) = rest.split_once('`').ok_or(NameError::OpenQuote(part))?;
        name.push_str(before);
        if let Some(again) = after.strip_prefix('`') {
            name.push('`');
            rest = again;
        } else if after.is_empty() {
            return Ok((name, None));
        } else {
            return after.strip_prefix('.').map(|after| (name, Some(after))).ok_or(NameError::AfterQuote(part));
        }
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, part) in self.parts.iter().enumerate() {
            if index > 0 {
                f.write_str(".")?;
            }
            if part.chars().all(is_plain) {
                f.write_str(part)?;
            } else {
                write!(f, "`{}`", part.replace('`', "``"))?;
            }
        }
        Ok(())
    }
}

impl Serialize for TableName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TableName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl PartialSchema for TableName {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::Custom("table-name".to_owned())))
            .max_length(Some(LONGEST))
            .description(Some("`namespace.table`; a part with a dot or other odd characters stands in back-ticks"))
            .examples(["flights.weather"])
            .into()
    }
}

impl ToSchema for TableName {}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Result<Vec<String>, NameError> {
        text.parse::<TableName>().map(|name| name.parts)
    }

    #[test]
    fn reads_plain_nested_and_quoted_names() {
        assert_eq!(parts("flights.weather").unwrap(), ["flights", "weather"]);
        assert_eq!(parts("a.b.c").unwrap(), ["a", "b", "c"]);
        assert_eq!(parts("a.`b.c`").unwrap(), ["a", "b.c"]);
        assert_eq!(parts("`x y`.`b``c`.d").unwrap(), ["x y", "b`c", "d"]);
        assert_eq!(parts("größe.tabelle-1").unwrap(), ["größe", "tabelle-1"]);
    }

    #[test]
    fn tells_what_is_wrong_with_a_malformed_name() {
        assert_eq!(parts("flights").unwrap_err(), NameError::NoNamespace("flights".to_owned()));
        assert_eq!(parts("").unwrap_err(), NameError::EmptyPart(1));
        assert_eq!(parts("a..b").unwrap_err(), NameError::EmptyPart(2));
        assert_eq!(parts("a.b.").unwrap_err(), NameError::EmptyPart(3));
        assert_eq!(parts("a.``").unwrap_err(), NameError::EmptyPart(2));
        assert_eq!(parts("a.b c").unwrap_err(), NameError::Unquoted { part: 2, character: ' ' });
        assert_eq!(parts("a/../b.c").unwrap_err(), NameError::Unquoted { part: 1, character: '/' });
        assert_eq!(parts("a.`b").unwrap_err(), NameError::OpenQuote(2));
        assert_eq!(parts("a.`b`c").unwrap_err(), NameError::AfterQuote(2));
        assert_eq!(parts("a.`b\n`").unwrap_err(), NameError::Control(2));
        assert_eq!(parts(&format!("a.{}", "b".repeat(300))).unwrap_err(), NameError::TooLong(302));
    }

    #[test]
    fn writes_a_name_so_that_it_reads_back_the_same() {
        for text in ["a.b", "a.`b.c`.d", "`x y`.`b``c`"] {
            assert_eq!(text.parse::<TableName>().unwrap().to_string(), text);
        }
        assert_eq!("`a`.`b`".parse::<TableName>().unwrap().to_string(), "a.b");
    }
}
