"""The table that a plugin is asked about."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from . import facts

FACTS = frozenset(
    {
        "id",
        "format_version",
        "location",
        "properties",
        "fields",
        "partition_specs",
        "sort_order",
        "snapshots",
        "current_snapshot",
        "refs",
        "totals",
        "file_sizes",
        "partition_count",
        "partitions",
        "files",
        "manifests",
        "metadata_log",
        "exclusive_to",
        "orphans",
        "as_of",
    }
)
"""Names of the facts that there are: the methods of :class:`Table`."""


def checked(reads: Iterable[str], owner: str) -> frozenset[str]:
    """The names, where all of them are facts. Raises TypeError with those that are none."""
    names = frozenset([reads] if isinstance(reads, str) else reads)
    if wrong := sorted(names - FACTS):
        known = ", ".join(sorted(FACTS))
        raise TypeError(f"{owner}.reads names {', '.join(wrong)}, which no table has; there are {known}")
    return names


class Table:
    """A table. A plugin gets one with a call; each method gives a fact that the plugin names in ``reads``."""

    def __init__(self, handle: Any, reads: Iterable[str]) -> None:
        """Wraps a handle of the host, or of a test, for a plugin that reads these facts."""
        self._handle = handle
        self._reads = frozenset(reads)

    def _ask(self, name: str, *arguments: Any) -> Any:
        if name not in self._reads:
            raise LookupError(f'the plugin calls table.{name}(), which it does not read; add "{name}" to its `reads`')
        return getattr(self._handle, name)(*arguments)

    def id(self) -> facts.TableId:
        """Where it is found."""
        answer: facts.TableId = self._ask("id")
        return answer

    def format_version(self) -> int:
        """Iceberg format version: 1, 2 or 3."""
        answer: int = self._ask("format_version")
        return answer

    def location(self) -> str:
        """Root of the table's files, a URI."""
        answer: str = self._ask("location")
        return answer

    def properties(self) -> list[tuple[str, str]]:
        """Table properties as the metadata has them, by key; defaults that are not written out are not in it."""
        answer: list[tuple[str, str]] = self._ask("properties")
        return answer

    def fields(self) -> list[facts.Field]:
        """Every field of the current schema, a parent before its children."""
        answer: list[facts.Field] = self._ask("fields")
        return answer

    def partition_specs(self) -> list[facts.PartitionSpec]:
        """All partition specs that the metadata lists; old ones may still hold files."""
        answer: list[facts.PartitionSpec] = self._ask("partition_specs")
        return answer

    def sort_order(self) -> list[facts.SortField]:
        """The default sort order; empty for an unsorted table."""
        answer: list[facts.SortField] = self._ask("sort_order")
        return answer

    def snapshots(self) -> list[facts.Snapshot]:
        """Every snapshot that the metadata lists, oldest first."""
        answer: list[facts.Snapshot] = self._ask("snapshots")
        return answer

    def current_snapshot(self) -> int | None:
        """Id of the current snapshot; absent for a table that was never written."""
        answer: int | None = self._ask("current_snapshot")
        return answer

    def refs(self) -> list[facts.Ref]:
        """Branches and tags, by name."""
        answer: list[facts.Ref] = self._ask("refs")
        return answer

    def totals(self) -> facts.Totals:
        """Totals of the current snapshot."""
        answer: facts.Totals = self._ask("totals")
        return answer

    def file_sizes(self) -> facts.FileSizes:
        """Sizes of the live data files. Cost: the manifests of the current snapshot, each read once for ever."""
        answer: facts.FileSizes = self._ask("file_sizes")
        return answer

    def partition_count(self) -> int:
        """Partitions with a live file. Cost: as ``file-sizes``."""
        answer: int = self._ask("partition_count")
        return answer

    def partitions(self, start: int, most: int) -> list[facts.Partition]:
        """Some partitions with a live file.

        ``most`` partitions from number ``start``, in the order of the most small files, then of the path; empty
        beyond the last. Cost: as ``file-sizes``.
        """
        answer: list[facts.Partition] = self._ask("partitions", start, most)
        return answer

    def files(self, partition: int, start: int, most: int) -> list[facts.DataFile]:
        """Some live data files of a partition.

        ``most`` live data files of partition number ``partition`` in that order, from number ``start``, in the order
        of a scan; empty beyond the last. Cost: as ``file-sizes``.
        """
        answer: list[facts.DataFile] = self._ask("files", partition, start, most)
        return answer

    def manifests(self) -> list[facts.Manifest]:
        """Manifests of the current snapshot. Cost: its manifest list."""
        answer: list[facts.Manifest] = self._ask("manifests")
        return answer

    def metadata_log(self) -> facts.MetadataLog:
        """Size and number of the metadata files."""
        answer: facts.MetadataLog = self._ask("metadata_log")
        return answer

    def exclusive_to(self, snapshots: list[int]) -> facts.Exclusive:
        """What goes with these snapshots; ids that the table does not have are passed over.

        Cost: the manifests of every snapshot.
        """
        answer: facts.Exclusive = self._ask("exclusive_to", snapshots)
        return answer

    def orphans(self, older_than: int) -> facts.Orphans:
        """Orphans that were last modified before ``older-than``. Cost: a listing of the table's location."""
        answer: facts.Orphans = self._ask("orphans", older_than)
        return answer

    def as_of(self) -> int:
        """The host's clock when the facts were gathered: plugins read no other clock."""
        answer: int = self._ask("as_of")
        return answer
