"""Every figure that the server shows of a table is the one that Spark reads from the same files."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

import pytest
from beside import Spark, millis, quoted, spark_ddl, spark_order, spark_transform, spark_type, totals
from shapes import SHAPES
from sick_tables import make

from drls import catalog, jars, spark

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beside import Sql
    from harness import Api, Home

SMALL_SHARE = 0.75
"""A file under this share of the target counts as small: Iceberg's `min-file-size-bytes`."""
MARKS = ("delete_files", "deleted_records")


@pytest.fixture(scope="module")
def sql(home: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sql]:
    """Give `sql` of a Spark that is not the server's, on the same catalog; the server itself starts none here."""
    jars.bring(jars.DEFAULT)
    settings: spark.Settings = {
        "home": str(tmp_path_factory.mktemp("spark")), "jars": "", "memory": "1g", "master": "local[2]", "remote": "",
        "java_home": "", "properties": {}, "catalogs": [home.lake],
    }  # fmt: skip
    spark.configure(settings)
    yield spark.sql
    assert not home.java(), "the server needed no Spark to read"
    spark.stop()


@dataclass(frozen=True)
class Both:
    """A table as the server shows it and as Spark reads it."""

    api: Api
    home: Home
    name: str
    spark: Spark

    def page(self, page: str) -> Any:
        """Read a page of the table."""
        return self.api.table(self.name, page).ok()

    def rows(self, page: str) -> list[Any]:
        """Read a list of the table to its end."""
        return self.api.all(f"/api/table/{quote(self.name, safe='')}/{page}", limit=1000)

    def files(self) -> list[tuple[Any, ...]]:
        """Give the live files as `Spark.files` does."""
        return sorted(
            (
                one["path"], one["content"], unquote(one["partition"]), one["spec_id"], one["bytes"], one["records"],
                one["sequence_number"], one["snapshot_id"],
            )
            for one in self.rows("files")
        )  # fmt: skip


@pytest.fixture(scope="module", params=SHAPES)
def both(request: pytest.FixtureRequest, api: Api, home: Home, sql: Sql) -> Both:
    """Make a table."""
    shape = SHAPES[request.param]
    parts = shape.name or ("exact", request.param.replace(" ", "_").replace(",", ""))
    words = {"t": f"drls.{quoted(parts)}", "short": ".".join(parts)}
    if shape.sick:
        make(home.lake, parts, shape.sick)
        snapshots = catalog.load(home.lake, parts[:-1], parts[-1]).metadata.snapshots
        words["after_second"] = str(snapshots[1].timestamp_ms + 1) if snapshots else ""
    for statement in shape.then:
        sql(statement.format(**words))
    return Both(api, home, quoted(parts), Spark(sql, parts))


def test_snapshots(both: Both) -> None:
    shown = both.rows("snapshots")
    assert {
        one["snapshot_id"]: (
            one["parent_id"], millis(one["committed_at"]), one["operation"], one["summary"], one["is_ancestor"],
        )
        for one in shown
    } == both.spark.snapshots()  # fmt: skip
    times = [millis(one["committed_at"]) for one in shown]
    assert times == sorted(times, reverse=True), "newest first"
    counted = both.page("health")["facts"]["snapshots"]
    assert counted["count"] == len(shown)
    assert [counted["oldest"]] == [one["committed_at"] for one in shown[-1:]] or [None]


def test_branches_and_tags(both: Both) -> None:
    shown = both.rows("refs")
    keys = ("name", "snapshot_id", "min_snapshots_to_keep", "max_snapshot_age_ms", "max_ref_age_ms")
    refs = {(one["kind"], *(int(one[key]) if key == "snapshot_id" else one[key] for key in keys)) for one in shown}
    assert refs == both.spark.refs()
    assert both.page("health")["facts"]["snapshots"]["refs"] == len(shown)
    marked = {(name, one["snapshot_id"]) for one in both.rows("snapshots") for name in one["refs"]}
    assert marked == {(one["name"], one["snapshot_id"]) for one in shown}


def test_files_and_what_they_add_up_to(both: Both) -> None:
    files = both.spark.files()
    assert both.files() == files
    facts = both.page("health")["facts"]
    assert facts["totals"] == totals(files) | {"manifests": both.spark.manifests()[0]}
    data = [size for _, content, _, _, size, *_ in files if content == "data"]
    sizes = facts["file_sizes"]
    small = [size for size in data if size < int(sizes["target"] * SMALL_SHARE)]
    assert (sizes["small_files"], sizes["small_bytes"], sizes["largest"]) == (
        len(small),
        sum(small),
        max(data, default=0),
    )
    assert sizes["target"] == int(both.spark.properties().get("write.target-file-size-bytes", 512 << 20))
    for bucket in sizes["histogram"]:
        inside = [size for size in data if bucket["at_least"] <= size < bucket["under"]]
        assert (bucket["files"], bucket["bytes"]) == (len(inside), sum(inside))


def test_the_row_in_the_list_of_tables(both: Both) -> None:
    report, name = both.page("health"), both.name
    listed = both.api.all("/api/tables", namespace=name.rpartition(".`")[0])
    (row,) = (one for one in listed if quoted([*one["namespace"], one["table"]]) == name)
    files = totals(both.spark.files())
    assert (row["bytes"], row["data_files"], row["records"]) == (
        files["data_bytes"], files["data_files"], files["records"],
    )  # fmt: skip
    assert row["format_version"] == int(both.spark.properties()["format-version"])
    log = both.spark.rows("metadata_log_entries", "unix_millis(timestamp) AS at")
    assert millis(row["modified_at"]) == max(one["at"] for one in log)
    assert (row["catalog"], row["error"]) == ("drls", None)
    assert (row["health"]["score"], row["health"]["stale"]) == (report["score"], False)
    assert both.api.table(row["name"], "health").ok()["metadata_location"] == report["metadata_location"]


def test_partitions(both: Both) -> None:
    shown = both.rows("partitions")
    assert sorted(
        (
            one["spec_id"], one["records"], one["data_files"], one["data_bytes"], one["delete_files"],
            millis(one["written_at"]),
        )
        for one in shown
    ) == both.spark.partitions()  # fmt: skip
    files = both.spark.files()
    assert {(unquote(one["path"]), one["spec_id"]) for one in shown} == {
        (place, spec) for _, _, place, spec, *_ in files
    }
    assert len({(one["path"], one["spec_id"]) for one in shown}) == len(shown)
    small = [one["small_files"] for one in shown]
    assert small == sorted(small, reverse=True), "most small files first"
    facts = both.page("health")["facts"]
    assert (facts["partitions"]["count"], facts["partitions"]["first"]) == (len(shown), shown[:100])
    assert sum(small) == facts["file_sizes"]["small_files"]


def test_manifests_and_the_metadata_log(both: Both) -> None:
    facts = both.page("health")["facts"]
    shown = facts["manifests"]
    assert (shown["count"], shown["bytes"], shown["delete_manifests"]) == both.spark.manifests()
    log = both.spark.rows("metadata_log_entries", "file, unix_millis(timestamp) AS at")
    # Spark counts the current file among them.
    assert facts["metadata_log"]["entries"] == len(log) - 1
    current = max(log, key=lambda one: one["at"])["file"]
    assert both.page("health")["metadata_location"].rsplit("/", 1)[1] == current.rsplit("/", 1)[1]
    assert facts["metadata_log"]["metadata_bytes"] == Path(current.removeprefix("file:")).stat().st_size


def test_facts_of_plugins(both: Both) -> None:
    """What only plugins are shown: the deletes that apply to each file, each manifest, what each commit did."""
    recorded = both.home.drls("plugin", "facts", both.name)
    assert recorded.returncode == 0, recorded.stderr
    facts = json.loads(recorded.stdout)
    assert (
        sorted(
            (unquote(part["path"]), part["spec_id"], *(one[key] for key in ("bytes", "records", *MARKS)))
            for part in facts["files"]["partitions"]
            for one in part["files"]
        )
        == both.spark.files_with_deletes()
    )
    specs = {
        one["id"]: [(field["source_id"], field["name"], field["transform"]) for field in one["fields"]]
        for one in facts["partition_specs"]
    }
    assert specs == both.spark.specs(), "the old specs too"
    assert {
        name for fields in specs.values() for _, name, transform in fields if transform != "void"
    } == both.spark.partition_columns()
    assert sorted(tuple(one.values()) for one in facts["manifests"]) == both.spark.each_manifest()
    assert {
        str(one["id"]): tuple(one[key] for key in ("added_files", "removed_files", "added_bytes"))
        for one in facts["snapshots"]
    } == {
        of: (
            count(summary, "added-data-files", "added-delete-files"),
            count(summary, "deleted-data-files", "removed-delete-files"),
            count(summary, "added-files-size"),
        )
        for of, (_, _, _, summary, _) in both.spark.snapshots().items()
    }


def count(summary: dict[str, str], *keys: str) -> int:
    """Add up figures of a snapshot's summary."""
    return sum(int(summary.get(key, 0)) for key in keys)


def test_schema_and_properties(both: Both) -> None:
    shown = both.page("schema")
    columns, parts = both.spark.columns()
    assert [(one["name"], spark_type(one), one["doc"]) for one in shown["fields"]] == columns
    assert ", ".join(map(spark_ddl, shown["fields"])) == both.spark.ddl()
    assert [spark_transform(one) for one in shown["partitioning"] if one["transform"] != "void"] == parts
    properties = both.spark.properties()
    assert shown["format_version"] == int(properties.pop("format-version"))
    assert ", ".join(map(spark_order, shown["sorting"])) == properties.pop("sort-order", "")
    identifiers = ",".join(one["name"] for one in shown["fields"] if one["identifier"])
    assert f"[{identifiers}]" == properties.pop("identifier-fields", "[]")
    newest = properties.pop("current-snapshot-id")
    snapshots = both.rows("snapshots")
    assert newest == next((one["snapshot_id"] for one in snapshots if "main" in one["refs"]), "none")
    del properties["format"]
    # Spark keeps the owner of a table to itself.
    assert {key: value for key, value in shown["properties"].items() if key != "owner"} == properties
