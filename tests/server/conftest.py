"""What the tests of the running server share: one server a file, on a home of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from harness import BINARY, PLUGINS, Api, Home, Server, loaded, until
from sick_tables import Sick, make

from drls import jars
from drls.spark_server import Server as SparkServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


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


@pytest.fixture(scope="module")
def remote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of one Spark for the server and the tests."""
    jars.bring(jars.DEFAULT)
    running = SparkServer(
        {
            "home": str(tmp_path_factory.mktemp("spark")), "jars": "", "memory": "1g", "master": "local[2]",
            "java_home": "", "properties": {},
        }
    )  # fmt: skip
    running.start()
    yield running.url
    running.stop()


@pytest.fixture
def new(home: Home, request: pytest.FixtureRequest) -> Callable[..., str]:
    """Give a maker of tables that only this test uses; it answers their names."""
    made: list[str] = []

    def table(**wanted: object) -> str:
        short = request.node.name.removeprefix("test_").split("[")[0]
        name = f"ops.{short}_{len(made)}"
        make(home.lake, name, Sick(**wanted))  # type: ignore[arg-type]
        made.append(name)
        return name

    return table
