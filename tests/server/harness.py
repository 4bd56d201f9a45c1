"""Drives the real `drls` from outside: a home of its own, the command line, the server and its HTTP interface."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import pyarrow as pa

from drls import catalog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pyiceberg.table import Table

    from drls.catalog import Catalog

TOP = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("DRLS_BIN", TOP / "target" / "release" / "drls"))
PLUGINS = Path(os.environ.get("DRLS_PLUGINS", TOP / "target" / "plugins"))

PATIENCE = 120
"""Seconds to wait for what takes one or two on a quiet machine."""


def until(what: str, true: Callable[[], Any], seconds: float = PATIENCE, every: float = 0.1) -> Any:
    """Wait for a truthy answer and give it; fail with `what` where there is none in time."""
    end = time.monotonic() + seconds
    while True:
        answer = true()
        if answer:
            return answer
        assert time.monotonic() < end, f"not in {seconds} s: {what}"
        time.sleep(every)


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; `body` is the JSON of it, or none."""

    status: int
    headers: Mapping[str, str]
    text: str
    body: Any

    def ok(self) -> Any:
        """Give the body of a success."""
        assert self.status in (200, 202), f"{self.status} {self.text}"
        return self.body

    def problem(self, status: int, code: str) -> Any:
        """Give the problem that this answer must be; it may show nothing of the server's insides."""
        assert (self.status, self.body.get("code")) == (status, code), f"{self.status} {self.text}"
        assert self.headers["content-type"] == "application/problem+json"
        assert self.body["status"] == status
        assert self.body["detail"], "the problem is told in words"
        assert self.body["request_id"] == self.headers["x-request-id"]
        told_nothing_inside(self.text)
        return self.body


def told_nothing_inside(text: str) -> None:
    """See that words for a client hold no path of the server, no traceback, no SQL."""
    for inside in ("Traceback", 'File "', ".py", "SELECT ", "sqlite", "warehouse/", "catalog.db", "/tmp/", ".rs:"):  # noqa: S108
        assert inside not in text, f"{inside!r} in {text}"


@dataclass(frozen=True)
class Api:
    """The interface of a server, as one user."""

    host: str
    token: str | None

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        **query: Any,
    ) -> Answer:
        """Send one request. A body of bytes goes as it is, any other as JSON."""
        address = f"{path}?{urlencode(query)}" if query else path
        sent = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        if data is not None:
            sent["Content-Type"] = "application/json"
        connection = http.client.HTTPConnection(self.host, timeout=PATIENCE)
        with contextlib.closing(connection):
            connection.request(method, address, data, sent | dict(headers or {}))
            answer = connection.getresponse()
            text = answer.read().decode()
            known = {key.lower(): value for key, value in answer.getheaders()}
            is_json = "json" in known.get("content-type", "") and "event-stream" not in known["content-type"]
            return Answer(answer.status, known, text, json.loads(text) if is_json else None)

    def get(self, path: str, **query: Any) -> Answer:
        """Read."""
        return self.ask("GET", path, **query)

    def post(self, path: str, body: Any = None, headers: Mapping[str, str] | None = None, **query: Any) -> Answer:
        """Ask for something."""
        return self.ask("POST", path, body, headers, **query)

    def table(self, name: str, page: str, **query: Any) -> Answer:
        """Read a page of a table."""
        return self.get(f"/api/table/{quote(name, safe='')}/{page}", **query)

    def all(self, path: str, **query: Any) -> list[Any]:
        """Read a list to its end, page by page."""
        items: list[Any] = []
        cursor: dict[str, str] = {}
        while True:
            page = self.get(path, **query, **cursor).ok()
            items += page["items"]
            if page["next"] is None:
                return items
            cursor = {"cursor": page["next"]}

    def plan(self, operation: str, table: str, **arguments: Any) -> Any:
        """Plan an operation; give the plan."""
        body = {"table": table, "arguments": arguments, "dry_run": True}
        return self.post(f"/api/operations/{operation}", body).ok()["plan"]

    def begin(self, operation: str, table: str, plan: str | None = None, **arguments: Any) -> Any:
        """Put an operation in the queue; give the job."""
        body = {"table": table, "arguments": arguments} | ({"plan": plan} if plan else {})
        return self.post(f"/api/operations/{operation}", body).ok()["job"]

    def run(self, operation: str, table: str, plan: str | None = None, **arguments: Any) -> Any:
        """Carry out an operation; give the job that succeeded."""
        return self.succeeded(self.begin(operation, table, plan, **arguments))

    def job(self, job: Any) -> Any:
        """Look at a job again."""
        return self.get(f"/api/jobs/{job['id']}").ok()

    def ended(self, job: Any) -> Any:
        """Wait until a job has ended."""

        def look() -> Any:
            now = self.ask("GET", f"/api/jobs/{job['id']}", headers={"Prefer": "wait=10"}).ok()
            return now if now["state"] in ("succeeded", "failed", "cancelled") else None

        return until(f"the job {job['id']} ends", look, 300)

    def succeeded(self, job: Any) -> Any:
        """Wait until a job has succeeded."""
        ended = self.ended(job)
        assert ended["state"] == "succeeded", ended["error"]
        return ended

    def undo(self, job: Any) -> Any:
        """Undo a job; give the job that did."""
        return self.succeeded(self.post(f"/api/jobs/{job['id']}/undo").ok()["job"])


def loaded(api: Api) -> set[str]:
    """The plugins that serve."""
    return {one["id"] for one in api.get("/api/plugins").ok()["items"] if one["state"] == "active"}


@dataclass
class Home:
    """A home, and what the tests do with it past the server."""

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> Home:
        """Give a home with the plugins in it."""
        (folder / "plugins").mkdir(parents=True)
        for file in sorted(PLUGINS.glob("*.wasm")):
            shutil.copy(file, folder / "plugins")
        return cls(folder)

    def drls(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        command = [str(BINARY), "--home", str(self.folder), *words]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)

    def user(self, name: str, role: str) -> str:
        """Add a user and give the token."""
        done = self.drls("user", "add", name, "--role", role, "--token")
        assert done.returncode == 0, done.stderr
        return done.stdout.split()[-1]

    @property
    def lake(self) -> Catalog:
        """The embedded catalog, for PyIceberg."""
        return catalog.create_embedded("drls", str(self.folder / "catalog.db"), str(self.folder / "warehouse"))

    def table(self, name: str) -> Table:
        """A table, read anew by PyIceberg."""
        return catalog.open(self.lake).load_table(tuple(name.split(".")))

    def rows(self, name: str, columns: Iterable[str] = ("*",)) -> pa.Table:
        """All rows of a table by PyIceberg, in an order that follows from the rows alone."""
        return ordered(self.table(name).scan(selected_fields=tuple(columns)).to_arrow())

    def bytes_of(self, name: str) -> int:
        """The bytes of every file under a table's folder but its metadata files, of which each commit adds one."""
        folder = Path(self.table(name).location().removeprefix("file://"))
        files = (file for file in folder.rglob("*") if file.is_file() and not file.name.endswith(".metadata.json"))
        return sum(file.stat().st_size for file in files)

    def processes(self, name: str = "") -> list[int]:
        """Processes whose command line names this home, and `name`."""
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes().decode(errors="replace")
                if str(self.folder) in words and name in words.split("\0")[0]:
                    found.append(int(entry.name))
        return found

    def java(self) -> list[int]:
        """The Java processes of this home."""
        return self.processes("java")

    def audit_holds(self) -> None:
        """See that the audit chain holds."""
        done = self.drls("doctor", "--audit", "--json")
        rows = [one for one in json.loads(done.stdout) if one["check"] == "audit"]
        assert [one["level"] for one in rows] == ["ok"], rows


def columns(home: Home, table: str) -> list[str]:
    """Give every path of the schema as PyIceberg reads it."""
    return sorted(home.table(table).schema()._name_to_id)  # noqa: SLF001 (no public list of nested names)


def ordered(rows: pa.Table) -> pa.Table:
    """Sort rows by every plain column, so that equal sets of rows are equal tables, however they were read."""
    # PyIceberg reads texts as "large" ones where a file has deletes.
    small = pa.schema(
        [pa.field(one.name, pa.string() if pa.types.is_large_string(one.type) else one.type) for one in rows.schema]
    )
    plain = [(one.name, "ascending") for one in small if one.type.num_fields == 0]
    return rows.cast(small).sort_by(plain).combine_chunks()


@dataclass
class Server:
    """A server on a free port."""

    home: Home
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[str] | None = None
    host: str = ""
    link: str = ""

    def start(self) -> None:
        """Start it and wait until it says where it is."""
        log = (self.home.folder / "server.log").open("ab")
        environment = {key: value for key, value in os.environ.items() if not key.startswith("DRLS_")}
        self.process = subprocess.Popen(
            [str(BINARY), "serve", "--home", str(self.home.folder), "--bind", "127.0.0.1:0"],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=environment | self.environment,
        )
        assert self.process.stdout is not None
        said = self.process.stdout.readline()
        found = re.search(r"http://(127\.0\.0\.1:\d+)/", said)
        assert found, f"it said {said!r}\n{self.log()[-3000:]}"
        self.host = found[1]

    def api(self, token: str | None) -> Api:
        """The interface for a user with this token."""
        return Api(self.host, token)

    def log(self) -> str:
        """What it logged so far."""
        return (self.home.folder / "server.log").read_text(errors="replace")

    def kill(self) -> None:
        """End it as a power cut would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self, by: int = signal.SIGTERM) -> None:
        """End it in order, by a signal; it must leave no process behind."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(by)
        status = self.process.wait(timeout=60)
        assert status == 0, f"ended with {status}\n{self.log()[-3000:]}"
        assert not self.home.processes(), "the server left processes behind"
