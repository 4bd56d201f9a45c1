"""A file of a table is damaged or gone: what needs it says so, and everything else goes on."""

from __future__ import annotations

import itertools
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from rig import WAIT, Rig, served
from sick_tables import Sick, make

from drls import facts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness import Home

    Damage = Callable[[bytes], bytes | None]

SOUND = "damage.sound"
PAGES = ("health", "schema", "snapshots", "refs", "files", "partitions", "preview")
NEEDS = {
    "metadata": {*PAGES, "add-column", "expire", "compact", "rollback"},
    "list": {"health", "files", "partitions", "preview", "expire", "compact"},
    "manifest": {"health", "files", "partitions", "preview", "expire", "compact"},
    "data": {"preview"},
}
"""By the kind of the damaged file, the pages and plans that can't be answered without it."""
PLANS: dict[str, dict[str, Any]] = {
    "add-column": {"path": "note", "type": "string"},
    "expire": {"older_than": "2100-01-01T00:00:00Z", "retain_last": 1},
    "compact": {},
    "rollback": {"to": "2100-01-01T00:00:00Z"},
}
NUMBERS = itertools.count(1)
DAMAGES = [
    pytest.param(lambda _: None, id="missing"),
    pytest.param(lambda _: b"", id="empty"),
    pytest.param(lambda whole: whole[: len(whole) // 2], id="half"),
    pytest.param(lambda whole: whole[:-3], id="cut short"),
    pytest.param(lambda whole: whole[: len(whole) // 2] + bytes(len(whole) - len(whole) // 2), id="zeros"),
    pytest.param(lambda whole: random.Random(7).randbytes(len(whole)), id="noise"),  # noqa: S311
    pytest.param(lambda _: b"\x1f\x8b\x08\x00" + bytes(range(200)), id="gzip of nothing"),
    pytest.param(lambda _: b'{"format-version": 2, "location": 7}', id="other JSON"),
]


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Give a running server with a table that nothing happens to."""
    with served(tmp_path_factory.mktemp("damage")) as running:
        make(running.home.lake, SOUND, Sick(files=2))
        yield running


def file_of(home: Home, table: str, kind: str) -> Path:
    """Give a file of the table; nothing of it is kept in memory here or in the server."""
    now = home.table(table)
    snapshot = now.current_snapshot()
    assert snapshot is not None
    if kind == "metadata":
        found = now.metadata_location
    elif kind == "list":
        found = snapshot.manifest_list
    else:
        found = facts.read_manifest_lists([snapshot.manifest_list], {})[0]["manifests"][0]["path"]
        if kind == "data":
            manifests = facts.read_manifest_lists([snapshot.manifest_list], {})[0]["manifests"]
            found = facts.read_manifests(now.metadata_location, manifests[:1], {})[0]["file"][0]
    return Path(found.removeprefix("file://"))


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("kind", NEEDS)
def test_what_needs_a_damaged_file_says_so_and_the_rest_goes_on(rig: Rig, kind: str, damage: Damage) -> None:
    table = f"damage.t{next(NUMBERS)}"
    make(rig.home.lake, table, Sick(files=3, snapshots=2))
    file = file_of(rig.home, table, kind)
    whole = file.read_bytes()
    left = damage(whole)
    file.unlink()
    if left is not None:
        file.write_bytes(left)
    answers = {page: rig.api.table(table, page) for page in PAGES}
    answers |= {
        operation: rig.api.post(
            f"/api/operations/{operation}", {"table": table, "arguments": arguments, "dry_run": True}
        )
        for operation, arguments in PLANS.items()
    }
    for asked, answer in answers.items():
        if asked in NEEDS[kind]:
            problem = answer.problem(502, "corrupt-metadata")
            assert asked == "preview" or file.name in problem["detail"], "it names the file"
        else:
            answer.ok()
    ran = rig.ask("expire", table, **PLANS["expire"])
    if kind == "data":
        assert ran.ok()["job"]["state"] == "succeeded", "metadata alone is changed"
    else:
        ran.problem(502, "corrupt-metadata")
    assert {table, SOUND} <= {one["name"] for one in rig.api.all("/api/tables", namespace="damage")}
    rig.api.table(SOUND, "health").ok()
    rig.every_job_has_ended()
    file.write_bytes(whole)
    for page in PAGES:
        rig.api.table(table, page).ok()
    rig.api.succeeded(rig.ask("add-column", table, **PLANS["add-column"]).ok()["job"])


def test_a_file_that_goes_bad_after_the_plan_fails_the_job_before_it_changes_anything(rig: Rig) -> None:
    table = "damage.later"
    make(rig.home.lake, table, Sick(files=3, snapshots=3))
    was = rig.home.table(table).metadata_location
    plan = rig.api.plan("expire", table, **PLANS["expire"])
    # An older snapshot's list: the plan has read it, the deletion of its files needs it.
    oldest = rig.home.table(table).metadata.snapshots[0]
    file = Path(oldest.manifest_list.removeprefix("file://"))
    whole = file.read_bytes()
    file.write_bytes(whole[:100])
    answer = rig.api.post("/api/expire", {"table": table, "plan": plan["id"]}, WAIT)
    job = rig.outcome(answer, {"corrupt-metadata"})
    moved = rig.home.table(table).metadata_location != was
    if job is not None and job["state"] == "succeeded":
        # The snapshots are gone, their files could not be told apart: they stay, and are told.
        assert moved
        assert job["result"]["steps"][0]["deleted"]["failed"], job["result"]
        assert job["result"]["bytes_freed"] == 0
    else:
        assert not moved
    rows = rig.home.rows(table)
    rig.reads(table, rows)
    file.write_bytes(whole)
