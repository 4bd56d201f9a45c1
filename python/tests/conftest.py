"""What the tests share: one embedded catalog, and one Spark that is started when the first test needs it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest
from sick_tables import Sick, Truth, make

from drls import catalog, facts, jars, spark, storage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from drls.catalog import Catalog
    from drls.facts import EntriesFacts, ManifestFacts
    from drls.metadata import MetadataFacts


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the home that all tests share; its name has what paths may have."""
    return tmp_path_factory.mktemp("drls home")


@pytest.fixture(scope="session")
def lake(home: Path) -> Catalog:
    """Give the embedded catalog that all tests share; each test makes tables of names of its own."""
    return catalog.create_embedded("drls", str(home / "catalog.db"), str(home / "warehouse"))


@pytest.fixture(scope="session")
def spark_settings(home: Path, lake: Catalog) -> spark.Settings:
    """Give settings of a Spark on this machine, with its jars brought."""
    jars.bring(jars.DEFAULT)
    return {
        "home": str(home),
        "jars": str(jars.DEFAULT.expanduser()),
        "memory": "1g",
        "master": "local[2]",
        "remote": "",
        "java_home": "",
        "properties": {},
        "catalogs": [lake],
    }


@pytest.fixture(scope="session")
def sql(spark_settings: spark.Settings) -> Iterator[Callable[[str], list[dict[str, Any]]]]:
    """Give `sql` of the one Spark that the tests share."""
    spark.configure(spark_settings)
    yield spark.sql
    spark.stop()


@pytest.fixture
def sick(lake: Catalog) -> Callable[..., Truth]:
    """Give a maker of sick tables: `sick("ns.t", files=3)`."""
    return lambda name, **wanted: make(lake, name, Sick(**wanted))


class Read:
    """All tiers of facts of a table as it is now."""

    def __init__(self, lake: Catalog, name: str) -> None:
        *namespace, short = name.split(".")
        where = catalog.table_location(lake, namespace, short)
        self.io = where["io"]
        self.metadata: MetadataFacts = facts.read_metadata(where["metadata_location"], self.io)
        current = [one for one in self.metadata["snapshots"] if one["id"] == self.metadata["current_snapshot_id"]]
        lists = facts.read_manifest_lists([one["manifest_list"] for one in current], self.io)
        self.manifests: list[ManifestFacts] = [one for listed in lists for one in listed["manifests"]]
        self.entries: list[EntriesFacts] = facts.read_manifests(where["metadata_location"], self.manifests, self.io)

    def column(self, name: str) -> list[Any]:
        """Give a column of the entries of all manifests."""
        return [value for entries in self.entries for value in entries[name]]  # type: ignore[literal-required]

    def partitions(self) -> list[str]:
        """Give the partition of each entry."""
        return [entries["partitions"][at] for entries in self.entries for at in entries["partition"]]


@pytest.fixture
def read(lake: Catalog) -> Callable[[str], Read]:
    """Give a reader of all facts of a table: `read("ns.t")`."""
    return lambda name: Read(lake, name)


@pytest.fixture
def disk(home: Path) -> Callable[[str], dict[str, int]]:
    """Give a look at the disk: `disk("ns.t")` is path -> bytes of every file of the table."""

    def look(name: str) -> dict[str, int]:
        *namespace, short = name.split(".")
        folder = home / "warehouse" / ".".join(namespace) / short
        found = {}
        for file in folder.rglob("*"):
            with contextlib.suppress(FileNotFoundError):
                if file.is_file():
                    found[storage.canonical(str(file))] = file.stat().st_size
        return found

    return look
