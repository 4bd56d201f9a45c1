"""What somebody who uses the console waits for, in Chromium, over a catalog of many tables."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lakes
from figures import Row, median, row
from harness import TOP, until
from wire import Wire, every_table, serving

from drls import catalog as catalogs

if TYPE_CHECKING:
    from harness import Home

HERE = Path(__file__).parent
DIST = TOP / "frontend" / "dist"
FRAME = 50
"""Milliseconds that no frame may take while somebody types."""
PATIENCE = 900
"""Seconds after which a browser that tells nothing is taken for one that never will."""
GROWTH = 2.0
"""Megabytes that count as none: what a collector leaves differs by so much from one look to the next."""
TABLES = ("bench.first", "bench.second", "bench.changed")


def measure(home: Home, token: str, tables: int) -> list[Row]:
    """Make the tables, start a server, run paint.mjs and console.mjs on it."""
    grown = lakes.grown(home, "bench.grown")
    catalog = catalogs.open(home.lake)
    small = [catalog.create_table(tuple(name.split(".")), grown.schema()) for name in TABLES]
    lakes.many(home, small[0], "many", tables)
    with serving(home, token, {"FRONTEND_DIR": str(DIST)}) as api:
        wire = Wire(api.host, token)
        until("every table is judged", lambda: all(one["health"] for one in every_table(wire)), 300, 1)
        wire.close()
        base = f"http://{api.host}"
        slow = _run("paint.mjs", base, _code(home))
        found = _run("console.mjs", base, _code(home), token, *TABLES)
    heap = [one / 1e6 for one in found["heap"]]
    painted = f"first tables painted of {tables:,}, cold cache, 4 x slower"
    return [
        row("JavaScript of the entry, gzip", _entry() / 1000, "KB", (200, "value")),
        row(painted, median(slow["tables"]), "ms", (1000, "value"), median(slow["bare"])),
        row("the same with a debugger on", median(found["paint"]), "ms"),
        row("from one table to another, both read", median(found["switch"]), "ms", (100, "value")),
        row(f"longest frame while typing over {tables:,} tables", max(found["frames"]), "ms", (FRAME, "value")),
        row("growth over 1,000 events and 100 changes of page", heap[-1] - heap[-2], "MB", (GROWTH, "value")),
        row("held after that", heap[-1], "MB"),
        row("requests for tables before the first list", found["asked"]["list"], "requests", (1.5, "value")),
        row("requests for tables to open one", found["asked"]["detail"], "requests", (1.5, "value")),
    ]


def _code(home: Home) -> str:
    """Sign-in code, good for once."""
    return home.drls("user", "link", "bench").stdout.strip().split("code=")[-1].split()[0]


def _run(script: str, *words: str) -> Any:
    line = ["node", script, *words]
    done = subprocess.run(line, cwd=HERE, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _entry() -> int:
    """Bytes of the scripts that the page asks for before anything else, as they are sent."""
    scripts = re.findall(r'(?:src|href)="/([^"]+\.js)"', (DIST / "index.html").read_text())
    sent = [DIST / f"{one}.gz" for one in scripts]
    return sum((one if one.exists() else one.with_suffix("")).stat().st_size for one in sent)
