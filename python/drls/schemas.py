"""Schemas as a metadata file states them: nested for people, flat for rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

from drls.iceberg_types import spell

if TYPE_CHECKING:
    from collections.abc import Iterator


class Field(TypedDict):
    """A field with its children: those of a struct, "element" of a list, "key" and "value" of a map."""

    id: int
    name: str
    path: str
    type: str
    required: bool
    doc: str | None
    fields: list[Field]


class FlatField(TypedDict):
    """A field by its full path, "address.city", "tags.element", "prices.value.amount"."""

    id: int
    path: str
    data_type: str
    required: bool
    doc: str | None


class SchemaFacts(TypedDict):
    """A schema twice: `fields` nested, `flat` every field with a parent before its children."""

    schema_id: int
    identifier_field_ids: list[int]
    fields: list[Field]
    flat: list[FlatField]


def describe_schema(raw: dict[str, Any]) -> SchemaFacts:
    """Describe a schema of a metadata file; v1 may leave its id out, which is then 0."""
    fields = [_field(field, "") for field in raw["fields"]]
    return {
        "schema_id": int(raw.get("schema-id", 0)),
        "identifier_field_ids": [int(field) for field in raw.get("identifier-field-ids") or []],
        "fields": fields,
        "flat": [flat for field in fields for flat in _flat(field)],
    }


def _field(raw: dict[str, Any], parent: str) -> Field:
    path = f"{parent}.{raw['name']}" if parent else str(raw["name"])
    return {
        "id": int(raw["id"]),
        "name": str(raw["name"]),
        "path": path,
        "type": spell(raw["type"]),
        "required": bool(raw["required"]),
        "doc": raw.get("doc"),
        "fields": [_field(child, path) for child in _children(raw["type"])],
    }


def _children(declared: str | dict[str, Any]) -> list[dict[str, Any]]:
    if isinstance(declared, str):
        return []
    match declared["type"]:
        case "struct":
            return list(declared["fields"])
        case "list":
            return [_part(declared, "element", required=bool(declared["element-required"]))]
        case "map":
            return [
                _part(declared, "key", required=True),
                _part(declared, "value", required=bool(declared["value-required"])),
            ]
    return []


def _part(declared: dict[str, Any], name: str, *, required: bool) -> dict[str, Any]:
    return {"id": declared[f"{name}-id"], "name": name, "type": declared[name], "required": required}


def _flat(field: Field) -> Iterator[FlatField]:
    yield {
        "id": field["id"],
        "path": field["path"],
        "data_type": field["type"],
        "required": field["required"],
        "doc": field["doc"],
    }
    for child in field["fields"]:
        yield from _flat(child)
