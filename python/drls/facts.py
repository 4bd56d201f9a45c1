"""Facts about a table, read from its metadata: no row of data, no Spark, no write.

Three tiers, each dearer than the one before: the metadata file, the manifest lists, the manifests. All are immutable
files, so the caller keeps what it got by path and asks for a file once. Ids and sizes are integers; the caller turns
64-bit ids into strings where JSON needs it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

from drls import avro, storage
from drls.errors import corrupt, translated
from drls.metadata import EMBEDDED, read_metadata, read_raw
from drls.partitions import partition_namer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["list_files", "read_manifest_lists", "read_manifests", "read_metadata"]

_FILE_PATH = 2147483546
"""Reserved field id of the path column of a position delete file (Iceberg specification, "Reserved Field IDs")."""
_ADDED, _DELETED = 1, 2
_POSITION_DELETES = 1


class ManifestFacts(TypedDict):
    """A manifest as its list describes it: counts of files and rows by status, sizes in bytes."""

    path: str
    bytes: int
    spec_id: int
    deletes: bool
    sequence_number: int
    min_sequence_number: int
    added_snapshot_id: int
    added_files: int
    existing_files: int
    deleted_files: int
    added_rows: int
    existing_rows: int
    deleted_rows: int


class ManifestListFacts(TypedDict):
    """A manifest list, its size in bytes (0 where a v1 snapshot embeds it) and its manifests."""

    path: str
    bytes: int
    manifests: list[ManifestFacts]


class EntriesFacts(TypedDict):
    """The live entries of one manifest, column by column; all columns but `partitions` have one value an entry.

    `partition` is an index into `partitions`, whose items are like "region=eu/day=2026-11-23" ("" if unpartitioned).
    `content`: 0 data, 1 position deletes and deletion vectors, 2 equality deletes. `bytes`: size of the file `file`,
    which several deletion vectors share. `sequence`: data sequence number, `snapshot`: the one that added the file,
    both inherited from the manifest where the entry leaves them out. `refers`: the one data file that a deletion
    vector or a position delete file is about, else `None`.
    """

    path: str
    partitions: list[str]
    partition: list[int]
    content: list[int]
    bytes: list[int]
    records: list[int]
    sequence: list[int]
    snapshot: list[int]
    file: list[str]
    refers: list[str | None]


@translated
def read_manifest_lists(paths: Sequence[str], io: Mapping[str, str]) -> list[ManifestListFacts]:
    """Read manifest lists, in the order of `paths` (each a `manifest_list` of a snapshot).

    Errors: `corrupt-metadata` naming the list that is missing or unreadable.
    """
    return [_manifest_list(path, io) for path in paths]


def _manifest_list(path: str, io: Mapping[str, str]) -> ManifestListFacts:
    if EMBEDDED in path:
        return {"path": path, "bytes": 0, "manifests": _embedded_list(path, io)}
    rows = [_manifest(row, io) for row in avro.read(path, io, "manifest")]
    return {"path": path, "bytes": storage.size_of(path, io), "manifests": rows}


def _manifest(row: Any, io: Mapping[str, str]) -> ManifestFacts:  # noqa: ANN401 (a row of "manifest" columns)
    path, size, spec, content, sequence, min_sequence, snapshot, *counts = (row[at] for at in range(len(row)))
    manifest: ManifestFacts = {
        "path": path,
        "bytes": size,
        "spec_id": spec,
        "deletes": content == 1,
        "sequence_number": sequence or 0,
        "min_sequence_number": min_sequence or 0,
        "added_snapshot_id": snapshot or 0,
        "added_files": counts[0] or 0,
        "existing_files": counts[1] or 0,
        "deleted_files": counts[2] or 0,
        "added_rows": counts[3] or 0,
        "existing_rows": counts[4] or 0,
        "deleted_rows": counts[5] or 0,
    }
    if None in counts:  # optional in v1
        _count(manifest, io)
    return manifest


def _embedded_list(path: str, io: Mapping[str, str]) -> list[ManifestFacts]:
    """Read the manifests that a v1 snapshot names itself, as a list would describe them."""
    location, identity = path.rsplit(EMBEDDED, 1)
    _, raw = read_raw(location, io)
    snapshot = next(found for found in raw["snapshots"] if found["snapshot-id"] == int(identity))
    manifests: list[ManifestFacts] = []
    for name in snapshot["manifests"]:
        manifest: ManifestFacts = {
            "path": name,
            "bytes": storage.size_of(name, io),
            "spec_id": 0,
            "deletes": False,
            "sequence_number": 0,
            "min_sequence_number": 0,
            "added_snapshot_id": int(identity),
            "added_files": 0,
            "existing_files": 0,
            "deleted_files": 0,
            "added_rows": 0,
            "existing_rows": 0,
            "deleted_rows": 0,
        }
        _count(manifest, io)
        manifests.append(manifest)
    return manifests


def _count(manifest: ManifestFacts, io: Mapping[str, str]) -> None:
    """Fill in the counts that the list does not give."""
    totals = [[0, 0], [0, 0], [0, 0]]
    for entry in avro.read(manifest["path"], io, "data-entry"):
        totals[entry[0]][0] += 1
        totals[entry[0]][1] += entry[3][3]
    (manifest["existing_files"], manifest["existing_rows"]) = totals[0]
    (manifest["added_files"], manifest["added_rows"]) = totals[1]
    (manifest["deleted_files"], manifest["deleted_rows"]) = totals[2]


@translated
def read_manifests(
    metadata_location: str, manifests: Sequence[ManifestFacts], io: Mapping[str, str]
) -> list[EntriesFacts]:
    """Read the live entries of manifests (as `read_manifest_lists` describes them), in their order.

    The metadata file gives the partition specs by which partitions get their names.
    Errors: `corrupt-metadata` naming the manifest that is missing or unreadable.
    """
    metadata = read_metadata(metadata_location, io)
    namers = {spec["spec_id"]: partition_namer(spec["fields"], metadata["schemas"]) for spec in metadata["specs"]}
    read: list[EntriesFacts] = []
    for manifest in manifests:
        namer = namers.get(manifest["spec_id"])
        if namer is None:
            raise corrupt(manifest["path"], f"has the partition spec {manifest['spec_id']}, which the table lacks")
        read.append(_entries(manifest, namer, io))
    return read


def _entries(manifest: ManifestFacts, name_of: Callable[[Any], str], io: Mapping[str, str]) -> EntriesFacts:
    partitions: dict[str, int] = {}
    by_value: dict[tuple[Any, ...], int] = {}
    entries: EntriesFacts = {
        "path": manifest["path"], "partitions": [], "partition": [], "content": [], "bytes": [], "records": [],
        "sequence": [], "snapshot": [], "file": [], "refers": [],
    }  # fmt: skip
    columns: avro.Columns = "delete-entry" if manifest["deletes"] else "data-entry"
    inherited = manifest["sequence_number"]
    row: Any
    for row in avro.read(manifest["path"], io, columns):
        if row[0] == _DELETED:
            continue
        file = row[3]
        value = tuple(file[2][at] for at in range(len(file[2])))
        number = by_value.get(value)
        if number is None:
            number = by_value[value] = partitions.setdefault(name_of(value), len(partitions))
        entries["partition"].append(number)
        entries["content"].append(file[0])
        entries["file"].append(file[1])
        entries["records"].append(file[3])
        entries["bytes"].append(file[4])
        # https://iceberg.apache.org/spec/#sequence-number-inheritance
        sequence = row[2]
        if sequence is None:
            if row[0] != _ADDED and inherited:
                raise corrupt(manifest["path"], "has an existing entry without a sequence number")
            sequence = inherited
        entries["sequence"].append(sequence)
        entries["snapshot"].append(row[1] if row[1] is not None else manifest["added_snapshot_id"])
        entries["refers"].append(_refers(file) if manifest["deletes"] else None)
    entries["partitions"] = list(partitions)
    return entries


def _refers(file: Any) -> str | None:  # noqa: ANN401 (the data file of a row of "delete-entry" columns)
    """Name the one data file that a delete file is about, by its own word or by equal bounds of the path column."""
    if file[7] is not None:
        return str(file[7])
    if file[0] == _POSITION_DELETES and file[5] and file[6]:
        lower, upper = file[5].get(_FILE_PATH), file[6].get(_FILE_PATH)
        if lower is not None and lower == upper:
            return bytes(lower).decode(errors="replace")
    return None


@translated
def list_files(location: str, io: Mapping[str, str]) -> list[storage.ListedFile]:
    """List the files under a location, `[{path, bytes, modified_at}]`, in no order; none where it does not exist.

    Hidden ones (".part.crc", "_temporary/...") are left out, as Iceberg's own orphan removal does.

    Errors: `read-only-storage` (no permission), `catalog-unavailable` (the store does not answer).
    """
    return list(storage.listing(location, io))
