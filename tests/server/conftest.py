"""What the tests of the running server share: one server a file, on a home of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from harness import BINARY, PLUGINS, Api, Home, Server, loaded, until

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session", autouse=True)
def _built() -> None:
    """Fail at once where nothing is built."""
    assert BINARY.is_file(), f"{BINARY} is not there: make build"
    assert list(PLUGINS.glob("*.wasm")), f"no plugins in {PLUGINS}: make build"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Give a home whose path has what paths may have."""
    return Home.make(tmp_path_factory.mktemp("run") / "größeres haus")


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    """Give what the server of this file finds in its environment beside that of the tests."""
    return {}


@pytest.fixture(scope="module")
def token(home: Home) -> str:
    """Give the token of an admin."""
    return home.user("admin", "admin")


@pytest.fixture(scope="module")
def server(home: Home, token: str, environment: dict[str, str]) -> Iterator[Server]:  # noqa: ARG001 (an admin first)
    """Give a running server."""
    running = Server(home, environment)
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def api(server: Server, token: str) -> Api:
    """Give its interface as an admin, with every plugin loaded."""
    admin = server.api(token)
    until("all plugins serve", lambda: loaded(admin) == {file.stem for file in PLUGINS.glob("*.wasm")})
    return admin
