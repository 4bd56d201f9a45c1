"""The rules of the house that a machine can check. Each takes the tree and yields what breaks it, with the fix."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from tree import Finding, Tree, under

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Rule = Callable[[Tree], Iterator[Finding]]

MOST_LINES = {"*.rs": 600, "*.py": 400, "*.ts": 300, "*.tsx": 300}
"""The longest file of each kind that a reader should have to hold in mind."""

RUST_P95 = 400
"""95 of 100 Rust files have at most so many lines."""

ATTACH = re.compile(r"\bPython::(attach|try_attach|with_gil|assume_attached|attach_unchecked|initialize)\b")
SQL = re.compile(r"\bsqlx::(query\w*|raw_sql|QueryBuilder)\b|\bquery(_as|_scalar|_file\w*)?(_unchecked)?!\s*[(\[{]")
ENVIRONMENT = re.compile(r"\benv::(var|var_os|vars|vars_os|set_var|remove_var)\b")
# In two halves, or this file would break its own rules.
UNFINISHED = re.compile(r"\b(" + "TO" + "DO|FIX" + r"ME|X" + r"XX)\b(?!.*#\d+)")
SKIPPED = re.compile(
    r"#\[ignore\b|#\[cfg_attr\([^]]*\bignore\b|@pytest\.mark\.(skip|xfail)\b(?!if)|\bpytest\.skip\("
    r"|\b(it|test|describe)\.(skip|only|todo)\("
)
MACHINE = re.compile(r"(?<![\w.~$}])/(root|work|Users|home)/(?!user\b|you\b)[\w.-]+")
HOSTS = re.compile(
    r"\b(index\.crates\.io|static\.crates\.io|files\.pythonhosted\.org|pypi\.org/simple|registry\.npmjs\.org"
    r"|repo1?\.maven(\.apache)?\.org|deb\.debian\.org|proxy\.golang\.org)\b"
)
# fmt: off
UNWANTED_IN_PYTHON = frozenset({
    "aiohttp", "bottle", "django", "fastapi", "flask", "gunicorn", "httpx", "requests", "sanic", "starlette", "tornado",
    "uvicorn", "websockets", "werkzeug", "asyncpg", "duckdb", "peewee", "psycopg", "psycopg2", "pymysql",
    "sqlite3", "sqlmodel",
})
# fmt: on
FROM_SQLALCHEMY = frozenset({"exc", "event"})
"""PyIceberg's catalog raises its errors and has its connections: no more of it than that."""


def files_are_small(tree: Tree) -> Iterator[Finding]:
    """No file is longer than its kind allows, and few Rust files come near."""
    rust: list[tuple[int, str]] = []
    for kind, most in MOST_LINES.items():
        for path, text in tree.matching(kind):
            length = text.count("\n")
            if length > most:
                yield Finding(path, length, f"{length} lines, at most {most}: split it by what changes together")
            if kind == "*.rs":
                rust.append((length, path))
    rust.sort()
    if rust:
        # Nearest rank: the smallest length that 95 of 100 files do not exceed.
        length, path = rust[-(-95 * len(rust) // 100) - 1]
        if length > RUST_P95:
            long = ", ".join(f"{path} ({length})" for length, path in reversed(rust) if length > RUST_P95)
            yield Finding(path, length, f"5 % of the Rust files are over {RUST_P95} lines; split some of: {long}")


def python_is_attached_in_one_place(tree: Tree) -> Iterator[Finding]:
    """Only the gate attaches to Python: elsewhere it would block an async worker or hold a lock."""
    for path, number, line in tree.code("*.rs"):
        if ATTACH.search(line) and not under(path, "host/src/python", "python/native"):
            yield Finding(path, number, "attaches to Python: go through the gate in host/src/python")


def sql_is_in_db(tree: Tree) -> Iterator[Finding]:
    """SQL stands in host/src/db, one file a resource; tests may damage a database from outside."""
    for path, number, line in tree.code("*.rs"):
        if SQL.search(line) and not under(path, "host/src/db", "tests"):
            yield Finding(path, number, "SQL: move the statement to host/src/db and call it from here")


def environment_is_read_once(tree: Tree) -> Iterator[Finding]:
    """The environment is read by the configuration; build scripts, the author kit, tests and benches have none."""
    for path, number, line in tree.code("*.rs"):
        own = ("host/src/config.rs", "host/src/config", "host/author", "plugins/sdk", "tests")
        tried = ("host/runtime/tests", "host/runtime/benches")
        read_here = under(path, *own, *tried)
        if ENVIRONMENT.search(line) and not read_here and not path.endswith(("/build.rs", "/tests.rs")):
            yield Finding(path, number, "touches the environment: read it in host/src/config.rs and pass the value")


def python_package_has_no_server(tree: Tree) -> Iterator[Finding]:
    """python/drls is functions over plain data: no web library, no database of its own."""
    for path, text in tree.matching("python/drls/*.py", "python/drls/**/*.py"):
        for node in ast.walk(ast.parse(text, path)):
            for module, names in _imports(node):
                top = module.split(".")[0]
                if top in UNWANTED_IN_PYTHON or module in {"http.server", "socketserver", "wsgiref"}:
                    yield Finding(path, _line(node), f"imports {module}: such work belongs to the server in host/")
                if top == "sqlalchemy" and not (names or {module.partition(".")[2]}) <= FROM_SQLALCHEMY:
                    yield Finding(path, _line(node), "uses SQLAlchemy: the catalog is reached through PyIceberg only")


def _imports(node: ast.AST) -> Iterator[tuple[str, set[str]]]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield alias.name, set()
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield node.module, {alias.name for alias in node.names} if node.module == "sqlalchemy" else set()


def _line(node: ast.AST) -> int:
    return getattr(node, "lineno", 1)


def nothing_is_left_for_later(tree: Tree) -> Iterator[Finding]:
    """What is to be done has an issue; what is not done is not there."""
    for path, number, line in tree.lines(
        "*.rs", "*.py", "*.ts", "*.tsx", "*.sh", "*.toml", "*.sql", "*.wit", "Makefile"
    ):
        if UNFINISHED.search(line):
            yield Finding(path, number, "left for later: do it, or file an issue and name it as #123 on this line")


def no_test_is_switched_off(tree: Tree) -> Iterator[Finding]:
    """A test that does not run holds nothing."""
    for path, number, line in tree.lines("*.rs", "*.py", "*.ts", "*.tsx"):
        if SKIPPED.search(line) and not under(path, "tests/tidy"):
            yield Finding(path, number, "a test that is switched off: mend it or remove it")


def no_machine_is_named(tree: Tree) -> Iterator[Finding]:
    """The project runs anywhere: no folder of one machine, no address of one package registry."""
    for path, text in tree.files.items():
        if under(path, "tests/tidy"):
            continue
        for number, line in enumerate(text.splitlines(), start=1):
            if found := MACHINE.search(line):
                yield Finding(path, number, f"a path of one machine ({found[0]}): derive it, or take ~ or $HOME")
            if found := HOSTS.search(line):
                yield Finding(path, number, f"the host of a registry ({found[0]}): leave it to the package client")


RULES: tuple[Rule, ...] = (
    files_are_small,
    python_is_attached_in_one_place,
    sql_is_in_db,
    environment_is_read_once,
    python_package_has_no_server,
    nothing_is_left_for_later,
    no_test_is_switched_off,
    no_machine_is_named,
)
