"""Compaction of the sample's flights by route beside the same CALL through a bare Spark Connect client.

Both use one Spark server, and the table is set back after each, so that both find the same files and a JVM that is as
warm: what is left between them is ours.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from figures import Row, median, row, timed
from pyspark.sql.connect.session import SparkSession
from wire import serving

from drls import jars, procedures
from drls.spark_server import Server as SparkServer
from drls.spark_server import session_conf

if TYPE_CHECKING:
    from harness import Api, Home

TABLE = "flights.flights"
PAIRS = 9  # one alone moves by a third


def measure(home: Home, token: str) -> list[Row]:
    """Take turns, the first of each unmeasured."""
    done = home.drls("demo")
    assert done.returncode == 0, done.stderr
    spark = SparkServer(
        {
            "home": str(home.folder.parent / "spark"),
            "jars": str(jars.DEFAULT),
            "memory": "1g",
            "master": "local[*]",
            "java_home": "",
            "properties": {},
        }
    )
    spark.start()
    try:
        (home.folder / "config.json").write_text(json.dumps({"spark": {"remote": spark.url}}))
        session = _session(home, spark.url)
        try:
            with serving(home, token) as api:
                return _measure(api, session)
        finally:
            session.stop()  # else it asks a server that is gone, for ten minutes, when this process ends
    finally:
        spark.stop()


def _session(home: Home, url: str) -> SparkSession:
    session = SparkSession.builder.remote(url).create()
    for key, value in session_conf(home.lake["name"], home.lake["properties"]).items():
        session.conf.set(key, value)
    return session


def _measure(api: Api, session: SparkSession) -> list[Row]:
    plan = api.plan("compact", TABLE)
    (step,) = plan["steps"]
    namespace, name = TABLE.split(".")
    call = procedures.rewrite_data_files(
        {"catalog": "drls", "namespace": [namespace], "name": name, "tag": "", "options": dict(step["options"]),
         "strategy": step["strategy"], "order": "", "filter": ""}
    )  # fmt: skip
    (before,) = session.sql(f"SELECT snapshot_id FROM drls.{TABLE}.refs WHERE name = 'main'").collect()  # noqa: S608 (our own table)
    back = f"CALL drls.system.rollback_to_snapshot('{TABLE}', {before.snapshot_id})"
    files = plan["effect"]["files_before"]
    jobs: list[Any] = []

    def route() -> None:
        jobs.append(api.run("compact", TABLE))

    def bare() -> None:
        (answer,) = session.sql(call).collect()
        assert answer.rewritten_data_files_count > files / 2

    ours: list[float] = []
    theirs: list[float] = []
    for number in range(PAIRS + 1):
        for work, times in ((route, ours), (bare, theirs))[:: 1 if number % 2 else -1]:
            took = timed(work)
            session.sql(back).collect()
            if number:
                times.append(took)
    peer = median(theirs)
    return [
        row(f"compaction of {files} files by route", median(ours), "ms", (1.05, "peer"), peer=peer),
        row("of it the job, from its turn to its end", median([_ran(one) for one in jobs[1:]]), "ms", peer=peer),
    ]


def _ran(job: Any) -> float:
    at = [datetime.fromisoformat(job["timestamps"][key].replace("Z", "+00:00")) for key in ("started_at", "ended_at")]
    return (at[1] - at[0]).total_seconds() * 1000
