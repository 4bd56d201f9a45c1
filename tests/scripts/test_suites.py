"""The runner of the suites: it must never call a failure a success."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "scripts"))

from suites import Counts, Result, Suite, closing, report, run, run_all  # noqa: E402 - scripts/ is no package


@pytest.mark.parametrize(
    ("runner", "line", "counts"),
    [
        ("cargo", "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; finished in 0.01s", Counts(12, 0, 1)),
        ("cargo", "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured", Counts(3, 2)),
        ("pytest", "39 passed in 0.68s", Counts(39)),
        ("pytest", "==== 2 failed, 39 passed, 4 skipped, 1 error in 61.10s (0:01:01) ====", Counts(39, 3, 4)),
        ("pytest", "==== 2 errors in 0.11s ====", Counts(0, 2)),
        ("vitest", "      Tests  12 passed (12)", Counts(12)),
        ("vitest", "      Tests  2 failed | 10 passed | 1 skipped (13)", Counts(10, 2, 1)),
        ("plain", "4 passed, 1 failed", Counts(4, 1)),
        ("plain", "selftest: 4 passed, 0 failed, 2 skipped", Counts(4, 0, 2)),
        # Not theirs: what a failing test printed of another runner must not be counted.
        ("cargo", "4 passed, 1 failed", None),
        ("pytest", "4 passed, 1 failed", None),
        ("pytest", "==== no tests ran in 0.01s ====", None),
        ("vitest", " Test Files  1 failed | 3 passed (4)", None),
        ("plain", "all 4 passed, 1 failed of them late", None),
    ],
)
def test_a_closing_line_is_counted(runner: str, line: str, counts: Counts | None) -> None:
    assert closing(runner, line) == counts


def suite(script: str, counts: Literal["check", "plain"] = "plain") -> Suite:
    return Suite("x", ("sh", "-c", script), counts)


@pytest.mark.parametrize(
    ("it", "counts", "remark"),
    [
        (suite("echo 2 passed, 0 failed; echo 3 passed, 1 failed; exit 1"), Counts(5, 1), ""),
        (suite("echo 2 passed, 0 failed; exit 101"), Counts(2, 1), "ended with status 101"),
        (suite("printf '\\033[32m2 passed, 0 failed\\033[0m\\n' >&2"), Counts(2), ""),
        (suite("echo hello"), Counts(0, 1), "ran no test"),
        (suite("echo 0 passed, 0 failed"), Counts(0, 1), "ran no test"),
        (suite("echo 5 passed, 5 failed", "check"), Counts(1), ""),
        (suite("exit 3", "check"), Counts(0, 1), ""),
        (Suite("x", ("no-such-command",), "plain"), Counts(0, 1), "did not start"),
    ],
)
def test_a_suite_counts_what_its_command_says(it: Suite, counts: Counts, remark: str) -> None:
    result = run(it)
    assert (result.counts, result.remark) == (counts, remark)


def test_a_suite_that_hangs_is_stopped_with_all_that_it_started(tmp_path: Path) -> None:
    alive = tmp_path / "alive"
    script = f"echo 3 passed, 0 failed; (sleep 2; touch {alive}) & wait"
    result = run(replace(suite(script), limit=0.3))
    assert (result.counts, result.remark) == (Counts(3, 1), "stopped after 0 s")
    time.sleep(2)
    assert not alive.exists()


def test_what_runs_beside_the_longest_is_told_whole_and_counted(capsys: pytest.CaptureFixture[str]) -> None:
    there = tempfile.mkdtemp()
    longest = f"echo begins; until [ -e {there}/done ]; do sleep 0.01; done; echo 1 passed, 0 failed"
    suites = [
        suite("echo 4 passed, 0 failed"),
        Suite("long", ("sh", "-c", longest), "plain", lane="longest"),
        Suite("short", ("sh", "-c", f"echo one; echo 2 passed, 1 failed; touch {there}/done"), "plain", lane="beside"),
    ]
    results: list[Result] = []
    run_all(suites, results)
    assert sum(one.counts.passed for one in results) == 7
    assert sum(one.counts.failed for one in results) == 1
    assert "\none\n2 passed, 1 failed\n" in capsys.readouterr().out


def test_what_is_left_after_the_longest_runs_two_at_a_time(tmp_path: Path) -> None:
    meets = "touch {0}; until [ -e {1} ]; do sleep 0.01; done; echo 1 passed, 0 failed"
    one, other = tmp_path / "one", tmp_path / "other"
    suites = [
        Suite("long", ("sh", "-c", "echo 1 passed, 0 failed"), "plain", lane="longest"),
        Suite("one", ("sh", "-c", meets.format(one, other)), "plain", lane="beside", limit=20),
        Suite("other", ("sh", "-c", meets.format(other, one)), "plain", lane="beside", limit=20),
    ]
    results: list[Result] = []
    run_all(suites, results)
    assert {one.suite.name: one.remark for one in results} == {"long": "", "one": "", "other": ""}


def test_the_report_ends_with_the_sum(capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = run(suite("echo 2 passed, 0 failed, 1 skipped")), run(suite("false"))
    capsys.readouterr()
    assert report([good]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "2 passed, 0 failed, 1 skipped"
    assert report([good, bad]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "2 passed, 1 failed, 1 skipped"
    assert report([]) == 1


@pytest.mark.parametrize(
    ("runner", "lines", "named"),
    [
        ("cargo", ["test session::is_open ... FAILED", "test other ... ok"], "session::is_open"),
        ("pytest", ["FAILED tests/a.py::test_b - KeyError: 'c'"], "tests/a.py::test_b - KeyError: 'c'"),
        ("pytest", ["ERROR tests/a.py - SyntaxError"], "tests/a.py - SyntaxError"),
        (
            "vitest",
            [" FAIL  a.test.ts > is seen", "TimeoutError: 40 s", "Call log:"],
            "a.test.ts > is seen: TimeoutError: 40 s",
        ),
        ("plain", ["many files ... FAILED", "few files ... ok"], "many files"),
    ],
)
def test_what_failed_is_named_at_the_end(
    runner: Literal["cargo", "pytest", "vitest", "plain"],
    lines: list[str],
    named: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    result = run(Suite("x", ("printf", "%s\\n", *lines), runner))
    capsys.readouterr()
    report([result])
    assert capsys.readouterr().out.splitlines()[-2] == f"! x: {named}"


def test_an_unknown_suite_is_a_mistake() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/suites.py", "--only", "moon"], cwd=TOP, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "--list" in done.stderr
