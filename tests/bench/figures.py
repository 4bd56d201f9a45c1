"""Figures: what was measured beside its floor and its peer, as JSON and as a table."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

RESULTS = Path(__file__).resolve().parent / "results"

Against = Literal["value", "floor", "peer"]


@dataclass(frozen=True)
class Row:
    """One figure.

    `floor`: the least that the same work costs with nothing of ours around it. `peer`: another who does that work.
    `ratio`: over the one that the target names, else over the peer, else over the floor.
    """

    name: str
    value: float
    unit: str
    floor: float | None
    peer: float | None
    ratio: float | None
    target: str
    met: bool | None


def row(
    name: str,
    value: float,
    unit: str,
    under: tuple[float, Against] | None = None,
    floor: float | None = None,
    peer: float | None = None,
) -> Row:
    """Judge a figure. `under`: what it must stay below: so much, or so many times the floor or the peer."""
    limit, against = under or (None, "value")
    beside = {"value": peer if peer is not None else floor, "floor": floor, "peer": peer}[against]
    ratio = value / beside if beside else None
    judged = value if against == "value" else ratio
    met = None if limit is None or judged is None else judged < limit
    target = "none" if limit is None else f"< {limit:g} {unit}" if against == "value" else f"< {limit:g} x {against}"
    return Row(name, value, unit, floor, peer, ratio, target, met)


def quantile(times: Sequence[float], share: float) -> float:
    """The smallest of `times` that `share` of them do not exceed."""
    return sorted(times)[max(0, -int(-share * len(times) // 1) - 1)]


def median(times: Sequence[float]) -> float:
    """The middle one."""
    return quantile(times, 0.5)


def timed(work: Callable[[], object]) -> float:
    """Milliseconds that a call takes."""
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000


def in_turns(rounds: int, times: int, **work: Callable[[], object]) -> dict[str, list[float]]:
    """Milliseconds of each call, each kind `times` in a row and then the next: a change of load meets all of them."""
    found: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(rounds):
        for name, one in work.items():
            found[name] += [timed(one) for _ in range(times)]
    return found


def write(name: str, rows: Sequence[Row]) -> None:
    """Keep the figures of one part of the run."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    text = json.dumps([asdict(one) for one in rows], indent=2)
    (RESULTS / f"{name}.json").write_text(text + "\n")


def table() -> str:
    """Every figure that is kept, in columns."""
    lines: list[tuple[str, ...]] = [("", "value", "", "floor", "peer", "ratio", "target", "met")]
    for file in sorted(RESULTS.glob("*.json")):
        lines.append((f"[{file.stem}]", *[""] * 7))
        for one in json.loads(file.read_text()):
            met = {True: "yes", False: "NO", None: "-"}[one["met"]]
            figures = (_figure(one["floor"]), _figure(one["peer"]), _figure(one["ratio"]))
            lines.append((one["name"], _figure(one["value"]), one["unit"], *figures, one["target"], met))
    widths = [max(len(line[at]) for line in lines) for at in range(8)]
    right = {1, 3, 4, 5}
    return "\n".join(
        "  ".join(
            cell.rjust(width) if at in right else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _figure(value: float | str | None) -> str:
    if isinstance(value, str):
        return value
    return "-" if value is None else f"{value:.3g}" if value < 100 else f"{value:,.0f}"  # noqa: PLR2004 (digits that mean something)
