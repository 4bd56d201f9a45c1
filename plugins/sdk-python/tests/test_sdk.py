"""The SDK in an ordinary Python: its names are the contract's, and a dataclass is its schema."""

from __future__ import annotations

import dataclasses
import json
import re
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Literal, Optional

import pytest
from drls_plugin import Effect, Finding, Invalid, Severity, Table, facts, operation, rule, setting, table
from drls_plugin.settings import NoConfig, read, schema
from drls_plugin.shape import fits
from drls_plugin.testing import table as table_of

WIT = Path(__file__).resolve().parents[3] / "wit"
ITEM = re.compile(r"^  (?P<kind>record|enum|variant) (?P<name>[\w-]+) \{\n(?P<body>.*?)^  \}", re.MULTILINE | re.DOTALL)


def items(file: str) -> dict[str, tuple[str, list[str]]]:
    """Records, enums and variants of a file of the contract: name in Python to kind and names of the parts."""
    found = {}
    for item in ITEM.finditer((WIT / file).read_text()):
        parts = re.findall(r"^    ([\w-]+)(?:: .*|\(.*\))?,$", item["body"], re.MULTILINE)
        name = "".join(word.capitalize() for word in item["name"].split("-"))
        found[name] = (item["kind"], [part.replace("-", "_") for part in parts])
    return found


@pytest.mark.parametrize(
    ("file", "module"), [("facts.wit", facts), ("health-rule.wit", rule), ("table-operation.wit", operation)]
)
def test_every_type_of_the_contract_is_here_with_its_parts(file: str, module: object) -> None:
    for name, (kind, parts) in items(file).items():
        if name == "OperationDescriptor":
            continue
        mine = getattr(module, {"OperationPlan": "Plan"}.get(name, name))
        if kind == "record":
            assert [field.name for field in dataclasses.fields(mine)] == parts, name
        elif kind == "enum":
            assert [case.name.lower() for case in mine] == parts, name
        else:
            cases = [re.sub(r"(?<!^)(?=[A-Z])", "_", one.__name__).lower() for one in mine.__args__]
            assert cases == parts, name


def test_every_method_of_the_table_is_here() -> None:
    methods = set(re.findall(r"^    ([\w-]+): func\(", (WIT / "facts.wit").read_text(), re.MULTILINE))
    assert {name.replace("-", "_") for name in methods} == table.FACTS
    assert all(callable(getattr(Table, name)) for name in table.FACTS)


class Colour(Enum):
    """A choice."""

    RED = "red"
    BLUE = "blue"


@dataclass
class Part:
    """One part."""

    size: int


@dataclass
class Config:
    """What may be changed."""

    name: str
    share: float = setting(0.5, "A share.", minimum=0)
    colour: Colour = Colour.RED
    kind: Literal["a", "b"] = "a"
    parts: list[Part] = setting([])
    limits: dict[str, int] = setting({})
    note: Optional[str] = None  # noqa: UP045 - both spellings are an author's


def test_a_dataclass_is_its_schema() -> None:
    described = json.loads(schema(Config))
    assert described["required"] == ["name"]
    assert described["additionalProperties"] is False
    assert described["properties"]["share"] == {
        "type": "number",
        "description": "A share.",
        "minimum": 0,
        "default": 0.5,
    }
    assert described["properties"]["colour"] == {"enum": ["red", "blue"], "default": "red"}
    assert described["properties"]["parts"]["items"]["required"] == ["size"]
    assert described["properties"]["note"] == {"type": ["string", "null"], "default": None}
    with pytest.raises(TypeError, match="no JSON Schema"):
        schema(dataclass(type("Odd", (), {"__annotations__": {"when": complex}, "__doc__": ""})))


def test_reads_what_fits_and_tells_every_field_that_does_not() -> None:
    text = '{"name": "x", "share": 1, "colour": "blue", "parts": [{"size": 3}], "limits": {"a": 1}, "note": "n"}'
    assert read(Config, text) == Config("x", 1.0, Colour.BLUE, "a", [Part(3)], {"a": 1}, "n")
    assert read(NoConfig, "") == NoConfig()
    with pytest.raises(Invalid) as refused:
        read(Config, '{"share": "much", "colour": "green", "parts": [{"size": 1.5}], "a/b": 1}')
    assert [one.pointer for one in refused.value.fields] == ["/a~1b", "/name", "/share", "/colour", "/parts/0/size"]


def test_a_fact_that_is_not_read_says_so() -> None:
    seen = Table(table_of(location="file:///t", as_of=7), ["location"])
    assert seen.location() == "file:///t"
    with pytest.raises(LookupError, match='add "as_of" to its `reads`'):
        seen.as_of()
    with pytest.raises(TypeError, match="names sizes, which no table has"):
        table.checked(["sizes"], "Rule")


def test_an_unchanged_table_promises_what_the_totals_tell() -> None:
    totals = facts.Totals(1, 2, 3, 4, 0, 0, None)
    effect = Effect.unchanged(totals)
    assert effect.manifests is None
    assert effect.data_files == operation.Change(2, 2)
    assert Finding("code", Severity.of(1, 40), "A title.", 1).severity is Severity.INFO


def a_finding(**other: object) -> Finding:
    parts: dict[str, object] = {"code": "a", "severity": Severity.INFO, "title": "A.", "penalty": 0}
    return Finding(**(parts | other))  # type: ignore[arg-type]


def test_an_answer_that_fits_its_classes_is_taken() -> None:
    fits(
        [a_finding(evidence=[rule.Measure("n", 1, "x")], remedy=rule.Remedy("b", {"c": None}))], list[Finding], "answer"
    )
    steps: list[operation.Step] = [operation.SetProperties([("k", "v")]), operation.RewriteManifests()]
    fits(operation.Plan(steps, Effect(), operation.Reversibility.NONE), operation.Plan, "answer")


@pytest.mark.parametrize(
    ("value", "hint", "words"),
    [
        ([a_finding(title=7)], list[Finding], "answer[0].title is 7, and must be str"),
        ([a_finding(penalty=2.5)], list[Finding], "answer[0].penalty is 2.5, and must be int"),
        ([a_finding(penalty=True)], list[Finding], "answer[0].penalty is True, and must be int"),
        ([a_finding(severity="info")], list[Finding], "answer[0].severity is 'info', and must be Severity"),
        ([a_finding(evidence=[None])], list[Finding], "answer[0].evidence[0] is None, and must be Measure"),
        (["a text"], list[Finding], "answer[0] is 'a text', and must be Finding"),
        (None, operation.Plan, "answer is None, and must be Plan"),
        (operation.SetProperties([("k",)]), operation.Step, "answer.properties[0] has 1 parts, and must have 2"),  # type: ignore[list-item]
    ],
)
def test_an_answer_that_does_not_fit_is_told_by_the_name_of_the_part(value: object, hint: object, words: str) -> None:
    with pytest.raises(TypeError, match=f"^{re.escape(words)}$"):
        fits(value, hint, "answer")


def test_a_step_of_no_kind_is_told() -> None:
    with pytest.raises(TypeError, match=r"is 'expire', and must be RewriteDataFiles or .* or Rollback$"):
        fits("expire", operation.Step, "answer")
