"""Swaps of a rule as a caller sees them: from `rename(2)` to the first report that the new component made."""

from __future__ import annotations

import contextlib
import hashlib
import time
from typing import TYPE_CHECKING

from figures import Row, median, row
from harness import PLUGINS, Home, until
from sick_tables import Sick, make
from wire import Wire, serving

if TYPE_CHECKING:
    from pathlib import Path

SWAPS = 11
RULE = "small-files"
TABLE = "bench.small_files"


def measure(home: Home, token: str) -> list[Row]:
    """Swap a rule for others of the same code: new to the server, then known to its cache."""
    make(home.lake, TABLE, Sick(files=60, partitions=1, snapshots=1, imagined=True))
    component = (PLUGINS / f"{RULE}.wasm").read_bytes()
    with serving(home, token) as api, contextlib.closing(Wire(api.host, token)) as wire:
        assert _judge(wire), "the rule finds something"
        cold = [_swap(home.folder, wire, _marked(component, number)) for number in range(SWAPS)]
        cached = [_swap(home.folder, wire, _marked(component, number)) for number in range(SWAPS)]
    return [
        # Its floor, the same bytes through bare Cranelift, is in the Rust bench where it has one.
        row("swap to first report, new component", median(cold), "ms"),
        row("swap to first report, from cache", median(cached), "ms", (10, "value")),
    ]


def _marked(component: bytes, number: int) -> bytes:
    """Add a custom section: another file of the same code, so that nothing compiled for one is of use for another."""
    name = b"bench"
    content = bytes([len(name)]) + name + number.to_bytes(4, "little")
    return component + bytes([0, len(content)]) + content


def _swap(home: Path, wire: Wire, component: bytes) -> float:
    digest = hashlib.sha256(component).hexdigest()
    beside = home / "plugins" / ".swap.part"
    beside.write_bytes(component)
    start = time.perf_counter()
    beside.rename(home / "plugins" / f"{RULE}.wasm")
    until("the new component answers", lambda: _judge(wire) == digest, every=0.0005)
    return (time.perf_counter() - start) * 1000


def _judge(wire: Wire) -> str | None:
    """The digest of the component whose finding a report has; none where there is no such finding."""
    findings = wire.json(f"/api/table/{TABLE}/health")["findings"]
    return next((one["rule"]["digest"] for one in findings if one["rule"]["id"] == RULE), None)
