"""A server on a disk that fails on demand, and what has to hold of it whatever failed."""

from __future__ import annotations

import contextlib
import os
import random
import time
from typing import TYPE_CHECKING, Any

from disk import BROKEN, FULL, READ_ONLY, Disk, Fault
from harness import BINARY, PLUGINS, Answer, Api, Home, Server, loaded, told_nothing_inside, until

from drls import catalog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import pyarrow as pa

LONG = bool(os.environ.get("DRLS_LONG"))
"""Every case, not a sample of them."""
WAIT = {"Prefer": "wait=30"}
ERRORS = (FULL, BROKEN, READ_ONLY)


def choice() -> random.Random:
    """Give what samples are drawn by; its seed is printed where a test fails, and DRLS_TEST_SEED sets it."""
    seed = int(os.environ.get("DRLS_TEST_SEED", time.time_ns() % 1_000_000))
    print(f"DRLS_TEST_SEED={seed}")  # noqa: T201 (pytest shows it where the test fails)
    return random.Random(seed)  # noqa: S311


def sample(drawn: random.Random, whole: Sequence[Any], most: int) -> list[Any]:
    """Give `most` of the cases in their order, or all with DRLS_LONG."""
    if LONG or len(whole) <= most:
        return list(whole)
    return [whole[at] for at in sorted(drawn.sample(range(len(whole)), most))]


class Rig:
    """The server, its disk, and its interface as an admin."""

    def __init__(self, folder: Path) -> None:
        """Make a home in `folder` whose path has what paths may have; start nothing."""
        self.home = Home.make(folder / "größeres haus")
        self.disk = Disk(folder)
        self.token = self.home.user("admin", "admin")
        self.server = Server(self.home, self.disk.environment)

    def start(self) -> None:
        """Start the server and wait until every plugin serves."""
        self.server.start()
        until("all plugins serve", lambda: loaded(self.api) == {file.stem for file in PLUGINS.glob("*.wasm")})

    def start_again(self) -> None:
        """End it as a power cut would, and start it."""
        self.server.kill()
        self.start()

    @property
    def api(self) -> Api:
        """The interface."""
        return self.server.api(self.token)

    @property
    def pid(self) -> int:
        """The server's process."""
        assert self.server.process is not None
        return self.server.process.pid

    def part(self, name: str) -> str:
        """Give the text that is in the paths of a part of the home: "catalog.db", "drls.db", "warehouse/", "store/"."""
        return f"{self.home.folder}/{name}"

    def meets(self, fault: Fault) -> contextlib.AbstractContextManager[None]:
        """Let the server meet a fault as long as this lasts."""
        return self.disk.fails(self.pid, fault)

    def ask(self, operation: str, table: str, **arguments: Any) -> Answer:
        """Ask for an operation and wait for its end."""
        return self.api.post(f"/api/operations/{operation}", {"table": table, "arguments": arguments}, WAIT)

    def outcome(self, answer: Answer, codes: set[str]) -> Any:
        """Give the job of an answer once it has ended, `None` for a problem; whatever failed has one of the codes."""
        if answer.status not in (200, 202):
            code = answer.body["code"]
            assert code in codes, answer.text
            answer.problem(503 if code != "corrupt-metadata" else 502, code)
            return None
        job = self.api.ended(answer.body["job"])
        if job["error"]:
            assert job["error"]["code"] in codes, job["error"]
            told_nothing_inside(job["error"]["detail"])
        assert (job["state"] == "succeeded") == (job["error"] is None), job
        return job

    def every_job_has_ended(self) -> None:
        """See that no job waits or runs for ever."""

        def open_jobs() -> list[Any]:
            return [*self.api.all("/api/jobs", state="queued"), *self.api.all("/api/jobs", state="running")]

        until("every job has ended", lambda: not open_jobs(), 60)

    def reads(self, table: str, rows: pa.Table) -> None:
        """See that a table reads as it is, through the server and past it."""
        for page in ("health", "schema", "files", "preview"):
            self.api.table(table, page).ok()
        assert self.home.rows(table, rows.column_names).equals(rows), f"the rows of {table}"


@contextlib.contextmanager
def served(folder: Path) -> Iterator[Rig]:
    """Give a rig whose server runs; it ends in order."""
    assert BINARY.is_file(), f"{BINARY} is not there: make build"
    rig = Rig(folder)
    rig.start()
    try:
        yield rig
    except BaseException:
        rig.server.kill()
        raise
    rig.server.stop()


@contextlib.contextmanager
def commits_wait(home: Home) -> Iterator[Callable[[str, tuple[str, ...]], object]]:
    """Hold the catalog: as long as it lasts, whoever commits waits. Give what runs SQL that counts from the end on."""
    connection = catalog.open(home.lake).engine.raw_connection()  # type: ignore[attr-defined]
    connection.driver_connection.isolation_level = None
    connection.driver_connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection.driver_connection.execute
        connection.driver_connection.execute("COMMIT")
    finally:
        connection.driver_connection.isolation_level = ""
        connection.close()
