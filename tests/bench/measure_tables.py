"""What a reader of the console waits for: health, schema and the list of tables."""

from __future__ import annotations

import contextlib
import hashlib
import queue
import sqlite3
import subprocess
import sys
import threading
import time
from functools import partial

import lakes
from figures import Row, in_turns, median, quantile, row, timed
from harness import PLUGINS, Api, Home, until
from measure_plugins import marked
from pyiceberg.io.pyarrow import PyArrowFileIO
from pyiceberg.manifest import clear_manifest_cache
from pyiceberg.serializers import FromInputFile
from wire import Wire, every_table, serving

from drls import catalog as catalogs

GROWN = "bench.grown"
SMALL = "bench.small"
COLD_ROUNDS = 5
FEW = 1000
"""Tables in the catalog when one of them changes."""
CHANGES = 7
RATE = 200
"""Requests a second at which the first page of the list is judged."""


def measure(home: Home, token: str, tables: int) -> dict[str, list[Row]]:
    """Make the tables, start a server, measure."""
    grown = lakes.grown(home, GROWN)
    small = catalogs.open(home.lake).create_table(tuple(SMALL.split(".")), grown.schema())
    found = {"health-cold": _cold(home, token, grown.metadata_location)}
    lakes.many(home, small, "many", FEW)
    with serving(home, token) as api:
        found["health-warm"] = _warm(home, api, token) + _one_changed(home, api, token)
    lakes.many(home, small, "more", max(0, tables - FEW))
    with serving(home, token) as api:
        found["list"] = _list(home, api, token)
    return found


def _cold(home: Home, token: str, metadata: str) -> list[Row]:
    """Each time a new server that has Python up and has never seen the table."""
    colds: list[float] = []
    first_ever: list[float] = []
    imports: list[float] = []
    peers: list[float] = []
    io = PyArrowFileIO()

    def bare() -> int:
        clear_manifest_cache()
        read = FromInputFile.table_metadata(io.new_input(metadata))
        snapshot = read.current_snapshot()
        assert snapshot is not None
        return sum(len(one.fetch_manifest_entry(io)) for one in snapshot.manifests(io))

    assert bare() == lakes.MANIFESTS * lakes.FILES_A_MANIFEST
    for _ in range(COLD_ROUNDS):
        _forget(home)
        with serving(home, token) as api:
            wire = Wire(api.host, token)
            first_ever.append(timed(partial(wire.get, f"/api/table/{SMALL}/health")))
            imports.append(timed(_imported))
            peers.append(timed(bare))
            colds.append(timed(partial(wire.get, f"/api/table/{GROWN}/health")))
            peers.append(timed(bare))
            files = wire.json(f"/api/table/{GROWN}/health")["facts"]["totals"]["data_files"]
            wire.close()
        assert files == lakes.MANIFESTS * lakes.FILES_A_MANIFEST
        assert _kept(home) >= lakes.MANIFESTS, "the manifests were read, and not found"
    return [
        row("health of a table never seen", median(colds), "ms", (2, "peer"), peer=median(peers)),
        row("first health of a server, Python starts", median(first_ever), "ms", None, median(imports)),
    ]


def _imported() -> None:
    """Start Python and import what the server's reads need."""
    subprocess.run([sys.executable, "-c", "import drls.catalog, drls.facts"], check=True)


def _forget(home: Home) -> None:
    with contextlib.closing(sqlite3.connect(home.folder / "drls.db", timeout=30)) as db, db:
        for table in ("metadata_files", "manifest_lists", "manifests", "reports"):
            db.execute(f"DELETE FROM {table}")  # noqa: S608 (the names are above)


def _kept(home: Home) -> int:
    with contextlib.closing(sqlite3.connect(home.folder / "drls.db", timeout=30)) as db:
        return int(db.execute("SELECT count(*) FROM manifests").fetchone()[0])


def _warm(home: Home, api: Api, token: str) -> list[Row]:
    namespace, name = GROWN.split(".")
    wire = Wire(api.host, token)
    catalog = catalogs.open(home.lake)
    found: list[Row] = []
    with contextlib.closing(sqlite3.connect(home.folder / "drls.db", timeout=30)) as db:
        query = "SELECT metadata_location, rules_digest, as_of, body FROM reports WHERE namespace = ? AND name = ?"

        def report() -> None:
            assert db.execute(query, (f'["{namespace}"]', name)).fetchone()

        wire.get(f"/api/table/{GROWN}/health")
        times = in_turns(
            10,
            50,
            health=lambda: wire.get(f"/api/table/{GROWN}/health"),
            schema=lambda: wire.get(f"/api/table/{GROWN}/schema"),
            status=lambda: wire.get("/api/session"),
            report=report,
        )
    catalog.load_table((namespace, name))  # the first opens the catalog
    # The metadata of 300 snapshots takes PyIceberg too long for as many rounds.
    peers = in_turns(10, 5, load=lambda: catalog.load_table((namespace, name)))["load"]
    wire.close()
    floors = times["report"]
    for what, under in (("health", 2), ("schema", 2)):
        mine = times[what]
        found.append(row(f"{what}, warm, p50", median(mine), "ms", None, median(floors), median(peers)))
        found.append(
            row(f"{what}, warm, p99", quantile(mine, 0.99), "ms", (under, "value"), quantile(floors, 0.99),
                quantile(peers, 0.99))
        )  # fmt: skip
    status = times["status"]
    found.append(row("a request that reads only who asks, p50", median(status), "ms"))
    found.append(row("a request that reads only who asks, p99", quantile(status, 0.99), "ms"))
    return found


def _one_changed(home: Home, api: Api, token: str) -> list[Row]:
    """From a look at the list after a commit to one table until the list has its new report."""
    wire = Wire(api.host, token)
    until("every table is judged", lambda: all(one["health"] for one in every_table(wire)), 300, 1)
    catalog = catalogs.open(home.lake)
    times: list[float] = []
    before = _judged(wire)
    for number in range(CHANGES):
        name = f"table_{number * 100:05}"
        with catalog.load_table(("many", name)).transaction() as change:
            change.set_properties({"bench": str(number)})

        def fresh(name: str = name) -> bool:
            listed = wire.json(f"/api/tables?search={name}")["items"]
            return not listed[0]["health"]["stale"]

        times.append(timed(partial(until, "the new report", fresh, 60, 0.001)))
    worked_on = _judged(wire) - before
    wire.close()
    return [
        row(f"one of {FEW:,} tables changed, until its new report", median(times), "ms", (50, "value")),
        row(f"tables judged for {CHANGES} changes", worked_on, "tables", (CHANGES + 0.5, "value"), floor=CHANGES),
    ]


def _judged(wire: Wire) -> int:
    """How often a rule was called since the server started: once for each table that is judged."""
    lines = wire.get("/metrics").decode().splitlines()
    mine = (one for one in lines if one.startswith('drls_plugin_calls_total{plugin="small-files"'))
    return sum(int(one.split()[-1]) for one in mine)


def _list(home: Home, api: Api, token: str) -> list[Row]:
    wire = Wire(api.host, token)
    catalog = catalogs.open(home.lake)
    until("every table is judged", lambda: all(one["health"] for one in every_table(wire)), 300, 1)
    with contextlib.closing(sqlite3.connect(home.folder / "catalog.db", timeout=30)) as db:
        query = "SELECT table_namespace, table_name, metadata_location FROM iceberg_tables ORDER BY 1, 2"
        names = len(db.execute(query).fetchall())
        assert len(list(every_table(wire))) == names
        times = in_turns(
            5,
            4,
            first=lambda: wire.get("/api/tables"),
            pages=lambda: _all_bytes(wire),
            select=lambda: db.execute(query).fetchall(),
            peer=lambda: [catalog.list_tables(one) for one in catalog.list_namespaces()],
        )
    floor, peer = median(times["select"]), median(times["peer"])
    paced = _paced(api.host, token, "/api/tables")
    anew = _judged_anew(home, api, wire, names)
    wire.close()
    return [
        row(f"all pages of {names:,} tables", median(times["pages"]), "ms", (4, "floor"), floor, peer),
        row("first page, alone, p50", median(times["first"]), "ms", None, floor, peer),
        row(f"first page at {RATE} requests/s, p99", quantile(paced, 0.99), "ms", (10, "value"), floor, peer),
        row(f"first page at {RATE} requests/s, p50", median(paced), "ms", None, floor, peer),
        row(f"{names:,} tables judged anew by a changed rule", anew / 1000, "s", (2, "value")),
    ]


def _judged_anew(home: Home, api: Api, wire: Wire, names: int) -> float:
    """From `rename(2)` of another build of a rule until every listed table has its report; no table is read again."""
    name = "small-files.wasm"
    component = marked((PLUGINS / name).read_bytes(), 1)
    digest = hashlib.sha256(component).hexdigest()
    beside = home.folder / "plugins" / ".swap.part"
    beside.write_bytes(component)

    before = _judged(wire)

    def work() -> None:
        beside.rename(home.folder / "plugins" / name)
        until("it serves", lambda: api.get("/api/plugins/small-files").ok()["digest"] == digest, every=0.01)
        wire.get("/api/tables?limit=1")
        # Looked at through the figures first: reading the list would take a good part of a small machine.
        until("its calls are made", lambda: _judged(wire) >= before + names, 900, 0.05)
        until("every report is of it", lambda: not any(one["health"]["stale"] for one in every_table(wire)), 60, 0.05)

    return timed(work)


def _all_bytes(wire: Wire) -> int:
    """Every page as it comes: what a client makes of the JSON is no time of the server."""
    size, cursor = 0, ""
    while True:
        body = wire.get(f"/api/tables?limit=1000{cursor}")
        size += len(body)
        following = body.rsplit(b'"next":', 1)[1]
        if following.startswith(b"null"):
            return size
        cursor = "&cursor=" + following.split(b'"')[1].decode()


def _paced(host: str, token: str, path: str, seconds: int = 3, connections: int = 8) -> list[float]:
    """Milliseconds from when each request was due, whether or not the ones before were answered by then."""
    due: queue.SimpleQueue[float] = queue.SimpleQueue()
    begin = time.perf_counter() + 0.1
    for number in range(RATE * seconds):
        due.put(begin + number / RATE)
    times: list[float] = []

    def one() -> None:
        wire = Wire(host, token)
        with contextlib.suppress(queue.Empty):
            while True:
                at = due.get_nowait()
                time.sleep(max(0.0, at - time.perf_counter()))
                wire.get(path)
                times.append((time.perf_counter() - at) * 1000)
        wire.close()

    threads = [threading.Thread(target=one) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(times) == RATE * seconds
    return times
