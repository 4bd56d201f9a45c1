"""Third parties' plugins in Python and JavaScript on a server: reports, plans and jobs of theirs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from component import drop_in
from harness import Api, Home, columns, loaded, until
from sick_tables import Sick, make

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "third-party"
STAGES = ["seen", "staged", "verified", "compiled", "linked", "self-tested", "active"]
COMPILING = 300
"""Seconds that an engine of 12 to 19 MB may take on a machine that does much else."""


@pytest.fixture(scope="module")
def drop(api: Api, home: Home) -> Callable[[str], None]:
    """Give what builds an example unless it is built, puts it into the folder and waits until it serves."""

    def dropped(name: str) -> None:
        source = EXAMPLES / name
        built = home.drls("plugin", "build", str(source))
        assert built.returncode == 0, built.stderr
        drop_in(home.folder / "plugins", f"{name}.wasm", (source / "dist" / f"{name}.wasm").read_bytes())
        until(f"{name} serves", lambda: name in loaded(api), COMPILING)

    return dropped


@pytest.fixture(scope="module")
def table(home: Home) -> str:
    """Make a table of some snapshots."""
    make(home.lake, "languages.plain", Sick(files=8, partitions=1, snapshots=8, days=1))
    return "languages.plain"


@pytest.mark.parametrize(("rule", "code"), [("unpartitioned", "unpartitioned"), ("undocumented", "undocumented")])
def test_a_rule_is_heard_in_the_report_and_each_step_of_its_life_is_timed(
    api: Api, table: str, drop: Callable[[str], None], rule: str, code: str
) -> None:
    drop(rule)
    etag = api.get("/api/config").headers["etag"]
    values = {"unpartitioned": {"config": {"most_gib": 1e-9}}, "undocumented": {"config": {"most": 0}}}
    api.ask("PUT", "/api/config", {"plugins": {rule: values[rule]}}, {"If-Match": etag}).ok()

    def heard() -> Any:
        findings = api.table(table, "health").ok()["findings"]
        return next((one for one in findings if one["rule"]["id"] == rule), None)

    assert until("it is in the report", heard)["code"] == code
    shown = api.get(f"/api/plugins/{rule}").ok()
    assert shown["calls"] >= 1
    assert 0 <= shown["instantiate_p50_us"] <= shown["p99_us"]
    steps = {one["state"]: one["took_ms"] for one in shown["history"]}
    assert [state for state in steps if state in STAGES] == STAGES
    assert all(took >= 0 for took in steps.values())
    assert steps["compiled"] > steps["linked"]


def test_an_operation_in_python_plans_runs_and_is_undone(
    api: Api, home: Home, table: str, drop: Callable[[str], None]
) -> None:
    drop("audit-columns")
    wrong = api.post("/api/operations/audit-columns", {"table": table, "arguments": {"after": "moon"}})
    assert [one["pointer"] for one in wrong.problem(422, "invalid-request")["errors"]] == ["/arguments/after"]
    before = columns(home, table)
    job = api.succeeded(api.post("/api/operations/audit-columns", {"table": table, "arguments": {}}).ok()["job"])
    assert columns(home, table) == sorted([*before, "written_at", "written_by"])
    api.undo(job)
    assert columns(home, table) == before


def test_an_operation_in_javascript_plans_and_runs(
    api: Api, home: Home, table: str, drop: Callable[[str], None]
) -> None:
    drop("thin-history")
    wrong = api.post("/api/operations/thin-history", {"table": table, "arguments": {"whole_days": -1}})
    assert [one["pointer"] for one in wrong.problem(422, "invalid-request")["errors"]] == ["/arguments/whole_days"]
    rows = home.rows(table)
    ids = {one.snapshot_id: one.timestamp_ms for one in home.table(table).snapshots()}
    body = {"table": table, "arguments": {"whole_days": 0}}
    plan = api.post("/api/operations/thin-history", body | {"dry_run": True}).ok()["plan"]
    gone = {int(one) for step in plan["steps"] for one in step["snapshot_ids"]}
    assert plan["effect"]["snapshots_removed"] == len(gone)
    assert gone < set(ids)
    job = api.succeeded(api.post("/api/operations/thin-history", body | {"plan": plan["id"]}).ok()["job"])
    assert job["result"]["snapshots_removed"] == len(gone)
    assert {one.snapshot_id for one in home.table(table).snapshots()} == set(ids) - gone
    assert home.rows(table).equals(rows)
