"""Configuration and arguments.

A dataclass gives their JSON Schema, and is made from the JSON that the host hands over.
"""

from __future__ import annotations

import dataclasses
import json
import typing
from dataclasses import dataclass
from enum import Enum
from types import NoneType, UnionType
from typing import Any, TypeVar, Union

from .errors import Invalid

T = TypeVar("T")

_SCHEMA = "https://json-schema.org/draft/2020-12/schema"
_PLAIN: dict[Any, str] = {bool: "boolean", int: "integer", float: "number", str: "string"}


@dataclass
class NoConfig:
    """A configuration without values."""


def setting(default: Any = dataclasses.MISSING, doc: str = "", *, title: str = "", **bounds: Any) -> Any:
    """A field with the words and bounds that the console's form shows.

    ``bounds`` are keywords of JSON Schema, as ``minimum=1`` or ``maxLength=20``. Without a default the field must be
    given.
    """
    words = {"description": doc, "title": title, **bounds}
    metadata = {key: value for key, value in words.items() if value != ""}
    if isinstance(default, (list, dict, set)):
        copy = default.copy
        return dataclasses.field(default_factory=copy, metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def schema(of: type) -> str:
    """JSON Schema (2020-12) of a dataclass, as text."""
    return json.dumps({"$schema": _SCHEMA, "title": of.__name__, **_object(of)})


def _object(of: type) -> dict[str, Any]:
    if not dataclasses.is_dataclass(of):
        raise TypeError(f"{of.__name__} is no dataclass: decorate it with @dataclass")
    hints = typing.get_type_hints(of)
    described: dict[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}
    if of.__doc__ and not of.__doc__.startswith(f"{of.__name__}("):
        described["description"] = of.__doc__.strip()
    required = []
    for field in dataclasses.fields(of):
        described["properties"][field.name] = {**_of(hints[field.name], field.name), **field.metadata}
        if field.default is not dataclasses.MISSING:
            described["properties"][field.name]["default"] = _plain(field.default)
        elif field.default_factory is not dataclasses.MISSING:
            described["properties"][field.name]["default"] = _plain(field.default_factory())
        else:
            required.append(field.name)
    if required:
        described["required"] = required
    return described


def _of(hint: Any, name: str) -> dict[str, Any]:
    if hint in _PLAIN:
        return {"type": _PLAIN[hint]}
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, UnionType) and len(parts) == 2 and NoneType in parts:
        inner = _of(next(part for part in parts if part is not NoneType), name)
        kind = inner.get("type")
        return {**inner, "type": [kind, "null"]} if isinstance(kind, str) else {"anyOf": [inner, {"type": "null"}]}
    if origin is list:
        return {"type": "array", "items": _of(parts[0], name)}
    if origin is dict and parts[0] is str:
        return {"type": "object", "additionalProperties": _of(parts[1], name)}
    if origin is typing.Literal:
        return {"enum": list(parts)}
    if isinstance(hint, type) and issubclass(hint, Enum):
        return {"enum": [case.value for case in hint]}
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _object(hint)
    raise TypeError(
        f"the type of {name}, {hint}, has no JSON Schema here; take bool, int, float, str, list, dict, Optional, "
        "Literal, Enum or a dataclass"
    )


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value


def read(of: type[T], text: str) -> T:
    """The dataclass from a JSON object, "" for an empty one. Raises Invalid with every field that does not fit.

    The host has checked it against the schema already; this is for calls from elsewhere.
    """
    document = json.loads(text) if text.strip() else {}
    mistakes: list[tuple[str, str]] = []
    value = _read(of, document, "", mistakes)
    if mistakes:
        raise Invalid(*mistakes)
    return typing.cast("T", value)


def _read(hint: Any, value: Any, pointer: str, mistakes: list[tuple[str, str]]) -> Any:
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, UnionType):
        if value is None:
            return None
        return _read(next(part for part in parts if part is not NoneType), value, pointer, mistakes)
    if hint is float and type(value) is int:
        return float(value)
    if hint in _PLAIN:
        if type(value) is not hint:
            mistakes.append((pointer, f"is {json.dumps(value)}; say a JSON {_PLAIN[hint]}"))
        return value
    if origin is list and isinstance(value, list):
        return [_read(parts[0], item, f"{pointer}/{at}", mistakes) for at, item in enumerate(value)]
    if origin is dict and isinstance(value, dict):
        return {key: _read(parts[1], item, f"{pointer}/{_token(key)}", mistakes) for key, item in value.items()}
    if origin is typing.Literal and value in parts:
        return value
    if isinstance(hint, type) and issubclass(hint, Enum) and value in [case.value for case in hint]:
        return hint(value)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type) and isinstance(value, dict):
        return _made(hint, value, pointer, mistakes)
    mistakes.append((pointer, f"is {json.dumps(value)}, which does not fit"))
    return value


def _made(of: type, value: dict[str, Any], pointer: str, mistakes: list[tuple[str, str]]) -> Any:
    hints, known = typing.get_type_hints(of), {field.name: field for field in dataclasses.fields(of)}
    before = len(mistakes)
    mistakes.extend(
        (f"{pointer}/{_token(name)}", "is not known here; leave it out") for name in value if name not in known
    )
    for name, field in known.items():
        needed = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if needed and name not in value:
            mistakes.append((f"{pointer}/{_token(name)}", "is missing"))
    given = {
        name: _read(hints[name], item, f"{pointer}/{_token(name)}", mistakes)
        for name, item in value.items()
        if name in known
    }
    return of(**given) if len(mistakes) == before else None


def _token(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
