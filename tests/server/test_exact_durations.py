"""A plan tells how long it will take, once three jobs of its operation have told how long they took."""

from __future__ import annotations

import hashlib
import itertools
import time
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

import pytest
from sick_tables import Sick, make

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness import Api, Home

MEASURED = 3
"""Jobs after which a plan has to know."""

REMEMBERED = 10
"""Jobs that an estimate is made from at most: as many until a load that is over is forgotten."""

LATER = 5
"""Jobs whose median is held to what was promised of them."""

SHORT = 50
"""Milliseconds under which the machine's own unrest is larger than what is measured."""

STEADY = 1.3
"""Times that the machine may be slower or faster while it is still the same load."""

OLD: dict[str, Any] = {"older_than": "2100-01-01T00:00:00Z", "retain_last": 1}
CASES: dict[str, tuple[Sick, dict[str, Any]]] = {
    "add-column": (Sick(files=2), {"path": "note", "type": "string"}),
    "expire": (Sick(files=20, snapshots=20), OLD),
    "compact": (Sick(files=40, partitions=4, rows=200), {}),
    "rewrite-manifests": (Sick(files=30, partitions=2, snapshots=15), {}),
}


@dataclass(frozen=True)
class Run:
    """A job: what was promised of it and what it took, milliseconds, and how slow the machine was at it."""

    promised: float | None
    took: float
    load: float


def load() -> float:
    """Give the milliseconds of work that is always the same."""
    block = bytes(1 << 20)
    began = time.perf_counter()
    for _ in range(100):
        hashlib.sha256(block).digest()
    return (time.perf_counter() - began) * 1000


def runs(api: Api, home: Home, operation: str) -> Iterator[Run]:
    """Plan and run an operation on equal tables for ever."""
    sick, arguments = CASES[operation]
    for number in itertools.count():
        name = f"duration.{operation.replace('-', '_')}_{number}"
        make(home.lake, name, sick)
        before = load()
        plan = api.plan(operation, name, **arguments)
        took = api.run(operation, name, plan["id"], **arguments)["result"]["duration"]
        promised = plan["effect"]["duration"]
        yield Run(promised and max(promised, SHORT), max(took, SHORT), (before + load()) / 2)


@pytest.mark.parametrize("operation", CASES)
def test_a_plan_tells_how_long_it_takes(api: Api, home: Home, operation: str) -> None:
    jobs = runs(api, home, operation)
    told = []
    for known in (MEASURED, REMEMBERED, REMEMBERED):
        seen, later = list(itertools.islice(jobs, known)), list(itertools.islice(jobs, LATER))
        promised = [one.promised for one in later]
        assert None not in promised, f"{known} jobs of {operation} were measured: {promised}"
        ratio = median(one.took / (one.promised or SHORT) for one in later)
        moved = median(one.load for one in later) / median(one.load for one in seen)
        told.append((ratio, moved))
        # What the machine does beside it is no fault of the estimate, which has to fit once that is taken off.
        if 0.5 <= ratio <= 2 or 0.5 <= ratio / moved <= 2:
            return
        if 1 / STEADY <= moved <= STEADY:
            break
    pytest.fail(f"what jobs took of what was promised, and how the load moved meanwhile: {told}")
