"""Names of partitions for people and for grouping: "region=eu/day=2026-11-23"."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pyiceberg.transforms import parse_transform
from pyiceberg.types import IcebergType, StringType

from drls.iceberg_types import primitive

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from drls.metadata import PartitionFieldFacts
    from drls.schemas import SchemaFacts

_UNSAFE = re.compile(r"[%/=\x00-\x1f]")


def partition_namer(
    fields: Sequence[PartitionFieldFacts], schemas: Sequence[SchemaFacts]
) -> Callable[[Sequence[Any]], str]:
    """Give the function that names a partition value of a spec; it takes the values in the spec's order.

    The names are Iceberg's "human strings" (`Transform.to_human_string`). Other than in file paths only the characters
    that would make a name ambiguous are percent-encoded, so that names read as people wrote them.
    """
    # A column keeps its id, and its type can only be widened: any schema that has it will do, the newest first.
    types = {field["id"]: field["data_type"] for schema in schemas for field in schema["flat"]}
    parts = [
        (_quoted(field["name"]), parse_transform(field["transform"]), _source_type(types.get(field["source_id"])))
        for field in fields
    ]

    def name(values: Sequence[Any]) -> str:
        return "/".join(
            f"{label}={_quoted(transform.to_human_string(source, value))}"
            for (label, transform, source), value in zip(parts, values, strict=False)
        )

    return name


def _source_type(spelled: str | None) -> IcebergType:
    """Give the type that a partition's source has; a column that no schema has any more is shown as text."""
    try:
        return primitive(spelled) if spelled else StringType()
    except ValueError:
        return StringType()


def _quoted(text: str) -> str:
    return _UNSAFE.sub(lambda found: f"%{ord(found.group(0)):02X}", text)
