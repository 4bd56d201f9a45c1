"""The sample lakehouse: real flights as Iceberg tables, each sick in its own way.

Built without Spark in under a minute. The history of `flights.flights` and `flights.weather` is set back in time, one
commit a day up to now, so that an expiry by age has something to remove. Target file sizes are set small, because the
data is: what is a small file here would be one of gigabytes elsewhere.
"""

from __future__ import annotations

import logging
import shutil
import time
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypedDict

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.partitioning import UNPARTITIONED_PARTITION_SPEC, PartitionField, PartitionSpec
from pyiceberg.transforms import IdentityTransform, MonthTransform

from drls import catalog as catalogs
from drls import facts, flights_data, storage
from drls.errors import translated
from drls.snapshots import SnapshotWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pyiceberg.catalog import Catalog as IcebergCatalog
    from pyiceberg.manifest import DataFile
    from pyiceberg.schema import Schema
    from pyiceberg.table import Table

    from drls.catalog import Catalog

log = logging.getLogger(__name__)

NAMESPACE = "flights"
_MARK, _DONE = "drls.demo", "drls.demo.complete"
"""Table properties: which version of the sample made the table, and that it was finished."""
_VERSION = "1"
_DAY_MS = 86_400_000

LOADS = 66
"""Commits of `flights.flights`, one for every five and a half days of 2013."""
FILES_A_LOAD = 6
REFRESHES = 240
"""Commits of metadata alone to `flights.daily_delays`, as a job that stamps a table every hour for ten days leaves."""


class DemoTable(TypedDict):
    """A table of the sample: `state` says what was done with it. "foreign" is one of that name that is not ours."""

    name: str
    state: Literal["made", "kept", "repaired", "foreign"]
    records: int
    data_files: int
    delete_files: int
    snapshots: int


class DemoSummary(TypedDict):
    """What `build` found and did, and how long it took in milliseconds."""

    tables: list[DemoTable]
    duration: int


@translated
def build(catalog: Catalog, reset: bool = False) -> DemoSummary:
    """Make the sample tables in the namespace `flights`: keep those that are whole, make again those that are not.

    `reset` drops the sample's tables first and makes them anew; a table of the same name that the sample did not make
    is never touched. Errors: those of the catalog and the storage.
    """
    started = time.monotonic()
    opened = catalogs.open(catalog)
    opened.create_namespace_if_not_exists(NAMESPACE)
    data = _Data()
    tables = [_one(opened, name, fill, data, reset) for name, fill in _TABLES.items()]
    return {"tables": tables, "duration": int((time.monotonic() - started) * 1000)}


class _Data:
    """The source tables, each read when the first table needs it: a build that keeps everything reads none."""

    def __init__(self) -> None:
        self._read: dict[str, pa.Table] = {}

    def __call__(self, name: str, schema: Schema) -> pa.Table:
        if name not in self._read:
            self._read[name] = flights_data.read(name, schema)
        return self._read[name]


def _one(
    catalog: IcebergCatalog, name: str, fill: Callable[[IcebergCatalog, str, _Data], None], data: _Data, reset: bool
) -> DemoTable:
    full = (NAMESPACE, name)
    state: Literal["made", "kept", "repaired", "foreign"] = "made"
    try:
        table = catalog.load_table(full)
    except NoSuchTableError:
        pass
    else:
        if _MARK not in table.properties:
            return _told(table, "foreign")
        if not reset and table.properties.get(_DONE) == _VERSION:
            return _told(table, "kept")
        state = "made" if reset else "repaired"
        _drop(catalog, table)
    fill(catalog, name, data)
    table = catalog.load_table(full)
    with table.transaction() as transaction:
        transaction.set_properties({_DONE: _VERSION})
    log.info("sample table %s.%s %s", NAMESPACE, name, state)
    return _told(table, state)


def _told(table: Table, state: Literal["made", "kept", "repaired", "foreign"]) -> DemoTable:
    snapshot = table.current_snapshot()
    totals = snapshot.summary.additional_properties if snapshot and snapshot.summary else {}
    return {
        "name": ".".join(table.name()),
        "state": state,
        "records": int(totals.get("total-records", 0)),
        "data_files": int(totals.get("total-data-files", 0)),
        "delete_files": int(totals.get("total-delete-files", 0)),
        "snapshots": len(table.metadata.snapshots),
    }


def _drop(catalog: IcebergCatalog, table: Table) -> None:
    """Drop one of the sample's tables with every file under its location, which nothing else shares."""
    location, io = table.location(), table.io.properties
    catalog.drop_table(table.name())
    folder = storage.local_path(location)
    if folder is not None:
        shutil.rmtree(Path(folder), ignore_errors=True)
        return
    for file in facts.list_files(location, io):
        storage.delete(file["path"], io)


def _create(
    catalog: IcebergCatalog,
    name: str,
    schema: Schema,
    target: int,
    spec: PartitionSpec = UNPARTITIONED_PARTITION_SPEC,
    properties: Mapping[str, str] = MappingProxyType({}),
) -> Table:
    """Create a table of the sample; `target` is its target file size in bytes."""
    return catalog.create_table(
        (NAMESPACE, name),
        schema,
        partition_spec=spec,
        properties={
            _MARK: _VERSION,
            "write.target-file-size-bytes": str(target),
            "write.parquet.compression-codec": "zstd",
            **properties,
        },
    )


def _by(schema: Schema, *columns: str) -> PartitionSpec:
    return PartitionSpec(
        *(
            PartitionField(schema.find_field(column).field_id, 1000 + at, IdentityTransform(), column)
            for at, column in enumerate(columns)
        )
    )


def _fill_flights(catalog: IcebergCatalog, name: str, data: _Data) -> None:
    """Small files: 66 loads of six files each into months that would fit in one file, never compacted."""
    schema = flights_data.FLIGHTS
    time_hour = schema.find_field("time_hour").field_id
    spec = PartitionSpec(PartitionField(time_hour, 1000, MonthTransform(), "time_hour_month"))
    table = _create(catalog, name, schema, 4 * 1024 * 1024, spec)
    rows = data("flights", schema)
    hours = rows["time_hour"]
    rows = rows.append_column("load", _load_of(hours)).append_column("in_month", _month_of(hours))
    rows = rows.sort_by([("load", "ascending"), ("in_month", "ascending")])
    writer = SnapshotWriter(table)
    now = int(time.time() * 1000)
    for load, loaded in _groups(rows, "load"):
        files: list[DataFile] = []
        months = list(_groups(loaded, "in_month"))
        for month, part in months:
            pieces = max(1, round(FILES_A_LOAD * part.num_rows / loaded.num_rows))
            size = -(-part.num_rows // pieces)
            plain = part.drop_columns(["load", "in_month"])
            files += [writer.data_file(plain.slice(start, size), [month]) for start in range(0, part.num_rows, size)]
        last = load == LOADS - 1
        writer.snapshot(files, at=None if last else now - (LOADS - load) * _DAY_MS)
    writer.commit()


def _load_of(hours: pa.ChunkedArray) -> pa.ChunkedArray:
    """Tell which load brought a flight: the year is cut into `LOADS` equal spans, counted from 0."""
    seconds = pc.divide(pc.cast(hours, pa.int64()), 1_000_000)
    first, last = pc.min(seconds).as_py(), pc.max(seconds).as_py()
    span = (last - first) // LOADS + 1
    return pc.cast(pc.divide(pc.subtract(seconds, first), span), pa.int32())


def _month_of(hours: pa.ChunkedArray) -> pa.ChunkedArray:
    """Months since 1970, as Iceberg's month transform counts them."""
    return pc.cast(
        pc.add(pc.multiply(pc.subtract(pc.year(hours), 1970), 12), pc.subtract(pc.month(hours), 1)), pa.int32()
    )


def _groups(rows: pa.Table, column: str) -> Iterator[tuple[int, pa.Table]]:
    """Cut rows that are sorted by a column into those of each value."""
    start = 0
    for run in rows[column].combine_chunks().value_counts() if rows.num_rows else ():
        count = run["counts"].as_py()
        yield run["values"].as_py(), rows.slice(start, count)
        start += count


def _fill_weather(catalog: IcebergCatalog, name: str, data: _Data) -> None:
    """Delete files: the hours without a pressure reading were deleted month by month, and nothing was rewritten."""
    schema = flights_data.WEATHER
    table = _create(catalog, name, schema, 1024 * 1024, _by(schema, "origin"))
    rows = data("weather", schema)
    writer = SnapshotWriter(table)
    written: list[tuple[pa.Table, DataFile]] = []
    for origin in sorted(pc.unique(rows["origin"]).to_pylist()):
        for quarter in range(4):
            wanted = pc.and_(
                pc.equal(rows["origin"], origin), pc.equal(pc.divide(pc.subtract(rows["month"], 1), 3), quarter)
            )
            part = rows.filter(wanted)
            written.append((part, writer.data_file(part, [origin])))
    months = 12
    now = int(time.time() * 1000)
    writer.snapshot([file for _, file in written], at=now - (months + 1) * _DAY_MS)
    for month in range(1, months + 1):
        deletes: list[DataFile] = []
        for part, file in written:
            gone = pc.and_(pc.equal(part["month"], month), pc.is_null(part["pressure"]))
            positions = pc.indices_nonzero(gone).to_pylist()
            if positions:
                deletes.append(writer.position_deletes([(file, positions)]))
        writer.snapshot(deletes, at=None if month == months else now - (months + 1 - month) * _DAY_MS)
    writer.commit()


def _fill_by_carrier_origin(catalog: IcebergCatalog, name: str, data: _Data) -> None:
    """Skew: partitions by carrier and origin, of which the largest has 46,087 rows and the smallest six."""
    schema = flights_data.FLIGHTS
    table = _create(catalog, name, schema, 4 * 1024 * 1024, _by(schema, "carrier", "origin"))
    rows = data("flights", schema)
    writer = SnapshotWriter(table)
    files: list[DataFile] = []
    pairs = (
        rows.group_by(["carrier", "origin"]).aggregate([]).sort_by([("carrier", "ascending"), ("origin", "ascending")])
    )
    for pair in pairs.to_pylist():
        mine = pc.and_(pc.equal(rows["carrier"], pair["carrier"]), pc.equal(rows["origin"], pair["origin"]))
        files.append(writer.data_file(rows.filter(mine), [pair["carrier"], pair["origin"]]))
    writer.snapshot(files)
    writer.commit()


def _fill_daily_delays(catalog: IcebergCatalog, name: str, data: _Data) -> None:
    """Long metadata log: a job stamped the table hour by hour, and every old metadata file is kept."""
    rows = data("flights", flights_data.FLIGHTS)
    days = rows.group_by(["year", "month", "day"]).aggregate(
        [("dep_delay", "mean"), ("arr_delay", "mean"), ([], "count_all")]
    )
    days = days.rename_columns(["year", "month", "day", "dep_delay", "arr_delay", "flights"])
    days = days.sort_by([("month", "ascending"), ("day", "ascending")])
    table = _create(
        catalog, name, flights_data.DAILY_DELAYS, 16 * 1024, properties={"write.metadata.previous-versions-max": "1000"}
    )
    writer = SnapshotWriter(table)
    writer.snapshot([writer.data_file(days)])
    table = writer.commit()
    for refresh in range(REFRESHES):
        with table.transaction() as transaction:
            transaction.set_properties({"refreshed": f"run {refresh + 1} of {REFRESHES}"})


def _fill_healthy(schema: Schema) -> Callable[[IcebergCatalog, str, _Data], None]:
    """One file, one snapshot: nothing to find."""

    def fill(catalog: IcebergCatalog, name: str, data: _Data) -> None:
        writer = SnapshotWriter(_create(catalog, name, schema, 512 * 1024))
        writer.snapshot([writer.data_file(data(name, schema))])
        writer.commit()

    return fill


_TABLES: dict[str, Callable[[IcebergCatalog, str, _Data], None]] = {
    "flights": _fill_flights,
    "weather": _fill_weather,
    "by_carrier_origin": _fill_by_carrier_origin,
    "daily_delays": _fill_daily_delays,
    "airlines": _fill_healthy(flights_data.AIRLINES),
    "airports": _fill_healthy(flights_data.AIRPORTS),
    "planes": _fill_healthy(flights_data.PLANES),
}
