"""Facts of real tables for authors: what is recorded is what the server judges by."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
from harness import PLUGINS, Home

if TYPE_CHECKING:
    from pathlib import Path

    from harness import Api

GROUPS = {"manifest-list": "manifests", "manifests": "files", "reachability": "reachability", "orphans": "orphans"}
"""Groups of facts that may be left out, and the key of each."""


@pytest.fixture(scope="module")
def lake(api: Api, home: Home) -> Home:
    """Give a home with the sample lakehouse, on which a server runs."""
    assert api.get("/api/health").status == 200
    done = home.drls("demo")
    assert done.returncode == 0, done.stderr
    return home


def recorded(home: Home, table: str, file: Path, *more: str, groups: set[str] | None = None) -> Any:
    """Record the facts of a table; give them. Says that it recorded these groups, or all."""
    done = home.drls("plugin", "facts", table, "-o", str(file), *more)
    assert done.returncode == 0, done.stderr
    said, names, *_ = done.stdout.split(", ")
    assert said == f"recorded: {table}"
    assert set(names.split()) == (GROUPS.keys() | {"metadata"} if groups is None else groups)
    return json.loads(file.read_text())


def by_rule(report: Any) -> dict[str, list[Any]]:
    """Give the findings of a report by the rule that made them."""
    found: dict[str, list[Any]] = {}
    for finding in report["findings"]:
        rule = finding["rule"]["id"]
        found.setdefault(rule, []).append({key: value for key, value in finding.items() if key != "rule"})
    return found


def rules(api: Api) -> list[str]:
    """Give the ids of the rules."""
    return [one["id"] for one in api.get("/api/plugins").ok()["items"] if "health-rule" in one["kinds"]]


@pytest.mark.parametrize("table", ["flights.flights", "flights.weather", "flights.daily_delays", "flights.airlines"])
def test_every_rule_finds_in_recorded_facts_what_the_report_says(
    table: str, lake: Home, api: Api, tmp_path: Path
) -> None:
    report = api.table(table, "health").ok()
    facts = recorded(lake, table, tmp_path / "facts.json")
    # Rules look at the age of things: at the same moment they must say the same.
    facts["as_of"] = round(datetime.fromisoformat(report["as_of"].replace("Z", "+00:00")).timestamp() * 1000)
    (tmp_path / "facts.json").write_text(json.dumps(facts))
    found = by_rule(report)
    for rule in rules(api):
        cases = tmp_path / rule
        cases.mkdir()
        case = {"facts_file": "../facts.json", "expect": {"findings": found.get(rule, [])}}
        (cases / "report.json").write_text(json.dumps(case))
        tested = lake.drls("plugin", "test", str(PLUGINS / f"{rule}.wasm"), "--cases", str(cases))
        assert tested.returncode == 0, tested.stdout + tested.stderr
        assert "case report ... ok" in tested.stdout


def test_records_every_group_or_those_that_a_plugin_reads(lake: Home, api: Api, tmp_path: Path) -> None:
    whole = recorded(lake, "flights.weather", tmp_path / "whole.json")
    assert [key for key in GROUPS.values() if whole[key] is None] == []
    for one in api.get("/api/plugins").ok()["items"]:
        file = PLUGINS / f"{one['id']}.wasm"
        needs = set(one["needs"])
        facts = recorded(lake, "flights.weather", tmp_path / "part.json", "--needs", str(file), groups=needs)
        there = {group for group, key in GROUPS.items() if facts[key] is not None}
        assert there == needs - {"metadata"}, one["id"]
        assert all(facts[GROUPS[group]] == whole[GROUPS[group]] for group in there - {"orphans"}), one["id"]


def test_facts_go_to_standard_output_without_a_file(lake: Home) -> None:
    done = lake.drls("plugin", "facts", "flights.airlines")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["id"] == {"catalog": "drls", "namespace": ["flights"], "name": "airlines"}


def test_a_plugin_is_tried_on_a_real_table(lake: Home, api: Api) -> None:
    def tried(plugin: str, table: str, *more: str) -> tuple[int, Any]:
        done = lake.drls("plugin", "test", str(PLUGINS / f"{plugin}.wasm"), "--table", table, *more)
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout)

    found = by_rule(api.table("flights.weather", "health").ok())["delete-files"]
    assert tried("delete-files", "flights.weather") == (0, {"findings": found})
    status, answer = tried("compact", "flights.flights")
    planned = api.plan("compact", "flights.flights")
    assert (status, answer["plan"]["steps"]) == (0, planned["steps"])
    status, answer = tried("drop-column", "flights.flights", "--arguments", '{"path": "no_such"}')
    assert (status, list(answer)) == (1, ["error"])


def test_says_what_is_missing(lake: Home, tmp_path: Path) -> None:
    def refused(home: Home, *words: str) -> str:
        done = home.drls("plugin", *words)
        assert (done.returncode, done.stdout) == (1, ""), done.stdout + done.stderr
        return done.stderr

    words = refused(lake, "facts", "flights.flihgts")
    assert words.startswith("error: there is no table flights.flihgts in catalog drls\n  fix: name one of flights.air")
    assert "names no namespace" in refused(lake, "facts", "flights")
    assert "wrap the part in back-ticks" in refused(lake, "facts", "flights.a b")
    assert "there is no catalog `none`; the configuration has: drls" in refused(
        lake, "facts", "flights.flights", "--catalog", "none"
    )
    nowhere = Home(tmp_path / "hoem")
    assert "there is no DRLS home at" in refused(nowhere, "facts", "flights.flights")
    assert not nowhere.folder.exists()
    empty = Home(tmp_path / "empty")
    assert empty.drls("migrate").returncode == 0
    words = refused(empty, "test", str(PLUGINS / "small-files.wasm"), "--table", "flights.flights")
    assert "has no tables yet\n  fix: `drls demo`" in words
    assert not (empty.folder / "catalog.db").exists()


def test_a_plugin_that_is_none_is_named(lake: Home, tmp_path: Path) -> None:
    (tmp_path / "none.wasm").write_bytes(b"not this")
    done = lake.drls("plugin", "facts", "flights.flights", "--needs", str(tmp_path / "none.wasm"))
    assert done.returncode == 1
    assert "none.wasm: not a WebAssembly binary" in done.stderr
