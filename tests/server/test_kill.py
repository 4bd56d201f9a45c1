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
from typing import TYPE_CHECKING, Any

import pytest
from harness import Home, Server, until
from sick_tables import Sick, make

from drls import catalog

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pyarrow as pa
    from harness import Api

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

    def __init__(self, api: Api) -> None:
        self.api = api
        self.begun: list[str] = []
        self.asked = 0
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

    def _run(self, operation: str, table: str, **arguments: Any) -> None:
        self.asked += 1
        job = self.api.begin(operation, table, **arguments)
        self.begun.append(job["id"])
        self.api.ended(job)

    def _evolve(self, table: str) -> None:
        column = f"c{time.monotonic_ns()}"
        self._run("add-column", table, path=column, type="string")
        self._run("rename-column", table, path=column, name=f"{column}_renamed")
        self._run("expire", table, older_than="2100-01-01T00:00:00Z", retain_last=5)
        self._run("drop-column", table, path=f"{column}_renamed")

    def _rewrite(self) -> None:
        self._run("compact", BIG, strategy="sort", order="value, id")


def every_job(api: Api, begun: list[str]) -> list[Any]:
    """Give each job that was begun, which all are known."""
    return [api.get(f"/api/jobs/{one}").ok() for one in begun]


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
    for number in range(KILLS):
        work = Work(server.api(api.token))
        until("jobs are begun", work.is_under_way)
        if number:
            until("Spark starts", home.java)
        time.sleep(moments.uniform(0.5, 10))
        server.kill()
        for thread in work.threads:
            thread.join(30)
        until("no process of the home is left", lambda: not home.processes(), 30)
        server.start()
        again = server.api(api.token)

        def told(again: Api = again, begun: list[str] = work.begun) -> list[Any]:
            jobs = every_job(again, begun)
            return jobs if all(one["state"] not in ("queued", "running") for one in jobs) else []

        assert work.failures == []
        jobs = until("every job is told", told)
        # What was asked for in the last moment may have begun, with the answer lost; nothing else may.
        news = {job["id"] for job in again.all("/api/jobs")} - known
        assert set(work.begun) <= news
        assert len(news) <= work.asked, "a job that nobody asked for"
        known |= news
        for job in jobs:
            if job["state"] == "failed":
                assert job["error"]["code"] in ("server-killed", "server-stopped"), job["error"]
                assert job["error"]["detail"]
        for name, rows in lake.items():
            assert home.rows(name, ("id", "region")).equals(rows), name
            again.table(name, "health").ok()
        assert {name for _, name in catalog.open(home.lake).list_tables("kill")} == {
            name.split(".")[1] for name in lake
        }
        home.audit_holds()
        databases_are_whole(home)


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
