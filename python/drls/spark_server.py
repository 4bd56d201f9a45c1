"""A Spark Connect server of our own: one JVM as a child process, on loopback, that never outlives this process."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from drls import java
from drls.errors import DrlsError
from drls.jars import DEFAULT, checksums, missing, pyspark_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

_WRAPPER = """
exec 3<&0
"$@" </dev/null 3<&- &
jvm=$!
{
  read -r _ <&3
  kill "$jvm"
  for _ in 1 2 3 4 5 6 7 8 9 10; do kill -0 "$jvm" || exit; sleep 0.5; done
  kill -9 "$jvm"
} 2>/dev/null &
watch=$!
exec 3<&-
wait "$jvm"
status=$?
kill "$watch" 2>/dev/null
exit "$status"
"""
"""Runs its arguments until they end or its standard input does: our end of that pipe closes however we die."""

_OUT_OF_MEMORY = 3
"""The JVM's exit status under -XX:+ExitOnOutOfMemoryError; without it the process lives on with a dead context."""

START_TIMEOUT = 300
"""Seconds to wait for the port: 9 to 29 s are usual on two cores, over two minutes were seen under heavy load."""


class ServerSettings(TypedDict):
    """What the server is started with; another one is needed where any of it changes.

    `home`: DRLS's folder, for the log and for scratch files. `jars`: the folder that `drls.jars` filled.
    `memory`: the JVM's heap as Spark spells it ("1g"); under "768m" a sort runs out of memory on a table of 1 GB.
    `jars` "" is where `make` puts them. `master`: "local[*]" or a number of threads. `java_home`: "" for the Java on
    the path. `properties`: more Spark configuration, over ours.
    """

    home: str
    jars: str
    memory: str
    master: str
    java_home: str
    properties: dict[str, str]


class Server:
    """One start of the JVM. Its methods may be called from any thread, `start` and `stop` under the caller's lock."""

    def __init__(self, settings: ServerSettings) -> None:
        self.settings = settings
        self.token = secrets.token_urlsafe(24)
        self.port = _free_port()
        self._scratch = Path(settings["home"]) / "spark"
        self._process: subprocess.Popen[bytes] | None = None
        self._given_up = False

    @property
    def url(self) -> str:
        """Give the address for a client; "localhost" and not "127.0.0.1", or the client asks for TLS."""
        return f"sc://localhost:{self.port}/;token={self.token};user_id=drls"

    @property
    def pid(self) -> int | None:
        """Process id of the wrapper, which leads the process group of the JVM; `None` where it does not run."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def start(self) -> None:
        """Start the JVM and wait until its port answers.

        Errors: `java-not-found`, `spark-unavailable` (jars not there, it ended, no answer in `START_TIMEOUT`).
        """
        shutil.rmtree(self._scratch, ignore_errors=True)  # what a JVM that was killed left behind
        (self._scratch / "tmp").mkdir(parents=True, exist_ok=True)
        log = _fresh_log(Path(self.settings["home"]))
        command = ["/bin/sh", "-c", _WRAPPER, "sh", *self._command(self._scratch)]
        with log.open("wb") as out:
            self._process = subprocess.Popen(  # noqa: S603 (our own words, no shell but the wrapper above)
                command,
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=self._environment(),
                start_new_session=True,  # Ctrl-C in the terminal reaches us, and we stop it in order
            )
        self._wait_for_port()

    def _command(self, scratch: Path) -> list[str]:
        wanted = checksums()
        folder = Path(self.settings["jars"] or DEFAULT).expanduser()
        lacking = missing(folder, wanted)
        if lacking:
            raise DrlsError(
                "spark-unavailable", f"Spark's jars are missing ({', '.join(lacking)}). Bring them: python -m drls.jars"
            )
        conf = {
            "spark.jars": ",".join(str(folder / name) for name in wanted),
            "spark.driver.memory": self.settings["memory"],
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.host": "127.0.0.1",
            "spark.driver.extraJavaOptions": f'-XX:+ExitOnOutOfMemoryError "-Djava.io.tmpdir={scratch / "tmp"}"',
            "spark.local.dir": str(scratch),
            "spark.sql.warehouse.dir": str(scratch / "warehouse"),
            "spark.connect.grpc.binding.address": "127.0.0.1",
            "spark.connect.grpc.binding.port": str(self.port),
            # Ours is the only client and it may be idle for a weekend.
            "spark.connect.session.manager.defaultSessionTimeout": "7d",
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            "spark.sql.catalogImplementation": "in-memory",
            "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
            # The default of 200 makes a small sort write 200 tiny files' worth of tasks on one machine.
            "spark.sql.shuffle.partitions": "8",
        } | self.settings["properties"]
        command = [str(pyspark_folder() / "bin" / "spark-submit"), "--master", self.settings["master"]]
        command += ["--class", "org.apache.spark.sql.connect.service.SparkConnectServer"]
        for key, value in conf.items():
            command += ["--conf", f"{key}={value}"]
        return [*command, "spark-internal"]

    def _environment(self) -> dict[str, str]:
        home = Path(java.find(self.settings["java_home"])).resolve().parent.parent
        environment = {key: value for key, value in os.environ.items() if key not in ("SPARK_REMOTE", "SPARK_CONF_DIR")}
        environment["SPARK_HOME"] = str(pyspark_folder())
        environment["JAVA_HOME"] = str(home)
        environment["SPARK_LOCAL_IP"] = "127.0.0.1"
        environment["PYSPARK_PYTHON"] = str(Path(sys.prefix) / "bin" / "python")  # sys.executable may be the server
        environment["SPARK_CONNECT_AUTHENTICATE_TOKEN"] = self.token  # not in the arguments, which everybody can read
        return environment

    def _wait_for_port(self) -> None:
        end = time.monotonic() + START_TIMEOUT
        while time.monotonic() < end:
            if self._given_up:
                self.stop()
                raise DrlsError("cancelled", "Spark was stopped while it started.")
            if self.pid is None:
                raise DrlsError("spark-unavailable", "Spark ended while it started; logs/spark.log says why.")
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return
            time.sleep(0.1)
        self.stop()
        raise DrlsError("spark-unavailable", f"Spark did not start in {START_TIMEOUT} s; logs/spark.log says why.")

    def ran_out_of_memory(self) -> bool:
        """Tell whether the JVM ended because its heap was full; waits a moment for an end that is under way."""
        process = self._process
        if process is None:
            return False
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(timeout=2) == _OUT_OF_MEMORY
        return False

    def give_up(self) -> None:
        """Let a start that another thread is in come to its end at once, by an end of the JVM."""
        self._given_up = True
        process = self._process
        if process is not None and process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    def stop(self) -> None:
        """End the JVM and everything that it started; done when it is gone."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
        try:
            process.wait(timeout=8)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=8)
        shutil.rmtree(self._scratch, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _fresh_log(home: Path) -> Path:
    """Begin a new log and keep the one before it."""
    log = home / "logs" / "spark.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        log.replace(log.with_suffix(".log.1"))
    return log


def session_conf(name: str, properties: Mapping[str, str]) -> dict[str, str]:
    """Spell a PyIceberg catalog for a Spark session: the same catalog, tables and files under the same name.

    A SQL catalog becomes Iceberg's JDBC catalog; any other kind gets its properties unchanged. They are set on the
    session and not on the command line, because they may hold credentials.
    """
    prefix = f"spark.sql.catalog.{name}"
    conf = {prefix: "org.apache.iceberg.spark.SparkCatalog", f"{prefix}.cache-enabled": "false"}
    given = dict(properties)
    if given.get("type") == "sql":
        given.pop("schema_version", None)
        given |= {"type": "jdbc", "uri": _jdbc(given["uri"]), "jdbc.schema-version": "V1"}
        given["jdbc.init-catalog-tables"] = "true"
    return conf | {f"{prefix}.{key}": value for key, value in given.items()}


def _jdbc(uri: str) -> str:
    """Turn SQLAlchemy's address of a database into JDBC's; SQLite waits for PyIceberg's commits as it does for ours."""
    dialect, rest = uri.split(":", 1)
    dialect = dialect.split("+")[0]
    if dialect != "sqlite":
        return f"jdbc:{dialect}:{rest}"
    file = rest.removeprefix("///")
    return f"jdbc:sqlite:{file}?journal_mode=WAL&busy_timeout=30000&synchronous=NORMAL&transaction_mode=IMMEDIATE"
