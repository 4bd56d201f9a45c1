"""The n-th write to the catalog or to a table's files fails: the job tells the truth, and the next one works."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest
from changes import CHANGES
from disk import BROKEN, FULL, READ_ONLY, Fault
from rig import ERRORS, Rig, choice, sample, served
from sick_tables import Sick, make

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

MOST_CALLS = 100
"""More than any of the operations makes on one of the parts."""
CODES = {
    FULL: {"disk-full"},
    BROKEN: {"catalog-unavailable"},
    # SQLite calls a file that it has open and can't write any more a broken one.
    READ_ONLY: {"read-only-storage", "catalog-unavailable"},
}


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Give a running server."""
    with served(tmp_path_factory.mktemp("tables")) as running:
        yield running


@pytest.fixture(scope="module")
def rows(rig: Rig) -> dict[str, pa.Table]:
    """Make a table for each operation; give the rows of each."""
    tables = {f"disk.{operation.replace('-', '_')}": Sick(files=3, snapshots=2) for operation in CHANGES}
    for table, sick in tables.items():
        make(rig.home.lake, table, sick)
        # What connections do once is done before anything is counted.
        rig.ask("set-properties", table, properties={"ready": "yes"}).ok()
    return {table: rig.home.rows(table) for table in tables}


def attempt(rig: Rig, operation: str, table: str, fault: Fault) -> bool:
    """Run an operation that meets a fault; see that what is told is so. Give whether it met it."""
    arguments, shows = CHANGES[operation](rig.home, table)
    with rig.meets(fault):
        answer = rig.ask(operation, table, **arguments)
        job = rig.outcome(answer, CODES[fault.error])
    what = f"{operation}: {fault}, which met {rig.disk.met}"
    assert job is not None, f"{what}: the job is what fails, not the request"
    assert shows(rig.home.table(table)) == (job["state"] == "succeeded"), f"{what}: {job['state']}, {job['error']}"
    left = job["result"]["steps"][0].get("deleted", {}).get("failed", []) if job["state"] == "succeeded" else []
    assert rig.disk.failed == 0 or job["error"] or left, f"{what}: it is told"
    return rig.disk.failed > 0


def calls(rig: Rig, operation: str, table: str, part: str, error: int) -> int:
    """Count the calls of an operation that an error would make fail; none does."""
    assert not attempt(rig, operation, table, Fault(rig.part(part), error, nth=0))
    assert 0 < rig.disk.seen < MOST_CALLS, f"{operation} on {part}"
    return rig.disk.seen


@pytest.mark.parametrize("operation", CHANGES)
def test_a_job_whose_nth_write_fails_tells_the_truth_and_the_next_one_works(
    rig: Rig, rows: dict[str, pa.Table], operation: str
) -> None:
    table = f"disk.{operation.replace('-', '_')}"
    drawn = choice()
    faults = [
        Fault(rig.part(part), error, nth, lasting)
        for part, error in itertools.product(("catalog.db", "warehouse/"), ERRORS)
        for nth in range(1, calls(rig, operation, table, part, error) + 1)
        for lasting in (False, True)
    ]
    drawn_faults, met = sample(drawn, faults, 10), 0
    for fault in drawn_faults:
        met += attempt(rig, operation, table, fault)
        rig.reads(table, rows[table])
        arguments, shows = CHANGES[operation](rig.home, table)
        rig.api.succeeded(rig.ask(operation, table, **arguments).ok()["job"])
        assert shows(rig.home.table(table)), f"after {fault}"
    assert met > len(drawn_faults) // 2, "most of the faults were met"
    rig.every_job_has_ended()
    rig.home.audit_holds()


def told(rig: Rig) -> list[Any]:
    """Give every job as it is told."""
    return [(one["id"], one["state"], one["error"], one["result"]) for one in rig.api.all("/api/jobs")]


def test_after_a_kill_the_same_is_told_and_all_goes_on(rig: Rig, rows: dict[str, pa.Table]) -> None:
    before = told(rig)
    assert {state for _, state, _, _ in before} == {"succeeded", "failed"}
    rig.start_again()
    assert told(rig) == before
    for operation in CHANGES:
        table = f"disk.{operation.replace('-', '_')}"
        rig.reads(table, rows[table])
        arguments, shows = CHANGES[operation](rig.home, table)
        rig.api.succeeded(rig.ask(operation, table, **arguments).ok()["job"])
        assert shows(rig.home.table(table))
    rig.home.audit_holds()
