"""The first tier of facts: one metadata file, normalised over the format versions 1, 2 and 3.

It is read as JSON and not through PyIceberg's model, which is four times slower and refuses what it does not know yet.
"""

from __future__ import annotations

import functools
import gzip
import json
import zlib
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from drls import storage
from drls.errors import corrupt, translated
from drls.schemas import SchemaFacts, describe_schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

EMBEDDED = "#snapshot="
"""A v1 snapshot may name its manifests itself: its list is then named "<metadata file>#snapshot=<id>"."""


class PartitionFieldFacts(TypedDict):
    """One field of a partition spec; `transform` as the specification spells it."""

    source_id: int
    field_id: int
    name: str
    transform: str


class SpecFacts(TypedDict):
    """A partition spec."""

    spec_id: int
    fields: list[PartitionFieldFacts]


class SortFieldFacts(TypedDict):
    """One field of a sort order."""

    source_id: int
    transform: str
    descending: bool
    nulls_first: bool


class SortOrderFacts(TypedDict):
    """A sort order; order 0 is "unsorted" and has no field."""

    order_id: int
    fields: list[SortFieldFacts]


class SnapshotFacts(TypedDict):
    """A snapshot; `committed_at` in milliseconds since the Unix epoch, `operation` "" where the summary has none.

    `manifest_list` is what `read_manifest_lists` takes: a file, or a name of this module for v1's embedded lists.
    """

    id: int
    parent: int | None
    sequence_number: int
    committed_at: int
    operation: str
    summary: dict[str, str]
    manifest_list: str
    schema_id: int | None


class RefFacts(TypedDict):
    """A branch or tag; ages in milliseconds, `None` = the table's default (`max_ref_age`: never)."""

    name: str
    kind: Literal["branch", "tag"]
    snapshot: int
    min_snapshots_to_keep: int | None
    max_snapshot_age: int | None
    max_ref_age: int | None


class LoggedMetadata(TypedDict):
    """An older metadata file and when it stopped being the current one, milliseconds since the Unix epoch."""

    at: int
    file: str


class LoggedSnapshot(TypedDict):
    """When a snapshot became the current one, milliseconds since the Unix epoch."""

    at: int
    snapshot: int


class StatisticsFacts(TypedDict):
    """A statistics file and its size in bytes."""

    snapshot_id: int
    path: str
    bytes: int


class MetadataFacts(TypedDict):
    """Everything that a metadata file says, the same for format versions 1, 2 and 3.

    `location` is the metadata file, `table_location` the table's folder; `last_updated_ms` since the Unix epoch.
    """

    location: str
    metadata_bytes: int
    format_version: int
    table_uuid: str
    table_location: str
    properties: dict[str, str]
    last_updated_ms: int
    current_schema_id: int
    schemas: list[SchemaFacts]
    default_spec_id: int
    specs: list[SpecFacts]
    default_sort_order_id: int
    sort_orders: list[SortOrderFacts]
    current_snapshot_id: int | None
    snapshots: list[SnapshotFacts]
    refs: list[RefFacts]
    metadata_log: list[LoggedMetadata]
    snapshot_log: list[LoggedSnapshot]
    statistics: list[StatisticsFacts]
    partition_statistics: list[StatisticsFacts]


@translated
def read_metadata(location: str, io: Mapping[str, str]) -> MetadataFacts:
    """Read one metadata file (plain or gzip).

    Errors: `corrupt-metadata` naming the file where it is missing or breaks the specification.
    """
    return _read(location, frozenset(io.items()))


@functools.lru_cache(maxsize=16)
def _read(location: str, io: frozenset[tuple[str, str]]) -> MetadataFacts:
    content, raw = read_raw(location, dict(io))
    try:
        return _normalised(location, len(content), raw)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise corrupt(location, "breaks the specification") from error


def read_raw(location: str, io: Mapping[str, str]) -> tuple[bytes, dict[str, Any]]:
    """Give a metadata file's bytes as stored and the document in it. Errors: as `read_metadata`."""
    content = storage.read_bytes(location, io)
    try:
        raw = json.loads(gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content)
    except (ValueError, EOFError, OSError, zlib.error, RecursionError) as error:
        raise corrupt(location, "is not a readable metadata file") from error
    if not isinstance(raw, dict):
        raise corrupt(location, "is not a readable metadata file")
    return content, raw


def _normalised(location: str, size: int, raw: dict[str, Any]) -> MetadataFacts:
    schemas = raw.get("schemas") or [raw["schema"]]
    specs = raw.get("partition-specs") or [{"spec-id": 0, "fields": raw.get("partition-spec", [])}]
    current = raw.get("current-snapshot-id")
    current = None if current in (None, -1) else current
    snapshots = [_snapshot(snapshot, location) for snapshot in raw.get("snapshots") or []]
    # The log is in commit order; sequence numbers are too, but v1 has none.
    snapshots.sort(key=lambda snapshot: (snapshot["sequence_number"], snapshot["committed_at"]))
    refs = dict(raw.get("refs") or {})
    if current is not None:
        refs.setdefault("main", {"snapshot-id": current, "type": "branch"})
    return {
        "location": location,
        "metadata_bytes": size,
        "format_version": int(raw["format-version"]),
        "table_uuid": str(raw.get("table-uuid") or ""),
        "table_location": str(raw["location"]).rstrip("/"),
        "properties": {str(key): str(value) for key, value in (raw.get("properties") or {}).items()},
        "last_updated_ms": int(raw["last-updated-ms"]),
        "current_schema_id": int(raw.get("current-schema-id", schemas[0].get("schema-id", 0))),
        "schemas": [describe_schema(schema) for schema in schemas],
        "default_spec_id": int(raw.get("default-spec-id", 0)),
        "specs": [_spec(spec) for spec in specs],
        "default_sort_order_id": int(raw.get("default-sort-order-id", 0)),
        "sort_orders": [_sort_order(order) for order in raw.get("sort-orders") or []],
        "current_snapshot_id": current,
        "snapshots": snapshots,
        "refs": [_ref(name, ref) for name, ref in sorted(refs.items())],
        "metadata_log": [
            {"at": int(entry["timestamp-ms"]), "file": str(entry["metadata-file"])}
            for entry in raw.get("metadata-log") or []
        ],
        "snapshot_log": [
            {"at": int(entry["timestamp-ms"]), "snapshot": int(entry["snapshot-id"])}
            for entry in raw.get("snapshot-log") or []
        ],
        "statistics": _statistics(raw.get("statistics")),
        "partition_statistics": _statistics(raw.get("partition-statistics")),
    }


def _snapshot(raw: dict[str, Any], location: str) -> SnapshotFacts:
    summary = {str(key): str(value) for key, value in (raw.get("summary") or {}).items()}
    identity = int(raw["snapshot-id"])
    return {
        "id": identity,
        "parent": raw.get("parent-snapshot-id"),
        "sequence_number": int(raw.get("sequence-number") or 0),
        "committed_at": int(raw["timestamp-ms"]),
        "operation": summary.pop("operation", ""),
        "summary": summary,
        "manifest_list": str(raw["manifest-list"]) if "manifests" not in raw else f"{location}{EMBEDDED}{identity}",
        "schema_id": raw.get("schema-id"),
    }


def _source(raw: dict[str, Any]) -> int:
    """Give the source column of a partition or sort field; v3 may name several, of which transforms use one so far."""
    return int(raw["source-id"] if "source-id" in raw else raw["source-ids"][0])


def _spec(raw: dict[str, Any]) -> SpecFacts:
    fields: list[PartitionFieldFacts] = [
        {
            "source_id": _source(field),
            # v1 counts them from 1000 in order where it leaves them out (specification, "Partition Field IDs").
            "field_id": int(field.get("field-id", 1000 + position)),
            "name": str(field["name"]),
            "transform": str(field["transform"]),
        }
        for position, field in enumerate(raw["fields"])
    ]
    return {"spec_id": int(raw["spec-id"]), "fields": fields}


def _sort_order(raw: dict[str, Any]) -> SortOrderFacts:
    fields: list[SortFieldFacts] = [
        {
            "source_id": _source(field),
            "transform": str(field["transform"]),
            "descending": field["direction"] == "desc",
            "nulls_first": field["null-order"] == "nulls-first",
        }
        for field in raw["fields"]
    ]
    return {"order_id": int(raw["order-id"]), "fields": fields}


def _ref(name: str, raw: dict[str, Any]) -> RefFacts:
    return {
        "name": name,
        "kind": "tag" if raw["type"] == "tag" else "branch",
        "snapshot": int(raw["snapshot-id"]),
        "min_snapshots_to_keep": raw.get("min-snapshots-to-keep"),
        "max_snapshot_age": raw.get("max-snapshot-age-ms"),
        "max_ref_age": raw.get("max-ref-age-ms"),
    }


def _statistics(raw: Iterable[dict[str, Any]] | None) -> list[StatisticsFacts]:
    return [
        {
            "snapshot_id": int(file["snapshot-id"]),
            "path": str(file["statistics-path"]),
            "bytes": int(file["file-size-in-bytes"]),
        }
        for file in raw or []
    ]
