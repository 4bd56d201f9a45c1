"""Plugins that fail lose their place by themselves; admins go back, switch off and on, with and without a server."""

from __future__ import annotations

import contextlib
import http.client
import json
import sqlite3
import threading
from typing import TYPE_CHECKING, Any

import pytest
import unruly
from component import digest, drop_in, other_build
from harness import PATIENCE, PLUGINS, loaded, until
from sick_tables import Sick, make
from unruly import FINDINGS, PLAN, Core

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness import Api, Home, Server

RULE, OPERATION = "small-files", "compact"
IDLE = "set-properties"
"""An operation that no test here asks for."""


@pytest.fixture(scope="module")
def table(home: Home) -> str:
    """Make a table that several rules find something about."""
    make(home.lake, "trust.small", Sick(files=60, partitions=2, snapshots=3, position_deletes=20))
    return "trust.small"


@pytest.fixture
def api(server: Server, token: str) -> Api:
    """Give the interface as an admin, wherever the server listens since its last start."""
    admin = server.api(token)
    until("all plugins serve", lambda: loaded(admin) == {file.stem for file in PLUGINS.glob("*.wasm")})
    return admin


@pytest.fixture
def folder(server: Server, token: str, api: Api, home: Home) -> Iterator[Path]:
    """Give the folder of the plugins; what a test changes there is put back."""
    assert loaded(api)
    folder = home.folder / "plugins"
    yield folder
    api = server.api(token)
    for name in (RULE, OPERATION, IDLE):
        api.post(f"/api/plugins/{name}/enable").ok()
        install(api, folder, name, built(name))


def built(name: str) -> bytes:
    """Give a plugin as it was built."""
    return (PLUGINS / f"{name}.wasm").read_bytes()


def bad(name: str, version: str) -> bytes:
    """Give a newer build that traps when it is asked, which its self-tests do not find."""
    core = Core(built(name), FINDINGS if name == RULE else PLAN)
    return other_build(core.that(unruly.TRAPS), selftests=[], version=version)


def install(api: Api, folder: Path, name: str, component: bytes) -> None:
    """Put a build into the folder and wait until it serves."""
    drop_in(folder, f"{name}.wasm", component)
    until(f"the build of {name} serves", lambda: serves(api, component))


def plugin(api: Api, name: str) -> Any:
    """Give what is told of a plugin."""
    return api.get(f"/api/plugins/{name}").ok()


def serves(api: Api, component: bytes) -> bool:
    """Whether a build serves and no other was refused."""
    items = api.get("/api/plugins").ok()["items"]
    return any(one["digest"] == digest(component) and one["error"] is None for one in items)


def judged(api: Api, table: str) -> tuple[Any, Any]:
    """Give what the rule found, and how it failed."""
    report = api.table(table, "health").ok()
    found = [one for one in report["findings"] if one["rule"]["id"] == RULE]
    return found, [one for one in report["failed_rules"] if one["rule"]["id"] == RULE]


def audit(home: Home, name: str) -> list[tuple[str, str, Any]]:
    """Give who did what to a plugin, the oldest first."""
    with contextlib.closing(sqlite3.connect(home.folder / "drls.db")) as state:
        rows = state.execute("SELECT actor, action, detail FROM audit WHERE subject = ? ORDER BY seq", (name,))
        return [(actor, action, json.loads(detail)) for actor, action, detail in rows]


@contextlib.contextmanager
def listening(api: Api) -> Iterator[Any]:
    """Give a reader of the events from now on, which waits for one in which `state` is told of a plugin."""
    connection = http.client.HTTPConnection(api.host, timeout=PATIENCE)
    with contextlib.closing(connection):
        connection.request("GET", "/api/events", headers={"Authorization": f"Bearer {api.token}"})
        feed = connection.getresponse()

        def told(name: str, state: str) -> Any:
            while True:
                line = feed.readline().decode()
                assert line, "the feed ended"
                if line.startswith("data: "):
                    data = json.loads(line.removeprefix("data: "))["data"]
                    if isinstance(data, dict) and (data.get("id"), data.get("state")) == (name, state):
                        return data

        yield told


def metric(api: Api, name: str, plugin: str) -> int:
    """Read a figure of a plugin."""
    line = f'drls_{name}{{plugin="{plugin}"}} '
    return next(int(one.removeprefix(line)) for one in api.get("/metrics").text.splitlines() if one.startswith(line))


def test_a_new_build_that_traps_gives_its_place_back_and_everyone_is_told(
    api: Api, home: Home, server: Server, token: str, table: str, folder: Path
) -> None:
    component = bad(RULE, "0.9.0")
    before = metric(api, "plugin_rollbacks_total", RULE)
    with listening(api) as told:
        install(api, folder, RULE, component)
        for _ in range(3):
            found, (failed,) = judged(api, table)
            assert not found
            assert "trapped" in failed["error"]
        event = told(RULE, "rolled-back")
    assert (event["version"], event["digest"]) == ("0.1.0", digest(built(RULE)))
    assert "in the place of 0.9.0: 3 of its calls failed within 60 s" in event["detail"]
    now = plugin(api, RULE)
    assert (now["state"], now["digest"], now["error_code"]) == ("active", digest(built(RULE)), "quarantined")
    assert "0.9.0 is in quarantine: 3 of its calls failed" in now["error"]
    assert now["error"].endswith("; 0.1.0 serves")
    newest = {one["version"]: one for one in now["versions"]}
    assert newest["0.9.0"]["quarantine"]["until"] is None
    assert (newest["0.1.0"]["serving"], newest["0.1.0"]["quarantine"]) == (True, None)
    found, failed = judged(api, table)
    assert found
    assert failed == []
    assert metric(api, "plugin_rollbacks_total", RULE) == before + 1
    assert metric(api, "plugin_serving", RULE) == 1
    assert api.get("/api/health").ok()["parts"]["plugins"]["state"] == "degraded"
    rows = until("it is written down", lambda: [one for one in audit(home, RULE) if one[1] == "plugin.rollback"])
    assert rows[-1][0] == "system"
    assert rows[-1][2]["digest"] == digest(built(RULE))
    quarantined = [one for one in audit(home, RULE) if one[1] == "plugin.quarantine"]
    assert (quarantined[-1][2]["version"], quarantined[-1][2]["digest"]) == ("0.9.0", digest(component))
    server.stop()
    server.start()
    again = server.api(token)
    until("the plugins are loaded", lambda: judged(again, table)[0])
    assert plugin(again, RULE)["error"] == now["error"], "a restart is no way around it"
    home.audit_holds()


def test_an_operation_that_only_traps_is_asked_no_more_until_it_is_enabled(
    api: Api, home: Home, table: str, folder: Path
) -> None:
    (folder / f"{OPERATION}.wasm").unlink()
    until("it is retired", lambda: OPERATION not in {one["id"] for one in api.get("/api/plugins").ok()["items"]})
    for file in (home.folder / "ledger").glob(f"{OPERATION}.json"):
        file.unlink()
    component = bad(OPERATION, "0.9.0")
    install(api, folder, OPERATION, component)
    body = {"table": table, "dry_run": True}
    for _ in range(3):
        api.post("/api/compact", body).problem(502, "plugin-failed")
    until("it is in quarantine", lambda: plugin(api, OPERATION)["state"] == "quarantined")
    refused = api.post("/api/compact", body)
    problem = refused.problem(503, "plugin-quarantined")
    assert "3 of its calls failed within 60 s" in problem["detail"]
    assert int(refused.headers["retry-after"]) > 0
    assert metric(api, "plugin_serving", OPERATION) == 0
    assert metric(api, "plugin_quarantines_total", OPERATION) == 1
    until("it is tried again by itself", lambda: plugin(api, OPERATION)["state"] == "active")
    for _ in range(3):
        api.post("/api/compact", body).problem(502, "plugin-failed")
    until("it is in quarantine", lambda: plugin(api, OPERATION)["state"] == "quarantined")
    assert plugin(api, OPERATION)["versions"][0]["quarantine"]["times"] == 2
    assert api.post(f"/api/plugins/{OPERATION}/enable").ok()["state"] == "active"
    assert audit(home, OPERATION)[-1][:2] == ("admin", "plugin.enable")
    assert audit(home, OPERATION)[-1][2]["released"]["digest"] == digest(component)
    api.post("/api/compact", body).problem(502, "plugin-failed")


def test_an_admin_goes_back_under_load_and_no_request_fails(api: Api, home: Home, table: str, folder: Path) -> None:
    newer = [other_build(built(RULE), version=f"0.{n}.0") for n in range(2, 5)]
    for component in newer:
        install(api, folder, RULE, component)
    stop = threading.Event()
    failures: list[Any] = []
    answers: list[Any] = []

    def ask() -> None:
        while not stop.is_set():
            answer = api.table(table, "health")
            answers.append(answer.status)
            if answer.status != 200 or answer.body["failed_rules"]:
                failures.append(answer.text)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        until("reports are asked for", lambda: len(answers) > 3)
        back = f"/api/plugins/{RULE}/rollback"
        told = api.post(back, {}).ok()
        assert (told["version"], told["digest"]) == ("0.3.0", digest(newer[1]))
        assert (folder / f"{RULE}.wasm").read_bytes() == newer[1]
        assert api.post(back, {"to": "0.1.0"}).ok()["digest"] == digest(built(RULE))
        assert api.post(back, {"to": digest(newer[2])}).ok()["version"] == "0.4.0"
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)
    assert failures == []
    assert judged(api, table)[0][0]["rule"]["digest"] == digest(newer[2])
    actor, action, detail = audit(home, RULE)[-1]
    assert (actor, action) == ("admin", "plugin.rollback")
    assert (detail["from"]["version"], detail["to"]["digest"]) == ("0.1.0", digest(newer[2]))


def test_a_rollback_that_can_t_be_is_told_in_words(api: Api, folder: Path) -> None:
    assert folder
    back = f"/api/plugins/{RULE}/rollback"
    api.post("/api/plugins/nobody/rollback", {}).problem(404, "plugin-not-found")
    api.post("/api/plugins/..%2Fsmall-files/disable").problem(404, "plugin-not-found")
    api.post("/api/plugins/nobody/enable").problem(404, "plugin-not-found")
    problem = api.post(back, {"to": "9.9.9"}).problem(422, "invalid-request")
    assert [one["pointer"] for one in problem["errors"]] == ["/to"]
    assert "kept are: " in problem["detail"]
    api.post(back, {"version": "1"}).problem(422, "invalid-request")
    api.post(f"/api/plugins/{IDLE}/rollback", {}).problem(409, "no-version-before")


def test_nothing_is_decided_about_a_plugin_whose_file_is_gone(api: Api, home: Home, folder: Path) -> None:
    (folder / f"{IDLE}.wasm").unlink()
    until("it is retired", lambda: IDLE not in {one["id"] for one in api.get("/api/plugins").ok()["items"]})
    rows = audit(home, IDLE)
    for verb in ("disable", "enable"):
        api.post(f"/api/plugins/{IDLE}/{verb}").problem(404, "plugin-not-found")
    assert audit(home, IDLE) == rows, "what is refused is not written down"
    assert api.post(f"/api/plugins/{IDLE}/rollback", {"to": digest(built(IDLE))}).ok()["state"] == "active"


def test_reports_are_kept_while_a_rule_is_in_quarantine_and_made_anew_after(
    api: Api, home: Home, table: str, folder: Path
) -> None:
    (folder / f"{RULE}.wasm").unlink()
    until("it is retired", lambda: RULE not in {one["id"] for one in api.get("/api/plugins").ok()["items"]})
    (home.folder / "ledger" / f"{RULE}.json").unlink()
    install(api, folder, RULE, bad(RULE, "0.9.0"))

    def out() -> bool:
        failed = judged(api, table)[1]
        return bool(failed) and "quarantine" in failed[0]["error"]

    until("the rule is asked no more", out)
    newest = {api.table(table, "health").headers["x-newest-event"] for _ in range(3)}
    assert len(newest) == 1, "each look judged the table anew"
    api.post(f"/api/plugins/{RULE}/enable").ok()
    (failed,) = judged(api, table)[1]
    assert "quarantine" not in failed["error"], "the report without it is not one with it"


def test_only_admins_decide(home: Home, server: Server, api: Api) -> None:
    assert api
    approver = server.api(home.user("approver", "approver"))
    for verb, body in (("rollback", {}), ("disable", None), ("enable", None)):
        approver.post(f"/api/plugins/{RULE}/{verb}", body).problem(403, "role-too-low")


def test_what_is_disabled_is_not_offered_and_the_same_key_decides_once(api: Api, home: Home, folder: Path) -> None:
    assert folder
    key = {"Idempotency-Key": "off-1"}
    told = api.post(f"/api/plugins/{IDLE}/disable", headers=key).ok()
    assert (told["state"], told["disabled"]["by"], told["version"]) == ("disabled", "admin", "0.1.0")
    assert IDLE not in {one["id"] for one in api.get("/api/operations").ok()["items"]}
    rows = len(audit(home, IDLE))
    assert api.post(f"/api/plugins/{IDLE}/enable").ok()["state"] == "active"
    replayed = api.post(f"/api/plugins/{IDLE}/disable", headers=key)
    assert replayed.headers["idempotent-replayed"] == "true"
    assert plugin(api, IDLE)["state"] == "active"
    assert api.post(f"/api/plugins/{IDLE}/enable").ok()["state"] == "active"
    assert len(audit(home, IDLE)) == rows + 1, "what changes nothing leaves no row"


def test_the_command_line_decides_beside_a_server_and_without_one(
    api: Api, home: Home, server: Server, token: str, folder: Path
) -> None:
    newer = other_build(built(IDLE), version="0.2.0")
    install(api, folder, IDLE, newer)
    done = home.drls("plugin", "rollback", IDLE)
    assert done.returncode == 0, done.stderr
    assert f"rolled back: {IDLE} 0.1.0" in done.stdout
    assert "in place of 0.2.0" in done.stdout
    until("the server takes it over", lambda: serves(api, built(IDLE)))
    assert home.drls("plugin", "disable", IDLE).returncode == 0
    until("the server takes it out", lambda: plugin(api, IDLE)["state"] == "disabled")
    assert plugin(api, IDLE)["disabled"]["by"] == "command line"
    written = home.folder / "ledger" / f"{IDLE}.json"
    assert written.stat().st_mode & 0o777 == 0o644, "whoever decides, the server's user reads it"
    server.stop()
    assert f"{IDLE}.wasm is disabled by command line" in home.drls("doctor").stdout
    done = home.drls("plugin", "rollback", IDLE, "--to", "0.2.0")
    assert done.returncode == 0, done.stderr
    done = home.drls("plugin", "enable", IDLE)
    assert f"enabled: {IDLE}" in done.stdout
    done = home.drls("plugin", "rollback", IDLE, "--to", "7")
    assert done.returncode == 1
    assert "kept are: " in done.stderr
    server.start()
    again = server.api(token)
    until("it serves from the start", lambda: serves(again, newer))
    assert [one[:2] for one in audit(home, IDLE)][-3:] == [
        ("command line", "plugin.disable"), ("command line", "plugin.rollback"), ("command line", "plugin.enable"),
    ]  # fmt: skip
    home.audit_holds()
