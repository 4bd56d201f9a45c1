"""Why a call gives no answer.

Raise one of these; any other exception is a fault of the plugin, told with its traceback.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FieldError:
    """One mistake. ``pointer``: JSON Pointer (RFC 6901) to the field, "" for the whole document."""

    pointer: str
    detail: str


class PluginError(Exception):
    """What the host passes on to the caller."""


class Invalid(PluginError):
    """The caller's input is wrong: every mistake at once.

    >>> Invalid(("/versions", "is 1; keep 2 or more")).fields[0].pointer
    '/versions'
    """

    def __init__(self, *mistakes: tuple[str, str]) -> None:
        """Takes pairs of a JSON Pointer and what is wrong there and would be right."""
        super().__init__("; ".join(f"{pointer}: {detail}" if pointer else detail for pointer, detail in mistakes))
        self.fields = [FieldError(pointer, detail) for pointer, detail in mistakes]


class NotFound(PluginError):
    """What the call names does not exist."""


class Denied(PluginError):
    """The calling user may not do this."""


class Failed(PluginError):
    """The plugin failed for a reason of its own."""
