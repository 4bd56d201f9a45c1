// Facts of a table. Times are milliseconds since the Unix epoch (UTC), sizes bytes. 64-bit ids are bigint, other 64-bit
// integers are numbers: they count, measure or time something, and stay exact up to 2^53.

/** Where a table is found. */
export interface TableId {
  /** Name of the catalog in the host's configuration. */
  catalog: string;
  /** Levels of the namespace, outermost first. */
  namespace: Array<string>;
  /** Name within the namespace. */
  name: string;
}

/** One field of the current schema, at any depth. */
export interface Field {
  /** Iceberg field id, stable across renames. */
  id: number;
  /** Full path, "address.city" for a nested field; "element", "key" and "value" are the parts of a list or map. */
  path: string;
  /** Iceberg type as the specification spells it: "long", "decimal(10, 2)", "list<string>". */
  dataType: string;
  /** True where the field may not be null. */
  required: boolean;
  /** Comment. */
  doc?: string;
  /** True where the field is one of the table's identifier fields. */
  identifier: boolean;
}

/** One field of a partition spec. */
export interface PartitionField {
  /** Iceberg id of the column that it is made from. */
  sourceId: number;
  /** Path of that column; "" where the current schema no longer has it. */
  source: string;
  /** As the specification spells it: "identity", "bucket[16]", "truncate[4]", "year", "month", "day", "hour", "void". */
  transform: string;
  /** Name of the partition field, as it stands in partition paths. */
  name: string;
}

/** How files are laid out by the values in them. */
export interface PartitionSpec {
  /** Spec id, unique in the table. */
  id: number;
  /** True for the spec that new files are written with. */
  isDefault: boolean;
  /** Its fields in order; none for an unpartitioned table. */
  fields: Array<PartitionField>;
}

/** One field of a sort order. */
export interface SortField {
  /** Iceberg id of the column that is sorted by. */
  sourceId: number;
  /** Path of that column; "" where the current schema no longer has it. */
  source: string;
  /** Transform that is applied before comparing, spelled as in a partition spec. */
  transform: string;
  /** Largest first. */
  descending: boolean;
  /** Nulls before values. */
  nullsFirst: boolean;
}

/** One state of the table. Counts come from the snapshot's summary and are 0 where it does not tell. */
export interface Snapshot {
  /** Snapshot id. */
  id: bigint;
  /** Id of the snapshot that it was made from, which the table may no longer have. */
  parent?: bigint;
  /** Time of the commit. */
  committedAt: number;
  /** "append", "overwrite", "replace" or "delete". */
  operation: string;
  /** Files added, data and deletes. */
  addedFiles: number;
  /** Files removed, data and deletes. */
  removedFiles: number;
  /** Size of the added files. */
  addedBytes: number;
  /** True for the current snapshot and those it descends from: the only ones a rollback can go to. */
  isAncestor: boolean;
}

/** What a named reference is. */
export type RefKind = 'branch' | 'tag';

/** A branch or tag with its own retention; "main" is always there once the table has a snapshot. */
export interface Ref {
  /** Name, unique in the table. */
  name: string;
  /** Branch or tag. */
  kind: RefKind;
  /** Id of the snapshot that it points to. */
  snapshot: bigint;
  /** For branches: keep at least so many snapshots; absent = the table's default. */
  minSnapshotsToKeep?: number;
  /** For branches: keep snapshots younger than this, milliseconds; absent = the table's default. */
  maxSnapshotAge?: number;
  /** Drop the ref itself when it is older than this, milliseconds; absent = never. */
  maxRefAge?: number;
}

/** Totals of the current snapshot; all 0 for a table that was never written. */
export interface Totals {
  /** Rows before deletes are applied. */
  records: number;
  /** Live data files. */
  dataFiles: number;
  /** Size of the live data files. */
  dataBytes: number;
  /** Live delete files, deletion vectors among them. */
  deleteFiles: number;
  /** Rows that position deletes and deletion vectors mark. */
  positionDeletes: number;
  /** Rows of equality delete files. */
  equalityDeletes: number;
  /** Manifests; absent where the metadata file does not tell and no plugin's `manifests` made the host count them. */
  manifests?: number;
}

/** One bucket of the histogram of data-file sizes: files of at least `at-least` and under `under` bytes. */
export interface SizeBucket {
  /** Lower end, in the bucket. */
  atLeast: number;
  /** Upper end, not in the bucket; the largest u64 in the last one. */
  under: number;
  /** Files. */
  files: number;
  /** Their size. */
  bytes: number;
}

/** Sizes of the live data files of the current snapshot. */
export interface FileSizes {
  /** write.target-file-size-bytes of this table, or Iceberg's default. */
  target: number;
  /** Files under 75 % of the target, the share that a rewrite would pick up. */
  smallFiles: number;
  /** Their size. */
  smallBytes: number;
  /** The largest file; 0 where there is none. */
  largest: number;
  /** Buckets from 0 up without gaps, empty ones among them. */
  histogram: Array<SizeBucket>;
}

/** The live files of one partition. */
export interface Partition {
  /** "region=eu/day=2026-11-23"; "" for an unpartitioned table. */
  path: string;
  /** Partition spec of its files; one path may come once for each spec. */
  specId: number;
  /** Rows before deletes are applied. */
  records: number;
  /** Data files. */
  dataFiles: number;
  /** Their size. */
  dataBytes: number;
  /** Data files under 75 % of the target. */
  smallFiles: number;
  /** Their size. */
  smallBytes: number;
  /** Delete files written to this partition. */
  deleteFiles: number;
  /** Time of the newest commit that added a live file to it; absent where unknown. */
  writtenAt?: number;
}

/** One live data file. */
export interface DataFile {
  /** Size. */
  bytes: number;
  /** Rows before deletes are applied. */
  records: number;
  /** Delete files and deletion vectors that apply to it. */
  deleteFiles: number;
  /** Rows of it that deletes scoped to this one file mark. */
  deletedRecords: number;
}

/** One manifest of the current snapshot. */
export interface Manifest {
  /** Size of the manifest. */
  bytes: number;
  /** Partition spec of the files that it lists. */
  specId: number;
  /** True where it lists delete files, false where it lists data files. */
  deletes: boolean;
  /** Live files that it lists. */
  files: number;
}

/** The metadata file and those before it. */
export interface MetadataLog {
  /** Size of the current metadata file. */
  metadataBytes: number;
  /** Older metadata files that the current one lists. */
  entries: number;
}

/** What would be deleted with a set of snapshots: reachable from them and from no snapshot that stays. */
export interface Exclusive {
  /** Data files. */
  dataFiles: number;
  /** Delete files. */
  deleteFiles: number;
  /** Manifests. */
  manifests: number;
  /** Manifest lists. */
  manifestLists: number;
  /** Statistics files. */
  statisticsFiles: number;
  /** All of the files above together. */
  bytes: number;
}

/** Files under the table's location that nothing in its metadata names. */
export interface Orphans {
  /** Files. */
  files: number;
  /** Their size. */
  bytes: number;
  /** When the oldest was last modified; absent where there is none. */
  oldest?: number;
}

/** A table. Each method gives a fact that the plugin names in `reads`. */
export interface Table {
  /** Where it is found. */
  id(): TableId;
  /** Iceberg format version: 1, 2 or 3. */
  formatVersion(): number;
  /** Root of the table's files, a URI. */
  location(): string;
  /** Table properties as the metadata has them, by key; defaults that are not written out are not in it. */
  properties(): Array<[string, string]>;
  /** Every field of the current schema, a parent before its children. */
  fields(): Array<Field>;
  /** All partition specs that the metadata lists; old ones may still hold files. */
  partitionSpecs(): Array<PartitionSpec>;
  /** The default sort order; empty for an unsorted table. */
  sortOrder(): Array<SortField>;
  /** Every snapshot that the metadata lists, oldest first. */
  snapshots(): Array<Snapshot>;
  /** Id of the current snapshot; absent for a table that was never written. */
  currentSnapshot(): bigint | undefined;
  /** Branches and tags, by name. */
  refs(): Array<Ref>;
  /** Totals of the current snapshot. */
  totals(): Totals;
  /** Sizes of the live data files. Cost: the manifests of the current snapshot, each read once for ever. */
  fileSizes(): FileSizes;
  /** Partitions with a live file. Cost: as `file-sizes`. */
  partitionCount(): number;
  /** `most` partitions from number `start`, in the order of the most small files, then of the path; empty beyond the last. Cost: as `file-sizes`. */
  partitions(start: number, most: number): Array<Partition>;
  /** `most` live data files of partition number `partition` in that order, from number `start`, in the order of a scan; empty beyond the last. Cost: as `file-sizes`. */
  files(partition: number, start: number, most: number): Array<DataFile>;
  /** Manifests of the current snapshot. Cost: its manifest list. */
  manifests(): Array<Manifest>;
  /** Size and number of the metadata files. */
  metadataLog(): MetadataLog;
  /** What goes with these snapshots; ids that the table does not have are passed over. Cost: the manifests of every snapshot. */
  exclusiveTo(snapshots: Array<bigint>): Exclusive;
  /** Orphans that were last modified before `older-than`. Cost: a listing of the table's location. */
  orphans(olderThan: number): Orphans;
  /** The host's clock when the facts were gathered: plugins read no other clock. */
  asOf(): number;
}
