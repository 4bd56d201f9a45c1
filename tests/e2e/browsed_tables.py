"""Makes the tables that the browser tests look at, beside the sample's: real Iceberg files, each of another shape.

    python tests/e2e/browsed_tables.py HOME [--many N | --second]

`--many`: so many more tables, named in the catalog and all at one metadata file.
`--second`: a table `near.by`, and `far.away` in a catalog of its own, which the settings name from then on.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sqlite3
import sys
import time
import uuid
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP / part) for part in ("python", "tests/support", "tests/server", "tests/bench")]

from harness import Home  # noqa: E402 - after the path to it
from lakes import many  # noqa: E402
from sick_tables import Sick, make  # noqa: E402

from drls import catalog as catalogs  # noqa: E402

ODD = ("odd", "größe", "a.b\"c'd`e <img src=x onerror=alert(1)> ü")
"""A name with everything that links, quotes and HTML may stumble over."""

SNAPSHOTS = 5000


def main() -> None:
    """Make them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("home", type=Path)
    parser.add_argument("--many", type=int, default=0)
    parser.add_argument("--second", action="store_true")
    asked = parser.parse_args()
    home = Home(asked.home)
    if asked.second:
        _second(home)
        return
    opened = catalogs.open(home.lake)
    if asked.many:
        make(home.lake, "many.first", Sick(files=40, rows=5, partitions=3, snapshots=4))
        for number in range(20):
            namespace = f"many_{number:02}"
            many(home, opened.load_table(("many", "first")), namespace, asked.many // 20)
        return
    make(home.lake, ODD, Sick(files=24, rows=5, partitions=3, snapshots=4, tags=["a <b>tag</b>"]))
    make(home.lake, "shapes.nested", Sick(nested=True, branches=["audit"], tags=["v1"]))
    make(home.lake, "shapes.branches", Sick(files=12, snapshots=8, branches=["dev", "audit"], tags=["v1", "v2"]))
    make(home.lake, "shapes.empty", Sick(files=0))
    for name in ("moves", "forms", "tabs", "plain", "past"):
        make(home.lake, f"work.{name}", Sick(files=6, snapshots=2))
    _long(home)


def _second(home: Home) -> None:
    lake = catalogs.create_embedded("second", str(home.folder / "second.db"), str(home.folder / "second"))
    make(home.lake, "near.by", Sick(files=6))
    make(lake, "far.away", Sick(files=6))
    second = {"type": "sql", "properties": {key: text for key, text in lake["properties"].items() if key != "type"}}
    settings = {"catalogs": {"drls": {"type": "embedded"}, "second": second}}
    (home.folder / "config.json").write_text(json.dumps(settings))


def _long(home: Home) -> None:
    """Make a table of 5,000 snapshots: they add nothing and share a manifest list, so a new metadata file is enough."""
    make(home.lake, "shapes.long", Sick(files=2, snapshots=1))
    before = Path(home.table("shapes.long").metadata_location.removeprefix("file://"))
    metadata = json.loads(before.read_text())
    first = metadata["snapshots"][-1]
    # A minute apart, the last of them now.
    start = int(time.time() * 1000) - SNAPSHOTS * 60_000
    first["timestamp-ms"] = metadata["snapshot-log"][-1]["timestamp-ms"] = start
    for number in range(1, SNAPSHOTS):
        made = {
            **first,
            "snapshot-id": number,
            "parent-snapshot-id": metadata["snapshots"][-1]["snapshot-id"],
            "sequence-number": first["sequence-number"] + number,
            "timestamp-ms": start + number * 60_000,
        }
        metadata["snapshots"].append(made)
        metadata["snapshot-log"].append({"snapshot-id": number, "timestamp-ms": start + number * 60_000})
    metadata["current-snapshot-id"] = number
    metadata["refs"]["main"]["snapshot-id"] = number
    metadata["last-sequence-number"] += SNAPSHOTS
    metadata["last-updated-ms"] = start + SNAPSHOTS * 60_000
    after = before.with_name(f"99999-{uuid.uuid4()}.metadata.json")
    after.write_text(json.dumps(metadata))
    with contextlib.closing(sqlite3.connect(home.folder / "catalog.db", timeout=30)) as db, db:
        db.execute(
            "UPDATE iceberg_tables SET metadata_location = ? WHERE table_namespace = 'shapes' AND table_name = 'long'",
            (f"file://{after}",),
        )


if __name__ == "__main__":
    main()
