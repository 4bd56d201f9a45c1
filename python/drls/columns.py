"""Columns by their path: found, and kept apart from their siblings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyiceberg.types import ListType, MapType, NestedField, StructType

from drls.errors import DrlsError, invalid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyiceberg.schema import Schema


def find_column(schema: Schema, path: str) -> NestedField:
    """Give the field with this full path. Errors: `column-not-found` with what is there.

    The parts of a list or map ("element", "key", "value") have a path but are no column: `invalid-argument`.
    """
    field = _field(schema, path)
    parent = path.rpartition(".")[0]
    if parent and isinstance(_field(schema, parent).field_type, ListType | MapType):
        raise invalid("/path", f"{path!r} is part of the type of {parent!r} and no column of its own")
    return field


def _field(schema: Schema, path: str) -> NestedField:
    try:
        return schema.find_field(path)
    except ValueError as error:
        top = ", ".join(field.name for field in schema.fields[:20])
        raise DrlsError("column-not-found", f"The table has no column {path!r}. Its columns are {top}.") from error


def siblings(schema: Schema, parent: str) -> Sequence[NestedField]:
    """Give the fields beside each other under `parent`, "" for the table's own columns.

    A list or map of structs stands for its structs. Errors: `column-not-found`; `invalid-argument` for a parent that
    can't hold columns.
    """
    if not parent:
        return schema.fields
    held = _field(schema, parent).field_type
    if isinstance(held, ListType):
        held = held.element_type
    elif isinstance(held, MapType):
        held = held.value_type
    if not isinstance(held, StructType):
        raise invalid("/path", f"{parent!r} is of type {held} and can't hold columns")
    return held.fields


def struct_path(schema: Schema, parent: str) -> str:
    """Give the path of the struct that `parent` stands for: that of a list is its element, that of a map its value."""
    held = _field(schema, parent).field_type
    if isinstance(held, ListType):
        return f"{parent}.element"
    return f"{parent}.value" if isinstance(held, MapType) else parent


def refuse_taken(around: Sequence[NestedField], name: str, pointer: str) -> None:
    """Refuse a name that a sibling has, in any case of letters: Spark does not tell them apart."""
    for field in around:
        if field.name.casefold() == name.casefold():
            raise invalid(pointer, f"the name {name!r} is taken by the column {field.name!r}")
