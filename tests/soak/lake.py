"""A table as PyIceberg finds it past the server: columns, rows, live files, and the snapshots that a model lacks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from model import Column, Model, Ref, Snapshot
from pyiceberg.manifest import DataFileContent, FileFormat

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from model import Rows
    from pyiceberg.schema import Schema
    from pyiceberg.table import Table

    Effects = Mapping[int, Callable[[Rows], Rows]]
    """By snapshot id, what a write of ours did to the rows of the snapshot before it."""


class Files(NamedTuple):
    """Live files of the current snapshot. `records` are those of data files, deleted ones too."""

    data_files: int = 0
    data_bytes: int = 0
    delete_files: int = 0
    records: int = 0


def columns_of(schema: Schema) -> tuple[Column, ...]:
    """The top-level columns."""
    return tuple(Column(field.field_id, field.name, str(field.field_type)) for field in schema.fields)


def lines_of(table: Table, snapshot: int | None = None) -> tuple[tuple[Column, ...], list[tuple[Any, ...]]]:
    """Columns and rows sorted by id: of the current snapshot, or of another under the schema that it has."""
    found = table.scan(snapshot_id=snapshot).to_arrow()
    schema = table.schema()
    if snapshot is not None:
        known = table.metadata.snapshot_by_id(snapshot)
        assert known is not None, f"snapshot {snapshot} is gone"
        schema = table.schemas()[known.schema_id] if known.schema_id is not None else schema
    columns = columns_of(schema)
    assert found.column_names == [one.name for one in columns]
    values = [column.to_pylist() for column in found.columns]
    at = found.column_names.index("id")
    return columns, sorted(zip(*values, strict=True), key=lambda line: int(line[at]))


def live_files(table: Table) -> Files:
    """Add up the live entries of every manifest of the current snapshot."""
    snapshot = table.current_snapshot()
    counts = dict.fromkeys(Files._fields, 0)
    for manifest in snapshot.manifests(table.io) if snapshot else []:
        for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True):
            file = entry.data_file
            if file.content == DataFileContent.DATA:
                counts["data_files"] += 1
                counts["data_bytes"] += file.file_size_in_bytes
                counts["records"] += file.record_count
            else:
                puffin = file.file_format == FileFormat.PUFFIN
                assert puffin == (table.format_version > 2), f"deletes as {file.file_format}"  # noqa: PLR2004
                counts["delete_files"] += 1
    return Files(**counts)


def modelled(table: Table) -> Model:
    """The model of a table that nobody has written yet."""
    assert not table.metadata.snapshots
    return Model(columns_of(table.schema()), table.metadata.last_column_id, {}, {}, dict(table.properties))


def refs_of(table: Table) -> dict[str, Ref]:
    """The branches and tags."""
    return {name: Ref(ref.snapshot_ref_type.value, ref.snapshot_id) for name, ref in table.metadata.refs.items()}


def absorbed(model: Model, table: Table, effects: Effects | None = None, *, rewritten: bool = False) -> Model:
    """The model with the snapshots that came on top of its head, each of which has to be explained.

    Those of our writers are in `effects`; where one write made several, the rows of those before its last are read.
    Where the table was `rewritten`, those of kind replace hold the rows that were there before.
    """
    effects = effects or {}
    snapshots, head = dict(model.snapshots), model.head
    for one in table.metadata.snapshots:
        if one.snapshot_id in snapshots:
            continue
        assert one.parent_snapshot_id == head, (
            f"snapshot {one.snapshot_id} came on {one.parent_snapshot_id}, not {head}"
        )
        rows = snapshots[head].rows if head is not None else {}
        kind = one.summary.operation.value if one.summary else ""
        if one.snapshot_id in effects:
            rows = effects[one.snapshot_id](rows)
        elif effects and kind in ("delete", "overwrite"):
            columns, lines = lines_of(table, one.snapshot_id)
            at = [column.name for column in columns].index("id")
            kept = {line[at] for line in lines}
            assert kept <= rows.keys(), "a delete added rows"
            rows = {key: row for key, row in rows.items() if key in kept}
        else:
            assert rewritten, f"a snapshot of kind {kind} that nobody made: {one}"
            assert kind == "replace", f"a rewrite committed a snapshot of kind {kind}: {one}"
        head = one.snapshot_id
        snapshots[head] = Snapshot(head, one.parent_snapshot_id, rows)
    grown = replace(model, snapshots=snapshots)
    return grown.moved(head) if head is not None else grown
