"""Other writers come between: a table is dropped, made anew, appended to and deleted from while jobs wait and run."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from disk import BROKEN, FULL, READ_ONLY, Fault
from harness import told_nothing_inside, until
from pyiceberg.exceptions import CommitFailedException, ValidationException
from rig import ERRORS, Rig, choice, commits_wait, sample, served
from sick_tables import Sick, make, rows_of

from drls import catalog

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from harness import Home

SMALL = Sick(files=3, snapshots=3)
MANY = Sick(files=24, partitions=2)
COMMIT_CODES = {
    FULL: {"disk-full"},
    BROKEN: {"catalog-unavailable"},
    READ_ONLY: {"read-only-storage", "catalog-unavailable"},
}
"""What a rewrite fails with that the catalog's disk does not let begin."""
NOT_COMMITTED = {"commit-failed", "partly-failed"}
"""The same of one whose commits it does not take, none or not all: why is in Spark's log alone."""
OPERATIONS: dict[str, dict[str, Any]] = {
    "add-column": {"path": "note", "type": "string"},
    "expire": {"older_than": "2100-01-01T00:00:00Z", "retain_last": 1},
    "set-properties": {"properties": {"stamp": "1"}},
}


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Give a running server."""
    with served(tmp_path_factory.mktemp("others")) as running:
        yield running


def drop(home: Home, table: str) -> None:
    """Drop a table as another engine would."""
    catalog.open(home.lake).drop_table(tuple(table.split(".")))


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_table_that_was_dropped_after_the_plan_is_not_found(rig: Rig, operation: str) -> None:
    table = f"gone.{operation.replace('-', '_')}"
    make(rig.home.lake, table, SMALL)
    plan = rig.api.plan(operation, table, **OPERATIONS[operation])
    drop(rig.home, table)
    body = {"table": table, "plan": plan["id"]}
    rig.api.post(f"/api/operations/{operation}", body).problem(404, "table-not-found")
    rig.api.table(table, "health").problem(404, "table-not-found")
    assert table not in {one["name"] for one in rig.api.all("/api/tables", namespace="gone")}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_plan_does_not_hold_for_another_table_of_the_same_name(rig: Rig, operation: str) -> None:
    table = f"anew.{operation.replace('-', '_')}"
    make(rig.home.lake, table, SMALL)
    plan = rig.api.plan(operation, table, **OPERATIONS[operation])
    make(rig.home.lake, table, SMALL)
    was = rig.home.table(table).metadata_location
    body = {"table": table, "plan": plan["id"]}
    rig.api.post(f"/api/operations/{operation}", body).problem(409, "plan-stale")
    assert rig.home.table(table).metadata_location == was


@pytest.mark.parametrize("operation", OPERATIONS)
def test_jobs_whose_table_is_dropped_while_they_wait_find_none(rig: Rig, operation: str) -> None:
    table = f"waits.{operation.replace('-', '_')}"
    make(rig.home.lake, table, SMALL)
    plan = rig.api.plan(operation, table, **OPERATIONS[operation])
    with commits_wait(rig.home) as execute:
        first, second = two_jobs(rig, table, operation, plan)
        execute("DELETE FROM iceberg_tables WHERE table_namespace = ? AND table_name = ?", tuple(table.split(".")))
    for job in (first, second):
        ended = rig.api.ended(job)
        assert (ended["state"], ended["error"]["code"]) == ("failed", "table-not-found")
    rig.api.table(table, "schema").problem(404, "table-not-found")
    rig.every_job_has_ended()


@pytest.mark.parametrize("operation", OPERATIONS)
def test_jobs_whose_table_is_another_one_after_they_waited_leave_it_alone(rig: Rig, operation: str) -> None:
    table, other = f"swaps.{operation.replace('-', '_')}", f"swaps.other_{operation.replace('-', '_')}"
    make(rig.home.lake, table, SMALL)
    make(rig.home.lake, other, SMALL)
    location = rig.home.table(other).metadata_location
    plan = rig.api.plan(operation, table, **OPERATIONS[operation])
    with commits_wait(rig.home) as execute:
        first, second = two_jobs(rig, table, operation, plan)
        execute("DELETE FROM iceberg_tables WHERE table_namespace = ? AND table_name = ?", tuple(table.split(".")))
        execute(
            "UPDATE iceberg_tables SET table_name = ? WHERE table_namespace = ? AND table_name = ?",
            (table.split(".")[1], *other.split(".")),
        )
    ended = [rig.api.ended(job) for job in (first, second)]
    assert [one["state"] for one in ended] == ["failed", "failed"]
    assert {one["error"]["code"] for one in ended} <= {"commit-conflict", "plan-stale"}, [one["error"] for one in ended]
    assert rig.home.table(table).metadata_location == location
    rig.api.run("set-properties", table, properties={"next": "works"})
    rig.every_job_has_ended()


def two_jobs(rig: Rig, table: str, operation: str, plan: Any) -> tuple[Any, Any]:
    """Begin a job that waits for the catalog and one that waits for the first."""
    first = rig.api.begin("add-column", table, path="first", type="int")
    until("the first job runs", lambda: rig.api.job(first)["state"] == "running")
    second = rig.api.begin(operation, table, plan["id"], **OPERATIONS[operation])
    assert rig.api.job(second)["state"] == "queued"
    folder = rig.home.table(table).location().removeprefix("file://")
    was = rig.home.table(table).metadata_location.rsplit("/", 1)[1]
    newest = f"{int(was.split('-')[0]) + 1:05}-*.metadata.json"
    until("the first job is at its commit", lambda: list(Path(folder, "metadata").glob(newest)))
    return first, second


Row = dict[str, Any]


def by_id(home: Home, table: str) -> dict[int, Row]:
    """Every row by its id, which none shares with another."""
    rows = home.rows(table).to_pylist()
    found = {row["id"]: row for row in rows}
    assert len(found) == len(rows), "a row is doubled"
    return found


class Writer:
    """Appends and deletes rows of a table in a loop, and keeps the rows that should be there, by id."""

    def __init__(self, home: Home, table: str, drawn: Random) -> None:
        """Start."""
        self.home, self.name, self.drawn = home, table, drawn
        self.rows: dict[int, Row] = by_id(home, table)
        self.appends = self.deletes = self.conflicts = 0
        self.failure: str | None = None
        self._next = 1_000_000
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        """End after the commit under way."""
        self._stop.set()
        self._thread.join(120)
        assert self.failure is None, self.failure

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                with contextlib.suppress(CommitFailedException, ValidationException):
                    self.conflicts += 1
                    self._append() if self.drawn.random() < 0.7 else self._delete()
                    self.conflicts -= 1
                time.sleep(0.1)
        except Exception as error:  # noqa: BLE001 (the test tells it)
            self.failure = repr(error)

    def _append(self) -> None:
        now = self.home.table(self.name)
        region = f"r{self.drawn.randrange(3)}"
        rows = rows_of(self._next, 20, region, now.schema())
        now.append(rows)
        self.rows |= {row["id"]: row for row in rows.to_pylist()}
        self._next += 20
        self.appends += 1

    def _delete(self) -> None:
        if self._next == 1_000_000:
            return
        gone = self.drawn.randrange(1_000_000, self._next)
        self.home.table(self.name).delete(f"id = {gone}")
        self.rows.pop(gone, None)
        self.deletes += 1


@pytest.mark.parametrize("strategy", ["binpack", "sort"])
def test_no_row_is_lost_or_doubled_when_others_write_while_a_table_is_compacted(rig: Rig, strategy: str) -> None:
    table = f"busy.{strategy}"
    make(rig.home.lake, table, Sick(files=60, rows=400, partitions=3, snapshots=3))
    arguments = {"strategy": strategy} | ({"order": "value, id"} if strategy == "sort" else {})
    writer = Writer(rig.home, table, choice())
    try:
        until("it wrote", lambda: writer.appends or writer.failure)
        jobs = [rig.api.ended(rig.api.begin("compact", table, **arguments)) for _ in range(3)]
    finally:
        writer.stop()
    assert writer.appends > 3
    for job in jobs:
        assert job["state"] == "succeeded" or job["error"]["code"] in {"commit-conflict", *NOT_COMMITTED}, job["error"]
    assert by_id(rig.home, table) == writer.rows, "a row is lost, came back or is another"
    last = rig.api.run("compact", table)
    assert last["result"]["files_after"] == last["plan"]["effect"]["files_after"]
    assert by_id(rig.home, table) == writer.rows
    rig.home.audit_holds()


def spark_of(rig: Rig) -> int:
    """Give the process of the server's Spark, which runs from now on."""
    if not rig.home.java():
        make(rig.home.lake, "busy.first", MANY)
        rig.api.run("compact", "busy.first")
    return int(until("Spark runs", lambda: [pid for pid in rig.home.java() if maps_the_library(pid)])[0])


def at_its_commit(rig: Rig, table: str) -> Any:
    """Begin a rewrite on Spark; give the job once it has written all and is about to commit."""
    folder = folder_of(rig.home, table)
    there = set(folder.glob("metadata/*.metadata.json"))
    job = rig.api.begin("compact", table)

    def is_there() -> bool:
        assert rig.api.job(job)["state"] in ("queued", "running"), rig.api.job(job)["error"]
        return set(folder.glob("metadata/*.metadata.json")) != there

    until("Spark is at its commit", is_there)
    return job


def folder_of(home: Home, table: str) -> Path:
    """Give the folder that a table lies in."""
    return Path(home.table(table).location().removeprefix("file://"))


def files_in(folder: Path) -> dict[Path, bytes]:
    """Give every file in a folder with what is in it."""
    return {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_a_rewrite_whose_table_is_dropped_under_it_finds_none(rig: Rig) -> None:
    spark_of(rig)
    table = "cut.gone"
    make(rig.home.lake, table, MANY)
    with commits_wait(rig.home) as execute:
        job = at_its_commit(rig, table)
        execute("DELETE FROM iceberg_tables WHERE table_namespace = ? AND table_name = ?", tuple(table.split(".")))
    failed_in_words(rig, job)
    rig.api.table(table, "health").problem(404, "table-not-found")
    make(rig.home.lake, table, MANY)
    done = rig.api.run("compact", table)
    assert done["result"]["files_after"] == done["plan"]["effect"]["files_after"], "the next job works"


def test_a_rewrite_whose_table_is_another_one_at_its_commit_touches_nothing_of_it(rig: Rig) -> None:
    spark_of(rig)
    table, other = "cut.anew", "cut.other"
    # Both lie in one folder, as where a table is dropped and made again under its name.
    make(rig.home.lake, table, MANY)
    catalog.open(rig.home.lake).rename_table(tuple(table.split(".")), tuple(other.split(".")))
    make(rig.home.lake, table, MANY)
    assert folder_of(rig.home, table) == folder_of(rig.home, other)
    rows, location = rig.home.rows(other), rig.home.table(other).metadata_location
    before = files_in(folder_of(rig.home, table))
    with commits_wait(rig.home) as execute:
        job = at_its_commit(rig, table)
        execute("DELETE FROM iceberg_tables WHERE table_namespace = ? AND table_name = ?", tuple(table.split(".")))
        execute(
            "UPDATE iceberg_tables SET table_name = ? WHERE table_namespace = ? AND table_name = ?",
            (table.split(".")[1], *other.split(".")),
        )
    failed_in_words(rig, job)
    assert rig.home.table(table).metadata_location == location
    assert before.items() <= files_in(folder_of(rig.home, table)).items(), "a file of the new table is gone"
    rig.reads(table, rows)
    done = rig.api.run("compact", table)
    assert done["result"]["files_after"] == done["plan"]["effect"]["files_after"], "the next job works"
    rig.reads(table, rows)


def failed_in_words(rig: Rig, job: Any) -> None:
    """See that a job tells that its table was not there any more, or was another one."""
    told = rig.api.ended(job)
    assert told["state"] == "failed", told
    assert told["error"]["code"] in ("table-not-found", "commit-conflict"), told["error"]
    assert told["error"]["detail"]
    told_nothing_inside(told["error"]["detail"])
    rig.every_job_has_ended()
    rig.home.audit_holds()


def on_the_catalog(rig: Rig, fault: Fault) -> tuple[Any, int]:
    """Rewrite a table by Spark while its writes to the catalog meet a fault; give the job and the calls counted."""
    table = "busy.catalog"
    make(rig.home.lake, table, MANY)
    rows, was = rig.home.rows(table), rig.home.table(table).metadata_location
    with rig.disk.fails(spark_of(rig), fault):
        job = rig.api.ended(rig.api.begin("compact", table))
        seen, what = rig.disk.seen, f"{fault}, which met {rig.disk.met}"
    moved = rig.home.table(table).metadata_location != was
    code = job["error"]["code"] if job["error"] else ""
    assert moved == (job["state"] == "succeeded" or code == "partly-failed"), f"{what}: {job['state']}, {job['error']}"
    if job["error"]:
        assert code in COMMIT_CODES[fault.error] | NOT_COMMITTED, f"{what}: {job['error']}"
        told_nothing_inside(job["error"]["detail"])
    rig.reads(table, rows)
    return job, seen


def test_a_catalog_whose_nth_write_fails_while_spark_commits_is_told_and_the_next_rewrite_works(rig: Rig) -> None:
    spark_of(rig)
    job, calls = on_the_catalog(rig, Fault(rig.part("catalog.db"), nth=0))
    assert job["state"] == "succeeded", job["error"]
    assert 0 < calls < 100
    faults = [
        Fault(rig.part("catalog.db"), error, nth, lasting)
        for error in ERRORS
        for nth in range(1, calls + 1)
        for lasting in (False, True)
    ]
    drawn = [Fault(rig.part("catalog.db"), FULL, lasting=True), *sample(choice(), faults, 3)]
    failures = 0
    for fault in drawn:
        job, _ = on_the_catalog(rig, fault)
        failures += job["state"] == "failed"
        if job["state"] == "failed":
            rig.api.run("compact", "busy.catalog")
    assert failures
    rig.every_job_has_ended()
    rig.home.audit_holds()


def test_a_disk_that_is_full_while_spark_rewrites_fails_the_job_and_no_row_is_lost(rig: Rig) -> None:
    table = "busy.full"
    make(rig.home.lake, table, Sick(files=60, rows=400, partitions=3, snapshots=3))
    rows, was = rig.home.rows(table), rig.home.table(table).metadata_location
    java = spark_of(rig)
    seen = 0
    for nth in (1, 3):
        with rig.disk.fails(java, Fault(rig.part("warehouse/busy/full"), FULL, nth, lasting=True)):
            job = rig.outcome(rig.ask("compact", table), {"disk-full", "spark-failed", "partly-failed"})
            seen += rig.disk.failed
        assert job["state"] == "failed"
        assert rig.disk.failed, "the disk was full"
        assert rig.home.table(table).metadata_location == was
        rig.reads(table, rows)
    assert seen
    job = rig.api.run("compact", table)
    assert job["result"]["files_after"] == job["plan"]["effect"]["files_after"]
    rig.reads(table, rows)
    rig.every_job_has_ended()


def maps_the_library(pid: int) -> bool:
    """Whether a process can be made to meet a fault."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/maps") as maps:  # noqa: PTH123
        return any("failing.so" in line for line in maps) and os.getpid() != pid
    return False
