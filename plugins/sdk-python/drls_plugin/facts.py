"""Facts of a table, as the contract has them. Times are milliseconds since the Unix epoch (UTC), sizes bytes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


@dataclass
class TableId:
    """Where a table is found."""

    catalog: str
    """Name of the catalog in the host's configuration."""
    namespace: list[str]
    """Levels of the namespace, outermost first."""
    name: str
    """Name within the namespace."""


@dataclass
class Field:
    """One field of the current schema, at any depth."""

    id: int
    """Iceberg field id, stable across renames."""
    path: str
    """Full path, "address.city" for a nested field; "element", "key" and "value" are the parts of a list or map."""
    data_type: str
    """Iceberg type as the specification spells it: "long", "decimal(10, 2)", "list<string>"."""
    required: bool
    """True where the field may not be null."""
    doc: str | None
    """Comment."""
    identifier: bool
    """True where the field is one of the table's identifier fields."""


@dataclass
class PartitionField:
    """One field of a partition spec."""

    source_id: int
    """Iceberg id of the column that it is made from."""
    source: str
    """Path of that column; "" where the current schema no longer has it."""
    transform: str
    """As the specification spells it:

    "identity", "bucket[16]", "truncate[4]", "year", "month", "day", "hour", "void".
    """
    name: str
    """Name of the partition field, as it stands in partition paths."""


@dataclass
class PartitionSpec:
    """How files are laid out by the values in them."""

    id: int
    """Spec id, unique in the table."""
    is_default: bool
    """True for the spec that new files are written with."""
    fields: list[PartitionField]
    """Its fields in order; none for an unpartitioned table."""


@dataclass
class SortField:
    """One field of a sort order."""

    source_id: int
    """Iceberg id of the column that is sorted by."""
    source: str
    """Path of that column; "" where the current schema no longer has it."""
    transform: str
    """Transform that is applied before comparing, spelled as in a partition spec."""
    descending: bool
    """Largest first."""
    nulls_first: bool
    """Nulls before values."""


@dataclass
class Snapshot:
    """One state of the table. Counts come from the snapshot's summary and are 0 where it does not tell."""

    id: int
    """Snapshot id."""
    parent: int | None
    """Id of the snapshot that it was made from, which the table may no longer have."""
    committed_at: int
    """Time of the commit."""
    operation: str
    """"append", "overwrite", "replace" or "delete"."""
    added_files: int
    """Files added, data and deletes."""
    removed_files: int
    """Files removed, data and deletes."""
    added_bytes: int
    """Size of the added files."""
    is_ancestor: bool
    """True for the current snapshot and those it descends from: the only ones a rollback can go to."""


class RefKind(Enum):
    """What a named reference is."""

    BRANCH = 0
    """Moves with every commit to it."""
    TAG = 1
    """Stays where it was put."""


@dataclass
class Ref:
    """A branch or tag with its own retention; "main" is always there once the table has a snapshot."""

    name: str
    """Name, unique in the table."""
    kind: RefKind
    """Branch or tag."""
    snapshot: int
    """Id of the snapshot that it points to."""
    min_snapshots_to_keep: int | None
    """For branches: keep at least so many snapshots; absent = the table's default."""
    max_snapshot_age: int | None
    """For branches: keep snapshots younger than this, milliseconds; absent = the table's default."""
    max_ref_age: int | None
    """Drop the ref itself when it is older than this, milliseconds; absent = never."""


@dataclass
class Totals:
    """Totals of the current snapshot; all 0 for a table that was never written."""

    records: int
    """Rows before deletes are applied."""
    data_files: int
    """Live data files."""
    data_bytes: int
    """Size of the live data files."""
    delete_files: int
    """Live delete files, deletion vectors among them."""
    position_deletes: int
    """Rows that position deletes and deletion vectors mark."""
    equality_deletes: int
    """Rows of equality delete files."""
    manifests: int | None
    """Manifests; absent where the metadata file does not tell and no plugin's `manifests` made the host count them."""


@dataclass
class SizeBucket:
    """One bucket of the histogram of data-file sizes: files of at least `at-least` and under `under` bytes."""

    at_least: int
    """Lower end, in the bucket."""
    under: int
    """Upper end, not in the bucket; the largest u64 in the last one."""
    files: int
    """Files."""
    bytes: int
    """Their size."""


@dataclass
class FileSizes:
    """Sizes of the live data files of the current snapshot."""

    target: int
    """write.target-file-size-bytes of this table, or Iceberg's default."""
    small_files: int
    """Files under 75 % of the target, the share that a rewrite would pick up."""
    small_bytes: int
    """Their size."""
    largest: int
    """The largest file; 0 where there is none."""
    histogram: list[SizeBucket]
    """Buckets from 0 up without gaps, empty ones among them."""


@dataclass
class Partition:
    """The live files of one partition."""

    path: str
    """"region=eu/day=2026-11-23"; "" for an unpartitioned table."""
    spec_id: int
    """Partition spec of its files; one path may come once for each spec."""
    records: int
    """Rows before deletes are applied."""
    data_files: int
    """Data files."""
    data_bytes: int
    """Their size."""
    small_files: int
    """Data files under 75 % of the target."""
    small_bytes: int
    """Their size."""
    delete_files: int
    """Delete files written to this partition."""
    written_at: int | None
    """Time of the newest commit that added a live file to it; absent where unknown."""


@dataclass
class DataFile:
    """One live data file."""

    bytes: int
    """Size."""
    records: int
    """Rows before deletes are applied."""
    delete_files: int
    """Delete files and deletion vectors that apply to it."""
    deleted_records: int
    """Rows of it that deletes scoped to this one file mark."""


@dataclass
class Manifest:
    """One manifest of the current snapshot."""

    bytes: int
    """Size of the manifest."""
    spec_id: int
    """Partition spec of the files that it lists."""
    deletes: bool
    """True where it lists delete files, false where it lists data files."""
    files: int
    """Live files that it lists."""


@dataclass
class MetadataLog:
    """The metadata file and those before it."""

    metadata_bytes: int
    """Size of the current metadata file."""
    entries: int
    """Older metadata files that the current one lists."""


@dataclass
class Exclusive:
    """What would be deleted with a set of snapshots: reachable from them and from no snapshot that stays."""

    data_files: int
    """Data files."""
    delete_files: int
    """Delete files."""
    manifests: int
    """Manifests."""
    manifest_lists: int
    """Manifest lists."""
    statistics_files: int
    """Statistics files."""
    bytes: int
    """All of the files above together."""


@dataclass
class Orphans:
    """Files under the table's location that nothing in its metadata names."""

    files: int
    """Files."""
    bytes: int
    """Their size."""
    oldest: int | None
    """When the oldest was last modified; absent where there is none."""
