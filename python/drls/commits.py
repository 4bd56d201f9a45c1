"""Commits of metadata-only changes: written against the table as it is, tried again where another writer was first."""

from __future__ import annotations

import logging
import random
import time
from typing import TYPE_CHECKING, TypedDict

from pyiceberg.exceptions import CommitFailedException

from drls import catalog as catalogs
from drls.errors import DrlsError, invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pyiceberg.table import Table

    from drls.catalog import Catalog

log = logging.getLogger(__name__)

_TRIES = 12
_FIRST_WAIT, _LONGEST_WAIT = 0.05, 1.0
"""Seconds; with these a dozen writers on one table lost no commit (a longest wait of a minute backs off for ever)."""
_WRITABLE = (1, 2)
"""Format versions whose metadata PyIceberg 0.12 writes: https://github.com/apache/iceberg-python/issues/1551."""


class Committed(TypedDict):
    """What a metadata-only change did: where the table's metadata is now and was before (equal: nothing to do).

    `snapshot_id` and `schema_id` are the current ones after it, `previous_schema_id` the one that it was made on. The
    snapshot's is text: what a job says of its steps is read by JavaScript, which rounds 64-bit numbers.
    """

    metadata_location: str
    previous_metadata_location: str
    snapshot_id: str | None
    schema_id: int
    previous_schema_id: int


def commit(
    catalog: Catalog, namespace: Sequence[str], name: str, job_id: str, change: Callable[[Table], Table | None]
) -> Committed:
    """Load the table, let `change` check and commit, and do both again where another writer committed in between.

    `change` gives the table that it committed, or `None` where there is nothing to do. It makes no snapshot, so the
    job's id goes into the log only: after a crash the caller compares states.
    Errors: `commit-conflict` after a dozen tries and where another table took the name, `invalid-argument` for a format
    version that can't be written, and what `change` raises.
    """
    wait, identity = _FIRST_WAIT, None
    for left in reversed(range(_TRIES)):
        table = catalogs.load(catalog, namespace, name)
        if identity not in (None, table.metadata.table_uuid):
            raise DrlsError("commit-conflict", "The table was dropped meanwhile, and another has its name. Plan again.")
        identity = table.metadata.table_uuid
        before, schema_before = table.metadata_location, table.metadata.current_schema_id
        require_writable(table)
        try:
            after = change(table)
        except CommitFailedException:
            if not left:
                raise
            time.sleep(wait * random.uniform(0.5, 1.5))  # noqa: S311 (spreads writers, guards nothing)
            wait = min(wait * 2, _LONGEST_WAIT)
            continue
        after = table if after is None else after
        current = after.metadata.current_snapshot_id
        log.info("job %s: %s.%s is now at %s", job_id, ".".join(namespace), name, after.metadata_location)
        return {
            "metadata_location": after.metadata_location,
            "previous_metadata_location": before,
            "snapshot_id": None if current is None else str(current),
            "schema_id": after.metadata.current_schema_id,
            "previous_schema_id": schema_before,
        }
    raise AssertionError("the last try raises")


def require_writable(table: Table) -> None:
    """Refuse a table whose metadata can't be written here, before anything is done to it."""
    version = table.metadata.format_version
    if version not in _WRITABLE:
        raise invalid(
            "/table",
            f"has format version {version}, and only the metadata of versions 1 and 2 can be changed without Spark. "
            "Change this table by Spark SQL",
        )
