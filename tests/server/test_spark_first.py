"""Spark made the catalog before our server saw it: all is there, and both go on with it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from drls import spark

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beside import Sql
    from harness import Api, Home

TABLE = "first.by_spark"


@pytest.fixture(scope="module")
def sql(home: Home, remote: str) -> Iterator[Sql]:
    """Give `sql` of a session that found no catalog, made it, and made a table in it."""
    assert not (home.folder / "catalog.db").exists()
    properties = {
        "type": "sql", "uri": f"sqlite:///{home.folder / 'catalog.db'}",
        "warehouse": f"file://{home.folder / 'warehouse'}", "schema_version": "v1",
    }  # fmt: skip
    settings: spark.Settings = {
        "home": "", "jars": "", "memory": "1g", "master": "", "remote": remote, "java_home": "", "properties": {},
        "catalogs": [{"name": "drls", "properties": properties}],
    }  # fmt: skip
    spark.configure(settings)
    spark.sql("CREATE NAMESPACE drls.first")
    spark.sql(f"CREATE TABLE drls.{TABLE} (id BIGINT, kind STRING) USING iceberg PARTITIONED BY (kind)")
    for load in range(6):
        spark.sql(f"INSERT INTO drls.{TABLE} SELECT id, concat('k', id % 2) FROM range({load * 10}, {load * 10 + 10})")
    yield spark.sql
    spark.stop()


@pytest.fixture(scope="module")
def environment(home: Home, remote: str, sql: Sql) -> dict[str, str]:  # noqa: ARG001 (Spark makes the catalog first)
    """Tell the server where Spark is, before it starts."""
    (home.folder / "config.json").write_text(json.dumps({"spark": {"remote": remote}}))
    return {}


def spark_says(sql: Sql) -> list[dict[str, Any]]:
    """Read the table by Spark."""
    return sql(f"SELECT * FROM drls.{TABLE} ORDER BY id")


def test_what_spark_made_is_shown_judged_evolved_and_compacted(sql: Sql, api: Api, home: Home) -> None:
    assert [one["name"] for one in api.all("/api/tables")] == [TABLE]
    before = spark_says(sql)
    assert api.table(TABLE, "health").ok()["facts"]["totals"]["records"] == len(before) == 60
    assert api.all(f"/api/table/{TABLE}/snapshots")[0]["operation"] == "append"
    api.run("add-column", TABLE, path="note", type="string")
    plan = api.plan("compact", TABLE)
    job = api.run("compact", TABLE, plan["id"])
    assert job["result"]["files_after"] == plan["effect"]["files_after"] == 2
    assert spark_says(sql) == [row | {"note": None} for row in before]
    sql(f"INSERT INTO drls.{TABLE} VALUES (60, 'k0', 'by Spark')")
    assert api.table(TABLE, "preview", limit=100).ok()["rows"].count([60, "k0", "by Spark"]) == 1
    api.run("expire", TABLE, older_than="2100-01-01T00:00:00Z", retain_last=1)
    api.run("drop-column", TABLE, path="note")
    assert spark_says(sql) == [*before, {"id": 60, "kind": "k0"}]
    assert home.rows(TABLE).num_rows == 61


def test_both_make_tables_that_the_other_sees(sql: Sql, api: Api, home: Home) -> None:
    table = home.table(TABLE)
    table.catalog.create_table("first.by_us", table.schema()).append(home.rows(TABLE))
    assert sql("SELECT count(*) AS n FROM drls.first.by_us") == [{"n": 61}]
    sql("CREATE TABLE drls.first.later (id INT) USING iceberg")
    assert [one["name"] for one in api.all("/api/tables")] == [TABLE, "first.by_us", "first.later"]
    sql("DROP TABLE drls.first.later")
    assert [one["name"] for one in api.all("/api/tables")] == [TABLE, "first.by_us"]
