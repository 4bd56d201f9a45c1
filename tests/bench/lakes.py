"""The tables that are measured."""

from __future__ import annotations

import contextlib
import sqlite3
import struct
import time
import uuid
from typing import TYPE_CHECKING

from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.typedef import Record
from sick_tables import schema_of

from drls import catalog as catalogs
from drls.snapshots import SnapshotWriter

if TYPE_CHECKING:
    from harness import Home
    from pyiceberg.table import Table

SNAPSHOTS = 300
MANIFESTS = 10
FILES_A_MANIFEST = 400


def grown(home: Home, name: str) -> Table:
    """Make a table of 300 snapshots and 10 manifests of 400 files, described in full and not written."""
    opened = catalogs.open(home.lake)
    namespace, short = name.split(".")
    opened.create_namespace_if_not_exists(namespace)
    table = opened.create_table((namespace, short), schema_of(nested=False), properties={"format-version": "2"})
    writer = SnapshotWriter(table)
    now = int(time.time() * 1000)
    for number in range(SNAPSHOTS):
        loads = (number + 1) % (SNAPSHOTS // MANIFESTS) == 0
        last = number == SNAPSHOTS - 1
        files = [_file(table, at) for at in range(FILES_A_MANIFEST)] if loads else []
        writer.snapshot(files, at=None if last else now - (SNAPSHOTS - number) * 60_000)
    return writer.commit()


def _file(table: Table, number: int) -> DataFile:
    """A data file with the statistics that a writer keeps of each column: they are most of a manifest."""
    columns = [field.field_id for field in table.schema().fields]
    bounds = {1: struct.pack("<q", number), 2: f"region {number}".encode(), 3: struct.pack("<d", number)}
    file = DataFile.from_args(
        content=DataFileContent.DATA,
        file_path=f"{table.location()}/data/{uuid.uuid4()}.parquet",
        file_format=FileFormat.PARQUET,
        partition=Record(),
        record_count=1000 + number,
        file_size_in_bytes=1_000_000 + number,
        column_sizes=dict.fromkeys(columns, 4000),
        value_counts=dict.fromkeys(columns, 1000 + number),
        null_value_counts=dict.fromkeys(columns, 0),
        lower_bounds=bounds,
        upper_bounds=bounds,
        split_offsets=[4],
    )
    file.spec_id = 0
    return file


def many(home: Home, table: Table, namespace: str, count: int) -> None:
    """Name `count` tables that all stand at the metadata file of `table`: a catalog of that size without its files."""
    catalogs.open(home.lake).create_namespace_if_not_exists(namespace)
    with contextlib.closing(sqlite3.connect(home.folder / "catalog.db", timeout=30)) as db, db:
        db.executemany(
            "INSERT INTO iceberg_tables (catalog_name, table_namespace, table_name, metadata_location, iceberg_type)"
            " VALUES ('drls', ?, ?, ?, 'TABLE')",
            [(namespace, f"table_{number:05}", table.metadata_location) for number in range(count)],
        )
