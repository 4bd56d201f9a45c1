"""Does what a plugin must not do: which, says its configuration."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass

from drls_plugin import Finding, HealthRule, Remedy, Severity, Table, export_rule, log, setting


@dataclass
class Config:
    """What it does."""

    does: str = setting("nothing", "Name of a fault.")


class Unruly(HealthRule[Config]):
    """Any of the faults below."""

    id = "unruly"
    title = "Unruly"
    summary = "Does what it must not do."
    config = Config
    reads = ()

    def evaluate(self, table: Table, config: Config) -> list[Finding]:  # noqa: ARG002 (nothing is read)
        """Do it."""
        return FAULTS[config.does]()


def nothing(title: str = "Nothing is wrong.", code: str = "nothing", remedy: Remedy | None = None) -> list[Finding]:
    """Do as a plugin should."""
    return [Finding(code, Severity.INFO, title, 0, remedy=remedy)]


def loops() -> list[Finding]:
    """Never end."""
    while True:
        pass


def allocates() -> list[Finding]:
    """Take more and more memory."""
    kept = []
    while True:
        kept.append(bytearray(1 << 20))


def recurses() -> list[Finding]:
    """Call itself and nothing else."""
    return [*recurses()]


def fails() -> list[Finding]:
    """Look for what is not there."""
    return [] if seven([]) else nothing()


def seven(items: list[int]) -> int:
    """Take the eighth of them."""
    return items[7]


def floods_the_log() -> list[Finding]:
    """Write more lines than anybody reads."""
    for line in range(1000):
        log.info(f"line {line}")
    return nothing()


FAULTS = {
    "nothing": nothing,
    "loops": loops,
    "allocates": allocates,
    "recurses": recurses,
    "fails": fails,
    "traps": lambda: sys.exit(3),
    "asks-the-time": lambda: nothing(f"It is {time.time()}."),
    "answers-100-mb": lambda: nothing("x" * 100_000_000),
    "floods-the-log": floods_the_log,
    # Python writes NaN, which is no JSON.
    "answers-wrong-json": lambda: nothing(remedy=Remedy("compact", {"ratio": float("nan")})),
    "answers-no-code": lambda: nothing(code="Not Kebab"),
    "answers-another-type": lambda: ["a text"],
    "answers-a-number-for-a-text": lambda: nothing(7),
}

export_rule(Unruly)
