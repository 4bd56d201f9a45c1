"""Rules about dependencies: what the runtime may never pull in, and a line of why for whatever comes in at all."""

from __future__ import annotations

import json
import re
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from tree import Finding, Tree

if TYPE_CHECKING:
    from collections.abc import Iterator

# pytest brings tomli where the standard library has no parser yet.
tomllib = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")

WHY = "host/DEPENDENCIES.md"
RUNTIME = "drls-runtime"
NEVER_IN_RUNTIME = frozenset({"axum", "hyper", "pyo3", "pythonize", "sqlx", "tower-http"})
ENTRY = re.compile(r"^\| `(?P<name>[^`]+)` \|(?P<why>.*)\|\s*$")
REQUIREMENT = re.compile(r"^(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)")


def runtime_stays_small(tree: Tree) -> Iterator[Finding]:
    """`host/runtime` knows no HTTP, SQL or Python, neither itself nor through what it uses."""
    lock = tree.files.get("Cargo.lock")
    if lock is None:
        return
    packages: dict[str, list[str]] = {}
    for package in tomllib.loads(lock)["package"]:
        # Two versions of a crate count as one here: the rule is about names.
        names = [dependency.split(" ")[0] for dependency in package.get("dependencies", [])]
        packages.setdefault(package["name"], []).extend(names)
    through: dict[str, str] = {}
    waiting = [RUNTIME]
    while waiting:
        user = waiting.pop()
        for name in packages.get(user, []):
            if name not in through:
                through[name] = user
                waiting.append(name)
    for name in sorted(NEVER_IN_RUNTIME & through.keys()):
        way = [name]
        while way[-1] != RUNTIME:
            way.append(through[way[-1]])
        line = _line_of(tree.files.get("host/runtime/Cargo.toml", ""), way[-2])
        yield Finding("host/runtime/Cargo.toml", line, f"brings {name} ({' <- '.join(way)}): that belongs into host/")


def dependencies_have_a_reason(tree: Tree) -> Iterator[Finding]:
    """Every direct dependency has its line in host/DEPENDENCIES.md, and no line speaks of one that is gone."""
    reasons: dict[str, int] = {}
    for number, line in enumerate(tree.files.get(WHY, "").splitlines(), start=1):
        if found := ENTRY.match(line):
            reasons[found["name"]] = number
            if not found["why"].strip():
                yield Finding(WHY, number, f"says nothing of {found['name']}: what is it for?")
    used: set[str] = set()
    for path, name in _direct(tree):
        if name not in reasons and name not in used:
            asked = _line_of(tree.files[path], name)
            yield Finding(path, asked, f"{name} has no line in {WHY}: add '| `{name}` | why |' to its table")
        used.add(name)
    for name, number in reasons.items():
        if name not in used:
            yield Finding(WHY, number, f"{name} is no direct dependency any more: remove its line")


def _direct(tree: Tree) -> Iterator[tuple[str, str]]:
    for path, text in tree.matching("Cargo.toml"):
        # A file with holes in it is a template of the author kit.
        if "{{" not in text:
            yield from ((path, name) for name in _crates(tomllib.loads(text)))
    for path, text in tree.matching("requirements.in"):
        for line in text.splitlines():
            if found := REQUIREMENT.match(line):
                yield path, found["name"]
    for path, text in tree.matching("package.json"):
        manifest = json.loads(text)
        for section in ("dependencies", "devDependencies"):
            yield from ((path, name) for name in manifest.get(section, {}))


def _crates(manifest: dict[str, Any]) -> Iterator[str]:
    """The crates that a manifest asks for; the workspace's list of versions is no use of its own."""
    tables = [manifest, *manifest.get("target", {}).values()]
    for table in tables:
        for section in ("dependencies", "dev-dependencies", "build-dependencies"):
            for name, wanted in table.get(section, {}).items():
                detail = wanted if isinstance(wanted, dict) else {}
                if "path" not in detail and not name.startswith("drls-"):
                    yield detail.get("package", name)


def _line_of(text: str, name: str) -> int:
    """The line of a manifest that names a dependency; 1 where none begins with it."""
    for number, line in enumerate(text.splitlines(), start=1):
        if re.match(rf'\s*"?{re.escape(name)}\b', line):
            return number
    return 1


RULES = (runtime_stays_small, dependencies_have_a_reason)
