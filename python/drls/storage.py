"""Files of a table, wherever they lie: one way to open, compare, list and delete them."""

from __future__ import annotations

import contextlib
import functools
import os
import re
from typing import TYPE_CHECKING, TypedDict
from urllib.parse import urlparse

from pyiceberg.io import FileIO, load_file_io
from pyiceberg.io.pyarrow import PyArrowFileIO

from drls.errors import corrupt

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SAME_STORE = {"s3a": "s3", "s3n": "s3", "gcs": "gs", "wasbs": "abfss", "abfs": "abfss"}
"""Schemes by which Hadoop's and other clients name the same store."""


class ListedFile(TypedDict):
    """One file under a location: `path` as a URI, size in bytes, time in milliseconds since the Unix epoch."""

    path: str
    bytes: int
    modified_at: int


def file_io(io: Mapping[str, str], location: str) -> FileIO:
    """Give the FileIO for a location; equal properties and scheme share one, so that connections are reused."""
    return _file_io(frozenset(io.items()), urlparse(location).scheme)


@functools.lru_cache(maxsize=64)
def _file_io(io: frozenset[tuple[str, str]], scheme: str) -> FileIO:
    return load_file_io(dict(io), f"{scheme}://" if scheme else "file://")


def local_path(path: str) -> str | None:
    """Give the plain path of a local file, named "/x", "file:/x" (Spark) or "file:///x" (PyIceberg); else `None`."""
    scheme = urlparse(path).scheme
    if scheme == "file":
        return "/" + path[len("file:") :].lstrip("/")
    return None if scheme else path


def canonical(path: str) -> str:
    """Spell a path in the one way by which two names of the same file are equal."""
    local = local_path(path)
    if local is not None:
        return os.path.normpath(local)
    url = urlparse(path)
    rest = re.sub("/{2,}", "/", path.split("://", 1)[-1][len(url.netloc) :])
    return f"{_SAME_STORE.get(url.scheme, url.scheme)}://{url.netloc}{rest}".rstrip("/")


def read_bytes(path: str, io: Mapping[str, str]) -> bytes:
    """Read a whole metadata file.

    Errors: `corrupt-metadata` naming the file where it is missing; others as `drls.errors.translate` says.
    """
    try:
        local = local_path(path)
        if local is not None:
            with open(local, "rb") as file:  # noqa: PTH123 (twice as fast as Path for files of a few KB)
                return file.read()
        with file_io(io, path).new_input(path).open() as stream:
            return stream.read()
    except FileNotFoundError as error:
        raise corrupt(path, "is missing") from error


def size_of(path: str, io: Mapping[str, str]) -> int:
    """Size of a file in bytes; `corrupt-metadata` where it is missing."""
    try:
        local = local_path(path)
        return os.stat(local).st_size if local is not None else len(file_io(io, path).new_input(path))  # noqa: PTH116
    except FileNotFoundError as error:
        raise corrupt(path, "is missing") from error


def listing(location: str, io: Mapping[str, str]) -> Iterator[ListedFile]:
    """Walk the files under a location, in no order, hidden ones left out. One that does not exist holds no file."""
    local = local_path(location)
    if local is not None:
        yield from _listing_local(local)
        return
    store = file_io(io, location)
    if not isinstance(store, PyArrowFileIO):
        raise corrupt(location, "lies in a store that can't be listed; use the pyarrow file io for this catalog")
    yield from _listing_arrow(location, store)


def _listing_local(folder: str) -> Iterator[ListedFile]:
    stack = [folder]
    while stack:
        try:
            entries = os.scandir(stack.pop())
        except FileNotFoundError:  # removed since it was listed
            continue
        with entries:
            for entry in entries:
                if _hidden(entry.name):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    stack.append(entry.path)
                    continue
                try:
                    stat = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                yield {
                    "path": f"file://{entry.path}",
                    "bytes": stat.st_size,
                    "modified_at": stat.st_mtime_ns // 1_000_000,
                }


def _listing_arrow(location: str, store: PyArrowFileIO) -> Iterator[ListedFile]:
    from pyarrow import fs  # noqa: PLC0415 (half a second that local warehouses never need)

    scheme, netloc, path = PyArrowFileIO.parse_location(location, store.properties)
    system = store.fs_by_scheme(scheme, netloc)
    # Object stores name a file "bucket/key" here; the table names it "scheme://bucket/key".
    for info in system.get_file_info(fs.FileSelector(path, recursive=True, allow_not_found=True)):
        if info.type == fs.FileType.File and not any(map(_hidden, info.path[len(path) :].split("/"))):
            at = int(info.mtime_ns // 1_000_000) if info.mtime_ns else 0
            yield {"path": f"{scheme}://{info.path}", "bytes": info.size, "modified_at": at}


def delete(path: str, io: Mapping[str, str]) -> bool:
    """Delete one file; `False` where it was gone already (a store that does not tell counts as deleted)."""
    local = local_path(path)
    try:
        if local is None:
            file_io(io, path).delete(path)
            return True
        os.unlink(local)  # noqa: PTH108
    except FileNotFoundError:
        return False
    # Hadoop's local file system keeps a checksum beside each file that it wrote.
    folder, name = os.path.split(local)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(os.path.join(folder, f".{name}.crc"))  # noqa: PTH108, PTH118
    return True


def _hidden(name: str) -> bool:
    """Tell what Iceberg's own orphan removal passes over: ".x" and "_x", but not a partition like "_day=1"."""
    return name.startswith(".") or (name.startswith("_") and "=" not in name)
