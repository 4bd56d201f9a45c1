"""The sample lakehouse: real rows, as sick as it says, built once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc
import pytest
from conftest import Read
from sick_tables import schema_of

from drls import catalog, demo, flights_data

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from drls.catalog import Catalog
    from drls.demo import DemoSummary


@pytest.fixture(scope="module")
def built(lake: Catalog) -> DemoSummary:
    """Build the sample in the shared catalog, without Spark."""
    return demo.build(catalog=lake, reset=False)


def told(summary: DemoSummary, name: str) -> Any:
    """Give what the summary says about a table."""
    return next(table for table in summary["tables"] if table["name"] == f"flights.{name}")


def test_holds_all_rows_in_less_than_a_minute(built: DemoSummary, sql: Callable[[str], Any]) -> None:
    assert built["duration"] < 60_000
    counts = {table["name"]: table["records"] for table in built["tables"]}
    assert counts["flights.flights"] == 336_776
    assert counts["flights.weather"] == 26_115
    assert counts["flights.airports"] == 1_458
    total = sql("SELECT count(*) AS n, sum(distance) AS miles, count(dep_delay) AS flown FROM drls.flights.flights")
    assert total == [{"n": 336_776, "miles": 350_217_607, "flown": 328_521}]
    assert sql("SELECT sum(distance) AS miles FROM drls.flights.by_carrier_origin") == [{"miles": 350_217_607}]


def test_is_sick_in_the_ways_it_says(built: DemoSummary, lake: Catalog) -> None:
    flights = Read(lake, "flights.flights")
    assert 380 <= len(flights.column("file")) <= 420
    assert len(flights.metadata["snapshots"]) == 66
    assert len(set(flights.partitions())) == 13
    assert set(flights.partitions()) >= {"time_hour_month=2013-01", "time_hour_month=2013-12"}
    assert max(flights.column("bytes")) < 0.75 * int(flights.metadata["properties"]["write.target-file-size-bytes"])
    ages = [flights.metadata["last_updated_ms"] - one["committed_at"] for one in flights.metadata["snapshots"]]
    assert ages == sorted(ages, reverse=True)
    assert ages[0] > 60 * demo._DAY_MS  # noqa: SLF001 (the same day as the sample's)
    weather = Read(lake, "flights.weather")
    assert weather.column("content").count(1) == 36
    assert all(weather.column("refers")[at] for at, kind in enumerate(weather.column("content")) if kind == 1)
    rows = sorted(Read(lake, "flights.by_carrier_origin").column("records"))
    assert (len(rows), rows[0], rows[-1]) == (35, 6, 46_087)
    assert len(Read(lake, "flights.daily_delays").metadata["metadata_log"]) > 240
    for name in ("airlines", "airports", "planes"):
        assert told(built, name)["data_files"] == told(built, name)["snapshots"] == 1


def test_both_engines_see_weather_without_its_deleted_rows(
    built: DemoSummary, lake: Catalog, sql: Callable[[str], Any]
) -> None:
    assert told(built, "weather")["delete_files"] == 36
    source = flights_data.read("weather", flights_data.WEATHER)
    left = source.filter(pc.is_valid(source["pressure"]))
    expected = [{"n": left.num_rows, "bare": 0, "warm": round(pc.sum(left["temp"]).as_py())}]
    assert left.num_rows == source.num_rows - 2_729
    assert expected == sql(
        "SELECT count(*) AS n, count_if(pressure IS NULL) AS bare, cast(round(sum(temp)) AS BIGINT) AS warm "
        "FROM drls.flights.weather"
    )
    rows = catalog.load(lake, ["flights"], "weather").scan().to_arrow()
    warm = round(sum(value for value in rows["temp"].to_pylist() if value is not None))
    assert [{"n": rows.num_rows, "bare": rows["pressure"].null_count, "warm": warm}] == expected


def test_keeps_what_is_whole_and_mends_what_is_not(tmp_path: Path) -> None:
    lake = catalog.create_embedded("drls", str(tmp_path / "catalog.db"), str(tmp_path / "warehouse"))
    opened = catalog.open(lake)
    opened.create_namespace("flights")
    mine = opened.create_table(("flights", "planes"), schema_of(nested=False))
    first = demo.build(catalog=lake, reset=False)
    assert told(first, "planes")["state"] == "foreign"
    assert {table["state"] for table in first["tables"] if table["name"] != "flights.planes"} == {"made"}
    with opened.load_table(("flights", "airlines")).transaction() as transaction:
        transaction.remove_properties("drls.demo.complete")
    started = time.monotonic()
    second = demo.build(catalog=lake, reset=False)
    assert time.monotonic() - started < 5
    states = {table["name"]: table["state"] for table in second["tables"]}
    assert states.pop("flights.airlines") == "repaired"
    assert states.pop("flights.planes") == "foreign"
    assert set(states.values()) == {"kept"}
    third = demo.build(catalog=lake, reset=True)
    assert {table["name"]: table["state"] for table in third["tables"]} == {
        table["name"]: "foreign" if table["name"] == "flights.planes" else "made" for table in third["tables"]
    }
    assert [{**table, "state": ""} for table in third["tables"]] == [
        {**table, "state": ""} for table in first["tables"]
    ]
    assert opened.load_table(("flights", "planes")).metadata.table_uuid == mine.metadata.table_uuid
