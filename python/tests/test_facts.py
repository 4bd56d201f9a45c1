"""Facts against tables of known truth, without Spark."""

from __future__ import annotations

import gzip
import json
import shutil
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import DoubleType, NestedField

from drls import catalog, facts
from drls.errors import DrlsError
from drls.partitions import partition_namer

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Read
    from sick_tables import Truth


@pytest.mark.parametrize(
    "wanted",
    [
        {"files": 9, "snapshots": 3},
        {"files": 9, "snapshots": 3, "format_version": 1},
        {"files": 9, "snapshots": 4, "format_version": 3, "position_deletes": 3},
        {"files": 12, "snapshots": 5, "position_deletes": 2, "equality_deletes": 3, "skew": 4},
        {"files": 8, "partitions": 1, "nested": True},
        {"files": 6, "evolved": True, "tags": ["a", "b"], "branches": ["dev"]},
        {"files": 500, "snapshots": 20, "imagined": True},
    ],
    ids=lambda wanted: "-".join(map(str, wanted)),
)
def test_tells_the_truth(
    sick: Callable[..., Truth], read: Callable[[str], Read], request: pytest.FixtureRequest, wanted: dict[str, Any]
) -> None:
    name = f"facts.t{abs(hash(request.node.name))}"
    truth = sick(name, **wanted)
    found = read(name)
    assert [one["id"] for one in found.metadata["snapshots"]] == truth["snapshots"]
    assert [one["name"] for one in found.metadata["refs"]] == truth["refs"]
    assert len(found.metadata["specs"]) == truth["specs"]
    assert found.metadata["format_version"] == truth["format_version"]
    assert len(found.metadata["metadata_log"]) == truth["metadata_log"]
    content = Counter(found.column("content"))
    assert content == Counter(
        {0: truth["data_files"], 1: truth["position_delete_files"], 2: truth["equality_delete_files"]}
    )
    data = [size for size, kind in zip(found.column("bytes"), found.column("content"), strict=True) if kind == 0]
    assert sum(data) == truth["data_bytes"]
    if truth["specs"] == 1 and wanted.get("partitions") != 1:
        regions = Counter(
            part for part, kind in zip(found.partitions(), found.column("content"), strict=True) if kind == 0
        )
        assert regions == Counter({f"region={region}": files for region, files in truth["files_per_region"].items()})
    refers = [path for path in found.column("refers") if path is not None]
    assert len(refers) == truth["position_delete_files"]
    assert set(refers) <= set(found.column("file"))


def test_partitions_of_doubles_that_are_one_float_are_told_apart(lake: Any, read: Callable[[str], Read]) -> None:
    opened = catalog.open(lake)
    opened.create_namespace_if_not_exists("facts")
    spec = PartitionSpec(PartitionField(1, 1000, IdentityTransform(), "value"))
    table = opened.create_table(
        "facts.doubles", Schema(NestedField(1, "value", DoubleType(), required=False)), partition_spec=spec
    )
    table.append(pa.table({"value": [12345678.9, 12345679.1, 0.1, None]}))
    assert sorted(read("facts.doubles").partitions()) == [
        "value=0.1", "value=1.23456789E7", "value=1.23456791E7", "value=null",
    ]  # fmt: skip


def test_numbers_and_times_are_named_as_java_names_folders() -> None:
    kinds: dict[str, list[Any]] = {
        "double": [1e10, -1.5e-9, 100.0, 1 / 3, float("-inf")],
        "float": [0.10000000149011612, 3.4028234663852886e38, 1.5],
        "timestamp": [500_000, 1_000_000],
        "timestamptz": [1_120_000],
        "time": [10],
    }
    told = {}
    for kind, values in kinds.items():
        fields: Any = [{"source_id": 1, "field_id": 1000, "name": "p", "transform": "identity"}]
        schemas: Any = [{"flat": [{"id": 1, "data_type": kind}]}]
        name = partition_namer(fields, schemas)
        told[kind] = [name([value]).removeprefix("p=") for value in values]
    assert told == {
        "double": ["1.0E10", "-1.5E-9", "100.0", "0.3333333333333333", "-Infinity"],
        "float": ["0.1", "3.4028235E38", "1.5"],
        "timestamp": ["1970-01-01T00:00:00.5", "1970-01-01T00:00:01"],
        "timestamptz": ["1970-01-01T00:00:01.12+00:00"],
        "time": ["00:00:00.00001"],
    }


def test_an_empty_table_has_no_snapshot(sick: Callable[..., Truth], read: Callable[[str], Read]) -> None:
    sick("facts.empty", files=0)
    found = read("facts.empty")
    assert found.metadata["current_snapshot_id"] is None
    assert (found.metadata["snapshots"], found.metadata["refs"], found.manifests) == ([], [], [])


def test_flattens_nested_fields_parents_first(sick: Callable[..., Truth], read: Callable[[str], Read]) -> None:
    sick("facts.nested", files=1, nested=True)
    schema = read("facts.nested").metadata["schemas"][0]
    assert {field["path"]: field["data_type"] for field in schema["flat"]} == {
        "id": "long",
        "region": "string",
        "value": "double",
        "address": "struct<city: string, at: struct<lat: double, lon: double>>",
        "address.city": "string",
        "address.at": "struct<lat: double, lon: double>",
        "address.at.lat": "double",
        "address.at.lon": "double",
        "items": "list<struct<sku: string, count: int>>",
        "items.element": "struct<sku: string, count: int>",
        "items.element.sku": "string",
        "items.element.count": "int",
        "prices": "map<string, struct<amount: double>>",
        "prices.key": "string",
        "prices.value": "struct<amount: double>",
        "prices.value.amount": "double",
    }
    paths = [field["path"] for field in schema["flat"]]
    assert all("." not in path or path.rpartition(".")[0] in paths[:at] for at, path in enumerate(paths))
    address = next(field for field in schema["fields"] if field["name"] == "address")
    assert [child["path"] for child in address["fields"]] == ["address.city", "address.at"]


def test_reads_old_v1_metadata_whose_snapshots_name_their_manifests(
    sick: Callable[..., Truth], read: Callable[[str], Read], tmp_path: Path
) -> None:
    sick("facts.oldest", files=4, snapshots=2, format_version=1)
    found = read("facts.oldest")
    raw = json.loads(Path(found.metadata["location"].removeprefix("file://")).read_text())
    raw["current-snapshot-id"] = raw["snapshots"][-1]["snapshot-id"]
    for key in ("refs", "schemas", "current-schema-id", "partition-specs", "default-spec-id", "sort-orders"):
        raw.pop(key, None)
    raw["snapshots"] = raw["snapshots"][-1:]
    raw["snapshots"][0].pop("manifest-list")
    raw["snapshots"][0]["manifests"] = [manifest["path"] for manifest in found.manifests]
    old = tmp_path / "v2.metadata.json.gz"
    old.write_bytes(gzip.compress(json.dumps(raw).encode()))
    metadata = facts.read_metadata(str(old), {})
    assert [ref["name"] for ref in metadata["refs"]] == ["main"]
    assert metadata["metadata_bytes"] == old.stat().st_size
    (listed,) = facts.read_manifest_lists([metadata["snapshots"][0]["manifest_list"]], {})
    for got, want in zip(listed["manifests"], found.manifests, strict=True):
        assert (got["path"], got["bytes"], got["added_files"], got["added_rows"]) == (
            want["path"], want["bytes"], want["added_files"], want["added_rows"],
        )  # fmt: skip


def test_names_the_file_that_is_damaged_and_not_its_folder(
    sick: Callable[..., Truth], read: Callable[[str], Read], tmp_path: Path
) -> None:
    sick("facts.damaged", files=2, snapshots=1)
    found = read("facts.damaged")
    metadata, manifest = found.metadata["location"], found.manifests[0]
    listed = found.metadata["snapshots"][0]["manifest_list"]
    readers: dict[str, Callable[[str], object]] = {
        "metadata": lambda file: facts.read_metadata(file, found.io),
        "list": lambda file: facts.read_manifest_lists([file], found.io),
        "manifest": lambda file: facts.read_manifests(metadata, [{**manifest, "path": file}], found.io),
    }
    for kind, original in (("metadata", metadata), ("list", listed), ("manifest", manifest["path"])):
        for damage in ("missing", "empty", "cut", "garbage"):
            file = tmp_path / kind / f"{damage}.file"
            file.parent.mkdir(exist_ok=True)
            shutil.copy(original.removeprefix("file://"), file)
            whole = file.read_bytes()
            if damage == "missing":
                file.unlink()
            else:
                file.write_bytes(
                    {"empty": b"", "cut": whole[: len(whole) - 40], "garbage": b"\x00garbage" * 50}[damage]
                )
            with pytest.raises(DrlsError) as told:
                readers[kind](str(file))
            assert told.value.code == "corrupt-metadata"
            assert f"{kind}/{damage}.file" in told.value.detail
            assert str(tmp_path) not in told.value.detail


def test_lists_files_but_hidden_ones(tmp_path: Path) -> None:
    for name in ("data/_day=1/a.parquet", "data/.a.parquet.crc", "data/_temporary/b.parquet", "metadata/c.avro"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"12345")
    for location in (str(tmp_path), f"file:{tmp_path}", f"file://{tmp_path}"):
        listed = facts.list_files(location, {})
        assert sorted(one["path"] for one in listed) == [
            f"file://{tmp_path}/data/_day=1/a.parquet",
            f"file://{tmp_path}/metadata/c.avro",
        ]
        assert all(one["bytes"] == 5 and one["modified_at"] > 1_600_000_000_000 for one in listed)
    assert facts.list_files(f"file://{tmp_path}/none", {}) == []
