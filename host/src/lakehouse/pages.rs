//! Metadata pages of a table: snapshots, refs, files, partitions. All from the same immutable metadata file.

use std::collections::HashMap;

use drls_runtime::facts::FileFacts;
use serde::Serialize;

use super::catalogs::Located;
use super::metadata::Metadata;
use super::{Lakehouse, rfc3339};
use crate::error::ApiError;

/// One snapshot.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct SnapshotItem {
    /// Id, as text.
    pub(crate) snapshot_id: String,
    /// Parent, as text.
    pub(crate) parent_id: Option<String>,
    /// Sequence number.
    pub(crate) sequence_number: i64,
    /// RFC 3339.
    pub(crate) committed_at: String,
    /// append, overwrite, replace or delete.
    pub(crate) operation: String,
    /// Summary as committed.
    pub(crate) summary: std::collections::BTreeMap<String, String>,
    /// Schema at that time.
    pub(crate) schema_id: Option<i32>,
    /// Branches and tags that point to it.
    pub(crate) refs: Vec<String>,
    /// A rollback can go to it.
    pub(crate) is_ancestor: bool,
}

/// One branch or tag.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct RefItem {
    /// Name.
    pub(crate) name: String,
    /// "branch" or "tag".
    pub(crate) kind: String,
    /// Snapshot, as text.
    pub(crate) snapshot_id: String,
    /// Snapshots kept at least; null = the table's default.
    pub(crate) min_snapshots_to_keep: Option<u32>,
    /// Age under which snapshots are kept, ms; null = the table's default.
    pub(crate) max_snapshot_age_ms: Option<u64>,
    /// Age at which the ref itself goes, ms; null = never.
    pub(crate) max_ref_age_ms: Option<u64>,
}

/// One live file.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct FileItem {
    /// Path.
    pub(crate) path: String,
    /// "data", "position-deletes" or "equality-deletes".
    pub(crate) content: &'static str,
    /// Partition, "" where there is none.
    pub(crate) partition: String,
    /// Partition spec.
    pub(crate) spec_id: i32,
    /// Size.
    pub(crate) bytes: u64,
    /// Rows.
    pub(crate) records: u64,
    /// Data sequence number.
    pub(crate) sequence_number: i64,
    /// Snapshot that added it, as text.
    pub(crate) snapshot_id: String,
}

/// One partition.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct PartitionItem {
    /// Partition, "" where there is none.
    pub(crate) path: String,
    /// Partition spec.
    pub(crate) spec_id: i32,
    /// Rows before deletes.
    pub(crate) records: u64,
    /// Live data files.
    pub(crate) data_files: u64,
    /// Their bytes.
    pub(crate) data_bytes: u64,
    /// Data files under 75 % of the target.
    pub(crate) small_files: u64,
    /// Their bytes.
    pub(crate) small_bytes: u64,
    /// Delete files.
    pub(crate) delete_files: u64,
    /// Newest commit that added a live file, RFC 3339.
    pub(crate) written_at: Option<String>,
}

/// Snapshots, newest first.
pub(crate) fn snapshots(metadata: &Metadata) -> Vec<SnapshotItem> {
    let ancestors: std::collections::HashSet<i64> = metadata.ancestors().into_iter().collect();
    let mut refs: HashMap<i64, Vec<String>> = HashMap::new();
    for r in &metadata.refs {
        refs.entry(r.snapshot).or_default().push(r.name.clone());
    }
    metadata
        .snapshots
        .iter()
        .rev()
        .map(|s| SnapshotItem {
            snapshot_id: s.id.to_string(),
            parent_id: s.parent.map(|p| p.to_string()),
            sequence_number: s.sequence_number,
            committed_at: rfc3339(s.committed_at),
            operation: s.operation.clone(),
            summary: s.summary.clone(),
            schema_id: s.schema_id,
            refs: refs.get(&s.id).cloned().unwrap_or_default(),
            is_ancestor: ancestors.contains(&s.id),
        })
        .collect()
}

/// Branches and tags, by name.
pub(crate) fn refs(metadata: &Metadata) -> Vec<RefItem> {
    let mut refs: Vec<RefItem> = metadata
        .refs
        .iter()
        .map(|r| RefItem {
            name: r.name.clone(),
            kind: r.kind.clone(),
            snapshot_id: r.snapshot.to_string(),
            min_snapshots_to_keep: r.min_snapshots_to_keep,
            max_snapshot_age_ms: r.max_snapshot_age,
            max_ref_age_ms: r.max_ref_age,
        })
        .collect();
    refs.sort_by(|a, b| a.name.cmp(&b.name));
    refs
}

impl Lakehouse {
    /// Live files from number `start`, in the order of the manifests, at most `most`; true where there are more.
    pub(crate) async fn files(
        &self,
        table: &Located,
        start: usize,
        most: usize,
    ) -> Result<(Vec<FileItem>, bool), ApiError> {
        let metadata = self.metadata(table).await?;
        let (mut items, mut skip) = (Vec::new(), start);
        for manifest in self.current_manifests(table, &metadata).await? {
            // Whole manifests before the page are passed over by the count that their list states.
            let live = usize::try_from(manifest.live_files()).unwrap_or(usize::MAX);
            if live <= skip {
                skip -= live;
                continue;
            }
            let mut read = self.reader.manifests(table, std::slice::from_ref(&manifest), true).await?;
            let Some((entries, paths)) = read.remove(&manifest.path) else { continue };
            for row in skip.min(paths.file.len())..paths.file.len() {
                if items.len() == most {
                    return Ok((items, true));
                }
                items.push(FileItem {
                    path: paths.file[row].clone(),
                    content: match entries.content[row] {
                        0 => "data",
                        1 => "position-deletes",
                        _ => "equality-deletes",
                    },
                    partition: entries.partitions[entries.partition[row] as usize].clone(),
                    spec_id: manifest.spec_id,
                    bytes: entries.bytes[row],
                    records: entries.records[row],
                    sequence_number: entries.sequence[row],
                    snapshot_id: entries.snapshot[row].to_string(),
                });
            }
            skip = skip.saturating_sub(paths.file.len());
        }
        Ok((items, false))
    }

    /// All partitions, most small files first.
    pub(crate) async fn partitions(&self, table: &Located) -> Result<Vec<PartitionItem>, ApiError> {
        let groups = std::collections::BTreeSet::from([drls_runtime::facts::Group::Manifests]);
        let (_, facts) = self.gather(table, &groups).await?;
        Ok(partition_items(&facts.files.unwrap_or_default(), usize::MAX))
    }
}

/// The first `most` partitions of the facts.
pub(super) fn partition_items(files: &FileFacts, most: usize) -> Vec<PartitionItem> {
    let limit = files.small_under();
    let shown = files.partitions.iter().take(most);
    shown
        .map(|p| {
            let (small_files, small_bytes) = p.small(limit);
            PartitionItem {
                path: p.path.clone(),
                spec_id: p.spec_id,
                records: p.files.iter().map(|f| f.records).sum(),
                data_files: p.files.len() as u64,
                data_bytes: p.files.iter().map(|f| f.bytes).sum(),
                small_files,
                small_bytes,
                delete_files: p.delete_files,
                written_at: p.written_at.map(rfc3339),
            }
        })
        .collect()
}
