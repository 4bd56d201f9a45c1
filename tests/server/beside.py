"""What Spark says of a table, by Iceberg's own metadata tables and in the words of our HTTP interface."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    Sql = Callable[[str], list[dict[str, Any]]]
    Row = tuple[Any, ...]

FILE = tuple(
    f"data_file.{name}"
    for name in ("file_path", "content", "spec_id", "file_size_in_bytes", "record_count", "referenced_data_file")
)

CONTENT = ("data", "position-deletes", "equality-deletes")
"""By the number that a manifest has for it."""

SPARK_TYPES = {"long": "bigint", "timestamptz": "timestamp", "timestamp": "timestamp_ntz", "uuid": "string"}
"""Iceberg's types that Spark calls otherwise."""

SPARK_TRANSFORMS = {"year": "years", "month": "months", "day": "days", "hour": "hours"}


def quoted(parts: Sequence[str]) -> str:
    """Write a name with each part in back-ticks, as Spark and our paths take it."""
    return ".".join(f"`{part.replace('`', '``')}`" for part in parts)


def millis(text: str) -> int:
    """Give a time of our interface in milliseconds since the Unix epoch."""
    at = dt.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return round(at.timestamp() * 1000)


class Spark:
    """One table as Spark reads it."""

    def __init__(self, sql: Sql, parts: Sequence[str]) -> None:
        self.sql = sql
        self.name = f"drls.{quoted(parts)}"

    def rows(self, table: str, columns: str = "*", where: str = "true") -> list[dict[str, Any]]:
        """Read one of the table's metadata tables."""
        return self.sql(f"SELECT {columns} FROM {self.name}.{table} WHERE {where}")

    def snapshots(self) -> dict[str, Row]:
        """Parent, time, operation, summary and whether the current one descends from it, by id."""
        current = {one["snapshot_id"] for one in self.rows("history", where="is_current_ancestor")}
        return {
            str(one["snapshot_id"]): (
                None if one["parent_id"] is None else str(one["parent_id"]),
                one["at"], one["operation"], one["summary"], one["snapshot_id"] in current,
            )
            for one in self.rows("snapshots", "*, unix_millis(committed_at) AS at")
        }  # fmt: skip

    def refs(self) -> set[Row]:
        """Every branch and tag with its retention."""
        keys = ("name", "snapshot_id", "min_snapshots_to_keep", "max_snapshot_age_in_ms", "max_reference_age_in_ms")
        return {(one["type"].lower(), *(one[key] for key in keys)) for one in self.rows("refs")}

    def files(self) -> list[Row]:
        """Every live file: path, content, partition, spec, bytes, rows, sequence number, snapshot."""
        found = self.rows("entries", f"{', '.join(FILE)}, sequence_number, snapshot_id", "status < 2")
        # A deletion vector is no Parquet file in a folder: its partition is that of the file that it is about.
        placed = ((one, one["file_path"]) for one in found)
        return sorted(
            (
                path, CONTENT[one["content"]], folder(one["referenced_data_file"] if _is_vector(path) else path),
                one["spec_id"], one["file_size_in_bytes"], one["record_count"], one["sequence_number"],
                str(one["snapshot_id"]),
            )
            for one, path in placed
        )  # fmt: skip

    def partitions(self) -> list[Row]:
        """Spec, rows, data files and their bytes, delete files and time of the last write of each partition."""
        found = self.rows("partitions", "*, unix_millis(last_updated_at) AS at")
        return sorted(
            (
                one.get("spec_id", 0), one["record_count"], one["file_count"], one["total_data_file_size_in_bytes"],
                one["position_delete_file_count"] + one["equality_delete_file_count"],
                one["at"],
            )
            for one in found
        )  # fmt: skip

    def manifests(self) -> Row:
        """How many, their bytes, and how many of them are of deletes."""
        found = self.rows("manifests")
        return len(found), sum(one["length"] for one in found), sum(one["content"] == 1 for one in found)

    def columns(self) -> tuple[list[Row], list[str]]:
        """Name, type and comment of each column, and what the table is partitioned by."""
        described = self.sql(f"DESCRIBE TABLE {self.name}")
        names = [one["col_name"] for one in described]
        end = next((at for at, name in enumerate(names) if name.startswith("#")), len(names))
        columns = [(one["col_name"], one["data_type"], one["comment"]) for one in described[:end] if one["col_name"]]
        if "# Partitioning" in names:
            return columns, [one["data_type"] for one in described[end + 1 :]]
        # Where all are columns as they are, Spark names them under a heading of their own.
        return columns, names[end + 2 :]

    def properties(self) -> dict[str, str]:
        """The table's properties, and what Spark counts among them."""
        return {one["key"]: one["value"] for one in self.sql(f"SHOW TBLPROPERTIES {self.name}")}


def _is_vector(path: str) -> bool:
    return path.endswith(".puffin")


def folder(path: str) -> str:
    """Give the partition that a file's path names: Iceberg's writers put it into the path as people read it."""
    inside = path.rsplit("/data/", 1)[1]
    return unquote_plus(inside.rpartition("/")[0])


def spark_type(field: Mapping[str, Any]) -> str:
    """Give the type of a field of our schema page as Spark writes it."""
    kind, inside = str(field["type"]), {one["name"]: one for one in field["fields"]}
    if kind.startswith("struct<"):
        return f"struct<{','.join(f'{name}:{spark_type(one)}' for name, one in inside.items())}>"
    if kind.startswith("list<"):
        return f"array<{spark_type(inside['element'])}>"
    if kind.startswith("map<"):
        return f"map<{spark_type(inside['key'])},{spark_type(inside['value'])}>"
    if kind.startswith("fixed["):
        return "binary"
    return SPARK_TYPES.get(kind, kind.replace(" ", ""))


def spark_transform(by: Mapping[str, str]) -> str:
    """Give a field of our partitioning as Spark writes it."""
    kind, _, width = by["transform"].rstrip("]").partition("[")
    if kind == "identity":
        return by["source"]
    return f"{SPARK_TRANSFORMS.get(kind, kind)}({f'{width}, ' if width else ''}{by['source']})"


def spark_order(by: Mapping[str, str]) -> str:
    """Give a field of our sort order as Spark writes it."""
    return f"{spark_transform(by)} {by['direction'].upper()} {by['null_order'].replace('-', ' ').upper()}"


def totals(files: Iterable[Row]) -> dict[str, int]:
    """Add up live files as Spark lists them."""
    counted = {"records": 0, "data_files": 0, "data_bytes": 0, "delete_files": 0}
    counted |= {"position_deletes": 0, "equality_deletes": 0}
    for _, content, _, _, size, rows, *_ in files:
        if content == "data":
            counted["records"] += rows
            counted["data_files"] += 1
            counted["data_bytes"] += size
        else:
            counted["delete_files"] += 1
            counted[content.replace("-", "_")] += rows
    return counted
