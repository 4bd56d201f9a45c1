"""The rule about the HTTP contract: what router.rs serves is what the committed description says, route for route."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from tree import Finding, Tree

if TYPE_CHECKING:
    from collections.abc import Iterator

ROUTER = "host/src/router.rs"
API = "host/src/api"
SERVED = re.compile(r"routes!\((?P<handlers>[^)]*)\)")
HANDLER = re.compile(
    r"#\[utoipa::path\(\s*(?P<method>get|put|post|delete|patch|head|options)\b(?P<rest>.*?)\)\]\s*"
    r"(?:#\[[^\n]*\]\s*|///[^\n]*\n\s*)*pub(?:\([a-z]+\))? async fn (?P<name>\w+)",
    re.DOTALL,
)
# A macro of the file that writes handlers, called as `fixed!(name, "/path", ..)`.
WRITES_HANDLERS = re.compile(r"macro_rules! (?P<macro>\w+) \{.*?#\[utoipa::path\(\s*(?P<method>\w+),", re.DOTALL)
PATH = re.compile(r'\bpath\s*=\s*"(?P<path>[^"]+)"')

Route = tuple[str, str]
"""Method in lower case, and path."""


def routes_are_described(tree: Tree) -> Iterator[Finding]:
    """Each route of the router is in openapi.json, each of openapi.json in the router, each handler in both."""
    router = tree.files.get(ROUTER)
    if router is None:
        return
    described = _described(tree)
    if described is None:
        yield Finding(ROUTER, 1, "no openapi.json is committed: write what `drls openapi` prints to it")
        return
    snapshot, expected = described
    handlers = _handlers(tree)
    routed = list(_routed(router))
    served = {handlers[name][2]: line for line, name in routed if name in handlers}
    for number, text in enumerate(router.splitlines(), start=1):
        if ".route(" in text:
            yield Finding(ROUTER, number, "a route without a description: add it with routes!(module::handler)")
    for number, name in routed:
        if name not in handlers:
            yield Finding(ROUTER, number, f"{name} has no #[utoipa::path] in {API}: describe it there")
    for name in handlers.keys() - {name for _, name in routed}:
        file, number, _ = handlers[name]
        yield Finding(file, number, f"{name} is described but not served: add routes!({name}) to {ROUTER}")
    for method, path in served.keys() - expected:
        fix = f"{method.upper()} {path} is not in {snapshot}: write it again with `drls openapi`"
        yield Finding(ROUTER, served[method, path], fix)
    for method, path in expected - served.keys():
        yield Finding(snapshot, 1, f"{method.upper()} {path} is not served: write it again with `drls openapi`")


def _routed(router: str) -> Iterator[tuple[int, str]]:
    """Line and `module::name` of each handler in the router."""
    for found in SERVED.finditer(router):
        line = router.count("\n", 0, found.start()) + 1
        yield from ((line, name.strip()) for name in found["handlers"].split(",") if name.strip())


def _described(tree: Tree) -> tuple[str, set[Route]] | None:
    for path, text in tree.files.items():
        if path.endswith("openapi.json"):
            paths = json.loads(text)["paths"]
            return path, {(method, route) for route, item in paths.items() for method in item if method != "parameters"}
    return None


def _handlers(tree: Tree) -> dict[str, tuple[str, int, Route]]:
    """Handlers by `module::name`, as the router names them: their file, line and route."""
    handlers: dict[str, tuple[str, int, Route]] = {}
    for file, text in tree.files.items():
        if not file.startswith(API + "/") or not file.endswith(".rs"):
            continue
        module = file.removeprefix(API + "/").removesuffix(".rs").removesuffix("/mod").split("/")[0]
        for found in HANDLER.finditer(text):
            if path := PATH.search(found["rest"]):
                line = text.count("\n", 0, found.start()) + 1
                handlers[f"{module}::{found['name']}"] = (file, line, (found["method"], path["path"]))
        for macro in WRITES_HANDLERS.finditer(text):
            call = re.compile(rf'^{macro["macro"]}!\((?P<name>\w+),\s*"(?P<path>/[^"]+)"', re.MULTILINE)
            for found in call.finditer(text):
                line = text.count("\n", 0, found.start()) + 1
                handlers[f"{module}::{found['name']}"] = (file, line, (macro["method"], found["path"]))
    return handlers


RULES = (routes_are_described,)
