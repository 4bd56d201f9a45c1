"""Rewrites on a real Spark: promise beside result, the same rows before and after, and the truth when it goes wrong."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from harness import PATIENCE, until
from sick_tables import Sick, make

from drls import jars, spark

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from harness import Api, Home, Server

    Sql = Callable[[str], list[dict[str, Any]]]

FLIGHTS = "flights.flights"


@pytest.fixture(scope="module")
def sample(home: Home) -> str:
    """Make the sample lakehouse; give the table of it with hundreds of small files."""
    done = home.drls("demo")
    assert done.returncode == 0, done.stderr
    return FLIGHTS


@pytest.fixture
def other_spark(home: Home, tmp_path: Path) -> Iterator[Sql]:
    """Give `sql` of a Spark that is not the server's, on the same catalog."""
    jars.bring(jars.DEFAULT)
    spark.configure(
        {
            "home": str(tmp_path),
            "jars": "",
            "memory": "1g",
            "master": "local[2]",
            "remote": "",
            "java_home": "",
            "properties": {},
            "catalogs": [home.lake],
        }
    )
    yield spark.sql
    spark.stop()


def watched(api: Api, job: Any) -> tuple[Any, list[Any]]:
    """Wait until a job has ended; give it and every progress that was seen."""
    seen: list[Any] = []

    def look() -> Any:
        now = api.job(job)
        if not seen or seen[-1] != now["progress"]:
            seen.append(now["progress"])
        return now if now["state"] in ("succeeded", "failed", "cancelled") else None

    return until("the job ends", look, 300), seen


def at_work(api: Api, job: Any) -> Any:
    """Wait until Spark works on a job."""

    def look() -> Any:
        now = api.job(job)
        assert now["state"] in ("queued", "running"), now
        return now["progress"]["unit"] == "tasks" and now["progress"]["total"] > 0

    return until("Spark works on it", look, 300, every=0.02)


def test_a_compaction_keeps_its_promise_moves_on_and_is_undone(api: Api, home: Home, sample: str) -> None:
    before, snapshot = home.rows(sample), home.table(sample).metadata.current_snapshot_id
    plan = api.plan("compact", sample)
    job, progress = watched(api, api.begin("compact", sample, plan["id"]))
    assert job["state"] == "succeeded", job["error"]
    for promised in ("files_before", "files_after", "delete_files_after"):
        assert job["result"][promised] == plan["effect"][promised], promised
    assert plan["effect"]["files_after"] < plan["effect"]["files_before"] / 10
    files = api.all(f"/api/table/{sample}/files")
    assert len(files) == plan["effect"]["files_after"]
    assert job["result"]["bytes_read"] == plan["effect"]["bytes_read"]
    tasks = [one for one in progress if one["unit"] == "tasks"]
    assert len(tasks) > 1, f"progress moved: {progress}"
    assert [one["done"] for one in tasks] == sorted(one["done"] for one in tasks)
    assert home.rows(sample).equals(before)
    assert job["result"]["snapshot_id"] == str(home.table(sample).metadata.current_snapshot_id)
    assert "small-files" not in {one["code"] for one in api.table(sample, "health").ok()["findings"]}
    lines = api.get(f"/api/jobs/{job['id']}/log").ok()["items"]
    spoken = [one["text"] for one in lines if one["source"] == "spark"]
    assert any(one.startswith("Committed snapshot ") for one in spoken), lines
    assert any("Rewriting 34 files" in one and sample in one for one in spoken), spoken
    assert not any("\tat " in one or str(home.folder) in one for one in spoken), spoken
    begins = "Step 1 of 1 begins: rewrite data files by binpack."
    assert begins in [one["text"] for one in lines if one["source"] == "job"]
    api.undo(job)
    assert home.table(sample).metadata.current_snapshot_id == snapshot
    assert len(api.all(f"/api/table/{sample}/files")) == plan["effect"]["files_before"]
    assert home.rows(sample).equals(before)


def test_a_sort_and_a_filter_rewrite_what_they_say_and_keep_the_rows(api: Api, home: Home) -> None:
    make(home.lake, "spark.sorted", Sick(files=24, rows=50, partitions=3, snapshots=3))
    before = home.rows("spark.sorted")
    plan = api.plan("compact", "spark.sorted", strategy="sort", order="id DESC", filter="region = 'r1'")
    job = api.run("compact", "spark.sorted", plan["id"])
    assert job["result"]["files_after"] == plan["effect"]["files_after"] == 17
    assert home.rows("spark.sorted").equals(before)
    sorted_rows = home.table("spark.sorted").scan("region = 'r1'").to_arrow()["id"].to_pylist()
    assert sorted_rows == sorted(sorted_rows, reverse=True)


def test_a_compaction_clears_delete_files_and_no_deleted_row_comes_back(api: Api, home: Home) -> None:
    made = Sick(files=12, rows=20, partitions=2, snapshots=3, position_deletes=4)
    truth = make(home.lake, "spark.deleted", made)
    before = home.rows("spark.deleted")
    assert before.num_rows == truth["live_rows"]
    plan = api.plan("compact", "spark.deleted")
    job = api.run("compact", "spark.deleted", plan["id"])
    assert job["result"]["files_after"] == plan["effect"]["files_after"]
    assert job["result"]["delete_files_after"] == plan["effect"]["delete_files_after"]
    assert home.rows("spark.deleted").equals(before)


def test_deletes_of_rows_that_are_gone_are_dropped_as_promised(api: Api, home: Home, other_spark: Sql) -> None:
    table = "spark.dangling"
    make(home.lake, table, Sick(files=12, partitions=2, position_deletes=6))
    other_spark(
        f"CALL drls.system.rewrite_data_files(table => '{table}',"
        " options => map('rewrite-all', 'true', 'use-starting-sequence-number', 'true'))"
    )
    before = home.rows(table)
    plan = api.plan("compact", table)
    assert [one["kind"] for one in plan["steps"]] == ["rewrite-position-deletes"]
    assert plan["effect"]["delete_files_before"] == 6
    job = api.run("compact", table, plan["id"])
    assert job["result"]["delete_files_after"] == plan["effect"]["delete_files_after"] == 0
    assert home.rows(table).equals(before)


def test_manifests_are_rewritten_into_few_and_the_rows_stay(api: Api, home: Home) -> None:
    make(home.lake, "spark.manifests", Sick(files=40, partitions=2, snapshots=20))
    before = home.rows("spark.manifests")
    job = api.run("rewrite-manifests", "spark.manifests")
    assert job["result"]["manifests_before"] == 20
    assert job["result"]["manifests_after"] < 5
    assert home.rows("spark.manifests").equals(before)


def test_a_table_made_by_spark_is_evolved_here_and_read_alike_by_pyiceberg_and_spark(
    api: Api, home: Home, other_spark: Sql
) -> None:
    table = "made.by_spark"
    other_spark("CREATE NAMESPACE IF NOT EXISTS drls.made")
    other_spark(
        f"CREATE TABLE drls.{table} (id BIGINT NOT NULL, kind STRING, at STRUCT<lat: DOUBLE, lon: DOUBLE>,"
        " tags ARRAY<STRING>) USING iceberg PARTITIONED BY (kind)"
    )
    for load in range(8):
        other_spark(
            f"INSERT INTO drls.{table} SELECT id, concat('k', id % 2), named_struct('lat', id / 4D, 'lon', -id / 2D),"
            f" array('a', cast(id AS STRING)) FROM range({load * 25}, {load * 25 + 25})"
        )
    api.run("add-column", table, path="note", type="string", doc="said here")
    api.run("add-column", table, path="at.height", type="int", after="lat")
    api.run("rename-column", table, path="tags", name="labels")
    api.run("drop-column", table, path="at.lon")
    other_spark(
        f"INSERT INTO drls.{table} SELECT 1000 + id, 'k0', named_struct('lat', 1D, 'height', 7), array('new'), 'noted'"
        " FROM range(5)"
    )
    plan = api.plan("compact", table)
    job = api.run("compact", table, plan["id"])
    assert job["result"]["files_after"] == plan["effect"]["files_after"] == 2
    mine = sorted(home.table(table).scan().to_arrow().to_pylist(), key=lambda row: row["id"])
    assert mine == other_spark(f"SELECT * FROM drls.{table} ORDER BY id")
    assert len(mine) == 205
    assert mine[8] == {"id": 8, "kind": "k0", "at": {"lat": 2.0, "height": None}, "labels": ["a", "8"], "note": None}
    assert mine[-1]["at"] == {"lat": 1.0, "height": 7}
    assert mine[-1]["note"] == "noted"


def told_the_truth(job: Any, home: Home, table: str, was: str) -> None:
    """See that what a job that did not succeed says of its commits is so."""
    moved = home.table(table).metadata_location != was
    files = sum(1 for _ in home.table(table).scan().plan_files())
    if job["result"] is not None:
        assert job["result"]["files_after"] == files
        assert job["result"]["snapshot_id"] == str(home.table(table).metadata.current_snapshot_id)
    assert ("nothing was committed" in job["error"]["detail"]) == (not moved and job["state"] == "cancelled")


def test_a_running_rewrite_is_cancelled_and_the_truth_is_told(api: Api, home: Home, sample: str) -> None:
    before, was = home.rows(sample), home.table(sample).metadata_location
    job = api.begin("compact", sample, strategy="sort", order="dep_time, carrier")
    at_work(api, job)
    api.post(f"/api/jobs/{job['id']}/cancel").ok()
    ended = api.ended(job)
    assert (ended["state"], ended["error"]["code"]) == ("cancelled", "cancelled")
    told_the_truth(ended, home, sample, was)
    assert home.rows(sample).equals(before)


def test_a_rewrite_that_is_cancelled_after_a_part_was_committed_keeps_that_part_and_is_taken_up_again(
    api: Api, home: Home
) -> None:
    table = "spark.partly"
    make(home.lake, table, Sick(files=120, rows=200, partitions=20, snapshots=3))
    rows, was = home.rows(table), home.table(table).metadata_location
    plan = api.plan("compact", table)
    job = api.begin("compact", table, plan["id"])
    until("a part is committed", lambda: home.table(table).metadata_location != was, 300, every=0.02)
    api.post(f"/api/jobs/{job['id']}/cancel").ok()
    ended = api.ended(job)
    assert (ended["state"], ended["error"]["code"]) == ("cancelled", "cancelled")
    told_the_truth(ended, home, table, was)
    result = ended["result"]
    assert plan["effect"]["files_after"] < result["files_after"] < plan["effect"]["files_before"] == 120, result
    assert home.rows(table).equals(rows)
    again = api.plan("compact", table)
    assert again["effect"]["files_before"] == result["files_after"]
    assert again["effect"]["bytes_read"] < plan["effect"]["bytes_read"], "what is done is not done again"
    assert api.run("compact", table, again["id"])["result"]["files_after"] == plan["effect"]["files_after"] == 20
    assert home.rows(table).equals(rows)


def test_spark_killed_in_the_middle_of_a_rewrite_is_told_and_the_next_job_works(
    api: Api, home: Home, sample: str
) -> None:
    before, was = home.rows(sample), home.table(sample).metadata_location
    job = api.begin("compact", sample, strategy="sort", order="dep_time, carrier")
    at_work(api, job)
    killed = home.java()
    assert killed
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    ended = api.ended(job)
    assert (ended["state"], ended["error"]["code"]) == ("failed", "spark-unavailable")
    told_the_truth(ended, home, sample, was)
    assert home.rows(sample).equals(before)
    assert api.table(sample, "health").status == 200
    make(home.lake, "spark.next", Sick(files=12, partitions=1, snapshots=2))
    after = api.run("compact", "spark.next")
    assert after["result"]["files_after"] == 1
    assert home.java()
    assert not set(home.java()) & set(killed)


def test_health_and_evolution_answer_while_spark_rewrites(api: Api, home: Home) -> None:
    make(home.lake, "spark.busy", Sick(files=60, rows=500, partitions=10, snapshots=3))
    make(home.lake, "spark.quiet", Sick(files=2))
    job = api.begin("compact", "spark.busy")
    done: list[str] = []

    def others() -> None:
        api.table("spark.busy", "health").ok()
        done.append(api.run("add-column", "spark.quiet", path="note", type="string")["state"])

    thread = threading.Thread(target=others)
    thread.start()
    thread.join(PATIENCE)
    assert done == ["succeeded"]
    api.succeeded(job)


# The server listens for signals before Python starts, which has handlers of its own.
@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_a_server_that_is_stopped_in_a_rewrite_takes_spark_with_it_and_tells_of_the_job(
    api: Api, home: Home, server: Server, sample: str, by: int
) -> None:
    before, was = home.rows(sample), home.table(sample).metadata_location
    running = server.api(api.token)
    job = running.begin("compact", sample, strategy="sort", order="dep_time, carrier")
    at_work(running, job)
    server.stop(by)
    assert "KeyboardInterrupt" not in server.log()
    assert home.java() == []
    server.start()
    again = server.api(api.token)
    told = again.job(job)
    assert (told["state"], told["error"]["code"]) == ("cancelled", "server-stopped")
    told_the_truth(told, home, sample, was)
    assert home.rows(sample).equals(before)
    home.audit_holds()


def test_a_rewrite_that_is_cancelled_while_spark_starts_is_told_and_the_next_one_works(
    api: Api, home: Home, server: Server
) -> None:
    table = "spark.early"
    make(home.lake, table, Sick(files=12, partitions=1))
    rows, was = home.rows(table), home.table(table).metadata_location
    server.stop()
    server.start()
    again = server.api(api.token)
    job = again.begin("compact", table)
    until("Spark starts", home.java, every=0.02)
    again.post(f"/api/jobs/{job['id']}/cancel").ok()
    ended = again.ended(job)
    assert (ended["state"], ended["error"]["code"]) == ("cancelled", "cancelled")
    told_the_truth(ended, home, table, was)
    assert home.table(table).metadata_location == was
    again.run("compact", table)
    assert len(home.java()) == 1, "one Spark, and none that was given up"
    assert home.rows(table).equals(rows)


def test_a_server_that_is_stopped_while_spark_starts_leaves_nothing_behind(
    api: Api, home: Home, server: Server, sample: str
) -> None:
    again = server.api(api.token)
    was = home.table(sample).metadata_location
    job = again.begin("compact", sample, strategy="sort", order="dep_time, carrier")
    until("Spark starts", home.java, every=0.02)
    began = time.monotonic()
    server.stop()
    assert time.monotonic() - began < 15, "the start is given up and not waited for"
    assert home.java() == []
    server.start()
    told = server.api(api.token).job(job)
    assert (told["state"], told["error"]["code"]) == ("cancelled", "server-stopped")
    assert home.table(sample).metadata_location == was
