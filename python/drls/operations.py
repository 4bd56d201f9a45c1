"""Changes of a table that touch its metadata only, by PyIceberg: no Spark, no Java, no row of data read.

Each takes the catalog, the table's place in it and the id of the job that asks, and answers with `Committed`.
Errors of all: `table-not-found`, `commit-conflict`, `catalog-locked`, `read-only-storage`, `disk-full`,
`corrupt-metadata`, `catalog-unavailable`, and `invalid-argument` with a pointer to what is wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyiceberg.schema import Schema
from pyiceberg.table.update import (
    AssertCurrentSchemaId,
    AssertRefSnapshotId,
    AssertTableUUID,
    RemovePropertiesUpdate,
    SetCurrentSchemaUpdate,
    SetPropertiesUpdate,
    SetSnapshotRefUpdate,
)
from pyiceberg.transforms import VoidTransform
from pyiceberg.types import NestedField

from drls import storage
from drls.cleanup import PATH_PROPERTIES, expire_snapshots, list_orphan_files, remove_orphan_files
from drls.columns import find_column, refuse_taken, siblings, struct_path
from drls.commits import Committed, commit
from drls.errors import DrlsError, invalid, translated
from drls.iceberg_types import parse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyiceberg.table import Table

    from drls.catalog import Catalog

__all__ = [
    "add_column",
    "drop_column",
    "expire_snapshots",
    "list_orphan_files",
    "remove_orphan_files",
    "rename_column",
    "rollback",
    "set_current_schema",
    "set_current_snapshot",
    "set_properties",
]

_RESERVED = frozenset(
    {
        "format-version", "uuid", "snapshot-count", "current-snapshot-summary", "current-snapshot-id",
        "current-snapshot-timestamp-ms", "current-schema", "default-partition-spec", "default-sort-order",
    }
)  # fmt: skip
"""Names that stand for fields of the metadata (TableProperties.RESERVED_PROPERTIES of Iceberg 1.12)."""


@translated
def add_column(
    catalog: Catalog,
    namespace: Sequence[str],
    name: str,
    path: str,
    data_type: str,
    doc: str | None,
    after: str | None,
    job_id: str,
) -> Committed:
    """Add an optional column, "address.zip" for a nested one: its parent is a struct, or a list or map of structs.

    `data_type` as Iceberg spells it. `after`: name of the sibling that it follows; `None` = last.
    Errors: `column-not-found` for the parent or the sibling.
    """
    parsed = parse(data_type)
    parent, _, column = path.rpartition(".")
    if not column:
        raise invalid("/path", "must end with the new column's name")

    def change(table: Table) -> Table:
        schema, version = table.schema(), table.metadata.format_version
        try:
            Schema(NestedField(1, column, parsed)).check_format_version_compatibility(version)
        except ValueError as error:
            raise invalid("/data_type", f"{data_type} is not known to the format version {version}") from error
        around = siblings(schema, parent)
        refuse_taken(around, column, "/path")
        if after is not None and after not in [field.name for field in around]:
            raise DrlsError("column-not-found", f"There is no column {after!r} beside {path!r} to put it after.")
        holder = (struct_path(schema, parent),) if parent else ()
        with table.update_schema() as update:
            update.add_column((*holder, column), parsed, doc=doc)
            if after is not None:
                update.move_after((*holder, column), (*holder, after))
        return table

    return commit(catalog, namespace, name, job_id, change)


@translated
def rename_column(
    catalog: Catalog, namespace: Sequence[str], name: str, path: str, new_name: str, job_id: str
) -> Committed:
    """Rename a column, nested or not, to `new_name`, which has no dot. Errors: `column-not-found`."""
    if not new_name or "." in new_name:
        raise invalid("/name", "must not be empty or hold a dot, which parts the names of nested columns")

    def change(table: Table) -> Table | None:
        field = find_column(table.schema(), path)
        if field.name == new_name:
            return None
        parent = path[: -len(field.name)].rstrip(".")
        others = [other for other in siblings(table.schema(), parent) if other.field_id != field.field_id]
        refuse_taken(others, new_name, "/name")
        with table.update_schema() as update:
            update.rename_column(path, new_name)
        return table

    return commit(catalog, namespace, name, job_id, change)


@translated
def drop_column(catalog: Catalog, namespace: Sequence[str], name: str, path: str, job_id: str) -> Committed:
    """Drop a column with all that is nested in it; its data stays in the files until they are rewritten.

    Errors: `column-not-found`; `invalid-argument` where a partition spec, the sort order or the identifier uses it,
    or where nothing would be left.
    """

    def change(table: Table) -> Table:
        schema = table.schema()
        field = find_column(schema, path)
        parent = path[: -len(field.name)].rstrip(".")
        if len(siblings(schema, parent)) == 1:
            raise invalid("/path", f"{path!r} is the only column of its parent, which would be left empty")
        _refuse_used(table, path)
        with table.update_schema() as update:
            update.delete_column(path)
        return table

    return commit(catalog, namespace, name, job_id, change)


def _refuse_used(table: Table, path: str) -> None:
    """Refuse to drop a column, or one that it holds, by which the table is organised."""
    schema, metadata = table.schema(), table.metadata
    names = {field: schema.find_column_name(field) or "" for field in schema.field_ids}
    dropped = {field for field, full in names.items() if full == path or full.startswith(f"{path}.")}
    # Old specs too: files that were written by them still need the column to be told apart.
    partitioned = {
        field.source_id
        for spec in metadata.partition_specs
        for field in spec.fields
        if not isinstance(field.transform, VoidTransform)
    }
    sorted_by = {field.source_id for field in table.sort_order().fields}
    for used, what in (
        (partitioned, "the table is or was partitioned by it"),
        (sorted_by, "the table is sorted by it"),
        (set(schema.identifier_field_ids), "it identifies rows"),
    ):
        if hit := sorted(names[field] for field in dropped & used):
            raise invalid("/path", f"{path!r} can't be dropped: {what} ({', '.join(hit)})")


@translated
def set_properties(
    catalog: Catalog, namespace: Sequence[str], name: str, properties: Mapping[str, str | None], job_id: str
) -> Committed:
    """Set table properties; a value of `None` removes one. Those that hold already change nothing."""
    reserved = sorted(_RESERVED & properties.keys())
    if reserved:
        raise invalid("/properties", f"{', '.join(reserved)}: reserved by Iceberg for the metadata itself")

    def change(table: Table) -> Table | None:
        _refuse_outside(table, properties)
        now = table.properties
        removed = [key for key, value in properties.items() if value is None and key in now]
        updated = {key: value for key, value in properties.items() if value is not None and now.get(key) != value}
        updates = (
            *((RemovePropertiesUpdate(removals=removed),) if removed else ()),
            *((SetPropertiesUpdate(updates=updated),) if updated else ()),
        )
        if not updates:
            return None
        table.catalog.commit_table(table, (AssertTableUUID(uuid=table.metadata.table_uuid),), updates)
        return table.refresh()

    return commit(catalog, namespace, name, job_id, change)


def _refuse_outside(table: Table, properties: Mapping[str, str | None]) -> None:
    """Refuse to send the table's files to a folder that is not its own: the server would write wherever it may."""
    own = storage.canonical(table.location()) + "/"
    for key in PATH_PROPERTIES:
        value = properties.get(key)
        if value is not None and not (storage.canonical(value) + "/").startswith(own):
            raise invalid(f"/properties/{key}", f"must lie in the table's own location, {own}")


@translated
def rollback(
    catalog: Catalog, namespace: Sequence[str], name: str, snapshot_id: int, job_id: str, expected: int | None = None
) -> Committed:
    """Make `snapshot_id` the head of main; it has to be an ancestor of the head, or the head itself.

    `expected` has to be the head until then, where it is given; else `commit-conflict`.
    """

    def change(table: Table) -> Table | None:
        metadata = table.metadata
        _refuse_moved(table, expected, snapshot_id)
        parents = {snapshot.snapshot_id: snapshot.parent_snapshot_id for snapshot in metadata.snapshots}
        ancestor = metadata.current_snapshot_id
        while ancestor is not None and ancestor != snapshot_id:
            ancestor = parents.get(ancestor)
        if ancestor is None:
            raise invalid(
                "/snapshot_id",
                f"{snapshot_id} is no ancestor of the current snapshot, or was expired: nothing to go back to",
            )
        return _move_main(table, snapshot_id)

    return commit(catalog, namespace, name, job_id, change)


@translated
def set_current_snapshot(
    catalog: Catalog, namespace: Sequence[str], name: str, snapshot_id: int, job_id: str, expected: int | None = None
) -> Committed:
    """Make any snapshot of the table the head of main, an ancestor or not: this undoes a rollback too.

    `expected` has to be the head until then, where it is given; else `commit-conflict`.
    """

    def change(table: Table) -> Table | None:
        _refuse_moved(table, expected, snapshot_id)
        if table.metadata.snapshot_by_id(snapshot_id) is None:
            raise invalid("/snapshot_id", f"{snapshot_id} is no snapshot of this table, or was expired")
        return _move_main(table, snapshot_id)

    return commit(catalog, namespace, name, job_id, change)


def _refuse_moved(table: Table, expected: int | None, target: int) -> None:
    """Refuse where main has another head than the one that was looked at."""
    if expected is not None and table.metadata.current_snapshot_id not in (expected, target):
        raise DrlsError("commit-conflict", "Another writer committed meanwhile; going back would lose that.")


def _move_main(table: Table, snapshot_id: int) -> Table | None:
    """Commit the head of main with the retention that it has; `None` where it is the head already."""
    metadata = table.metadata
    if metadata.current_snapshot_id == snapshot_id:
        return None
    main = metadata.refs["main"]
    table.catalog.commit_table(
        table,
        (AssertRefSnapshotId.model_validate({"ref": "main", "snapshot-id": metadata.current_snapshot_id}),),
        (
            SetSnapshotRefUpdate.model_validate(
                {
                    "ref-name": "main",
                    "type": "branch",
                    "snapshot-id": snapshot_id,
                    "max-ref-age-ms": main.max_ref_age_ms,
                    "max-snapshot-age-ms": main.max_snapshot_age_ms,
                    "min-snapshots-to-keep": main.min_snapshots_to_keep,
                }
            ),
        ),
    )
    return table.refresh()


@translated
def set_current_schema(
    catalog: Catalog,
    namespace: Sequence[str],
    name: str,
    schema_id: int,
    job_id: str,
    expected: int | None = None,
    seen: int | None = None,
) -> Committed:
    """Make an older schema of the table the current one: this undoes a column that was added, renamed or dropped.

    `expected` has to be the current one until then, and `seen` (-1: none) the current snapshot, where they are given;
    else `commit-conflict`.
    """

    def change(table: Table) -> Table | None:
        metadata = table.metadata
        if expected is not None and metadata.current_schema_id not in (expected, schema_id):
            raise DrlsError("commit-conflict", "The schema was changed meanwhile; going back would lose that.")
        if metadata.current_schema_id == schema_id:
            return None
        head = metadata.current_snapshot_id
        if seen is not None and seen != (-1 if head is None else head):
            raise DrlsError("commit-conflict", "Another writer committed meanwhile; its rows may have what this takes.")
        if metadata.schema_by_id(schema_id) is None:
            known = ", ".join(str(schema.schema_id) for schema in metadata.schemas)
            raise invalid("/schema_id", f"{schema_id} is no schema of this table; it has {known}")
        table.catalog.commit_table(
            table,
            (
                AssertTableUUID(uuid=metadata.table_uuid),
                AssertCurrentSchemaId.model_validate({"current-schema-id": metadata.current_schema_id}),
                AssertRefSnapshotId.model_validate({"ref": "main", "snapshot-id": head}),
            ),
            (SetCurrentSchemaUpdate.model_validate({"schema-id": schema_id}),),
        )
        return table.refresh()

    return commit(catalog, namespace, name, job_id, change)
