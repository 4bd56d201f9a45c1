"""Plugins as a caller sees them: from `rename(2)` to the first report of a new component, and a start with many."""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from functools import partial
from typing import TYPE_CHECKING

from figures import Row, median, row, timed
from harness import PLUGINS, Home, Server, loaded, until
from measure_runtime import PYTHON, in_python
from sick_tables import Sick, make
from wire import Wire, serving

if TYPE_CHECKING:
    from harness import Api

SWAPS = 11
KEPT = 3
"""Versions that take turns from the cache."""
RULE = "small-files"
TABLE = "bench.small_files"

PYTHON_SWAPS = 3

MANY = 200
COPIED = "partition-skew"
"""A rule whose name stands in its manifest and its code, and is no word of the contract."""
STARTS = 5


def measure(home: Home, token: str) -> dict[str, list[Row]]:
    """Swap a rule for others of the same code; start with many plugins."""
    return {"swap": _swaps(home, token), "plugins": _starts(home)}


def _swaps(home: Home, token: str) -> list[Row]:
    """New to the server, then known to its cache; and a rule in Python, with the interpreter inside."""
    make(home.lake, TABLE, Sick(files=60, partitions=1, snapshots=1, imagined=True))
    component = (PLUGINS / f"{RULE}.wasm").read_bytes()
    # So little that the rule in Python finds something.
    settings = {"plugins": {PYTHON.name: {"config": {"most_gib": 1e-9}}}}
    (home.folder / "config.json").write_text(json.dumps(settings))
    with serving(home, token) as api, contextlib.closing(Wire(api.host, token)) as wire:
        assert _judge(wire, RULE), "the rule finds something"
        cold = []
        for number in range(SWAPS):
            cold.append(_swap(home, wire, RULE, marked(component, number)))
            # What compiles behind the one before is not part of the next one; nor is anything from a cache without it.
            until("the faster code is there", partial(_optimised, api, RULE), 60)
        # Of the last versions: the code of older ones is not kept.
        last = [SWAPS - 2 - number % KEPT for number in range(SWAPS)]
        cached = [_swap(home, wire, RULE, marked(component, number)) for number in last]
        python = _in_python(home, api, wire)
    return [
        # Their floors, the same bytes through the compiler alone, are in the Rust bench.
        row("swap to first report, new component", median(cold), "ms"),
        row("swap to first report, from cache", median(cached), "ms", (10, "value")),
        row("swap to first report, new rule in Python", median(python) / 1000, "s", (3, "value")),
    ]


def _in_python(home: Home, api: Api, wire: Wire) -> list[float]:
    component = in_python()
    times = []
    for number in range(PYTHON_SWAPS + 1):
        times.append(_swap(home, wire, PYTHON.name, marked(component, number)))
        until("the faster code is there", partial(_optimised, api, PYTHON.name), 600)
    return times[1:]


def _optimised(api: Api, rule: str) -> bool:
    return bool(api.get(f"/api/plugins/{rule}").ok()["tier"] == "optimised")


def _starts(near: Home) -> list[Row]:
    """A server whose folder holds 200 rules that it has compiled before, beside one whose folder is empty."""
    empty, full = (Home(near.folder.with_name(name)) for name in ("empty", "full"))
    for home in (empty, full):
        (home.folder / "plugins").mkdir(parents=True)
    component = (PLUGINS / f"{COPIED}.wasm").read_bytes()
    for number in range(MANY):
        name = f"partition-{number:04}"
        assert len(name) == len(COPIED)
        (full.folder / "plugins" / f"{name}.wasm").write_bytes(component.replace(COPIED.encode(), name.encode()))
    tokens = {home.folder: home.user("bench", "admin") for home in (empty, full)}
    server = Server(full)
    server.start()
    until("all is compiled and kept", lambda: len(list(full.folder.rglob("*.cwasm"))) == MANY, 600)
    server.stop()
    times: dict[int, list[float]] = {0: [], MANY: []}
    for _ in range(STARTS):
        for home, wanted in ((empty, 0), (full, MANY)):
            server = Server(home)
            times[wanted].append(timed(partial(_start, server, tokens[home.folder], wanted)))
            server.stop()
    name = f"start until {MANY} plugins serve, from cache, beside one without plugins"
    return [row(name, median(times[MANY]) / 1000, "s", (2, "value"), floor=median(times[0]) / 1000)]


def _start(server: Server, token: str, wanted: int) -> None:
    server.start()
    api = server.api(token)
    until("all plugins serve", lambda: len(loaded(api)) == wanted, every=0.005)


def marked(component: bytes, number: int) -> bytes:
    """Add a custom section: another file of the same code, so that nothing compiled for one is of use for another."""
    name = b"bench"
    content = bytes([len(name)]) + name + number.to_bytes(4, "little")
    return component + bytes([0, len(content)]) + content


def _swap(home: Home, wire: Wire, rule: str, component: bytes) -> float:
    digest = hashlib.sha256(component).hexdigest()
    beside = home.folder / "plugins" / ".swap.part"
    beside.write_bytes(component)
    start = time.perf_counter()
    beside.rename(home.folder / "plugins" / f"{rule}.wasm")
    until("the new component answers", lambda: _judge(wire, rule) == digest, every=0.0005)
    return (time.perf_counter() - start) * 1000


def _judge(wire: Wire, rule: str) -> str | None:
    """The digest of the component whose finding a report has; none where there is no such finding."""
    findings = wire.json(f"/api/table/{TABLE}/health")["findings"]
    return next((one["rule"]["digest"] for one in findings if one["rule"]["id"] == rule), None)
