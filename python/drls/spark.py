"""Heavy work on Spark: one client for our own Spark Connect server and for a cluster's.

`configure` says what to use and starts nothing. The first call that needs Spark starts it; the one after a crash or
an out-of-memory starts it again. Alive is what answers `SELECT 1`, never a port or a process. Calls may come from
several threads at once; each waits with the GIL released.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from typing import TYPE_CHECKING, Any, Literal, TypedDict, cast

from drls import errors, procedures
from drls.deadline import within
from drls.errors import DrlsError, invalid, translated
from drls.spark_server import Server, ServerSettings, session_conf

if TYPE_CHECKING:
    from pyspark.sql import Row
    from pyspark.sql.connect.shell.progress import ProgressHandler

    from drls.catalog import Catalog
    from drls.spark_client import Session

log = logging.getLogger(__name__)

PROBE_TIMEOUT = 20
"""Seconds that `SELECT 1` may take. It needs no executor, so a server that works answers at once."""

OPEN_TIMEOUT = 180
"""Seconds that the first session may take on a server that just started: 2 to 6 are usual on two cores, the first
statement loads most of Spark's classes."""

RELEASE_TIMEOUT = 5
"""Seconds that a cluster may take to forget our session; it does so by itself after an hour."""


class Settings(TypedDict):
    """What `configure` takes; `remote` is a cluster's "sc://..." or "" for our own server, as `ServerSettings` says."""

    home: str
    jars: str
    memory: str
    master: str
    remote: str
    java_home: str
    properties: dict[str, str]
    catalogs: list[Catalog]


class Status(TypedDict):
    """`state` of the last that was seen, without asking Spark; `pid` of our own server's process group."""

    state: Literal["not-configured", "stopped", "starting", "running"]
    detail: str
    pid: int | None


class Progress(TypedDict):
    """Tasks of one call, done and known so far: both only grow. 0 of 0 until the first report. Bytes read so far."""

    done: int
    total: int
    bytes_read: int


class Spark:
    """A Spark that is started when it is needed, on one set of settings."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._lock = threading.RLock()
        self._server: Server | None = None
        self._session: Session | None = None
        self._starting = False
        self._stopping = False
        self._running: dict[str, Progress] = {}
        self._busy: set[str] = set()
        self._cancelled: set[str] = set()
        self._mine = threading.local()
        self._just_answered = False

    def ensure(self) -> Session:
        """Give a session that answers; starts or restarts Spark where none does.

        Errors: `java-not-found`, `spark-unavailable`.
        """
        with self._lock:
            # While a call runs its own outcome tells whether Spark lives; a restart here would kill it.
            if self._session is not None and not self._gone() and (self._busy or self._answers(self._session)):
                return self._session
            self._refuse_while_stopping()
            self._starting = True
            try:
                return self._connect()
            finally:
                self._starting = False

    def prepare(self) -> None:
        """Start Spark where it does not answer. The call that follows does not ask again. Errors: as `ensure`."""
        self.ensure()
        self._just_answered = True

    def _prepared(self) -> Session:
        """Give the session of a Spark that has just answered, else one that answers."""
        just_answered, self._just_answered = self._just_answered, False
        session = self._session
        return session if just_answered and session is not None and not self._gone() else self.ensure()

    def _connect(self) -> Session:
        self._drop_session()
        if self._server is not None and self._server.pid is not None:  # a session may end while its server lives
            with contextlib.suppress(DrlsError):
                return self._open(self._server.url, PROBE_TIMEOUT)
        if self.settings["remote"]:
            return self._open(self.settings["remote"])
        self._stop_server()
        self._server = Server(_server_settings(self.settings))
        self._refuse_while_stopping()  # `stop` may have looked before there was a server to give up
        began = time.monotonic()
        log.info("Spark starts; its own log is logs/spark.log")
        try:
            self._server.start()
            session = self._open(self._server.url)
        except BaseException:
            self._stop_server()
            raise
        log.info("Spark is up after %.1f s", time.monotonic() - began)
        return session

    def _open(self, url: str, seconds: float = OPEN_TIMEOUT) -> Session:
        """Open a session on a running server, with our catalogs, and see that it answers."""
        try:
            session = within(seconds, lambda: self._session_at(url))
        except Exception as error:
            known = errors.spark(str(error) or f"no answer in {seconds} s")
            raise DrlsError("spark-unavailable", f"Spark does not answer: {known.detail}") from error
        session.registerProgressHandler(cast("ProgressHandler", self._report))
        self._session = session
        return session

    def _session_at(self, url: str) -> Session:
        from drls.spark_client import Session  # noqa: PLC0415 (a second of imports)

        session = Session(url)
        try:
            for catalog in self.settings["catalogs"]:
                for key, value in session_conf(catalog["name"], catalog["properties"]).items():
                    session.conf.set(key, value)
            session.sql("SELECT 1").collect()
        except BaseException:
            session.end()
            raise
        return session

    def _drop_session(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.end()

    def _answers(self, session: Session) -> bool:
        try:
            within(PROBE_TIMEOUT, lambda: session.sql("SELECT 1").collect())
        except Exception:  # noqa: BLE001 (whatever it is, it is no answer)
            return False
        return True

    def alive(self) -> bool:
        """Tell whether Spark answers `SELECT 1` now; never starts it."""
        session = self._session
        return session is not None and not self._gone() and self._answers(session)

    def _gone(self) -> bool:
        """Tell whether our own server has ended, without asking it."""
        return self._server is not None and self._server.pid is None

    def status(self) -> Status:
        """Tell what is known without asking Spark."""
        server = self._server
        if self._starting:
            return {"state": "starting", "detail": "Spark is starting.", "pid": None}
        if self._session is None or self._gone():
            return {"state": "stopped", "detail": "Spark starts when it is first needed.", "pid": None}
        return {
            "state": "running",
            "detail": "A remote Spark is connected." if server is None else "Spark runs on this machine.",
            "pid": server.pid if server is not None else None,
        }

    def call(self, statement: str, tag: str) -> dict[str, int]:
        """Run a procedure under a tag and give the first row of its answer.

        Errors: `cancelled`, `spark-out-of-memory`, `spark-unavailable`, `spark-failed`, `commit-conflict`,
        `commit-failed`, `table-not-found`, `invalid-argument`.
        """
        if not tag or "," in tag:
            raise invalid("/tag", "must not be empty or hold a comma")
        self._running[tag] = {"done": 0, "total": 0, "bytes_read": 0}
        try:
            session = self._prepared()
            if tag in self._cancelled:
                raise errors.spark("OPERATION_CANCELED")
            rows = self._tagged(session, statement, tag)
        finally:
            self._running.pop(tag, None)
            self._cancelled.discard(tag)
        return {key: int(value) for key, value in rows[0].asDict().items() if value is not None} if rows else {}

    def _tagged(self, session: Session, statement: str, tag: str) -> list[Row]:
        self._busy.add(tag)
        self._mine.tag = tag
        session.addTag(tag)
        try:
            return session.sql(statement).collect()
        except Exception as error:
            raise self._reason(error) from error
        finally:
            session.removeTag(tag)
            self._mine.tag = None
            self._busy.discard(tag)

    def _reason(self, error: Exception) -> DrlsError:
        """Tell why a call failed: that Spark went away says less than why it did."""
        known = errors.spark(str(error))
        server = self._server
        if known.code in ("spark-unavailable", "spark-failed") and server is not None and server.ran_out_of_memory():
            return errors.spark("OutOfMemoryError")
        return known

    def _report(self, stages: Any, inflight_tasks: int, operation_id: str | None, done: bool) -> None:  # noqa: ANN401, ARG002
        """Take a progress report; Spark's client calls it in the thread whose call it is about."""
        progress = self._running.get(getattr(self._mine, "tag", None) or "")
        if progress is None:
            return
        stages = list(stages or ())
        # The total grows as stages appear and a restarted stage counts again: neither figure may go back.
        progress["total"] = max(progress["total"], sum(stage.num_tasks for stage in stages))
        progress["done"] = max(progress["done"], sum(stage.num_completed_tasks for stage in stages))
        progress["bytes_read"] = max(progress["bytes_read"], sum(stage.num_bytes_read for stage in stages))

    def progress(self, tag: str) -> Progress:
        """Tell how far the call with this tag is; 0 of 0 where there is none."""
        known = self._running.get(tag)
        return known.copy() if known is not None else {"done": 0, "total": 0, "bytes_read": 0}

    def interrupt(self, tag: str) -> bool:
        """Ask Spark to cancel the call with this tag, which then fails as `cancelled`; `False` where none runs."""
        if tag not in self._running:
            return False
        self._cancelled.add(tag)  # where Spark is still starting
        for _ in range(10):
            session = self._session
            if session is None or tag not in self._busy:
                break
            try:
                if session.interruptTag(tag):
                    break
            except Exception as error:
                raise self._reason(error) from error
            time.sleep(0.2)  # the call is on its way to Spark, which does not know the tag yet
        return True

    def sql(self, statement: str) -> list[dict[str, Any]]:
        """Run any statement and give its rows, for tests and diagnosis. Errors: as `call`."""
        try:
            return [row.asDict(recursive=True) for row in self.ensure().sql(statement).collect()]
        except DrlsError:
            raise
        except Exception as error:
            raise self._reason(error) from error

    def stop(self) -> None:
        """End our own server, or leave a remote one; the next call starts it again."""
        self._stopping = True
        starting = self._server
        if self._starting and starting is not None:
            starting.give_up()  # whoever starts it holds the lock until then
        with self._lock:
            try:
                session = self._session
                if session is not None and self.settings["remote"]:
                    with contextlib.suppress(Exception):
                        within(RELEASE_TIMEOUT, session.client.release_session)
                self._drop_session()
                self._stop_server()
            finally:
                self._stopping = False

    def _refuse_while_stopping(self) -> None:
        if self._stopping:
            raise DrlsError("cancelled", "Spark was stopped while it started.")

    def _stop_server(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.stop()


def _server_settings(settings: Settings) -> ServerSettings:
    return {
        "home": settings["home"],
        "jars": settings["jars"],
        "memory": settings["memory"],
        "master": settings["master"],
        "java_home": settings["java_home"],
        "properties": settings["properties"],
    }


_lock = threading.Lock()
_spark: Spark | None = None


def configure(settings: Settings) -> None:
    """Say which Spark to use from now on. What runs on other settings is stopped; equal settings change nothing."""
    global _spark  # noqa: PLW0603 (the process has one Spark)
    with _lock:
        before = _spark
        if before is not None and before.settings == settings:
            return
        _spark = Spark(settings)
    if before is not None:
        before.stop()


def _configured() -> Spark:
    if _spark is None:
        raise DrlsError("spark-unavailable", "Spark is not configured. Say which to use by drls.spark.configure.")
    return _spark


@translated
def ensure() -> None:
    """Start Spark where it does not answer, and wait for it. Errors: `java-not-found`, `spark-unavailable`."""
    _configured().prepare()


def alive() -> bool:
    """Tell whether Spark answers `SELECT 1` now; never starts it."""
    return _spark is not None and _spark.alive()


def status() -> Status:
    """Tell what is known about Spark without asking it."""
    if _spark is None:
        return {"state": "not-configured", "detail": "Spark is not configured.", "pid": None}
    return _spark.status()


@translated
def rewrite_data_files(job: procedures.RewriteDataFiles) -> dict[str, int]:
    """Compact a table: `{rewritten_data_files_count, added_data_files_count, rewritten_bytes_count, ...}`.

    Errors: as `Spark.call`; `invalid-argument` for a strategy that Iceberg does not know.
    """
    return _configured().call(procedures.rewrite_data_files(job), job["tag"])


@translated
def rewrite_position_deletes(job: procedures.Table) -> dict[str, int]:
    """Compact position deletes and drop dangling ones: `{rewritten_delete_files_count, ...}`.

    Errors: as `Spark.call`.
    """
    return _configured().call(procedures.rewrite_position_deletes(job), job["tag"])


@translated
def rewrite_manifests(job: procedures.Table) -> dict[str, int]:
    """Rewrite manifests: `{rewritten_manifests_count, added_manifests_count}`. It has no options.

    Errors: as `Spark.call`.
    """
    return _configured().call(procedures.rewrite_manifests(job), job["tag"])


@translated
def interrupt(tag: str) -> bool:
    """Cancel the call with this tag; `False` where none runs. Errors: `spark-unavailable`."""
    return _spark is not None and _spark.interrupt(tag)


def progress(tag: str) -> Progress:
    """Tell how far the call with this tag is."""
    return _spark.progress(tag) if _spark is not None else {"done": 0, "total": 0, "bytes_read": 0}


@translated
def sql(statement: str) -> list[dict[str, Any]]:
    """Run any statement and give its rows, for tests and diagnosis. Errors: as `Spark.call`."""
    return _configured().sql(statement)


def stop() -> None:
    """End our own Spark server and everything that it started."""
    if _spark is not None:
        _spark.stop()
