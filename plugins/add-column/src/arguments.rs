//! What a caller says, and whether the schema can take it.

use drls_plugin::columns::{Columns, name_problem, split};
use drls_plugin::facts::Field;
use drls_plugin::{Error, Problems, names};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::types;

/// The new column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Add a column")]
pub(crate) struct Arguments {
    /// Its path: "notes" at the top, "address.zip" in the struct address, "tags.element.name" in a list of structs.
    #[schemars(title = "Path", length(min = 1))]
    pub(crate) path: String,
    /// Its type as Iceberg spells it: long, decimal(10, 2), timestamptz, list<string>, map<string, int>,
    /// struct<city: string, zip: int>.
    #[serde(rename = "type")]
    #[schemars(title = "Type", length(min = 1))]
    pub(crate) data_type: String,
    /// A comment.
    #[serde(default)]
    #[schemars(title = "Comment")]
    pub(crate) doc: Option<String>,
    /// Name of the column beside it that it follows; nothing puts it last.
    #[serde(default)]
    #[schemars(title = "After")]
    pub(crate) after: Option<String>,
}

/// The type in Iceberg's spelling.
///
/// # Errors
/// Every mistake at once.
pub(crate) fn check(fields: &[Field], format_version: u8, arguments: &Arguments) -> Result<String, Error> {
    let columns = Columns(fields);
    let mut problems = Problems::default();
    let (parent, name) = split(&arguments.path);
    if let Some(problem) = parent_problem(columns, parent).or_else(|| name_problem(name, columns.children(parent))) {
        problems.add("/path", problem);
    }
    let data_type = types::normalise(&arguments.data_type, format_version);
    if let Err(problem) = &data_type {
        problems.add("/type", problem.clone());
    }
    if let Some(after) = &arguments.after {
        let siblings: Vec<&str> = columns.children(parent).map(|f| split(&f.path).1).collect();
        if !siblings.contains(&after.as_str()) {
            let place = if parent.is_empty() { "at the top level".into() } else { format!("in \"{parent}\"") };
            let near = names::hint(after, siblings);
            problems.add("/after", format!("there is no column \"{after}\" {place}{near}"));
        }
    }
    problems.check()?;
    data_type.map_err(|problem| Error::invalid("/type", problem))
}

fn parent_problem(columns: Columns<'_>, parent: &str) -> Option<String> {
    if parent.is_empty() {
        return None;
    }
    let field = match columns.find(parent) {
        Ok(field) => field,
        Err(problem) => return Some(format!("{problem}; a column is added to a struct that exists")),
    };
    let kind = field.data_type.split('<').next().unwrap_or_default();
    let part = match kind {
        "struct" => return None,
        "list" => "element",
        "map" => "value",
        other => return Some(format!("\"{parent}\" is a {other}; a column is added at the top level or to a struct")),
    };
    Some(format!("\"{parent}\" is a {kind}; a column is added to the struct \"{parent}.{part}\" in it, if it is one"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields() -> Vec<Field> {
        let field = |id, path: &str, data_type: &str| Field {
            id,
            path: path.into(),
            data_type: data_type.into(),
            required: false,
            doc: None,
            identifier: false,
        };
        vec![
            field(1, "id", "long"),
            field(2, "address", "struct<city: string>"),
            field(3, "address.city", "string"),
            field(4, "tags", "list<struct<name: string>>"),
            field(5, "tags.element", "struct<name: string>"),
            field(6, "tags.element.name", "string"),
        ]
    }

    fn checked(path: &str, data_type: &str, after: Option<&str>) -> Result<String, Vec<(String, String)>> {
        let arguments =
            Arguments { path: path.into(), data_type: data_type.into(), doc: None, after: after.map(Into::into) };
        match check(&fields(), 2, &arguments) {
            Ok(data_type) => Ok(data_type),
            Err(Error::Invalid(fields)) => Err(fields.into_iter().map(|f| (f.pointer, f.detail)).collect()),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn takes_a_column_at_the_top_in_a_struct_and_in_the_struct_of_a_list() {
        assert_eq!(checked("notes", "String", Some("id")), Ok("string".into()));
        assert_eq!(checked("address.zip", "int", Some("city")), Ok("int".into()));
        assert_eq!(checked("tags.element.weight", "decimal(9,2)", None), Ok("decimal(9, 2)".into()));
    }

    #[test]
    fn refuses_a_name_that_is_taken_whatever_its_case() {
        assert!(checked("ID", "int", None).unwrap_err()[0].1.contains("\"id\""));
        assert!(checked("address.City", "int", None).is_err());
        assert!(checked("city", "int", None).is_ok(), "another level");
    }

    #[test]
    fn refuses_a_parent_that_is_no_struct_or_does_not_exist() {
        assert!(checked("id.part", "int", None).unwrap_err()[0].1.contains("\"id\" is a long"));
        assert!(checked("tags.weight", "int", None).unwrap_err()[0].1.contains("\"tags.element\""));
        assert!(checked("adress.zip", "int", None).unwrap_err()[0].1.contains("did you mean \"address\"?"));
    }

    #[test]
    fn tells_every_mistake_at_once() {
        let told = checked("", "bigint", Some("idd")).unwrap_err();
        let pointers: Vec<&str> = told.iter().map(|(p, _)| p.as_str()).collect();
        assert_eq!(pointers, ["/path", "/type", "/after"]);
        assert!(told[1].1.contains("did you mean \"long\"?") && told[2].1.contains("did you mean \"id\"?"), "{told:?}");
    }
}
