"""The first seconds of a server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sick_tables import Sick, make

if TYPE_CHECKING:
    from harness import Home, Server


def test_a_start_touches_neither_python_nor_java(home: Home, server: Server, token: str) -> None:
    parts = server.api(token).get("/api/health").ok()["parts"]
    assert {parts["python"]["state"], parts["spark"]["state"]} == {"idle"}
    assert server.process is not None
    mapped = Path(f"/proc/{server.process.pid}/maps").read_text()
    assert "site-packages" not in mapped
    assert not home.java()


def test_the_first_answer_after_a_start_is_whole(home: Home, server: Server, token: str) -> None:
    make(home.lake, "start.small", Sick(files=40, partitions=1, snapshots=2))
    server.stop()
    server.start()
    report = server.api(token).table("start.small", "health").ok()
    assert "small-files" in {one["code"] for one in report["findings"]}
    assert report["failed_rules"] == []


def test_the_console_is_found_from_the_folder_that_make_runs_in(server: Server, token: str) -> None:
    page = server.api(token).get("/").text
    assert '<div id="root">' in page, page[:500]
