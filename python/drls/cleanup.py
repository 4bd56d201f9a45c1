"""Deletes what a table no longer needs: snapshots with the files that only they reach, and files that nothing names."""

from __future__ import annotations

import concurrent.futures
import logging
import time
from typing import TYPE_CHECKING, Any, TypedDict

from pyiceberg.catalog import MetastoreCatalog
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.table.update import (
    AssertRefSnapshotId,
    RemovePartitionStatisticsUpdate,
    RemoveSnapshotsUpdate,
    ValidatableTableRequirement,
)

from drls import catalog as catalogs
from drls import facts, storage
from drls.commits import Committed, commit
from drls.errors import DrlsError, invalid, shown, translated
from drls.metadata import EMBEDDED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pyiceberg.table import Table
    from pyiceberg.table.metadata import TableMetadata

    from drls.catalog import Catalog
    from drls.metadata import MetadataFacts

log = logging.getLogger(__name__)

PATH_PROPERTIES = (
    "write.data.path",
    "write.metadata.path",
    "write.object-storage.path",
    "write.folder-storage.path",
)
"""Properties by which a table writes outside its location (TableProperties of Iceberg 1.12)."""
ORPHAN_FLOOR_MS = 24 * 3_600_000
"""A younger file may belong to a commit that is still under way; Spark's remove_orphan_files refuses them too."""
_DELETERS = 8


class Deleted(TypedDict):
    """Files that were deleted, by kind, and their bytes together; those that could not be, by name, and why."""

    data_files: int
    delete_files: int
    manifests: int
    manifest_lists: int
    statistics_files: int
    bytes: int
    failed: list[str]


class Expired(Committed):
    """What an expiry did."""

    snapshots_removed: int
    deleted: Deleted


class OrphansRemoved(TypedDict):
    """What an orphan removal did; `metadata_location` is unchanged by it."""

    metadata_location: str
    files: int
    bytes: int
    failed: list[str]


class _NoRefMoved(ValidatableTableRequirement):
    """Fails the commit where a branch or tag came to need one of the snapshots since they were judged.

    The specification has no such requirement, and `remove-snapshots` drops the refs of what it removes.
    """

    type: str = "drls-no-ref-moved"
    removed: frozenset[int]

    def validate(self, base_metadata: TableMetadata | None) -> None:  # type: ignore[override]
        """Compare the refs of the metadata that the commit is about to replace."""
        refs = base_metadata.refs if base_metadata is not None else {}
        if any(ref.snapshot_id in self.removed for ref in refs.values()):
            raise CommitFailedException("a branch or tag came to need a snapshot that was to be removed")


@translated
def expire_snapshots(
    catalog: Catalog, namespace: Sequence[str], name: str, snapshot_ids: Sequence[int], job_id: str
) -> Expired:
    """Remove snapshots, then delete every file that only they reached.

    What is deleted is judged against the metadata as committed, newer commits included. Ids that the table no longer
    has are passed over. Files that can't be deleted are told, not raised: they are orphans then.
    Errors: `invalid-argument` where a branch or tag points to one of them, or where gc.enabled is false.
    """
    asked = frozenset(snapshot_ids)
    before: list[MetadataFacts] = []

    def change(table: Table) -> Table | None:
        _refuse_shared_files(table)
        metadata = table.metadata
        present = asked & {snapshot.snapshot_id for snapshot in metadata.snapshots}
        kept = {ref.snapshot_id: name for name, ref in metadata.refs.items()}
        if pinned := sorted(present & kept.keys()):
            names = ", ".join(f"{snapshot} ({kept[snapshot]})" for snapshot in pinned)
            raise invalid("/snapshot_ids", f"a branch or tag points to {names}; move or drop it first")
        if not present:
            return None
        before[:] = [facts.read_metadata(table.metadata_location, table.io.properties)]
        requirements: tuple[Any, ...] = tuple(
            AssertRefSnapshotId.model_validate({"ref": name, "snapshot-id": ref.snapshot_id})
            for name, ref in metadata.refs.items()
        )
        if isinstance(
            table.catalog, MetastoreCatalog
        ):  # it validates here; a REST catalog knows the standard ones only
            requirements += (_NoRefMoved(removed=present),)
        updates: tuple[Any, ...] = (RemoveSnapshotsUpdate.model_validate({"snapshot-ids": sorted(present)}),)
        updates += tuple(
            RemovePartitionStatisticsUpdate.model_validate({"snapshot-id": file.snapshot_id})
            for file in metadata.partition_statistics
            if file.snapshot_id in present
        )
        table.catalog.commit_table(table, requirements, updates)
        return table.refresh()

    committed = commit(catalog, namespace, name, job_id, change)
    if not before:
        return {**committed, "snapshots_removed": 0, "deleted": _nothing()}
    table = catalogs.load(catalog, namespace, name)  # newer commits keep files too
    io = table.io.properties
    after = facts.read_metadata(table.metadata_location, io)
    there = {snapshot["id"] for snapshot in after["snapshots"]}
    removed = [snapshot for snapshot in before[0]["snapshots"] if snapshot["id"] in asked - there]
    try:
        deleted = _delete_unreached(before[0], {snapshot["id"] for snapshot in removed}, after, io)
    except (
        DrlsError
    ) as error:  # the snapshots are gone already: what they left is orphans, and no failure of the expiry
        deleted = {**_nothing(), "failed": [error.detail]}
    log.info("job %s: removed %s snapshots and %s bytes", job_id, len(removed), deleted["bytes"])
    return {**committed, "snapshots_removed": len(removed), "deleted": deleted}


def _refuse_shared_files(table: Table) -> None:
    if table.properties.get("gc.enabled", "true").lower() == "false":
        raise invalid("/table", "has gc.enabled = false: other tables may use its files, so that none may be deleted")


def _nothing() -> Deleted:
    return {
        "data_files": 0, "delete_files": 0, "manifests": 0, "manifest_lists": 0, "statistics_files": 0, "bytes": 0,
        "failed": [],
    }  # fmt: skip


def _delete_unreached(before: MetadataFacts, removed: set[int], after: MetadataFacts, io: Mapping[str, str]) -> Deleted:
    """Delete what the removed snapshots reached and the metadata `after` does not."""
    kept = _Reach(after, None, io)
    gone = _Reach(before, removed, io)
    doomed: list[tuple[str, str, int]] = []  # kind, path, bytes
    candidates = [manifest for path, manifest in gone.manifests.items() if path not in kept.manifests]
    if candidates:
        live = kept.files()
        for entries in facts.read_manifests(before["location"], candidates, io):
            for file, size, content in zip(entries["file"], entries["bytes"], entries["content"], strict=True):
                if storage.canonical(file) not in live:
                    doomed.append(("delete_files" if content else "data_files", file, size))
    doomed += [("manifests", manifest["path"], manifest["bytes"]) for manifest in candidates]
    doomed += [("manifest_lists", path, size) for path, size in gone.lists.items() if path not in kept.lists]
    doomed += [
        ("statistics_files", path, size) for path, size in gone.statistics.items() if path not in kept.statistics
    ]
    return _delete(doomed, io)


class _Reach:
    """What a metadata file reaches through all of its snapshots, or through those with the given ids."""

    def __init__(self, metadata: MetadataFacts, only: set[int] | None, io: Mapping[str, str]) -> None:
        self._metadata = metadata
        self._io = io
        snapshots = [snapshot for snapshot in metadata["snapshots"] if only is None or snapshot["id"] in only]
        named = sorted({snapshot["manifest_list"] for snapshot in snapshots})
        lists = facts.read_manifest_lists(named, io)
        # By canonical path: engines spell the same file differently, and what one of them keeps is kept.
        self.lists = {
            storage.canonical(listed["path"]): listed["bytes"] for listed in lists if EMBEDDED not in listed["path"]
        }
        self.manifests = {
            storage.canonical(manifest["path"]): manifest for listed in lists for manifest in listed["manifests"]
        }
        self.statistics = {
            storage.canonical(file["path"]): file["bytes"]
            for file in (*metadata["statistics"], *metadata["partition_statistics"])
            if only is None or file["snapshot_id"] in only
        }

    def files(self) -> set[str]:
        """Give the canonical paths of all live data and delete files."""
        entries = facts.read_manifests(self._metadata["location"], list(self.manifests.values()), self._io)
        return {storage.canonical(file) for manifest in entries for file in manifest["file"]}


def _delete(doomed: Iterable[tuple[str, str, int]], io: Mapping[str, str]) -> Deleted:
    """Delete files side by side; each file counts once, however often it is named."""
    once = {storage.canonical(path): (kind, path, size) for kind, path, size in doomed}
    told = _nothing()
    counts: dict[str, int] = {}

    def one(file: tuple[str, str, int]) -> str | None:
        try:
            existed = storage.delete(file[1], io)
        except Exception as error:  # noqa: BLE001 (each store has exceptions of its own; all are told)
            return f"{shown(file[1])}: {type(error).__name__}"
        return None if existed else ""

    with concurrent.futures.ThreadPoolExecutor(_DELETERS, thread_name_prefix="delete") as pool:
        for (kind, _path, size), failure in zip(once.values(), pool.map(one, once.values()), strict=True):
            if failure is None:
                counts[kind] = counts.get(kind, 0) + 1
                told["bytes"] += size
            elif failure:
                told["failed"].append(failure)
    told.update(counts)  # type: ignore[typeddict-item]
    return told


@translated
def remove_orphan_files(
    catalog: Catalog, namespace: Sequence[str], name: str, older_than: int, job_id: str
) -> OrphansRemoved:
    """Delete files under the table's location that nothing in its metadata names, last modified before `older_than`.

    `older_than` is in milliseconds since the Unix epoch; files younger than `ORPHAN_FLOOR_MS` stay whatever it says,
    and so do files of another table of the catalog whose location lies inside this one's.
    Errors: `invalid-argument` where gc.enabled is false or another table has the same location.
    """
    table, orphans = _orphans(catalog, namespace, name)
    limit = min(older_than, int(time.time() * 1000) - ORPHAN_FLOOR_MS)
    doomed = [("data_files", file["path"], file["bytes"]) for file in orphans if file["modified_at"] < limit]
    deleted = _delete(doomed, table.io.properties)
    log.info("job %s: removed %s orphans", job_id, deleted["data_files"])
    return {
        "metadata_location": table.metadata_location,
        "files": deleted["data_files"],
        "bytes": deleted["bytes"],
        "failed": deleted["failed"],
    }


@translated
def list_orphan_files(catalog: Catalog, namespace: Sequence[str], name: str) -> list[storage.ListedFile]:
    """List what `remove_orphan_files` would delete if all of it were old enough. Deletes nothing.

    Errors: as `remove_orphan_files`.
    """
    return _orphans(catalog, namespace, name)[1]


def _orphans(catalog: Catalog, namespace: Sequence[str], name: str) -> tuple[Table, list[storage.ListedFile]]:
    """Give the table and the files under its location that nothing names, of any age."""
    table = catalogs.load(catalog, namespace, name)
    _refuse_shared_files(table)
    io = table.io.properties
    metadata = facts.read_metadata(table.metadata_location, io)
    foreign = _inside(catalog, namespace, name, metadata["table_location"])
    # Listed before the metadata is read again: what a commit adds meanwhile is then either not listed or named.
    listed = facts.list_files(metadata["table_location"], io)
    named = _named(catalogs.load(catalog, namespace, name))
    orphans = []
    for file in listed:
        path = storage.canonical(file["path"])
        if path not in named and not any(path.startswith(location) for location in foreign):
            orphans.append(file)
    return table, orphans


def _named(table: Table) -> set[str]:
    """Give the canonical path of every file that the table's metadata names, and of the metadata itself."""
    metadata = facts.read_metadata(table.metadata_location, table.io.properties)
    reach = _Reach(metadata, None, table.io.properties)
    named = {*reach.lists, *reach.manifests, *reach.statistics}
    named |= reach.files()
    named |= {storage.canonical(entry["file"]) for entry in metadata["metadata_log"]}
    named.add(storage.canonical(table.metadata_location))
    named.add(storage.canonical(f"{metadata['table_location']}/metadata/version-hint.text"))
    return named


def _inside(catalog: Catalog, namespace: Sequence[str], name: str, location: str) -> list[str]:
    """Give the folders, with a slash at the end, of other tables that lie inside `location`."""
    own = storage.canonical(location) + "/"
    inside = []
    for other in catalogs.list_tables(catalog):
        if other["namespace"] == list(namespace) and other["name"] == name:
            continue
        full = ".".join([*other["namespace"], other["name"]])
        for folder in _folders(catalog, other, full):
            if folder == own or own.startswith(folder):
                raise invalid("/table", f"lies in the location of {full}: which files are whose can't be told")
            if folder.startswith(own):
                inside.append(folder)
    return inside


def _folders(catalog: Catalog, other: catalogs.TableName, full: str) -> list[str]:
    """Give where another table writes: its location, and what its properties name beside it.

    One whose metadata can't be read is taken to live where its metadata file does.
    """
    try:
        table = catalogs.load(catalog, other["namespace"], other["name"])
    except DrlsError as error:
        metadata = other["metadata_location"]
        if metadata is None or "/metadata/" not in metadata:
            raise DrlsError(error.code, f"The table {full}, whose files must be told apart: {error.detail}") from error
        return [storage.canonical(metadata.rsplit("/metadata/", 1)[0]) + "/"]
    named = [table.properties[key] for key in PATH_PROPERTIES if key in table.properties]
    return [storage.canonical(folder.rstrip("/")) + "/" for folder in (table.location(), *named)]
