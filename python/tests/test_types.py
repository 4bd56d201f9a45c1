"""Iceberg types: spelled, read, refused."""

from __future__ import annotations

import pytest

from drls.errors import DrlsError
from drls.iceberg_types import parse, spell


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ("long", "long"),
        ("decimal(10,2)", "decimal(10, 2)"),
        ("decimal(38, 38)", "decimal(38, 38)"),
        ("fixed[16]", "fixed[16]"),
        ("timestamptz_ns", "timestamptz_ns"),
        (" list< map<string,list<uuid>> > ", "list<map<string, list<uuid>>>"),
        ("struct<a: int, b c: struct<d: date>>", "struct<a: int, b c: struct<d: date>>"),
    ],
)
def test_reads_what_it_spells(text: str, spelled: str) -> None:
    assert spell_of(parse(text)) == spelled


def spell_of(parsed: object) -> str:
    """Spell a parsed type by way of the JSON that a metadata file would hold."""
    from pyiceberg.schema import Schema
    from pyiceberg.types import IcebergType, NestedField

    assert isinstance(parsed, IcebergType)
    raw = Schema(NestedField(1000, "x", parsed)).model_dump()["fields"][0]["type"]
    return spell(raw if isinstance(raw, str | dict) else str(raw))


@pytest.mark.parametrize(
    "text",
    [
        *("", "varchar", "longer", "int; DROP", "fixed[0]", "fixed[-1]"),
        *("decimal(39, 1)", "decimal(0, 0)", "decimal(10)"),
        *("list<int", "list<int>>", "map<string>", "list<" * 40 + "int" + ">" * 40),
        *("struct<>", "struct<a>", "struct<a: int, a: int>"),
    ],
)
def test_refuses_what_is_no_type(text: str) -> None:
    with pytest.raises(DrlsError) as told:
        parse(text)
    assert told.value.code == "invalid-argument"
    assert told.value.errors[0][0] == "/data_type"
