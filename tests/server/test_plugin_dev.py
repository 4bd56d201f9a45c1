"""An author's loop beside a server: saved, built, served, followed."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import threading
import time
from datetime import datetime
from typing import TYPE_CHECKING

import pytest
from harness import BINARY, TOP, Api, Home, until
from sick_tables import Sick, make

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SERVER = 0.2
"""Seconds that a save may take to be served beside what its build takes."""
SLACK = 2.0
"""Seconds more where other suites run beside."""


class Dev:
    """`drls plugin dev` as it runs, and what it says."""

    def __init__(self, home: Home, folder: Path) -> None:
        """Start it."""
        environment = os.environ | {"CARGO_TARGET_DIR": str(TOP / "plugins" / "target")}
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [str(BINARY), "plugin", "dev", str(folder), "--home", str(home.folder)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
        )
        self.reader = threading.Thread(target=self._read)
        self.reader.start()
        self.seen = 0

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(line.rstrip("\n") for line in self.process.stdout)

    def says(self, part: str) -> str:
        """Wait for a line that holds this, and give it; lines before it are passed over."""

        def found() -> str | None:
            while self.seen < len(self.lines):
                self.seen += 1
                if part in self.lines[self.seen - 1]:
                    return self.lines[self.seen - 1]
            assert self.process.poll() is None, "\n".join(self.lines)
            return None

        said: str = until(f"{part!r}, which is not in {self.lines[-20:]}", found, 300, 0.02)
        return said

    def end(self) -> int:
        """End it as Ctrl-C does; give its status."""
        self.process.send_signal(signal.SIGINT)
        status = self.process.wait(60)
        self.reader.join()
        return status


@pytest.fixture
def rule(tmp_path: Path) -> Path:
    """Give the folder of a new rule, with the crates that the checkout's guests have."""
    folder = tmp_path / "seen-rule"
    command = [str(BINARY), "plugin", "new", "--kind", "health-rule", str(folder)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    shutil.copy(TOP / "plugins" / "Cargo.lock", folder)
    source = folder / "src" / "lib.rs"
    text = source.read_text()
    logging = 'drls_plugin::log::info(&format!("looks at {}", table.location()));\n        Ok(judge('
    assert text.count("Ok(judge(") == 1
    source.write_text(text.replace("Ok(judge(", logging))
    return folder


@pytest.fixture
def dev(api: Api, home: Home, rule: Path) -> Iterator[Dev]:
    """Give the loop as it runs beside a server."""
    assert api.get("/api/health").status == 200
    running = Dev(home, rule)
    yield running
    if running.process.poll() is None:
        running.process.kill()
        running.reader.join()


def test_a_save_is_built_served_and_followed(dev: Dev, api: Api, home: Home, rule: Path) -> None:
    make(home.lake, "dev.table", Sick(files=4, partitions=1, snapshots=3))
    dev.says("following the server at http://127.0.0.1:")
    dev.says("built: seen-rule 0.1.0 in ")
    dev.says("serves: seen-rule 0.1.0 (")
    report = api.table("dev.table", "health").ok()
    assert not [one for one in report["findings"] if one["rule"]["id"] == "seen-rule"]
    assert " 0.1.0 info: looks at file://" in dev.says("looks at")

    source = rule / "src" / "lib.rs"
    text = source.read_text().replace("Self { most: 100 }", "Self { most: 1 }")
    saved = time.time()
    source.write_text(text)
    built = re.search(r"built: seen-rule 0.1.0 in ([\d.]+) s; installed: ", dev.says("built: "))
    dev.says("serves: seen-rule 0.1.0 (")
    assert built
    plugin = api.get("/api/plugins/seen-rule").ok()
    serves = [one for one in plugin["history"] if one["state"] == "active"][-1]
    report = api.table("dev.table", "health").ok()
    found = [one for one in report["findings"] if one["rule"]["id"] == "seen-rule"]
    assert [one["code"] for one in found] == ["many-snapshots"]
    took = timestamp(serves["at"]) - saved - float(built[1])
    assert took < SERVER + SLACK, f"{took} s beside the build"

    api.post("/api/plugins/seen-rule/disable").ok()
    assert "disabled: seen-rule 0.1.0: by admin" in dev.says("disabled: ")
    api.post("/api/plugins/seen-rule/enable").ok()
    dev.says("serves: seen-rule")
    # The server refuses what the check of the kit has no way to know.
    values = {"seen-rule": {"config": {"most": 7}}}
    etag = api.get("/api/config").headers["etag"]
    api.ask("PUT", "/api/config", {"plugins": values}, {"If-Match": etag}).ok()
    source.write_text(text.replace("range(min = 1)", "range(min = 1, max = 5)"))
    assert "refused: seen-rule 0.1.0" in dev.says("refused: ")
    assert dev.end() == 0
    assert dev.lines[-1] == "ended"


def timestamp(text: str) -> float:
    """Give the seconds since 1970 of a time in RFC 3339."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def test_it_says_where_no_server_runs(rule: Path, tmp_path: Path) -> None:
    alone = Dev(Home(tmp_path / "alone"), rule)
    try:
        alone.says("no server runs on ")
        alone.says("built: seen-rule 0.1.0 in ")
        assert (tmp_path / "alone" / "plugins" / "seen-rule.wasm").is_file()
        assert alone.end() == 0
    finally:
        alone.process.kill()
        alone.reader.join()
