"""A disk that fails on demand: the n-th call that changes files, in one process, on some paths (see failing.c).

Or the process is killed at that call.
"""

from __future__ import annotations

import contextlib
import ctypes
import enum
import errno
import mmap
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_SOURCE = Path(__file__).with_name("failing.c")
_TEXT = 512

FULL, BROKEN, READ_ONLY = errno.ENOSPC, errno.EIO, errno.EROFS
KILLED = -signal.SIGKILL
"""In the place of an error: the process ends at the call."""


class Kind(enum.IntFlag):
    """What calls do, in the order of failing.c."""

    OPEN = enum.auto()
    """for writing, or to make a file"""
    WRITE = enum.auto()
    TRUNCATE = enum.auto()
    RENAME = enum.auto()
    SYNC = enum.auto()
    REMOVE = enum.auto()
    MAKE = enum.auto()
    """a folder"""


def kinds_of(error: int) -> Kind:
    """Give the calls that fail with this error on a real disk: a full one removes, a broken one may fail anywhere."""
    if error == FULL:
        return Kind.OPEN | Kind.WRITE | Kind.TRUNCATE | Kind.RENAME | Kind.SYNC | Kind.MAKE
    return ~Kind(0)


class _Control(ctypes.Structure):
    """What failing.c maps."""

    _fields_ = (
        ("pid", ctypes.c_int32),
        ("kinds", ctypes.c_int32),
        ("error", ctypes.c_int32),
        ("lasting", ctypes.c_int32),
        ("nth", ctypes.c_int64),
        ("seen", ctypes.c_int64),
        ("failed", ctypes.c_int64),
        ("text", ctypes.c_char * _TEXT),
        ("path", ctypes.c_char * _TEXT),
        ("kind", ctypes.c_int32),
    )


@dataclass(frozen=True)
class Fault:
    """What to make fail: calls on paths that hold `text`, the `nth` of them, with `lasting` those after it too."""

    text: str
    error: int = FULL
    nth: int = 1
    lasting: bool = False

    def __str__(self) -> str:
        """Say it in a failing test."""
        how = "from then on" if self.lasting else "once"
        what = errno.errorcode[self.error] if self.error > 0 else signal.Signals(-self.error).name
        return f"{what} at call {self.nth} on {self.text}, {how}"


class Disk:
    """The failing calls of one server, and what they saw."""

    def __init__(self, folder: Path) -> None:
        """Compile the library and make the control file, both in `folder`."""
        library, control = folder / "failing.so", folder / "control"
        command = ["cc", "-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "-o", str(library), str(_SOURCE)]
        subprocess.run([*command, "-ldl"], check=True)
        control.write_bytes(bytes(ctypes.sizeof(_Control)))
        with control.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)
        self._control = _Control.from_buffer(self._map)
        self.environment = {"LD_PRELOAD": str(library), "FAULTS_CONTROL": str(control)}

    @contextlib.contextmanager
    def fails(self, pid: int, fault: Fault) -> Iterator[None]:
        """Make the process `pid` meet the fault as long as this lasts."""
        self._control.pid = 0
        self._control.kinds = int(kinds_of(fault.error))
        self._control.error = fault.error
        self._control.lasting = fault.lasting
        self._control.nth = fault.nth
        self._control.seen = self._control.failed = 0
        self._control.text = fault.text.encode()
        self._control.path = b""
        self._control.pid = pid
        try:
            yield
        finally:
            self._control.pid = 0

    @property
    def seen(self) -> int:
        """Calls that fitted the last fault."""
        return int(self._control.seen)

    @property
    def failed(self) -> int:
        """Those of them that failed."""
        return int(self._control.failed)

    @property
    def met(self) -> str:
        """The kind and the path of the first call that failed."""
        return f"{Kind(1 << self._control.kind).name} of {self._control.path.decode()}" if self.failed else "nothing"
