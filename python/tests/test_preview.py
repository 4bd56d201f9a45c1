"""The first rows of a table, as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from drls import catalog, facts, preview
from drls.errors import DrlsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sick_tables import Truth

    from drls.catalog import Catalog


def test_shows_a_snapshot_without_its_deleted_rows(lake: Catalog, sick: Callable[..., Truth]) -> None:
    truth = sick("show.rows", files=4, snapshots=3, position_deletes=1, nested=True)
    now = preview.rows(catalog=lake, namespace=["show"], name="rows")
    assert len(now["rows"]) == truth["live_rows"]
    assert [column["name"] for column in now["columns"]] == ["id", "region", "value", "address", "items", "prices"]
    assert now["columns"][4]["type"] == "list<struct<sku: string, count: int>>"
    first = preview.rows(catalog=lake, namespace=["show"], name="rows", snapshot_id=truth["snapshots"][0], limit=3)
    assert [row[0] for row in first["rows"]] == [0, 1, 2]
    assert (first["snapshot_id"], first["cut"]) == (truth["snapshots"][0], False)


def test_every_value_survives_json(lake: Catalog) -> None:
    rows = pa.table(
        {
            "big": pa.array([2**53 + 1, 1], pa.int64()),
            "float": pa.array([float("nan"), 0.5]),
            "bytes": pa.array([b"\x00\xff", None], pa.binary()),
            "day": pa.array([0, None], pa.date32()),
            "at": pa.array([0, None], pa.timestamp("us", tz="UTC")),
            "money": pa.array(["1.10", None]).cast(pa.decimal128(5, 2)),
            "text": ["ü" * 5000, "x"],
        }
    )
    opened = catalog.open(lake)
    opened.create_namespace_if_not_exists("show")
    opened.create_table(("show", "types"), rows.schema).append(rows)
    shown = preview.rows(catalog=lake, namespace=["show"], name="types")
    assert json.loads(json.dumps(shown, allow_nan=False))["rows"] == [
        ["9007199254740993", "nan", "AP8=", "1970-01-01", "1970-01-01T00:00:00+00:00", "1.10", "ü" * 1000],
        [1, 0.5, None, None, None, None, "x"],
    ]
    assert shown["cut"]


def test_opens_no_more_files_than_it_needs(
    lake: Catalog, sick: Callable[..., Truth], monkeypatch: pytest.MonkeyPatch
) -> None:
    sick("show.many", files=30, rows=10)
    opened: list[str] = []
    new_input = catalog.load(lake, ["show"], "many").io.__class__.new_input

    def count(self: Any, location: str) -> Any:
        opened.append(location)
        return new_input(self, location)

    monkeypatch.setattr("pyiceberg.io.pyarrow.PyArrowFileIO.new_input", count)
    assert len(preview.rows(catalog=lake, namespace=["show"], name="many", limit=15)["rows"]) == 15
    assert len({path for path in opened if path.endswith(".parquet")}) == 2


@pytest.mark.parametrize(
    ("wanted", "code", "pointer"),
    [
        ({"snapshot_id": 5}, "invalid-argument", "/snapshot_id"),
        ({"limit": 0}, "invalid-argument", "/limit"),
        ({"limit": 101}, "invalid-argument", "/limit"),
        ({"name": "nope"}, "table-not-found", None),
    ],
)
def test_refuses_what_is_not_there(
    lake: Catalog, sick: Callable[..., Truth], wanted: dict[str, Any], code: str, pointer: str | None
) -> None:
    sick("show.small", files=1)
    with pytest.raises(DrlsError) as told:
        preview.rows(**{"catalog": lake, "namespace": ["show"], "name": "small", **wanted})
    assert (told.value.code, told.value.errors[0][0] if told.value.errors else None) == (code, pointer)


def test_an_empty_table_has_columns_and_no_rows(lake: Catalog, sick: Callable[..., Truth]) -> None:
    sick("show.empty", files=0)
    shown = preview.rows(catalog=lake, namespace=["show"], name="empty")
    assert (shown["rows"], shown["snapshot_id"], len(shown["columns"])) == ([], None, 3)


def test_says_that_equality_deletes_need_spark(lake: Catalog, sick: Callable[..., Truth]) -> None:
    sick("show.equality", files=4, equality_deletes=1)
    with pytest.raises(DrlsError) as told:
        preview.rows(catalog=lake, namespace=["show"], name="equality")
    assert "Spark" in told.value.detail


@pytest.mark.parametrize("which", ["list", "manifest", "data"])
@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda _: None, id="missing"),
        pytest.param(lambda _: b"", id="empty"),
        pytest.param(lambda whole: whole[: len(whole) // 2], id="half"),
        pytest.param(lambda whole: whole[:-3], id="cut"),
        pytest.param(lambda whole: bytes(byte ^ 0x55 for byte in whole), id="garbage"),
        pytest.param(lambda whole: whole[:4] + bytes(len(whole) - 4), id="zeros"),
        pytest.param(lambda _: b"\x1f\x8b\x08\x00 no gzip at all", id="gzip"),
    ],
)
def test_names_the_file_that_is_damaged(
    lake: Catalog, sick: Callable[..., Truth], which: str, damage: Callable[[bytes], bytes | None]
) -> None:
    sick("show.damaged", files=1, snapshots=1)
    table = catalog.load(lake, ["show"], "damaged")
    snapshot = table.current_snapshot()
    assert snapshot is not None
    named = {
        "list": lambda: snapshot.manifest_list,
        "manifest": lambda: avro_manifests(lake, snapshot.manifest_list)[0],
        "data": lambda: next(iter(table.scan().plan_files())).file.file_path,
    }[which]()
    file = Path(named.removeprefix("file://"))
    left = damage(file.read_bytes())
    file.unlink()
    if left is not None:
        file.write_bytes(left)
    with pytest.raises(DrlsError) as told:
        preview.rows(catalog=lake, namespace=["show"], name="damaged")
    assert told.value.code == "corrupt-metadata"
    assert file.name in told.value.detail


def avro_manifests(lake: Catalog, manifest_list: str) -> list[str]:
    """Name the manifests of a list, by a reader that keeps nothing in memory."""
    listed = facts.read_manifest_lists([manifest_list], lake["properties"])
    return [manifest["path"] for one in listed for manifest in one["manifests"]]


@pytest.mark.parametrize("metadata", [b"\xff\xfe no text", b"\x1f\x8b\x08\x00 no gzip", b"", b"{", b"[]"])
def test_says_that_a_metadata_file_is_damaged(lake: Catalog, sick: Callable[..., Truth], metadata: bytes) -> None:
    sick("show.unreadable", files=1)
    location = catalog.table_location(lake, ["show"], "unreadable")["metadata_location"]
    file = Path(location.removeprefix("file://"))
    whole = file.read_bytes()
    file.write_bytes(metadata)
    with pytest.raises(DrlsError) as told:
        preview.rows(catalog=lake, namespace=["show"], name="unreadable")
    file.write_bytes(whole)  # the other tests' tables are beside it
    assert told.value.code == "corrupt-metadata"
