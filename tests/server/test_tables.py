"""What the server tells of tables: the sample lakehouse, and tables whose truth is known because it was chosen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import pytest
from harness import told_nothing_inside, until
from pyiceberg.types import StringType
from sick_tables import Sick, Truth, make

from drls import catalog as catalogs

if TYPE_CHECKING:
    from harness import Api, Home, Server

SICK = {
    "flights.flights": {"small-files", "many-manifests", "expirable-snapshots"},
    "flights.weather": {"delete-files"},
    "flights.by_carrier_origin": {"partition-skew"},
    "flights.daily_delays": {"long-metadata-log"},
    "flights.airlines": set(),
    "flights.airports": set(),
    "flights.planes": set(),
}
"""Every table of the sample lakehouse, and what is wrong with it."""


@pytest.fixture(scope="module")
def truth(home: Home) -> Truth:
    """Make a table with one of everything beside the sample lakehouse."""
    done = home.drls("demo")
    assert done.returncode == 0, done.stderr
    return make(
        home.lake,
        "shop.eu.orders",
        Sick(files=12, partitions=3, snapshots=4, position_deletes=2, nested=True, tags=("v1",), branches=("audit",)),
    )


@pytest.fixture(scope="module")
def api(truth: Truth, api: Api) -> Api:  # noqa: ARG001 (the tables first)
    """Give the interface with the tables made."""
    return api


def names(items: list[Any]) -> list[str]:
    return [one["name"] for one in items]


def test_the_list_has_every_table_and_reads_the_same_page_by_page(api: Api) -> None:
    whole = names(api.get("/api/tables").ok()["items"])
    assert whole == sorted([*SICK, "shop.eu.orders"])
    assert names(api.all("/api/tables", limit=3)) == whole


def test_the_list_is_filtered_by_namespace_and_by_words_in_any_case(api: Api) -> None:
    assert set(names(api.all("/api/tables", namespace="flights"))) == set(SICK)
    assert names(api.all("/api/tables", namespace="shop")) == ["shop.eu.orders"], "namespaces below it too"
    assert names(api.all("/api/tables", namespace="shop.eu")) == ["shop.eu.orders"]
    assert names(api.all("/api/tables", search="AIR")) == ["flights.airlines", "flights.airports"]
    assert api.all("/api/tables", search="no such table") == []


def test_the_health_report_finds_what_is_wrong_with_each_table_and_starts_no_spark(api: Api, home: Home) -> None:
    for name, sicknesses in SICK.items():
        report = api.table(name, "health").ok()
        assert {one["code"] for one in report["findings"]} == sicknesses, name
        assert report["failed_rules"] == []
        assert report["score"] == 100 - sum(one["penalty"] for one in report["findings"])
        assert not report["stale"]
        for finding in report["findings"]:
            assert finding["title"]
            assert finding["evidence"]
            assert len(finding["rule"]["digest"]) == 64
    assert not home.java(), "health never starts Spark"
    assert api.get("/api/health").ok()["parts"]["spark"]["state"] == "idle"


def test_the_facts_of_a_report_are_the_truth(api: Api, truth: Truth) -> None:
    report = api.table("shop.eu.orders", "health").ok()
    totals = report["facts"]["totals"]
    assert totals["data_files"] == truth["data_files"]
    assert totals["data_bytes"] == truth["data_bytes"]
    assert totals["delete_files"] == truth["position_delete_files"]
    assert totals["records"] - truth["deleted_rows"] == truth["live_rows"]
    assert report["facts"]["snapshots"]["count"] == len(truth["snapshots"])
    assert report["metadata_location"] == truth["metadata_location"]


def test_the_list_shows_the_scores_and_sorts_by_them(api: Api) -> None:
    scores = {name: api.table(name, "health").ok()["score"] for name in [*SICK, "shop.eu.orders"]}
    items = api.all("/api/tables", sort="score", limit=2)
    assert {one["name"]: one["health"]["score"] for one in items} == scores
    listed = [one["health"]["score"] for one in items]
    assert listed == sorted(listed), "the sickest first"
    assert items[0]["health"]["worst"]["code"] == "small-files"
    sizes = [one["bytes"] for one in api.all("/api/tables", sort="bytes")]
    assert sizes == sorted(sizes, reverse=True)
    times = [one["modified_at"] for one in api.all("/api/tables", sort="modified")]
    assert times == sorted(times, reverse=True)


def test_a_commit_of_another_engine_is_seen_at_once(api: Api, home: Home) -> None:
    make(home.lake, "shop.moved", Sick(files=2, partitions=1, snapshots=1))
    before = api.table("shop.moved", "health").ok()
    make(home.lake, "shop.moved", Sick(files=5, partitions=1, snapshots=1))
    after = api.table("shop.moved", "health").ok()
    assert (before["facts"]["totals"]["data_files"], after["facts"]["totals"]["data_files"]) == (2, 5)
    assert before["metadata_location"] != after["metadata_location"]

    def listed() -> bool:
        item = api.all("/api/tables", search="shop.moved")[0]
        return bool(item["data_files"] == 5 and not item["health"]["stale"])

    until("the list has the new figures", listed)


def test_the_list_follows_what_other_engines_make_rename_and_drop(api: Api, home: Home) -> None:
    catalog = catalogs.open(home.lake)

    def listed(name: str) -> Any:
        return next(iter(api.all("/api/tables", search=name)), None)

    catalog.create_table(("shop", "born"), home.table("flights.airlines").schema())
    assert listed("shop.born")["name"] == "shop.born", "at once"
    until("it is judged behind the list", lambda: (listed("shop.born") or {}).get("health"))
    catalog.rename_table("shop.born", "shop.grown")
    assert listed("shop.born") is None
    assert listed("shop.grown")["table"] == "grown"
    catalog.rename_table("shop.grown", "shop.born")
    until("the report that it had still holds", lambda: (listed("shop.born") or {}).get("health"))
    catalog.drop_table("shop.born")
    assert listed("shop.born") is None


def test_the_list_says_why_a_table_can_not_be_judged(api: Api, home: Home) -> None:
    catalog = catalogs.open(home.lake)
    table = catalog.create_table(("shop", "broken"), home.table("flights.airlines").schema())
    file = Path(unquote(urlsplit(table.metadata_location).path))
    good = file.read_bytes()
    file.write_bytes(good[: len(good) // 2])

    def item() -> Any:
        return api.all("/api/tables", search="shop.broken")[0]

    error = until("it was looked at", lambda: item()["error"])
    assert error["code"] == "corrupt-metadata"
    told_nothing_inside(error["detail"])
    assert item()["health"] is None
    file.write_bytes(good)
    api.table("shop.broken", "health").ok()
    assert item()["error"] is None
    assert item()["health"]["score"] == 100
    catalog.drop_table("shop.broken")


def test_the_schema_is_nested_and_tells_its_history(api: Api, home: Home) -> None:
    make(home.lake, "shop.history", Sick(files=1, partitions=3, snapshots=1, nested=True))
    table = home.table("shop.history")
    with table.update_schema() as update:
        update.add_column(("address", "zip"), StringType(), doc="as written")
    with table.update_schema() as update:
        update.rename_column("value", "amount")
        update.delete_column("prices")
    schema = api.table("shop.history", "schema").ok()
    fields = {one["name"]: one for one in schema["fields"]}
    assert list(fields) == ["id", "region", "amount", "address", "items"]
    inside = {one["path"]: one for one in fields["address"]["fields"]}
    assert list(inside) == ["address.city", "address.at", "address.zip"]
    assert inside["address.zip"]["doc"] == "as written"
    assert inside["address.zip"]["type"] == "string"
    assert [one["path"] for one in inside["address.at"]["fields"]] == ["address.at.lat", "address.at.lon"]
    assert [one["source"] for one in schema["partitioning"]] == ["region"]
    assert schema["schema_id"] == table.schema().schema_id
    assert schema["uuid"] == str(table.metadata.table_uuid)
    history = {one["schema_id"]: one for one in schema["schemas"]}
    assert history[1]["added"] == ["address.zip"]
    assert history[2]["renamed"] == [{"from": "value", "to": "amount"}]
    assert "prices" in history[2]["dropped"]


def test_snapshots_and_refs_are_those_of_the_table(api: Api, truth: Truth) -> None:
    path = "/api/table/shop.eu.orders"
    snapshots = api.all(f"{path}/snapshots", limit=1)
    assert [one["snapshot_id"] for one in snapshots] == [str(one) for one in reversed(truth["snapshots"])]
    assert snapshots[0]["is_ancestor"]
    refs = {one["name"]: one for one in api.all(f"{path}/refs")}
    assert sorted(refs) == truth["refs"]
    assert (refs["v1"]["kind"], refs["audit"]["kind"]) == ("tag", "branch")
    assert refs["v1"]["snapshot_id"] == str(truth["snapshots"][0])


def test_files_and_partitions_page_by_page_add_up_to_the_table(api: Api, truth: Truth) -> None:
    path = "/api/table/shop.eu.orders"
    files = api.all(f"{path}/files", limit=4)
    data = [one for one in files if one["content"] == "data"]
    assert len({one["path"] for one in files}) == len(files) == truth["data_files"] + truth["position_delete_files"]
    assert sum(one["bytes"] for one in data) == truth["data_bytes"]
    partitions = api.all(f"{path}/partitions", limit=1)
    by_path = {one["path"]: one["data_files"] for one in partitions}
    assert by_path == {f"region={region}": count for region, count in truth["files_per_region"].items()}


@pytest.mark.parametrize("page", ["snapshots", "refs", "files", "partitions"])
def test_a_cursor_of_a_table_that_changed_is_stale_and_says_so(api: Api, home: Home, page: str) -> None:
    name = f"shop.stale_{page}"
    made = Sick(files=6, partitions=3, snapshots=3, tags=("v1",))
    make(home.lake, name, made)
    cursor = api.table(name, page, limit=1).ok()["next"]
    assert cursor
    api.table(name, page, limit=1, cursor=cursor).ok()
    make(home.lake, name, made)
    api.table(name, page, limit=1, cursor=cursor).problem(409, "cursor-stale")


def test_a_preview_shows_live_rows_of_any_snapshot(api: Api, home: Home, truth: Truth) -> None:
    preview = api.table("shop.eu.orders", "preview", limit=100).ok()
    columns = [one["name"] for one in preview["columns"]]
    assert columns == ["id", "region", "value", "address", "items", "prices"]
    shown = {row[0]: row for row in preview["rows"]}
    rows = {row["id"]: row for row in home.rows("shop.eu.orders").to_pylist()}
    assert len(shown) == min(100, truth["live_rows"])
    for number, row in shown.items():
        assert row[columns.index("region")] == rows[number]["region"]
        assert row[columns.index("address")] == rows[number]["address"]
    first = api.table("shop.eu.orders", "preview", limit=100, snapshot_id=truth["snapshots"][0]).ok()
    assert 0 < len(first["rows"]) < truth["live_rows"]
    assert len(api.table("shop.eu.orders", "preview").ok()["rows"]) == 20


def test_what_is_not_there_or_malformed_is_a_problem_that_tells_nothing_of_the_inside(api: Api) -> None:
    for page in ("schema", "health", "snapshots", "refs", "files", "partitions", "preview"):
        problem = api.table("flights.nope", page).problem(404, "table-not-found")
        assert "flights.nope" in problem["detail"]
        api.table("nope.nope", page).problem(404, "table-not-found")
        api.table("flights.flights", page, catalog="nope").problem(404, "catalog-not-found")
    for name in ("flights", "a..b", "a.b c", "a.`b", "flights.flights'; drop table x--", "a." + "b" * 300):
        problem = api.table(name, "health").problem(422, "invalid-request")
        assert [one["detail"] for one in problem["errors"]], name
    api.table("../../etc.passwd", "health").problem(422, "invalid-request")


def test_unknown_and_wrong_parameters_are_refused_by_name(api: Api) -> None:
    for path in ("/api/tables", "/api/table/flights.flights/health", "/api/table/flights.flights/files"):
        problem = api.get(path, wat="1").problem(422, "invalid-request")
        assert "wat" in str(problem["errors"]), path
    for query in ({"limit": 0}, {"limit": 1001}, {"limit": "many"}, {"sort": "colour"}, {"cursor": "made up"}):
        key = next(iter(query))
        problem = api.get("/api/tables", **query).problem(422, "invalid-request")
        assert key in problem["errors"][0]["pointer"], query
    for query in ({"limit": 101}, {"snapshot_id": "newest"}):
        api.table("flights.flights", "preview", **query).problem(422, "invalid-request")
    unknown = api.table("flights.flights", "preview", snapshot_id="1")
    assert unknown.status == 422
    assert "no snapshot" in unknown.body["detail"]


def test_without_a_token_nothing_is_told_of_tables(server: Server, api: Api) -> None:
    for path in ("/api/tables", "/api/table/flights.flights/health", "/api/jobs", "/api/operations", "/api/plugins"):
        server.api(None).get(path).problem(401, "not-signed-in")
        server.api("drls_wrong").get(path).problem(401, "not-signed-in")
    assert set(server.api(None).get("/api/health").ok()) <= {"status", "version"}
    assert api.get("/api/tables").status == 200
