"""Plugin files that are no good and plugins that misbehave: refused or failing alone, in words, and all else serves."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import unruly
from component import digest, drop_in, other_build
from harness import PLUGINS, loaded, told_nothing_inside, until
from sick_tables import Sick, make
from unruly import DESCRIBED, FINDINGS, PLAN, Core

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness import Answer, Api, Home, Server

RULE, OPERATION = "small-files", "compact"
MIB = 1 << 20
MOST = 200 * MIB
"""The largest file that is taken for a plugin."""


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    """Let Python ask for the signals that a trap comes as: a trap must not be the end of the server."""
    return {"PYTHONFAULTHANDLER": "1"}


@pytest.fixture(scope="module")
def table(home: Home) -> str:
    """Make a table that several rules find something about."""
    make(home.lake, "unruly.small", Sick(files=60, partitions=2, snapshots=3, position_deletes=20))
    return "unruly.small"


@pytest.fixture
def folder(api: Api, home: Home) -> Iterator[Path]:
    """Give the folder of the plugins; what a test puts there is taken out again."""
    folder = home.folder / "plugins"
    yield folder
    for file in folder.iterdir():
        if not (PLUGINS / file.name).is_file():
            file.unlink()
    for name in (RULE, OPERATION):
        (folder / f"{name}.wasm").unlink(missing_ok=True)
        drop_in(folder, f"{name}.wasm", built(name))
    until("all is as it was built", lambda: all(serves(api, name, built(name)) for name in (RULE, OPERATION)))
    until("nothing else is there", lambda: len(items(api)) == len(list(PLUGINS.glob("*.wasm"))))


def built(name: str) -> bytes:
    """Give a plugin as it was built."""
    return (PLUGINS / f"{name}.wasm").read_bytes()


def items(api: Api) -> dict[str, Any]:
    """Give what is told of each plugin, by id."""
    return {one["id"]: one for one in api.get("/api/plugins").ok()["items"]}


def serves(api: Api, name: str, component: bytes) -> bool:
    """Whether this build serves and no other file of that name was refused."""
    told = items(api).get(name)
    return told is not None and told["error"] is None and told["digest"] == digest(component)


def judged_by(api: Api, table: str) -> str:
    """Give the digest of the rule that judges the table."""
    found = api.table(table, "health").ok()["findings"]
    return next(str(one["rule"]["digest"]) for one in found if one["rule"]["id"] == RULE)


def renamed(component: bytes, name: bytes, other: bytes) -> bytes:
    """Give a component in which an interface has another name of the same length."""
    assert len(name) == len(other)
    assert name in component
    return component.replace(name, other)


def misbehaves(name: str, body: bytes, **manifest: Any) -> bytes:
    """Give a build of a plugin whose function does this. Without self-tests, which would not let it in."""
    core = Core(built(name), FINDINGS if name == RULE else PLAN)
    return other_build(core.that(body), **({"selftests": []} | manifest))


FILES: dict[str, tuple[Callable[[], bytes], str, str]] = {
    "not wasm": (lambda: b"#!/bin/sh\nexit 1\n", "not-wasm", "not a WebAssembly binary"),
    "core module": (lambda: Core(built(RULE), FINDINGS).alone, "core-module", "not a component"),
    "wrong world": (
        lambda: renamed(built(RULE), b"drls:plugin/health@0.1.0", b"acme:plugin/wealth@0.1.0"),
        "contract", "a health rule exports",
    ),
    "extra import": (
        lambda: renamed(built(RULE), b"drls:plugin/log@0.1.0", b"wasi:random/rnd@0.1.0"),
        "contract", "wasi:random/rnd@0.1.0",
    ),
    "old contract": (lambda: renamed(built(RULE), b"@0.1.0", b"@0.0.9"), "contract", "another version of the contract"),
    "damaged inside": (
        lambda: built(RULE)[:5000] + bytes(3000) + built(RULE)[8000:], "invalid-binary", "not a valid component",
    ),
    "traps at its self-test": (lambda: Core(built(RULE), FINDINGS).that(unruly.TRAPS), "self-test", "trapped"),
    "loops at its self-test": (lambda: Core(built(RULE), FINDINGS).that(unruly.LOOPS), "self-test", "within 500 ms"),
}  # fmt: skip


@pytest.mark.parametrize("case", FILES)
def test_a_file_that_is_no_good_is_refused_in_words_while_the_old_plugin_serves(
    api: Api, table: str, folder: Path, case: str
) -> None:
    content, code, words = FILES[case]
    drop_in(folder, f"{RULE}.wasm", content())
    told = until("it is refused", lambda: one if (one := items(api)[RULE])["error"] else None)
    assert (told["state"], told["error_code"], told["digest"]) == ("active", code, digest(built(RULE)))
    assert words in told["error"]
    assert "0.1.0" in told["error"], "it says which one serves"
    told_nothing_inside(told["error"])
    assert judged_by(api, table) == digest(built(RULE))
    assert api.get("/api/health").ok()["parts"]["plugins"]["state"] == "degraded"


def resident(server: Server) -> int:
    """Give the bytes that the server holds in memory."""
    assert server.process is not None
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) * 1024


@pytest.mark.parametrize("over", [0, 1])
def test_a_file_of_200_mib_takes_no_memory_that_stays_and_a_larger_one_is_not_read(
    api: Api, server: Server, table: str, folder: Path, over: int
) -> None:
    before = resident(server)
    beside = folder.parent / "large.new"
    with beside.open("wb") as file:
        file.write(built(RULE)[:1000])
        file.truncate(MOST + over)
    began = time.monotonic()
    beside.rename(folder / f"{RULE}.wasm")
    told = until("it is refused", lambda: one if (one := items(api)[RULE])["error"] else None)
    if over:
        assert told["error_code"] == "too-big"
        assert f"{MOST + 1} bytes" in told["error"]
        assert resident(server) - before < 50 * MIB
    else:
        assert told["error_code"] in ("invalid-binary", "truncated", "not-wasm"), told["error"]
    assert time.monotonic() - began < 60
    assert judged_by(api, table) == digest(built(RULE))
    until("it holds no more than before", lambda: resident(server) - before < 50 * MIB)


def test_a_file_that_is_written_slowly_is_taken_when_it_is_whole(api: Api, table: str, folder: Path) -> None:
    component = other_build(built(RULE), version="0.7.0")
    with (folder / f"{RULE}.wasm").open("wb") as file:
        file.write(component[: len(component) // 2])
        file.flush()
        until("half of it was seen", lambda: digest(built(RULE)) != _newest(api) and _newest(api) is not None)
        assert judged_by(api, table) == digest(built(RULE))
        for start in range(len(component) // 2, len(component), 4096):
            file.write(component[start : start + 4096])
            file.flush()
            assert items(api)[RULE]["state"] == "active"
            assert judged_by(api, table) in (digest(built(RULE)), digest(component))
    until("the new one serves", lambda: serves(api, RULE, component))
    assert judged_by(api, table) == digest(component)


def _newest(api: Api) -> str | None:
    """Give the digest of the last step in the rule's life."""
    return next((str(one["digest"]) for one in reversed(items(api)[RULE]["history"]) if one["digest"]), None)


def test_half_a_file_that_never_becomes_whole_is_refused(api: Api, table: str, folder: Path) -> None:
    with (folder / f"{RULE}.wasm").open("wb") as file:
        file.write(built(RULE)[: len(built(RULE)) // 2])
    told = until("it is refused", lambda: one if (one := items(api)[RULE])["error"] else None)
    assert (told["error_code"], told["state"]) == ("truncated", "active")
    assert "copy it again" in told["error"]
    assert judged_by(api, table) == digest(built(RULE))


def test_a_second_file_with_the_id_of_another_is_refused(api: Api, table: str, folder: Path) -> None:
    drop_in(folder, "second.wasm", other_build(built(RULE), version="0.8.0"))
    told = until("it is refused", lambda: one if (one := items(api).get("second")) and one["error"] else None)
    assert (told["state"], told["error_code"]) == ("refused", "duplicate-id")
    assert f"belongs to {RULE}.wasm already" in told["error"]
    assert serves(api, RULE, built(RULE))
    report = api.table(table, "health").ok()
    assert sum(one["rule"]["id"] == RULE for one in report["findings"]) == 1, "it is judged once"


def test_a_link_out_of_the_folder_is_refused(api: Api, table: str, folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.wasm"
    outside.write_bytes(other_build(built(RULE), version="0.9.0"))
    beside = folder.parent / "link.new"
    beside.symlink_to(outside)
    beside.rename(folder / f"{RULE}.wasm")
    told = until("it is refused", lambda: one if (one := items(api)[RULE])["error"] else None)
    assert (told["state"], told["error_code"], told["digest"]) == ("active", "not-a-file", digest(built(RULE)))
    assert "symbolic link out of the plugins folder" in told["error"]
    told_nothing_inside(told["error"])
    assert judged_by(api, table) == digest(built(RULE))


CALLS: dict[str, tuple[Callable[[Core], bytes], dict[str, Any], str, str]] = {
    "traps": (lambda _: unruly.TRAPS, {}, "trapped", "unreachable"),
    "loops": (lambda _: unruly.LOOPS, {}, "timed-out", "within 500 ms"),
    "allocates without end": (lambda _: unruly.ALLOCATES, {}, "out-of-memory", "64 MiB"),
    "recurses": (lambda core: unruly.recurses(core.function, 3), {}, "trapped", "call stack exhausted"),
    "answers 100 MB": (
        lambda core: core.lets_go + unruly.answers_a_text_of(100_000_000), {"memory": 128 * MIB}, "bad-answer",
        "more than 4 MiB",
    ),
    "answers wrong JSON": (
        lambda core: core.lets_go + unruly.finds("found", "{not json"), {}, "bad-answer", "not JSON",
    ),
    "answers no code": (
        lambda core: core.lets_go + unruly.finds("Not Kebab", "{}"), {}, "bad-answer", "kebab",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CALLS)
def test_a_rule_that_misbehaves_fails_alone_and_the_report_says_so(
    api: Api, server: Server, table: str, folder: Path, case: str
) -> None:
    others = [one for one in api.table(table, "health").ok()["findings"] if one["rule"]["id"] != RULE]
    assert others
    before = resident(server)
    body, manifest, kind, words = CALLS[case]
    component = misbehaves(RULE, body(Core(built(RULE), FINDINGS)), **manifest)
    drop_in(folder, f"{RULE}.wasm", component)
    until("it serves", lambda: serves(api, RULE, component))
    # Once more, and it would give its place back: see test_trust.py.
    for _ in range(2):
        began = time.monotonic()
        report = api.table(table, "health").ok()
        assert time.monotonic() - began < 20
        (failed,) = report["failed_rules"]
        assert words in str(failed), failed
        told_nothing_inside(str(failed))
        assert [one for one in report["findings"] if one["rule"]["id"] != RULE] == others, "the others judge as before"
    told = items(api)[RULE]
    assert told["failures"].get(kind), told["failures"]
    detail = api.get(f"/api/plugins/{RULE}").ok()
    assert words in detail["last_error"]
    assert resident(server) - before < 100 * MIB


def heard_in_part(api: Api, plugin: str) -> None:
    """See that of the 20,000 lines that a plugin wrote few are kept, each of them short."""
    lines = api.get(f"/api/plugins/{plugin}/log", limit=500).ok()["items"]
    assert 0 < len(lines) <= 500
    assert all(len(one["message"].encode()) <= 1024 for one in lines)
    assert items(api)[plugin]["log_lines_dropped"] > 19_000


def test_a_rule_that_floods_the_log_is_heard_in_part_and_judges(api: Api, table: str, folder: Path) -> None:
    core = Core(built(RULE), FINDINGS)
    component = misbehaves(RULE, core.lets_go + unruly.floods(core.log, 20_000))
    drop_in(folder, f"{RULE}.wasm", component)
    until("it serves", lambda: serves(api, RULE, component))
    report = api.table(table, "health").ok()
    assert report["failed_rules"] == []
    assert RULE not in {one["rule"]["id"] for one in report["findings"]}, "it found nothing"
    heard_in_part(api, RULE)


PLANS: dict[str, tuple[Callable[[Core], bytes], dict[str, Any], int, str, str]] = {
    "traps": (lambda _: unruly.TRAPS, {}, 502, "trapped", "trapped"),
    "loops": (lambda _: unruly.LOOPS, {}, 504, "timed-out", "did not answer within"),
    "allocates without end": (lambda _: unruly.ALLOCATES, {}, 502, "out-of-memory", "MiB"),
    "recurses": (lambda core: unruly.recurses(core.function, 7), {}, 502, "trapped", "call stack exhausted"),
    "answers 100 MB": (
        lambda core: core.lets_go + unruly.answers_a_text_of(100_000_000, PLAN), {"memory": 128 * MIB}, 502,
        "bad-answer", "more than 4 MiB",
    ),
    "answers no text": (lambda core: core.lets_go + unruly.answers_no_text(PLAN), {}, 502, "bad-answer", "utf-8"),
    "plans an unknown step": (
        lambda core: core.lets_go + unruly.plans_a_step_of_kind(99), {}, 502, "bad-answer", "discriminant",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", PLANS)
def test_an_operation_that_misbehaves_changes_nothing_and_is_told(
    api: Api, home: Home, server: Server, table: str, folder: Path, case: str
) -> None:
    api.plan("set-properties", table, properties={"x": "y"})  # what a plan keeps is there before it is measured
    was, before = home.table(table).metadata_location, resident(server)
    body, manifest, status, kind, words = PLANS[case]
    component = misbehaves(OPERATION, body(Core(built(OPERATION), PLAN)), **manifest)
    drop_in(folder, f"{OPERATION}.wasm", component)
    until("it serves", lambda: serves(api, OPERATION, component))
    for dry in (True, False):
        answer = api.post("/api/compact", {"table": table, "dry_run": dry})
        problem = answer.problem(status, "plugin-timed-out" if kind == "timed-out" else "plugin-failed")
        assert words in problem["detail"]
    assert items(api)[OPERATION]["failures"].get(kind) == 2, items(api)[OPERATION]["failures"]
    assert home.table(table).metadata_location == was
    assert api.all("/api/jobs", table=table) == [], "no job was begun"
    assert api.plan("set-properties", table, properties={"x": "y"})["steps"], "the others plan"
    assert resident(server) - before < 100 * MIB


def test_an_operation_that_floods_the_log_is_heard_in_part_and_plans(api: Api, table: str, folder: Path) -> None:
    core = Core(built(OPERATION), PLAN)
    component = misbehaves(OPERATION, core.lets_go + unruly.floods(core.log, 20_000))
    drop_in(folder, f"{OPERATION}.wasm", component)
    until("it serves", lambda: serves(api, OPERATION, component))
    assert api.plan(OPERATION, table)["steps"] == []
    heard_in_part(api, OPERATION)


def test_an_operation_whose_schema_is_not_json_is_refused_while_the_old_one_serves(
    api: Api, table: str, folder: Path
) -> None:
    texts = (OPERATION, "a title", "A summary.", "plug", '{"type": "object"}', "{not json")
    drop_in(folder, f"{OPERATION}.wasm", Core(built(OPERATION), DESCRIBED).that(unruly.describes(*texts)))
    told = until("it is refused", lambda: one if (one := items(api)[OPERATION])["error"] else None)
    assert (told["state"], told["digest"]) == ("active", digest(built(OPERATION)))
    assert "not JSON" in told["error"], told
    assert told["error_code"] == "describe", told
    assert api.plan(OPERATION, table)["steps"], "it plans as before"


def test_a_call_gets_no_more_time_than_the_settings_say(api: Api, table: str, folder: Path) -> None:
    before = api.get("/api/config").ok()["settings"]

    def put(plugins: Any) -> Answer:
        etag = api.get("/api/config").headers["etag"]
        return api.ask("PUT", "/api/config", before | {"plugins": plugins}, {"If-Match": etag})

    wrong = put({RULE: {"ceiling": {"time_ms": 0}}}).problem(422, "invalid-request")
    assert [one["pointer"] for one in wrong["errors"]] == [f"/plugins/{RULE}/ceiling/time_ms"]
    put({RULE: {"ceiling": {"time_ms": 100}}}).ok()
    try:
        component = misbehaves(RULE, unruly.LOOPS)
        drop_in(folder, f"{RULE}.wasm", component)
        until("it serves", lambda: serves(api, RULE, component))
        failed = {one["rule"]["id"]: one["error"] for one in api.table(table, "health").ok()["failed_rules"]}
        assert failed.keys() == {RULE}
        assert "did not answer within 100 ms" in failed[RULE]
    finally:
        put(before["plugins"]).ok()


def test_a_rule_that_loops_keeps_nobody_else_waiting(api: Api, table: str, folder: Path) -> None:
    component = misbehaves(RULE, unruly.LOOPS)
    drop_in(folder, f"{RULE}.wasm", component)
    until("it serves", lambda: serves(api, RULE, component))
    stop = threading.Event()
    asked: list[int] = []

    def ask() -> None:
        while not stop.is_set():
            asked.append(api.table(table, "health").status)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    try:
        until("reports are asked for", lambda: len(asked) > 8)
        for _ in range(20):
            began = time.monotonic()
            api.get("/api/plugins").ok()
            api.post(
                "/api/operations/set-properties",
                {"table": table, "arguments": {"properties": {"x": "y"}}, "dry_run": True},
            ).ok()
            assert time.monotonic() - began < 5
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)
    assert set(asked) == {200}
    assert RULE in loaded(api)
