"""Catalogs: opened once, listed, and asked where a table's metadata lies."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, TypeGuard

from pyiceberg.catalog import Catalog as IcebergCatalog
from pyiceberg.catalog import load_catalog
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import NoSuchNamespaceError
from sqlalchemy import event

from drls.errors import DrlsError, invalid, translated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyiceberg.table import Table

BUSY_TIMEOUT_MS = 10_000
"""How long a commit waits for another process's, which take milliseconds: whoever asked is told before giving up.
Spark's side of the same file waits longer, since a rewrite that fails has to begin again."""


class Catalog(TypedDict):
    """A catalog by name and by the properties of PyIceberg's `load_catalog` (`type`, `uri`, `warehouse`, ...).

    For a SQL catalog the name is a key column of its tables: every engine has to use the same.
    """

    name: str
    properties: dict[str, str]


class TableName(TypedDict):
    """A table's place in its catalog; `namespace` has at least one part.

    `metadata_location` is where it is now, `None` where the catalog does not tell it in a list.
    """

    namespace: list[str]
    name: str
    metadata_location: str | None


class TableLocation(TypedDict):
    """Where a table is now: its metadata file and what opens files of it (may hold credentials: never shown)."""

    metadata_location: str
    io: dict[str, str]


_open: dict[tuple[str, frozenset[tuple[str, str]]], IcebergCatalog] = {}
_opening: dict[tuple[str, frozenset[tuple[str, str]]], threading.Lock] = {}
_lock = threading.Lock()


class _Watch:
    """A connection that stays open and counts what the others commit."""

    def __init__(self, engine: Any) -> None:  # noqa: ANN401 (SQLAlchemy's, which comes with PyIceberg)
        self._engine = engine
        self._lock = threading.RLock()
        self._connection: Any = None
        self._opened = 0

    def version(self) -> int:
        """Give a number that is another one after each commit, and after each time that the connection was closed."""
        with self._lock:
            if self._connection is None:
                self._connection = self._engine.connect()
                self._opened += 1
            try:
                counted = int(self._connection.exec_driver_sql("PRAGMA data_version").scalar_one())
                self._connection.rollback()
            except Exception:
                self.close()
                raise
            return self._opened << 32 | counted  # each connection counts for itself

    def close(self) -> None:
        """Close the connection; the next question opens another."""
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.invalidate()
                connection.close()


_watches: dict[int, _Watch] = {}
"""By the identity of the engine of an opened SQLite catalog, which is never closed."""


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
        opening = _opening.setdefault(key, threading.Lock())
    if opened is not None:
        return opened
    with opening:  # a catalog that does not answer holds up those who ask it, and no other
        with _lock:
            opened = _open.get(key)
        if opened is None:
            opened = _load(catalog)
            with _lock:
                _open[key] = opened
        return opened


def _load(catalog: Catalog) -> IcebergCatalog:
    try:
        opened = load_catalog(catalog["name"], **catalog["properties"])
    except (ValueError, ImportError) as error:
        raise DrlsError("catalog-unavailable", f"The catalog's properties are wrong: {error}") from error
    if isinstance(opened, SqlCatalog) and opened.engine.dialect.name == "sqlite":
        event.listen(opened.engine, "connect", _prepare_sqlite)
        event.listen(opened.engine, "handle_error", _forget_read_only)
        opened.engine.dispose()  # those that were made before the listener
    return opened


def _prepare_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401 (a DB-API connection has no type)
    """Readers never wait for the writer (WAL, kept in the file), writers wait for each other."""
    connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")


def _forget_read_only(context: Any) -> None:  # noqa: ANN401 (an interface that SQLAlchemy does not export)
    """Close the connections where one can't write, so that the next ones look at the disk anew.

    SQLite opens a file for reading only where its disk was read-only at that moment, and keeps to it as long as any
    connection of the process is open: they share the index of the write-ahead log.
    """
    if "readonly database" in str(context.original_exception):
        context.is_disconnect = True
        if (watch := _watches.get(id(context.engine))) is not None:
            watch.close()
        context.engine.dispose()
        # SQLite keeps a connection that has a cursor left, and this one is in the error.
        if context.execution_context is not None:
            context.execution_context.cursor.close()


def _is_shared_file(opened: IcebergCatalog) -> TypeGuard[SqlCatalog]:
    """Tell whether it is a catalog in a SQLite file of schema version V1, as the embedded one is."""
    return (
        isinstance(opened, SqlCatalog) and opened.engine.dialect.name == "sqlite" and opened._schema_version == "v1"  # noqa: SLF001 (PyIceberg tells it in no other way)
    )


def _rows(opened: SqlCatalog, condition: str, values: tuple[str, ...]) -> list[tuple[str, str, str | None]]:
    """Read names and metadata locations in one statement: PyIceberg's own list is some 15 times slower.

    The file is read through PyIceberg's own connections and nowhere else in this process: SQLite's locks belong to the
    process, so a second copy of the library in it would not see them, and would break them when it closes the file.
    """
    statement = (
        "SELECT table_namespace, table_name, metadata_location FROM iceberg_tables"  # noqa: S608 (no value in it)
        f" WHERE catalog_name = ? AND (iceberg_type = 'TABLE' OR iceberg_type IS NULL){condition}"
        " ORDER BY table_namespace, table_name"
    )
    with opened.engine.connect() as connection:
        rows = connection.exec_driver_sql(statement, (opened.name, *values)).fetchall()
        return [(str(row[0]), str(row[1]), row[2]) for row in rows]


@translated
def list_tables(catalog: Catalog) -> list[TableName]:
    """Name every table of every namespace, nested ones too, by namespace and name. Views are left out.

    Errors: `catalog-unavailable`, `catalog-locked`.
    """
    opened = open(catalog)
    if _is_shared_file(opened):
        return [
            {"namespace": namespace.split("."), "name": name, "metadata_location": location}
            for namespace, name, location in _rows(opened, "", ())
        ]
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
                found += [
                    {"namespace": list(name[:-1]), "name": name[-1], "metadata_location": None}
                    for name in opened.list_tables(namespace)
                ]
    return sorted(found, key=lambda table: (table["namespace"], table["name"]))


@translated
def namespaces(catalog: Catalog) -> int:
    """Count the namespaces at the root: the least question that shows that a catalog answers and lets us in.

    Errors: `catalog-unavailable`, `catalog-locked`.
    """
    return len(open(catalog).list_namespaces())


@translated
def version(catalog: Catalog) -> int | None:
    """Give a number that is another one after each commit to the catalog, whoever made it: lists hold while it does.

    `None` where the catalog has no such number. It costs one look at the write-ahead log's index, and says nothing of
    other numbers than that they differ (https://sqlite.org/pragma.html#pragma_data_version).
    Errors: `catalog-unavailable`, `catalog-locked`.
    """
    opened = open(catalog)
    if not _is_shared_file(opened):
        return None
    with _lock:
        watch = _watches.setdefault(id(opened.engine), _Watch(opened.engine))
    return watch.version()


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
    opened = open(catalog)
    if _is_shared_file(opened):
        rows = _rows(opened, " AND table_namespace = ? AND table_name = ?", (".".join(namespace), name))
        if not rows or rows[0][2] is None:
            full = ".".join([*namespace, name])
            raise DrlsError("table-not-found", f"There is no table {full!r} in the catalog {catalog['name']!r}.")
        io = {str(key): str(value) for key, value in opened.properties.items()}
        return {"metadata_location": rows[0][2], "io": io}
    table = load(catalog, namespace, name)
    return {
        "metadata_location": table.metadata_location,
        "io": {key: str(value) for key, value in table.io.properties.items()},
    }
