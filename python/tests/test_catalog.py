"""Catalogs: made, opened, listed; names that are not there."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest
from pyiceberg.catalog.sql import SqlCatalog
from sick_tables import schema_of

from drls import catalog
from drls.errors import DrlsError, translated

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sick_tables import Truth

    from drls.catalog import Catalog


def test_makes_a_v1_catalog_in_wal_mode_once(tmp_path: Path) -> None:
    made = catalog.create_embedded("drls", str(tmp_path / "catalog.db"), str(tmp_path / "warehouse"))
    again = catalog.create_embedded("drls", str(tmp_path / "catalog.db"), str(tmp_path / "warehouse"))
    assert made == again
    with sqlite3.connect(tmp_path / "catalog.db") as database:
        columns = [row[1] for row in database.execute("PRAGMA table_info(iceberg_tables)")]
        assert "iceberg_type" in columns
    catalog.open(made).create_namespace("a")
    with sqlite3.connect(tmp_path / "catalog.db") as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_lists_nested_namespaces_by_name(tmp_path: Path) -> None:
    lake = catalog.create_embedded("drls", str(tmp_path / "catalog.db"), str(tmp_path / "warehouse"))
    opened = catalog.open(lake)
    for namespace in ("b", "a", "a.b", "a.b.c"):
        opened.create_namespace(tuple(namespace.split(".")))
        opened.create_table((*namespace.split("."), "t"), schema_of(nested=False))
    listed = catalog.list_tables(lake)
    assert [(table["namespace"], table["name"]) for table in listed] == [
        (["a"], "t"),
        (["a", "b"], "t"),
        (["a", "b", "c"], "t"),
        (["b"], "t"),
    ]
    for table in listed:
        where = catalog.table_location(lake, table["namespace"], table["name"])
        assert where["metadata_location"] == table["metadata_location"]


def test_the_version_is_another_one_after_each_commit_of_anyone(tmp_path: Path) -> None:
    lake = catalog.create_embedded("drls", str(tmp_path / "catalog.db"), str(tmp_path / "warehouse"))
    first = catalog.version(lake)
    assert catalog.version(lake) == first
    catalog.open(lake).create_namespace("a")
    second = catalog.version(lake)
    assert second != first
    with sqlite3.connect(tmp_path / "catalog.db") as stranger:
        stranger.execute("DELETE FROM iceberg_namespace_properties")
    stranger.close()
    assert catalog.version(lake) not in (first, second)


def test_the_plain_pyiceberg_catalog_sees_the_same_tables(
    home: Path, lake: Catalog, sick: Callable[..., Truth]
) -> None:
    truth = sick("seen.t", files=2)
    plain = SqlCatalog("drls", uri=f"sqlite:///{home}/catalog.db", warehouse=f"file://{home}/warehouse")
    assert plain.load_table("seen.t").scan().count() == truth["live_rows"]
    assert catalog.table_location(lake, ["seen"], "t")["metadata_location"] == truth["metadata_location"]


@pytest.mark.parametrize(("namespace", "name"), [(["nope"], "t"), (["seen"], "nope"), ([], "t"), (["x'); --"], "ü.ü")])
def test_tells_of_a_table_that_is_not_there(lake: Catalog, namespace: list[str], name: str) -> None:
    with pytest.raises(DrlsError) as told:
        catalog.table_location(lake, namespace, name)
    assert told.value.code == "table-not-found"


def test_tells_of_a_catalog_that_can_not_be_opened(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("no folder")
    for properties in (
        {"type": "sql", "uri": f"sqlite:///{file}/catalog.db", "warehouse": "file:///x"},
        {"type": "nonsense"},
        {"type": "sql", "uri": "nonsense"},
        {"type": "rest", "uri": "http://127.0.0.1:9/"},
    ):
        with pytest.raises(DrlsError) as told:
            catalog.list_tables({"name": "broken", "properties": properties})
        assert told.value.code == "catalog-unavailable"
        assert str(tmp_path) not in told.value.detail


def test_refuses_a_home_that_a_uri_can_not_name(tmp_path: Path) -> None:
    for database in ("relative/catalog.db", f"{tmp_path}/a?b/catalog.db"):
        with pytest.raises(DrlsError) as told:
            catalog.create_embedded("drls", database, str(tmp_path))
        assert told.value.errors[0][0] == "/database"


def test_tells_of_a_locked_catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "BUSY_TIMEOUT_MS", 50)
    lake = catalog.create_embedded("drls", str(tmp_path / "catalog.db"), str(tmp_path / "warehouse"))
    create = translated(lambda: catalog.open(lake).create_namespace("later"))
    holder = sqlite3.connect(tmp_path / "catalog.db", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        with pytest.raises(DrlsError) as told:
            create()
        assert told.value.code == "catalog-locked"
    finally:
        holder.close()
