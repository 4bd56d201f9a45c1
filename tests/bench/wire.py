"""A running server, and a client that costs next to nothing: one connection, kept open, one request at a time."""

from __future__ import annotations

import contextlib
import json
import socket
from typing import TYPE_CHECKING, Any

from harness import PLUGINS, Api, Home, Server, loaded, until

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def serving(home: Home, token: str, environment: dict[str, str] | None = None) -> Iterator[Api]:
    """Run a server with every plugin loaded. `environment`: what it finds there beside ours."""
    server = Server(home, environment or {})
    server.start()
    try:
        api = server.api(token)
        until("all plugins serve", lambda: loaded(api) == {file.stem for file in PLUGINS.glob("*.wasm")})
        yield api
    finally:
        server.stop()


class Wire:
    """A connection to a server. Only for answers with a Content-Length, which all of ours but event streams have."""

    def __init__(self, host: str, token: str) -> None:
        name, port = host.split(":")
        self._socket = socket.create_connection((name, int(port)), timeout=120)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._head = f"Host: {host}\r\nAuthorization: Bearer {token}\r\n\r\n"
        self._rest = b""

    def get(self, path: str) -> bytes:
        """The body of a success."""
        self._socket.sendall(f"GET {path} HTTP/1.1\r\n{self._head}".encode())
        data = self._rest
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self._receive()
        head = data[:end].decode().lower()
        assert head.startswith("http/1.1 200 "), data.decode(errors="replace")
        length = next(int(line.split(":")[1]) for line in head.split("\r\n") if line.startswith("content-length:"))
        whole = end + 4 + length
        while len(data) < whole:
            data += self._receive()
        self._rest = data[whole:]
        return data[end + 4 : whole]

    def json(self, path: str) -> Any:
        """The same, read."""
        return json.loads(self.get(path))

    def _receive(self) -> bytes:
        data = self._socket.recv(1 << 16)
        assert data, "the server closed the connection"
        return data

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


def every_table(wire: Wire) -> Iterator[Any]:
    """Every table, by as few requests as the interface allows."""
    cursor = ""
    while True:
        page = wire.json(f"/api/tables?limit=1000{cursor}")
        yield from page["items"]
        if page["next"] is None:
            return
        cursor = f"&cursor={page['next']}"
