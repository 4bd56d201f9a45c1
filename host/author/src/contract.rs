//! The contract for guests whose tools import a whole interface: cut down to the facts that a plugin reads, so that the
//! component asks for no more, and no more is gathered for it.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use crate::guest::lay_out;

/// Files of the contract, by name.
const WIT: [(&str, &str); 4] = [
    ("facts.wit", include_str!("../../../wit/facts.wit")),
    ("health-rule.wit", include_str!("../../../wit/health-rule.wit")),
    ("table-operation.wit", include_str!("../../../wit/table-operation.wit")),
    ("types.wit", include_str!("../../../wit/types.wit")),
];

/// The capability to send requests.
const HTTP: &str = include_str!("../../../wit/http/client.wit");

/// The world of a plugin that sends requests.
const SENDING: &str = "sending";

/// Where the methods of a table begin.
const TABLE: &str = "  resource table {\n";

/// Stays where a plugin reads nothing: the bindings of a table without methods cannot take one over.
const LEAST: &str = "id";

/// What the main file of a plugin in another language exports.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Exported {
    /// Name of the world.
    pub(crate) kind: String,
    /// Methods of `table` that it calls, by their names in the contract.
    pub(crate) facts: Vec<String>,
}

impl Exported {
    /// Reads what the describing script printed.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        serde_json::from_str(text.lines().last().unwrap_or_default()).context("cannot read what the plugin exports")
    }

    /// Name of the interface that the world exports.
    pub(crate) fn interface(&self) -> Result<&'static str> {
        match self.kind.as_str() {
            "health-rule" => Ok("health"),
            "table-operation" => Ok("operation"),
            other => bail!("there is no kind {other}"),
        }
    }

    /// Writes the contract into a new folder, with these methods of `table` and no others; `http`: with the capability to send
    /// requests. Gives the name of the world.
    pub(crate) fn write_wit(&self, folder: &Path, http: bool) -> Result<&str> {
        for (name, text) in WIT {
            let text = if name == "facts.wit" { self.narrowed(text)? } else { text.to_owned() };
            lay_out(folder, &[(name, &text)])?;
        }
        if !http {
            return Ok(&self.kind);
        }
        let kind = &self.kind;
        let world = format!(
            "package drls:plugin@0.1.0;\n\nworld {SENDING} {{\n  include {kind};\n  import drls:http/client@0.1.0;\n}}\n"
        );
        lay_out(folder, &[("sending.wit", &world), ("deps/http/client.wit", HTTP)])?;
        Ok(SENDING)
    }

    fn narrowed(&self, facts: &str) -> Result<String> {
        let (before, methods) = facts.split_once(TABLE).context("the contract has no table")?;
        let mut kept = String::new();
        // A method is its lines of documentation and then a line of its own.
        let mut documentation = String::new();
        for line in methods.split_inclusive('\n') {
            documentation.push_str(line);
            let method = line.split_once(": func(").map(|(name, _)| name.trim());
            let reads = |name| self.facts.iter().any(|fact| fact == name) || self.facts.is_empty() && name == LEAST;
            if method.is_none_or(reads) {
                if method.is_some() || !line.trim_start().starts_with("///") {
                    kept.push_str(&documentation);
                    documentation.clear();
                }
            } else {
                documentation.clear();
            }
        }
        Ok(format!("{before}{TABLE}{kept}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_what_is_read_with_its_words_and_nothing_else() {
        let exported =
            Exported { kind: "health-rule".to_owned(), facts: vec!["totals".to_owned(), "as-of".to_owned()] };
        let text = exported.narrowed(WIT[0].1).unwrap();
        let methods = text.split_once(TABLE).unwrap().1;
        assert_eq!(methods.matches(": func(").count(), 2, "{methods}");
        assert!(
            methods.starts_with("    /// Totals of the current snapshot.\n    totals: func() -> totals;\n"),
            "{methods}"
        );
        assert!(methods.ends_with("    as-of: func() -> s64;\n  }\n}\n"), "{methods}");
    }

    #[test]
    fn keeps_one_method_where_nothing_is_read() {
        let exported = Exported { kind: "health-rule".to_owned(), facts: Vec::new() };
        let text = exported.narrowed(WIT[0].1).unwrap();
        let methods = text.split_once(TABLE).unwrap().1;
        assert_eq!(methods.matches(": func(").count(), 1, "{methods}");
        assert!(methods.contains("    id: func() -> table-id;\n"), "{methods}");
    }
}
