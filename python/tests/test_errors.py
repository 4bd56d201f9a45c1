"""Every failure that leaves the package is its own, and no path of the machine is in it."""

from __future__ import annotations

import ast
import gzip
import inspect
import sqlite3
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests
from pyiceberg import exceptions as iceberg
from sqlalchemy.exc import OperationalError

import drls
from drls import catalog, cleanup, demo, errors, facts, operations, preview, spark
from drls.errors import CODES, DrlsError, translate

if TYPE_CHECKING:
    from types import ModuleType


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (iceberg.NoSuchTableError("x"), "table-not-found"),
        (iceberg.NoSuchNamespaceError("x"), "namespace-not-found"),
        (iceberg.CommitFailedException("x"), "commit-conflict"),
        (iceberg.CommitStateUnknownException("x"), "catalog-unavailable"),
        (requests.ConnectionError("https://secret.example.org"), "catalog-unavailable"),
        (iceberg.ValidationError("x"), "corrupt-metadata"),
        (OperationalError("INSERT", {}, sqlite3.OperationalError("database is locked")), "catalog-locked"),
        (
            OperationalError("INSERT", {}, sqlite3.OperationalError("attempt to write a readonly database")),
            "read-only-storage",
        ),
        (OperationalError("INSERT", {}, sqlite3.OperationalError("database or disk is full")), "disk-full"),
        (
            OperationalError("UPDATE t SET x = 'busy'", {}, sqlite3.OperationalError("disk I/O error")),
            "catalog-unavailable",
        ),
        (OSError(28, "No space left on device", "/secret/home/t/data/x.parquet"), "disk-full"),
        (OSError("[Errno 28] Error writing bytes to file. Detail: No space left on device"), "disk-full"),
        (PermissionError(13, "Permission denied", "/secret/home/t/data/x.parquet"), "read-only-storage"),
        (FileNotFoundError(2, "No such file or directory", "/secret/home/t/data/x.parquet"), "corrupt-metadata"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), "corrupt-metadata"),
        (gzip.BadGzipFile("Not a gzipped file"), "corrupt-metadata"),
        (EOFError("Compressed file ended before the end-of-stream marker was reached"), "corrupt-metadata"),
        (zlib.error("Error -3 while decompressing data"), "corrupt-metadata"),
        (OSError("Corrupt snappy compressed data."), "corrupt-metadata"),
        (ZeroDivisionError("a bug of ours"), None),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_translates_what_is_known_and_nothing_else(error: Exception, code: str | None) -> None:
    known = translate(error)
    assert (known.code if known else None) == code
    assert known is None or "secret" not in known.detail


def test_an_unknown_code_is_a_bug() -> None:
    with pytest.raises(ValueError, match="unknown error code"):
        DrlsError("nope", "x")


def test_every_code_in_the_source_is_listed_and_used() -> None:
    used = set()
    for file in Path(drls.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in CODES:
                used.add(node.value)
    assert used == CODES


@pytest.mark.parametrize(
    "module", [catalog, cleanup, demo, facts, operations, preview, spark], ids=lambda module: module.__name__
)
def test_every_function_that_the_server_calls_is_translated(module: ModuleType) -> None:
    never_raise = {"alive", "configure", "progress", "status", "stop"}
    found = [
        (name, function)
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and not name.startswith("_") and name not in never_raise
    ]
    assert found
    for name, function in found:
        assert hasattr(function, "__wrapped__"), f"{name} lets foreign exceptions out"


def test_the_package_imports_no_web_and_no_server_database() -> None:
    for file in Path(drls.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                assert name.split(".")[0] not in {"fastapi", "flask", "aiohttp", "httpx", "requests", "sqlite3", "http"}


def test_says_what_spark_says_without_its_stack_trace() -> None:
    told = errors.spark(
        "(java.lang.IllegalArgumentException) Cannot use options [x]\n\nJVM stacktrace:\n\tat org.apache..."
    )
    assert (told.code, "stacktrace" in told.detail) == ("invalid-argument", False)


@pytest.mark.parametrize(
    "said",
    [
        "Deleted manifest file:/w/t/metadata/a-m12.avro could not be found in the latest snapshot 1206142691836311463",
        "Missing required files to delete: file:/w/t/data/a.parquet",
        "Found conflicting files that can contain records matching true: [file:/w/t/data/a.parquet]",
        "Cannot commit, found new delete for replaced data file: a.parquet",
        "Cannot remove dangling deletes: current snapshot changed from 5713222315678863611 to 3175733047481154369",
        "Found concurrently added DV for file:/w/t/data/a.parquet: [file:/w/t/data/a.puffin]",
        "Cannot determine history between starting snapshot 1 and the last known ancestor 2",
    ],
)
def test_takes_what_iceberg_says_of_another_writer_for_a_conflict(said: str) -> None:
    told = errors.spark(f"(org.apache.iceberg.exceptions.ValidationException) {said}")
    assert (told.code, "/w/t" in told.detail) == ("commit-conflict", False)


def test_takes_commits_of_a_rewrite_that_failed_for_what_they_are() -> None:
    told = errors.spark(
        "(java.lang.RuntimeException) partial-progress.enabled is true but 2 rewrite commits failed. "
        "This is more than the maximum allowed failures of 0. Check the logs to determine why."
    )
    assert (told.code, "for what is left" in told.detail) == ("commit-failed", True)
