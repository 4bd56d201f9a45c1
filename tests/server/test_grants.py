"""Plugins that ask for more than facts, and operators who say whose plugins serve: over HTTP, and written down."""

from __future__ import annotations

import contextlib
import http.server
import json
import sqlite3
import subprocess
import threading
from typing import TYPE_CHECKING, Any

import pytest
from component import drop_in, other_build
from harness import BINARY, PLUGINS, TOP, loaded, until
from sick_tables import Sick, make

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness import Api, Home, Server

ID = "table-owners"
OWNERS = TOP / "host/runtime/tests/corpus/0.1.0/table-owners.wasm"


class Owners(http.server.BaseHTTPRequestHandler):
    """Knows no owner of any table, and keeps what it was asked for."""

    asked: list[str]

    def do_GET(self) -> None:
        """Say that nobody answers for the table."""
        self.asked.append(self.path)
        self.send_response(404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def owners() -> Iterator[tuple[str, list[str]]]:
    """Run the list of owners; give its host and what it was asked for."""
    asked: list[str] = []
    handler = type("Handler", (Owners,), {"asked": asked})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_port}", asked
        server.shutdown()
        thread.join()


@pytest.fixture
def api(server: Server, token: str, home: Home) -> Iterator[Api]:
    """Give the interface as an admin; what a test changes is put back."""
    admin = server.api(token)
    until("all plugins serve", lambda: loaded(admin) >= {file.stem for file in PLUGINS.glob("*.wasm")})
    before = admin.get("/api/config").ok()["settings"]
    yield admin
    admin = server.api(token)
    (home.folder / "plugins" / f"{ID}.wasm").unlink(missing_ok=True)
    (home.folder / "plugins" / "plugins.lock").unlink(missing_ok=True)
    settings(admin, plugin_trust=before["plugin_trust"], plugins=before["plugins"])
    until("it is retired", lambda: plugin(admin) is None)
    (home.folder / "ledger" / f"{ID}.json").unlink(missing_ok=True)


def settings(api: Api, **changed: Any) -> None:
    """Change some settings."""
    now = api.get("/api/config")
    api.ask("PUT", "/api/config", now.ok()["settings"] | changed, {"If-Match": now.headers["etag"]}).ok()


def plugin(api: Api) -> Any:
    """Give what is told of the plugin; nothing where it is not there."""
    return next((one for one in api.get("/api/plugins").ok()["items"] if one["id"] == ID), None)


def audit(home: Home) -> list[tuple[str, str, Any]]:
    """Give who did what to the plugin, the oldest first."""
    with contextlib.closing(sqlite3.connect(home.folder / "drls.db")) as state:
        rows = state.execute("SELECT actor, action, detail FROM audit WHERE subject = ? ORDER BY seq", (ID,))
        return [(actor, action, json.loads(detail)) for actor, action, detail in rows]


def drls(home: Home, *words: str) -> str:
    """Run a command on the home."""
    done = subprocess.run(
        [str(BINARY), *words, "--home", str(home.folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_plugin_waits_until_an_admin_grants_what_it_asks_for(
    api: Api, home: Home, server: Server, owners: tuple[str, list[str]]
) -> None:
    host, asked = owners
    viewer = server.api(home.user("vera", "viewer"))
    make(home.lake, "grants.table", Sick(files=3))
    settings(
        api,
        plugin_trust={"internal_hosts": [host]},
        plugins={ID: {"config": {"address": f"http://{host}/tables/"}}},
    )
    rights = {"http": {"hosts": [host], "methods": ["GET"]}}
    drop_in(home.folder / "plugins", f"{ID}.wasm", other_build(OWNERS.read_bytes(), needs=rights))
    waits = until("it waits", lambda: (now := plugin(api)) and now["waiting"] and now)
    assert (waits["state"], waits["error_code"], waits["grant"]) == ("waiting", "needs-grant", None)
    assert (waits["waiting"]["asks"], waits["waiting"]["missing"]) == (rights, rights)
    assert waits["waiting"]["signed_by"] is None
    assert "1 waiting for a grant" in api.get("/api/health").ok()["parts"]["plugins"]["detail"]
    place = f"/api/plugins/{ID}/grants"
    viewer.ask("PUT", place, rights).problem(403, "role-too-low")
    wrong = api.ask("PUT", place, {"http": {"hosts": ["https://a"], "methods": ["get"]}}).problem(
        422, "invalid-request"
    )
    assert {one["pointer"] for one in wrong["errors"]} == {"/http/hosts/0", "/http/methods/0"}
    api.ask("PUT", "/api/plugins/nobody/grants", rights).problem(404, "plugin-not-found")
    half = api.ask("PUT", place, {"http": {"hosts": [host]}}).problem(422, "invalid-request")
    assert [one["pointer"] for one in half["errors"]] == ["/http/methods"]
    api.ask("PUT", place, rights | {"digest": "0" * 64}).problem(409, "plugin-changed")
    granted = api.ask("PUT", place, rights | {"digest": waits["waiting"]["digest"]}).ok()
    assert (granted["state"], granted["grant"]["by"], granted["grant"]["http"]) == ("active", "admin", rights["http"])
    report = api.table("grants.table", "health").ok()
    assert [one["code"] for one in report["findings"] if one["rule"]["id"] == ID] == ["no-owner"]
    assert asked == ["/tables/grants.table"]
    actor, action, detail = audit(home)[-1]
    assert (actor, action, detail["granted"]) == ("admin", "plugin.grant", rights)
    # Another address than the granted one is denied, told in the report, counted and written down.
    settings(api, plugins={ID: {"config": {"address": "https://elsewhere.example/"}}})
    report = api.table("grants.table", "health").ok()
    assert ["elsewhere.example is not granted" in one["error"] for one in report["failed_rules"]] == [True]
    assert plugin(api)["denials"] == 1
    assert f'drls_plugin_denials_total{{plugin="{ID}"}} 1' in api.get("/metrics").text
    until("it is written down", lambda: audit(home)[-1][1] == "plugin.denied")
    assert audit(home)[-1][2]["reason"] == "elsewhere.example is not granted"
    taken = api.ask("PUT", place, {}).ok()
    assert (taken["state"], taken["grant"]) == ("waiting", None)
    assert "granted: table-owners may send GET to" in drls(home, "plugin", "grant", ID)
    until("it serves", lambda: plugin(api)["state"] == "active")
    (home.folder / "plugins" / f"{ID}.wasm").write_bytes(b"torn")
    assert "taken back" in drls(home, "plugin", "grant", ID, "--nothing"), "whatever lies in the folder"
    drop_in(home.folder / "plugins", f"{ID}.wasm", other_build(OWNERS.read_bytes(), needs=rights))
    until("it waits", lambda: plugin(api)["state"] == "waiting")
    home.audit_holds()


def test_only_signed_plugins_serve_where_the_settings_say_so(
    api: Api, home: Home, server: Server, token: str, tmp_path: Path
) -> None:
    keys = ("--keys", str(tmp_path / "keys"))
    made = subprocess.run(
        [str(BINARY), "plugin", "keys", "new", "acme", *keys], capture_output=True, text=True, check=True
    ).stdout
    name, key = made.split()
    assert name == "acme"
    assert (tmp_path / "keys" / "acme.pem").stat().st_mode & 0o777 == 0o600
    file = tmp_path / f"{ID}.wasm"
    file.write_bytes(other_build(OWNERS.read_bytes(), version="2.0.0"))
    folder = home.folder / "plugins"
    signed_rules = {}
    for one in PLUGINS.glob("*.wasm"):
        copy = tmp_path / one.name
        copy.write_bytes(one.read_bytes())
        sign(copy, keys)
        signed_rules[one.name] = copy.read_bytes()
    for plugin_name, content in signed_rules.items():
        drop_in(folder, plugin_name, content)
    first_party = {file.stem for file in PLUGINS.glob("*.wasm")}
    until(
        "all are signed",
        lambda: all(one["signed_by"] for one in api.get("/api/plugins").ok()["items"] if one["id"] in first_party),
    )
    settings(api, plugin_trust={"signed": "require", "signers": {"acme": key}})
    shown = api.get("/api/config").ok()["settings"]["plugin_trust"]
    assert shown == {"signed": "require", "signers": {"acme": key}, "internal_hosts": []}
    assert loaded(api) == first_party
    drop_in(folder, f"{ID}.wasm", file.read_bytes())
    refused = until("it is refused", lambda: (now := plugin(api)) and now["error"] and now)
    assert (refused["state"], refused["error_code"]) == ("refused", "signature")
    assert refused["error"].startswith("2.0.0 refused: not signed, and only what a trusted key signed serves here")
    sign(file, keys)
    drop_in(folder, f"{ID}.wasm", file.read_bytes())
    until("it waits for its grant", lambda: plugin(api)["state"] == "waiting")
    drls(home, "plugin", "grant", ID)
    served = until("it serves", lambda: (now := plugin(api))["state"] == "active" and now)
    assert served["signed_by"] == {"key": key, "name": "acme"}
    server.stop()
    server.start()
    again = server.api(token)
    until("it serves after a restart", lambda: (now := plugin(again)) and now["state"] == "active")
    again = lose_the_settings(again, home, server, token)
    drop_in(folder, f"{ID}.wasm", file.read_bytes())
    until("nothing is refused", lambda: plugin(again)["error"] is None)
    bad = again.get("/api/config")
    trust = {"signed": "require", "signers": {"acme": "no key"}}
    refused = again.ask(
        "PUT", "/api/config", bad.ok()["settings"] | {"plugin_trust": trust}, {"If-Match": bad.headers["etag"]}
    ).problem(422, "invalid-request")
    assert refused["errors"][0]["pointer"] == "/plugin_trust/signers/acme"
    # A key that is taken away ends what it signed.
    settings(again, plugin_trust={"signed": "require", "signers": {}})
    until("nothing serves", lambda: loaded(again) == set())
    settings(again, plugin_trust={})
    for one in PLUGINS.glob("*.wasm"):
        drop_in(folder, one.name, one.read_bytes())
    until("all serve", lambda: loaded(again) >= first_party)


def lose_the_settings(api: Api, home: Home, server: Server, token: str) -> Api:
    """See that settings which lost their content let nothing in: neither does a running server, nor does one start."""
    written = home.folder / "config.json"
    words = written.read_bytes()
    written.write_bytes(b"")
    api.get("/api/config").problem(409, "config-unreadable")
    drop_in(home.folder / "plugins", f"{ID}.wasm", other_build(OWNERS.read_bytes(), version="2.1.0"))
    until("it is refused", lambda: plugin(api)["error_code"] == "signature")
    server.stop()
    start = home.drls("serve", "--bind", "127.0.0.1:0")
    assert (start.returncode, "config.json is empty" in start.stderr) == (1, True)
    written.write_bytes(words)
    server.start()
    again = server.api(token)
    until("the version before serves", lambda: (now := plugin(again)) and now["version"] == "2.0.0")
    assert plugin(again)["error_code"] == "signature"
    return again


def sign(file: Path, keys: tuple[str, str]) -> None:
    """Sign a file in its place."""
    subprocess.run([str(BINARY), "plugin", "sign", str(file), *keys], capture_output=True, check=True)


def test_a_lock_lets_in_what_it_names(api: Api, home: Home) -> None:
    folder = home.folder / "plugins"
    for command in ("lock", "grant"):
        missing = home.drls("plugin", command, "nobody")
        assert missing.returncode == 1
        assert "nobody.wasm; `drls plugin install` puts one there" in missing.stderr
    assert "locked: 15 plugins" in drls(home, "plugin", "lock")
    drop_in(folder, f"{ID}.wasm", OWNERS.read_bytes())
    refused = until("it is refused", lambda: (now := plugin(api)) and now["error"] and now)
    assert (refused["error_code"], "plugins.lock does not name it" in refused["error"]) == ("lock", True)
    drls(home, "plugin", "lock", ID)
    until("it is let in", lambda: plugin(api)["state"] == "waiting")
    assert loaded(api) >= {file.stem for file in PLUGINS.glob("*.wasm")}
    assert "unlocked" in drls(home, "plugin", "lock", "--remove")
    assert not (folder / "plugins.lock").exists()
