"""Spark's life: found, guarded, cancelled, killed, started again, and never left behind."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from drls import spark
from drls.errors import DrlsError
from drls.spark_client import Session
from drls.spark_server import Server, session_conf

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Read
    from sick_tables import Truth

    from drls.catalog import Catalog


def job(name: str, tag: str, **wanted: Any) -> Any:
    """Name a table and what to do with it, as the server does."""
    *namespace, short = name.split(".")
    given: dict[str, Any] = {"catalog": "drls", "namespace": namespace, "name": short, "tag": tag, "options": {}}
    return {**given, "strategy": "binpack", "order": "", "filter": "", **wanted}


def processes(group: int) -> list[str]:
    """Give the command of every process of a process group that is not a zombie."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            state, _parent, its_group = (folder / "stat").read_text().rsplit(")", 1)[1].split()[:3]
            if int(its_group) == group and state != "Z":
                found.append((folder / "cmdline").read_text().split("\0")[0])
    return found


def gone(group: int, seconds: float = 15) -> bool:
    """Wait until no process of the group is left."""
    end = time.monotonic() + seconds
    while processes(group) and time.monotonic() < end:
        time.sleep(0.1)
    return not processes(group)


def test_rewrites_what_it_is_told_and_keeps_every_row(
    sick: Callable[..., Truth], sql: Callable[[str], Any], read: Callable[[str], Read]
) -> None:
    truth = sick("spark.it's_ö", files=24, snapshots=4, position_deletes=3, partitions=2)
    rows = {"n": truth["live_rows"], "s": truth["sum_of_ids"]}
    query = "SELECT count(*) AS n, sum(id) AS s FROM drls.spark.`it's_ö`"
    done = spark.rewrite_data_files(job("spark.it's_ö", "a", filter="region = 'r0' AND id >= 0"))
    assert (done["rewritten_data_files_count"], done["added_data_files_count"]) == (12, 1)
    assert done["failed_data_files_count"] == 0
    assert sql(query) == [rows]
    everything = {"rewrite-all": "true"}
    spark.rewrite_data_files(job("spark.it's_ö", "b", strategy="sort", order="id DESC NULLS LAST", options=everything))
    spark.rewrite_data_files(job("spark.it's_ö", "c", strategy="zorder", order="id, value", options=everything))
    spark.rewrite_position_deletes(job("spark.it's_ö", "d", options=everything))
    assert spark.rewrite_manifests(job("spark.it's_ö", "e")).keys() == {
        "rewritten_manifests_count",
        "added_manifests_count",
    }
    assert sql(query) == [rows]
    assert read("spark.it's_ö").column("content").count(0) == 2


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"name": "nope"}, "table-not-found"),
        ({"catalog": "nope"}, "catalog-unavailable"),
        ({"strategy": "shuffle"}, "invalid-argument"),
        ({"strategy": "sort", "order": "nope"}, "column-not-found"),
        ({"strategy": "sort", "order": "'"}, "invalid-argument"),
        ({"strategy": "sort"}, "invalid-argument"),
        ({"strategy": "zorder", "order": "nope"}, "column-not-found"),
        ({"filter": "id ="}, "invalid-argument"),
        ({"filter": "x') --"}, "invalid-argument"),
        ({"options": {"nope": "1"}}, "invalid-argument"),
        ({"options": {"min-input-files": "many"}}, "invalid-argument"),
        ({"tag": "a,b"}, "invalid-argument"),
    ],
    ids=str,
)
def test_refuses_bad_arguments(
    sick: Callable[..., Truth], sql: Callable[[str], Any], wanted: dict[str, Any], code: str
) -> None:
    assert sql("SELECT 1 AS one") == [{"one": 1}]
    sick("spark.small", files=1)
    with pytest.raises(DrlsError) as told:
        spark.rewrite_data_files(job("spark.small", "bad") | wanted)
    assert told.value.code == code
    assert "\n" not in told.value.detail


@pytest.fixture(scope="module")
def big(sql: Callable[[str], Any]) -> str:
    """Make a table that takes some seconds to sort."""
    sql("CREATE NAMESPACE IF NOT EXISTS drls.spark")
    sql("CREATE TABLE drls.spark.big (id BIGINT, s STRING, r DOUBLE) USING iceberg")
    sql(
        "INSERT INTO drls.spark.big SELECT /*+ REPARTITION(24) */ id, sha2(cast(id AS STRING), 256), rand() "
        "FROM range(1500000)"
    )
    return "spark.big"


class Running:
    """A sort-compaction in a thread of its own."""

    def __init__(self, name: str, tag: str) -> None:
        self.outcome: Any = None
        order = {"strategy": "sort", "order": "r", "options": {"rewrite-all": "true"}}
        self._job = job(name, tag, **order)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.outcome = spark.rewrite_data_files(self._job)
        except DrlsError as error:
            self.outcome = error.code

    def running(self) -> bool:
        """Tell whether it still runs."""
        return self._thread.is_alive()

    def join(self) -> Any:
        """Wait for the outcome: what it answered, or the code of its failure."""
        self._thread.join(120)
        return self.outcome


def until_it_works(running: Running, tag: str) -> None:
    """Wait until the first task is done."""
    while running.running() and not spark.progress(tag)["done"]:
        time.sleep(0.05)


def test_progress_only_grows(big: str) -> None:
    running = Running(big, "watched")
    seen = []
    while running.running():
        seen.append(spark.progress("watched"))
        time.sleep(0.05)
    assert running.join()["rewritten_data_files_count"] == 24
    for figure in ("done", "total", "bytes_read"):
        values = [one[figure] for one in seen]
        assert values[:-1] == sorted(values[:-1])
    assert len({one["done"] for one in seen}) > 1
    assert spark.progress("watched") == {"done": 0, "total": 0, "bytes_read": 0}


def test_a_cancelled_rewrite_leaves_the_rows_as_they_were(
    big: str, sql: Callable[[str], Any], read: Callable[[str], Read]
) -> None:
    query = f"SELECT count(*) AS n, sum(id) AS s FROM drls.{big}"
    before, snapshots = sql(query), len(read(big).metadata["snapshots"])
    running = Running(big, "doomed")
    until_it_works(running, "doomed")
    started = time.monotonic()
    assert spark.interrupt("doomed")
    assert running.join() == "cancelled"
    assert time.monotonic() - started < 10
    assert spark.alive()
    assert sql(query) == before
    assert len(read(big).metadata["snapshots"]) == snapshots
    assert not spark.interrupt("doomed")


def test_is_started_again_after_it_was_killed(big: str, sql: Callable[[str], Any], read: Callable[[str], Read]) -> None:
    query = f"SELECT count(*) AS n, sum(id) AS s FROM drls.{big}"
    before, snapshots = sql(query), len(read(big).metadata["snapshots"])
    group = spark.status()["pid"]
    assert group is not None
    running = Running(big, "killed")
    until_it_works(running, "killed")
    os.killpg(group, signal.SIGKILL)
    assert running.join() == "spark-unavailable"
    assert not spark.alive()
    assert spark.status()["state"] == "stopped"
    assert sql(query) == before
    assert len(read(big).metadata["snapshots"]) == snapshots
    assert spark.status()["pid"] != group
    assert gone(group)


def test_one_that_hangs_is_replaced(sql: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    assert sql("SELECT 1 AS one") == [{"one": 1}]
    group = spark.status()["pid"]
    assert group is not None
    monkeypatch.setattr(spark, "PROBE_TIMEOUT", 2)
    os.killpg(group, signal.SIGSTOP)
    assert not spark.alive()
    assert sql("SELECT 1 AS one") == [{"one": 1}]
    assert spark.status()["pid"] != group
    assert gone(group)


def test_an_out_of_memory_is_told_and_survived(sql: Callable[[str], Any]) -> None:
    with pytest.raises(DrlsError) as told:
        sql("SELECT size(l) FROM (SELECT collect_list(repeat('x', 10000)) AS l FROM range(0, 400000, 1, 1))")
    assert told.value.code == "spark-out-of-memory"
    assert sql("SELECT 1 AS one") == [{"one": 1}]


@pytest.fixture(scope="module")
def server(spark_settings: spark.Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Start a server of its own, so that its token is known."""
    home = tmp_path_factory.mktemp("guarded")
    settings = {key: spark_settings[key] for key in ("jars", "memory", "master", "java_home", "properties")}
    started = Server({"home": str(home), **settings})  # type: ignore[typeddict-item]
    started.start()
    yield started
    group = started.pid
    assert group is not None
    assert any("java" in command for command in processes(group))
    started.stop()
    assert gone(group)
    assert not (home / "spark").exists()


def test_lets_in_who_has_the_token_only(server: Server) -> None:
    session = Session(server.url)
    assert session.sql("SELECT 1").collect()[0][0] == 1
    for url in (f"sc://localhost:{server.port}/", f"sc://localhost:{server.port}/;token=wrong"):
        started = time.monotonic()
        with pytest.raises(Exception, match=r"(?i)token|UNAUTHENTICATED"):
            Session(url).sql("SELECT 1").collect()
        assert time.monotonic() - started < 20
    assert server.pid is not None
    arguments = [
        (folder / "cmdline").read_text()
        for folder in Path("/proc").glob("[0-9]*")
        if (folder / "stat").exists() and server.token in (folder / "cmdline").read_text(errors="replace")
    ]
    assert arguments == []


def test_listens_on_loopback_only(server: Server) -> None:
    listening = set()
    for line in (Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text()).splitlines():
        fields = line.split()
        if len(fields) > 3 and fields[3] == "0A" and fields[1].endswith(f":{server.port:04X}"):
            listening.add(fields[1].split(":")[0])
    assert listening in ({"0100007F"}, {"0000000000000000FFFF00000100007F"})


def test_a_session_that_nobody_holds_is_no_end_of_what_others_share(server: Server) -> None:
    from pyspark.sql.connect.client.reattach import ExecutePlanResponseReattachableIterator as Answers

    kept, dropped = Session(server.url), Session(server.url)
    for session in (kept, dropped):
        assert session.sql("SELECT 1").collect()[0][0] == 1
    pool = Answers._release_thread_pool_instance  # noqa: SLF001 (what all sessions share)
    assert pool is not None
    del session, dropped
    gc.collect()
    # Ended by the collector, in whatever thread, it would wait for the calls in it, which may wait for that thread.
    assert Answers._release_thread_pool_instance is pool  # noqa: SLF001
    assert kept.sql("SELECT 1").collect()[0][0] == 1
    kept.end()


def test_the_end_of_a_process_waits_for_no_server(server: Server) -> None:
    program = textwrap.dedent(f"""
        from drls.spark_client import Session
        print(Session({server.url!r}).sql("SELECT 1").collect()[0][0])
        Session("sc://localhost:9/")
    """)
    started = time.monotonic()
    folder = Path(__file__).parents[1]
    assert subprocess.check_output([sys.executable, "-c", program], text=True, cwd=folder, timeout=120) == "1\n"
    assert time.monotonic() - started < 60


def test_no_jvm_outlives_a_killed_parent(spark_settings: spark.Settings, tmp_path: Path) -> None:
    program = textwrap.dedent(f"""
        import time
        from drls.spark_server import Server
        settings = {{"home": {str(tmp_path)!r}, "jars": {spark_settings["jars"]!r}, "java_home": ""}}
        server = Server({{**settings, "memory": "768m", "master": "local[1]", "properties": {{}}}})
        server.start()
        print(server.pid, flush=True)
        time.sleep(600)
    """)
    folder = Path(__file__).parents[1]
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=folder) as parent:
        assert parent.stdout is not None
        group = int(parent.stdout.readline())
        assert any("java" in command for command in processes(group))
        parent.kill()
    assert gone(group)


def test_says_what_is_missing(spark_settings: spark.Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lacking = spark.Spark({**spark_settings, "home": str(tmp_path), "jars": str(tmp_path / "none")})
    with pytest.raises(DrlsError) as told:
        lacking.ensure()
    assert (told.value.code, "python -m drls.jars" in told.value.detail) == ("spark-unavailable", True)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "no-java"))
    with pytest.raises(DrlsError) as told:
        spark.Spark({**spark_settings, "home": str(tmp_path)}).ensure()
    assert told.value.code == "java-not-found"
    nowhere = spark.Spark({**spark_settings, "remote": "sc://localhost:9/"})
    started = time.monotonic()
    with pytest.raises(DrlsError) as told:
        nowhere.ensure()
    assert told.value.code == "spark-unavailable"
    assert time.monotonic() - started < 30
    assert (nowhere.alive(), nowhere.status()["state"]) == (False, "stopped")


def test_a_remote_is_used_by_its_url_alone(
    server: Server, spark_settings: spark.Settings, lake: Catalog, sick: Callable[..., Truth]
) -> None:
    truth = sick("spark.remote", files=6, snapshots=2)
    assert spark_settings["catalogs"] == [lake]
    remote = spark.Spark({**spark_settings, "home": "/nowhere", "jars": "/nowhere", "remote": server.url})
    assert remote.sql("SELECT count(*) AS n FROM drls.spark.remote") == [{"n": truth["live_rows"]}]
    assert remote.status()["pid"] is None
    remote.stop()
    assert server.pid is not None


def test_catalogs_become_spark_s() -> None:
    embedded = session_conf("drls", {"type": "sql", "uri": "sqlite:////a b/catalog.db", "warehouse": "file:///a b/w"})
    assert embedded["spark.sql.catalog.drls.type"] == "jdbc"
    assert embedded["spark.sql.catalog.drls.uri"].startswith("jdbc:sqlite:/a b/catalog.db?journal_mode=WAL")
    rest = session_conf("prod", {"type": "rest", "uri": "https://x", "credential": "a:b", "s3.endpoint": "http://y"})
    assert {key.removeprefix("spark.sql.catalog.prod"): value for key, value in rest.items()} == {
        "": "org.apache.iceberg.spark.SparkCatalog",
        ".cache-enabled": "false",
        ".type": "rest",
        ".uri": "https://x",
        ".credential": "a:b",
        ".s3.endpoint": "http://y",
    }
