"""Requests to the hosts that ``[needs.http]`` of the plugin's manifest names.

A plugin whose manifest names hosts waits on a server until an admin grants them. Outside a server nothing is sent:
:func:`drls_plugin.testing.responses` says what comes back.
"""

from __future__ import annotations

import json as _json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import Denied, Failed


@dataclass
class Response:
    """What came back, whatever its status. Names of ``headers`` are in lower case; a redirect is not followed."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def text(self) -> str:
        """The content as text; what is not UTF-8 is replaced."""
        return self.body.decode(errors="replace")

    def json(self) -> Any:
        """The content as JSON."""
        try:
            return _json.loads(self.body)
        except ValueError as error:
            raise Failed(f"the response is not JSON: {error}") from None


class Unsent(Failed):
    """No whole response came back: no connection, not in time, or over 1 MiB."""


class NotGranted(Denied):
    """The host or method is not granted, or leads into the operator's network."""


def _nowhere(method: str, url: str, headers: Mapping[str, str], body: bytes) -> Response:  # noqa: ARG001
    raise Unsent(f"{method} {url}: requests are sent inside a server only; see drls_plugin.testing.responses")


sender: Callable[[str, str, Mapping[str, str], bytes], Response] = _nowhere


def send(method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Response:
    """Sends a request and waits for its response."""
    return sender(method, url, headers or {}, body)


def get(url: str, headers: Mapping[str, str] | None = None) -> Response:
    """Gets what stands at an address."""
    return send("GET", url, headers)


def post_json(url: str, value: Any) -> Response:
    """Posts JSON to an address."""
    return send("POST", url, {"content-type": "application/json"}, _json.dumps(value).encode())
