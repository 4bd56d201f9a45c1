"""The server is killed as a power cut would do it: after the next start all is told, and nothing is left over."""

from __future__ import annotations

import contextlib
import functools
import http.client
import os
import random
import shutil
import sqlite3
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from harness import Home, Server, until
from sick_tables import Sick, make

from drls import catalog, storage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import pyarrow as pa
    from harness import Api
    from pyiceberg.table import Table

KILLS = 20 if os.environ.get("DRLS_LONG") else 3
SMALL = [f"kill.small{number}" for number in range(3)]
BIG = "kill.big"


@pytest.fixture(scope="module")
def lake(home: Home) -> dict[str, pa.Table]:
    """Make the tables; give the rows of each."""
    for name in SMALL:
        make(home.lake, name, Sick(files=4, snapshots=8))
    make(home.lake, BIG, Sick(files=120, rows=200, partitions=12, snapshots=4))
    return {name: home.rows(name, ("id", "region")) for name in (*SMALL, BIG)}


class Work:
    """Operations in a loop on each table, until the server is gone."""

    def __init__(self, api: Api, home: Home) -> None:
        self.api = api
        self.home = home
        self.begun: list[str] = []
        self.asked = 0
        self.orphans: dict[str, Path] = {}
        """A file that a job has to remove, by the job's id."""
        self.failures: list[str] = []
        loops = [*(functools.partial(self._evolve, name) for name in SMALL), self._rewrite]
        self.threads = [threading.Thread(target=self._until_it_is_gone, args=(loop,)) for loop in loops]
        for thread in self.threads:
            thread.start()

    def is_under_way(self) -> bool:
        """Tell whether each table had its first job, so that a slow start can't make a kill one of an idle server."""
        return len(self.begun) > 3 or bool(self.failures)

    def _until_it_is_gone(self, loop: Callable[[], None]) -> None:
        try:
            while True:
                loop()
        except (OSError, http.client.HTTPException):
            return  # in the middle of an answer or before
        except Exception as error:  # noqa: BLE001 (the test tells it)
            self.failures.append(repr(error))

    def _run(self, operation: str, table: str, orphan: Path | None = None, **arguments: Any) -> None:
        self.asked += 1
        job = self.api.begin(operation, table, **arguments)
        self.begun.append(job["id"])
        if orphan:
            self.orphans[job["id"]] = orphan
        self.api.ended(job)

    def _evolve(self, table: str) -> None:
        column = f"c{time.monotonic_ns()}"
        self._run("add-column", table, path=column, type="string")
        self._run("rename-column", table, path=column, name=f"{column}_renamed")
        for _ in range(2):
            now = self.home.table(table)
            now.append(now.schema().as_arrow().empty_table())
        self._run("expire", table, older_than="2100-01-01T00:00:00Z", retain_last=5)
        self._run("drop-column", table, path=f"{column}_renamed")
        self._run("remove-orphans", table, orphan_of(self.home, table, column))

    def _rewrite(self) -> None:
        self._run("compact", BIG, strategy="sort", order="value, id")


def orphan_of(home: Home, table: str, name: str) -> Path:
    """Lay a file that is four days old and belongs to nothing beside a table's data."""
    file = Path(storage.local_path(home.table(table).location()) or "") / "data" / f"{name}.parquet"
    file.write_bytes(b"left")
    then = time.time() - 4 * 86400
    os.utime(file, (then, then))
    return file


def every_job(api: Api, ids: Iterable[str]) -> list[Any]:
    """Give each of these jobs, which all are known, in the order in which they were begun."""
    return [api.get(f"/api/jobs/{one}").ok() for one in sorted(ids)]


def only_in_the_log(home: Home, ids: list[str]) -> list[str]:
    """Give the jobs that the state database has in its write-ahead log alone, which a start has to recover."""
    held = (home.folder / "drls.db").read_bytes()
    assert (home.folder / "drls.db-wal").stat().st_size or all(one.encode() in held for one in ids)
    return [one for one in ids if one.encode() not in held]


def said_undone(job: Any) -> bool:
    """Whether a job that failed says that its table is as it was; it says so or the contrary, or that it can't know."""
    code, detail = job["error"]["code"], job["error"]["detail"]
    if code == "server-stopped":
        assert "nothing was changed" in detail
        return True
    assert code == "server-killed", job["error"]
    sure = [": not committed" in detail, ": committed" in detail, "may have" in detail]
    assert sum(sure) == 1, detail
    return sure[0]


def evolution_is_so(jobs: list[Any], before: Table, now: Table) -> None:
    """See that a table has the columns and snapshots that its jobs, told after a kill, leave of those before it."""
    names = set(before.schema().column_names)
    left = {str(one.snapshot_id) for one in now.metadata.snapshots}
    for job in jobs:
        happened = job["state"] == "succeeded" or (job["operation"] != "remove-orphans" and not said_undone(job))
        steps = job["plan"]["steps"] if happened else []
        for step in steps:
            if step["kind"] == "add-column":
                names.add(step["path"])
            elif step["kind"] == "rename-column":
                names.symmetric_difference_update((step["path"], step["name"]))
            elif step["kind"] == "drop-column":
                names.remove(step["path"])
        for step in job["plan"]["steps"]:
            if step["kind"] == "expire-snapshots":
                expected = set() if happened else set(step["snapshot_ids"])
                assert set(step["snapshot_ids"]) & left == expected, job
    assert set(now.schema().column_names) == names, [(job["operation"], job["state"], job["error"]) for job in jobs]


def orphans_are_so(jobs: list[Any], orphans: dict[str, Path]) -> None:
    """See that what a removal was to remove is gone, or that it says that it can't know."""
    for job in jobs:
        if job["state"] == "succeeded":
            assert job["id"] not in orphans or not orphans[job["id"]].exists(), job
        elif job["error"]["code"] == "server-killed":
            assert "may have deleted" in job["error"]["detail"], job["error"]
        else:
            assert job["id"] not in orphans or orphans[job["id"]].exists(), job


def rewrites_are_so(jobs: list[Any], before: Table, now: Table) -> None:
    """See that the newest snapshot is that of the last rewrite which is told to have committed, or the old one."""
    head = before.metadata.current_snapshot_id
    known = {one.snapshot_id for one in before.metadata.snapshots}
    written = {one.snapshot_id for one in now.metadata.snapshots} - known
    for job in jobs:
        if job["state"] == "succeeded":
            head = int(job["result"]["snapshot_id"])
            assert head in written, job
        elif not said_undone(job):
            assert now.metadata.current_snapshot_id != head, job["error"]
            head = now.metadata.current_snapshot_id
    assert now.metadata.current_snapshot_id == head, [(job["state"], job["error"]) for job in jobs]


def databases_are_whole(home: Home) -> None:
    """See that both databases are as SQLite wants them, with what their write-ahead logs hold."""
    for name in ("drls.db", "catalog.db"):
        with contextlib.closing(sqlite3.connect(home.folder / name)) as db:
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)], name


def test_after_a_kill_at_any_moment_every_job_is_told_and_nothing_is_left_over(
    api: Api, home: Home, server: Server, lake: dict[str, pa.Table]
) -> None:
    seed = int(os.environ.get("DRLS_TEST_SEED", time.time_ns() % 1_000_000))
    print(f"DRLS_TEST_SEED={seed}")  # noqa: T201 (pytest shows it where the test fails)
    moments = random.Random(seed)  # noqa: S311
    known = {job["id"] for job in api.all("/api/jobs")}
    recovered: list[str] = []
    for number in range(KILLS):
        before = {name: home.table(name) for name in lake}
        work = Work(server.api(api.token), home)
        until("jobs are begun", work.is_under_way)
        if number:
            until("Spark starts", home.java)
        time.sleep(moments.uniform(0.5, 10))
        server.kill()
        for thread in work.threads:
            thread.join(30)
        until("no process of the home is left", lambda: not home.processes(), 30)
        recovered += only_in_the_log(home, work.begun)
        server.start()
        again = server.api(api.token)
        # What was asked for in the last moment may have begun, with the answer lost; nothing else may.
        news = {job["id"] for job in again.all("/api/jobs")} - known

        def told(again: Api = again, ids: set[str] = news) -> list[Any]:
            jobs = every_job(again, ids)
            return jobs if all(one["state"] not in ("queued", "running") for one in jobs) else []

        assert work.failures == []
        jobs = until("every job is told", told)
        assert set(work.begun) <= news
        assert len(news) <= work.asked, "a job that nobody asked for"
        known |= news
        for job in jobs:
            if job["state"] == "failed":
                assert job["error"]["code"] in ("server-killed", "server-stopped"), job["error"]
                assert job["error"]["detail"]
        for name, rows in lake.items():
            of_table = [job for job in jobs if job["table"] == name]
            if name == BIG:
                rewrites_are_so(of_table, before[name], home.table(name))
            else:
                evolution_is_so(of_table, before[name], home.table(name))
                orphans_are_so([job for job in of_table if job["operation"] == "remove-orphans"], work.orphans)
            assert home.rows(name, ("id", "region")).equals(rows), name
            again.table(name, "health").ok()
        assert {name for _, name in catalog.open(home.lake).list_tables("kill")} == {
            name.split(".")[1] for name in lake
        }
        home.audit_holds()
        databases_are_whole(home)
    assert recovered, "no kill left anything in the write-ahead log of the state database"


def test_jobs_go_on_after_the_kills_and_the_last_one_that_failed_says_how_to_go_on(
    api: Api, home: Home, server: Server, lake: dict[str, pa.Table]
) -> None:
    again = server.api(api.token)
    for name in SMALL:
        again.run("add-column", name, path="after_the_kills", type="int")
    job = again.run("compact", BIG)
    assert job["result"]["files_after"] == job["plan"]["effect"]["files_after"]
    assert home.rows(BIG, ("id", "region")).equals(lake[BIG])


def test_two_servers_on_one_home_are_refused(home: Home, server: Server) -> None:
    assert server.process is not None
    second = home.drls("serve", "--bind", "127.0.0.1:0")
    assert second.returncode == 1
    assert "another `drls serve` runs" in second.stderr


def test_a_row_of_the_audit_that_was_changed_past_the_server_is_found(
    home: Home, server: Server, tmp_path: Path
) -> None:
    server.stop()
    copy = Home(tmp_path)
    shutil.copy(home.folder / "drls.db", tmp_path / "drls.db")
    copy.audit_holds()
    with contextlib.closing(sqlite3.connect(tmp_path / "drls.db")) as db, db:
        db.execute("DROP TRIGGER audit_refuse_update")
        changed = db.execute("UPDATE audit SET action = 'table.add-colunm' WHERE action = 'table.add-column'")
        assert changed.rowcount
    done = copy.drls("doctor", "--audit")
    assert done.returncode == 1
    assert "the chain breaks at row" in done.stdout
