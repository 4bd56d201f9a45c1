"""Tables for unit tests: give the facts, get a :class:`Table`. And responses in place of the network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from . import http
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


@contextmanager
def responses(given: Mapping[str, http.Response]) -> Iterator[None]:
    """Answers requests with these, by method and address.

    >>> with responses({"GET https://a.example/": http.Response(200, body=b"hello")}):
    ...     http.get("https://a.example/").text()
    'hello'
    """

    def answer(method: str, url: str, _headers: Mapping[str, str], _body: bytes) -> http.Response:
        try:
            return given[f"{method} {url}"]
        except KeyError:
            raise http.Unsent(f"there is no response to {method} {url}") from None

    before, http.sender = http.sender, answer
    try:
        yield
    finally:
        http.sender = before
