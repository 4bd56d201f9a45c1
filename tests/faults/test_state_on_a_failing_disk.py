"""The n-th write to the state database fails: reads go on, requests are refused in words, and every job ends."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from changes import CHANGES
from disk import BROKEN, FULL, READ_ONLY, Fault
from harness import until
from rig import ERRORS, WAIT, Rig, choice, commits_wait, sample, served
from sick_tables import Sick, make

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pyarrow as pa
    from changes import Shows
    from harness import Answer

TABLE = "state.t"
A_TABLE = 20
"""Faults after which it is made anew: a commit writes every schema that it had."""
STATE = "drls.db"
# What SQLite calls a failure follows from the call that met it too: a flush that fails is a broken disk.
CODES = {
    FULL: {"disk-full", "storage-failed"},
    BROKEN: {"storage-failed", "read-only-storage"},
    READ_ONLY: {"storage-failed", "read-only-storage"},
}
LASTING = ERRORS
OPERATIONS = ("add-column", "expire", "undo")


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Give a running server."""
    with served(tmp_path_factory.mktemp("state")) as running:
        yield running


def made(rig: Rig) -> None:
    """Make the table, in the place of what was there."""
    make(rig.home.lake, TABLE, Sick(files=3, snapshots=3))


@pytest.fixture(scope="module")
def rows(rig: Rig) -> pa.Table:
    """Make the table; give its rows."""
    made(rig)
    rig.ask("set-properties", TABLE, properties={"ready": "yes"}).ok()
    return rig.home.rows(TABLE)


def prepared(rig: Rig, operation: str) -> tuple[Callable[[], Answer], Shows]:
    """Make the table ready; give what asks for an operation and waits for its end, and what shows that it happened."""
    if operation == "undo":
        arguments, shows = CHANGES["add-column"](rig.home, TABLE)
        job = rig.api.succeeded(rig.ask("add-column", TABLE, **arguments).ok()["job"])
        return lambda: rig.api.post(f"/api/jobs/{job['id']}/undo", headers=WAIT), lambda now: not shows(now)
    arguments, shows = CHANGES[operation](rig.home, TABLE)
    return lambda: rig.ask(operation, TABLE, **arguments), shows


def calls(rig: Rig, operation: str) -> int:
    """Count the writes that an operation makes from the request to the end of its job, what it keeps included."""
    send, _ = prepared(rig, operation)
    with rig.meets(Fault(rig.part(STATE), nth=0)):
        rig.api.succeeded(send().ok()["job"])
        return rig.disk.seen


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_state_whose_nth_write_fails_refuses_or_tells_the_truth_and_the_next_job_works(
    rig: Rig, rows: pa.Table, operation: str
) -> None:
    faults = [Fault(rig.part(STATE), error, nth) for nth in range(1, calls(rig, operation) + 1) for error in ERRORS]
    drawn = sample(choice(), faults, 10)
    met = refused = 0
    for number, fault in enumerate(drawn, 1):
        if number % A_TABLE == 0:
            made(rig)
        send, shows = prepared(rig, operation)
        known = {one["id"] for one in rig.api.all("/api/jobs")}
        with rig.meets(fault):
            job = rig.outcome(send(), CODES[fault.error])
        what = f"{operation}: {fault}, which met {rig.disk.met}"
        met += rig.disk.failed > 0
        refused += job is None
        rig.every_job_has_ended()
        begun = [one for one in rig.api.all("/api/jobs") if one["id"] not in known]
        # A request that was refused may have left nothing behind, not even a job that did its work unseen.
        assert [one["id"] for one in begun] == ([job["id"]] if job else []), what
        assert shows(rig.home.table(TABLE)) == bool(job and job["state"] == "succeeded"), what
        rig.reads(TABLE, rows)
        if job:  # what was refused can be asked for again
            send, shows = prepared(rig, operation)
        rig.api.succeeded(send().ok()["job"])
        assert shows(rig.home.table(TABLE)), f"after {what}"
    assert met > len(drawn) // 2
    assert refused
    rig.home.audit_holds()


def cancelled(rig: Rig, fault: Fault) -> tuple[Answer, Any, str]:
    """Cancel a job that waits for another while the disk fails; give the answer, the job that ended and its column."""
    with commits_wait(rig.home):
        first, column = (CHANGES["add-column"](rig.home, TABLE)[0] for _ in range(2))
        runs = rig.api.begin("add-column", TABLE, **first)
        until("the first job runs", lambda: rig.api.job(runs)["state"] == "running")
        waits = rig.api.begin("add-column", TABLE, **column)
        with rig.meets(fault):
            answer = rig.api.post(f"/api/jobs/{waits['id']}/cancel", headers=WAIT)
        if answer.status in (200, 202):
            rig.api.ended(waits)
    rig.api.succeeded(runs)
    return answer, rig.api.ended(waits), str(column["path"])


def test_a_cancel_whose_nth_write_fails_is_refused_and_nothing_happens_or_it_holds(rig: Rig, rows: pa.Table) -> None:
    answer, _, _ = cancelled(rig, Fault(rig.part(STATE), nth=0))
    answer.ok()
    faults = [Fault(rig.part(STATE), error, nth) for nth in range(1, rig.disk.seen + 1) for error in ERRORS]
    # The first call from then on: it can't but be refused.
    drawn = [Fault(rig.part(STATE), FULL, lasting=True), *sample(choice(), faults, 6)]
    met = refused = 0
    for fault in drawn:
        answer, job, column = cancelled(rig, fault)
        what = f"{fault}, which met {rig.disk.met}"
        met += rig.disk.failed > 0
        if answer.status not in (200, 202):
            refused += 1
            assert answer.body["code"] in CODES[fault.error], answer.text
            answer.problem(503, answer.body["code"])
        expected = "succeeded" if answer.status not in (200, 202) else "cancelled"
        assert job["state"] == expected, f"{what}: {job['state']}, {job['error']}"
        assert (column in rig.home.table(TABLE).schema().column_names) == (expected == "succeeded"), what
        history = rig.api.all(f"/api/table/{TABLE}/history")
        actions = [one["action"] for one in history if one["detail"].get("job") == job["id"]]
        asked = ["job.cancel"] if expected == "cancelled" else []
        assert actions == [f"job.{expected}", *asked, "table.add-column"], what
        rig.every_job_has_ended()
    assert met > len(drawn) // 2
    assert refused
    rig.reads(TABLE, rows)
    rig.home.audit_holds()


@pytest.mark.parametrize("error", LASTING)
def test_what_is_read_needs_no_state_that_can_be_written(rig: Rig, rows: pa.Table, error: int) -> None:
    name = f"state.read{error}"
    with rig.meets(Fault(rig.part(STATE), error, lasting=True)):
        # One of which nothing is kept yet: what is read of it can't be kept either.
        make(rig.home.lake, name, Sick(files=3, snapshots=2))
        rig.reads(name, rig.home.rows(name))
        rig.reads(TABLE, rows)
        for path in ("/api/tables", "/api/jobs", "/api/plugins", "/api/operations", "/api/health"):
            rig.api.get(path).ok()
        answer = rig.api.post("/api/operations/add-column", {"table": name, "arguments": {"path": "x", "type": "int"}})
        assert answer.body["code"] in CODES[error], answer.text
        answer.problem(503, answer.body["code"])
        assert rig.disk.failed
    rig.api.run("add-column", name, path="x", type="int")
    rig.reads(name, rig.home.rows(name))


@pytest.mark.parametrize("error", LASTING)
def test_a_job_whose_end_can_t_be_written_ends_once_it_can(rig: Rig, rows: pa.Table, error: int) -> None:
    column = f"late{error}"
    began = held_job(rig, column, error)
    ended = rig.api.ended(began)
    assert ended["state"] == "succeeded", ended["error"]
    assert column in rig.home.table(TABLE).schema().column_names
    rig.reads(TABLE, rows)
    history = [one for one in rig.api.all(f"/api/table/{TABLE}/history") if one["detail"].get("job") == began["id"]]
    assert [one["action"] for one in history] == ["job.succeeded", "table.add-column"], "told once"
    rig.home.audit_holds()


def held_job(rig: Rig, column: str, error: int) -> Any:
    """Begin a job and let its disk fail from the moment on that it waits for the catalog until it is through."""
    with commits_wait(rig.home):
        job = rig.api.begin("add-column", TABLE, path=column, type="int")
        until("it runs", lambda: rig.api.job(job)["state"] == "running")
        meets = rig.meets(Fault(rig.part(STATE), error, lasting=True))
        meets.__enter__()
    try:
        until("it has committed", lambda: column in rig.home.table(TABLE).schema().column_names)
        until("its end can't be written", lambda: rig.disk.failed > 1)
        assert rig.api.job(job)["state"] == "running", "nothing is told that is not written"
    finally:
        meets.__exit__(None, None, None)
    return job


def test_a_kill_while_the_state_can_t_be_written_is_told_at_the_next_start(rig: Rig, rows: pa.Table) -> None:
    column = f"killed{time.monotonic_ns()}"
    arguments, _ = CHANGES["expire"](rig.home, TABLE)
    with rig.meets(Fault(rig.part(STATE), FULL, nth=1 + calls(rig, "add-column") // 2, lasting=True)):
        answers = [
            rig.api.post("/api/operations/add-column", {"table": TABLE, "arguments": {"path": column, "type": "int"}}),
            rig.api.post("/api/operations/expire", {"table": TABLE, "arguments": arguments}),
        ]
        until("the disk failed", lambda: rig.disk.failed)
        time.sleep(1)
        rig.server.kill()
    rig.start()
    rig.every_job_has_ended()
    for answer in answers:
        if answer.status == 202:
            told = rig.api.job(answer.body["job"])
            assert told["timestamps"]["ended_at"]
            assert told["state"] in ("succeeded", "failed")
            if told["operation"] == "add-column":
                has = column in rig.home.table(TABLE).schema().column_names
                assert has == (told["state"] == "succeeded"), told
    rig.reads(TABLE, rows)
    rig.api.run("set-properties", TABLE, properties={"after": "kill"})
    rig.home.audit_holds()
