"""The first rows of a snapshot, as JSON can carry them."""

from __future__ import annotations

import base64
import datetime as dt
import json
import math
from typing import TYPE_CHECKING, TypedDict

import pyarrow as pa
from pyiceberg.expressions import AlwaysTrue
from pyiceberg.io.pyarrow import ArrowScan

from drls import catalog as catalogs
from drls import facts
from drls.errors import DrlsError, corrupt, invalid, translated
from drls.schemas import Field, describe_schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pyiceberg.schema import Schema
    from pyiceberg.table import DataScan, FileScanTask, Table
    from pyiceberg.table.snapshots import Snapshot

    from drls.catalog import Catalog

MOST_ROWS = 100
MOST_CELL = 1_000
"""Characters of a text or items of a list that one cell shows."""
MOST_FILE_BYTES = 256 * 1024 * 1024
"""A data file over this is not opened for a preview: its first row group alone may be as large."""

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


class Column(TypedDict):
    """A column's name and its Iceberg type."""

    name: str
    type: str


class Preview(TypedDict):
    """`rows` have one value a column. `cut`: some cell was shortened. `snapshot_id`: `None` for a table without data.

    Numbers that JSON can't hold (NaN, infinities, whole numbers beyond 2^53) are texts, binary is Base64.
    """

    columns: list[Column]
    rows: list[list[Json]]
    snapshot_id: int | None
    cut: bool


@translated
def rows(
    catalog: Catalog, namespace: Sequence[str], name: str, snapshot_id: int | None = None, limit: int = MOST_ROWS
) -> Preview:
    """Read at most `limit` (1 to 100) rows of a snapshot, the current one where none is named; deletes are applied.

    Files are read one after the other until there are enough rows.
    Errors: `table-not-found`; `invalid-argument` for a snapshot that the table does not have, and where its data can't
    be read without Spark (equality deletes, files over `MOST_FILE_BYTES`); `corrupt-metadata` naming the manifest list,
    manifest or data file that is missing or unreadable.
    """
    if not 1 <= limit <= MOST_ROWS:
        raise invalid("/limit", f"must be 1 to {MOST_ROWS}")
    table = catalogs.load(catalog, namespace, name)
    if snapshot_id is None:
        snapshot = table.current_snapshot()
    else:
        snapshot = table.snapshot_by_id(snapshot_id)
        if snapshot is None:
            raise invalid("/snapshot_id", f"{snapshot_id} is no snapshot of this table, or it was expired")
    shown = _Cells()
    found: list[list[Json]] = []
    schema = table.schema()
    if snapshot is not None:
        scan = table.scan(snapshot_id=snapshot.snapshot_id)
        schema = scan.projection()
        for batch in _batches(table, schema, _planned(table, snapshot, scan), limit):
            found += [[shown(value) for value in row.values()] for row in batch.to_pylist()]
    return {
        "columns": [{"name": field["name"], "type": field["type"]} for field in _described(schema)],
        "rows": found,
        "snapshot_id": snapshot.snapshot_id if snapshot else None,
        "cut": shown.cut,
    }


def _planned(table: Table, snapshot: Snapshot, scan: DataScan) -> Iterable[FileScanTask]:
    """Find the files to read.

    PyIceberg says with a ValueError both that it can't read such a table and that an Avro file is damaged, and with
    others that one is: which it was, our own reader tells.
    """
    try:
        return scan.plan_files()
    except Exception as error:
        io = table.io.properties
        for listed in facts.read_manifest_lists([snapshot.manifest_list], io):
            facts.read_manifests(table.metadata_location, listed["manifests"], io)
        if isinstance(error, (ValueError, NotImplementedError)):
            raise _needs_spark(error) from error
        raise


def _needs_spark(error: Exception) -> DrlsError:
    return DrlsError("invalid-argument", f"This table can't be shown without Spark: {error}")


def _batches(table: Table, schema: Schema, tasks: Iterable[FileScanTask], limit: int) -> Iterator[pa.RecordBatch]:
    """Read file after file until there are enough rows; a scan as a whole would open all of them side by side."""
    for task in tasks:
        if limit <= 0:
            return
        if task.file.file_size_in_bytes > MOST_FILE_BYTES:
            raise invalid("/table", "has data files too large for a preview; compact it to smaller ones or use SQL")
        scan = ArrowScan(table.metadata, table.io, schema, AlwaysTrue(), limit=limit)
        try:
            for batch in scan.to_record_batches([task]):
                limit -= batch.num_rows
                yield batch
        except pa.ArrowInvalid as error:  # a ValueError too
            raise corrupt(task.file.file_path, "or a delete file of it can't be read") from error
        except (ValueError, NotImplementedError) as error:
            raise _needs_spark(error) from error


def _described(schema: Schema) -> list[Field]:
    return describe_schema(json.loads(schema.model_dump_json()))["fields"]


class _Cells:
    """Turns values into JSON's, and remembers whether one was shortened."""

    _LARGEST = 2**53
    """JavaScript rounds whole numbers beyond it."""

    def __init__(self) -> None:
        self.cut = False

    def __call__(self, value: object) -> Json:
        if isinstance(value, dict):
            return {str(key): self(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            self.cut |= len(value) > MOST_CELL
            return [self(item) for item in value[:MOST_CELL]]
        return self._single(value)

    def _single(self, value: object) -> Json:
        match value:
            case None | bool():
                return value
            case int() if abs(value) <= self._LARGEST:
                return value
            case float() if math.isfinite(value):
                return value
            case bytes():
                return self._short(base64.b64encode(value[: MOST_CELL + 1]).decode())
            case dt.datetime() | dt.date() | dt.time():
                return value.isoformat()
        return self._short(str(value))

    def _short(self, text: str) -> str:
        if len(text) <= MOST_CELL:
            return text
        self.cut = True
        return text[:MOST_CELL]
