"""Spark's own client, held to an end: of its retries, of its sessions, and of the process that it lives in.

Importing it takes a second: it imports pyspark.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import warnings

from pyspark.sql.connect.client.retries import DefaultPolicy
from pyspark.sql.connect.session import SparkSession

# Both say again, with a JVM stack trace, what the exception says that `drls.errors` translates.
logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL)
warnings.filterwarnings("ignore", message=r"\[RETRIES_EXCEEDED\]")


class Session(SparkSession):
    """A session of a Spark Connect server that gives up soon where the server is gone. Making it sends nothing yet.

    Whoever made it ends it by `end`. The garbage collector must not: it runs in any thread, that of a call's answer
    among them, and pyspark's own end of a session waits there for a pool that all sessions share, whose calls wait for
    that same thread, and every later session with them.
    """

    def __init__(self, url: str) -> None:
        super().__init__(connection=url)
        # The client's own default tries for ten minutes.
        self.client.set_retry_policies([DefaultPolicy(max_retries=3, initial_backoff=50, max_backoff=1000)])
        # Clients stay in memory for a call at the end of the process, which then waits for servers that are long gone.
        atexit.unregister(self.client._cleanup_ml_cache)  # noqa: SLF001

    def __del__(self) -> None:
        """Do nothing; see above."""

    def end(self) -> None:
        """Close the connection. Calls that run fail, so that nobody waits for them, also where the server hangs."""
        with contextlib.suppress(Exception):
            self.client._channel.close()  # noqa: SLF001
        with contextlib.suppress(Exception):
            self.client.close()
