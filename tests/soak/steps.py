"""The kinds of steps, how often each comes, and what a run must have done to count as one."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from operations import Outcome, cancel, keep, run, run_beside_writers, run_kept, undo
from orders import HEAVY, LIGHT
from writers import (
    append,
    delete,
    delete_positions,
    overwrite,
    spark_delete,
    spark_insert,
    spark_merge,
    spark_rewrite,
    take,
)

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Mapping
    from random import Random

    from subject import Order, Subject

    Step = Callable[[Subject, Random], Outcome | None]

OLD = 3 * 86_400
"""Seconds by which files are made to look old: younger ones are never orphans."""


def _outside(how: Callable[[Subject, Random], object]) -> Step:
    def step(subject: Subject, rng: Random) -> Outcome:
        return Outcome(take(subject, how(subject, rng)))  # type: ignore[arg-type]

    return step


def _ordered(how: Callable[[Subject, Order, Random], Outcome], orders: Mapping[str, object], name: str = "") -> Step:
    def step(subject: Subject, rng: Random) -> Outcome | None:
        order = orders[name or rng.choice(sorted(orders))](subject, rng)  # type: ignore[operator]
        if order is None:
            return None
        outcome = how(subject, order, rng)
        told = f"{order.operation} {order.arguments}"
        return Outcome(outcome.word, f"{told} {outcome.more}".rstrip())

    return step


def _tag(subject: Subject, rng: Random) -> Outcome | None:
    """A tag or branch made by PyIceberg on some snapshot, or one taken away."""
    known = [name for name in subject.model.refs if name != "main"]
    table = subject.table()
    if len(known) > rng.choice((1, 2, 3)):
        name = rng.choice(known)
        ref = subject.model.refs[name]
        manage = table.manage_snapshots()
        (manage.remove_tag(name) if ref.kind == "tag" else manage.remove_branch(name)).commit()
        subject.model = subject.model.without_ref(name)
        return Outcome("removed", name)
    ancestors = subject.model.ancestors(subject.model.head)
    if not ancestors:
        return None
    snapshot, name = rng.choice(ancestors), f"ref{rng.randrange(10_000)}"
    kind = rng.choice(("tag", "branch"))
    manage = table.manage_snapshots()
    (manage.create_tag if kind == "tag" else manage.create_branch)(snapshot, name).commit()
    subject.model = subject.model.with_ref(name, kind, snapshot)
    return Outcome("made", f"{kind} {name}")


def _orphans_among_old_files(subject: Subject, rng: Random) -> Outcome:
    """Every file of the table looks old, one that nothing names among them: only that one may go."""
    folder = subject.home.folder / "warehouse" / subject.name.replace(".", "/")
    stray = folder / "data" / f"stray-{rng.randrange(10_000)}.parquet"
    stray.parent.mkdir(parents=True, exist_ok=True)
    stray.write_bytes(b"stray")
    past = time.time() - OLD
    for file in folder.rglob("*"):
        os.utime(file, (past, past))
    outcome = run(subject, LIGHT["remove-orphans"](subject, rng), rng)  # type: ignore[arg-type]
    assert not stray.exists(), "an old file that nothing names was left"
    return outcome


def _without_java(subject: Subject, order: Order, rng: Random) -> Outcome:
    """A rewrite where there is no Java: it fails in words, where it has anything to do."""
    location, tolerated = subject.table().metadata_location, subject.tolerated
    subject.tolerated = ("java-not-found",)
    outcome = run(subject, order, rng)
    subject.tolerated = tolerated
    assert subject.table().metadata_location == location
    assert outcome.word == "failed" or not subject.done[-1].job["steps"], "it succeeded without Java"
    return outcome


def _refused(subject: Subject, rng: Random) -> Outcome | None:
    """What commits without Spark is not planned, and says why."""
    order = LIGHT[rng.choice([name for name in LIGHT if name != "remove-orphans"])](subject, rng)
    if order is None:
        return None
    location = subject.table().metadata_location
    body = {"table": subject.name, "arguments": order.arguments, "dry_run": True}
    answer = subject.api.post(f"/api/operations/{order.operation}", body)
    if answer.status == 200:  # noqa: PLR2004
        assert answer.body["plan"]["steps"] == [], "a plan that can't be carried out"
        return Outcome("nothing", f"{order.operation} {order.arguments}")
    assert "format version 3" in answer.problem(422, "invalid-request")["detail"]
    assert subject.table().metadata_location == location
    return Outcome("refused", f"{order.operation} {order.arguments}")


def _run_and_hold_lineage(subject: Subject, order: Order, rng: Random) -> Outcome:
    """A rewrite, after which every row has the id of its own that it had."""
    before = subject.lineage()
    outcome = run(subject, order, rng)
    assert subject.lineage() == before, "a rewrite gave rows other ids"
    return outcome


def kinds(*, with_spark: bool, by_pyiceberg: bool = True) -> dict[str, tuple[int, Step]]:
    """Steps by name, each with its weight, on a table that PyIceberg writes or that Spark alone does."""
    light = {f"run {name}": (4, _ordered(run, LIGHT, name)) for name in LIGHT if name != "remove-orphans"}
    common: dict[str, tuple[int, Step]] = {
        "append": (22, _outside(append)),
        "overwrite": (6, _outside(overwrite)),
        "delete": (6, _outside(delete)),
        "delete positions": (8, _outside(delete_positions)),
        "tag or branch": (4, _tag),
        **light,
        "run remove-orphans": (2, _orphans_among_old_files),
        "cancel": (4, _ordered(cancel, LIGHT)),
        "keep a plan": (8, _ordered(lambda subject, order, _: keep(subject, order), LIGHT)),
        "run a kept plan": (10, run_kept),
        "undo": (12, undo),
    }
    if not with_spark:
        return {**common, "rewrite without Java": (3, _ordered(_without_java, HEAVY))}
    if not by_pyiceberg:
        # The rest commits without Spark: each is refused.
        both = ("run remove-orphans", "run a kept plan", "undo")
        common = {kind: common[kind] for kind in both} | {"ask for what Spark alone can": (6, _refused)}
    return {
        **common,
        "run compact": (12, _ordered(run if by_pyiceberg else _run_and_hold_lineage, HEAVY, "compact")),
        "run rewrite-manifests": (4, _ordered(run, HEAVY, "rewrite-manifests")),
        "rewrite beside writers": (6, _ordered(run_beside_writers, HEAVY)),
        "cancel a rewrite": (5, _ordered(cancel, HEAVY)),
        "keep a plan of a rewrite": (5, _ordered(lambda subject, order, _: keep(subject, order), HEAVY)),
        "insert by Spark": (4, _outside(spark_insert)),
        "delete by Spark": (6, _outside(spark_delete)),
        "merge by Spark": (5, _outside(spark_merge)),
        "rewrite by another Spark": (2, _outside(spark_rewrite)),
    }


def not_done(counts: Counter[tuple[str, str]], *, with_spark: bool, kills: bool, least: int) -> list[str]:
    """What a run lacks to have tested anything: each kind must have come to a real end at least so often."""
    wanted = {
        "append": "done", "overwrite": "done", "delete": "done", "delete positions": "done",
        "undo": "succeeded", "run a kept plan": "plan-stale", "tag or branch": "made", "cancel": "succeeded",
        **{f"run {name}": "succeeded" for name in LIGHT},
    }  # fmt: skip
    if with_spark:
        wanted |= {
            "run compact": "succeeded", "run rewrite-manifests": "succeeded", "rewrite beside writers": "succeeded",
            "merge by Spark": "done", "delete by Spark": "done", "insert by Spark": "done",
            "ask for what Spark alone can": "refused", "deletion vectors": "seen",
            "run compact on v3 by region": "succeeded", "delete by Spark on v3 by region": "done",
        }  # fmt: skip
    lacking = [
        f"{kind}: {word} {counts[kind, word]} times, at least {least} wanted"
        for kind, word in wanted.items()
        if counts[kind, word] < least
    ]
    if kills and not counts["kill", "survived"]:
        lacking.append("no kill was survived")
    return lacking
