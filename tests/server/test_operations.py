"""What the server does to tables on a machine without Java: planned, carried out, told truthfully, undone."""

from __future__ import annotations

import contextlib
import itertools
from typing import TYPE_CHECKING

import pytest
from harness import columns, until
from pyiceberg.transforms import IdentityTransform

from drls import catalog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from harness import Api, Home, Server


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Give a machine without Java."""
    empty: Path = tmp_path_factory.mktemp("no java")
    return {"PATH": str(empty), "JAVA_HOME": ""}


@pytest.fixture
def held(home: Home) -> Callable[[], AbstractContextManager[None]]:
    """Give a hold on the catalog: as long as it lasts no commit gets through, and whoever commits waits."""

    @contextlib.contextmanager
    def hold() -> Iterator[None]:
        connection = catalog.open(home.lake).engine.raw_connection()  # type: ignore[attr-defined]
        connection.driver_connection.isolation_level = None
        connection.driver_connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            connection.driver_connection.execute("ROLLBACK")
            connection.driver_connection.isolation_level = ""
            connection.close()

    return hold


def begun(api: Api, table: str) -> list[str]:
    """Give the jobs that were asked for on a table, newest first."""
    rows = api.all(f"/api/table/{table}/history")
    return [one["detail"]["job"] for one in rows if one["action"].startswith("table.")]


def test_a_column_is_added_renamed_and_dropped_and_the_rows_stay(api: Api, home: Home, new: Callable[..., str]) -> None:
    table = new(files=4, nested=True)
    before = home.rows(table)
    added = api.post("/api/evolve/add-column", {"table": table, "path": "note", "type": "string", "doc": "why"}).ok()
    job = api.succeeded(added["job"])
    assert job["operation"] == "add-column"
    assert job["actor"] == "admin"
    assert home.table(table).schema().find_field("note").doc == "why"
    assert home.rows(table)["note"].null_count == before.num_rows
    renamed = api.post("/api/evolve/rename-column", {"table": table, "path": "value", "name": "amount"}).ok()
    api.succeeded(renamed["job"])
    assert home.rows(table)["amount"].equals(before["value"])
    api.succeeded(api.post("/api/evolve/drop-column", {"table": table, "path": "note"}).ok()["job"])
    assert home.rows(table).rename_columns(before.column_names).equals(before)


def test_columns_in_structs_and_lists_are_evolved_too(api: Api, home: Home, new: Callable[..., str]) -> None:
    table = new(files=4, nested=True)
    before = home.rows(table)
    api.run("add-column", table, path="address.zip", type="string", after="city")
    api.run("add-column", table, path="items.element.price", type="decimal(9, 2)")
    api.run("rename-column", table, path="address.at.lat", name="latitude")
    api.run("drop-column", table, path="address.at.lon")
    address = home.table(table).schema().find_type("address")
    assert [one.name for one in address.fields] == ["city", "zip", "at"]  # type: ignore[attr-defined]
    after = home.rows(table)
    old, new_rows = before.to_pylist(), after.to_pylist()
    assert [row["address"]["at"] for row in new_rows] == [{"latitude": row["address"]["at"]["lat"]} for row in old]
    assert {one["price"] for row in new_rows for one in row["items"]} == {None}
    assert [row["prices"] for row in new_rows] == [row["prices"] for row in old]


def test_a_dry_run_changes_nothing_and_its_plan_runs_by_id(api: Api, home: Home, new: Callable[..., str]) -> None:
    table = new(files=2)
    was = home.table(table).metadata_location
    plan = api.plan("add-column", table, path="note", type="string")
    assert home.table(table).metadata_location == was
    assert begun(api, table) == []
    assert [one["kind"] for one in plan["steps"]] == ["add-column"]
    assert plan["metadata_location"].endswith(was.rsplit("/", 1)[1])
    job = api.run("add-column", table, plan["id"])
    assert job["plan"]["id"] == plan["id"]
    assert "note" in columns(home, table)


def test_a_plan_is_refused_when_the_table_moved_against_it(api: Api, home: Home, new: Callable[..., str]) -> None:
    table = new(files=2)
    plan = api.plan("drop-column", table, path="value")
    with home.table(table).update_schema() as update:
        update.rename_column("value", "amount")
    body = {"table": table, "plan": plan["id"]}
    problem = api.post("/api/evolve/drop-column", body).problem(409, "plan-stale")
    assert "schema was changed" in problem["detail"]
    assert columns(home, table) == ["amount", "id", "region"]
    tagged = api.plan("expire", table, older_than="2100-01-01T00:00:00Z", retain_last=1)
    oldest = home.table(table).metadata.snapshots[0].snapshot_id
    home.table(table).manage_snapshots().create_tag(oldest, "keep").commit()
    api.post("/api/expire", {"table": table, "plan": tagged["id"]}).problem(409, "plan-stale")
    assert len(home.table(table).metadata.snapshots) == 4


def test_a_plan_holds_when_the_table_only_grew(api: Api, home: Home, new: Callable[..., str]) -> None:
    table = new(files=4)
    first = home.rows(table)
    plan = api.plan("expire", table, older_than="2100-01-01T00:00:00Z", retain_last=1)
    home.table(table).append(first)
    api.run("expire", table, plan["id"])
    assert [one.snapshot_id for one in home.table(table).metadata.snapshots] == [
        one.snapshot_id for one in home.table(table).metadata.snapshots[-2:]
    ]
    assert home.rows(table).num_rows == 2 * first.num_rows


def test_a_plan_is_for_its_table_and_operation_only(api: Api, new: Callable[..., str]) -> None:
    table, other = new(files=2), new(files=2)
    plan = api.plan("drop-column", table, path="value")["id"]
    wrong = [("drop-column", other), ("rename-column", table)]
    for operation, name in wrong:
        answer = api.post(f"/api/operations/{operation}", {"table": name, "plan": plan})
        assert [one["pointer"] for one in answer.problem(422, "invalid-request")["errors"]] == ["/plan"]
    api.post("/api/compact", {"table": table, "plan": "nope"}).problem(404, "plan-not-found")


def test_an_expiry_frees_what_it_promised_to_the_byte(api: Api, home: Home, new: Callable[..., str]) -> None:
    table = new(files=6, snapshots=4)
    rows = home.rows(table)
    home.table(table).overwrite(rows.slice(0, 30))
    home.table(table).append(rows.slice(30))
    whole, on_disk = home.rows(table), home.bytes_of(table)
    plan = api.plan("expire", table, older_than="2100-01-01T00:00:00Z", retain_last=1)
    assert plan["reversibility"] == "none"
    assert plan["effect"]["bytes_freed"] > 6 * 1000, "the data files that were overwritten too"
    job = api.run("expire", table, plan["id"])
    freed = on_disk - home.bytes_of(table)
    assert freed == plan["effect"]["bytes_freed"] == job["result"]["bytes_freed"]
    for promised in ("snapshots_removed", "files_after", "delete_files_after"):
        assert job["result"][promised] == plan["effect"][promised], promised
    assert plan["effect"]["manifests_after"] in (None, job["result"]["manifests_after"]), "no count is a promise"
    assert len(home.table(table).metadata.snapshots) == 1
    assert home.rows(table).equals(whole)
    api.post(f"/api/jobs/{job['id']}/undo").problem(409, "cannot-undo")


def test_an_expiry_of_what_a_tag_or_branch_keeps_is_refused_by_name(
    api: Api, home: Home, new: Callable[..., str]
) -> None:
    table = new(files=6, snapshots=4, tags=("release",), branches=("audit",))
    ids = [str(one.snapshot_id) for one in home.table(table).metadata.snapshots]
    body = {"table": table, "snapshot_ids": [ids[0], ids[1], ids[-1], "77"]}
    errors = api.post("/api/expire", body).problem(422, "invalid-request")["errors"]
    told = {one["pointer"]: one["detail"] for one in errors}
    assert "release" in told["/snapshot_ids/0"]
    assert "/snapshot_ids/2" in told
    assert "77" in told["/snapshot_ids/3"]
    assert [str(one.snapshot_id) for one in home.table(table).metadata.snapshots] == ids
    by_age = api.run("expire", table, older_than="2100-01-01T00:00:00Z", retain_last=1)
    kept = [str(one.snapshot_id) for one in home.table(table).metadata.snapshots]
    assert ids[0] in kept
    assert ids[-1] in kept
    assert by_age["result"]["snapshots_removed"] == len(ids) - len(kept)


def test_what_an_evolution_would_break_is_refused_with_the_reason(
    api: Api, home: Home, new: Callable[..., str]
) -> None:
    table = new(files=3, partitions=3, nested=True)
    was = home.table(table).metadata_location
    refused = [
        ("drop-column", {"path": "region"}, "/path", "partitioned by"),
        ("drop-column", {"path": "vlaue"}, "/path", 'did you mean "value"'),
        ("drop-column", {"path": "items.element"}, "/path", "list"),
        ("add-column", {"path": "x", "type": "bigint2"}, "/type", "not an Iceberg type"),
        ("add-column", {"path": "ID", "type": "long"}, "/path", "already"),
        ("add-column", {"path": "nope.x", "type": "long"}, "/path", "nope"),
        ("add-column", {"path": "y", "type": "long", "after": "nope"}, "/after", "nope"),
        ("rename-column", {"path": "value", "name": "id"}, "/name", "id"),
        ("rename-column", {"path": "nope", "name": "x"}, "/path", "nope"),
    ]
    for operation, arguments, pointer, words in refused:
        answer = api.post(f"/api/evolve/{operation}", {"table": table, **arguments})
        errors = answer.problem(422, "invalid-request")["errors"]
        assert [one["pointer"] for one in errors] == [pointer], errors
        assert words in errors[0]["detail"]
    assert home.table(table).metadata_location == was


def test_a_column_that_identifies_or_sorts_rows_is_not_dropped(api: Api, home: Home, new: Callable[..., str]) -> None:
    table = new(files=2, nested=True)
    with home.table(table).update_schema(allow_incompatible_changes=True) as update:
        update.make_column_optional("value")
        update.update_column("id", required=True)
        update.set_identifier_fields("id")
    with home.table(table).update_sort_order() as order:
        order.asc("value", IdentityTransform())
    was = home.table(table).metadata_location
    for path, words in (("id", "identifier field"), ("value", "sort")):
        answer = api.post("/api/evolve/drop-column", {"table": table, "path": path})
        (error,) = answer.problem(422, "invalid-request")["errors"]
        assert error["pointer"] == "/path"
        assert words in error["detail"]
    assert home.table(table).metadata_location == was
    api.run("rename-column", table, path="id", name="key")
    assert home.table(table).schema().identifier_field_names() == {"key"}


def test_every_mistake_of_a_body_is_told_at_once(api: Api, new: Callable[..., str]) -> None:
    table = new(files=1)
    answer = api.post("/api/compact", {"table": 5, "dry_run": "x", "plan": 7})
    pointers = [one["pointer"] for one in answer.problem(422, "invalid-request")["errors"]]
    assert sorted(pointers) == ["/dry_run", "/plan", "/table"]
    answer = api.post("/api/compact", {"table": table, "strategy": "magic", "order": 7, "wat": 1})
    errors = answer.problem(422, "invalid-request")["errors"]
    assert {"/strategy", "/order"} < {one["pointer"] for one in errors}
    assert any("wat" in one["pointer"] + one["detail"] for one in errors)
    body = {"table": table, "strategy": "sort", "order": "vlaue DESC", "filter": "regoin = 'r0'"}
    unknown = {
        one["pointer"]: one["detail"]
        for one in api.post("/api/compact", body).problem(422, "invalid-request")["errors"]
    }
    assert unknown.keys() == {"/order", "/filter"}
    assert 'did you mean "value"' in unknown["/order"]
    assert 'did you mean "region"' in unknown["/filter"]
    answer = api.post("/api/operations/add-column", {"table": table, "arguments": {"path": 7}, "x": 1})
    assert len(answer.problem(422, "invalid-request")["errors"]) == 3


def test_what_is_unknown_or_unreadable_is_told_by_its_code(api: Api, new: Callable[..., str]) -> None:
    table = new(files=1)
    api.post("/api/operations/nope", {"table": table}).problem(404, "operation-not-loaded")
    api.post("/api/compact", {"table": "ops.nope"}).problem(404, "table-not-found")
    api.post("/api/compact", {"table": table}, catalog="nope").problem(404, "catalog-not-found")
    api.post("/api/compact", {"table": "a..b"}).problem(422, "invalid-request")
    api.post("/api/compact", b"not json").problem(400, "not-json")
    big = b'{"table": "' + b"x" * (2 * 1024 * 1024) + b'"}'
    assert api.post("/api/compact", big).status == 413
    assert api.post("/api/compact", b"x", {"Content-Type": "text/plain"}).status == 415
    for path in ("/api/jobs/nope/undo", "/api/jobs/nope/cancel"):
        api.post(path).problem(404, "job-not-found")


def test_a_mistake_is_told_where_it_stands_in_the_body(api: Api, new: Callable[..., str]) -> None:
    table = new(files=2)
    body = {"table": table, "arguments": {"to": "yesterday"}, "dry_run": True}
    problem = api.post("/api/operations/rollback", body).problem(422, "invalid-request")
    assert [one["pointer"] for one in problem["errors"]] == ["/arguments/to"]
    assert problem["detail"].startswith("/arguments/to: ")
    body["arguments"] = {}
    problem = api.post("/api/operations/rollback", body).problem(422, "invalid-request")
    assert not problem["detail"].startswith(":")


def test_a_rewrite_without_java_fails_in_clear_words_and_leaves_the_table(
    api: Api, home: Home, new: Callable[..., str]
) -> None:
    table = new(files=12, partitions=1)
    was = home.table(table).metadata_location
    plan = api.plan("compact", table)
    assert plan["effect"]["files_after"] < plan["effect"]["files_before"] == 12
    job = api.ended(api.begin("compact", table, plan["id"]))
    assert (job["state"], job["error"]["code"]) == ("failed", "java-not-found")
    assert "Java 17" in job["error"]["detail"]
    assert "install" in job["error"]["detail"].lower(), "it says what to do"
    assert home.table(table).metadata_location == was
    api.run("add-column", table, path="note", type="string")


def test_one_table_has_one_writer(
    api: Api, home: Home, new: Callable[..., str], held: Callable[[], AbstractContextManager[None]]
) -> None:
    table = new(files=2)
    with held():
        first = api.begin("add-column", table, path="one", type="int")
        until("the first job runs", lambda: api.job(first)["state"] == "running")
        second = api.begin("rename-column", table, path="value", name="amount")
        third = api.begin("add-column", table, path="three", type="int")
        states = [api.job(one)["state"] for one in (first, second, third)]
    assert states == ["running", "queued", "queued"]
    times = [api.succeeded(one)["timestamps"] for one in (first, second, third)]
    turns = sorted((one["started_at"], one["ended_at"]) for one in times)
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(turns)), turns
    assert columns(home, table) == ["amount", "id", "one", "region", "three"]


def test_a_queued_job_is_cancelled_and_nothing_of_it_happens(
    api: Api, home: Home, new: Callable[..., str], held: Callable[[], AbstractContextManager[None]]
) -> None:
    table = new(files=2)
    with held():
        first = api.begin("add-column", table, path="one", type="int")
        until("the first job runs", lambda: api.job(first)["state"] == "running")
        second = api.begin("add-column", table, path="two", type="int")
        api.post(f"/api/jobs/{second['id']}/cancel").ok()
        cancelled = api.ended(second)
    assert (cancelled["state"], cancelled["error"]["code"]) == ("cancelled", "cancelled")
    assert "nothing was committed" in cancelled["error"]["detail"]
    api.succeeded(first)
    assert columns(home, table) == ["id", "one", "region", "value"]
    api.post(f"/api/jobs/{second['id']}/cancel").problem(409, "job-ended")


def test_a_request_sent_twice_with_one_key_is_carried_out_once(api: Api, new: Callable[..., str]) -> None:
    table = new(files=1)
    body = {"table": table, "path": "once", "type": "int"}
    key = {"Idempotency-Key": f"key of {table}"}
    first = api.post("/api/evolve/add-column", body, key)
    again = api.post("/api/evolve/add-column", body, key)
    assert (first.text, first.status) == (again.text, again.status)
    assert again.headers["idempotent-replayed"] == "true"
    assert begun(api, table) == [first.ok()["job"]["id"]]
    api.post("/api/evolve/add-column", body | {"path": "other"}, key).problem(422, "idempotency-key-reused")
    api.succeeded(first.body["job"])


def test_jobs_are_listed_newest_first_by_table_operation_and_state(api: Api, new: Callable[..., str]) -> None:
    table, other = new(files=1), new(files=1)
    first = api.run("add-column", table, path="x", type="int")
    api.run("add-column", other, path="x", type="int")
    second = api.undo(first)
    assert [one["id"] for one in api.all("/api/jobs", table=table, limit=1)] == [second["id"], first["id"]]
    assert api.all("/api/jobs", table=table, state="failed") == []
    ids = [second["id"], first["id"]]
    of_operation = {one["id"]: one["operation"] for one in api.all("/api/jobs", table=table)}
    for operation in {*of_operation.values(), "no-such"}:
        listed = [one["id"] for one in api.all("/api/jobs", table=table, operation=operation)]
        assert listed == [one for one in ids if of_operation[one] == operation]
    assert [one["id"] for one in api.all("/api/jobs", table=table, ended="true")] == ids
    assert api.all("/api/jobs", table=table, ended="false") == []
    everything = [one["id"] for one in api.all("/api/jobs", limit=5)]
    assert everything == sorted(everything, reverse=True)
    assert len(set(everything)) == len(everything)
    problem = api.get("/api/jobs", table="a..b").problem(422, "invalid-request")
    assert "table" in problem["errors"][0]["pointer"]
    api.get("/api/jobs", state="lost").problem(422, "invalid-request")


def test_a_viewer_looks_and_an_operator_acts(api: Api, server: Server, home: Home, new: Callable[..., str]) -> None:
    table = new(files=2)
    viewer, operator = (server.api(home.user(role, role)) for role in ("viewer", "operator"))
    job = operator.run("add-column", table, path="one", type="int")
    assert job["actor"] == "operator"
    for path in ("/api/operations/add-column", f"/api/jobs/{job['id']}/undo", f"/api/jobs/{job['id']}/cancel"):
        body = {"table": table, "arguments": {"path": "two", "type": "int"}} if "operations" in path else None
        viewer.post(path, body).problem(403, "role-too-low")
        server.api(None).post(path, body).problem(401, "not-signed-in")
    dry = {"table": table, "path": "two", "type": "int", "dry_run": True}
    viewer.post("/api/evolve/add-column", dry).problem(403, "role-too-low")
    assert viewer.job(job) == api.job(job)
    assert viewer.table(table, "schema").ok()["fields"][-1]["name"] == "one"
    assert "two" not in columns(home, table)


def test_a_foreign_page_may_not_act(api: Api, new: Callable[..., str]) -> None:
    body = {"table": new(files=1), "path": "x", "type": "int"}
    foreign = api.post("/api/evolve/add-column", body, {"Origin": "https://evil.example"})
    foreign.problem(403, "foreign-origin")
    api.post("/api/evolve/add-column", body, {"Host": "evil.example"}).problem(403, "foreign-host")


def test_the_history_of_a_table_names_who_did_what_and_the_chain_holds(
    api: Api, home: Home, new: Callable[..., str]
) -> None:
    table = new(files=2)
    job = api.run("drop-column", table, path="value")
    api.undo(job)
    rows = api.all(f"/api/table/{table}/history", limit=1)
    told = [(one["actor"], one["action"]) for one in rows]
    assert told == [
        ("system", "job.succeeded"),
        ("admin", "table.undo"),
        ("system", "job.succeeded"),
        ("admin", "table.drop-column"),
    ]
    assert rows[-1]["detail"]["job"] == job["id"]
    assert rows[-1]["detail"]["arguments"] == {"path": "value"}
    assert [one["seq"] for one in rows] == sorted((one["seq"] for one in rows), reverse=True)
    home.audit_holds()
