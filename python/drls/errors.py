"""The one error that leaves this package, and the one place where foreign exceptions become it."""

from __future__ import annotations

import errno
import functools
import gzip
import zlib
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from pyiceberg import exceptions as iceberg
from sqlalchemy import exc as sql

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

P = ParamSpec("P")
R = TypeVar("R")

CODES = frozenset(
    {
        "cancelled",
        "catalog-locked",
        "catalog-unavailable",
        "column-not-found",
        "commit-conflict",
        "commit-failed",
        "corrupt-metadata",
        "disk-full",
        "invalid-argument",
        "java-not-found",
        "namespace-not-found",
        "read-only-storage",
        "spark-failed",
        "spark-out-of-memory",
        "spark-unavailable",
        "table-not-found",
    }
)
"""Every code that `DrlsError` can carry; stable, kebab-case, part of the HTTP contract."""


class DrlsError(Exception):
    """A failure that a client may read.

    `code` is one of `CODES`. `detail` says what is wrong and what to do, without a path of the server. `errors` are
    `(JSON pointer, detail)` for each mistake in arguments. The foreign exception, if any, is the `__cause__`.
    """

    def __init__(self, code: str, detail: str, errors: Sequence[tuple[str, str]] = ()) -> None:
        if code not in CODES:
            raise ValueError(f"unknown error code {code}")
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.errors = list(errors)


def invalid(pointer: str, detail: str) -> DrlsError:
    """One mistake in the arguments; `pointer` is an RFC 6901 pointer to it."""
    return DrlsError("invalid-argument", detail, [(pointer, detail)])


def corrupt(file: str, why: str) -> DrlsError:
    """Name a metadata file that is missing or unreadable by the part of its path that a client knows."""
    return DrlsError(
        "corrupt-metadata", f"{shown(file)} {why}. Restore the file or roll the table back to one that reads."
    )


def shown(path: str) -> str:
    """Give the last two parts of a path, as in "metadata/v3.metadata.json": they name the file, not the machine."""
    return "/".join(path.replace("\\", "/").rstrip("/").split("/")[-2:])


def translated(function: Callable[P, R]) -> Callable[P, R]:
    """Let only `DrlsError` leave `function`; an exception that is nobody's foreseen failure (a bug) passes as it is."""

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except DrlsError:
            raise
        except Exception as error:
            known = translate(error)
            if known is None:
                raise
            raise known from error

    return wrapper


def translate(error: BaseException) -> DrlsError | None:
    """Translate an exception of PyIceberg, SQLAlchemy, pyarrow, the system, Spark or gRPC; `None` if it is unknown."""
    for kinds, code, detail in _ICEBERG:
        if isinstance(error, kinds):
            return DrlsError(code, detail)
    if isinstance(error, sql.SQLAlchemyError):
        # The driver's words alone: ours around them have the statement and its values, which may be any words.
        return _catalog_database(str(error.orig if isinstance(error, sql.DBAPIError) else error))
    module = type(error).__module__
    if isinstance(error, _UNREADABLE) or module.startswith("pyarrow"):
        return DrlsError("corrupt-metadata", "A file of the table can't be read as what its metadata says it is.")
    if isinstance(error, OSError):
        return _storage(error)
    if module.startswith(("pyspark", "grpc")):
        return spark(str(error))
    return None


_ICEBERG: tuple[tuple[tuple[type[Exception], ...], str, str], ...] = (
    (
        (iceberg.NoSuchTableError, iceberg.NoSuchIdentifierError),
        "table-not-found",
        "The catalog has no such table. List the tables to see the names that it has.",
    ),
    (
        (iceberg.NoSuchNamespaceError,),
        "namespace-not-found",
        "The catalog has no such namespace. List the tables to see the names that it has.",
    ),
    (
        (iceberg.CommitFailedException, iceberg.ValidationException, iceberg.WaitingForLockException),
        "commit-conflict",
        "Another writer changed the table meanwhile and the commit gave up after its retries. Plan again and retry.",
    ),
    (
        (iceberg.RESTError, iceberg.DynamoDbError, iceberg.SignError, iceberg.NoSuchPropertyException),
        "catalog-unavailable",
        "The catalog answered with an error. Check its address, its credentials and that it runs.",
    ),
    (
        (iceberg.ValidationError, iceberg.ResolveError),
        "corrupt-metadata",
        "The table's metadata breaks the Iceberg specification. Restore the file or register an older one.",
    ),
)


_UNREADABLE = (UnicodeDecodeError, EOFError, gzip.BadGzipFile, zlib.error)
"""What PyIceberg lets out where a metadata file is neither JSON nor gzip; our own readers name the file."""


def _catalog_database(text: str) -> DrlsError:
    """Translate a failure of the SQL catalog's database by SQLite's own words."""
    text = text.lower()
    if "locked" in text or "busy" in text:
        return DrlsError("catalog-locked", "Another process holds the catalog's database. Retry in a moment.")
    if "readonly" in text or "read-only" in text:
        return DrlsError(
            "read-only-storage", "The catalog's database can't be written. Check the folder's permissions."
        )
    if "disk is full" in text:
        return DrlsError("disk-full", "The disk with the catalog's database is full. Free some space and retry.")
    return DrlsError("catalog-unavailable", "The catalog's database can't be used. Check its address and permissions.")


def _storage(error: OSError) -> DrlsError:
    """Translate a failure of a file system by its errno; pyarrow keeps it in the message only."""
    if type(error).__module__.startswith("requests"):  # the errors of a REST catalog are OSErrors too
        return DrlsError("catalog-unavailable", "It can't be reached. Check its address, and that it runs.")
    text = str(error).lower()
    if error.errno in (errno.ENOSPC, errno.EDQUOT) or "no space left" in text:
        return DrlsError("disk-full", "The storage is full. Free some space and retry.")
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM) or "read-only" in text or "permission denied" in text:
        return DrlsError(
            "read-only-storage", "The storage refuses this access. Check the permissions of the warehouse."
        )
    if error.errno == errno.ENOENT or "no such file" in text or "not found" in text or "does not exist" in text:
        return DrlsError("corrupt-metadata", f"A file that the table names is missing: {_file_in(error)}.")
    if "corrupt" in text or "deserialize thrift" in text or "end of stream" in text:  # pyarrow of a Parquet file
        return DrlsError("corrupt-metadata", "A data file of the table is damaged. Restore it from a backup.")
    return DrlsError("catalog-unavailable", "The storage can't be reached. Check its address and credentials.")


def _file_in(error: OSError) -> str:
    """Name the file of an error without its folder on the machine."""
    if error.filename:
        return shown(str(error.filename))
    quoted = str(error).split("'")
    return shown(quoted[1]) if len(quoted) > 2 else "its name is in the log"  # noqa: PLR2004 (text 'path' text)


_SPARK: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (
        ("OPERATION_CANCELED", "Job cancelled", "cancelled part of"),
        "cancelled",
        "The work was cancelled; nothing more is committed.",
    ),
    (
        ("OutOfMemoryError", "Java heap space", "GC overhead limit"),
        "spark-out-of-memory",
        "Spark ran out of memory and starts again on its next use. Give it more by spark.memory, or narrow the work.",
    ),
    (
        ("TABLE_OR_VIEW_NOT_FOUND", "NoSuchTableException", "Couldn't load table"),
        "table-not-found",
        "Spark's catalog has no such table.",
    ),
    (
        ("SCHEMA_NOT_FOUND", "NoSuchNamespaceException"),
        "namespace-not-found",
        "Spark's catalog has no such namespace.",
    ),
    (
        (
            "CommitFailedException",
            "Cannot commit",
            "Missing required files to delete",
            "Found conflicting",
            "Found new conflicting",
            "Found concurrently added DV",
            "current snapshot changed from",  # while dangling deletes were removed after a rewrite
            "could not be found in the latest snapshot",  # of a manifest, by rewrite_manifests
            "Cannot determine history between starting snapshot",
        ),
        "commit-conflict",
        "Another writer changed the table meanwhile. Plan again and retry.",
    ),
    (
        ("rewrite commits failed",),  # of a rewrite in parts: Spark's log alone says why
        "commit-failed",
        "Commits of the rewrite failed, one or all; Spark's log says why. Run the operation again for what is left.",
    ),
    (
        ("No space left on device",),
        "disk-full",
        "The storage is full. Free some space and retry.",
    ),
    (
        (
            "UNAUTHENTICATED",
            "UNAVAILABLE",
            "stopped SparkContext",
            "Connection refused",
            "INVALID_HANDLE.SESSION",
            "RETRIES_EXCEEDED",
            "DEADLINE_EXCEEDED",
            "Socket closed",
        ),
        "spark-unavailable",
        "Spark does not answer. It is started again on the next use; its log says why it went away.",
    ),
    (
        ("UNRESOLVED_COLUMN", "Cannot find field", "Cannot find column"),
        "column-not-found",
        "The table has no such column",
    ),
    (
        ("MISSING_CATALOG_ABILITY", "CATALOG_NOT_FOUND"),
        "catalog-unavailable",
        "Spark does not know this catalog. Name one that the configuration has.",
    ),
    (
        (
            "PARSE_SYNTAX_ERROR",
            "IllegalArgumentException",
            "NumberFormatException",
            "For input string",
            "Cannot use options",
            "Cannot parse predicates",
            "Cannot sort data",
        ),
        "invalid-argument",
        "Spark refuses an argument of this operation",
    ),
)


def spark(text: str) -> DrlsError:
    """Translate a failure that Spark reports in words; what it says first is kept, its stack trace is not."""
    first = next((line for line in text.splitlines() if line.strip()), "no reason given")[:300]
    for marks, code, detail in _SPARK:
        if any(mark in text for mark in marks):
            return DrlsError(code, f"{detail}: {first}" if code in ("invalid-argument", "column-not-found") else detail)
    return DrlsError("spark-failed", f"Spark failed: {first}")
