"""Carries orders out through the HTTP interface, in every way that there is, and holds each answer to the model."""

from __future__ import annotations

import re
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from checks import promise_kept, truthful, unchanged, words_fit
from lake import absorbed
from subject import Done, Kept, Order, Pending
from writers import write_beside

if TYPE_CHECKING:
    from random import Random

    from harness import Answer
    from model import Model
    from pyiceberg.table import Table
    from subject import Subject

LOST_RACE = ("commit-conflict", "commit-failed", "partly-failed")
"""Codes of a rewrite that another writer was faster than."""


class Outcome(NamedTuple):
    """What became of a step: a word that is counted, and more for a reader."""

    word: str
    more: str = ""


def expected(order: Order, subject: Subject, effects: dict[int, Any] | None = None) -> Model:
    """The model after an order was carried out, on the table as it is now."""
    if order.makes is not None:
        return order.makes(subject.model)
    return absorbed(subject.model, subject.table(), effects, rewritten=True)


def ask(subject: Subject, order: Order, plan: str | None = None) -> Answer:
    """Send an order, remembered as long as there is no answer."""
    _remember(subject, order)
    body = {"table": subject.name, "arguments": order.arguments} | ({"plan": plan} if plan else {})
    return subject.api.post(f"/api/operations/{order.operation}", body)


def _remember(subject: Subject, order: Order) -> None:
    old = frozenset(one["id"] for one in subject.jobs())
    subject.pending = Pending(order, subject.model, subject.table().metadata_location, old, {})


def plan(subject: Subject, order: Order) -> Kept:
    """Plan an order, which changes nothing."""
    table = subject.table()
    made = subject.api.plan(order.operation, subject.name, **order.arguments)
    assert made["metadata_location"] == table.metadata_location, "a plan on another state"
    assert subject.table().metadata_location == table.metadata_location, "a dry run changed the table"
    head, schema = table.metadata.current_snapshot_id, table.metadata.current_schema_id
    return Kept(order, made, table.metadata_location, head, schema)


def settle(subject: Subject, job: Any, allowed: tuple[str, ...] = ()) -> Outcome:
    """Take the end of a job into the model: it was carried out, or it was not, and it says which.

    Beside what the whole burst may end with, it may fail with the codes that are `allowed`.
    """
    assert subject.pending is not None
    order, before, was, _, effects = subject.pending
    subject.pending = None
    table = subject.table()
    moved = table.metadata_location != was
    truthful(job, table, alone=not effects)
    if not effects:
        words_fit(job, moved=moved)
    if job["state"] == "succeeded" or moved:
        subject.model = expected(order, subject, effects)
    subject.done.append(Done(job, before, subject.model, table.metadata_location, alone=not effects))
    if job["state"] != "succeeded":
        assert job["error"]["code"] in (*allowed, *subject.tolerated), f"{order}: {job['error']}"
        return Outcome(job["state"], f"{job['error']['code']}{', in part' if moved else ''}")
    planned_on_this = job["plan"] is not None and job["plan"]["metadata_location"] == was
    missed = promise_kept(order.operation, job) if planned_on_this and not effects else []
    return Outcome("succeeded, promise missed" if missed else "succeeded", "; ".join(missed))


def run(subject: Subject, order: Order, rng: Random) -> Outcome:
    """Carry an order out at once, or by way of its plan."""
    made = plan(subject, order) if rng.random() < 0.5 else None  # noqa: PLR2004
    job = subject.api.ended(ask(subject, order, made.plan["id"] if made else None).ok()["job"])
    return settle(subject, job)


def cancel(subject: Subject, order: Order, rng: Random) -> Outcome:
    """Begin an order and cancel it at some moment."""
    job = ask(subject, order).ok()["job"]
    time.sleep(rng.choice((0, 0.005, 0.02, 0.05, 0.3)))
    answer = subject.api.post(f"/api/jobs/{job['id']}/cancel")
    if answer.status not in (200, 202):
        answer.problem(409, "job-ended")
    ended = subject.api.ended(job)
    return settle(subject, ended, ("cancelled",))


def run_beside_writers(subject: Subject, order: Order, rng: Random) -> Outcome:
    """Carry a rewrite out while PyIceberg writes to the same table."""
    faults: list[BaseException] = []
    over = threading.Event()

    def write() -> None:
        try:
            write_beside(subject, rng, effects, over.is_set)
        except BaseException as error:  # noqa: BLE001 (raised again below)
            faults.append(error)

    job = ask(subject, order).ok()["job"]
    assert subject.pending is not None
    effects = subject.pending.effects
    writer = threading.Thread(target=write)
    writer.start()
    try:
        ended = subject.api.ended(job)
    finally:
        over.set()
        writer.join()
    if faults:
        raise faults[0]
    return settle(subject, ended, LOST_RACE)


def keep(subject: Subject, order: Order) -> Outcome:
    """Plan an order and leave it for later."""
    subject.kept = [*subject.kept, plan(subject, order)][-6:]
    return Outcome("planned", f"{order.operation} {order.arguments}")


def run_kept(subject: Subject, rng: Random) -> Outcome | None:
    """Run a plan that was made before: refused as stale where the table moved against it, and nowhere else."""
    if not subject.kept:
        return None
    kept = subject.kept.pop(rng.randrange(len(subject.kept)))
    why, before, location = broken(kept, subject), subject.model, subject.table().metadata_location
    answer = ask(subject, kept.order, kept.plan["id"])
    if why:
        answer.problem(409, "plan-stale")
        subject.pending = None
        unchanged(before, subject, location)
        return Outcome("plan-stale", f"{kept.order.operation}: {why}")
    outcome = settle(subject, subject.api.ended(answer.ok()["job"]))
    return Outcome(outcome.word, f"{kept.order.operation} {kept.order.arguments} {outcome.more}")


def broken(kept: Kept, subject: Subject) -> str:
    """Why a plan can't hold on the table as it is now, from the table alone; nothing where it can."""
    table = subject.table()
    if table.metadata_location == kept.location:
        return ""
    reasons = [_broken(step, kept, subject.model, table) for step in kept.plan["steps"]]
    return next((reason for reason in reasons if reason), "")


def _broken(step: Any, kept: Kept, model: Model, table: Table) -> str:
    kind, ancestors = step["kind"], model.ancestors(model.head)
    if kind.startswith("rewrite"):
        return "" if _only_appended(kept, ancestors, table) else "more than appends since"
    if kind == "expire-snapshots":
        ids = {int(one) for one in step["snapshot_ids"]}
        return "a snapshot is gone or needed" if ids - model.snapshots.keys() or ids & model.pointed_to() else ""
    if kind.endswith("-column"):
        return "another schema" if table.metadata.current_schema_id != kept.schema_id else ""
    if kind == "rollback" and (model.head != kept.head or int(step["snapshot_id"]) not in ancestors):
        return "another head"
    return ""


def _only_appended(kept: Kept, ancestors: list[int], table: Table) -> bool:
    if kept.head is not None and kept.head not in ancestors:
        return False
    since = ancestors[: ancestors.index(kept.head)] if kept.head is not None else ancestors
    kinds = {one.snapshot_id: one.summary.operation.value for one in table.metadata.snapshots if one.summary}
    return all(kinds[one] == "append" for one in since)


def undo(subject: Subject, rng: Random) -> Outcome | None:
    """Undo one of the last jobs: to what was before it, or refused with the reason."""
    if not subject.done:
        return None
    done = subject.done[-1 - min(rng.choice((0, 0, 0, 1, 2, 5)), len(subject.done) - 1)]
    order = Order("undo", {"job": done.job["id"]}, lambda now: _back(now, done))
    before, location = subject.model, subject.table().metadata_location
    _remember(subject, order)
    answer = subject.api.post(f"/api/jobs/{done.job['id']}/undo")
    if answer.status == 409:  # noqa: PLR2004
        subject.pending = None
        code = answer.body["code"]
        detail = answer.problem(409, "already-undone" if done.job["id"] in subject.undone else "cannot-undo")["detail"]
        assert len(re.sub(r"^job \S+ can't be undone: ", "", detail)) > 20, detail  # noqa: PLR2004
        unchanged(before, subject, location)
        assert not _must_go_back(done, location), f"nothing happened since, and it is refused: {detail}"
        return Outcome(code, f"{done.job['operation']}: {detail}")
    job = subject.api.ended(answer.ok()["job"])
    subject.undone.add(done.job["id"])
    outcome = settle(subject, job)
    return Outcome(outcome.word, f"of {done.job['operation']} {outcome.more}")


def _back(now: Model, done: Done) -> Model:
    """The model with what a job changed as it was before it."""
    back = now
    if done.before.columns != done.after.columns:
        back = replace(back, columns=done.before.columns)
    if done.before.head != done.after.head and done.before.head is not None:
        back = back.moved(done.before.head)
    return back


def _must_go_back(done: Done, location: str) -> bool:
    """Whether an undo has no ground to be refused: its plan promised one, it did something, and nobody came after."""
    promised = done.job["undo_of"] is not None or done.job["plan"]["reversibility"] != "none"
    return promised and done.alone and done.before != done.after and done.location == location
