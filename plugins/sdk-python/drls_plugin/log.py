"""Lines in the host's log, stamped there with plugin, version and call.

In an ordinary Python they go to ``logging``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warn": logging.WARNING, "error": logging.ERROR}


def _native(level: str, message: str) -> None:
    logging.getLogger("drls_plugin").log(_LEVELS[level], message)


write: Callable[[str, str], None] = _native


def debug(message: str) -> None:
    """For the author of the plugin."""
    write("debug", message)


def info(message: str) -> None:
    """For an operator who looks."""
    write("info", message)


def warn(message: str) -> None:
    """Something is odd, and the answer stands nevertheless."""
    write("warn", message)


def error(message: str) -> None:
    """The call failed, or its answer cannot be trusted."""
    write("error", message)
