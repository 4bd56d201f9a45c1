"""Names of partitions for people and for grouping: "region=eu/day=2026-11-23"."""

from __future__ import annotations

import contextlib
import math
import re
import struct
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pyiceberg.transforms import IdentityTransform, Transform, parse_transform
from pyiceberg.types import (
    DoubleType,
    FloatType,
    IcebergType,
    StringType,
    TimestampType,
    TimestamptzType,
    TimeType,
)

from drls.iceberg_types import primitive

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from drls.metadata import PartitionFieldFacts
    from drls.schemas import SchemaFacts

_TIMES = (TimeType, TimestampType, TimestamptzType)
_NO_FRACTION = re.compile(r"(\.\d*?)0+(?=$|\+)")
_UNSAFE = re.compile(r"[%/=\x00-\x1f]")


def partition_namer(
    fields: Sequence[PartitionFieldFacts], schemas: Sequence[SchemaFacts]
) -> Callable[[Sequence[Any]], str]:
    """Give the function that names a partition value of a spec; it takes the values in the spec's order.

    The names are the "human strings" of Iceberg's Java (`Transform.toHumanString`), by which Spark names folders. Other
    than in file paths only the characters that would make a name ambiguous are percent-encoded, so that names read as
    people wrote them.
    """
    # A column keeps its id, and its type can only be widened: any schema that has it will do, the newest first.
    types = {field["id"]: field["data_type"] for schema in schemas for field in schema["flat"]}
    parts = [
        (_quoted(field["name"]), parse_transform(field["transform"]), _source_type(types.get(field["source_id"])))
        for field in fields
    ]

    def name(values: Sequence[Any]) -> str:
        return "/".join(
            f"{label}={_quoted(_human(transform, source, value))}"
            for (label, transform, source), value in zip(parts, values, strict=False)
        )

    return name


def _source_type(spelled: str | None) -> IcebergType:
    """Give the type that a partition's source has; a column that no schema has any more is shown as text."""
    try:
        return primitive(spelled) if spelled else StringType()
    except ValueError:
        return StringType()


def _human(transform: Transform[Any, Any], source: IcebergType, value: Any) -> str:  # noqa: ANN401 (any partition value)
    if value is not None and isinstance(transform, IdentityTransform):
        if isinstance(source, FloatType | DoubleType):
            return _java_number(value, "<f" if isinstance(source, FloatType) else "<d")
        if isinstance(source, _TIMES):
            # Python writes six digits of a fraction or none, Java as many as there are.
            return _NO_FRACTION.sub(r"\1", transform.to_human_string(source, value))
    return transform.to_human_string(source, value)


def _java_number(value: float, width: str) -> str:
    """Write a number as Java's `Float.toString` and `Double.toString` do; `width` is its format for `struct`."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    number = _shortest(value, width)
    least, most = 1e-3, 1e7  # outside of these Java writes an exponent
    if not value or least <= abs(value) < most:
        plain = f"{number:f}"
        return plain if "." in plain else f"{plain}.0"
    sign, (first, *rest), _ = number.normalize().as_tuple()
    return f"{'-' * sign}{first}.{''.join(map(str, rest)) or '0'}E{number.adjusted()}"


def _shortest(value: float, width: str) -> Decimal:
    """Give the number of fewest digits that is stored as `value` is."""
    stored = struct.pack(width, value)
    for digits in range(1, 17):
        text = f"{value:.{digits}g}"
        with contextlib.suppress(OverflowError):  # rounded up past the largest one
            if struct.pack(width, float(text)) == stored:
                return Decimal(text)
    return Decimal(repr(value))


def _quoted(text: str) -> str:
    return _UNSAFE.sub(lambda found: f"%{ord(found.group(0)):02X}", text)
