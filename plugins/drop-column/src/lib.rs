//! Operation: drops a column that nothing of the table goes by.

use drls_plugin::columns::{Columns, kept_as_they_are, split};
use drls_plugin::facts::{Field, PartitionSpec, SortField};
use drls_plugin::steps::{DropColumn, Effect, Reversibility, Step};
use drls_plugin::{
    About, Error, NoConfig, Plan, Problems, Properties, Table, TableOperation, Throughput, export_operation, human,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

struct Drop;

/// Which column.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Drop a column")]
struct Arguments {
    /// Path of the column: "note" at the top, "address.zip" in a struct. Columns nested in it go with it.
    #[schemars(title = "Path", length(min = 1))]
    path: String,
}

impl TableOperation for Drop {
    const ABOUT: About = About {
        id: "drop-column",
        title: "Drop a column",
        summary: "Takes a column out of the schema. Changes metadata only: its values stay in the files until these are \
                  rewritten.",
        icon: "column-minus",
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
        plan(&schema, Effect::unchanged(table.totals()), arguments.path)
    }
}

export_operation!(Drop);

/// What may depend on a column.
struct Schema {
    fields: Vec<Field>,
    specs: Vec<PartitionSpec>,
    sort_order: Vec<SortField>,
    properties: Properties,
    /// What still shows the column.
    kept: Option<String>,
}

fn plan(schema: &Schema, effect: Effect, path: String) -> Result<Plan, Error> {
    let columns = Columns(&schema.fields);
    let (parent, _) = split(&path);
    let field = columns.find(&path).map_err(|problem| Error::invalid("/path", problem))?;
    let mut problems = Problems::default();
    if columns.get(parent).is_some_and(|f| !f.data_type.starts_with("struct<")) {
        problems.add("/path", format!("\"{path}\" is a part of a list or map; drop \"{parent}\" as a whole"));
    } else if columns.children(parent).count() == 1 {
        let place = if parent.is_empty() { "the table".into() } else { format!("\"{parent}\"") };
        problems.add("/path", format!("\"{path}\" is the last column of {place}, which cannot be empty"));
    }
    let tree: Vec<&Field> = columns.tree(&path).collect();
    uses(schema, &tree).into_iter().for_each(|problem| problems.add("/path", problem));
    problems.check()?;

    let nested = tree.len() as u64 - 1;
    let required = field.required;
    let mut plan = Plan::new(vec![Step::DropColumn(DropColumn { path })], effect, Reversibility::Inverse).warn(
        "Queries, views and jobs that name the column fail afterwards. A column of the same name added later is another one: it does \
               not show the old values.",
    );
    if nested > 0 {
        plan = plan.warn(format!("{} nested in it go with it.", human::count(nested, "field")));
    }
    if required {
        plan = plan.warn("The column is required: writers that still send it, or rely on it, must change.");
    }
    let paths: Vec<&str> = tree.iter().map(|f| f.path.as_str()).collect();
    for key in schema.properties.of_columns(&paths) {
        plan =
            plan.warn(format!("The table property \"{key}\" goes by it and stays behind; it holds for nothing then."));
    }
    if let Some(kept) = &schema.kept {
        plan = plan.warn(format!(
            "{kept}: who reads one by its id, a time or a tag still sees the column. Undo brings it back with its values, \
             as long as no file is rewritten without it."
        ));
    }
    Ok(plan)
}

/// Every reason why `tree`, a column with all that is nested in it, has to stay.
fn uses(schema: &Schema, tree: &[&Field]) -> Vec<String> {
    let by_id = |id: i32| tree.iter().find(|f| f.id == id);
    let mut uses = Vec::new();
    for spec in &schema.specs {
        // A void transform is what dropping a partition field leaves behind: nothing goes by it any more.
        for part in spec.fields.iter().filter(|f| f.transform != "void") {
            let Some(field) = by_id(part.source_id) else { continue };
            let (name, transform, id) = (&part.name, &part.transform, spec.id);
            uses.push(if spec.is_default {
                format!(
                    "\"{}\" is what the table is partitioned by (partition field \"{name}\", {transform}); change the \
                     partition spec first",
                    field.path
                )
            } else {
                format!(
                    "\"{}\" is used by the older partition spec {id} (partition field \"{name}\", {transform}), which files \
                     may still follow; rewrite them and remove that spec first",
                    field.path
                )
            });
        }
    }
    for field in schema.sort_order.iter().filter_map(|part| by_id(part.source_id)) {
        uses.push(format!("\"{}\" is part of the table's sort order; change the sort order first", field.path));
    }
    for field in tree.iter().filter(|f| f.identifier) {
        uses.push(format!("\"{}\" is an identifier field; change the identifier fields first", field.path));
    }
    uses
}

#[cfg(test)]
mod tests {
    use super::*;
    use drls_plugin::facts::{PartitionField, Totals};

    fn field(id: i32, path: &str, data_type: &str) -> Field {
        Field { id, path: path.into(), data_type: data_type.into(), required: id == 1, doc: None, identifier: id == 1 }
    }

    fn partition(source_id: i32, transform: &str, name: &str) -> PartitionField {
        PartitionField { source_id, source: String::new(), transform: transform.into(), name: name.into() }
    }

    fn schema() -> Schema {
        Schema {
            fields: vec![
                field(1, "id", "long"),
                field(2, "at", "timestamptz"),
                field(3, "place", "struct<city: string>"),
                field(4, "place.city", "string"),
                field(5, "tags", "list<string>"),
                field(6, "tags.element", "string"),
                field(7, "note", "string"),
                field(8, "old", "string"),
            ],
            specs: vec![
                PartitionSpec { id: 0, is_default: false, fields: vec![partition(8, "identity", "old")] },
                PartitionSpec {
                    id: 1,
                    is_default: true,
                    fields: vec![partition(2, "day", "at_day"), partition(7, "void", "n")],
                },
            ],
            sort_order: vec![SortField {
                source_id: 4,
                source: "place.city".into(),
                transform: "identity".into(),
                descending: false,
                nulls_first: true,
            }],
            properties: Properties::from_iter([("write.metadata.metrics.column.note".into(), "full".into())]),
            kept: Some("1 snapshot".into()),
        }
    }

    fn planned(schema: &Schema, path: &str) -> Result<Plan, Error> {
        let totals = Totals {
            records: 0,
            data_files: 0,
            data_bytes: 0,
            delete_files: 0,
            position_deletes: 0,
            equality_deletes: 0,
            manifests: None,
        };
        plan(schema, Effect::unchanged(totals), path.into())
    }

    fn refused(path: &str) -> Vec<String> {
        match planned(&schema(), path) {
            Err(Error::Invalid(fields)) => {
                assert!(fields.iter().all(|f| f.pointer == "/path"));
                fields.into_iter().map(|f| f.detail).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn drops_what_nothing_goes_by() {
        let plan = planned(&schema(), "note").unwrap();
        assert_eq!((plan.steps.len(), plan.reversibility), (1, Reversibility::Inverse));
        assert!(plan.warnings[1].contains("\"write.metadata.metrics.column.note\" goes by it"), "{:?}", plan.warnings);
        assert!(plan.warnings[2].starts_with("1 snapshot: who reads one"), "{:?}", plan.warnings);
        let nested = planned(&schema(), "tags").unwrap();
        assert!(nested.warnings[1].starts_with("1 field nested"), "{:?}", nested.warnings);
    }

    #[test]
    fn refuses_what_partitioning_sorting_or_identity_go_by() {
        assert!(refused("at")[0].contains("partitioned by (partition field \"at_day\", day)"));
        assert!(refused("old")[0].contains("older partition spec 0"));
        assert!(refused("id")[0].contains("identifier field"));
        assert!(refused("place")[0].contains("\"place.city\" is part of the table's sort order"));
    }

    #[test]
    fn refuses_the_last_column_and_parts_of_lists() {
        let told = refused("place.city");
        assert!(told[0].contains("last column of \"place\""), "{told:?}");
        assert_eq!(told.len(), 2, "the sort order is told too");
        assert!(refused("tags.element")[0].contains("drop \"tags\" as a whole"));
        let single = Schema { fields: vec![field(7, "note", "string")], specs: vec![], sort_order: vec![], ..schema() };
        assert!(planned(&single, "note").is_err());
    }

    #[test]
    fn names_the_column_that_was_meant() {
        assert_eq!(refused("noet"), ["the table has no column \"noet\"; did you mean \"note\"?"]);
    }
}
