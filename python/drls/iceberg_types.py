"""Iceberg types in the specification's own words: spelled from metadata, and read from what a person types."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter
from pyiceberg.types import (
    IcebergType,
    ListType,
    MapType,
    NestedField,
    PrimitiveType,
    StructType,
)

from drls.errors import DrlsError, invalid

if TYPE_CHECKING:
    from collections.abc import Callable

PRIMITIVES = (
    "boolean, int, long, float, double, decimal(P, S), date, time, timestamp, timestamptz, timestamp_ns, "
    "timestamptz_ns, string, uuid, fixed[L], binary"
)
"""What `parse` knows besides list<T>, map<K, V> and struct<name: T, ...> (https://iceberg.apache.org/spec/#schemas-and-data-types)."""

_PRIMITIVE = re.compile(
    r"(boolean|int|long|float|double|date|timestamptz_ns|timestamp_ns|timestamptz|timestamp|time|string|uuid|binary"
    r"|decimal\((?:[1-9]|[12]\d|3[0-8]),\s*(?:\d|[12]\d|3[0-8])\)|fixed\[[1-9]\d{0,8}\])"
)
_MAX_DEPTH = 32


def spell(declared: str | dict[str, Any]) -> str:
    """Spell a type as it stands in a metadata file: "long", "decimal(10, 2)", "list<string>", "struct<a: int>"."""
    if isinstance(declared, str):
        return re.sub(r"^decimal\((\d+),\s*(\d+)\)$", r"decimal(\1, \2)", declared)
    match declared["type"]:
        case "list":
            return f"list<{spell(declared['element'])}>"
        case "map":
            return f"map<{spell(declared['key'])}, {spell(declared['value'])}>"
        case "struct":
            return (
                "struct<" + ", ".join(f"{field['name']}: {spell(field['type'])}" for field in declared["fields"]) + ">"
            )
        case other:
            return str(other)


def parse(text: str, pointer: str = "/data_type") -> IcebergType:
    """Read a type as the specification spells it, nested ones too; every field in it is optional and gets a fresh id.

    Errors: `invalid-argument` at `pointer` naming the part that is no Iceberg type.
    """
    ids = iter(range(1, 10_000))
    return _Parser(text, pointer, lambda: next(ids)).whole()


class _Parser:
    """Recursive descent over the type's text; a field's id is any fresh number, the commit assigns the real ones."""

    def __init__(self, text: str, pointer: str, fresh: Callable[[], int]) -> None:
        self.text = text
        self.pointer = pointer
        self.fresh = fresh
        self.at = 0

    def whole(self) -> IcebergType:
        parsed = self.type(0)
        self.space()
        if self.at != len(self.text):
            raise self.wrong()
        return parsed

    def type(self, depth: int) -> IcebergType:
        if depth > _MAX_DEPTH:
            raise invalid(self.pointer, f"is nested more than {_MAX_DEPTH} deep")
        self.space()
        if self.take("list<"):
            element = self.type(depth + 1)
            self.need(">")
            return ListType(self.fresh(), element, element_required=False)
        if self.take("map<"):
            key = self.type(depth + 1)
            self.need(",")
            value = self.type(depth + 1)
            self.need(">")
            return MapType(self.fresh(), key, self.fresh(), value, value_required=False)
        if self.take("struct<"):
            return self.struct(depth)
        found = _PRIMITIVE.match(self.text, self.at)
        if found is None or self.text[found.end() : found.end() + 1].isalnum():
            raise self.wrong()
        self.at = found.end()
        return primitive(found.group(0))

    def struct(self, depth: int) -> StructType:
        fields: list[NestedField] = []
        while True:
            end = self.text.find(":", self.at)
            name = self.text[self.at : end].strip() if end > 0 else ""
            if not name or any(mark in name for mark in "<>,"):
                raise self.wrong()
            if any(field.name == name for field in fields):
                raise invalid(self.pointer, f"names the field {name!r} twice in one struct")
            self.at = end + 1
            fields.append(NestedField(self.fresh(), name, self.type(depth + 1), required=False))
            self.space()
            if self.take(">"):
                return StructType(*fields)
            self.need(",")

    def space(self) -> None:
        while self.text[self.at : self.at + 1].isspace():
            self.at += 1

    def take(self, word: str) -> bool:
        if self.text.startswith(word, self.at):
            self.at += len(word)
            return True
        return False

    def need(self, word: str) -> None:
        self.space()
        if not self.take(word):
            raise self.wrong()

    def wrong(self) -> DrlsError:
        rest = self.text[self.at : self.at + 40] or "the end"
        return invalid(
            self.pointer,
            f"is no Iceberg type at {rest!r}. Known are {PRIMITIVES}, list<T>, map<K, V> and struct<name: T, ...>",
        )


def primitive(text: str) -> PrimitiveType:
    """Build a primitive type from its spelling; a `ValueError` where there is none."""
    built = _ANY_TYPE.validate_python(text)
    if not isinstance(built, PrimitiveType):
        raise TypeError(f"{text} is no primitive type")
    return built


_ANY_TYPE: TypeAdapter[IcebergType] = TypeAdapter(IcebergType)
