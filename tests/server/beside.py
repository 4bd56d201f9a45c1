"""What Spark says of a table, by Iceberg's own metadata tables and in the words of our HTTP interface."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import re
from dataclasses import dataclass
from pathlib import Path
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

FILE_PATH_ID = 2147483546
"""The specification's field id of the path in a position delete file."""

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


@dataclass(frozen=True)
class Delete:
    """A live delete file."""

    equality: bool
    vector: bool
    spec: int
    place: str
    sequence: int
    rows: int
    of_file: str | None
    """The one data file that it is about."""
    everywhere: bool
    """Written under a spec without partitions."""

    @classmethod
    def of(cls, entry: Mapping[str, Any], everywhere: set[int]) -> Delete:
        """Read one from a row of the entries."""
        equality, path = entry["content"] == 2, entry["file_path"]  # noqa: PLR2004 (the specification's number)
        of_file = entry["referenced_data_file"]
        if not equality and of_file is None and entry["lower"] == entry["upper"] is not None:
            of_file = bytes(entry["lower"]).decode()
        spec = entry["spec_id"]
        return cls(
            equality, _is_vector(path), spec, folder(of_file if _is_vector(path) else path), entry["sequence_number"],
            entry["record_count"], of_file, spec in everywhere,
        )  # fmt: skip

    def applies(self, path: str, spec: int, sequence: int) -> bool:
        """Tell whether it applies to the data file at this path."""
        if self.of_file is not None:
            return path == self.of_file and sequence <= self.sequence
        if not (self.equality and self.everywhere) and (self.spec, self.place) != (spec, folder(path)):
            return False
        return sequence < self.sequence or (not self.equality and sequence == self.sequence)


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

    def each_manifest(self) -> list[Row]:
        """Bytes, spec, whether it lists deletes, and live files of each manifest."""
        found = self.rows("manifests")
        counts = ("added", "existing")
        return sorted(
            (
                one["length"], one["partition_spec_id"], one["content"] == 1,
                sum(one[f"{how}_{what}_files_count"] for how in counts for what in ("data", "delete")),
            )
            for one in found
        )  # fmt: skip

    def files_with_deletes(self) -> list[Row]:
        """Partition, spec, bytes and rows of each live data file, deletes that apply to it, and rows that its own mark.

        By the table specification, section "Scan planning", pair by pair.
        """
        bounds = (f"data_file.{end}_bounds[{FILE_PATH_ID}] AS {end}" for end in ("lower", "upper"))
        found = self.rows("entries", f"{', '.join(FILE)}, sequence_number, {', '.join(bounds)}", "status < 2")
        everywhere = {
            spec for spec, fields in self.specs().items() if all(transform == "void" for _, _, transform in fields)
        }
        deletes = [Delete.of(one, everywhere) for one in found if one["content"]]
        files = []
        for one in found:
            if one["content"]:
                continue
            path = one["file_path"]
            applying = [delete for delete in deletes if delete.applies(path, one["spec_id"], one["sequence_number"])]
            if any(delete.vector for delete in applying):  # it holds what older position deletes of its file did
                applying = [delete for delete in applying if delete.vector or delete.equality]
            files.append((
                folder(path), one["spec_id"], one["file_size_in_bytes"], one["record_count"], len(applying),
                sum(delete.rows for delete in applying if delete.of_file),
            ))  # fmt: skip
        return sorted(files)

    def specs(self) -> dict[int, list[Row]]:
        """Source, name and transform of each field of each partition spec, the old ones too."""
        newest = self.rows("metadata_log_entries", "file", "true ORDER BY timestamp DESC LIMIT 1")[0]["file"]
        text = Path(newest.removeprefix("file:")).read_bytes()
        metadata = json.loads(gzip.decompress(text) if text[:2] == b"\x1f\x8b" else text)
        return {
            spec["spec-id"]: [(one["source-id"], one["name"], one["transform"]) for one in spec["fields"]]
            for spec in metadata["partition-specs"]
        }

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

    def partition_columns(self) -> set[str]:
        """The columns that files are partitioned by under any spec, by the type that Spark gives their partitions."""
        described = {one["col_name"]: one["data_type"] for one in self.sql(f"DESCRIBE TABLE {self.name}.files")}
        inside = described.get("partition", "struct<>").removeprefix("struct<").removesuffix(">")
        return {one.rsplit(":", 1)[0] for one in re.sub(r"\(\d+,", "(", inside).split(",") if one}

    def ddl(self) -> str:
        """The columns as they are made: with what may not be null and with comments, down to the innermost field."""
        (made,) = self.sql(f"SHOW CREATE TABLE {self.name}")
        inside = made["createtab_stmt"].partition(" (")[2].rpartition(")\nUSING iceberg")[0]
        return " ".join(inside.split())

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


def spark_ddl(field: Mapping[str, Any], between: str = " ") -> str:
    """Give a field of our schema page as Spark makes it."""
    name = field["name"] if re.fullmatch(r"[A-Za-z_]\w*", field["name"]) else quoted([field["name"]])
    null, doc = " NOT NULL" * field["required"], f" COMMENT '{field['doc']}'" if field["doc"] else ""
    return f"{name}{between}{_ddl_type(field)}{null}{doc}"


def _ddl_type(field: Mapping[str, Any]) -> str:
    kind, inside = str(field["type"]), {one["name"]: one for one in field["fields"]}
    if kind.startswith("struct<"):
        return f"STRUCT<{', '.join(spark_ddl(one, ': ') for one in inside.values())}>"
    if kind.startswith("list<"):
        return f"ARRAY<{_ddl_type(inside['element'])}>"
    if kind.startswith("map<"):
        return f"MAP<{_ddl_type(inside['key'])}, {_ddl_type(inside['value'])}>"
    return spark_type(field).upper()


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
