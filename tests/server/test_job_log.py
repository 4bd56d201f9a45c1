"""The log of a job in words: what its plugin wrote while it planned, its own steps, how it ended."""

from __future__ import annotations

import contextlib
import sqlite3
from datetime import datetime
from typing import TYPE_CHECKING, Any

import unruly
from component import digest, drop_in, other_build
from harness import PLUGINS, told_nothing_inside, until
from unruly import PLAN, Core

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness import Api, Home, Server


def log(api: Api, job: Any) -> list[Any]:
    """Read the log of a job."""
    answer = api.get(f"/api/jobs/{job['id']}/log")
    told_nothing_inside(answer.text)
    lines: list[Any] = answer.ok()["items"]
    assert [one["at"] for one in lines] == sorted(one["at"] for one in lines)
    return lines


def texts(lines: list[Any], source: str) -> list[str]:
    """Give what a source says."""
    return [one["text"] for one in lines if one["source"] == source]


def test_the_log_tells_who_asked_what_was_done_and_how_it_ended(
    api: Api, home: Home, server: Server, new: Callable[..., str]
) -> None:
    table = new(files=2)
    job = api.run("rename-column", table, path="value", name="worth")
    said = texts(log(api, job), "job")
    assert said[0] == f"admin asks for rename-column of {table}."
    assert said[1].startswith("It begins; it waited ")
    assert said[2] == "Step 1 of 1 is done: rename value to worth."
    assert said[3].startswith("It succeeded after ")
    undone = api.undo(job)
    assert texts(log(api, undone), "job")[0] == f"admin asks to undo job {job['id']} on {table}."
    viewer = server.api(home.user("vera", "viewer"))
    assert log(viewer, job) == log(api, job)
    server.api(None).get(f"/api/jobs/{job['id']}/log").problem(401, "not-signed-in")
    api.get("/api/jobs/no-such-job/log").problem(404, "job-not-found")


def test_what_a_plugin_wrote_stands_in_the_log_of_the_job_that_it_planned_and_in_no_other(
    api: Api, home: Home, new: Callable[..., str]
) -> None:
    folder, built = home.folder / "plugins", (PLUGINS / "compact.wasm").read_bytes()
    core = Core(built, PLAN)
    component = other_build(
        core.that(core.lets_go + unruly.plans_nothing_and_says(core.log, "looked, with token=hunter2, at all")),
        selftests=[],
    )
    before = api.run("add-column", new(files=2), path="note", type="string")
    drop_in(folder, "compact.wasm", component)
    try:
        until("it serves", lambda: serving(api, "compact") == digest(component))
        first, second = (api.run("compact", new(files=2)) for _ in range(2))
        for job in (first, second):
            assert texts(log(api, job), "plugin") == ["looked, with token=<secret>, at all"]
        assert texts(log(api, before), "plugin") == []
        ring = api.get("/api/plugins/compact/log").ok()["items"]
        assert len(ring) >= 2, "the plugin's own log has the lines of both"
    finally:
        (folder / "compact.wasm").unlink()
        drop_in(folder, "compact.wasm", built)
        until("it is as it was built", lambda: serving(api, "compact") == digest(built))


def test_a_job_that_is_told_after_a_restart_has_sparks_lines_once_and_old_lines_are_forgotten(
    api: Api, home: Home, server: Server, token: str, new: Callable[..., str]
) -> None:
    old, left = (api.run("add-column", new(files=1), path="note", type="string") for _ in range(2))
    server.stop()
    now = datetime.now().astimezone()
    said = "the shuffle is slow"
    spark_log = home.folder / "logs" / "spark.log"
    spark_log.parent.mkdir(exist_ok=True)
    with spark_log.open("a") as file:
        file.write(f"{now:%y/%m/%d %H:%M:%S} WARN Shuffle: {said}\n")
    at = int(now.timestamp() * 1000)
    months_ago = at - 91 * 24 * 3_600_000
    with contextlib.closing(sqlite3.connect(home.folder / "drls.db")) as state, state:
        # As a server leaves it that was killed after it had kept what Spark said and before it could write the end.
        state.execute(
            "UPDATE jobs SET state = 'running', started_at = ?, ended_at = NULL, result = NULL,"
            """ steps = '[{"kind": "rewrite-manifests"}]' WHERE id = ?""",
            (at - 1000, left["id"]),
        )
        line = "INSERT INTO job_lines (job_id, at, source, level, text) VALUES (?, ?, ?, 'warn', ?)"
        state.execute(line, (left["id"], at, "spark", said))
        state.execute(line, (old["id"], months_ago, "spark", "long ago"))
    server.start()
    again = server.api(token)
    again.ended(left)
    assert texts(log(again, left), "spark") == [said]
    until("old lines are forgotten", lambda: texts(log(again, old), "spark") == [])
    assert again.job(old)["state"] == "succeeded", "the job stays"


def serving(api: Api, name: str) -> str | None:
    """Give the digest of what serves under a name."""
    found = [one["digest"] for one in api.get("/api/plugins").ok()["items"] if one["id"] == name and one["loaded_at"]]
    return found[0] if found else None
