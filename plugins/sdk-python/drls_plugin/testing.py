"""Tables for unit tests: give the facts, get a :class:`Table`."""

from __future__ import annotations

from typing import Any

from .table import Table, checked


class _Facts:
    def __init__(self, given: dict[str, Any]) -> None:
        self._given = given

    def __getattr__(self, name: str) -> Any:
        value = self._given[name]
        return value if callable(value) else lambda *_: value


def table(**given: Any) -> Table:
    """A table with these facts: a value each, or a function of the method's arguments.

    >>> table(location="file:///t", partition_count=3).partition_count()
    3
    """
    return Table(_Facts(given), checked(given, "table"))
