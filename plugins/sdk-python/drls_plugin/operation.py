"""Table operations: the class to write, and the plan that it answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, ClassVar, Generic, TypeVar, Union

from . import plugin
from .facts import Totals
from .settings import NoConfig
from .table import Table, checked

A = TypeVar("A")
C = TypeVar("C")


class Strategy(Enum):
    """How data files are rewritten."""

    BINPACK = 0
    SORT = 1
    ZORDER = 2


@dataclass
class RewriteDataFiles:
    """Iceberg's rewrite_data_files.

    ``order`` and ``filter`` are SQL; absent = the table's own order, the whole table.
    """

    strategy: Strategy = Strategy.BINPACK
    order: str | None = None
    filter: str | None = None
    options: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class RewritePositionDeletes:
    """Iceberg's rewrite_position_delete_files."""

    options: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class RewriteManifests:
    """Iceberg's rewrite_manifests."""


@dataclass
class ExpireSnapshots:
    """Removes the snapshots and deletes every file that only they reach."""

    snapshot_ids: list[int]


@dataclass
class RemoveOrphanFiles:
    """Deletes files that nothing names, last modified before ``older_than``, milliseconds since the Unix epoch."""

    older_than: int


@dataclass
class AddColumn:
    """Adds a field. ``path`` is its full path, ``after`` the name of the sibling that it follows; absent = last."""

    path: str
    data_type: str
    doc: str | None = None
    after: str | None = None


@dataclass
class RenameColumn:
    """Renames the field at ``path``; ``name`` is the new last part of it."""

    path: str
    name: str


@dataclass
class DropColumn:
    """Drops the field at ``path`` with what is nested in it."""

    path: str


@dataclass
class SetProperties:
    """Sets table properties, key and value; others stay."""

    properties: list[tuple[str, str]]


@dataclass
class Rollback:
    """The table's main branch goes back to this snapshot, one of its ancestors."""

    snapshot_id: int


Step = Union[
    RewriteDataFiles,
    RewritePositionDeletes,
    RewriteManifests,
    ExpireSnapshots,
    RemoveOrphanFiles,
    AddColumn,
    RenameColumn,
    DropColumn,
    SetProperties,
    Rollback,
]
"""One thing that the host does to the table."""


@dataclass
class Change:
    """A number of things before the plan runs and after it."""

    before: int
    after: int

    @classmethod
    def none(cls, count: int) -> Change:
        """As many after as before."""
        return cls(count, count)


@dataclass
class Effect:
    """What the plan promises; what is absent is not promised."""

    data_files: Change | None = None
    delete_files: Change | None = None
    manifests: Change | None = None
    snapshots_removed: int | None = None
    bytes_read: int | None = None
    bytes_freed: int | None = None
    duration: int | None = None
    """Milliseconds."""

    @classmethod
    def unchanged(cls, totals: Totals) -> Effect:
        """The effect of a plan that leaves the files of the current snapshot as they are."""
        manifests = None if totals.manifests is None else Change.none(totals.manifests)
        return cls(Change.none(totals.data_files), Change.none(totals.delete_files), manifests, 0, 0, 0)


class Reversibility(Enum):
    """What undoes the operation."""

    ROLLBACK = 0
    """Rolling back to the snapshot before it."""
    INVERSE = 1
    """The opposite change."""
    NONE = 2
    """Nothing."""


@dataclass
class Plan:
    """What the host would do, for a person to approve. No steps: there is nothing to do."""

    steps: list[Step]
    effect: Effect
    reversibility: Reversibility
    warnings: list[str] = field(default_factory=list)

    @classmethod
    def nothing(cls, effect: Effect, why: str) -> Plan:
        """Nothing to do, and why: one sentence."""
        return cls([], effect, Reversibility.INVERSE, [why])


def duration(size: int, throughput: int | None) -> int | None:
    """Time to rewrite ``size`` bytes, milliseconds, rounded up; None where no throughput was measured.

    >>> duration(2_500, 1_000), duration(2_500, None)
    (2500, None)
    """
    return -(-size * 1_000 // throughput) if throughput else None


class TableOperation(ABC, Generic[A, C]):
    """Plans a maintenance or schema operation. The host runs the steps, locks, audits and undoes."""

    id: ClassVar[str]
    """The plugin's id, in kebab-case, stable for ever."""
    title: ClassVar[str]
    """Two or three words."""
    summary: ClassVar[str]
    """One or two sentences, Markdown."""
    icon: ClassVar[str] = ""
    """Name of an icon of the console's set; an unknown name gets the default icon."""
    arguments: ClassVar[type] = NoConfig
    """A dataclass: what the caller says, beside the table."""
    config: ClassVar[type] = NoConfig
    """A dataclass: what the operator may change for all calls."""
    reads: ClassVar[tuple[str, ...]]
    """Names of the methods of :class:`Table` that it calls; only these facts are gathered."""

    @abstractmethod
    def plan(self, table: Table, arguments: A, config: C, throughput: int | None) -> Plan:
        """The steps with what they promise. Raises Invalid with every wrong argument at once.

        ``throughput``: bytes a second that rewrites reached here lately; None where none was measured.
        """


def export_operation(operation: type[TableOperation[Any, Any]]) -> None:
    """Makes this class the plugin. Once a plugin, at the end of its main file."""
    checked(operation.reads, operation.__name__)
    plugin.export("table-operation", operation)
