"""Changes of metadata: what they do, what they refuse, what both engines then read."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from pyiceberg.exceptions import CommitFailedException

from drls import catalog, operations
from drls.errors import DrlsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Read
    from sick_tables import Truth

    from drls.catalog import Catalog


def change(lake: Catalog, name: str, operation: str, **arguments: Any) -> Any:
    """Run an operation by its name, as the server does."""
    *namespace, short = name.split(".")
    return getattr(operations, operation)(catalog=lake, namespace=namespace, name=short, job_id="job-1", **arguments)


def add(lake: Catalog, name: str, path: str, data_type: str = "int", after: str | None = None) -> Any:
    """Add a column without a doc."""
    return change(lake, name, "add_column", path=path, data_type=data_type, doc=None, after=after)


def paths(read: Callable[[str], Read], name: str) -> list[str]:
    """Give the paths of the current schema."""
    metadata = read(name).metadata
    current = next(one for one in metadata["schemas"] if one["schema_id"] == metadata["current_schema_id"])
    return [field["path"] for field in current["flat"]]


def test_evolves_a_nested_schema_that_both_engines_read(
    lake: Catalog, sick: Callable[..., Truth], sql: Callable[[str], Any]
) -> None:
    truth = sick("change.nested", files=3, rows=4, nested=True)
    change(lake, "change.nested", "add_column", path="address.zip", data_type="string", doc="five digits", after="city")
    add(lake, "change.nested", "items.weight", "decimal(9,2)", "sku")
    add(lake, "change.nested", "prices.currency", "list<string>")
    add(lake, "change.nested", "note", "struct<by: string, at: timestamptz>", "id")
    change(lake, "change.nested", "rename_column", path="address.city", new_name="town")
    change(lake, "change.nested", "rename_column", path="items.element.sku", new_name="article")
    change(lake, "change.nested", "drop_column", path="address.at.lon")
    change(lake, "change.nested", "rename_column", path="value", new_name="größe")
    described = {row["col_name"]: row["data_type"] for row in sql("DESCRIBE TABLE drls.change.nested")}
    assert described["address"] == "struct<town:string,zip:string,at:struct<lat:double>>"
    assert described["items"] == "array<struct<article:string,weight:decimal(9,2),count:int>>"
    assert described["prices"] == "map<string,struct<amount:double,currency:array<string>>>"
    sql(
        "INSERT INTO drls.change.nested SELECT id + 1000, note, region, `größe`, "
        "named_struct('town', 'X', 'zip', '12345', 'at', address.at), items, prices FROM drls.change.nested"
    )
    query = (
        "SELECT id, `größe` AS g, address.town AS town, address.zip AS zip, address.at.lat AS lat, "
        "items.article AS articles, prices['eur'].amount AS eur FROM drls.change.nested ORDER BY id"
    )
    rows = catalog.load(lake, ["change"], "nested").scan().to_arrow().sort_by("id").to_pylist()
    assert len(rows) == 2 * truth["live_rows"]
    assert sql(query) == [
        {
            "id": row["id"],
            "g": row["größe"],
            "town": row["address"]["town"],
            "zip": row["address"]["zip"],
            "lat": row["address"]["at"]["lat"],
            "articles": [item["article"] for item in row["items"]],
            "eur": dict(row["prices"])["eur"]["amount"],
        }
        for row in rows
    ]


def test_a_table_that_spark_made_is_evolved_and_read_by_both(lake: Catalog, sql: Callable[[str], Any]) -> None:
    sql("CREATE NAMESPACE IF NOT EXISTS drls.change")
    sql("CREATE TABLE drls.change.by_spark (id BIGINT, p STRUCT<a: INT>) USING iceberg PARTITIONED BY (bucket(2, id))")
    sql("INSERT INTO drls.change.by_spark SELECT id, named_struct('a', int(id)) FROM range(10)")
    add(lake, "change.by_spark", "p.b", "long")
    change(lake, "change.by_spark", "rename_column", path="p.a", new_name="c")
    sql("INSERT INTO drls.change.by_spark VALUES (10, named_struct('c', 10, 'b', 100L))")
    spark = sql("SELECT id, p FROM drls.change.by_spark ORDER BY id")
    assert spark == catalog.load(lake, ["change"], "by_spark").scan().to_arrow().sort_by("id").to_pylist()
    assert spark[-2:] == [{"id": 9, "p": {"c": 9, "b": None}}, {"id": 10, "p": {"c": 10, "b": 100}}]


def test_an_older_schema_undoes_each_change(
    lake: Catalog, sick: Callable[..., Truth], read: Callable[[str], Read]
) -> None:
    sick("change.undo", files=2)
    for operation, arguments in (
        ("add_column", {"path": "x", "data_type": "int", "doc": None, "after": None}),
        ("rename_column", {"path": "value", "new_name": "v"}),
        ("drop_column", {"path": "value"}),
    ):
        before = paths(read, "change.undo")
        schema = read("change.undo").metadata["current_schema_id"]
        done = change(lake, "change.undo", operation, **arguments)
        assert done["metadata_location"] == read("change.undo").metadata["location"]
        assert paths(read, "change.undo") != before
        change(lake, "change.undo", "set_current_schema", schema_id=schema)
        assert paths(read, "change.undo") == before
    values = catalog.load(lake, ["change"], "undo").scan().to_arrow()["value"].to_pylist()
    assert None not in values


@pytest.mark.parametrize(
    ("operation", "arguments", "code", "pointer"),
    [
        ("add_column", {"path": "id"}, "invalid-argument", "/path"),
        ("add_column", {"path": "ID"}, "invalid-argument", "/path"),
        ("add_column", {"path": ""}, "invalid-argument", "/path"),
        ("add_column", {"path": "address."}, "invalid-argument", "/path"),
        ("add_column", {"path": "id.x"}, "invalid-argument", "/path"),
        ("add_column", {"path": "nope.x"}, "column-not-found", None),
        ("add_column", {"path": "x", "after": "nope"}, "column-not-found", None),
        ("add_column", {"path": "x", "data_type": "varchar"}, "invalid-argument", "/data_type"),
        ("add_column", {"path": "x", "data_type": "timestamp_ns"}, "invalid-argument", "/data_type"),
        ("rename_column", {"path": "nope", "new_name": "x"}, "column-not-found", None),
        ("rename_column", {"path": "value", "new_name": "Region"}, "invalid-argument", "/name"),
        ("rename_column", {"path": "value", "new_name": "a.b"}, "invalid-argument", "/name"),
        ("rename_column", {"path": "value", "new_name": ""}, "invalid-argument", "/name"),
        ("rename_column", {"path": "items.element", "new_name": "x"}, "invalid-argument", "/path"),
        ("drop_column", {"path": "nope"}, "column-not-found", None),
        ("drop_column", {"path": "region"}, "invalid-argument", "/path"),
        ("drop_column", {"path": "prices.value"}, "invalid-argument", "/path"),
        ("drop_column", {"path": "prices.value.amount"}, "invalid-argument", "/path"),
        ("rollback", {"snapshot_id": 1}, "invalid-argument", "/snapshot_id"),
        ("set_current_schema", {"schema_id": 77}, "invalid-argument", "/schema_id"),
        ("set_properties", {"properties": {"format-version": "1"}}, "invalid-argument", "/properties"),
    ],
    ids=str,
)
def test_refuses_and_says_where(
    lake: Catalog,
    sick: Callable[..., Truth],
    read: Callable[[str], Read],
    operation: str,
    arguments: dict[str, Any],
    code: str,
    pointer: str | None,
) -> None:
    if not catalog.open(lake).table_exists(("change", "refusing")):
        sick("change.refusing", files=2, nested=True)
    if operation == "add_column":
        arguments = {"data_type": "int", "doc": None, "after": None, **arguments}
    before = read("change.refusing").metadata["location"]
    with pytest.raises(DrlsError) as told:
        change(lake, "change.refusing", operation, **arguments)
    assert (told.value.code, told.value.errors[0][0] if told.value.errors else None) == (code, pointer)
    assert read("change.refusing").metadata["location"] == before


def test_keeps_columns_by_which_the_table_is_organised(lake: Catalog, sql: Callable[[str], Any]) -> None:
    sql("CREATE NAMESPACE IF NOT EXISTS drls.change")
    sql("CREATE TABLE drls.change.used (id BIGINT NOT NULL, s STRUCT<p: STRING, q: INT>, o INT) USING iceberg")
    sql("ALTER TABLE drls.change.used SET IDENTIFIER FIELDS id")
    sql("ALTER TABLE drls.change.used WRITE ORDERED BY o")
    sql("ALTER TABLE drls.change.used ADD PARTITION FIELD s.p")
    sql("ALTER TABLE drls.change.used DROP PARTITION FIELD s.p")
    for path, reason in (("id", "identifies"), ("o", "sorted"), ("s", "partitioned"), ("s.p", "partitioned")):
        with pytest.raises(DrlsError) as told:
            change(lake, "change.used", "drop_column", path=path)
        assert told.value.code == "invalid-argument"
        assert reason in told.value.detail
    change(lake, "change.used", "drop_column", path="s.q")


def test_sets_and_removes_properties_once(
    lake: Catalog, sick: Callable[..., Truth], read: Callable[[str], Read]
) -> None:
    sick("change.properties", files=1, properties=[("a", "1"), ("b", "2")])
    done = change(lake, "change.properties", "set_properties", properties={"a": None, "c": "3", "b": "2"})
    assert done["metadata_location"] != done["previous_metadata_location"]
    properties = read("change.properties").metadata["properties"]
    assert ("a" in properties, properties["b"], properties["c"]) == (False, "2", "3")
    again = change(lake, "change.properties", "set_properties", properties={"a": None, "c": "3"})
    assert again["metadata_location"] == again["previous_metadata_location"] == done["metadata_location"]


def test_rolls_back_to_an_ancestor_only(
    lake: Catalog, sick: Callable[..., Truth], read: Callable[[str], Read], sql: Callable[[str], Any]
) -> None:
    truth = sick("change.back", files=6, snapshots=3, branches=["dev"])
    first, second, third = truth["snapshots"]
    done = change(lake, "change.back", "rollback", snapshot_id=first)
    assert done["snapshot_id"] == str(first)
    assert sql("SELECT count(*) AS n FROM drls.change.back") == [{"n": 20}]
    refs = {one["name"]: one["snapshot"] for one in read("change.back").metadata["refs"]}
    assert refs == {"main": first, "dev": third}
    with pytest.raises(DrlsError):
        change(lake, "change.back", "rollback", snapshot_id=second)


def test_many_writers_lose_nothing(lake: Catalog, sick: Callable[..., Truth], read: Callable[[str], Read]) -> None:
    sick("change.crowd", files=1)
    failed: list[Exception] = []

    def write(number: int) -> None:
        try:
            for step in range(3):
                add(lake, "change.crowd", f"c{number}_{step}")
        except DrlsError as error:
            failed.append(error)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert failed == []
    assert {f"c{number}_{step}" for number in range(6) for step in range(3)} <= set(paths(read, "change.crowd"))


def test_does_not_take_a_schema_back_over_rows_that_it_has_not_seen(lake: Catalog, sick: Callable[..., Truth]) -> None:
    sick("change.seen", files=1)
    table = catalog.load(lake, ["change"], "seen")
    before, seen = table.metadata.current_schema_id, table.metadata.current_snapshot_id
    added = add(lake, "change.seen", "extra")
    table.refresh()
    table.append(table.scan(limit=1).to_arrow())
    back = {"schema_id": before, "expected": added["schema_id"]}
    with pytest.raises(DrlsError) as told:
        change(lake, "change.seen", "set_current_schema", **back, seen=seen)
    assert told.value.code == "commit-conflict"
    now = table.refresh().metadata
    assert now.current_schema_id == added["schema_id"]
    change(lake, "change.seen", "set_current_schema", **back, seen=now.current_snapshot_id)
    assert table.refresh().metadata.current_schema_id == before


def test_gives_up_on_a_table_that_never_holds_still(
    lake: Catalog, sick: Callable[..., Truth], monkeypatch: pytest.MonkeyPatch
) -> None:
    sick("change.busy", files=1)

    def lose(*_arguments: object) -> None:
        raise CommitFailedException("somebody was faster")

    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    monkeypatch.setattr(type(catalog.open(lake)), "commit_table", lose)
    with pytest.raises(DrlsError) as told:
        add(lake, "change.busy", "x")
    assert told.value.code == "commit-conflict"


def test_refuses_a_table_of_a_version_that_it_can_not_write(lake: Catalog, sick: Callable[..., Truth]) -> None:
    sick("change.three", files=1, format_version=3)
    with pytest.raises(DrlsError) as told:
        add(lake, "change.three", "x")
    assert "format version 3" in told.value.detail


def test_a_read_only_warehouse_is_told(
    lake: Catalog, sick: Callable[..., Truth], monkeypatch: pytest.MonkeyPatch
) -> None:
    sick("change.readonly", files=1)

    def refuse(*_arguments: object, **_named: object) -> None:
        raise OSError(30, "Read-only file system", "/somewhere/secret/metadata/v2.metadata.json")

    monkeypatch.setattr("pyiceberg.io.pyarrow.PyArrowFile.create", refuse)
    with pytest.raises(DrlsError) as told:
        add(lake, "change.readonly", "x")
    assert told.value.code == "read-only-storage"
    assert "secret" not in told.value.detail
