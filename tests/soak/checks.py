"""What has to hold of a table after every step, looked at from outside: by PyIceberg, Spark and the HTTP interface."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from lake import columns_of, lines_of, live_files, refs_of
from model import Column, checksum, difference

from drls import spark

if TYPE_CHECKING:
    from model import Model
    from pyiceberg.table import Table
    from subject import Subject
    from vitals import Vitals

PROMISED = (
    "files_before", "files_after", "delete_files_before", "delete_files_after", "manifests_before", "manifests_after",
    "snapshots_removed", "bytes_read", "bytes_freed",
)  # fmt: skip
"""The words of a plan's effect, which a result has too."""
UNSURE = (
    ("files_after", "known only to Spark"), ("delete_files_after", "known only to Spark"),
    ("files_after", "is an estimate"), ("delete_files_after", "may stay"),
)  # fmt: skip
"""Figures of a plan, and the words of the warning by which it does not stand for them."""
ENDED = ("succeeded", "failed", "cancelled")


def same_rows(expected: list[tuple[Any, ...]], found: list[tuple[Any, ...]], where: str) -> None:
    """See that rows are equal by checksum; tell the first that are not."""
    assert checksum(expected) == checksum(found), f"{where}: {difference(expected, found)}"


def agrees(subject: Subject, table: Table | None = None) -> Table:
    """See that PyIceberg finds what the model says; give the table that it found it in."""
    table, model = table or subject.table(), subject.model
    assert columns_of(table.schema()) == model.columns, "the schema"
    assert table.metadata.last_column_id == model.last_column, "the last column id"
    assert [one.snapshot_id for one in table.metadata.snapshots] == list(model.snapshots), "the snapshots"
    assert refs_of(table) == model.refs, "the branches and tags"
    assert dict(table.properties) == model.properties, "the properties"
    columns, found = lines_of(table)
    same_rows(model.lines(columns), found, "rows by PyIceberg")
    return table


def agrees_in_the_past(subject: Subject, snapshot: int) -> None:
    """See that a snapshot that is kept has the rows that it had."""
    columns, found = lines_of(subject.table(), snapshot)
    same_rows(subject.model.lines(columns, subject.model.snapshots[snapshot].rows), found, f"rows of {snapshot}")


def agrees_in_spark(subject: Subject) -> None:
    """See that Spark reads the same rows under the same names."""
    rows = spark.sql(f"SELECT * FROM {subject.in_spark} ORDER BY id")
    names = [one.name for one in subject.model.columns]
    assert not rows or list(rows[0]) == names, "the names of the columns in Spark"
    same_rows(subject.model.lines(), [tuple(row.values()) for row in rows], "rows by Spark")


def healthy(subject: Subject, table: Table, vitals: Vitals) -> None:
    """See that the health report is of the table as it is, and the schema page too."""
    began = time.monotonic()
    answer = subject.api.table(subject.name, "health")
    vitals.asked(time.monotonic() - began)
    report = answer.ok()
    assert report["metadata_location"] == table.metadata_location, "the report is of another state"
    assert report["failed_rules"] == []
    assert report["score"] == max(0, 100 - sum(one["penalty"] for one in report["findings"]))
    totals, files = report["facts"]["totals"], live_files(table)
    assert {key: totals[key] for key in files._fields} == files._asdict(), "the totals of the health report"
    assert report["facts"]["snapshots"]["count"] == len(subject.model.snapshots), "the report's snapshots"
    fields = subject.api.table(subject.name, "schema").ok()["fields"]
    assert tuple(Column(one["id"], one["name"], one["type"]) for one in fields) == subject.model.columns, "schema page"


def listed(subject: Subject) -> None:
    """See that the pages about a table agree with the model, and that every job of it is told."""
    pages = {page: subject.api.all(f"/api/table/{subject.name}/{page}") for page in ("snapshots", "refs", "files")}
    told = [int(one["snapshot_id"]) for one in pages["snapshots"]]
    assert sorted(told) == sorted(subject.model.snapshots), "the page of snapshots"
    assert {one["name"]: int(one["snapshot_id"]) for one in pages["refs"]} == {
        name: ref.snapshot for name, ref in subject.model.refs.items()
    }, "the page of branches and tags"
    files = live_files(subject.table())
    assert len(pages["files"]) == files.data_files + files.delete_files, "the page of files"
    jobs = subject.jobs()
    assert {one.job["id"] for one in subject.done} <= {one["id"] for one in jobs}, "a job is not listed"
    assert all(one["state"] in ENDED for one in jobs), "a job that never ends"


def truthful(job: Any, table: Table, *, alone: bool) -> None:
    """See that a job that has ended tells what the table shows; `alone` where nobody else wrote to it meanwhile."""
    assert job["state"] in ENDED, job
    assert (job["error"] is None) == (job["state"] == "succeeded"), job
    if job["error"]:
        assert job["error"]["code"], job
        assert job["error"]["detail"], job
    times = [job["timestamps"][key] for key in ("created_at", "started_at", "ended_at")]
    assert times[0] <= times[2], times
    assert 0 <= job["progress"]["done"] <= max(job["progress"]["total"], job["progress"]["done"]), job["progress"]
    if job["undo_of"] is None:
        assert job["plan"]["effect"].keys() >= set(PROMISED), job["plan"]
    result = job["result"]
    if job["state"] == "succeeded":
        assert result is not None, job
        assert times[0] <= times[1] <= times[2], times
    if result is not None:
        assert result.keys() >= {*PROMISED, "duration", "snapshot_id"}, result
        if alone:
            files, head = live_files(table), table.metadata.current_snapshot_id
            assert result["snapshot_id"] == (None if head is None else str(head)), "the result's snapshot"
            assert (result["files_after"], result["delete_files_after"]) == (files.data_files, files.delete_files), (
                f"the result's files: {result}, and there are {files}"
            )


def words_fit(job: Any, *, moved: bool) -> None:
    """See that what a job that did not succeed says of its commits is so."""
    if job["state"] == "succeeded":
        return
    detail = job["error"]["detail"]
    nothing = "nothing was committed" in detail or "nothing was changed" in detail
    if job["state"] == "cancelled":
        assert nothing == (not moved), f"moved: {moved}, and it says: {detail}"
    if nothing:
        assert not moved, f"it moved, and it says: {detail}"
    if job["error"]["code"] == "server-killed":
        assert ("not committed" in detail) == (not moved) or "may have" in detail, f"moved: {moved}: {detail}"


def promise_kept(order: str, job: Any) -> list[str]:
    """The figures that differ between what was planned on the table as it was and what happened, in words.

    A figure of which the plan itself says that it is not known for sure is none.
    """
    words = {
        "compact": ["files_before", "files_after", "delete_files_before", "delete_files_after"],
        "expire": ["files_after", "delete_files_after", "snapshots_removed", "bytes_freed"],
        "rewrite-manifests": ["files_after", "manifests_before"],
    }.get(order, ["snapshots_removed"])
    said = " ".join(job["plan"]["warnings"])
    unsure = [figure for figure, warning in UNSURE if warning in said]
    effect, result = job["plan"]["effect"], job["result"]
    missed = [key for key in words if effect[key] != result[key] and key not in unsure]
    # Where several files come of a group, Spark's own split of it decides.
    near = [key for key in missed if order == "compact" and abs(effect[key] - result[key]) <= max(1, result[key] // 10)]
    told = [f"{key} {effect[key]} -> {result[key]}" for key in missed]
    assert missed == near, f"{order} promised other figures: {told}"
    return told


def unchanged(before: Model, subject: Subject, location: str) -> None:
    """See that nothing was done to a table."""
    assert subject.table().metadata_location == location, "it was refused, and changed the table"
    assert subject.model == before
