"""Runs the checks and the test suites and adds up what they count.

Every suite runs, whatever happened before it. They run one after the other, but for the longest: it waits much, so
what is left runs beside it, and what is then still left two at a time. Output is passed on as it comes, of what runs
beside when it is done. At the end stands a table with times, the name of each test that failed, and one plain line,
``N passed, N failed``. A check counts as one. A suite that ran no test has failed: a typo in a path must not look
like success. A suite that takes longer than its limit is stopped and has failed, so that one that hangs does not take
the others' turn.

Exit status: 0 where all passed, 1 where something failed, 2 for a mistake in the arguments, 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TOP = Path(__file__).resolve().parent.parent
PYTHON = str(TOP / ".venv" / "bin" / "python")
COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")

# The closing lines of the runners: cargo test (one for each binary), pytest, and the plain form of our own tools.
CARGO = re.compile(r"^test result: \w+\. (?P<passed>\d+) passed; (?P<failed>\d+) failed; (?P<skipped>\d+) ignored;")
PYTEST = re.compile(r"^=* ?(?=.*\d+ (passed|failed|errors?|skipped|deselected)).* in [\d.]+s")
PLAIN = re.compile(r"^(?:\w+: )?(?P<passed>\d+) passed, (?P<failed>\d+) failed(?:, (?P<skipped>\d+) skipped)?$")
VITEST = re.compile(r"^\s*Tests\s+(?=\d+ (passed|failed|skipped))")
# How the runners name a test that failed, once; vitest says on the next line why.
NAMED = {
    "cargo": re.compile(r"^test (.+) \.\.\. FAILED$"),
    "plain": re.compile(r"^(?:test )?(.+) \.\.\. FAILED$"),
    "pytest": re.compile(r"^(?:FAILED|ERROR) (\S.*)$"),
    "vitest": re.compile(r"^ FAIL {2}(.+)$"),
}
NAMED_AT_MOST, LETTERS = 12, 240
PYTEST_COUNT = re.compile(r"(\d+) (passed|failed|errors?|skipped|xfailed|xpassed)")


@dataclass
class Counts:
    """How many tests a suite ran, by their end."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def add(self, other: Counts) -> None:
        """Adds the counts of another suite to these."""
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped


@dataclass(frozen=True)
class Suite:
    """One command and what counts for it: its exit status alone, or the closing lines of its runner."""

    name: str
    command: tuple[str, ...]
    counts: Literal["check", "cargo", "pytest", "vitest", "plain"]
    folder: str = "."
    environment: dict[str, str] = field(default_factory=dict)
    lane: Literal["alone", "longest", "beside"] = "alone"
    limit: float = 1800
    """Seconds, some five times what it takes on a loaded machine."""


@dataclass(frozen=True)
class Result:
    """What came of a suite."""

    suite: Suite
    counts: Counts
    seconds: float
    remark: str
    failures: tuple[str, ...] = ()
    """The tests that failed, by the runner's names for them."""


def check(name: str, *command: str, folder: str = ".", **environment: str) -> Suite:
    """A suite that counts as one."""
    return Suite(name, command, "check", folder, environment)


def checks() -> list[Suite]:
    """What `make check` runs. The host's crates are checked on the profile that they are built and tested on."""
    # PYO3_PYTHON and the profile are the same as for the build, so dependencies are compiled once.
    clippy = ("--workspace", "--all-targets", "--", "-D", "warnings")
    python = ("python", "scripts", "tests", "plugins/sdk-python")
    mypy = (PYTHON, "-m", "mypy", "--config-file", "python/pyproject.toml")
    return [
        check("build", "scripts/build.sh"),
        check("format: host", "cargo", "fmt", "--all", "--check"),
        check("format: plugins", "cargo", "fmt", "--all", "--check", folder="plugins"),
        check("format: fuzz", "cargo", "fmt", "--check", folder="host/fuzz"),
        check("clippy: host", "cargo", "clippy", "--release", *clippy),
        check("clippy: plugins", "cargo", "clippy", *clippy, folder="plugins"),
        check("docs: host", "cargo", "doc", "--release", "--workspace", "--no-deps", RUSTDOCFLAGS="-D warnings"),
        check(
            "docs: plugins", "cargo", "doc", "--workspace", "--no-deps", folder="plugins", RUSTDOCFLAGS="-D warnings"
        ),
        check("ruff", PYTHON, "-m", "ruff", "check", *python),
        check("format: python", PYTHON, "-m", "ruff", "format", "--check", *python),
        # Apart, since both have files of the same name.
        check("mypy: python", *mypy, "python"),
        check("mypy: house", *mypy, "scripts", "tests"),
        check("mypy: plugin sdk", *mypy, "plugins/sdk-python/drls_plugin"),
        check("console: types, lints, format", "npm", "run", "--silent", "check", folder="frontend"),
        check("shellcheck", "shellcheck", "--external-sources", "--source-path=SCRIPTDIR", *shell_scripts()),
        check("unused dependencies", "cargo", "machete", "host", "plugins"),
        check("licences: host", "scripts/deny.sh", "Cargo.toml"),
        check("licences: plugins", "scripts/deny.sh", "plugins/Cargo.toml"),
    ]


def tests() -> list[Suite]:
    """What `make test` runs after the checks."""
    cargo = ("cargo", "test", "--workspace", "--no-fail-fast")
    build = ("cargo", "build", "--workspace", "--release")
    pytest = (PYTHON, "-m", "pytest", "--color=auto", "--durations=10", "-c", "python/pyproject.toml", "--rootdir", ".")
    # What stands between the SDK and a component can be imported inside one only.
    sdk = ("plugins/sdk-python", "--ignore", "plugins/sdk-python/drls_plugin/guest.py")
    return [
        Suite("rust: host", (*cargo, "--release", "--lib", "--bins", "--test", "api", "--test", "suite"), "cargo"),
        Suite("rust: plugins", cargo, "cargo", "plugins"),
        *(Suite(f"plugin: {name}", plugin_test(name), "plain") for name in plugins()),
        Suite("python: plugin sdk", (*pytest, "--doctest-modules", *sdk), "pytest", ".", {"PYTHONPATH": sdk[0]}),
        check("javascript: plugin sdk", "node", "--test", folder="plugins/sdk-javascript"),
        Suite("console", ("npm", "run", "--silent", "test"), "vitest", "frontend"),
        # Stands for a third party's, for the author kit. Cargo makes it by itself only where no target is named.
        Suite("rust: program of the kit", (*build, "--example", "drls-plugin"), "check"),
        Suite("house", (*pytest, "tests/server"), "pytest", lane="longest"),
        # Builds plugins in three languages.
        Suite("rust: author kit", (*cargo, "--release", "--test", "kit"), "cargo", lane="beside"),
        Suite("python", (*pytest, "python/tests"), "pytest", lane="beside"),
        Suite("house: faults, soak", (*pytest, "tests", "--ignore", "tests/server"), "pytest", lane="beside"),
        Suite("console: browser", ("npm", "run", "--silent", "e2e"), "vitest", "frontend", lane="beside"),
        *(example_test(name) for name in examples()),
    ]


def plugin_test(name: str) -> tuple[str, ...]:
    """The command that runs a plugin's self-tests and cases on the file that `make build` made."""
    cases = f"plugins/{name}/tests"
    return ("target/release/drls", "plugin", "test", f"target/plugins/{name}.wasm", "--cases", cases)


def example_test(name: str) -> Suite:
    """Builds a third party's plugin and runs its tests as its author would, with the crates that our guests have."""
    command = ("target/release/drls", "plugin", "test", f"examples/third-party/{name}")
    target = {"CARGO_TARGET_DIR": str(TOP / "plugins" / "target")}
    return Suite(f"example: {name}", command, "plain", ".", target, lane="beside")


def examples() -> list[str]:
    """The third parties' plugins, by name."""
    return sorted(manifest.parent.name for manifest in (TOP / "examples" / "third-party").glob("*/plugin.toml"))


def plugins() -> list[str]:
    """The first-party plugins: the folders with a manifest."""
    return sorted(manifest.parent.name for manifest in (TOP / "plugins").glob("*/plugin.toml"))


def shell_scripts() -> list[str]:
    """Every shell script of the project."""
    return [".ci/run", *sorted(str(path.relative_to(TOP)) for path in (TOP / "scripts").glob("*.sh"))]


def closing(counts: str, line: str) -> Counts | None:
    """The counts in a closing line of this runner; none where it is another line."""
    if counts in ("pytest", "vitest"):
        if not (PYTEST if counts == "pytest" else VITEST).match(line):
            return None
        words = {word.removesuffix("s"): int(number) for number, word in PYTEST_COUNT.findall(line)}
        failed = sum(words.get(word, 0) for word in ("failed", "error", "xpassed"))
        return Counts(words.get("passed", 0) + words.get("xfailed", 0), failed, words.get("skipped", 0))
    found = {"cargo": CARGO, "plain": PLAIN}[counts].match(line)
    return Counts(*(int(found[word] or 0) for word in ("passed", "failed", "skipped"))) if found else None


def note_failure(counts: str, line: str, failures: list[str]) -> None:
    """Adds the test that this line says has failed. A name that ends in a blank has had its reason added."""
    if counts == "vitest" and failures and not failures[-1].endswith(" "):
        failures[-1] += f": {line} "
    if found := NAMED[counts].match(line):
        failures.append(found.group(1))


BEGAN = time.monotonic()

# What runs, for whoever ends it.
running: set[subprocess.Popen[str]] = set()


def stop(process: subprocess.Popen[str]) -> None:
    """Ends a suite with all that it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(10)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def stop_late(process: subprocess.Popen[str]) -> None:
    """Ends a suite that takes too long. Python tells first where it is."""
    with suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGABRT)
    with suppress(subprocess.TimeoutExpired):
        process.wait(10)
    stop(process)


@contextmanager
def ended(timer: threading.Timer) -> Iterator[None]:
    """Cancels a timer whatever happens: after Ctrl-C it would stop a process that is another's by then."""
    try:
        yield
    finally:
        timer.cancel()


def tell(text: str) -> None:
    """Passes output on."""
    sys.stdout.write(text)
    sys.stdout.flush()


def run(suite: Suite, tell: Callable[[str], None] = tell) -> Result:
    """Runs a suite, passes its output on, and counts."""
    tell(f"\n--- {suite.name}: {' '.join(suite.command)}\n")
    began = time.monotonic()
    counts = Counts()
    failures: list[str] = []
    colour = {"CARGO_TERM_COLOR": "always"} if sys.stdout.isatty() else {}
    # What is killed has said what it had to say.
    python = {"PYTHONUNBUFFERED": "1"}
    try:
        process = subprocess.Popen(
            suite.command,
            cwd=TOP / suite.folder,
            env={**os.environ, **python, **colour, **suite.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        tell(f"{error}\n")
        return Result(suite, Counts(failed=1), time.monotonic() - began, "did not start")
    running.add(process)
    late = threading.Timer(suite.limit, stop_late, (process,))
    late.daemon = True
    late.start()
    with process, ended(late):
        for line in process.stdout or ():
            tell(line)
            if suite.counts == "check":
                continue
            plain = COLOURS.sub("", line).rstrip()
            if found := closing(suite.counts, plain):
                counts.add(found)
            note_failure(suite.counts, plain, failures)
    status = process.wait()
    running.discard(process)
    took, remark = time.monotonic() - began, ""
    if took >= suite.limit:
        counts.failed, remark = counts.failed + 1, f"stopped after {suite.limit:.0f} s"
    elif suite.counts == "check":
        counts = Counts(passed=1) if status == 0 else Counts(failed=1)
    elif status != 0 and counts.failed == 0:
        # A compiler error, a crash, or nothing collected: no closing line tells of it.
        counts.failed, remark = 1, f"ended with status {status}"
    elif counts.passed + counts.failed == 0:
        counts.failed, remark = 1, "ran no test"
    tell(f"--- {suite.name}: {counts.passed} passed, {counts.failed} failed in {took:.0f} s {remark}".rstrip() + "\n")
    return Result(suite, counts, took, remark, tuple(failures))


def run_all(suites: list[Suite], results: list[Result]) -> None:
    """Runs all, and adds each result as it comes: what ended before a Ctrl-C is reported."""
    stopped = threading.Event()

    def taken(lane: str) -> Suite | None:
        with suppress(IndexError):
            return waiting[lane].popleft()
        return None

    def turns(*lanes: str) -> None:
        for lane in lanes:
            while not stopped.is_set() and (suite := taken(lane)):
                kept: list[str] = []
                results.append(run(suite, kept.append if lane == "beside" else tell))
                tell("".join(kept))

    waiting = {name: deque(one for one in suites if one.lane == name) for name in ("alone", "longest", "beside")}
    with ThreadPoolExecutor() as workers:
        try:
            turns("alone")
            both = [workers.submit(turns, "longest", "beside"), workers.submit(turns, "beside")]
            for one in both:
                one.result()
        finally:
            stopped.set()
            for process in list(running):
                stop(process)


def report(results: list[Result]) -> int:
    """Prints the table and the closing line; the answer is the exit status."""
    total = Counts()
    print(f"\n{'':2}{'suite':<28}{'passed':>8}{'failed':>8}{'skipped':>9}{'seconds':>9}")
    for result in results:
        total.add(result.counts)
        mark = "!" if result.counts.failed else " "
        counts = f"{result.counts.passed:>8}{result.counts.failed:>8}{result.counts.skipped:>9}"
        print(f"{mark:2}{result.suite.name:<28}{counts}{result.seconds:>9.1f}  {result.remark}".rstrip())
    print(f"{'':2}{'all':<28}{total.passed:>8}{total.failed:>8}{total.skipped:>9}{time.monotonic() - BEGAN:>9.1f}\n")
    # Last, so that whoever sees only the end of a long output knows what to look for.
    failures = [f"{result.suite.name}: {failure}" for result in results for failure in result.failures]
    for failure in failures[:NAMED_AT_MOST]:
        print(f"! {failure.strip()[:LETTERS]}")
    if len(failures) > NAMED_AT_MOST:
        print(f"! and {len(failures) - NAMED_AT_MOST} more")
    skipped = f", {total.skipped} skipped" if total.skipped else ""
    print(f"{total.passed} passed, {total.failed} failed{skipped}", flush=True)
    return 1 if total.failed or not total.passed else 0


def main() -> int:
    """Reads the arguments and runs what they ask for."""
    parser = argparse.ArgumentParser(description="Runs the checks and the test suites and adds up what they count.")
    parser.add_argument("--checks", action="store_true", help="the checks alone")
    parser.add_argument(
        "--only", metavar="NAME", action="append", help="only suites whose name begins so; may be repeated"
    )
    parser.add_argument("--list", action="store_true", help="print the names of the suites")
    arguments = parser.parse_args()
    suites = checks() if arguments.checks else checks() + tests()
    if arguments.only:
        suites = [suite for suite in suites if suite.name.startswith(tuple(arguments.only))]
    if not suites:
        parser.error("no suite has a name that begins so; --list prints the names")
    if arguments.list:
        print("\n".join(suite.name for suite in suites))
        return 0
    results: list[Result] = []
    # Whoever ends a run reads what it came to, as after Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        run_all(suites, results)
    except KeyboardInterrupt:
        report(results)
        return 130
    return report(results)


if __name__ == "__main__":
    sys.exit(main())
