//! Operation: renames a column, at the top or in a struct.

use drls_plugin::columns::{Columns, kept_as_they_are, name_problem, split};
use drls_plugin::facts::{Field, PartitionSpec, SortField};
use drls_plugin::steps::{Effect, RenameColumn, Reversibility, Step};
use drls_plugin::{
    About, Error, NoConfig, Plan, Problems, Properties, Table, TableOperation, Throughput, export_operation,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

struct Rename;

/// Which column, and its new name.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Rename a column")]
struct Arguments {
    /// Path of the column: "note" at the top, "address.zip" in a struct.
    #[schemars(title = "Path", length(min = 1))]
    path: String,
    /// The new name, without the path.
    #[schemars(title = "New name", length(min = 1))]
    name: String,
}

impl TableOperation for Rename {
    const ABOUT: About = About {
        id: "rename-column",
        title: "Rename a column",
        summary: "Gives a column another name. Changes metadata only: Iceberg follows columns by id.",
        icon: "column-edit",
    };
    type Arguments = Arguments;
    type Config = NoConfig;

    fn arguments_schema() -> String {
        include_str!("../arguments-schema.json").into()
    }

    fn plan(table: &Table, arguments: Arguments, _: NoConfig, _: Throughput) -> Result<Plan, Error> {
        let schema = Schema {
            fields: table.fields(),
            specs: table.partition_specs(),
            sort_order: table.sort_order(),
            properties: Properties::from_iter(table.properties()),
            kept: kept_as_they_are(&table.snapshots(), &table.refs()),
        };
        plan(&schema, Effect::unchanged(table.totals()), arguments)
    }
}

export_operation!(Rename);

/// What may depend on a column's name.
struct Schema {
    fields: Vec<Field>,
    specs: Vec<PartitionSpec>,
    sort_order: Vec<SortField>,
    properties: Properties,
    /// What is read under the old name still.
    kept: Option<String>,
}

fn plan(schema: &Schema, effect: Effect, arguments: Arguments) -> Result<Plan, Error> {
    let Arguments { path, name } = arguments;
    let columns = Columns(&schema.fields);
    let mut problems = Problems::default();
    let (parent, old) = split(&path);
    match columns.find(&path) {
        Err(problem) => problems.add("/path", problem),
        Ok(_) if columns.get(parent).is_some_and(|f| !f.data_type.starts_with("struct<")) => {
            problems.add(
                "/path",
                format!("\"{path}\" is a part of a list or map and has no name of its own; name a column"),
            );
        }
        Ok(_) => {}
    }
    let others = columns.children(parent).filter(|f| f.path != path);
    if let Some(problem) = name_problem(&name, others) {
        problems.add("/name", problem);
    }
    problems.check()?;
    if name == old {
        return Ok(Plan::nothing(effect, format!("The column is called \"{name}\" already.")));
    }
    let uses = uses(schema, columns, &path);
    let mut plan = Plan::new(vec![Step::RenameColumn(RenameColumn { path, name })], effect, Reversibility::Inverse)
        .warn("Queries, views and jobs that say the old name fail afterwards, until they say the new one.");
    plan.warnings.extend(uses);
    Ok(plan)
}

/// What goes by the column: Iceberg follows it by id, people and settings by name.
fn uses(schema: &Schema, columns: Columns<'_>, path: &str) -> Vec<String> {
    let ids: Vec<i32> = columns.tree(path).map(|f| f.id).collect();
    let mut uses = Vec::new();
    for spec in schema.specs.iter().filter(|s| s.is_default) {
        for field in spec.fields.iter().filter(|f| ids.contains(&f.source_id) && f.transform != "void") {
            uses.push(format!(
                "The table is partitioned by it; the partition field keeps its name \"{}\".",
                field.name
            ));
        }
    }
    if schema.sort_order.iter().any(|f| ids.contains(&f.source_id)) {
        uses.push("The table's sort order goes by it, and still does under the new name.".into());
    }
    if columns.tree(path).any(|f| f.identifier) {
        uses.push(
            "It is an identifier field, and still is under the new name; writers that upsert by name must change."
                .into(),
        );
    }
    let paths: Vec<&str> = columns.tree(path).map(|f| f.path.as_str()).collect();
    for key in schema.properties.of_columns(&paths) {
        uses.push(format!(
            "The table property \"{key}\" goes by the old name and holds for nothing afterwards; set one for the new name."
        ));
    }
    if let Some(kept) = &schema.kept {
        uses.push(format!(
            "{kept}: who reads one by its id, a time or a tag still sees the old name. The table and its branches are read \
             under the new one."
        ));
    }
    uses
}

#[cfg(test)]
mod tests {
    use super::*;
    use drls_plugin::facts::{PartitionField, Totals};

    fn schema() -> Schema {
        let field = |id, path: &str, data_type: &str| Field {
            id,
            path: path.into(),
            data_type: data_type.into(),
            required: false,
            doc: None,
            identifier: id == 1,
        };
        let day = PartitionField { source_id: 2, source: "at".into(), transform: "day".into(), name: "at_day".into() };
        Schema {
            fields: vec![
                field(1, "id", "long"),
                field(2, "at", "timestamptz"),
                field(3, "place", "struct<city: string>"),
                field(4, "place.city", "string"),
                field(5, "tags", "list<string>"),
                field(6, "tags.element", "string"),
            ],
            specs: vec![PartitionSpec { id: 0, is_default: true, fields: vec![day] }],
            sort_order: vec![SortField {
                source_id: 4,
                source: "place.city".into(),
                transform: "identity".into(),
                descending: false,
                nulls_first: true,
            }],
            properties: Properties::from_iter([("write.metadata.metrics.column.place.city".into(), "full".into())]),
            kept: Some("2 snapshots, of which 1 is tagged".into()),
        }
    }

    fn planned(path: &str, name: &str) -> Result<Plan, Error> {
        let totals = Totals {
            records: 0,
            data_files: 0,
            data_bytes: 0,
            delete_files: 0,
            position_deletes: 0,
            equality_deletes: 0,
            manifests: None,
        };
        plan(&schema(), Effect::unchanged(totals), Arguments { path: path.into(), name: name.into() })
    }

    fn refused(path: &str, name: &str) -> Vec<(String, String)> {
        match planned(path, name) {
            Err(Error::Invalid(fields)) => fields.into_iter().map(|f| (f.pointer, f.detail)).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn renames_at_the_top_and_in_a_struct() {
        assert_eq!(planned("place.city", "town").unwrap().steps.len(), 1);
        assert_eq!(planned("id", "ID").unwrap().steps.len(), 1, "a change of case is a change");
        assert_eq!(planned("id", "id").unwrap().steps, []);
    }

    #[test]
    fn warns_where_partitioning_sorting_or_identity_go_by_it() {
        assert!(planned("at", "time").unwrap().warnings[1].contains("\"at_day\""));
        assert!(planned("place", "where").unwrap().warnings[1].contains("sort order"));
        assert!(planned("id", "key").unwrap().warnings[1].contains("identifier field"));
    }

    #[test]
    fn warns_of_properties_by_name_and_of_snapshots_that_keep_it() {
        for (path, name) in [("place.city", "town"), ("place", "where")] {
            let warnings = planned(path, name).unwrap().warnings;
            let told = |words: &str| warnings.iter().any(|one| one.contains(words));
            assert!(told("\"write.metadata.metrics.column.place.city\" goes by the old name"), "{warnings:?}");
            assert!(told("2 snapshots, of which 1 is tagged: who reads one"), "{warnings:?}");
        }
        assert!(!planned("at", "time").unwrap().warnings.iter().any(|one| one.contains("property")));
    }

    #[test]
    fn refuses_bad_taken_and_unknown_names_all_at_once() {
        assert!(refused("id", "AT")[0].1.contains("\"at\""));
        let told = refused("place.ctiy", "a.b");
        assert_eq!((told[0].0.as_str(), told[1].0.as_str()), ("/path", "/name"));
        assert!(told[0].1.contains("did you mean \"place.city\"?"), "{told:?}");
        assert!(refused("tags.element", "tag")[0].1.contains("list or map"));
    }
}
