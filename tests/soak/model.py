"""What a table must read as, kept beside it in plain Python. Every change gives a new model: both stay known."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Row = Mapping[int, Any]
    """Values by field id; a missing one is null. Those of dropped columns stay: a column may come back."""
    Rows = Mapping[int, Row]
    """Rows by the value of their `id` column, which is unique."""

KEY = 1
"""Field id of the column `id`."""


class Column(NamedTuple):
    """A top-level column; its field id stays when it is renamed, and no other column ever gets it."""

    id: int
    name: str
    type: str


class Snapshot(NamedTuple):
    """A snapshot with every row that it has."""

    id: int
    parent: int | None
    rows: Rows


class Ref(NamedTuple):
    """A branch or tag."""

    kind: str
    snapshot: int


@dataclass(frozen=True)
class Model:
    """A table. `snapshots` are in the order of their commits; `refs` has main as soon as there is a snapshot."""

    columns: tuple[Column, ...]
    last_column: int
    snapshots: Mapping[int, Snapshot]
    refs: Mapping[str, Ref]
    properties: Mapping[str, str]

    @property
    def head(self) -> int | None:
        """The snapshot that main points to."""
        return self.refs["main"].snapshot if "main" in self.refs else None

    @property
    def rows(self) -> Rows:
        """The rows of main."""
        return self.snapshots[self.head].rows if self.head is not None else {}

    def column(self, number: int) -> Column | None:
        """The column with this field id, where the schema has it."""
        return next((one for one in self.columns if one.id == number), None)

    def ancestors(self, head: int | None) -> list[int]:
        """`head` and what it descends from, newest first, as far as it is kept."""
        found: list[int] = []
        while head is not None and head in self.snapshots:
            found.append(head)
            head = self.snapshots[head].parent
        return found

    def pointed_to(self) -> set[int]:
        """The snapshots that branches and tags point to."""
        return {ref.snapshot for ref in self.refs.values()}

    def expirable(self, retain: int) -> list[int]:
        """The snapshots that go when each branch keeps its newest `retain`, in the order of their commits."""
        kept = self.pointed_to()
        for ref in self.refs.values():
            if ref.kind == "branch":
                kept.update(self.ancestors(ref.snapshot)[:retain])
        return [one for one in self.snapshots if one not in kept]

    def with_column(self, name: str, kind: str, after: str | None) -> Model:
        """A new column behind another, or last."""
        added = Column(self.last_column + 1, name, kind)
        names = [one.name for one in self.columns]
        at = names.index(after) + 1 if after else len(names)
        return replace(self, columns=(*self.columns[:at], added, *self.columns[at:]), last_column=added.id)

    def renamed(self, number: int, name: str) -> Model:
        """A column under another name."""
        return replace(self, columns=tuple(c._replace(name=name) if c.id == number else c for c in self.columns))

    def without_column(self, number: int) -> Model:
        """A column less; its values stay known."""
        return replace(self, columns=tuple(one for one in self.columns if one.id != number))

    def without_snapshots(self, gone: Iterable[int]) -> Model:
        """The snapshots less."""
        removed = set(gone)
        return replace(self, snapshots={key: one for key, one in self.snapshots.items() if key not in removed})

    def with_properties(self, properties: Mapping[str, str]) -> Model:
        """Properties set."""
        return replace(self, properties={**self.properties, **properties})

    def with_ref(self, name: str, kind: str, snapshot: int) -> Model:
        """A branch or tag made or moved."""
        return replace(self, refs={**self.refs, name: Ref(kind, snapshot)})

    def without_ref(self, name: str) -> Model:
        """A branch or tag less."""
        return replace(self, refs={key: ref for key, ref in self.refs.items() if key != name})

    def moved(self, snapshot: int) -> Model:
        """Main on another of the snapshots."""
        return self.with_ref("main", "branch", snapshot)

    def lines(self, columns: Iterable[Column] | None = None, rows: Rows | None = None) -> list[tuple[Any, ...]]:
        """Rows as tuples in the order of the columns, sorted by id; main's under the schema where nothing is said."""
        ids = [one.id for one in (self.columns if columns is None else columns)]
        chosen = self.rows if rows is None else rows
        return [tuple(chosen[key].get(number) for number in ids) for key in sorted(chosen)]


def checksum(lines: Iterable[tuple[Any, ...]]) -> str:
    """One digest for rows in an order."""
    digest = hashlib.sha256()
    for line in lines:
        digest.update(repr(line).encode())
    return digest.hexdigest()


def difference(expected: list[tuple[Any, ...]], found: list[tuple[Any, ...]]) -> str:
    """The first rows that are in one of them only, for a person."""
    missing = [line for line in expected if line not in found]
    extra = [line for line in found if line not in expected]
    return (
        f"{len(expected)} rows expected, {len(found)} found; "
        f"{len(missing)} missing such as {missing[:2]}, {len(extra)} too many such as {extra[:2]}"
    )
