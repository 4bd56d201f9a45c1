"""Measures the product beside floors and peers in one run; see README.md.

scripts/bench.sh [--tables N] [--only server|tables|runtime|plugins|console|compaction ...]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from datetime import datetime, timezone
from pathlib import Path

import figures
import measure_compaction
import measure_console
import measure_plugins
import measure_runtime
import measure_server
import measure_tables
from harness import BINARY, PLUGINS, TOP, Home

HERE = Path(__file__).resolve().parent

PARTS = ("server", "tables", "runtime", "plugins", "console", "compaction")


def main() -> None:
    """Run the parts, keep their figures and print every figure that is kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=int, default=10_000, help="tables in the catalog (default 10,000)")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="parts to run (default all)")
    asked = parser.parse_args()
    assert BINARY.is_file(), f"{BINARY} is not there: make build"
    assert list(PLUGINS.glob("*.wasm")), f"no plugins in {PLUGINS}: make build"
    for part in asked.only:
        _environment(part)
        print(f"bench: {part}", file=sys.stderr, flush=True)
        if part == "runtime":
            measure_runtime.measure()
            continue
        with tempfile.TemporaryDirectory(prefix="drls-bench-") as folder:
            home = Home.make(Path(folder) / "home")
            token = home.user("bench", "admin")
            for name, rows in _measured(part, home, token, asked.tables).items():
                figures.write(name, rows)
    print(figures.table())


def _measured(part: str, home: Home, token: str, tables: int) -> dict[str, list[figures.Row]]:
    if part == "server":
        return {"server": measure_server.measure(home)}
    if part == "tables":
        return measure_tables.measure(home, token, tables)
    if part == "console":
        return {"console": measure_console.measure(home, token, tables)}
    if part == "plugins":
        return measure_plugins.measure(home, token)
    return {"compaction": measure_compaction.measure(home, token)}


def _environment(part: str) -> None:
    """Say on what the figures of a part were taken: they are worth nothing without."""
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=TOP, capture_output=True, text=True, check=False)  # noqa: S607
    version = subprocess.run([str(BINARY), "--version"], capture_output=True, text=True, check=True)
    one, five, fifteen = os.getloadavg()
    told = {
        "at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "commit": commit.stdout.strip() or None,
        "version": version.stdout.strip(),
        "processors": os.cpu_count(),
        "machine": platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load_average_at_the_start": {"1 min": round(one, 1), "5 min": round(five, 1), "15 min": round(fifteen, 1)},
    }
    file = HERE / "environment.json"
    kept = json.loads(file.read_text()) if file.exists() else {}
    file.write_text(json.dumps(kept | {part: told}, indent=2) + "\n")


if __name__ == "__main__":
    main()
