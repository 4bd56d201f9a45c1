"""Holds the house to its rules, and the rules to their word: each is also shown a tree that breaks it."""

from __future__ import annotations

import json

import guide
import manifests
import pytest
import routes
import rules
from tree import Finding, Tree

ALL = (*rules.RULES, *manifests.RULES, *routes.RULES, *guide.RULES)

LOCK = """
[[package]]
name = "drls-runtime"
dependencies = ["wrap 1.0.0"]

[[package]]
name = "wrap"
dependencies = ["hyper"]
"""
ROUTER = """
.routes(routes!(status::show))
.routes(routes!(jobs::list, jobs::gone))
"""
STATUS = """
/// Doc.
#[utoipa::path(get, path = "/api/health", responses((status = 200, body = X)))]
pub(crate) async fn show() {}
"""
JOBS = """
#[utoipa::path(
  get,
  path = "/api/jobs",
)]
pub async fn list() {}

#[utoipa::path(post, path = "/api/x")]
pub async fn lost() {}

macro_rules! fixed {
    ($name:ident, $path:literal) => {
        #[utoipa::path(post, path = $path)]
        pub async fn $name() {}
    };
}

fixed!(made, "/api/made");
"""
REFUSALS = """
    #[error("the file is empty; copy it again")]
    Empty,
    #[error("does not compile: {0}")]
    Compile(String),
            Self::Empty => "empty",
            Self::Compile(_) => "compile",
"""
OPENAPI = json.dumps({"paths": {"/api/health": {"get": {}}, "/api/old": {"delete": {}}}})


@pytest.fixture(scope="module")
def checkout() -> Tree:
    """The checkout, read once for all rules."""
    return Tree.checkout()


@pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule.__name__)
def test_the_house_keeps_its_rule(rule: rules.Rule, checkout: Tree) -> None:
    findings = sorted(rule(checkout))
    assert not findings, f"{rule.__doc__}\n" + "\n".join(map(str, findings))


def test_the_checkout_is_seen(checkout: Tree) -> None:
    assert {"Makefile", "Cargo.toml", "host/Cargo.toml", "tests/tidy/tree.py"} <= checkout.files.keys()


@pytest.mark.parametrize(
    ("rule", "files", "expected"),
    [
        (rules.files_are_small, {"host/src/a.rs": "\n" * 601}, ["host/src/a.rs:601", "host/src/a.rs:601"]),
        (rules.files_are_small, {f"{n}.rs": "\n" * (401 if n < 2 else 9) for n in range(20)}, ["0.rs:401"]),
        (rules.files_are_small, {"a.py": "\n" * 401, "b.tsx": "\n" * 301}, ["a.py:401", "b.tsx:301"]),
        (
            rules.python_is_attached_in_one_place,
            {"host/src/api/a.rs": "x();\nPython::attach(|py| 1)"},
            ["host/src/api/a.rs:2"],
        ),
        (rules.sql_is_in_db, {"host/src/app.rs": 'sqlx::query_scalar!("SELECT 1")'}, ["host/src/app.rs:1"]),
        (rules.sql_is_in_db, {"host/src/app.rs": 'query_as!(Row, "SELECT 1")'}, ["host/src/app.rs:1"]),
        (
            rules.environment_is_read_once,
            {"host/src/cli/serve.rs": 'std::env::var("HOME")'},
            ["host/src/cli/serve.rs:1"],
        ),
        (
            rules.python_package_has_no_server,
            {"python/drls/a.py": "import os\nimport flask.app"},
            ["python/drls/a.py:2"],
        ),
        (
            rules.python_package_has_no_server,
            {"python/drls/b/c.py": "from http.server import X"},
            ["python/drls/b/c.py:1"],
        ),
        (
            rules.python_package_has_no_server,
            {"python/drls/a.py": "from sqlalchemy import text"},
            ["python/drls/a.py:1"],
        ),
        (rules.nothing_is_left_for_later, {"a.rs": "// TO" + "DO: later"}, ["a.rs:1"]),
        (rules.no_test_is_switched_off, {"a.rs": "\n#[ignore]\nfn a() {}"}, ["a.rs:2"]),
        (rules.no_test_is_switched_off, {"a.py": "@pytest.mark.skip"}, ["a.py:1"]),
        (rules.no_machine_is_named, {"README.md": "cd /home/jane/drls"}, ["README.md:1"]),
        (rules.no_machine_is_named, {"package-lock.json": '"https://registry.npmjs.org/a"'}, ["package-lock.json:1"]),
        (
            manifests.runtime_stays_small,
            {"Cargo.lock": LOCK, "host/runtime/Cargo.toml": "\nwrap = 1"},
            ["host/runtime/Cargo.toml:2"],
        ),
        (
            manifests.dependencies_have_a_reason,
            {"host/Cargo.toml": '[dependencies]\naxum = "1"'},
            ["host/Cargo.toml:2"],
        ),
        (
            manifests.dependencies_have_a_reason,
            {"python/requirements.in": "# a\npandas==1"},
            ["python/requirements.in:2"],
        ),
        (
            manifests.dependencies_have_a_reason,
            {"host/DEPENDENCIES.md": "| `axum` | HTTP |"},
            ["host/DEPENDENCIES.md:1"],
        ),
        (
            guide.every_refusal_is_explained,
            {guide.SOURCE: REFUSALS, guide.GUIDE: "## `empty`\n> the file is empty; copy\n> it again\n"},
            ["host/runtime/src/refusal.rs:4", "host/runtime/src/refusal.rs:7"],
        ),
        (
            routes.routes_are_described,
            {
                "host/src/router.rs": ROUTER,
                "host/src/api/status.rs": STATUS,
                "host/src/api/jobs.rs": JOBS,
                "tests/api/openapi.json": OPENAPI,
            },
            # Served but not described, routed without a handler, described but not served; a handler nobody routes.
            [
                "host/src/api/jobs.rs:8",
                "host/src/api/jobs.rs:18",
                "host/src/router.rs:3",
                "host/src/router.rs:3",
                "tests/api/openapi.json:1",
            ],
        ),
    ],
)
def test_a_rule_finds_what_breaks_it(rule: rules.Rule, files: dict[str, str], expected: list[str]) -> None:
    assert [f"{finding.path}:{finding.line}" for finding in sorted(rule(Tree(files)))] == expected


@pytest.mark.parametrize(
    ("rule", "files"),
    [
        (rules.python_is_attached_in_one_place, {"host/src/python/lane.rs": "Python::attach(|py| 1)"}),
        (rules.python_is_attached_in_one_place, {"host/src/a.rs": "// never Python::attach here"}),
        (rules.sql_is_in_db, {"host/src/db/jobs.rs": 'sqlx::query!("SELECT 1")'}),
        (rules.environment_is_read_once, {"host/build.rs": 'env::var("OUT_DIR")', "host/src/config.rs": "env::vars()"}),
        (
            rules.python_package_has_no_server,
            {"python/drls/a.py": "from sqlalchemy import event, exc\nimport pyiceberg"},
        ),
        (rules.nothing_is_left_for_later, {"a.rs": "// TO" + "DO #12: when the catalog can"}),
        (rules.no_machine_is_named, {"README.md": "~/.drls, $HOME/x, /home/user/tables, https://a.b/home/x"}),
        (
            manifests.dependencies_have_a_reason,
            {"host/Cargo.toml": '[dependencies]\ndrls-author = { path = "author" }'},
        ),
    ],
)
def test_a_rule_leaves_the_innocent_alone(rule: rules.Rule, files: dict[str, str]) -> None:
    assert list(rule(Tree(files))) == []


def test_a_finding_names_the_place_and_the_fix() -> None:
    assert str(Finding("host/src/a.rs", 7, "move it")) == "host/src/a.rs:7: move it"
