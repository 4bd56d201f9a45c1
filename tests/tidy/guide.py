"""Rules about the guide for authors of plugins: whatever a server may say to them is explained."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tree import Finding, Tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Rule = Callable[[Tree], Iterator[Finding]]

SOURCE = "host/runtime/src/refusal.rs"
GUIDE = "docs/plugins/refusals.md"
TEXT = re.compile(r'#\[error\(\s*"(?P<text>(?:[^"\\]|\\.)*)"', re.DOTALL)
CODE = re.compile(r'=> "(?P<code>[a-z-]+)"')
HOLE = re.compile(r"\{[^{}]*\}")
WORDS = re.compile(r"[A-Za-z]")

LEAST = 8
"""A piece of text with fewer letters says nothing by itself."""


def every_refusal_is_explained(tree: Tree) -> Iterator[Finding]:
    """docs/plugins/refusals.md has every text and every code by which a plugin may be refused."""
    source, guide = tree.files.get(SOURCE, ""), _plain(tree.files.get(GUIDE, ""))
    for found in TEXT.finditer(source):
        text = re.sub(r"\\\n\s*", "", found["text"])
        line = source.count("\n", 0, found.start()) + 1
        for piece in HOLE.split(text):
            if len(WORDS.findall(piece)) >= LEAST and _plain(piece) not in guide:
                yield Finding(SOURCE, line, f"{GUIDE} does not explain {_plain(piece)!r}: quote it, and say what to do")
    for found in CODE.finditer(source):
        if f"## `{found['code']}`" not in tree.files.get(GUIDE, ""):
            line = source.count("\n", 0, found.start()) + 1
            yield Finding(SOURCE, line, f"{GUIDE} has no part '## `{found['code']}`'")


def _plain(text: str) -> str:
    """One line, without the marks of a quotation."""
    return " ".join(text.replace("\n> ", " ").split())


RULES: tuple[Rule, ...] = (every_refusal_is_explained,)
