"""Sends the log records of this process to the server's own log."""

from __future__ import annotations

import logging
from collections.abc import Callable

Write = Callable[[int, str, str], None]


class _Forward(logging.Handler):
    """Hands each record to the server as level number, logger name and text."""

    def __init__(self, write: Write) -> None:
        super().__init__()
        self._write = write

    def emit(self, record: logging.LogRecord) -> None:
        self._write(record.levelno, record.name, self.format(record))


def forward(write: Write) -> None:
    """Replace the handlers of the root logger by one that calls `write`; INFO and above pass."""
    # Level and logger go beside the text, so they are not in it.
    logging.basicConfig(level=logging.INFO, format="%(message)s", handlers=[_Forward(write)], force=True)
