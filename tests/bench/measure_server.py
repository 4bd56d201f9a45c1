"""From nothing to the first answer, and what the server holds then."""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING

from figures import Row, median, row, timed
from harness import BINARY, Server

if TYPE_CHECKING:
    from harness import Home

STARTS = 9


def measure(home: Home) -> list[Row]:
    """Start it again and again on a home that has been used: no Python and no JVM is touched."""
    server = Server(home)
    _answered(server)  # compiles the plugins, which a home does once
    server.stop()
    starts, floors, resident = [], [], []
    for _ in range(STARTS):
        floors.append(timed(lambda: subprocess.run([str(BINARY), "--version"], check=True, capture_output=True)))
        starts.append(_answered(server))
        resident.append(_resident(server))
        server.stop()
    return [
        # Floor: the same binary that prints its version.
        row("start to first answer", median(starts), "ms", (300, "value"), floor=median(floors)),
        row("resident after the first answer", max(resident), "MB", (120, "value")),
    ]


def _answered(server: Server) -> float:
    """Milliseconds from the start of the process to the answer of `GET /api/health`."""
    start = time.perf_counter()
    server.start()
    server.api(None).get("/api/health").ok()
    return (time.perf_counter() - start) * 1000


def _resident(server: Server) -> float:
    """Megabytes, half a second later: the plugins are loaded behind the first answer."""
    assert server.process is not None
    time.sleep(0.5)
    words = ["ps", "-o", "rss=", "-p", str(server.process.pid)]
    return int(subprocess.run(words, check=True, capture_output=True, text=True).stdout) / 1000
