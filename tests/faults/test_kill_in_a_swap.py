"""The server is killed in each stage of a swap: the next start serves the new build, or the last good one."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import http.client
import itertools
import json
import os
import signal
import time
from typing import TYPE_CHECKING, Any

import pytest
import unruly
from component import digest, drop_in, other_build
from disk import KILLED, Fault
from harness import PATIENCE, PLUGINS, until
from rig import Rig, choice, sample, served
from sick_tables import Sick, make
from unruly import FINDINGS, Core

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RULE = "small-files"
TABLE = "swap.small"
STAGES = ("seen", "staged", "verified", "compiled", "linked", "self-tested", "active", "optimised")
WRITTEN = ("store/", "ledger/", "cache/")
"""Where a swap writes: the copy of the file, what is known of it once it serves, and the better code."""
OLD = 3 * 24 * 60 * 60
"""Seconds after which nobody writes on what is half-written."""

numbers = itertools.count()


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Give a running server."""
    with served(tmp_path_factory.mktemp("swap")) as running:
        make(running.home.lake, TABLE, Sick(files=60, partitions=2, snapshots=2))
        yield running


def good() -> bytes:
    """Give a build of the rule that is like no other."""
    return other_build((PLUGINS / f"{RULE}.wasm").read_bytes(), version=f"0.2.{next(numbers)}")


def bad() -> bytes:
    """Give one that fails its self-tests."""
    core = Core((PLUGINS / f"{RULE}.wasm").read_bytes(), FINDINGS)
    return other_build(core.that(unruly.TRAPS), version=f"0.3.{next(numbers)}")


def told(rig: Rig) -> Any:
    """Give what is told of the rule."""
    return next(one for one in rig.api.get("/api/plugins").ok()["items"] if one["id"] == RULE)


def judged_by(rig: Rig) -> str:
    """Give the digest of the build that judges the table."""
    findings = rig.api.table(TABLE, "health").ok()["findings"]
    return next(str(one["rule"]["digest"]) for one in findings if one["rule"]["id"] == RULE)


def install(rig: Rig, component: bytes) -> None:
    """Put a build into the folder."""
    drop_in(rig.home.folder / "plugins", f"{RULE}.wasm", component)


def kept(rig: Rig, component: bytes) -> bool:
    """Whether all is written of a build: it serves, and its better code is in the cache."""
    found = any((rig.home.folder / "cache").glob(f"{digest(component)}-*.cwasm"))
    return found and told(rig)["digest"] == digest(component)


def kill_at(rig: Rig, stage: str, component: bytes) -> None:
    """Put a build into the folder, and kill the server once it tells that the build is at this stage."""
    connection = http.client.HTTPConnection(rig.api.host, timeout=PATIENCE)
    with contextlib.closing(connection):
        connection.request("GET", "/api/events", headers={"Authorization": f"Bearer {rig.token}"})
        feed = connection.getresponse()
        install(rig, component)
        wanted = (RULE, stage, digest(component))
        data: Any = None
        while not isinstance(data, dict) or (data.get("id"), data.get("state"), data.get("digest")) != wanted:
            line = feed.readline().decode()
            assert line, "the feed ended"
            data = json.loads(line.removeprefix("data: "))["data"] if line.startswith("data: ") else None
        rig.server.kill()


def parts(rig: Rig) -> list[Path]:
    """Give what is half-written."""
    return [file for part in WRITTEN for file in (rig.home.folder / part).glob(".tmp*")]


def starts_again(rig: Rig, before: str, serving: bytes) -> None:
    """Start what was killed: the one before or the new one serves, then the one that should; nothing is left over."""
    for copy in (rig.home.folder / "store").glob("*.wasm"):
        assert hashlib.sha256(copy.read_bytes()).hexdigest() == copy.stem, "a copy is whole or not there"
    old = time.time() - OLD
    for part in parts(rig):
        os.utime(part, (old, old))
    rig.start()
    assert judged_by(rig) in {before, digest(serving)}
    until("the right one serves", lambda: judged_by(rig) == digest(serving))
    until("nothing half-written is left", lambda: not parts(rig))
    rig.home.audit_holds()


@pytest.mark.parametrize("stage", STAGES)
def test_a_server_that_is_killed_in_a_stage_serves_the_new_build_after_the_next_start(rig: Rig, stage: str) -> None:
    before, component = judged_by(rig), good()
    kill_at(rig, stage, component)
    starts_again(rig, before, component)
    assert told(rig)["error"] is None


@pytest.mark.parametrize("stage", ["staged", "linked", "refused"])
def test_a_server_that_is_killed_at_a_bad_build_serves_the_last_good_one_after_the_next_start(
    rig: Rig, stage: str
) -> None:
    component = good()
    install(rig, component)
    until("its code is kept", lambda: kept(rig, component))
    kill_at(rig, stage, bad())
    starts_again(rig, digest(component), component)
    until("the bad one is refused", lambda: told(rig)["error_code"] == "self-test")
    assert judged_by(rig) == digest(component)


def survived(rig: Rig, component: bytes) -> bool:
    """Whether all is written, by a server that is there to tell."""
    with contextlib.suppress(OSError, http.client.HTTPException):
        return kept(rig, component)
    return False


def writes(rig: Rig, part: str) -> int:
    """Count the calls by which a swap writes there."""
    component = good()
    with rig.meets(Fault(rig.part(part), KILLED, nth=0)):
        install(rig, component)
        until("all is written", lambda: kept(rig, component))
        assert rig.disk.seen
        return rig.disk.seen


def test_a_server_that_is_killed_at_a_write_serves_the_new_build_after_the_next_start(rig: Rig) -> None:
    cases = [(part, nth) for part in WRITTEN for nth in range(1, writes(rig, part) + 1)]
    ended = 0
    for part, nth in sample(choice(), cases, 6):
        before, component = judged_by(rig), good()
        process = rig.server.process
        assert process is not None
        with rig.meets(Fault(rig.part(part), KILLED, nth)):
            install(rig, component)
            # What tidying removes beside it, and so counts, differs: it may have fewer calls to make.
            over = functools.partial(survived, rig, component)
            until("it is killed, or done", lambda: process.poll() is not None or over())  # noqa: B023 (waits here)
        ended += process.poll() == -signal.SIGKILL
        rig.server.kill()
        starts_again(rig, before, component)
    assert ended
