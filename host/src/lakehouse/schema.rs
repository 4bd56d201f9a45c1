//! A table's schema as people read it: nested, with the history of what changed.

use std::collections::BTreeMap;

use serde::Serialize;

use super::catalogs::Located;
use super::full_name;
use super::metadata::{Field, Metadata, Schema};

/// A field and those inside it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct SchemaField {
    /// Iceberg field id.
    pub(crate) id: i32,
    /// Last part of the path.
    pub(crate) name: String,
    /// Dotted path.
    pub(crate) path: String,
    /// Iceberg type.
    #[serde(rename = "type")]
    pub(crate) data_type: String,
    /// May not be null.
    pub(crate) required: bool,
    /// Comment.
    pub(crate) doc: Option<String>,
    /// One of the identifier fields.
    pub(crate) identifier: bool,
    /// Fields inside it.
    #[schema(no_recursion)]
    pub(crate) fields: Vec<SchemaField>,
}

/// A field of the default partition spec.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct PartitionBy {
    /// Name of the partition field.
    pub(crate) name: String,
    /// Column.
    pub(crate) source: String,
    /// Transform as the specification spells it.
    pub(crate) transform: String,
}

/// A field of the default sort order.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct SortBy {
    /// Column.
    pub(crate) source: String,
    /// Transform.
    pub(crate) transform: String,
    /// "asc" or "desc".
    pub(crate) direction: &'static str,
    /// "nulls-first" or "nulls-last".
    pub(crate) null_order: &'static str,
}

/// A column that changed its path.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct Renamed {
    /// Before.
    pub(crate) from: String,
    /// After.
    pub(crate) to: String,
}

/// A column that changed its type.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct Retyped {
    /// Path.
    pub(crate) path: String,
    /// Before.
    pub(crate) from: String,
    /// After.
    pub(crate) to: String,
}

/// One schema of the table beside the one before it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct SchemaChange {
    /// Schema id.
    pub(crate) schema_id: i32,
    /// Paths that were added.
    pub(crate) added: Vec<String>,
    /// Paths that were dropped.
    pub(crate) dropped: Vec<String>,
    /// Paths that changed.
    pub(crate) renamed: Vec<Renamed>,
    /// Types that changed.
    pub(crate) retyped: Vec<Retyped>,
}

/// Schema of one table.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct TableSchema {
    /// Name of the table.
    pub(crate) table: String,
    /// Its catalog.
    pub(crate) catalog: String,
    /// What tells it from another table of its name; none in a table of format 1 that was never given one.
    pub(crate) uuid: Option<String>,
    /// Current schema.
    pub(crate) schema_id: i32,
    /// Its fields.
    pub(crate) fields: Vec<SchemaField>,
    /// Default partition spec; empty for an unpartitioned table.
    pub(crate) partitioning: Vec<PartitionBy>,
    /// Default sort order; empty for an unsorted table.
    pub(crate) sorting: Vec<SortBy>,
    /// Table properties.
    pub(crate) properties: BTreeMap<String, String>,
    /// 1, 2 or 3.
    pub(crate) format_version: u8,
    /// Root of the table's files.
    pub(crate) location: String,
    /// All schemas, oldest first.
    pub(crate) schemas: Vec<SchemaChange>,
}

/// The schema page of a table.
pub(crate) fn table_schema(table: &Located, metadata: &Metadata) -> TableSchema {
    let current = metadata.current_schema();
    let path = |id: i32| {
        let field = current.and_then(|s| s.flat().into_iter().find(|f| f.id == id));
        field.map_or_else(|| format!("#{id}"), |f| f.path.clone())
    };
    let spec = metadata.specs.iter().find(|s| s.spec_id == metadata.default_spec_id);
    let order = metadata.sort_orders.iter().find(|o| o.order_id == metadata.default_sort_order_id);
    let before = std::iter::once(None).chain(metadata.schemas.iter().map(Some));
    TableSchema {
        table: full_name(&table.id),
        catalog: table.id.catalog.clone(),
        uuid: Some(metadata.table_uuid.clone()).filter(|uuid| !uuid.is_empty()),
        schema_id: metadata.current_schema_id,
        fields: current.map(|s| shown(&s.fields, &s.identifier_field_ids)).unwrap_or_default(),
        partitioning: spec
            .iter()
            .flat_map(|s| &s.fields)
            .map(|f| PartitionBy { name: f.name.clone(), source: path(f.source_id), transform: f.transform.clone() })
            .collect(),
        sorting: order
            .iter()
            .flat_map(|o| &o.fields)
            .map(|f| SortBy {
                source: path(f.source_id),
                transform: f.transform.clone(),
                direction: if f.descending { "desc" } else { "asc" },
                null_order: if f.nulls_first { "nulls-first" } else { "nulls-last" },
            })
            .collect(),
        properties: metadata.properties.clone(),
        format_version: metadata.format_version,
        location: metadata.table_location.clone(),
        schemas: before.zip(&metadata.schemas).map(|(before, schema)| change(before, schema)).collect(),
    }
}

fn shown(fields: &[Field], identifiers: &[i32]) -> Vec<SchemaField> {
    let shown = fields.iter().map(|f| SchemaField {
        id: f.id,
        name: f.name.clone(),
        path: f.path.clone(),
        data_type: f.data_type.clone(),
        required: f.required,
        doc: f.doc.clone(),
        identifier: identifiers.contains(&f.id),
        fields: shown(&f.fields, identifiers),
    });
    shown.collect()
}

/// Fields are the same where their ids are, whatever they are called.
fn change(before: Option<&Schema>, schema: &Schema) -> SchemaChange {
    fn by_id(schema: &Schema) -> BTreeMap<i32, &Field> {
        schema.flat().into_iter().map(|f| (f.id, f)).collect()
    }
    let old = before.map(by_id).unwrap_or_default();
    let new = by_id(schema);
    let both = || new.values().filter_map(|f| Some((*old.get(&f.id)?, *f)));
    SchemaChange {
        schema_id: schema.schema_id,
        added: new.values().filter(|f| !old.contains_key(&f.id)).map(|f| f.path.clone()).collect(),
        dropped: old.values().filter(|f| !new.contains_key(&f.id)).map(|f| f.path.clone()).collect(),
        renamed: both()
            .filter(|(was, is)| was.path != is.path)
            .map(|(was, is)| Renamed { from: was.path.clone(), to: is.path.clone() })
            .collect(),
        retyped: both()
            .filter(|(was, is)| was.data_type != is.data_type && !is_nested(&is.data_type))
            .map(|(was, is)| Retyped { path: is.path.clone(), from: was.data_type.clone(), to: is.data_type.clone() })
            .collect(),
    }
}

/// The type of a nested field spells its children, whose own changes are told already.
fn is_nested(data_type: &str) -> bool {
    ["struct<", "list<", "map<"].iter().any(|start| data_type.starts_with(start))
}
