"""Catalogs: opened once, listed, and asked where a table's metadata lies."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from pyiceberg.catalog import Catalog as IcebergCatalog
from pyiceberg.catalog import load_catalog
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import NoSuchNamespaceError
from sqlalchemy import event

from drls.errors import DrlsError, invalid, translated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyiceberg.table import Table

BUSY_TIMEOUT_MS = 30_000
"""How long a commit waits for another process's commit. Spark's side of the same file waits as long."""


class Catalog(TypedDict):
    """A catalog by name and by the properties of PyIceberg's `load_catalog` (`type`, `uri`, `warehouse`, ...).

    For a SQL catalog the name is a key column of its tables: every engine has to use the same.
    """

    name: str
    properties: dict[str, str]


class TableName(TypedDict):
    """A table's place in its catalog; `namespace` has at least one part."""

    namespace: list[str]
    name: str


class TableLocation(TypedDict):
    """Where a table is now: its metadata file and what opens files of it (may hold credentials: never shown)."""

    metadata_location: str
    io: dict[str, str]


_open: dict[tuple[str, frozenset[tuple[str, str]]], IcebergCatalog] = {}
_lock = threading.Lock()


@translated
def create_embedded(name: str, database: str, warehouse: str) -> Catalog:
    """Make the embedded catalog, or find it made: one SQLite file (V1 tables, WAL) and a warehouse folder.

    `database` and `warehouse` are absolute paths. Calling it again changes nothing.
    Errors: `read-only-storage`, `disk-full`, `catalog-locked`.
    """
    for pointer, path in (("/database", database), ("/warehouse", warehouse)):
        if not Path(path).is_absolute() or "?" in path or "#" in path:
            raise invalid(pointer, "must be an absolute path without '?' or '#', which URIs give a meaning to")
    Path(database).parent.mkdir(parents=True, exist_ok=True)
    Path(warehouse).mkdir(parents=True, exist_ok=True)
    properties = {
        "type": "sql",
        "uri": f"sqlite:///{database}",
        "warehouse": f"file://{warehouse}",
        "schema_version": "v1",
    }
    catalog: Catalog = {"name": name, "properties": properties}
    open(catalog)
    return catalog


@translated
def open(catalog: Catalog) -> IcebergCatalog:  # noqa: A001 (`catalog.open` is what callers read)
    """Give the opened catalog; one for equal name and properties, kept for the life of the process.

    Errors: `catalog-unavailable` where it can't be reached or its properties are wrong.
    """
    key = (catalog["name"], frozenset(catalog["properties"].items()))
    with _lock:
        opened = _open.get(key)
        if opened is None:
            opened = _open[key] = _load(catalog)
        return opened


def _load(catalog: Catalog) -> IcebergCatalog:
    try:
        opened = load_catalog(catalog["name"], **catalog["properties"])
    except (ValueError, ImportError) as error:
        raise DrlsError("catalog-unavailable", f"The catalog's properties are wrong: {error}") from error
    if isinstance(opened, SqlCatalog) and opened.engine.dialect.name == "sqlite":
        event.listen(opened.engine, "connect", _prepare_sqlite)
        opened.engine.dispose()  # those that were made before the listener
    return opened


def _prepare_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401 (a DB-API connection has no type)
    """Readers never wait for the writer (WAL, kept in the file), writers wait for each other."""
    connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")


@translated
def list_tables(catalog: Catalog) -> list[TableName]:
    """Name every table of every namespace, nested ones too, by namespace and name. Views are left out.

    Errors: `catalog-unavailable`, `catalog-locked`.
    """
    opened = open(catalog)
    found: list[TableName] = []
    stack: list[tuple[str, ...]] = [()]
    seen: set[tuple[str, ...]] = set()
    while stack:
        parent = stack.pop()
        try:
            children = opened.list_namespaces(parent)
        except NoSuchNamespaceError:  # dropped meanwhile
            continue
        for namespace in children:
            if namespace not in seen:
                seen.add(namespace)
                stack.append(namespace)
                found += [{"namespace": list(name[:-1]), "name": name[-1]} for name in opened.list_tables(namespace)]
    return sorted(found, key=lambda table: (table["namespace"], table["name"]))


@translated
def load(catalog: Catalog, namespace: Sequence[str], name: str) -> Table:
    """Load a table through PyIceberg, always as it is now.

    Errors: `table-not-found`, `corrupt-metadata`, `catalog-unavailable`, `catalog-locked`.
    """
    if not namespace:
        raise DrlsError("table-not-found", f"A table is named namespace.table; {name!r} has no namespace.")
    return open(catalog).load_table((*namespace, name))


@translated
def table_location(catalog: Catalog, namespace: Sequence[str], name: str) -> TableLocation:
    """Tell where a table's current metadata file lies and what opens the files that it names. Errors: as `load`."""
    table = load(catalog, namespace, name)
    return {
        "metadata_location": table.metadata_location,
        "io": {key: str(value) for key, value in table.io.properties.items()},
    }
