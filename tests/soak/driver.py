"""Runs one seed: bursts of one step a table at the same time, all checked after each, and now and then a kill."""

from __future__ import annotations

import http.client
import os
import signal
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, NamedTuple

import checks
from harness import PLUGINS, loaded, until
from lake import live_files
from operations import Outcome, settle
from steps import kinds
from subject import Subject

if TYPE_CHECKING:
    from pathlib import Path

    from harness import Api, Home, Server
    from vitals import Vitals

TABLES = (("v2 by region", 2, True), ("v2", 2, False), ("v1 by region", 1, True))
OF_SPARK = (("v3 by region", 3, True),)
"""Those that Spark alone writes."""
GONE = (OSError, http.client.HTTPException)
"""What a request ends with whose server was killed."""
ASKS = ("run", "undo", "cancel", "rewrite")
"""How the names of steps begin that ask the server for something; others are not hurt by a kill."""
BUSY = 504
"""Status of an answer that was not there in time."""
SPARK_KILLED = ("spark-unavailable",)
"""Codes that a job may fail with whose Spark was killed."""


class Plan(NamedTuple):
    """What a run is made of; equal plans make equal choices."""

    seed: int
    bursts: int
    with_spark: bool = False
    kills: bool = False

    @property
    def tables(self) -> tuple[tuple[str, int, bool], ...]:
        """Name, format version and whether it is partitioned, of each table."""
        return (*TABLES, *OF_SPARK) if self.with_spark else TABLES

    def command(self) -> str:
        """The command that runs it again."""
        options = (" --spark" if self.with_spark else "") + (" --kills" if self.kills else "")
        return f"scripts/soak.sh --seed {self.seed} --bursts {self.bursts}{options}"


class SoakError(AssertionError):
    """A run that found a fault; says which step it was and how to run it again."""


@dataclass
class Run:
    """One seed on a server that runs."""

    plan: Plan
    home: Home
    server: Server
    token: str
    log: Path
    vitals: Vitals
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    subjects: list[Subject] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        """Make the tables."""
        api = self.api()
        until("all plugins serve", lambda: loaded(api) == {file.stem for file in PLUGINS.glob("*.wasm")})
        for number, (_, version, partitioned) in enumerate(self.plan.tables):
            subject = Subject(self.home, api, f"soak.t{self.plan.seed}_{number}", version, partitioned)
            subject.make()
            self.subjects.append(subject)
        self._answers()

    def _answers(self) -> None:
        """Wait until Python is up in the server: a busy machine may take longer for it than a request may."""
        api = self.api()
        for subject in self.subjects:
            subject.api = api
        until("health is answered", lambda: api.table(self.subjects[0].name, "health").status != BUSY)

    def api(self) -> Api:
        """The interface of the server as it runs now."""
        return self.server.api(self.token)

    def rng(self, *of: object) -> Random:
        """The randomness of one step, which no other step's can move."""
        return Random("/".join(str(one) for one in (self.plan.seed, *of)))

    def note(self, burst: int, where: str, kind: str, outcome: Outcome) -> None:
        """Count a step and write its line."""
        self.counts[kind, outcome.word] += 1
        if where in [name for name, *_ in OF_SPARK]:
            self.counts[f"{kind} on {where}", outcome.word] += 1
        at = time.monotonic() - self.began
        with self.log.open("a") as log:
            log.write(f"{at:8.2f} {burst:04} {where:13} {kind}: {outcome.word} {outcome.more}".rstrip() + "\n")

    def go(self) -> None:
        """Run every burst; raise `SoakError` at the first fault."""
        with ThreadPoolExecutor(len(self.subjects)) as pool:
            for burst in range(self.plan.bursts):
                killing = self._kill_of(burst)
                for subject in self.subjects:
                    subject.tolerated = SPARK_KILLED if killing == "spark" else ()
                steps = [pool.submit(self.step, burst, number) for number in range(len(self.subjects))]
                if killing:
                    self._kill(burst, killing)
                for step in steps:
                    step.result()
                if killing == "server":
                    self._again(burst)
                self._look_around(burst)
        self.home.audit_holds()
        for subject in self.subjects:
            checks.listed(subject)
            self.states.update(one["state"] for one in subject.jobs())

    def step(self, burst: int, number: int) -> None:
        """One step on one table, and all that has to hold after it."""
        subject, rng = self.subjects[number], self.rng("step", burst, number)
        offered = kinds(with_spark=self.plan.with_spark, by_pyiceberg=subject.by_pyiceberg)
        if self._kill_of(burst):
            offered = {kind: one for kind, one in offered.items() if kind.startswith(ASKS)}
        first = burst < 3  # noqa: PLR2004 (there is nothing to work on before that)
        fill = "append" if subject.by_pyiceberg else "insert by Spark"
        kind = fill if first else rng.choices(list(offered), [weight for weight, _ in offered.values()])[0]
        try:
            outcome = offered[kind][1](subject, rng) or Outcome("nothing")
            self.note(burst, self.plan.tables[number][0], kind, outcome)
            self._see(burst, number)
        except GONE as error:
            if not self._kill_of(burst):
                raise self._failed(burst, number, kind, error) from error
            self.note(burst, self.plan.tables[number][0], kind, Outcome("interrupted", type(error).__name__))
        except Exception as error:
            raise self._failed(burst, number, kind, error) from error

    def _see(self, burst: int, number: int) -> None:
        subject, rng = self.subjects[number], self.rng("see", burst, number)
        table = checks.agrees(subject)
        if rng.random() < 0.2 and subject.model.snapshots:  # noqa: PLR2004
            checks.agrees_in_the_past(subject, rng.choice(list(subject.model.snapshots)))
        if self.plan.with_spark and rng.random() < 0.2:  # noqa: PLR2004
            checks.agrees_in_spark(subject)
        checks.healthy(subject, table, self.vitals)
        if not subject.by_pyiceberg and live_files(table).delete_files:
            self.counts["deletion vectors", "seen"] += 1
        if rng.random() < 0.1:  # noqa: PLR2004
            checks.listed(subject)

    def _failed(self, burst: int, number: int, kind: str, error: BaseException) -> SoakError:
        where = f"burst {burst}, {kind} on {self.subjects[number].name} ({self.plan.tables[number][0]})"
        self.note(burst, self.plan.tables[number][0], kind, Outcome("FAILED", " ".join(str(error).split())[:2000]))
        words = f"{where}: {type(error).__name__}: {error}\nhome: {self.home.folder}\nlog: {self.log}"
        return SoakError(f"{words}\nagain: {self.plan.command()}")

    def _kill_of(self, burst: int) -> str:
        """Whom to kill in a burst, if anyone."""
        if not self.plan.kills or burst < 10 or burst % 7:  # noqa: PLR2004
            return ""
        return self.rng("kill", burst).choice(("server", "server", "spark") if self.plan.with_spark else ("server",))

    def _kill(self, burst: int, whom: str) -> None:
        """Kill as a power cut does, at some moment of the burst."""
        time.sleep(self.rng("moment", burst).choice((0.01, 0.05, 0.1, 0.2, 0.5, 1.5)))
        if whom == "server":
            self.server.kill()
        else:
            for pid in self.home.java():
                os.kill(pid, signal.SIGKILL)

    def _again(self, burst: int) -> None:
        """Start the server again and find out what became of every order that had no answer."""
        until("no process of the home is left", lambda: not self.home.processes(), 30)
        self.server.start()
        self._answers()
        for number, subject in enumerate(self.subjects):
            try:
                outcome = self._found_out(subject)
                self._see(burst, number)
            except Exception as error:
                raise self._failed(burst, number, "kill", error) from error
            self.note(burst, self.plan.tables[number][0], "kill", outcome)
        self.counts["kill", "survived"] += 1

    def _found_out(self, subject: Subject) -> Outcome:
        pending = subject.pending
        if pending is None:
            return Outcome("not asked")
        new = [one for one in subject.jobs() if one["id"] not in pending.old]
        assert len(new) <= 1, f"one order, and {len(new)} jobs"
        if not new:
            subject.pending = None
            assert subject.table().metadata_location == pending.location, "a change without a job"
            return Outcome("never asked")
        job = subject.api.ended(new[0])
        if pending.order.operation == "undo":
            subject.undone.add(pending.order.arguments["job"])
        outcome = settle(subject, job, ("server-killed", "server-stopped"))
        return Outcome(f"told: {outcome.word}", f"{pending.order.operation} {outcome.more}")

    def _look_around(self, burst: int) -> None:
        assert self.server.process is not None
        self.vitals.sample(self.server.process.pid)
        health = self.api().get("/api/health").ok()
        assert health["status"] in ("ok", "degraded"), health
        if burst % 25 == 24:  # noqa: PLR2004
            self.home.audit_holds()
