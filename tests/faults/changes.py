"""Changes of a table that leave its rows as they are: whether or not one happened, no row may be lost."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness import Home
    from pyiceberg.table import Table

    Shows = Callable[[Table], bool]


class Change(Protocol):
    """Makes the table ready; gives the operation's arguments and whether a table shows that it happened."""

    def __call__(self, home: Home, table: str, /) -> tuple[dict[str, Any], Shows]:
        """Do so."""


_numbers = itertools.count(1)


def add_column(_home: Home, _table: str) -> tuple[dict[str, Any], Shows]:
    """Add a column that is not there yet."""
    name = f"c{next(_numbers)}"
    return {"path": name, "type": "int"}, lambda now: name in now.schema().column_names


def set_properties(_home: Home, _table: str) -> tuple[dict[str, Any], Shows]:
    """Set a property to what it was never set to."""
    stamp = str(next(_numbers))
    return {"properties": {"stamp": stamp}}, lambda now: now.properties.get("stamp") == stamp


def _written_anew(home: Home, table: str) -> Table:
    """Write every row of the table once more in the place of the old ones: one more snapshot, the same rows."""
    now = home.table(table)
    now.overwrite(now.scan().to_arrow())
    return home.table(table)


def rollback(home: Home, table: str) -> tuple[dict[str, Any], Shows]:
    """Go back to the snapshot before the last one, which has the same rows."""
    now = _written_anew(home, table).metadata
    head = now.snapshot_by_id(now.current_snapshot_id or 0)
    assert head is not None
    # An overwrite deletes and appends: what it replaced is before both.
    deleted = now.snapshot_by_id(head.parent_snapshot_id or 0)
    assert deleted is not None
    target = deleted.parent_snapshot_id
    return {"snapshot_id": str(target)}, lambda after: after.metadata.current_snapshot_id == target


def expire(home: Home, table: str) -> tuple[dict[str, Any], Shows]:
    """Remove all snapshots but the current one, and the data files that only they have."""
    _written_anew(home, table)
    arguments = {"older_than": "2100-01-01T00:00:00Z", "retain_last": 1}
    return arguments, lambda after: len(after.metadata.snapshots) == 1


CHANGES: dict[str, Change] = {
    "add-column": add_column,
    "set-properties": set_properties,
    "rollback": rollback,
    "expire": expire,
}
