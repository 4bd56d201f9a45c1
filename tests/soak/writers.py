"""Other engines on the same tables, past the server: PyIceberg, merge-on-read deletes, and Spark by SQL."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from lake import absorbed
from pyiceberg.exceptions import CommitFailedException, ValidationException
from pyiceberg.table.snapshots import Operation

from drls import spark
from drls.errors import DrlsError
from drls.snapshots import SnapshotWriter

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from model import Column, Row, Rows
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table
    from subject import Subject

REGION = 2
"""Field id of the column by which tables are partitioned, where they are."""
REGIONS = ("r0", "r1", "r2")
TYPES = ("long", "int", "string", "double", "boolean", "date")
"""Types of columns that are added."""
MOST_BESIDE = 6
"""Commits beside one rewrite."""

Write = tuple[int, "Callable[[Rows], Rows]"]
"""The snapshot that a write made last, and what it did to the rows."""


def value(kind: str, rng: Random) -> Any:
    """A value of a type, now and then null."""
    if rng.random() < 0.1:  # noqa: PLR2004
        return None
    number = rng.randrange(10_000)
    match kind:
        case "string":
            return f"ä{number}'\"%"
        case "double":
            return number / 8
        case "boolean":
            return number % 2 == 0
        case "date":
            return dt.date(2020, 1, 1) + dt.timedelta(days=number % 2000)
        case _:
            return number - 5000


def new_rows(columns: tuple[Column, ...], keys: range | list[int], rng: Random) -> Rows:
    """Rows with these ids under the schema as it is."""

    def row(key: int) -> Row:
        special = {1: key, REGION: rng.choice(REGIONS)}
        return {one.id: special[one.id] if one.id in special else value(one.type, rng) for one in columns}

    return {key: row(key) for key in keys}


def arrow(table: Table, columns: tuple[Column, ...], rows: Rows) -> pa.Table:
    """The rows as PyIceberg takes them."""
    schema = table.schema().as_arrow()
    data = {one.name: [row.get(one.id) for row in rows.values()] for one in columns}
    return pa.table(data, schema=schema)


def without(gone: Callable[[Row], bool]) -> Callable[[Rows], Rows]:
    """What a delete does."""
    return lambda rows: {key: row for key, row in rows.items() if not gone(row)}


def chosen(subject: Subject, rng: Random) -> tuple[str, Callable[[Row], bool]]:
    """Some rows of a table: by a predicate that PyIceberg and Spark read alike, and as a test of a row."""
    keys = sorted(subject.model.rows)
    region = subject.model.column(REGION)
    assert region is not None
    if rng.random() < 0.2:  # noqa: PLR2004
        which = rng.choice(REGIONS)
        return f"{region.name} = '{which}'", lambda row: bool(row[REGION] == which)
    first = rng.choice(keys) if keys else 0
    last = first + rng.choice((1, 3, 20))
    return f"id >= {first} AND id < {last}", lambda row: first <= row[1] < last


def append(subject: Subject, rng: Random) -> Write:
    """New rows by PyIceberg, a file for each partition that they fall into."""
    rows = new_rows(subject.model.columns, subject.fresh(rng.choice((1, 4, 30))), rng)
    table = subject.table()
    table.append(arrow(table, subject.model.columns, rows))
    return _head(table), lambda before: {**before, **rows}


def delete(subject: Subject, rng: Random) -> Write | None:
    """Rows removed by PyIceberg, copy-on-write; none where there was nothing to remove."""
    predicate, gone = chosen(subject, rng)
    table = subject.table()
    before = table.metadata.current_snapshot_id
    table.delete(predicate)
    return (_head(table), without(gone)) if table.metadata.current_snapshot_id != before else None


def overwrite(subject: Subject, rng: Random) -> Write:
    """Rows replaced by PyIceberg in one commit: the same ids with other values."""
    predicate, gone = chosen(subject, rng)
    keys = [key for key, row in subject.model.rows.items() if gone(row)] or list(subject.fresh(2))
    rows = new_rows(subject.model.columns, keys, rng)
    table = subject.table()
    table.overwrite(arrow(table, subject.model.columns, rows), predicate)
    remove = without(gone)
    return _head(table), lambda before: {**remove(before), **rows}


def delete_positions(subject: Subject, rng: Random) -> Write | None:
    """Rows of one file marked as deleted by a position delete file, as a merge-on-read engine does."""
    table = subject.table()
    tasks = sorted(table.scan().plan_files(), key=lambda task: task.file.file_path)
    if not tasks or subject.version == 1:
        return None
    task = rng.choice(tasks)
    file: DataFile = task.file
    ids = _column(file, "id")
    # A row that an update replaced is here still, while its id lives on in another file.
    marked_before = {
        at
        for deletes in task.delete_files
        for path, at in zip(_column(deletes, "file_path"), _column(deletes, "pos"), strict=True)
        if path == file.file_path
    }
    live = [at for at, key in enumerate(ids) if at not in marked_before and key in subject.model.rows]
    if not live:
        return None
    positions = sorted(rng.sample(live, min(len(live), rng.choice((1, 2, 5)))))
    writer = SnapshotWriter(table)
    snapshot = writer.snapshot([writer.position_deletes([(file, positions)])])
    writer.commit()
    marked = {ids[at] for at in positions}
    return snapshot, without(lambda row: row[1] in marked)


def _column(file: DataFile, name: str) -> list[Any]:
    """One column of a Parquet file, without the deletes that apply to it."""
    # No partitioning: the folders' names would be read as columns.
    values: list[Any] = pq.read_table(file.file_path.removeprefix("file://"), columns=[name], partitioning=None)[
        name
    ].to_pylist()
    return values


def spark_insert(subject: Subject, rng: Random) -> Write:
    """New rows by Spark."""
    rows = new_rows(subject.model.columns, subject.fresh(rng.choice((1, 5))), rng)
    known = {one.snapshot_id for one in subject.table().metadata.snapshots}
    spark.sql(f"INSERT INTO {subject.in_spark} {_values(subject.model.columns, rows)}")
    # The head may be a rewrite's that went on beside this, which appends nothing.
    new = [one for one in subject.table().metadata.snapshots if one.snapshot_id not in known]
    (own,) = [one.snapshot_id for one in new if one.summary and one.summary.operation == Operation.APPEND]
    return own, lambda before: {**before, **rows}


def spark_delete(subject: Subject, rng: Random) -> Write | None:
    """Rows removed by Spark as the table's write.delete.mode says."""
    predicate, gone = chosen(subject, rng)
    before = subject.model.head
    spark.sql(f"DELETE FROM {subject.in_spark} WHERE {predicate}")
    head = _head(subject.table())
    return (head, without(gone)) if head != before else None


def spark_merge(subject: Subject, rng: Random) -> Write:
    """Rows replaced where they are there, and added where not, by Spark."""
    columns = subject.model.columns
    old = rng.sample(sorted(subject.model.rows), min(3, len(subject.model.rows)))
    rows = new_rows(columns, [*old, *subject.fresh(2)], rng)
    spark.sql(
        f"MERGE INTO {subject.in_spark} t USING ({_values(columns, rows)}) s ON t.id = s.id"
        " WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
    )
    return _head(subject.table()), lambda before: {**before, **rows}


def spark_rewrite(subject: Subject, _rng: Random) -> Write | None:
    """A compaction that somebody else calls on Spark: the same rows in other files."""
    before = subject.model.head
    options = "map('min-input-files', '2')"
    spark.sql(f"CALL drls.system.rewrite_data_files(table => '{subject.in_spark}', options => {options})")
    head = _head(subject.table())
    return (head, lambda rows: rows) if head != before else None


def _values(columns: tuple[Column, ...], rows: Rows) -> str:
    """The rows as a SELECT whose columns have the names and types of the table's."""
    spelt = {"long": "BIGINT"}
    lines = ", ".join(f"({', '.join(_literal(row.get(one.id)) for one in columns)})" for row in rows.values())
    casts = ", ".join(
        f"CAST(c{at} AS {spelt.get(one.type, one.type)}) AS `{one.name}`" for at, one in enumerate(columns)
    )
    return f"SELECT {casts} FROM VALUES {lines} AS v({', '.join(f'c{at}' for at in range(len(columns)))})"


def _literal(one: Any) -> str:
    match one:
        case None:
            return "NULL"
        case str():
            return "'" + one.replace("\\", "\\\\").replace("'", "\\'") + "'"
        case dt.date():
            return f"DATE '{one}'"
        case _:
            return str(one)


def _head(table: Table) -> int:
    head = table.metadata.current_snapshot_id
    assert head is not None
    return head


def write_beside(subject: Subject, rng: Random, effects: dict[int, Any], stop: Callable[[], bool]) -> None:
    """Append and delete until `stop`, a few times at most, while a job works on the table; tell what each commit did.

    A writer that loses the race tries again on the table as it then is, as PyIceberg's users do: its own
    tries end where the files that a delete read are gone.
    """
    while len(effects) < MOST_BESIDE and not stop():
        add = append if subject.by_pyiceberg else spark_insert
        how = add if rng.random() < 0.8 or not subject.by_pyiceberg else delete  # noqa: PLR2004
        try:
            written = how(subject, rng)
        except (CommitFailedException, ValidationException):
            continue
        except DrlsError as error:
            if error.code != "commit-conflict":
                raise
            continue
        if written is not None:
            effects[written[0]] = written[1]


def take(subject: Subject, written: Write | None) -> str:
    """Put a write into the model; say what became of it."""
    if written is None:
        return "nothing"
    subject.model = absorbed(subject.model, subject.table(), dict([written]))
    return "done"
