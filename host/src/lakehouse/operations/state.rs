//! The table as a job finds it and leaves it, and what the difference amounts to.

use std::{collections::BTreeSet, sync::Arc};

use drls_runtime::answer::Effect;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::Lakehouse;
use super::super::catalogs::Located;
use super::super::metadata::{Metadata, Snapshot};
use crate::error::ApiError;

/// The table at one moment: from its metadata file and manifest list alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TableState {
    /// Which table, whatever its name.
    #[serde(default)]
    pub(crate) table_uuid: String,
    /// Metadata file.
    pub(crate) metadata_location: String,
    /// Current snapshot, as text.
    #[serde(with = "optional_id")]
    pub(crate) snapshot_id: Option<i64>,
    /// Current schema.
    pub(crate) schema_id: i32,
    /// Live data files.
    pub(crate) data_files: u64,
    /// Live delete files.
    pub(crate) delete_files: u64,
    /// Manifests of the current snapshot.
    pub(crate) manifests: u64,
    /// Snapshots in the metadata.
    pub(crate) snapshots: u64,
    /// Which snapshots those are; none in jobs of older servers.
    #[serde(default)]
    pub(crate) known: Option<Known>,
}

/// Tells snapshots that a table has from those that it gets later. No time does: writers' clocks differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Known {
    /// Those up to this sequence number, which every commit raises.
    UpTo(i64),
    /// Those with these ids: format 1 has no sequence numbers.
    Ids(BTreeSet<i64>),
}

impl Known {
    fn of(metadata: &Metadata) -> Self {
        let snapshots = metadata.snapshots.iter();
        if metadata.format_version == 1 {
            return Self::Ids(snapshots.map(|s| s.id).collect());
        }
        Self::UpTo(snapshots.map(|s| s.sequence_number).max().unwrap_or(0))
    }

    pub(super) fn has(&self, snapshot: &Snapshot) -> bool {
        match self {
            Self::UpTo(number) => snapshot.sequence_number <= *number,
            Self::Ids(ids) => ids.contains(&snapshot.id),
        }
    }
}

/// What a step did, as the engine counts it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Outcome(pub(crate) Value);

impl Outcome {
    /// The first of these figures that the engine gave; 0 where it gave none.
    fn figure(&self, pointers: &[&str]) -> u64 {
        pointers.iter().find_map(|p| self.0.pointer(p)?.as_u64()).unwrap_or(0)
    }

    /// Bytes of the files that were rewritten.
    pub(super) fn bytes_read(&self) -> u64 {
        self.figure(&["/rewritten_bytes_count"])
    }

    /// Data files that a rewrite meant to replace and did not.
    pub(super) fn failed_files(&self) -> u64 {
        self.figure(&["/failed_data_files_count"])
    }

    /// Bytes of the files that were deleted.
    fn bytes_freed(&self) -> u64 {
        self.figure(&["/deleted/bytes", "/bytes"])
    }
}

impl Lakehouse {
    /// The state of a table as located.
    pub(crate) async fn state(&self, table: &Located) -> Result<(Arc<Metadata>, TableState), ApiError> {
        let metadata = self.metadata(table).await?;
        let list = self.current_manifests(table, &metadata).await?;
        let live = |deletes: bool| list.iter().filter(|m| m.deletes == deletes).map(|m| m.live_files()).sum();
        let state = TableState {
            table_uuid: metadata.table_uuid.clone(),
            metadata_location: table.metadata_location.clone(),
            snapshot_id: metadata.current_snapshot_id,
            schema_id: metadata.current_schema_id,
            data_files: live(false),
            delete_files: live(true),
            manifests: list.len() as u64,
            snapshots: metadata.snapshots.len() as u64,
            known: Some(Known::of(&metadata)),
        };
        Ok((metadata, state))
    }
}

/// What happened, in the words of the promise. `duration` in ms.
pub(crate) fn effect(before: &TableState, after: &TableState, outcomes: &[Outcome], duration: u64) -> Effect {
    Effect {
        files_before: Some(before.data_files),
        files_after: Some(after.data_files),
        delete_files_before: Some(before.delete_files),
        delete_files_after: Some(after.delete_files),
        manifests_before: Some(before.manifests),
        manifests_after: Some(after.manifests),
        snapshots_removed: Some(outcomes.iter().map(|o| o.figure(&["/snapshots_removed"])).sum()),
        bytes_read: Some(outcomes.iter().map(Outcome::bytes_read).sum()),
        bytes_freed: Some(outcomes.iter().map(Outcome::bytes_freed).sum()),
        duration: Some(duration),
    }
}

mod optional_id {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    #[expect(clippy::ref_option, reason = "serde hands the field by reference")]
    pub(super) fn serialize<S: Serializer>(id: &Option<i64>, s: S) -> Result<S::Ok, S::Error> {
        match id {
            Some(id) => s.collect_str(id),
            None => s.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<i64>, D::Error> {
        Option::<String>::deserialize(d)?.map(|id| id.parse().map_err(D::Error::custom)).transpose()
    }
}
