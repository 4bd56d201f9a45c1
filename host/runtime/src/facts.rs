//! What the host knows about one table, as plain data: filled by the server from Iceberg metadata, by the author kit
//! from fixture files, and shown to plugins through the `facts` interface.
//!
//! Never reads anything by itself: a group that was not gathered is absent, and the loader makes sure that a plugin is
//! only called with the groups that its component imports.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// Facts of one table at one moment. Times are milliseconds since the Unix epoch (UTC), sizes bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableFacts {
    /// Name of the table.
    pub id: TableId,
    /// Iceberg format version: 1, 2 or 3.
    pub format_version: u8,
    /// Root of the table's files, a URI.
    pub location: String,
    /// Table properties as the metadata has them.
    #[serde(default)]
    pub properties: BTreeMap<String, String>,
    /// Every field of the current schema, a parent before its children.
    #[serde(default)]
    pub fields: Vec<Field>,
    /// All partition specs that the metadata lists.
    #[serde(default)]
    pub partition_specs: Vec<PartitionSpec>,
    /// The default sort order; empty for an unsorted table.
    #[serde(default)]
    pub sort_order: Vec<SortField>,
    /// All snapshots, oldest first.
    #[serde(default)]
    pub snapshots: Vec<Snapshot>,
    /// Id of the current snapshot; absent for a table that was never written.
    #[serde(default)]
    pub current_snapshot: Option<i64>,
    /// Branches and tags.
    #[serde(default)]
    pub refs: Vec<Ref>,
    /// Totals of the current snapshot, from its summary.
    #[serde(default)]
    pub totals: Totals,
    /// Older metadata files and the size of the current one.
    #[serde(default)]
    pub metadata_log: MetadataLog,
    /// Manifests of the current snapshot. Group [`Group::ManifestList`].
    #[serde(default)]
    pub manifests: Option<Vec<Manifest>>,
    /// Live files of the current snapshot. Group [`Group::Manifests`].
    #[serde(default)]
    pub files: Option<FileFacts>,
    /// What each snapshot reaches. Group [`Group::Reachability`].
    #[serde(default)]
    pub reachability: Option<Reachability>,
    /// Files that nothing names, in no order. Group [`Group::Orphans`].
    #[serde(default)]
    pub orphans: Option<Vec<OrphanFile>>,
    /// The host's clock when the facts were gathered.
    pub as_of: i64,
}

/// What a group of facts costs to gather, cheapest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    /// The metadata file alone.
    Metadata,
    /// The manifest list of the current snapshot.
    ManifestList,
    /// The manifests of the current snapshot, each parsed once ever.
    Manifests,
    /// The manifest lists and manifests of every snapshot.
    Reachability,
    /// A listing of the table's location.
    Orphans,
}

impl Group {
    /// All groups, cheapest first.
    pub const ALL: [Self; 5] = [Self::Metadata, Self::ManifestList, Self::Manifests, Self::Reachability, Self::Orphans];

    /// Kebab-case name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Metadata => "metadata",
            Self::ManifestList => "manifest-list",
            Self::Manifests => "manifests",
            Self::Reachability => "reachability",
            Self::Orphans => "orphans",
        }
    }
}

impl TableFacts {
    /// True where the group was gathered.
    pub fn has(&self, group: Group) -> bool {
        match group {
            Group::Metadata => true,
            Group::ManifestList => self.manifests.is_some(),
            Group::Manifests => self.files.is_some(),
            Group::Reachability => self.reachability.is_some(),
            Group::Orphans => self.orphans.is_some(),
        }
    }

    /// The same without the groups that are not among these; [`Group::Metadata`] is always there.
    #[must_use]
    pub fn only(mut self, groups: &BTreeSet<Group>) -> Self {
        let wanted = |group| groups.contains(&group);
        self.manifests = self.manifests.filter(|_| wanted(Group::ManifestList));
        self.files = self.files.filter(|_| wanted(Group::Manifests));
        self.reachability = self.reachability.filter(|_| wanted(Group::Reachability));
        self.orphans = self.orphans.filter(|_| wanted(Group::Orphans));
        self
    }
}

/// Catalog, namespace and name of a table.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableId {
    /// Name of the catalog as the configuration has it.
    pub catalog: String,
    /// Namespace levels, outermost first.
    pub namespace: Vec<String>,
    /// Name within the namespace.
    pub name: String,
}

/// One field of the current schema.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Iceberg field id.
    pub id: i32,
    /// Full dotted path.
    pub path: String,
    /// Iceberg type as the specification spells it.
    pub data_type: String,
    /// True where the field may not be null.
    pub required: bool,
    /// Comment.
    #[serde(default)]
    pub doc: Option<String>,
    /// True for an identifier field.
    #[serde(default)]
    pub identifier: bool,
}

/// One partition spec.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartitionSpec {
    /// Spec id.
    pub id: i32,
    /// True for the spec that new files are written with.
    pub is_default: bool,
    /// Its fields, none for an unpartitioned table.
    pub fields: Vec<PartitionField>,
}

/// One field of a partition spec.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartitionField {
    /// Id of the column that it is made from.
    pub source_id: i32,
    /// Path of that column; empty where the current schema no longer has it.
    pub source: String,
    /// `identity`, `bucket[16]`, `truncate[4]`, `year`, `month`, `day`, `hour` or `void`.
    pub transform: String,
    /// Name of the partition field.
    pub name: String,
}

/// One field of a sort order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SortField {
    /// Id of the column that is sorted by.
    pub source_id: i32,
    /// Path of that column; empty where the current schema no longer has it.
    pub source: String,
    /// Transform applied before comparing.
    pub transform: String,
    /// Largest first.
    pub descending: bool,
    /// Nulls before values.
    pub nulls_first: bool,
}

/// One snapshot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    /// Snapshot id.
    pub id: i64,
    /// Parent snapshot id.
    #[serde(default)]
    pub parent: Option<i64>,
    /// Commit time.
    pub committed_at: i64,
    /// "append", "overwrite", "replace" or "delete".
    pub operation: String,
    /// Files added, data and deletes.
    #[serde(default)]
    pub added_files: u64,
    /// Files removed, data and deletes.
    #[serde(default)]
    pub removed_files: u64,
    /// Bytes of the added files.
    #[serde(default)]
    pub added_bytes: u64,
    /// True for the current snapshot and those it descends from.
    #[serde(default)]
    pub is_ancestor: bool,
}

/// Kind of a named reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefKind {
    /// Moves with commits.
    Branch,
    /// Stays where it was put.
    Tag,
}

/// A branch or tag.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ref {
    /// Name, "main" for the table's main branch.
    pub name: String,
    /// Branch or tag.
    pub kind: RefKind,
    /// Snapshot that it points to.
    pub snapshot: i64,
    /// Branches: snapshots to keep at least.
    #[serde(default)]
    pub min_snapshots_to_keep: Option<u32>,
    /// Branches: age under which snapshots are kept, ms.
    #[serde(default)]
    pub max_snapshot_age: Option<u64>,
    /// Age at which the ref itself goes, ms.
    #[serde(default)]
    pub max_ref_age: Option<u64>,
}

/// Totals of the current snapshot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Totals {
    /// Rows before deletes are applied.
    pub records: u64,
    /// Live data files.
    pub data_files: u64,
    /// Their bytes.
    pub data_bytes: u64,
    /// Live delete files.
    pub delete_files: u64,
    /// Rows marked by position deletes and deletion vectors.
    pub position_deletes: u64,
    /// Rows of equality delete files.
    pub equality_deletes: u64,
    /// Manifests; absent where the snapshot's summary does not tell them and nobody counted.
    #[serde(default)]
    pub manifests: Option<u64>,
}

/// The metadata file and those before it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetadataLog {
    /// Size of the current metadata file.
    pub metadata_bytes: u64,
    /// Older metadata files that the current one lists.
    pub entries: u64,
}

/// One manifest of the current snapshot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// File size.
    pub bytes: u64,
    /// Partition spec of its files.
    pub spec_id: i32,
    /// True where it lists delete files.
    pub deletes: bool,
    /// Live files in it.
    pub files: u64,
}

/// Live files of the current snapshot by partition.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileFacts {
    /// `write.target-file-size-bytes`, 512 MiB where the table does not say.
    pub target: u64,
    /// Every partition with a live file, most small files first, then by path and spec.
    pub partitions: Vec<Partition>,
}

/// One partition and its files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partition {
    /// "region=eu/day=2026-11-23"; empty for an unpartitioned table.
    pub path: String,
    /// Partition spec of the files.
    pub spec_id: i32,
    /// Live data files in scan order (manifest by manifest, as listed).
    pub files: Vec<DataFile>,
    /// Delete files written to this partition.
    #[serde(default)]
    pub delete_files: u64,
    /// Newest commit that added a live file.
    #[serde(default)]
    pub written_at: Option<i64>,
}

/// One live data file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataFile {
    /// File size.
    pub bytes: u64,
    /// Rows.
    pub records: u64,
    /// Delete files and deletion vectors that apply to it.
    #[serde(default)]
    pub delete_files: u32,
    /// Rows that deletes scoped to this one file mark.
    #[serde(default)]
    pub deleted_records: u64,
}

/// Every file that the table's snapshots reach, and which snapshots reach it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reachability {
    /// Files in no order. A file that several snapshots reach stands here once.
    pub files: Vec<ReachableFile>,
    /// For each snapshot id: indices into `files`, through manifests that it lists.
    pub sets: Vec<ReachSet>,
    /// For each snapshot id: indices into `sets`.
    pub snapshots: BTreeMap<i64, Vec<u32>>,
}

/// Kind of a file that a snapshot reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileKind {
    /// Rows.
    Data,
    /// Position deletes, equality deletes or deletion vectors.
    Delete,
    /// A manifest.
    Manifest,
    /// A manifest list.
    ManifestList,
    /// Table or partition statistics.
    Statistics,
}

/// One reachable file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReachableFile {
    /// Kind.
    pub kind: FileKind,
    /// Size.
    pub bytes: u64,
}

/// Files that are reached together: a manifest with its live files, or a single manifest list or statistics file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReachSet(pub Vec<u32>);

/// One file under the table's location that nothing names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrphanFile {
    /// Size.
    pub bytes: u64,
    /// Last modified.
    pub modified_at: i64,
}

/// What goes with a set of snapshots.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Exclusive {
    /// Data files.
    pub data_files: u64,
    /// Delete files.
    pub delete_files: u64,
    /// Manifests.
    pub manifests: u64,
    /// Manifest lists.
    pub manifest_lists: u64,
    /// Statistics files.
    pub statistics_files: u64,
    /// All of the above.
    pub bytes: u64,
}

/// A file under this share of the target is one that a rewrite picks up (Iceberg `min-file-size-bytes`, default 75 %).
const SMALL_SHARE: f64 = 0.75;

impl FileFacts {
    /// Size under which a data file counts as small: 75 % of the target, as Spark's `rewrite_data_files`.
    pub fn small_under(&self) -> u64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "Iceberg computes this bound in doubles too: (long) (target * 0.75)"
        )]
        {
            (self.target as f64 * SMALL_SHARE) as u64
        }
    }
}

/// One bucket of the histogram of data-file sizes: files of at least `at_least` and under `under` bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SizeBucket {
    /// Lower end.
    pub at_least: u64,
    /// Upper end; the last bucket is open.
    pub under: u64,
    /// Files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Upper ends of the buckets of the file-size histogram, bytes; the last bucket is open.
const EDGES: [u64; 8] = [1 << 20, 4 << 20, 16 << 20, 64 << 20, 128 << 20, 256 << 20, 512 << 20, 1 << 30];

impl FileFacts {
    /// Sizes of the data files in nine buckets, 1 MiB to 1 GiB.
    pub fn histogram(&self) -> Vec<SizeBucket> {
        let mut buckets: Vec<SizeBucket> = Vec::with_capacity(EDGES.len() + 1);
        let mut at_least = 0;
        for under in EDGES.into_iter().chain([u64::MAX]) {
            buckets.push(SizeBucket { at_least, under, files: 0, bytes: 0 });
            at_least = under;
        }
        for file in self.partitions.iter().flat_map(|p| &p.files) {
            let bucket = &mut buckets[EDGES.partition_point(|edge| *edge <= file.bytes)];
            bucket.files += 1;
            bucket.bytes += file.bytes;
        }
        buckets
    }
}

impl Partition {
    /// Number and bytes of the data files under `limit` bytes.
    pub fn small(&self, limit: u64) -> (u64, u64) {
        self.files.iter().filter(|f| f.bytes < limit).fold((0, 0), |(n, b), f| (n + 1, b + f.bytes))
    }
}

impl Reachability {
    /// What is reachable from `snapshots` and from no other snapshot. Unknown ids are passed over.
    pub fn exclusive_to(&self, snapshots: &[i64]) -> Exclusive {
        let mut gone = vec![false; self.files.len()];
        let mark = |gone: &mut Vec<bool>, sets: &[u32], value: bool| {
            for file in sets.iter().filter_map(|s| self.sets.get(*s as usize)).flat_map(|s| &s.0) {
                if let Some(slot) = gone.get_mut(*file as usize) {
                    *slot = value;
                }
            }
        };
        for (_, sets) in self.snapshots.iter().filter(|(id, _)| snapshots.contains(id)) {
            mark(&mut gone, sets, true);
        }
        for (_, sets) in self.snapshots.iter().filter(|(id, _)| !snapshots.contains(id)) {
            mark(&mut gone, sets, false);
        }
        let mut sum = Exclusive::default();
        for (file, _) in self.files.iter().zip(gone).filter(|(_, gone)| *gone) {
            match file.kind {
                FileKind::Data => sum.data_files += 1,
                FileKind::Delete => sum.delete_files += 1,
                FileKind::Manifest => sum.manifests += 1,
                FileKind::ManifestList => sum.manifest_lists += 1,
                FileKind::Statistics => sum.statistics_files += 1,
            }
            sum.bytes += file.bytes;
        }
        sum
    }
}
