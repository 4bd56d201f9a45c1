"""One table of a soak: its model, what was done to it, and the plans that were made and not run yet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from lake import modelled
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import DoubleType, LongType, NestedField, StringType

from drls import catalog, spark

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness import Api, Home
    from model import Model
    from pyiceberg.table import Table

SCHEMA = Schema(
    NestedField(1, "id", LongType(), required=False),
    NestedField(2, "region", StringType(), required=False),
    NestedField(3, "value", DoubleType(), required=False),
)
BY_REGION = PartitionSpec(PartitionField(2, 1000, IdentityTransform(), "region"))
MERGE_ON_READ = {f"write.{kind}.mode": "merge-on-read" for kind in ("delete", "update", "merge")}


@dataclass(frozen=True)
class Order:
    """An operation with its arguments, and what it makes of a model; none where it rewrites files of the same rows."""

    operation: str
    arguments: dict[str, Any]
    makes: Callable[[Model], Model] | None


@dataclass(frozen=True)
class Kept:
    """A plan that was made and may be run later, and the table as it was then."""

    order: Order
    plan: Any
    location: str
    head: int | None
    schema_id: int


@dataclass(frozen=True)
class Done:
    """A job that ended, with the models around it and where the table's metadata was after it.

    `alone`: nobody else wrote to the table meanwhile.
    """

    job: Any
    before: Model
    after: Model
    location: str
    alone: bool


class Pending(NamedTuple):
    """An order without an answer yet, and the table and its jobs as they were before it.

    `effects` are what writers beside it did meanwhile, by the snapshot of each.
    """

    order: Order
    before: Model
    location: str
    old: frozenset[str]
    effects: dict[int, Any]


@dataclass
class Subject:
    """A table under test. Only one step at a time works on it; its jobs may fail with the codes that are tolerated."""

    home: Home
    api: Api
    name: str
    version: int
    partitioned: bool
    model: Model = field(init=False)
    done: list[Done] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    undone: set[str] = field(default_factory=set)
    pending: Pending | None = None
    tolerated: tuple[str, ...] = ()
    used: int = 0

    def make(self) -> None:
        """Make the table, without a snapshot."""
        opened = catalog.open(self.home.lake)
        opened.create_namespace_if_not_exists(self.name.split(".")[0])
        properties = {"format-version": str(self.version), **(MERGE_ON_READ if self.version > 1 else {})}
        if not self.by_pyiceberg:
            self._make_in_spark(properties)
            return
        spec = BY_REGION if self.partitioned else PartitionSpec()
        opened.create_table(tuple(self.name.split(".")), SCHEMA, partition_spec=spec, properties=properties)
        self.model = modelled(self.table())

    def _make_in_spark(self, properties: dict[str, str]) -> None:
        """Make it as `make` does, of a format that PyIceberg reads and does not write."""
        told = ", ".join(f"'{key}' = '{one}'" for key, one in properties.items())
        partitioned = "PARTITIONED BY (region)" if self.partitioned else ""
        spark.sql(
            f"CREATE TABLE {self.in_spark} (id BIGINT, region STRING, value DOUBLE) USING iceberg {partitioned}"
            f" TBLPROPERTIES ({told})"
        )
        self.model = modelled(self.table())

    @property
    def by_pyiceberg(self) -> bool:
        """Whether PyIceberg writes the table's format."""
        return self.version < 3  # noqa: PLR2004

    def lineage(self) -> dict[int, int]:
        """Row ids (format 3) by the column `id`, as Spark reads them."""
        return {row["id"]: row["_row_id"] for row in spark.sql(f"SELECT id, _row_id FROM {self.in_spark}")}

    def drop(self) -> None:
        """Drop the table."""
        catalog.open(self.home.lake).drop_table(tuple(self.name.split(".")))

    def table(self) -> Table:
        """The table, read anew by PyIceberg."""
        return self.home.table(self.name)

    @property
    def in_spark(self) -> str:
        """The table's name in Spark SQL."""
        return f"drls.{self.name}"

    def fresh(self, count: int) -> range:
        """So many ids that no row has or had."""
        self.used += count
        return range(self.used - count, self.used)

    def jobs(self) -> list[Any]:
        """Every job of the table, newest first."""
        return self.api.all("/api/jobs", table=self.name)
