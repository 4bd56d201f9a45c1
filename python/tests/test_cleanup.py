"""Expiry and orphans: exactly the files that nothing needs any more, to the byte."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pyiceberg.exceptions import CommitFailedException

from drls import catalog, operations, storage
from drls.cleanup import ORPHAN_FLOOR_MS
from drls.errors import DrlsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Read
    from sick_tables import Truth

    from drls.catalog import Catalog

HOUR_MS = 3_600_000


def expire(lake: Catalog, name: str, snapshots: list[int]) -> Any:
    """Expire snapshots of a table."""
    *namespace, short = name.split(".")
    return operations.expire_snapshots(
        catalog=lake, namespace=namespace, name=short, snapshot_ids=snapshots, job_id="job-1"
    )


def orphans(lake: Catalog, name: str, older_than: int | None = None) -> Any:
    """Remove orphans of a table."""
    *namespace, short = name.split(".")
    limit = int(time.time() * 1000) if older_than is None else older_than
    return operations.remove_orphan_files(
        catalog=lake, namespace=namespace, name=short, older_than=limit, job_id="job-1"
    )


def without_metadata(files: dict[str, int]) -> dict[str, int]:
    """Leave out metadata files: a commit writes a new one."""
    return {path: size for path, size in files.items() if not path.endswith(".metadata.json")}


def test_frees_to_the_byte_what_it_says(
    lake: Catalog, sick: Callable[..., Truth], disk: Callable[[str], dict[str, int]], sql: Callable[[str], Any]
) -> None:
    truth = sick("clean.exact", files=12, snapshots=6, position_deletes=2, tags=["keep"], branches=["dev"])
    sql(
        "CALL drls.system.rewrite_data_files(table => 'clean.exact', "
        "options => map('rewrite-all', 'true', 'remove-dangling-deletes', 'true'))"
    )
    sql("CALL drls.system.rewrite_manifests('clean.exact')")
    rows = sql("SELECT count(*) AS n, sum(id) AS s FROM drls.clean.exact")
    tagged = sql("SELECT count(*) AS n FROM drls.clean.exact VERSION AS OF 'keep'")
    before = without_metadata(disk("clean.exact"))
    done = expire(lake, "clean.exact", truth["snapshots"][1:-1])
    after = without_metadata(disk("clean.exact"))
    gone = {path: size for path, size in before.items() if path not in after and not path.endswith(".crc")}
    assert done["snapshots_removed"] == 4
    assert done["deleted"]["bytes"] == sum(gone.values())
    assert done["deleted"]["manifest_lists"] == 4
    assert done["deleted"]["failed"] == []
    # The branch dev is at the snapshot before the rewrite, so that its data files stay.
    assert done["deleted"]["data_files"] == 0
    assert sql("SELECT count(*) AS n, sum(id) AS s FROM drls.clean.exact") == rows
    assert sql("SELECT count(*) AS n FROM drls.clean.exact VERSION AS OF 'keep'") == tagged
    assert sql("SELECT count(*) AS n FROM drls.clean.exact VERSION AS OF 'dev'") == [{"n": truth["live_rows"]}]
    catalog.load(lake, ["clean"], "exact").manage_snapshots().remove_branch("dev").remove_tag("keep").commit()
    before = without_metadata(disk("clean.exact"))
    done = expire(lake, "clean.exact", truth["snapshots"])
    after = without_metadata(disk("clean.exact"))
    gone = {path: size for path, size in before.items() if path not in after and not path.endswith(".crc")}
    assert done["deleted"]["bytes"] == sum(gone.values())
    assert done["deleted"]["data_files"] == 12
    left = {storage.canonical(one["file_path"]) for one in sql("SELECT file_path FROM drls.clean.exact.all_files")}
    assert {path for path in after if "/data/" in path and not path.endswith(".crc")} == left
    assert sql("SELECT count(*) AS n, sum(id) AS s FROM drls.clean.exact") == rows
    assert catalog.load(lake, ["clean"], "exact").scan().count() == rows[0]["n"]


def test_expiring_nothing_changes_nothing(lake: Catalog, sick: Callable[..., Truth]) -> None:
    sick("clean.nothing", files=2)
    done = expire(lake, "clean.nothing", [1, 2])
    assert done["metadata_location"] == done["previous_metadata_location"]
    assert (done["snapshots_removed"], done["deleted"]["bytes"]) == (0, 0)


def test_keeps_what_a_branch_or_tag_points_to(lake: Catalog, sick: Callable[..., Truth]) -> None:
    truth = sick("clean.pinned", files=4, snapshots=4, tags=["v1"])
    for pinned, name in ((truth["snapshots"][0], "v1"), (truth["snapshots"][-1], "main")):
        with pytest.raises(DrlsError) as told:
            expire(lake, "clean.pinned", [truth["snapshots"][1], pinned])
        assert told.value.code == "invalid-argument"
        assert name in told.value.detail
    assert len(catalog.load(lake, ["clean"], "pinned").snapshots()) == 4


def test_a_tag_that_comes_in_between_is_not_dropped(
    lake: Catalog, sick: Callable[..., Truth], monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = sick("clean.raced", files=3, snapshots=3)
    opened = catalog.open(lake)
    commit = type(opened).commit_table

    def race(self: Any, table: Any, requirements: Any, updates: Any) -> Any:
        monkeypatch.setattr(type(opened), "commit_table", commit)
        catalog.load(lake, ["clean"], "raced").manage_snapshots().create_tag(truth["snapshots"][0], "now").commit()
        return commit(self, table, requirements, updates)

    monkeypatch.setattr(type(opened), "commit_table", race)
    with pytest.raises(DrlsError) as told:
        expire(lake, "clean.raced", [truth["snapshots"][0]])
    assert told.value.code == "invalid-argument"
    table = catalog.load(lake, ["clean"], "raced")
    assert table.metadata.refs["now"].snapshot_id == truth["snapshots"][0]
    assert table.scan(snapshot_id=truth["snapshots"][0]).count() == 10


def test_a_commit_that_comes_in_between_keeps_its_files(
    lake: Catalog, sick: Callable[..., Truth], monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = sick("clean.written", files=3, snapshots=3)
    opened = catalog.open(lake)
    commit = type(opened).commit_table

    def race(self: Any, table: Any, requirements: Any, updates: Any) -> Any:
        done = commit(self, table, requirements, updates)
        monkeypatch.setattr(type(opened), "commit_table", commit)
        catalog.load(lake, ["clean"], "written").append(catalog.load(lake, ["clean"], "written").scan().to_arrow())
        return done

    monkeypatch.setattr(type(opened), "commit_table", race)
    done = expire(lake, "clean.written", truth["snapshots"][:2])
    assert done["snapshots_removed"] == 2
    assert catalog.load(lake, ["clean"], "written").scan().count() == 60


def test_tells_files_that_could_not_be_deleted(
    lake: Catalog, sick: Callable[..., Truth], monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = sick("clean.stubborn", files=3, snapshots=3)
    delete = storage.delete

    def refuse(path: str, io: Any) -> bool:
        if "snap-" in path:
            raise PermissionError(13, "Permission denied", path)
        return delete(path, io)

    monkeypatch.setattr(storage, "delete", refuse)
    done = expire(lake, "clean.stubborn", truth["snapshots"][:1])
    assert done["snapshots_removed"] == 1
    assert len(done["deleted"]["failed"]) == 1
    assert done["deleted"]["failed"][0].startswith("metadata/snap-")


def test_a_damaged_old_snapshot_can_be_expired(
    lake: Catalog, sick: Callable[..., Truth], read: Callable[[str], Read]
) -> None:
    truth = sick("clean.broken", files=3, snapshots=3)
    lost = read("clean.broken").metadata["snapshots"][0]["manifest_list"]
    Path(lost.removeprefix("file://")).unlink()
    done = expire(lake, "clean.broken", truth["snapshots"][:2])
    assert done["snapshots_removed"] == 2
    assert "snap-" in done["deleted"]["failed"][0]
    assert catalog.load(lake, ["clean"], "broken").scan().count() == truth["live_rows"]


def test_refuses_tables_whose_files_others_may_use(lake: Catalog, sick: Callable[..., Truth]) -> None:
    truth = sick("clean.shared", files=2, snapshots=2, properties=[("gc.enabled", "false")])
    attempts: list[Callable[[], Any]] = [
        lambda: expire(lake, "clean.shared", truth["snapshots"][:1]),
        lambda: orphans(lake, "clean.shared"),
    ]
    for attempt in attempts:
        with pytest.raises(DrlsError) as told:
            attempt()
        assert "gc.enabled" in told.value.detail


def test_removes_orphans_and_nothing_else(
    lake: Catalog,
    sick: Callable[..., Truth],
    disk: Callable[[str], dict[str, int]],
    sql: Callable[[str], Any],
) -> None:
    truth = sick("clean.orphans", files=6, snapshots=3, position_deletes=2, orphans=3)
    sql("INSERT INTO drls.clean.orphans (id, region) VALUES (999, 'r0')")  # named file:/... by Spark
    sql("CALL drls.system.compute_table_stats('clean.orphans')")
    old = time.time() - 3 * 24 * 3600
    for path in disk("clean.orphans"):
        os.utime(path, (old, old))
    fresh = Path(truth["orphans"][0]).with_name("fresh.parquet")
    fresh.write_text("a commit under way")
    before = disk("clean.orphans")
    done = orphans(lake, "clean.orphans")
    gone = {path: size for path, size in before.items() if path not in disk("clean.orphans")}
    assert sorted(gone) == sorted(storage.canonical(path) for path in truth["orphans"])
    assert (done["files"], done["bytes"], done["failed"]) == (3, sum(gone.values()), [])
    assert sql("SELECT count(*) AS n FROM drls.clean.orphans") == [{"n": truth["live_rows"] + 1}]
    for snapshot in truth["snapshots"]:
        sql(f"SELECT count(*) FROM drls.clean.orphans VERSION AS OF {snapshot}")


def test_a_file_younger_than_a_day_stays_whatever_is_asked(lake: Catalog, sick: Callable[..., Truth]) -> None:
    truth = sick("clean.floor", files=1, orphans=2)
    now = time.time()
    for path, age_ms in zip(truth["orphans"], (ORPHAN_FLOOR_MS - HOUR_MS, ORPHAN_FLOOR_MS + HOUR_MS), strict=True):
        os.utime(path, (now - age_ms / 1000,) * 2)
    assert orphans(lake, "clean.floor", int(now * 1000) + 10 * ORPHAN_FLOOR_MS)["files"] == 1
    assert [Path(path).exists() for path in truth["orphans"]] == [True, False]
    assert orphans(lake, "clean.floor", int(now * 1000) - 30 * ORPHAN_FLOOR_MS)["files"] == 0


def test_a_table_inside_another_is_spared(
    lake: Catalog, sick: Callable[..., Truth], read: Callable[[str], Read]
) -> None:
    truth = sick("clean.outer", files=2, orphans=1)
    outer = catalog.load(lake, ["clean"], "outer")
    opened = catalog.open(lake)
    inner = opened.create_table(("clean", "inner"), outer.schema(), location=f"{outer.location()}/data/inner")
    inner.append(outer.scan().to_arrow())
    old = time.time() - 3 * 24 * 3600
    for file in Path(inner.location().removeprefix("file://")).rglob("*"):
        os.utime(file, (old, old))
    assert orphans(lake, "clean.outer")["files"] == 1
    assert inner.scan().count() == truth["live_rows"]
    with pytest.raises(DrlsError) as told:
        orphans(lake, "clean.inner")
    assert "clean.outer" in told.value.detail
    opened.drop_table(("clean", "inner"))
    assert read("clean.outer").metadata["current_snapshot_id"] == truth["snapshots"][-1]


def test_a_lost_race_is_told_as_a_conflict(
    lake: Catalog, sick: Callable[..., Truth], monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = sick("clean.lost", files=2, snapshots=2)

    def lose(*_arguments: object) -> None:
        raise CommitFailedException("somebody was faster")

    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    monkeypatch.setattr(type(catalog.open(lake)), "commit_table", lose)
    with pytest.raises(DrlsError) as told:
        expire(lake, "clean.lost", truth["snapshots"][:1])
    assert told.value.code == "commit-conflict"
    assert catalog.load(lake, ["clean"], "lost").scan(snapshot_id=truth["snapshots"][0]).count() == 10
