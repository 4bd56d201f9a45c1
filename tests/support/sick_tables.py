"""Makes sick Iceberg tables of any size, of which the truth is known because it was chosen.

For tests and benchmarks: `make(catalog, spec)` gives the truth as a dict, and as a program it prints it as JSON:

    python tests/support/sick_tables.py --home DIR --table ns.t --partitions 4 --files 400 --snapshots 50
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python"))

from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table.metadata import TableMetadataV2
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import DoubleType, IntegerType, ListType, LongType, MapType, NestedField, StringType, StructType

from drls import catalog as catalogs
from drls.snapshots import SnapshotWriter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table

DAY_MS = 86_400_000


@dataclass(frozen=True)
class Sick:
    """What to make. Counts are exact; `files` and the deletes are spread evenly over `partitions`.

    `skew`: the first partition gets so many times the files of another. `imagined`: data files are described and not
    written (for benchmarks that read metadata only). `position_deletes`, `equality_deletes`: delete files of
    `rows_deleted` rows each. `evolved`: one more snapshot adds half as many files by another partition spec.
    `days`: how far back the first snapshot is set. `format_version` 3 is an upgraded table, without row lineage.
    `sizes`: rows of the files in turn, instead of `rows`. `noise`: values that don't compress, so that a file's bytes
    follow from its rows. `idle`: so many more snapshots that add nothing, each with a manifest list of its own.
    """

    files: int = 12
    rows: int = 10
    partitions: int = 3
    snapshots: int = 4
    skew: int = 1
    position_deletes: int = 0
    equality_deletes: int = 0
    rows_deleted: int = 2
    nested: bool = False
    evolved: bool = False
    branches: Sequence[str] = ()
    tags: Sequence[str] = ()
    format_version: int = 2
    imagined: bool = False
    metadata_commits: int = 0
    orphans: int = 0
    days: int = 30
    target: int = 128 * 1024 * 1024
    properties: Sequence[tuple[str, str]] = ()
    sizes: Sequence[int] = ()
    noise: bool = False
    idle: int = 0

    def rows_of(self, number: int) -> int:
        """Rows of the file with this number."""
        return self.sizes[number % len(self.sizes)] if self.sizes else self.rows


Truth = dict[str, Any]
"""See `_truth`: counts of live files by content and partition, rows, snapshots, refs and what was laid beside."""


def schema_of(nested: bool) -> Schema:
    """Give the columns: id, region, value, and with `nested` a struct, a list of structs and a map of structs."""
    plain = [
        NestedField(1, "id", LongType(), required=False, doc="unique"),
        NestedField(2, "region", StringType(), required=False),
        NestedField(3, "value", DoubleType(), required=False),
    ]
    if not nested:
        return Schema(*plain)
    point = StructType(
        NestedField(8, "lat", DoubleType(), required=False), NestedField(9, "lon", DoubleType(), required=False)
    )
    return Schema(
        *plain,
        NestedField(4, "address", StructType(
            NestedField(5, "city", StringType(), required=False), NestedField(7, "at", point, required=False),
        ), required=False),
        NestedField(10, "items", ListType(11, StructType(
            NestedField(12, "sku", StringType(), required=False),
            NestedField(13, "count", IntegerType(), required=False),
        ), element_required=False), required=False),
        NestedField(14, "prices", MapType(15, StringType(), 16, StructType(
            NestedField(17, "amount", DoubleType(), required=False),
        ), value_required=False), required=False),
    )  # fmt: skip


def rows_of(first: int, count: int, region: str, schema: Schema, *, noise: bool = False) -> pa.Table:
    """Give rows with the ids from `first` on; every other value follows from the id."""
    ids = range(first, first + count)
    columns: dict[str, list[Any]] = {
        "id": list(ids),
        "region": [region] * count,
        # By the golden ratio neighbours have no digit in common.
        "value": [math.fmod(number * 0.6180339887498949, 1.0) if noise else float(number % 97) for number in ids],
        "address": [{"city": f"city {n % 7}", "at": {"lat": n / 8, "lon": -n / 8}} for n in ids],
        "items": [[{"sku": f"s{n}", "count": n % 5}] * (n % 3) for n in ids],
        "prices": [[("eur", {"amount": n / 4})] for n in ids],
    }
    target = schema.as_arrow()
    return pa.table({name: columns[name] for name in target.names}, schema=target)


def make(catalog: catalogs.Catalog, name: str | Sequence[str], sick: Sick) -> Truth:
    """Make the table `ns.name` (nested namespaces too) and give its truth. A table of that name is dropped first.

    A name with dots in a part is given as its parts.
    """
    opened = catalogs.open(catalog)
    *namespace, short = name.split(".") if isinstance(name, str) else name
    for depth in range(1, len(namespace) + 1):
        opened.create_namespace_if_not_exists(tuple(namespace[:depth]))
    if opened.table_exists((*namespace, short)):
        opened.drop_table((*namespace, short))
    version = min(sick.format_version, 2)
    properties = {
        "format-version": str(version),
        "write.target-file-size-bytes": str(sick.target),
        **dict(sick.properties),
    }
    schema = schema_of(sick.nested)
    table = opened.create_table((*namespace, short), schema, partition_spec=_spec(sick), properties=properties)
    written = _fill(table, sick)
    table = opened.load_table((*namespace, short))
    if sick.evolved:
        table, more = _fill_evolved(table, sick, written)
        written += more
    _refs(table, sick)
    for commit in range(sick.metadata_commits):
        with table.transaction() as transaction:
            transaction.set_properties({"stamp": str(commit)})
    if sick.idle:
        _idle(catalog, (*namespace, short), sick)
    if sick.format_version == 3:  # noqa: PLR2004
        _upgrade(catalog, (*namespace, short))
    orphans = _orphans(table, sick)
    return _truth(opened.load_table((*namespace, short)), sick, written, orphans)


def _spec(sick: Sick) -> PartitionSpec:
    return (
        PartitionSpec(PartitionField(2, 1000, IdentityTransform(), "region"))
        if sick.partitions > 1
        else PartitionSpec()
    )


def _regions(sick: Sick) -> list[str]:
    """Give the partition of each file: the first `skew` times as often as another."""
    weights = [sick.skew] + [1] * (sick.partitions - 1)
    cycle = [f"r{number}" for number, weight in enumerate(weights) for _ in range(weight)]
    return [cycle[at % len(cycle)] for at in range(sick.files)]


@dataclass
class _Written:
    """A file that was written, its ids from `first` on, and those that are gone."""

    file: DataFile
    region: str
    first: int
    rows: int
    gone: set[int]


def _fill(table: Table, sick: Sick) -> list[_Written]:
    if not sick.files:
        return []
    writer = SnapshotWriter(table)
    regions = _regions(sick)
    partition = [[region] if sick.partitions > 1 else [] for region in regions]
    written: list[_Written] = []
    deletes = bool(sick.position_deletes or sick.equality_deletes)
    now = int(time.time() * 1000)
    step = sick.days * DAY_MS // max(sick.snapshots, 1)
    loads = sick.snapshots - 1 if deletes else sick.snapshots
    share = [sick.files * load // loads for load in range(loads + 1)]
    first = 0
    for load in range(loads):
        batch: list[_Written] = []
        for number in range(share[load], share[load + 1]):
            region, count = regions[number], sick.rows_of(number)
            if sick.imagined:
                file = writer.imagined_file(count, 1000 + number % 100, partition[number])
            else:
                rows = rows_of(first, count, region, table.schema(), noise=sick.noise)
                file = writer.data_file(rows, partition[number])
            batch.append(_Written(file, region, first, count, set()))
            first += count
        last = load == loads - 1 and not deletes
        writer.snapshot([one.file for one in batch], at=None if last else now - (sick.snapshots - load) * step)
        written += batch
    if deletes:
        writer.snapshot(_deletes(writer, written, sick))
    writer.commit()
    return written


def _deletes(writer: SnapshotWriter, written: list[_Written], sick: Sick) -> list[DataFile]:
    """Mark the first rows of as many files as there are delete files, position deletes first."""
    if sick.position_deletes + sick.equality_deletes > len(written):
        raise SystemExit("there can be one delete file a data file at most: ask for more --files")
    files: list[DataFile] = []
    for at in range(sick.position_deletes):
        hit = written[at]
        files.append(writer.position_deletes([(hit.file, list(range(sick.rows_deleted)))]))
        hit.gone = set(range(hit.first, hit.first + sick.rows_deleted))
    for at in range(sick.position_deletes, sick.position_deletes + sick.equality_deletes):
        hit = written[at]
        hit.gone = set(range(hit.first, hit.first + sick.rows_deleted))
        keys = pa.table({"id": pa.array(sorted(hit.gone), pa.int64())})
        files.append(writer.equality_deletes(keys, [hit.region] if sick.partitions > 1 else []))
    return files


def _fill_evolved(table: Table, sick: Sick, before: list[_Written]) -> tuple[Table, list[_Written]]:
    """Add half as many files again by a spec that has the value too."""
    with table.update_spec() as update:
        update.add_field("value", IdentityTransform(), "value")
    table = table.refresh()
    writer = SnapshotWriter(table)
    first = sum(one.rows for one in before)
    written = []
    for number in range(max(1, sick.files // 2)):
        region, count = f"r{number % sick.partitions}", sick.rows_of(number)
        rows = rows_of(first, count, region, table.schema())
        rows = rows.set_column(2, rows.schema.field(2), pa.array([float(number)] * count))
        values = [region, float(number)] if sick.partitions > 1 else [float(number)]
        written.append(_Written(writer.data_file(rows, values), region, first, count, set()))
        first += count
    writer.snapshot([one.file for one in written])
    return writer.commit(), written


def _refs(table: Table, sick: Sick) -> None:
    """Set branches on the newest snapshot and tags from the oldest on."""
    snapshots = table.metadata.snapshots
    for at, tag in enumerate(sick.tags):
        table.manage_snapshots().create_tag(snapshots[at % len(snapshots)].snapshot_id, tag).commit()
    for branch in sick.branches:
        table.manage_snapshots().create_branch(snapshots[-1].snapshot_id, branch, min_snapshots_to_keep=3).commit()


def _upgrade(catalog: catalogs.Catalog, identifier: tuple[str, ...]) -> None:
    """Turn a v2 table into one of v3, as an engine's upgrade does; PyIceberg reads v3 and does not write it."""
    table = catalogs.open(catalog).load_table(identifier)
    if not isinstance(table.metadata, TableMetadataV2):
        raise SystemExit("only a v2 table is upgraded")
    _replace(catalog, table, json.loads(table.metadata.model_dump_json()) | {"format-version": 3, "next-row-id": 0})


def _idle(catalog: catalogs.Catalog, identifier: tuple[str, ...], sick: Sick) -> None:
    """Put snapshots that add nothing on top, as a job that appends no row does; thousands of them in seconds."""
    table = catalogs.open(catalog).load_table(identifier)
    raw = json.loads(table.metadata.model_dump_json())
    last = max(raw["snapshots"], key=lambda snapshot: snapshot["timestamp-ms"])
    manifests = table.io.new_input(last["manifest-list"]).open().read()
    kept = {key: value for key, value in last["summary"].items() if key.startswith("total-")}
    # A millisecond each, so that their order is told by their times too.
    for number in range(1, sick.idle + 1):
        identity, at = table.metadata.new_snapshot_id(), last["timestamp-ms"] + number
        location = f"{table.location()}/metadata/snap-{identity}-0-idle.avro"
        with table.io.new_output(location).create() as out:
            out.write(manifests)
        raw["snapshots"].append(
            last | {
                "snapshot-id": identity, "parent-snapshot-id": raw["current-snapshot-id"], "timestamp-ms": at,
                "sequence-number": last["sequence-number"] + number, "manifest-list": location,
                "summary": {"operation": "append", **kept},
            }
        )  # fmt: skip
        raw["snapshot-log"].append({"snapshot-id": identity, "timestamp-ms": at})
        raw |= {
            "current-snapshot-id": identity,
            "last-updated-ms": at,
            "last-sequence-number": last["sequence-number"] + number,
        }
        raw["refs"]["main"]["snapshot-id"] = identity
    _replace(catalog, table, raw)


def _replace(catalog: catalogs.Catalog, table: Table, raw: dict[str, Any]) -> None:
    """Make this document the metadata of a table."""
    opened = catalogs.open(catalog)
    location = table.metadata_location.replace(".metadata.json", "-more.metadata.json")
    with table.io.new_output(location).create() as out:
        out.write(json.dumps(raw).encode())
    opened.drop_table(table.name())
    opened.register_table(table.name(), location)


def _orphans(table: Table, sick: Sick) -> list[str]:
    """Lay files beside the table's own that nothing names; two days old."""
    folder = Path(table.location().removeprefix("file://")) / "data"
    laid = []
    for number in range(sick.orphans):
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"orphan-{number}.parquet"
        file.write_bytes(b"x" * (100 + number))
        age = time.time() - 2 * DAY_MS / 1000
        os.utime(file, (age, age))
        laid.append(str(file))
    return laid


def _truth(table: Table, sick: Sick, written: list[_Written], orphans: list[str]) -> Truth:
    per_partition: dict[str, int] = {}
    for one in written:
        per_partition[one.region] = per_partition.get(one.region, 0) + 1
    gone = set().union(*(one.gone for one in written)) if written else set()
    ids = {number for one in written for number in range(one.first, one.first + one.rows)} - gone
    return {
        "table": ".".join(table.name()),
        "metadata_location": table.metadata_location,
        "data_files": len(written),
        "data_bytes": sum(one.file.file_size_in_bytes for one in written),
        "position_delete_files": sick.position_deletes,
        "equality_delete_files": sick.equality_deletes,
        "deleted_rows": len(gone),
        "live_rows": len(ids),
        "sum_of_ids": sum(ids),
        "files_per_region": per_partition,
        "snapshots": [snapshot.snapshot_id for snapshot in table.metadata.snapshots],
        "specs": len(table.metadata.partition_specs),
        "refs": sorted(table.metadata.refs),
        "metadata_log": len(table.metadata.metadata_log),
        "orphans": orphans,
        "format_version": table.metadata.format_version,
    }


def main() -> None:
    """Run the command line: one option for each field of `Sick`, and where to make the table."""
    parser = argparse.ArgumentParser(description="Make a sick Iceberg table and print the truth about it.")
    parser.add_argument(
        "--home", type=Path, required=True, help="DRLS home: catalog.db and warehouse/ are used or made"
    )
    parser.add_argument("--catalog", default="drls", help="name of the embedded catalog (default drls)")
    parser.add_argument("--table", required=True, help="namespace.table; one of that name is dropped first")
    for field in dataclasses.fields(Sick):
        option = f"--{field.name.replace('_', '-')}"
        if isinstance(field.default, bool):
            parser.add_argument(option, action="store_true")
        elif isinstance(field.default, int):
            parser.add_argument(option, type=int, default=field.default, help=f"default {field.default}")
        elif field.name == "properties":
            parser.add_argument(
                option, nargs="*", default=(), type=lambda text: tuple(text.split("=", 1)), help="key=value"
            )
        else:
            parser.add_argument(option, nargs="*", default=(), type=int if field.name == "sizes" else str)
    asked = vars(parser.parse_args())
    home = asked.pop("home").expanduser().resolve()
    catalog = catalogs.create_embedded(asked.pop("catalog"), str(home / "catalog.db"), str(home / "warehouse"))
    truth = make(catalog, asked.pop("table"), Sick(**asked))
    print(json.dumps(truth, indent=2))  # noqa: T201 (the command's answer)


if __name__ == "__main__":
    main()
