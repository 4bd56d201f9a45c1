"""Another process holds the catalog's file: what needs it says so after a while, and it works again once it is free."""

from __future__ import annotations

import contextlib
import functools
import sqlite3
import threading
import time
from typing import TYPE_CHECKING

import pytest
from disk import FULL, READ_ONLY, Fault
from harness import told_nothing_inside, until
from rig import Rig, served
from sick_tables import Sick, make

from drls import catalog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness import Answer

TABLE = "locked.t"
BUSY = 10
"""Seconds that a commit waits for another process's (`drls.catalog.BUSY_TIMEOUT_MS`)."""


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Give a running server that has not opened the catalog yet."""
    with served(tmp_path_factory.mktemp("locked")) as running:
        make(running.home.lake, TABLE, Sick(files=2))
        yield running


@contextlib.contextmanager
def held(rig: Rig, *, readers_too: bool) -> Iterator[None]:
    """Hold the catalog as another process would; for readers that needs a file that nobody else has open."""
    connection = sqlite3.connect(rig.home.folder / "catalog.db", isolation_level=None)
    with contextlib.closing(connection):
        if readers_too:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
        yield


def side_by_side(*asks: Callable[[], Answer]) -> list[Answer]:
    """Send requests at the same time; give their answers in order."""
    answers: dict[int, Answer] = {}

    def send(at: int, ask: Callable[[], Answer]) -> None:
        answers[at] = ask()

    threads = [threading.Thread(target=send, args=one) for one in enumerate(asks)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [answers[at] for at in range(len(asks))]


def close_ours(rig: Rig) -> None:
    """Close the connections of the tests themselves."""
    catalog.open(rig.home.lake).engine.dispose()  # type: ignore[attr-defined]


def test_reads_and_plans_of_a_catalog_that_is_held_whole_say_so_and_work_once_it_is_free(rig: Rig) -> None:
    body = {"table": TABLE, "arguments": {"path": "x", "type": "int"}, "dry_run": True}
    close_ours(rig)
    with held(rig, readers_too=True):
        answers = side_by_side(
            lambda: rig.api.table(TABLE, "health"),
            lambda: rig.api.get("/api/tables"),
            lambda: rig.api.post("/api/operations/add-column", body),
            *(functools.partial(rig.api.get, f"/api/{path}") for path in ("jobs", "plugins", "operations", "config")),
        )
    for answer in answers[:3]:
        # Whoever waits behind another one's wait may be told that it took too long.
        expected = (503, "catalog-locked") if answer.status == 503 else (504, "timed-out")
        answer.problem(*expected)
    for answer in answers[3:]:
        answer.ok()
    rig.api.table(TABLE, "health").ok()
    rig.api.get("/api/tables").ok()
    rig.api.post("/api/operations/add-column", body).ok()


def test_a_commit_that_waits_too_long_for_the_catalog_fails_and_the_next_one_works(rig: Rig) -> None:
    rows = rig.home.rows(TABLE)
    rig.api.plan("add-column", TABLE, path="late", type="int")
    began = time.monotonic()
    with held(rig, readers_too=False):
        job = rig.api.begin("add-column", TABLE, path="late", type="int")
        until("it waits for the catalog", lambda: rig.api.job(job)["state"] == "running")
        rig.reads(TABLE, rows)
        rig.api.plan("rename-column", TABLE, path="value", name="amount")
        ended = rig.api.ended(job)
    assert (ended["state"], ended["error"]["code"]) == ("failed", "catalog-locked")
    told_nothing_inside(ended["error"]["detail"])
    assert time.monotonic() - began < 2 * BUSY
    assert "late" not in rig.home.table(TABLE).schema().column_names
    rig.api.run("add-column", TABLE, path="late", type="int")
    rig.reads(TABLE, rows)
    rig.home.audit_holds()


@pytest.mark.parametrize("error", [READ_ONLY, FULL], ids=["read-only", "full"])
def test_a_catalog_that_was_opened_while_its_disk_could_not_be_written_is_written_later(rig: Rig, error: int) -> None:
    rig.start_again()
    with rig.meets(Fault(rig.part("catalog.db"), error, lasting=True)):
        for answer in side_by_side(*[functools.partial(rig.api.table, TABLE, "health")] * 8):
            answer.ok()
        rig.api.get("/api/tables").ok()
        told = {"read-only-storage", "disk-full"} if error == FULL else {"read-only-storage"}
        job = rig.outcome(rig.ask("add-column", TABLE, path=f"then{error}", type="int"), told)
        assert job["state"] == "failed"
        assert rig.disk.failed
    assert f"then{error}" not in rig.home.table(TABLE).schema().column_names

    # The first commit afterwards may meet a connection that can only read, and has it closed.
    def written() -> bool:
        job = rig.outcome(rig.ask("set-properties", TABLE, properties={"now": "yes"}), {"read-only-storage"})
        return bool(job["state"] == "succeeded")

    assert written() or written()
