"""Facts beside Spark's own metadata tables: two readers of the same files have to agree."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from drls.storage import canonical

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Read
    from sick_tables import Truth

Sql = "Callable[[str], list[dict[str, Any]]]"

TABLES: dict[str, dict[str, Any]] = {
    "plain": {"files": 6, "snapshots": 3},
    "deletes": {"files": 9, "snapshots": 4, "position_deletes": 3, "equality_deletes": 2},
    "evolved": {"files": 6, "evolved": True, "nested": True, "tags": ["v1"], "branches": ["dev"]},
    "old": {"files": 6, "format_version": 1},
    "new": {"files": 6, "format_version": 3},
}


@pytest.fixture(scope="module", params=TABLES)
def table(request: pytest.FixtureRequest, lake: Any, sql: Any) -> str:
    """Make a table by our writer and go on with Spark's, so that both engines' files are in it."""
    from sick_tables import Sick, make

    name = f"beside.{request.param}"
    make(lake, name, Sick(**TABLES[request.param]))
    sql(f"INSERT INTO drls.{name} (id, region, value) VALUES (1000, 'r0', 1.5), (1001, 'rß/=', 2.5), (1002, NULL, 3.5)")
    if request.param != "old":
        sql(f"ALTER TABLE drls.{name} SET TBLPROPERTIES ('write.delete.mode' = 'merge-on-read')")
    sql(f"DELETE FROM drls.{name} WHERE id IN (4, 1001)")
    return name


def test_snapshots_and_refs_agree(table: str, sql: Any, read: Callable[[str], Read]) -> None:
    found = read(table).metadata
    spark = sql(f"SELECT *, unix_millis(committed_at) AS at FROM drls.{table}.snapshots ORDER BY committed_at")
    assert [
        (one["id"], one["parent"], one["committed_at"], one["operation"], one["manifest_list"], one["summary"])
        for one in found["snapshots"]
    ] == [
        (one["snapshot_id"], one["parent_id"], one["at"], one["operation"], one["manifest_list"], one["summary"])
        for one in spark
    ]
    refs = {(one["name"], one["type"].lower(), one["snapshot_id"]) for one in sql(f"SELECT * FROM drls.{table}.refs")}
    assert {(one["name"], one["kind"], one["snapshot"]) for one in found["refs"]} == refs
    log = [one["file"] for one in sql(f"SELECT file FROM drls.{table}.metadata_log_entries ORDER BY timestamp")]
    assert [*(one["file"] for one in found["metadata_log"]), found["location"]] == log


def test_manifests_agree(table: str, sql: Any, read: Callable[[str], Read]) -> None:
    mine = {
        (
            one["path"], one["bytes"], one["spec_id"], int(one["deletes"]), one["added_snapshot_id"],
            one["added_files"], one["existing_files"], one["deleted_files"],
        )
        for one in read(table).manifests
    }  # fmt: skip
    spark = {
        (
            one["path"], one["length"], one["partition_spec_id"], one["content"], one["added_snapshot_id"],
            *(one[f"{status}_{kind}_files_count"] for kind in ["delete" if one["content"] else "data"]
              for status in ("added", "existing", "deleted")),
        )
        for one in sql(f"SELECT * FROM drls.{table}.manifests")
    }  # fmt: skip
    assert mine == spark


def test_files_and_their_sequence_numbers_agree(table: str, sql: Any, read: Callable[[str], Read]) -> None:
    found = read(table)
    columns = ("file", "content", "records", "bytes", "sequence", "snapshot")
    mine = Counter(zip(*(found.column(name) for name in columns), strict=True))
    spark = Counter(
        (
            one["data_file"]["file_path"], one["data_file"]["content"], one["data_file"]["record_count"],
            one["data_file"]["file_size_in_bytes"], one["sequence_number"], one["snapshot_id"],
        )
        for one in sql(f"SELECT * FROM drls.{table}.entries WHERE status < 2")
    )  # fmt: skip
    assert mine == spark
    scoped = {
        canonical(one["referenced_data_file"])
        for one in sql(f"SELECT referenced_data_file FROM drls.{table}.delete_files")
        if one["referenced_data_file"]
    }
    assert scoped <= {canonical(path) for path in found.column("refers") if path}


def test_partitions_agree(table: str, sql: Any, read: Callable[[str], Read]) -> None:
    found = read(table)
    mine: Counter[str] = Counter()
    for path, content in zip(found.partitions(), found.column("content"), strict=True):
        mine[path] += content == 0
    spark: Counter[str] = Counter()
    for one in sql(f"SELECT partition, spec_id, file_count FROM drls.{table}.partitions"):
        names = [field["name"] for spec in found.metadata["specs"] if spec["spec_id"] == one["spec_id"]
                 for field in spec["fields"]]  # fmt: skip
        spark["/".join(f"{name}={_shown(one['partition'][name])}" for name in names)] += one["file_count"]
    assert +mine == +spark


def _shown(value: object) -> str:
    return "null" if value is None else str(value).replace("%", "%25").replace("/", "%2F").replace("=", "%3D")


def test_both_engines_read_the_same_rows(
    sick: Callable[..., Truth],
    lake: Any,
    sql: Any,
) -> None:
    from drls import catalog

    truth = sick("beside.rows", files=9, snapshots=4, position_deletes=4, nested=True)
    expected = {"rows": truth["live_rows"], "ids": truth["sum_of_ids"]}
    assert sql("SELECT count(*) AS rows, sum(id) AS ids FROM drls.beside.rows") == [expected]
    rows = catalog.load(lake, ["beside"], "rows").scan().to_arrow()
    assert {"rows": rows.num_rows, "ids": sum(rows["id"].to_pylist())} == expected
    both = sick("beside.both", files=9, snapshots=4, position_deletes=2, equality_deletes=3)
    assert sql("SELECT count(*) AS rows, sum(id) AS ids FROM drls.beside.both") == [
        {"rows": both["live_rows"], "ids": both["sum_of_ids"]}
    ]
