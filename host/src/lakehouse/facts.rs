//! Iceberg metadata -> [`TableFacts`]: pure functions over what the cache holds.

use std::collections::{BTreeMap, HashMap, HashSet};

use drls_runtime::facts::{
    DataFile, Field, FileFacts, Manifest, MetadataLog, Partition, PartitionField, PartitionSpec, Ref, RefKind,
    Snapshot, SortField, TableFacts, TableId, Totals,
};

use super::deletes::DeleteIndex;
use super::metadata::{self, Entries, EntryPaths, ManifestRef, Metadata};

/// `write.target-file-size-bytes` where a table does not set it (Iceberg `TableProperties`): 512 MiB.
const DEFAULT_TARGET: u64 = 512 * 1024 * 1024;

/// One manifest of the current snapshot with its entries.
pub(super) struct Read {
    pub(super) manifest: ManifestRef,
    pub(super) entries: Entries,
    /// Present where deletes scoped to single files need them.
    pub(super) paths: Option<EntryPaths>,
}

/// Facts of the metadata file alone; `now` in ms since the epoch.
pub(super) fn from_metadata(id: &TableId, metadata: &Metadata, now: i64) -> TableFacts {
    let names = paths_of_current_schema(metadata);
    let ancestors: HashSet<i64> = metadata.ancestors().into_iter().collect();
    TableFacts {
        id: id.clone(),
        format_version: metadata.format_version,
        location: metadata.table_location.clone(),
        properties: metadata.properties.clone(),
        fields: fields(metadata),
        partition_specs: specs(metadata, &names),
        sort_order: sort_order(metadata, &names),
        snapshots: metadata.snapshots.iter().map(|s| snapshot(s, &ancestors)).collect(),
        current_snapshot: metadata.current_snapshot_id,
        refs: metadata.refs.iter().map(reference).collect(),
        totals: totals_of_summary(metadata).unwrap_or_default(),
        metadata_log: MetadataLog {
            metadata_bytes: metadata.metadata_bytes,
            entries: metadata.metadata_log.len() as u64,
        },
        manifests: None,
        files: None,
        reachability: None,
        orphans: None,
        as_of: now,
    }
}

/// Totals that the current snapshot's summary states; none where it leaves one out. A table without a snapshot has none
/// of anything.
pub(super) fn totals_of_summary(metadata: &Metadata) -> Option<Totals> {
    let Some(snapshot) = metadata.current_snapshot() else {
        return Some(Totals { manifests: Some(0), ..Totals::default() });
    };
    let number = |key: &str| snapshot.summary.get(key).and_then(|v| v.parse::<u64>().ok());
    let totals = Totals {
        records: number("total-records")?,
        data_files: number("total-data-files")?,
        data_bytes: number("total-files-size")?,
        delete_files: number("total-delete-files")?,
        position_deletes: number("total-position-deletes")?,
        equality_deletes: number("total-equality-deletes")?,
        // Java's writers tell them, PyIceberg does not.
        manifests: number("manifests-created").zip(number("manifests-kept")).map(|(created, kept)| created + kept),
    };
    // The bytes of delete files are in its sum.
    (totals.delete_files == 0).then_some(totals)
}

/// Manifests of the current snapshot.
pub(super) fn manifests(list: &[ManifestRef]) -> Vec<Manifest> {
    list.iter()
        .map(|m| Manifest { bytes: m.bytes, spec_id: m.spec_id, deletes: m.deletes, files: m.live_files() })
        .collect()
}

/// Live files by partition and the totals counted from them.
pub(super) fn files(metadata: &Metadata, read: &[Read]) -> (FileFacts, Totals) {
    let index = DeleteIndex::new(metadata, read);
    let committed: HashMap<i64, i64> = metadata.snapshots.iter().map(|s| (s.id, s.committed_at)).collect();
    let mut totals = Totals { manifests: Some(read.len() as u64), ..Totals::default() };
    let mut partitions: BTreeMap<(&str, i32), Partition> = BTreeMap::new();
    for Read { manifest, entries, paths } in read {
        for row in 0..entries.bytes.len() {
            let path = entries.partitions[entries.partition[row] as usize].as_str();
            let slot = partitions.entry((path, manifest.spec_id)).or_insert_with(|| Partition {
                path: path.to_owned(),
                spec_id: manifest.spec_id,
                files: Vec::new(),
                delete_files: 0,
                written_at: None,
            });
            slot.written_at = slot.written_at.max(committed.get(&entries.snapshot[row]).copied());
            let (bytes, records) = (entries.bytes[row], entries.records[row]);
            match entries.content[row] {
                0 => {
                    totals.records += records;
                    totals.data_files += 1;
                    totals.data_bytes += bytes;
                    let file = paths.as_ref().map(|p| p.file[row].as_str());
                    let (delete_files, deleted_records) = index.of(path, manifest.spec_id, entries.sequence[row], file);
                    slot.files.push(DataFile { bytes, records, delete_files, deleted_records });
                }
                content => {
                    totals.delete_files += 1;
                    slot.delete_files += 1;
                    if content == 1 {
                        totals.position_deletes += records;
                    } else {
                        totals.equality_deletes += records;
                    }
                }
            }
        }
    }
    let mut facts = FileFacts { target: target(metadata), partitions: partitions.into_values().collect() };
    let limit = facts.small_under();
    facts.partitions.sort_by_cached_key(|p| std::cmp::Reverse(p.small(limit).0));
    (facts, totals)
}

fn target(metadata: &Metadata) -> u64 {
    metadata.properties.get("write.target-file-size-bytes").and_then(|v| v.parse().ok()).unwrap_or(DEFAULT_TARGET)
}

fn paths_of_current_schema(metadata: &Metadata) -> HashMap<i32, &str> {
    metadata
        .current_schema()
        .map(|s| s.flat().into_iter().map(|f| (f.id, f.path.as_str())).collect())
        .unwrap_or_default()
}

fn fields(metadata: &Metadata) -> Vec<Field> {
    let Some(schema) = metadata.current_schema() else {
        return Vec::new();
    };
    schema
        .flat()
        .into_iter()
        .map(|f| Field {
            id: f.id,
            path: f.path.clone(),
            data_type: f.data_type.clone(),
            required: f.required,
            doc: f.doc.clone(),
            identifier: schema.identifier_field_ids.contains(&f.id),
        })
        .collect()
}

fn specs(metadata: &Metadata, names: &HashMap<i32, &str>) -> Vec<PartitionSpec> {
    metadata
        .specs
        .iter()
        .map(|spec| PartitionSpec {
            id: spec.spec_id,
            is_default: spec.spec_id == metadata.default_spec_id,
            fields: spec
                .fields
                .iter()
                .map(|f| PartitionField {
                    source_id: f.source_id,
                    source: names.get(&f.source_id).copied().unwrap_or_default().to_owned(),
                    transform: f.transform.clone(),
                    name: f.name.clone(),
                })
                .collect(),
        })
        .collect()
}

fn sort_order(metadata: &Metadata, names: &HashMap<i32, &str>) -> Vec<SortField> {
    metadata
        .sort_orders
        .iter()
        .filter(|o| o.order_id == metadata.default_sort_order_id)
        .flat_map(|o| &o.fields)
        .map(|f| SortField {
            source_id: f.source_id,
            source: names.get(&f.source_id).copied().unwrap_or_default().to_owned(),
            transform: f.transform.clone(),
            descending: f.descending,
            nulls_first: f.nulls_first,
        })
        .collect()
}

fn snapshot(s: &metadata::Snapshot, ancestors: &HashSet<i64>) -> Snapshot {
    let number = |key: &str| -> u64 { s.summary.get(key).and_then(|v| v.parse().ok()).unwrap_or(0) };
    Snapshot {
        id: s.id,
        parent: s.parent,
        committed_at: s.committed_at,
        operation: s.operation.clone(),
        added_files: number("added-data-files") + number("added-delete-files"),
        removed_files: number("deleted-data-files") + number("removed-delete-files"),
        added_bytes: number("added-files-size"),
        is_ancestor: ancestors.contains(&s.id),
    }
}

fn reference(r: &metadata::Ref) -> Ref {
    Ref {
        name: r.name.clone(),
        kind: if r.kind == "tag" { RefKind::Tag } else { RefKind::Branch },
        snapshot: r.snapshot,
        min_snapshots_to_keep: r.min_snapshots_to_keep,
        max_snapshot_age: r.max_snapshot_age,
        max_ref_age: r.max_ref_age,
    }
}
