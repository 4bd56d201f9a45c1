"""Holds an answer against its classes: what does not fit is told in Python's words, and not by a trap without any."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Any, Union

_hints: dict[type, dict[str, Any]] = {}


def remember(*classes: type) -> None:
    """Reads the types of these classes while the component is made, which would take each call too long."""
    for one in classes:
        _hints[one] = typing.get_type_hints(one)


def fits(value: Any, hint: Any, name: str) -> None:
    """Raises TypeError where ``value`` or a part of it is of another type than ``hint``.

    >>> fits([7], list[str], "answer")
    Traceback (most recent call last):
    TypeError: answer[0] is 7, and must be str
    """
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, UnionType):
        _one_of(value, parts, name)
    elif origin is list:
        _are(value, (list, tuple), "list", name)
        for at, item in enumerate(value):
            fits(item, parts[0], f"{name}[{at}]")
    elif origin is tuple:
        _are(value, (list, tuple), "tuple", name)
        if len(value) != len(parts):
            raise TypeError(f"{name} has {len(value)} parts, and must have {len(parts)}")
        for at, (item, part) in enumerate(zip(value, parts, strict=True)):
            fits(item, part, f"{name}[{at}]")
    elif origin is Mapping:
        _are(value, (Mapping,), "dict", name)
    elif hint in (int, float):
        # Truth is no number here, though Python says so.
        kinds = (NoneType,) if isinstance(value, bool) else (int,) if hint is int else (int, float)
        _are(value, kinds, hint.__name__, name)
    else:
        _are(value, (hint,), hint.__name__, name)
        if isinstance(hint, type) and dataclasses.is_dataclass(hint):
            for part, of in (_hints.get(hint) or typing.get_type_hints(hint)).items():
                fits(getattr(value, part), of, f"{name}.{part}")


def _one_of(value: Any, hints: tuple[Any, ...], name: str) -> None:
    if value is None and NoneType in hints:
        return
    of = [hint for hint in hints if hint is not NoneType]
    fitting = [hint for hint in of if isinstance(hint, type) and isinstance(value, hint)]
    if len(of) > 1 and not fitting:
        raise TypeError(f"{name} is {value!r:.80}, and must be {' or '.join(hint.__name__ for hint in of)}")
    fits(value, (fitting or of)[0], name)


def _are(value: Any, kinds: tuple[type, ...], word: str, name: str) -> None:
    if not isinstance(value, kinds):
        raise TypeError(f"{name} is {value!r:.80}, and must be {word}")
