"""Plugins are replaced while the server works: the next answer is the new one's, and no request fails."""

from __future__ import annotations

import itertools
import json
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from component import digest, drop_in, other_build
from harness import PLUGINS, Answer, loaded, until
from sick_tables import Sick, make

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness import Api, Home, Server

SWAPS = 10
RULE, OPERATION = "small-files", "compact"


@pytest.fixture(scope="module")
def table(home: Home) -> str:
    """Make a table with many small files."""
    make(home.lake, "swap.small", Sick(files=60, partitions=2, snapshots=3))
    return "swap.small"


@pytest.fixture(scope="module")
def folder(home: Home) -> Path:
    """Give the folder of the plugins."""
    return home.folder / "plugins"


def built(name: str) -> bytes:
    """Give a plugin as it was built."""
    return (PLUGINS / f"{name}.wasm").read_bytes()


def set_plugins(api: Api, **plugins: Any) -> Any:
    """Replace the settings of the plugins; give the settings as they are then."""
    etag = api.get("/api/config").headers["etag"]
    return api.ask("PUT", "/api/config", {"plugins": plugins}, {"If-Match": etag}).ok()


def finding(report: Any) -> Any:
    """Give the finding of the rule that is replaced."""
    return next(one for one in report["findings"] if one["rule"]["id"] == RULE)


def judged_by(version: str, api: Api, table: str, folder: Path) -> bytes:
    """Put a build of that version there, and have it called once at least; give it."""
    component = other_build(built(RULE), version=version)
    drop_in(folder, f"{RULE}.wasm", component)
    until(f"a report by {version}", lambda: finding(api.table(table, "health").ok())["rule"]["version"] == version)
    return component


def plugin(api: Api, name: str) -> Any:
    """Give what is told of a plugin."""
    return next(one for one in api.get("/api/plugins").ok()["items"] if one["id"] == name)


@dataclass
class Load:
    """Requests in a loop, as one user's page sends them, until it is stopped."""

    one: Callable[[int], Answer]
    stop: threading.Event
    answers: list[Answer] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def run(self) -> None:
        """Send one after the other."""
        for number in itertools.count():
            if self.stop.is_set():
                return
            try:
                answer = self.one(number)
            except Exception as error:  # noqa: BLE001 (whatever it is, the request failed)
                self.failures.append(repr(error))
                return
            self.answers.append(answer)
            if answer.status not in (200, 202):
                self.failures.append(f"{answer.status} {answer.text}")


def test_a_plugin_is_replaced_ten_times_under_load_and_no_request_fails(
    api: Api, home: Home, table: str, folder: Path
) -> None:
    usual = finding(api.table(table, "health").ok())
    stop = threading.Event()
    wait = {"Prefer": "wait=30"}

    def change(number: int) -> Answer:
        name = f"c{number}"
        api.post("/api/evolve/add-column", {"table": table, "path": name, "type": "int"}, wait).ok()
        return api.post("/api/evolve/drop-column", {"table": table, "path": name}, wait)

    reports = Load(lambda _: api.table(table, "health"), stop)
    plans = Load(lambda _: api.post("/api/compact", {"table": table, "dry_run": True}), stop)
    changes = Load(change, stop)
    threads = [threading.Thread(target=load.run) for load in (reports, plans, changes)]
    for thread in threads:
        thread.start()
    builds = {"0.1.0": built(RULE)}
    try:
        until("the load runs", lambda: all(load.answers or load.failures for load in (reports, plans, changes)))
        for swap in range(1, SWAPS + 1):
            version = f"0.1.{swap}"
            # Every other build counts half as much, so that the report tells the builds apart by what they do.
            builds[version] = other_build(
                built(RULE), version=version, config={"weight": 20} if swap % 2 else {"weight": 40}
            )
            drop_in(folder, f"{OPERATION}.wasm", other_build(built(OPERATION), version=version))
            drop_in(folder, f"{RULE}.wasm", builds[version])
            until(
                f"a report by {version}",
                lambda: reports.failures or finding(reports.answers[-1].body)["rule"]["version"] == version,  # noqa: B023
            )
            until(
                f"a plan by {version}",
                lambda: plans.failures or plans.answers[-1].body["plan"]["plugin"]["version"] == version,  # noqa: B023
            )
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)
    assert reports.failures + plans.failures + changes.failures == []
    for answer in reports.answers:
        found = finding(answer.body)
        swap = int(found["rule"]["version"].rsplit(".", 1)[1])
        assert found["rule"]["digest"] == digest(builds[found["rule"]["version"]])
        assert found["penalty"] == (usual["penalty"] // 2 if swap % 2 else usual["penalty"]), "the build's own"
        assert answer.body["failed_rules"] == []
    versions = [finding(answer.body)["rule"]["version"] for answer in reports.answers]
    assert [version for version, _ in itertools.groupby(versions)] == list(builds), "each in its turn, none twice"
    jobs = [answer.body["job"]["state"] for answer in changes.answers]
    assert set(jobs) == {"succeeded"}
    assert {one.name for one in home.table(table).schema().fields} == {"id", "region", "value"}
    assert len(reports.answers) > 3 * SWAPS


@pytest.mark.parametrize(
    ("content", "code"),
    [
        pytest.param(lambda: built(RULE)[:60_000], "truncated", id="truncated"),
        pytest.param(lambda: b"\0asm\1\0\0\0", "core-module", id="core module"),
        pytest.param(lambda: b"[plugin]\nid = 'small-files'\n", "not-wasm", id="text"),
        pytest.param(lambda: b"", "empty", id="empty"),
        pytest.param(lambda: other_build(built(RULE), id="other"), "id-mismatch", id="other id"),
        pytest.param(lambda: other_build(built(RULE), wat=1), "bad-manifest", id="unknown key"),
        pytest.param(lambda: other_build(built(RULE), config={"weight": 900}), "config", id="bad values"),
    ],
)
def test_a_file_that_is_no_such_plugin_is_refused_with_the_reason_and_the_old_one_serves(
    api: Api, table: str, folder: Path, content: Callable[[], bytes], code: str
) -> None:
    drop_in(folder, f"{RULE}.wasm", built(RULE))
    until("the usual build serves", lambda: _serves(api, built(RULE)))
    drop_in(folder, f"{RULE}.wasm", content())
    refused = until("the file is refused", lambda: one if (one := plugin(api, RULE))["error"] else None)
    assert refused["error_code"] == code, refused["error"]
    assert refused["state"] == "active"
    assert refused["digest"] == digest(built(RULE))
    assert "0.1.0" in refused["error"], "it says which one serves"
    assert finding(api.table(table, "health").ok())["rule"]["digest"] == digest(built(RULE))


def _serves(api: Api, component: bytes) -> bool:
    told = plugin(api, RULE)
    return told["error"] is None and told["digest"] == digest(component)


def test_an_operation_whose_file_is_removed_is_not_offered_until_it_is_back(api: Api, table: str, folder: Path) -> None:
    body = {"table": table, "path": "value"}
    name = "drop-column.wasm"
    (folder / name).unlink()

    def gone() -> bool:
        return "drop-column" not in {one["id"] for one in api.get("/api/operations").ok()["items"]}

    until("it is retired", gone)
    api.post("/api/evolve/drop-column", body | {"dry_run": True}).problem(404, "operation-not-loaded")
    drop_in(folder, name, (PLUGINS / name).read_bytes())
    until("it is back", lambda: not gone())
    api.post("/api/evolve/drop-column", body | {"dry_run": True}).ok()


def test_a_swap_is_told_to_those_who_listen(api: Api, folder: Path) -> None:
    component = other_build(built("manifests"), version="0.9.9")
    drop_in(folder, "manifests.wasm", component)

    def states() -> list[str]:
        return [one["state"] for one in plugin(api, "manifests")["history"] if one["digest"] == digest(component)]

    until("it serves", lambda: "active" in states())
    told = plugin(api, "manifests")
    assert (told["version"], told["digest"]) == ("0.9.9", digest(component))
    assert states()[:2] == ["seen", "staged"]


def test_a_setting_that_is_taken_out_holds_no_longer(api: Api, table: str, folder: Path) -> None:
    def found() -> bool:
        return any(one["rule"]["id"] == RULE for one in api.table(table, "health").ok()["findings"])

    assert found()
    set_plugins(api, **{RULE: {"config": {"min_input_files": 1000}}})
    assert not found(), "so few files are not many any more"
    set_plugins(api)
    assert found()
    set_plugins(api, **{RULE: {"config": {"min_input_files": 1000}}})
    (folder / f"{RULE}.wasm").unlink()
    until("it is retired", lambda: RULE not in loaded(api))
    set_plugins(api)
    drop_in(folder, f"{RULE}.wasm", built(RULE))
    until("it is back, with its own values", found)


def test_where_one_rule_changes_it_alone_is_asked_again(api: Api, table: str, folder: Path) -> None:
    def calls() -> dict[str, int]:
        items = api.get("/api/plugins").ok()["items"]
        return {one["id"]: one["calls"] for one in items if "health-rule" in one["kinds"] and one["id"] != RULE}

    def said(report: Any) -> list[Any]:
        return [one for one in report["findings"] if one["rule"]["id"] != RULE]

    before = api.table(table, "health").ok()
    asked = calls()
    try:
        judged_by("0.7.0", api, table, folder)
        report = api.table(table, "health").ok()
        assert calls() == asked, "others were asked again"
        assert said(report) == said(before)
        assert report["facts"] == before["facts"], "what was gathered for the others is there still"
        assert report["as_of"] == before["as_of"], "it is no newer than the oldest that it says"
        api.run("set-properties", table, properties={"moved": "once"})
        report = api.table(table, "health").ok()
        assert report["as_of"] > before["as_of"]
        assert all(count > asked[rule] for rule, count in calls().items()), "the table has moved: all are asked"
    finally:
        drop_in(folder, f"{RULE}.wasm", built(RULE))
        until("the first serves", lambda: plugin(api, RULE)["version"] == "0.1.0")


def test_figures_are_of_each_version_and_go_on_where_it_comes_back(api: Api, table: str, folder: Path) -> None:
    def counted() -> dict[str, Any]:
        shown = api.get(f"/api/plugins/{RULE}").ok()
        serving = {key: shown[key] for key in ("calls", "p50_us", "instantiate_p50_us", "wait_p99_us", "memory_peak")}
        of = {one["version"]: one for one in shown["figures"]}
        assert serving == {key: of[shown["version"]][key] for key in serving}
        return of

    try:
        first = judged_by("0.2.0", api, table, folder)
        of_first = counted()["0.2.0"]
        assert of_first["calls"] >= 1
        assert 0 <= of_first["instantiate_p50_us"] <= of_first["p99_us"]
        assert of_first["wait_p50_us"] is not None
        assert of_first["memory_peak"] > 0
        judged_by("0.3.0", api, table, folder)
        both = counted()
        assert both["0.3.0"]["calls"] >= 1
        assert both["0.2.0"]["calls"] >= of_first["calls"]
        judged_by("0.2.0", api, table, folder)
        assert counted()["0.2.0"]["calls"] > of_first["calls"], "it goes on where it was"
        page = api.get("/metrics").text
        for metric in ("calls_total", "call_duration_seconds_count", "instantiate_duration_seconds_sum"):
            for version in ("0.2.0", "0.3.0"):
                assert f'drls_plugin_{metric}{{plugin="{RULE}",version="{version}",digest="' in page
        buckets = [
            line.rsplit(" ", 1)
            for line in page.splitlines()
            if line.startswith("drls_plugin_call_duration_seconds_bucket") and f'"{digest(first)[:12]}"' in line
        ]
        assert 'le="+Inf"' in buckets[-1][0]
        calls = counted()["0.2.0"]["calls"]
        assert [int(count) for _, count in buckets] == sorted(int(count) for _, count in buckets)
        assert 0 < int(buckets[-1][1]) <= calls
    finally:
        drop_in(folder, f"{RULE}.wasm", built(RULE))
        until("the first serves", lambda: plugin(api, RULE)["version"] == "0.1.0")


def test_a_value_that_does_not_fit_is_told_and_takes_no_rule_away(
    api: Api, home: Home, server: Server, token: str, table: str, folder: Path
) -> None:
    drop_in(folder, f"{RULE}.wasm", built(RULE))
    until("nothing is refused any more", lambda: plugin(api, RULE)["error"] is None)
    file = home.folder / "config.json"
    file.write_text(json.dumps({"plugins": {RULE: {"config": {"min_inptu_files": 1000}}}}))
    api.get("/api/config").ok()
    told = plugin(api, RULE)
    assert (told["state"], told["error_code"]) == ("active", "config")
    assert "min_inptu_files" in told["error"]
    assert api.get("/api/health").ok()["parts"]["plugins"]["state"] == "degraded"
    server.stop()
    doctor = home.drls("doctor")
    assert doctor.returncode == 1
    assert f"plugins.{RULE}.config" in doctor.stdout
    server.start()
    again = server.api(token)
    assert finding(again.table(table, "health").ok())
    assert plugin(again, RULE)["error_code"] == "config"
    file.write_text("{}")
    again.get("/api/config").ok()
    assert plugin(again, RULE)["error"] is None
