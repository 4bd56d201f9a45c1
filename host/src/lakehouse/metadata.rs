//! Iceberg metadata as the Python side hands it over and as our cache keeps it: the metadata file, manifest lists and
//! manifests. All three are immutable in storage, so each is parsed once ever.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One table metadata file, format 1, 2 or 3, normalised.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Metadata {
    /// Path of this metadata file.
    pub(crate) location: String,
    /// Its size.
    pub(crate) metadata_bytes: u64,
    /// 1, 2 or 3.
    pub(crate) format_version: u8,
    /// UUID of the table.
    pub(crate) table_uuid: String,
    /// Root of the table's files.
    pub(crate) table_location: String,
    /// Table properties.
    pub(crate) properties: BTreeMap<String, String>,
    /// Time of the last change, ms since the epoch.
    pub(crate) last_updated_ms: i64,
    /// Current schema.
    pub(crate) current_schema_id: i32,
    /// All schemas, oldest first.
    pub(crate) schemas: Vec<Schema>,
    /// Spec that new files use.
    pub(crate) default_spec_id: i32,
    /// All partition specs.
    pub(crate) specs: Vec<Spec>,
    /// Sort order that new files use.
    pub(crate) default_sort_order_id: i32,
    /// All sort orders.
    pub(crate) sort_orders: Vec<SortOrder>,
    /// Current snapshot.
    pub(crate) current_snapshot_id: Option<i64>,
    /// Snapshots, oldest first.
    pub(crate) snapshots: Vec<Snapshot>,
    /// Branches and tags.
    pub(crate) refs: Vec<Ref>,
    /// Older metadata files.
    pub(crate) metadata_log: Vec<LoggedFile>,
    /// Table statistics files.
    pub(crate) statistics: Vec<StatisticsFile>,
    /// Partition statistics files.
    pub(crate) partition_statistics: Vec<StatisticsFile>,
}

/// One schema.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Schema {
    /// Schema id.
    pub(crate) schema_id: i32,
    /// Identifier fields.
    pub(crate) identifier_field_ids: Vec<i32>,
    /// Top-level fields.
    pub(crate) fields: Vec<Field>,
}

/// A field and those inside it: of a struct; "element" of a list; "key" and "value" of a map.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Field {
    /// Field id.
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
    /// Fields inside it.
    pub(crate) fields: Vec<Field>,
}

impl Schema {
    /// Every field, a parent before its children.
    pub(crate) fn flat(&self) -> Vec<&Field> {
        fn walk<'a>(fields: &'a [Field], all: &mut Vec<&'a Field>) {
            for field in fields {
                all.push(field);
                walk(&field.fields, all);
            }
        }
        let mut all = Vec::new();
        walk(&self.fields, &mut all);
        all
    }
}

/// A partition spec.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Spec {
    /// Spec id.
    pub(crate) spec_id: i32,
    /// Fields.
    pub(crate) fields: Vec<SpecField>,
}

/// A field of a partition spec.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SpecField {
    /// Column that it is made from.
    pub(crate) source_id: i32,
    /// Partition field id.
    pub(crate) field_id: i32,
    /// Name.
    pub(crate) name: String,
    /// Transform.
    pub(crate) transform: String,
}

/// A sort order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SortOrder {
    /// Order id; 0 is unsorted.
    pub(crate) order_id: i32,
    /// Fields.
    pub(crate) fields: Vec<SortOrderField>,
}

/// A field of a sort order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SortOrderField {
    /// Column.
    pub(crate) source_id: i32,
    /// Transform.
    pub(crate) transform: String,
    /// Largest first.
    pub(crate) descending: bool,
    /// Nulls first.
    pub(crate) nulls_first: bool,
}

/// A snapshot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    /// Snapshot id.
    pub(crate) id: i64,
    /// Parent.
    pub(crate) parent: Option<i64>,
    /// Sequence number; 0 in format 1.
    pub(crate) sequence_number: i64,
    /// Commit time, ms.
    pub(crate) committed_at: i64,
    /// Operation.
    pub(crate) operation: String,
    /// Summary as committed.
    pub(crate) summary: BTreeMap<String, String>,
    /// Name of its manifest list, as the reader takes it.
    pub(crate) manifest_list: String,
    /// Schema at that time.
    pub(crate) schema_id: Option<i32>,
}

/// A branch or tag.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Ref {
    /// Name.
    pub(crate) name: String,
    /// "branch" or "tag".
    pub(crate) kind: String,
    /// Snapshot.
    pub(crate) snapshot: i64,
    /// Snapshots kept at least.
    pub(crate) min_snapshots_to_keep: Option<u32>,
    /// Age kept, ms.
    pub(crate) max_snapshot_age: Option<u64>,
    /// Age of the ref, ms.
    pub(crate) max_ref_age: Option<u64>,
}

/// An entry of the metadata log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct LoggedFile {
    /// When it was current, ms.
    pub(crate) at: i64,
    /// Path.
    pub(crate) file: String,
}

/// A statistics file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct StatisticsFile {
    /// Snapshot that it describes.
    pub(crate) snapshot_id: i64,
    /// Path.
    pub(crate) path: String,
    /// Size.
    pub(crate) bytes: u64,
}

/// One manifest list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ManifestList {
    /// Path.
    pub(crate) path: String,
    /// Size.
    pub(crate) bytes: u64,
    /// Manifests in the order of the list.
    pub(crate) manifests: Vec<ManifestRef>,
}

/// One manifest as a manifest list names it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ManifestRef {
    /// Path.
    pub(crate) path: String,
    /// Size.
    pub(crate) bytes: u64,
    /// Partition spec of its files.
    pub(crate) spec_id: i32,
    /// Lists delete files.
    pub(crate) deletes: bool,
    /// Sequence number that entries without one inherit.
    pub(crate) sequence_number: i64,
    /// Smallest data sequence number in it.
    pub(crate) min_sequence_number: i64,
    /// Snapshot that added it.
    pub(crate) added_snapshot_id: i64,
    /// Entries added by that snapshot.
    pub(crate) added_files: u64,
    /// Entries carried over.
    pub(crate) existing_files: u64,
    /// Entries removed by that snapshot.
    pub(crate) deleted_files: u64,
    /// Rows of the added files.
    pub(crate) added_rows: u64,
    /// Rows of the files carried over.
    pub(crate) existing_rows: u64,
    /// Rows of the removed files.
    pub(crate) deleted_rows: u64,
}

impl ManifestRef {
    /// Live entries.
    pub(crate) fn live_files(&self) -> u64 {
        self.added_files + self.existing_files
    }
}

/// Live entries of one manifest by column; every column is as long as `bytes`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entries {
    /// Partition paths, "region=eu/day=2026-11-23".
    pub(crate) partitions: Vec<String>,
    /// Index into `partitions`.
    pub(crate) partition: Vec<u32>,
    /// 0 data, 1 position deletes or deletion vector, 2 equality deletes.
    pub(crate) content: Vec<u8>,
    /// File size.
    pub(crate) bytes: Vec<u64>,
    /// Rows; deleted rows for deletes.
    pub(crate) records: Vec<u64>,
    /// Data sequence number.
    pub(crate) sequence: Vec<i64>,
    /// Snapshot that added the file.
    pub(crate) snapshot: Vec<i64>,
}

/// Paths of the entries of one manifest; read only where paths matter.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct EntryPaths {
    /// File paths, in the order of the entries.
    pub(crate) file: Vec<String>,
    /// Data file that a delete is scoped to; empty where it is not, or for data files.
    pub(crate) refers: Vec<String>,
}

/// One manifest as the reader returns it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct ReadManifest {
    pub(super) path: String,
    pub(super) partitions: Vec<String>,
    pub(super) partition: Vec<u32>,
    pub(super) content: Vec<u8>,
    pub(super) bytes: Vec<u64>,
    pub(super) records: Vec<u64>,
    pub(super) sequence: Vec<i64>,
    pub(super) snapshot: Vec<i64>,
    pub(super) file: Vec<String>,
    pub(super) refers: Vec<Option<String>>,
}

impl ReadManifest {
    pub(super) fn split(self) -> (String, Entries, EntryPaths) {
        (
            self.path,
            Entries {
                partitions: self.partitions,
                partition: self.partition,
                content: self.content,
                bytes: self.bytes,
                records: self.records,
                sequence: self.sequence,
                snapshot: self.snapshot,
            },
            EntryPaths { file: self.file, refers: self.refers.into_iter().map(Option::unwrap_or_default).collect() },
        )
    }
}

impl Metadata {
    /// The snapshot with this id.
    pub(crate) fn snapshot(&self, id: i64) -> Option<&Snapshot> {
        self.snapshots.iter().find(|s| s.id == id)
    }

    /// The current snapshot.
    pub(crate) fn current_snapshot(&self) -> Option<&Snapshot> {
        self.current_snapshot_id.and_then(|id| self.snapshot(id))
    }

    /// The current schema.
    pub(crate) fn current_schema(&self) -> Option<&Schema> {
        self.schemas.iter().find(|s| s.schema_id == self.current_schema_id)
    }

    /// Ids from the current snapshot back to the oldest one kept.
    pub(crate) fn ancestors(&self) -> Vec<i64> {
        let by_id: BTreeMap<i64, Option<i64>> = self.snapshots.iter().map(|s| (s.id, s.parent)).collect();
        let mut chain = Vec::new();
        let mut next = self.current_snapshot_id;
        while let Some(id) = next {
            let Some(parent) = by_id.get(&id) else { break };
            chain.push(id);
            // A chain is never longer than the snapshots that there are: ends even where metadata has a cycle.
            next = parent.filter(|_| chain.len() < by_id.len());
        }
        chain
    }
}
