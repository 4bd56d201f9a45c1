"""A remote Spark that is not there, or dies: jobs that need it fail soon and in words, and nothing else minds."""

from __future__ import annotations

import json
import socket
import time
from typing import TYPE_CHECKING, Any

import pytest
from harness import until
from sick_tables import Sick, make

from drls import jars
from drls.spark_server import Server as SparkServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness import Api, Home, Server

TABLE = "dead.small"
SOON = 60
"""Seconds after which a job may wait for a dead Spark no longer; its client alone would for ten minutes."""


@pytest.fixture(scope="module")
def table(home: Home) -> str:
    """Make a table that a rewrite has work on."""
    make(home.lake, TABLE, Sick(files=12, partitions=1))
    return TABLE


@pytest.fixture
def at(api: Api, home: Home, server: Server, token: str) -> Iterator[Any]:
    """Give what starts the server anew with a Spark at an address."""
    assert api.token == token

    def started(remote: str) -> Api:
        server.stop()
        (home.folder / "config.json").write_text(json.dumps({"spark": {"remote": remote}}))
        server.start()
        return server.api(token)

    yield started
    server.stop()
    (home.folder / "config.json").unlink()
    server.start()


def fails_soon(api: Api, home: Home, table: str) -> Any:
    """See a rewrite fail, and all else work while it does; give its error."""
    rows, was = home.rows(table), home.table(table).metadata_location
    began = time.monotonic()
    job = api.begin("compact", table)
    api.table(table, "health").ok()
    ended = api.ended(job)
    assert time.monotonic() - began < SOON
    assert (ended["state"], ended["error"]["code"]) == ("failed", "spark-unavailable"), ended["error"]
    assert home.table(table).metadata_location == was
    assert home.rows(table).equals(rows)
    assert not home.java(), "no other Spark is started in its place"
    return ended["error"]


def outlives_the_server(api: Api, home: Home, server: Server) -> Api:
    """Kill the server in a rewrite: what it asked a Spark for that is not its own may yet come to an end there.

    Gives the interface of the server that was started again.
    """
    name = "dead.outlived"
    make(home.lake, name, Sick(files=12, partitions=1))
    rows, was = home.rows(name), home.table(name).metadata_location
    job = api.begin("compact", name)
    until("it runs", lambda: api.job(job)["state"] == "running")
    server.kill()
    moved = home.table(name).metadata_location != was
    server.start()
    again = server.api(api.token)
    ended = again.ended(job)
    if not moved and ended["state"] == "failed":
        assert ended["error"]["code"] == "server-killed"
        assert "may have gone on in the remote Spark" in ended["error"]["detail"]
    assert moved <= (ended["state"] == "succeeded"), "what is there is told"
    # The first may lose a race against what goes on there.
    until("the next works", lambda: again.ended(again.begin("compact", name))["state"] == "succeeded", every=1)
    assert home.rows(name).equals(rows)
    return again


def test_a_spark_that_refuses_connections_fails_the_job_soon(at: Any, home: Home, table: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    api = at(f"sc://localhost:{port}/;token=x")
    for _ in range(2):
        error = fails_soon(api, home, table)
        assert "does not answer" in error["detail"]
    api.run("set-properties", table, properties={"next": "works"})


def test_a_spark_that_takes_connections_and_says_nothing_fails_the_job_soon(at: Any, home: Home, table: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        api = at(f"sc://localhost:{silent.getsockname()[1]}/;token=x")
        fails_soon(api, home, table)
        api.run("set-properties", table, properties={"next": "silent"})


def test_a_spark_that_outlives_the_server_or_dies_is_told_of_truthfully(
    at: Any, home: Home, server: Server, table: str, tmp_path: Path
) -> None:
    jars.bring(jars.DEFAULT)
    spark = SparkServer(
        {
            "home": str(tmp_path), "jars": "", "memory": "1g", "master": "local[2]", "java_home": "", "properties": {},
        }
    )  # fmt: skip
    spark.start()
    try:
        api = at(spark.url)
        make(home.lake, "dead.before", Sick(files=12, partitions=1))
        api.run("compact", "dead.before")
        api = outlives_the_server(api, home, server)
    finally:
        spark.stop()
    fails_soon(api, home, table)
    fails_soon(api, home, table)
    until("it is told", lambda: api.get("/api/health").ok()["parts"]["spark"]["state"] != "ok")
