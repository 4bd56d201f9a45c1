//! Iceberg's type grammar (<https://iceberg.apache.org/spec/#schemas-and-data-types>), with the nested spelling that the
//! contract has: `list<T>`, `map<K, V>`, `struct<name: T, ...>`.

use drls_plugin::names;

/// Deeper types are refused: a parser that recurses without end is a trap.
const DEEPEST: usize = 32;

const PRIMITIVES: [&str; 12] = [
    "boolean",
    "int",
    "long",
    "float",
    "double",
    "date",
    "time",
    "timestamp",
    "timestamptz",
    "string",
    "uuid",
    "binary",
];
/// From format 3 on.
const NANOSECONDS: [&str; 2] = ["timestamp_ns", "timestamptz_ns"];
/// From format 3 on, and unknown to PyIceberg 0.12, which adds columns.
const ELSEWHERE: [&str; 4] = ["variant", "geometry", "geography", "unknown"];
/// Names of other systems, with Iceberg's.
const ALIASES: [(&str, &str); 25] = [
    ("bigint", "long"),
    ("int8", "long"),
    ("int64", "long"),
    ("integer", "int"),
    ("int4", "int"),
    ("int32", "int"),
    ("smallint", "int"),
    ("tinyint", "int"),
    ("bool", "boolean"),
    ("real", "float"),
    ("float32", "float"),
    ("float64", "double"),
    ("numeric", "decimal(38, 10)"),
    ("number", "decimal(38, 10)"),
    ("varchar", "string"),
    ("char", "string"),
    ("text", "string"),
    ("json", "string"),
    ("datetime", "timestamp"),
    ("timestamp_ntz", "timestamp"),
    ("timestamp_ltz", "timestamptz"),
    ("blob", "binary"),
    ("bytes", "binary"),
    ("varbinary", "binary"),
    ("array", "list<...>"),
];

/// The type in Iceberg's own spelling.
///
/// # Errors
/// A sentence with what is wrong and what would be right.
pub(crate) fn normalise(text: &str, format_version: u8) -> Result<String, String> {
    let mut parser = Parser { rest: text.trim(), format_version };
    let spelled = parser.data_type(0)?;
    if parser.rest.is_empty() {
        Ok(spelled)
    } else {
        Err(format!("is followed by \"{}\", which is no part of a type", parser.rest))
    }
}

struct Parser<'a> {
    rest: &'a str,
    format_version: u8,
}

impl<'a> Parser<'a> {
    fn data_type(&mut self, depth: usize) -> Result<String, String> {
        if depth > DEEPEST {
            return Err(format!("is nested more than {DEEPEST} deep"));
        }
        let end = self.rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest.trim_start();
        let name = word.to_ascii_lowercase();
        match name.as_str() {
            "decimal" => self.decimal(),
            "fixed" => self.fixed(),
            "list" => {
                self.need('<', "list<string>")?;
                let element = self.data_type(depth + 1)?;
                self.need('>', "list<string>")?;
                Ok(format!("list<{element}>"))
            }
            "map" => {
                self.need('<', "map<string, int>")?;
                let key = self.data_type(depth + 1)?;
                self.need(',', "map<string, int>")?;
                let value = self.data_type(depth + 1)?;
                self.need('>', "map<string, int>")?;
                Ok(format!("map<{key}, {value}>"))
            }
            "struct" => self.fields(depth),
            name if PRIMITIVES.contains(&name) => Ok(name.to_owned()),
            name if NANOSECONDS.contains(&name) && self.format_version >= 3 => Ok(name.to_owned()),
            name if NANOSECONDS.contains(&name) => Err(format!(
                "{name} exists from format version 3 on, and the table has {}; use {}, or upgrade the table",
                self.format_version,
                name.trim_end_matches("_ns"),
            )),
            name if ELSEWHERE.contains(&name) => Err(format!(
                "{name} exists from format version 3 on and cannot be added here; add it with Spark, on a table of format 3"
            )),
            _ => Err(unknown(word)),
        }
    }

    fn decimal(&mut self) -> Result<String, String> {
        const EXAMPLE: &str = "decimal(10, 2)";
        self.need('(', EXAMPLE)?;
        let precision = self.number(EXAMPLE)?;
        self.need(',', EXAMPLE)?;
        let scale = self.number(EXAMPLE)?;
        self.need(')', EXAMPLE)?;
        if !(1..=38).contains(&precision) {
            return Err(format!("a decimal has 1 to 38 digits, not {precision}"));
        }
        if scale > precision {
            return Err(format!("a decimal of {precision} digits cannot have {scale} of them after the point"));
        }
        Ok(format!("decimal({precision}, {scale})"))
    }

    fn fixed(&mut self) -> Result<String, String> {
        const EXAMPLE: &str = "fixed[16]";
        self.need('[', EXAMPLE)?;
        let length = self.number(EXAMPLE)?;
        self.need(']', EXAMPLE)?;
        if !(1..=999_999_999).contains(&length) {
            return Err(format!("a fixed has a length of 1 to 999999999 bytes, not {length}"));
        }
        Ok(format!("fixed[{length}]"))
    }

    fn fields(&mut self, depth: usize) -> Result<String, String> {
        const EXAMPLE: &str = "struct<city: string, zip: int>";
        self.need('<', EXAMPLE)?;
        let mut names: Vec<String> = Vec::new();
        let mut spelled = Vec::new();
        loop {
            let (name, rest) = self.rest.split_once(':').ok_or_else(|| format!("must be written as {EXAMPLE}"))?;
            let name = name.trim();
            if name.is_empty() || name.contains(['<', '>', ',', '.']) {
                return Err(format!("\"{name}\" is no name of a field; write {EXAMPLE}"));
            }
            if names.contains(&name.to_lowercase()) {
                return Err(format!("names the field \"{name}\" twice (names are compared without case)"));
            }
            names.push(name.to_lowercase());
            self.rest = rest.trim_start();
            spelled.push(format!("{name}: {}", self.data_type(depth + 1)?));
            if self.take('>') {
                return Ok(format!("struct<{}>", spelled.join(", ")));
            }
            self.need(',', EXAMPLE)?;
        }
    }

    fn take(&mut self, mark: char) -> bool {
        let rest = self.rest.strip_prefix(mark);
        self.rest = rest.map_or(self.rest, str::trim_start);
        rest.is_some()
    }

    fn need(&mut self, mark: char, example: &str) -> Result<(), String> {
        if self.take(mark) { Ok(()) } else { Err(format!("must be written as {example}")) }
    }

    fn number(&mut self, example: &str) -> Result<u32, String> {
        let end = self.rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(end);
        self.rest = rest.trim_start();
        digits.parse().map_err(|_| format!("must be written as {example}"))
    }
}

fn unknown(word: &str) -> String {
    let lower = word.to_ascii_lowercase();
    let known =
        PRIMITIVES.into_iter().chain(NANOSECONDS).chain(["decimal(10, 2)", "fixed[16]", "list<...>", "map<..., ...>"]);
    let alias = ALIASES.iter().find(|(name, _)| *name == lower).map(|(_, iceberg)| *iceberg);
    let near = alias.map_or_else(|| names::hint(&lower, known), |name| format!("; did you mean \"{name}\"?"));
    let then = if near.is_empty() { "; known" } else { " Known" };
    format!(
        "\"{word}\" is not an Iceberg type{near}{then} are {}, decimal(P, S), fixed[L], list<T>, map<K, V> and \
         struct<name: T>",
        PRIMITIVES.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spells_as_iceberg_does() {
        for (text, spelled) in [
            ("LONG", "long"),
            (" timestamptz ", "timestamptz"),
            ("decimal( 10 ,2 )", "decimal(10, 2)"),
            ("fixed[16]", "fixed[16]"),
            ("List<string>", "list<string>"),
            ("map<string,list<int>>", "map<string, list<int>>"),
            ("struct< City:string ,zip: struct<a: int>>", "struct<City: string, zip: struct<a: int>>"),
        ] {
            assert_eq!(normalise(text, 2).as_deref(), Ok(spelled), "{text}");
        }
    }

    #[test]
    fn names_the_type_that_was_meant() {
        for (text, meant) in
            [("bigint", "long"), ("varchar", "string"), ("strnig", "string"), ("array<int>", "list<...>")]
        {
            let problem = normalise(text, 2).unwrap_err();
            assert!(problem.contains(&format!("did you mean \"{meant}\"?")), "{problem}");
        }
        let problem = normalise("quux", 2).unwrap_err();
        assert!(problem.starts_with("\"quux\" is not an Iceberg type; known are boolean"), "{problem}");
    }

    #[test]
    fn refuses_what_is_out_of_bounds_or_badly_written() {
        for text in [
            "",
            "decimal",
            "decimal(39, 2)",
            "decimal(5, 6)",
            "decimal(0, 0)",
            "decimal(-1, 0)",
            "fixed[0]",
            "fixed",
            "list",
            "list<>",
            "list<string",
            "map<string>",
            "struct<>",
            "struct<a>",
            "struct<a: int, A: int>",
            "int int",
            "long(5)",
            "struct<a.b: int>",
        ] {
            assert!(normalise(text, 2).is_err(), "{text}");
        }
        assert!(normalise(&format!("{}int{}", "list<".repeat(40), ">".repeat(40)), 2).unwrap_err().contains("deep"));
    }

    #[test]
    fn nanoseconds_come_with_format_3() {
        assert!(normalise("timestamp_ns", 2).unwrap_err().contains("format version 3"));
        assert_eq!(normalise("timestamptz_ns", 3).as_deref(), Ok("timestamptz_ns"));
        assert!(normalise("variant", 3).is_err());
    }
}
