"""What is asked of the server: operations with arguments that fit the table, and what each has to make of it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from subject import Order
from writers import REGION, REGIONS, TYPES

if TYPE_CHECKING:
    from random import Random

    from model import Column
    from subject import Subject

FAR = "2100-01-01T00:00:00Z"
PROPERTIES = {
    "soak.note": ("a", "b", "ü"),
    "history.expire.min-snapshots-to-keep": ("1", "3"),
    "write.target-file-size-bytes": ("1048576", "536870912"),
    "write.metadata.previous-versions-max": ("5", "100"),
    "write.metadata.delete-after-commit.enabled": ("true", "false"),
    "commit.manifest-merge.enabled": ("true", "false"),
}


def compact(subject: Subject, rng: Random) -> Order:
    """A rewrite by any strategy, of all or of a part."""
    columns = subject.model.columns
    arguments: dict[str, Any] = {"strategy": rng.choice(("binpack", "binpack", "sort", "zorder"))}
    if arguments["strategy"] == "sort":
        arguments["order"] = rng.choice(("id DESC", f"{rng.choice(columns).name} ASC NULLS LAST, id"))
    if arguments["strategy"] == "zorder":
        # Iceberg interleaves only types with a fixed order of bytes, and no column that it partitions by.
        fit = [one.name for one in columns if one.type in ("long", "double", "int") and one.id != REGION]
        arguments["order"] = ", ".join(fit[:2])
    region = subject.model.column(REGION)
    if region and rng.random() < 0.3:  # noqa: PLR2004
        arguments["filter"] = rng.choice((f"{region.name} = '{rng.choice(REGIONS)}'", f"id < {subject.used // 2}"))
    options = {
        "min-input-files": rng.choice(("2", "2", "5")),
        "partial-progress.enabled": rng.choice(("true", "false")),
        "delete-file-threshold": rng.choice(("1", "2147483647")),
        "remove-dangling-deletes": rng.choice(("true", "false")),
    }
    arguments["options"] = dict(rng.sample(sorted(options.items()), 2))
    return Order("compact", arguments, None)


def rewrite_manifests(_subject: Subject, _rng: Random) -> Order:
    """Manifests into fewer."""
    return Order("rewrite-manifests", {}, None)


def expire(subject: Subject, rng: Random) -> Order:
    """Snapshots by age and number, or by name."""
    model = subject.model
    named = [one for one in model.expirable(1) if rng.random() < 0.3]  # noqa: PLR2004
    if named and rng.random() < 0.4:  # noqa: PLR2004
        arguments: dict[str, Any] = {"snapshot_ids": [str(one) for one in named]}
        gone = named
    else:
        retain = rng.choice((1, 2, 5, 12))
        arguments = {"older_than": FAR, "retain_last": retain}
        gone = model.expirable(retain)
    return Order("expire", arguments, lambda now: now.without_snapshots(gone))


def rollback(subject: Subject, rng: Random) -> Order | None:
    """Main back to an ancestor, by id or by a time at which it was current."""
    ancestors = subject.model.ancestors(subject.model.head)[1:]
    if not ancestors:
        return None
    target = ancestors[min(rng.randrange(4), len(ancestors) - 1)]
    arguments = {"snapshot_id": str(target)}
    times = {one.snapshot_id: one.timestamp_ms for one in subject.table().metadata.snapshots}
    alone = [times[one] for one in subject.model.ancestors(subject.model.head)].count(times[target]) == 1
    if alone and rng.random() < 0.3:  # noqa: PLR2004
        at = datetime.fromtimestamp(times[target] / 1000, timezone.utc)
        arguments = {"to": at.isoformat(timespec="milliseconds").replace("+00:00", "Z")}
    return Order("rollback", arguments, lambda now: now.moved(target))


def remove_orphans(_subject: Subject, rng: Random) -> Order:
    """What nothing names and is older than the default, or than two days."""
    older = datetime.now(timezone.utc) - timedelta(days=2)
    arguments = rng.choice(({}, {"older_than": older.isoformat(timespec="seconds").replace("+00:00", "Z")}))
    return Order("remove-orphans", arguments, lambda now: now)


def add_column(subject: Subject, rng: Random) -> Order:
    """A column of any type, last or behind another."""
    name, kind = f"c{subject.model.last_column + 1}", rng.choice(TYPES)
    after = rng.choice((None, rng.choice(subject.model.columns).name))
    arguments = {"path": name, "type": kind, "doc": "ein \"'Wort'\""} | ({"after": after} if after else {})
    return Order("add-column", arguments, lambda now: now.with_column(name, kind, after))


def rename_column(subject: Subject, rng: Random) -> Order:
    """Any column but the ids under another name, the one that the table is partitioned by too."""
    column = rng.choice(subject.model.columns[1:] or subject.model.columns)
    name = f"{rng.choice(('name', 'Name'))}_{column.id}_{rng.randrange(100)}"
    if name == column.name:
        name += "_too"
    arguments = {"path": column.name, "name": name}
    return Order("rename-column", arguments, lambda now: now.renamed(column.id, name))


def drop_column(subject: Subject, rng: Random) -> Order | None:
    """A column that nothing needs."""
    column = _droppable(subject, rng)
    if column is None:
        return None
    return Order("drop-column", {"path": column.name}, lambda now: now.without_column(column.id))


def _droppable(subject: Subject, rng: Random) -> Column | None:
    free = [one for one in subject.model.columns if one.id > REGION]
    return rng.choice(free) if free else None


def set_properties(_subject: Subject, rng: Random) -> Order:
    """Properties, some of which have their value already."""
    keys = rng.sample(sorted(PROPERTIES), rng.choice((1, 2)))
    properties = {key: rng.choice(PROPERTIES[key]) for key in keys}
    return Order("set-properties", {"properties": properties}, lambda now: now.with_properties(properties))


LIGHT = {
    "add-column": add_column,
    "rename-column": rename_column,
    "drop-column": drop_column,
    "set-properties": set_properties,
    "expire": expire,
    "rollback": rollback,
    "remove-orphans": remove_orphans,
}
"""Operations that run without Spark, by their id."""
HEAVY = {"compact": compact, "rewrite-manifests": rewrite_manifests}
"""Operations that run on Spark."""
