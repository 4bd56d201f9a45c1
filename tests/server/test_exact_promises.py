"""What a plan promises is what happens: files after a rewrite, bytes and snapshots after an expiry, orphans."""

from __future__ import annotations

import datetime as dt
import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from beside import Spark, quoted
from shapes import KEEPS, MERGE, VECTORS, statements
from sick_tables import Sick, make

from drls import spark, storage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from beside import Sql
    from harness import Api, Home

LONG = bool(os.environ.get("DRLS_LONG"))
HOUR = 3600
MIB = 1 << 20


@pytest.fixture(scope="module")
def environment(home: Home, remote: str) -> dict[str, str]:
    """Tell the server where Spark is, before it starts."""
    (home.folder / "config.json").write_text(json.dumps({"spark": {"remote": remote}}))
    return {}


@pytest.fixture(scope="module")
def sql(home: Home, remote: str) -> Iterator[Sql]:
    """Give `sql` of a session of the tests' own."""
    settings: spark.Settings = {
        "home": "", "jars": "", "memory": "1g", "master": "", "remote": remote, "java_home": "", "properties": {},
        "catalogs": [home.lake],
    }  # fmt: skip
    spark.configure(settings)
    yield spark.sql
    spark.stop()


def folder_of(home: Home, name: str) -> Path:
    """Give the folder that a table lies in."""
    return Path(storage.local_path(home.table(name).location()) or "")


def on_disk(home: Home, name: str) -> dict[str, int]:
    """Give path -> bytes of every file of a table.

    Left out: metadata files, of which each commit adds one, and the checksums that Hadoop keeps beside what it writes.
    """
    found = (file for file in folder_of(home, name).rglob("*") if file.is_file())
    return {
        storage.canonical(str(file)): file.stat().st_size
        for file in found
        if not file.name.endswith((".metadata.json", ".crc"))
    }


def beside(job: Any, plan: Any) -> tuple[Any, Any]:
    """Give the promise and the outcome of a job, which shows both in the same words."""
    assert job["plan"]["id"] == plan["id"]
    assert job["plan"]["effect"] == plan["effect"]
    assert plan["effect"].keys() <= job["result"].keys()
    return plan["effect"], job["result"]


BY_DAY = """
CREATE TABLE {t} (id BIGINT, at TIMESTAMP, region STRING) USING iceberg PARTITIONED BY (region, days(at));
INSERT INTO {t} SELECT id, TIMESTAMP'2026-01-01 00:00:00Z' + make_interval(0, 0, 0, cast(id % 45 AS INT)),
    concat('r', id % 2) FROM range(5000);
ALTER TABLE {t} REPLACE PARTITION FIELD days(at) WITH months(at)
"""

# 1,000 rows have some 11 KiB.
PLAIN = Sick(files=20, rows=1000, partitions=1, noise=True)
MIXED = (20_000, 5_000, 40_000, 10_000, 1_000)

BINPACK: dict[str, tuple[Sick | None, list[str], list[float]]] = {
    "one file": (PLAIN, [], [64]),
    "a file a partition": (Sick(files=42, rows=1000, partitions=6, noise=True), [], [64, 2]),
    "mixed sizes": (
        Sick(files=40, partitions=4, skew=3, sizes=(500, 1000, 5000, 200, 2500), noise=True), [], [64],
    ),
    "not partitioned any more": (
        Sick(files=30, rows=1000, partitions=3, noise=True),
        ["ALTER TABLE {t} DROP PARTITION FIELD region", "INSERT INTO {t} VALUES (90000, 'r0', 1), (90001, 'r7', 2)"],
        [64],
    ),
    "coarser partitions": (
        Sick(files=24, rows=1000, partitions=3, evolved=True, noise=True),
        ["ALTER TABLE {t} DROP PARTITION FIELD value"], [64],
    ),
    "months of days": (None, statements(BY_DAY), [64]),
    "with position deletes": (
        Sick(files=24, rows=1000, partitions=3, position_deletes=9, noise=True),
        [MERGE, "DELETE FROM {t} WHERE id IN (500, 900)"], [64],
    ),
    "with equality deletes": (Sick(files=24, rows=1000, partitions=3, equality_deletes=6, noise=True), [], [64]),
    "with deletion vectors": (None, statements(VECTORS), [64]),
    # What these rows take before they are compressed is far over the target.
    "well compressed": (Sick(files=64, rows=20_000, partitions=1, snapshots=1), [], [0.5, 6]),
    "under a tenth of a MiB": (Sick(files=40, rows=1000, partitions=2, snapshots=1, noise=True), [], [0.4, 0.09]),
    "several files": (Sick(files=64, rows=20_000, partitions=1, snapshots=1, noise=True), [], [8, 4, 2]),
    "several files a partition": (Sick(files=72, partitions=2, snapshots=1, sizes=MIXED, noise=True), [], [4, 2]),
    "equal files of many manifests": (Sick(files=64, rows=20_000, snapshots=16, partitions=1, noise=True), [], [8, 2]),
}  # fmt: skip

ESTIMATES: dict[str, tuple[Sick, list[str], float]] = {
    "buckets that came later": (PLAIN, ["ALTER TABLE {t} ADD PARTITION FIELD bucket(4, id)"], 0),
    "widths that came later": (PLAIN, ["ALTER TABLE {t} ADD PARTITION FIELD truncate(5000, id)"], 3),
    "rows without a partition": (
        PLAIN,
        ["ALTER TABLE {t} ADD PARTITION FIELD region", *["INSERT INTO {t} VALUES (1, NULL, 1), (2, 'r1', 2)"] * 3],
        0,
    ),
    "unlike files of many manifests": (
        Sick(files=72, partitions=1, snapshots=18, sizes=MIXED, noise=True), [], 2,
    ),
}  # fmt: skip
"""Further: the files at most that come out beside those told."""


def made_for(sql: Sql, home: Home, case: str, sick: Sick | None, changes: Sequence[str]) -> str:
    """Make the table of a case; give its name."""
    sql("CREATE NAMESPACE IF NOT EXISTS drls.binpack")
    name = f"binpack.{case.replace(' ', '_')}"
    if sick:
        make(home.lake, name, sick)
    for change in changes:
        sql(change.format(t=f"drls.{name}"))
    return name


def is_an_estimate(plan: Any) -> bool:
    """Whether a plan says that it does not know the number of files."""
    return any("number of files is an estimate" in one for one in plan["warnings"])


def compacted(api: Api, name: str, target: float, read: Callable[[], Any]) -> tuple[Any, Any]:
    """Compact a table, compare what is no number of files, and what it reads; give the plan and the job."""
    rows = read()
    options = {"target-file-size-bytes": str(int(target * MIB)), "min-input-files": "2"}
    plan = api.plan("compact", name, options=options)
    job = api.run("compact", name, plan["id"], options=options)
    promise, outcome = beside(job, plan)
    for figure in ("files_before", "delete_files_before", "bytes_read", "bytes_freed", "snapshots_removed"):
        assert outcome[figure] == promise[figure], (target, figure)
    files = api.all(f"/api/table/{name}/files")
    assert outcome["files_after"] == sum(one["content"] == "data" for one in files)
    assert outcome["delete_files_after"] == sum(one["content"] != "data" for one in files)
    assert promise["delete_files_after"] == outcome["delete_files_after"], target
    assert read() == rows
    return plan, job


@pytest.mark.parametrize("case", BINPACK)
def test_a_binpack_leaves_as_many_files_as_promised(api: Api, home: Home, sql: Sql, case: str) -> None:
    sick, changes, targets = BINPACK[case]
    name = made_for(sql, home, case, sick, changes)
    told = {}

    def read() -> Any:
        # PyIceberg, which is not who wrote them, but for what it can't read.
        if sick and sick.equality_deletes:
            return sql(f"SELECT * FROM drls.{name} ORDER BY id")
        return home.rows(name)

    for target in targets:
        groups = [one["data_bytes"] for one in api.all(f"/api/table/{name}/partitions")]
        plan, job = compacted(api, name, target, read)
        fits = max(groups) <= target * MIB
        told[target] = (plan["effect"]["files_after"], job["result"]["files_after"], fits, is_an_estimate(plan))
        if target != targets[-1]:
            api.undo(job)
    for promised, happened, fits, estimate in told.values():
        assert abs(promised - happened) <= (0 if fits else 0.1 * happened), told
        assert not (fits and estimate), f"it is known: {told}"


@pytest.mark.parametrize("case", ESTIMATES)
def test_a_number_of_files_that_nobody_knows_is_told_as_an_estimate(api: Api, home: Home, sql: Sql, case: str) -> None:
    sick, changes, further = ESTIMATES[case]
    name = made_for(sql, home, case, sick, changes)
    plan, job = compacted(api, name, 64 if sick is PLAIN else 2, lambda: home.rows(name))
    assert is_an_estimate(plan), plan["warnings"]
    told, happened = plan["effect"]["files_after"], job["result"]["files_after"]
    assert abs(happened - told) <= further, (told, happened)


def expired(api: Api, home: Home, name: str, **arguments: Any) -> Any:
    """Expire snapshots and compare promise, outcome and disk; give what the engine said."""
    said = quoted(name.split("."))
    before, snapshots = on_disk(home, name), {one.snapshot_id for one in home.table(name).metadata.snapshots}
    plan = api.plan("expire", said, **arguments)
    promise, outcome = beside(api.run("expire", said, plan["id"], **arguments), plan)
    after, left = on_disk(home, name), {one.snapshot_id for one in home.table(name).metadata.snapshots}
    assert after.items() <= before.items(), "nothing came to be or changed"
    gone = [before[path] for path in before.keys() - after.keys()]
    assert promise["bytes_freed"] == outcome["bytes_freed"] == sum(gone)
    assert promise["snapshots_removed"] == outcome["snapshots_removed"] == len(snapshots - left)
    assert plan["warnings"][0].startswith(f"Deletes {len(gone):,} file"), plan["warnings"]
    (deleted,) = (step["deleted"] for step in outcome["steps"])
    kinds = ("data_files", "delete_files", "manifests", "manifest_lists", "statistics_files")
    assert sum(deleted[kind] for kind in kinds) == len(gone)
    assert deleted["failed"] == []
    assert promise["files_after"] == outcome["files_after"]
    return deleted


def reached(spark: Spark, home: Home, name: str) -> set[str]:
    """Give every file that a table's snapshots need, by Spark, and its statistics, by PyIceberg."""
    metadata = home.table(name).metadata
    paths = [one["file_path"] for one in spark.rows("all_files")]
    paths += [one["path"] for one in spark.rows("all_manifests")]
    paths += [one["manifest_list"] for one in spark.rows("snapshots")]
    paths += [one.statistics_path for one in (*metadata.statistics, *metadata.partition_statistics)]
    return {storage.canonical(path) for path in paths}


EXPIRIES: dict[str, tuple[str, Sick, list[str]]] = {
    "every kind of file": (
        "expiry.all_kinds",
        Sick(files=18, snapshots=6, position_deletes=4, equality_deletes=2, tags=("v1",), branches=("dev",)),
        [],
    ),
    "v1": ("expiry.v1", Sick(files=18, snapshots=6, format_version=1, tags=("v1",), branches=("dev",)), []),
    "evolved, with retention": (
        "expiry.evolved",
        Sick(files=18, snapshots=6, evolved=True, nested=True, tags=("v1",), branches=("dev",)),
        [f"ALTER TABLE {{t}} CREATE BRANCH kept {KEEPS}", "ALTER TABLE {t} CREATE TAG year RETAIN 365 DAYS"],
    ),
    "spaces and letters": (
        "expiry.maß & 100% zahl",
        Sick(files=18, snapshots=6, position_deletes=4, tags=("v1",), branches=("dev",)),
        [],
    ),
}


@pytest.mark.parametrize("case", EXPIRIES)
def test_an_expiry_frees_to_the_byte_what_it_promised(api: Api, home: Home, sql: Sql, case: str) -> None:
    name, made, changes = EXPIRIES[case]
    make(home.lake, name, made)
    beside_it, said = Spark(sql, name.split(".")), quoted(name.split("."))
    for change in changes:
        sql(change.format(t=beside_it.name))

    def live() -> dict[str, int]:
        return {one["file_path"]: one["content"] for one in beside_it.rows("files")}

    def pinned() -> list[Any]:
        refs = [ref for ref in home.table(name).metadata.refs if ref != "main"]
        return [sql(f"SELECT * FROM {beside_it.name} VERSION AS OF '{ref}' ORDER BY id") for ref in sorted(refs)]

    sql(f"CALL drls.system.compute_table_stats('{said}')")
    sql(f"CALL drls.system.compute_partition_stats('{said}')")
    was, kept = live(), pinned()
    api.run("compact", said)
    sql(f"INSERT INTO {beside_it.name} (id, region, value) VALUES (1000, 'r0', 1), (1001, 'r9', 2)")
    sql(f"CALL drls.system.compute_table_stats('{said}')")
    api.run("rewrite-manifests", said)
    rows = home.rows(name)
    everything = {"older_than": "2100-01-01T00:00:00Z", "retain_last": 1}
    first = expired(api, home, name, **everything)
    assert first["manifest_lists"] > 0
    assert first["data_files"] == 0, "the branches still read the files before the rewrite"
    assert pinned() == kept
    assert set(on_disk(home, name)) == reached(beside_it, home, name)
    if changes:
        assert len(home.table(name).metadata.snapshots) >= 6, "five for the branch that says so, and the newest"
    for ref, held in home.table(name).metadata.refs.items():
        manage = home.table(name).manage_snapshots()
        if ref != "main":
            (manage.remove_branch if held.snapshot_ref_type == "branch" else manage.remove_tag)(ref).commit()
    second = expired(api, home, name, **everything)
    gone = [content for path, content in was.items() if path not in live()]
    assert second["data_files"] == gone.count(0) >= made.files
    assert second["delete_files"] == len(gone) - gone.count(0) == made.position_deletes + made.equality_deletes
    assert second["statistics_files"] == 2
    assert home.rows(name).equals(rows)
    assert set(on_disk(home, name)) == reached(beside_it, home, name)


def test_an_expiry_of_many_snapshots_frees_what_it_promised(api: Api, home: Home) -> None:
    name, idle = "expiry.many", 4980 if LONG else 480
    make(home.lake, name, Sick(files=20, snapshots=20, idle=idle))
    deleted = expired(api, home, name, older_than="2100-01-01T00:00:00Z", retain_last=10)
    assert deleted["manifest_lists"] == idle + 10
    assert deleted["data_files"] == 0
    assert home.rows(name).num_rows == 200


def aged(file: Path, hours: float) -> Path:
    """Give a file an age."""
    at = time.time() - hours * HOUR
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"x" * int(hours * 10))
    os.utime(file, (at, at))
    return file


def ago(hours: float) -> str:
    """Write the time that was so many hours ago."""
    return (dt.datetime.now(dt.timezone.utc) - dt.timedelta(hours=hours)).isoformat()


def test_orphans_of_the_last_day_stay_whatever_is_asked(api: Api, home: Home) -> None:
    name = "orphans.young"
    make(home.lake, name, Sick(files=4, position_deletes=1))
    rows, folder = home.rows(name), folder_of(home, name)
    ages = (0, 1, 23, 25, 71, 73)
    files = {hours: aged(folder / "data" / f"region=r{hours}" / f"left-{hours}.parquet", hours) for hours in ages}
    for late in (ago(23), ago(23.99), ago(0), ago(-1), "2100-01-01T00:00:00Z"):
        for words in ({"dry_run": True}, {}):
            body = {"table": name, "arguments": {"older_than": late}, **words}
            problem = api.post("/api/operations/remove-orphans", body).problem(422, "invalid-request")
            (error,) = problem["errors"]
            assert error["pointer"].endswith("/older_than")
            assert "less than 24 hours ago" in error["detail"]
    assert all(file.exists() for file in files.values())
    before = on_disk(home, name)
    plan = api.plan("remove-orphans", name)
    promise, outcome = beside(api.run("remove-orphans", name, plan["id"]), plan)
    assert promise["bytes_freed"] == outcome["bytes_freed"] == 730
    assert [hours for hours, file in files.items() if not file.exists()] == [73], "three days where nothing is said"
    since = {"older_than": ago(24.01)}
    plan = api.plan("remove-orphans", name, **since)
    promise, outcome = beside(api.run("remove-orphans", name, plan["id"], **since), plan)
    assert promise["bytes_freed"] == outcome["bytes_freed"] == 250 + 710
    assert [hours for hours, file in files.items() if file.exists()] == [0, 1, 23]
    gone = before.keys() - on_disk(home, name).keys()
    assert gone == {storage.canonical(str(files[hours])) for hours in (25, 71, 73)}
    assert home.rows(name).equals(rows)


def test_an_orphan_that_is_written_again_after_the_plan_stays(api: Api, home: Home) -> None:
    name = "orphans.touched"
    make(home.lake, name, Sick(files=2))
    folder = folder_of(home, name) / "data"
    touched, left = aged(folder / "touched.parquet", 100), aged(folder / "left.parquet", 100)
    plan = api.plan("remove-orphans", name)
    assert plan["effect"]["bytes_freed"] == 2000
    aged(touched, 1)
    outcome = api.run("remove-orphans", name, plan["id"])["result"]
    assert outcome["bytes_freed"] == 1000, "what happened is told, not what was promised"
    assert (touched.exists(), left.exists()) == (True, False)


def test_a_plan_for_a_table_of_format_3_promises_only_what_can_be_done(api: Api, home: Home, sql: Sql) -> None:
    for statement in statements(VECTORS):
        sql(statement.format(t="drls.exact.vectors_planned"))
    body = {"table": "exact.vectors_planned", "older_than": "2100-01-01T00:00:00Z", "retain_last": 1, "dry_run": True}
    problem = api.post("/api/expire", body).problem(422, "invalid-request")
    assert [one["pointer"] for one in problem["errors"]] == ["/table"]
    assert "format version 3" in problem["detail"]
    assert api.plan("remove-orphans", "exact.vectors_planned")["steps"] == []
    rows = home.rows("exact.vectors_planned")
    plan = api.plan("compact", "exact.vectors_planned")
    assert plan["reversibility"] == "none"
    done = api.run("compact", "exact.vectors_planned", plan["id"])
    assert home.rows("exact.vectors_planned").equals(rows)
    api.post(f"/api/jobs/{done['id']}/undo").problem(409, "cannot-undo")
