"""The way back from a change: what it was, as long as nothing is lost by going back."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING
from unittest import mock

import pyarrow as pa
import pytest
from harness import columns

from drls import catalog

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness import Api, Home


def test_undo_brings_a_dropped_column_back_with_its_data_and_only_once(
    api: Api, home: Home, new: Callable[..., str]
) -> None:
    table = new(files=4, nested=True)
    before = home.rows(table)
    dropped = api.run("drop-column", table, path="address")
    assert "address" not in columns(home, table)
    undone = api.undo(dropped)
    assert undone["undo_of"] == dropped["id"]
    assert home.rows(table).equals(before)
    api.post(f"/api/jobs/{dropped['id']}/undo").problem(409, "already-undone")
    assert home.rows(table).equals(before)


@pytest.mark.parametrize("format_version", [1, 2])
def test_undo_of_an_undo_takes_a_column_away_again_unless_rows_were_written_with_it_since(
    api: Api, home: Home, new: Callable[..., str], format_version: int
) -> None:
    table = new(files=4, format_version=format_version)
    main = home.table(table).current_snapshot()
    assert main is not None
    left = datetime.now(timezone.utc).isoformat()
    home.table(table).append(home.rows(table).slice(0, 1))
    with home.table(table).manage_snapshots() as manage:
        manage.create_branch(main.snapshot_id, "audit")
    # A line that was left: its rows have the column too, and are older than what is undone.
    api.run("rollback", table, to=left)
    dropped = api.run("drop-column", table, path="value")
    undone = api.undo(dropped)
    again = api.undo(undone)
    assert columns(home, table) == ["id", "region"]
    back = api.undo(again)
    assert columns(home, table) == ["id", "region", "value"]
    # By a writer whose clock is behind.
    with mock.patch("pyiceberg.table.snapshots.time") as clock:
        clock.time.return_value = time.time() - 30
        home.table(table).append(home.rows(table).slice(0, 1), branch="audit")
    problem = api.post(f"/api/jobs/{back['id']}/undo").problem(409, "cannot-undo")
    assert "rows were written since" in problem["detail"]
    assert columns(home, table) == ["id", "region", "value"]


def test_undo_of_a_dropped_column_is_refused_once_its_values_were_rewritten_away(
    api: Api, home: Home, new: Callable[..., str]
) -> None:
    table = new(files=4)
    dropped = api.run("drop-column", table, path="value")
    home.table(table).append(home.rows(table).slice(0, 1))
    home.table(table).delete("id = 5")
    problem = api.post(f"/api/jobs/{dropped['id']}/undo").problem(409, "cannot-undo")
    assert "rewritten since without the column" in problem["detail"]
    assert columns(home, table) == ["id", "region"]


def test_undo_of_an_added_column_is_refused_once_rows_were_written_with_it(
    api: Api, home: Home, new: Callable[..., str]
) -> None:
    table = new(files=4)
    added = api.run("add-column", table, path="note", type="string")
    home.table(table).delete("id = 5")
    row = home.rows(table).slice(0, 1).set_column(3, "note", pa.array(["kept"]))
    home.table(table).append(row)
    problem = api.post(f"/api/jobs/{added['id']}/undo").problem(409, "cannot-undo")
    assert "rows were written since" in problem["detail"]
    assert "kept" in home.rows(table)["note"].to_pylist()


def test_undo_of_an_added_column_does_not_mind_rows_written_with_a_column_that_went_before(
    api: Api, home: Home, new: Callable[..., str]
) -> None:
    table = new(files=4)
    api.run("drop-column", table, path="value")
    home.table(table).append(home.rows(table).slice(0, 1))
    added = api.run("add-column", table, path="note", type="string")
    api.undo(added)
    assert columns(home, table) == ["id", "region"]


def test_undo_is_refused_where_it_would_lose_a_later_change(api: Api, home: Home, new: Callable[..., str]) -> None:
    table = new(files=4)
    dropped = api.run("drop-column", table, path="value")
    api.run("add-column", table, path="later", type="int")
    problem = api.post(f"/api/jobs/{dropped['id']}/undo").problem(409, "cannot-undo")
    assert "changed again" in problem["detail"]
    assert "later" in columns(home, table)


def test_undo_of_an_added_column_is_refused_where_nobody_knows_what_was_written(
    api: Api, home: Home, new: Callable[..., str]
) -> None:
    table = new(files=4)
    added = api.run("add-column", table, path="note", type="string")
    home.table(table).append(home.rows(table).slice(0, 1).set_column(3, "note", pa.array(["kept"])))
    home.table(table).delete("region = 'no such region' or id = 1")
    api.run("expire", table, older_than="2100-01-01T00:00:00Z", retain_last=1)
    api.post(f"/api/jobs/{added['id']}/undo").problem(409, "cannot-undo")
    assert "note" in columns(home, table)


def test_a_job_tells_whether_it_can_be_undone_and_by_which_job_it_was(
    api: Api, home: Home, new: Callable[..., str]
) -> None:
    table = new(files=4)
    dropped = api.run("drop-column", table, path="value")
    assert (api.job(dropped)["undone_by"], api.job(dropped)["undoable"]) == (None, {"now": True, "reason": None})
    listed = {one["id"]: one for one in api.all("/api/jobs", table=table)}
    assert listed[dropped["id"]]["undoable"] == {"now": None, "reason": None}, "a list looks at no table"

    home.table(table).append(home.rows(table).slice(0, 1))
    home.table(table).delete("id = 5")
    told = api.job(dropped)["undoable"]
    assert told["now"] is False
    assert told["reason"] in api.post(f"/api/jobs/{dropped['id']}/undo").problem(409, "cannot-undo")["detail"]

    added = api.run("add-column", table, path="note", type="string")
    assert "changed again" in api.job(dropped)["undoable"]["reason"]
    undone = api.undo(added)
    listed = {one["id"]: one for one in api.all("/api/jobs", table=table)}
    for job in (api.job(added), listed[added["id"]]):
        assert (job["undone_by"], job["undoable"]["now"]) == (undone["id"], False)
        assert undone["id"] in job["undoable"]["reason"]
    assert (api.job(undone)["undo_of"], api.job(undone)["undone_by"]) == (added["id"], None)


def test_what_removed_snapshots_or_changed_nothing_says_that_it_can_not_be_undone(
    api: Api, new: Callable[..., str]
) -> None:
    table = new(files=4, snapshots=4)
    expired = api.run("expire", table, older_than="2100-01-01T00:00:00Z", retain_last=1)
    assert "removed snapshots" in api.job(expired)["undoable"]["reason"]
    nothing = api.run("expire", table, older_than="2100-01-01T00:00:00Z", retain_last=1)
    assert "changed neither" in api.job(nothing)["undoable"]["reason"]
    listed = {one["id"]: one for one in api.all("/api/jobs", table=table)}
    for job in (expired, nothing):
        assert listed[job["id"]]["undoable"]["now"] is False, "the job's own row tells"


def test_a_job_whose_table_is_gone_is_shown_all_the_same(api: Api, home: Home, new: Callable[..., str]) -> None:
    table = new(files=2)
    added = api.run("add-column", table, path="note", type="string")
    catalog.open(home.lake).drop_table(tuple(table.split(".")))
    told = api.job(added)["undoable"]
    assert (told["now"], told["reason"]) == (False, "the table is not there")
