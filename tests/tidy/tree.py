"""The checkout as the house rules see it: text files by their path, and what a rule says of a line."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

TOP = Path(__file__).resolve().parents[2]

GENERATED = ("Cargo.lock", "requirements.lock", "package-lock.json", "openapi.json", "schema.d.ts")
"""Names of files that a tool writes: no rule about style looks into them."""


@dataclass(frozen=True, order=True)
class Finding:
    """A line that breaks a rule, and what mends it."""

    path: str
    line: int
    fix: str

    def __str__(self) -> str:
        """As compilers print it, so that editors find the place."""
        return f"{self.path}:{self.line}: {self.fix}"


@dataclass(frozen=True)
class Tree:
    """Text files by their path from the top, with `/` between the parts."""

    files: dict[str, str] = field(default_factory=dict)

    @classmethod
    def checkout(cls) -> Tree:
        """What git knows or would add; a file that is no UTF-8 text is left out."""
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
            cwd=TOP,
            check=True,
            capture_output=True,
            text=True,
        )
        texts = {path: _text(TOP / path) for path in sorted(filter(None, listed.stdout.split("\0")))}
        return cls({path: text for path, text in texts.items() if text is not None})

    def matching(self, *patterns: str) -> Iterator[tuple[str, str]]:
        """Path and text of files whose name, or path from the top, matches a pattern; generated ones never."""
        for path, text in self.files.items():
            pure = PurePosixPath(path)
            if not is_generated(path) and any(pure.match(pattern) for pattern in patterns):
                yield path, text

    def lines(self, *patterns: str) -> Iterator[tuple[str, int, str]]:
        """Path, number and text of the lines of the files that match."""
        for path, text in self.matching(*patterns):
            for number, line in enumerate(text.splitlines(), start=1):
                yield path, number, line

    def code(self, *patterns: str) -> Iterator[tuple[str, int, str]]:
        """The same for Rust, without comments: a rule about code must not stumble over a sentence on it."""
        for path, number, line in self.lines(*patterns):
            yield path, number, line.split("//", 1)[0]


def _text(path: Path) -> str | None:
    """None where there is no text: a binary, a link to a folder, or a file that is gone though git has it."""
    try:
        return path.read_text(encoding="utf-8")
    except (UnicodeDecodeError, OSError):
        return None


def is_generated(path: str) -> bool:
    """Whether a tool wrote this file, or nobody may ever change it."""
    return path.endswith(GENERATED) or "/frozen/" in path or "/generated/" in path


def under(path: str, *places: str) -> bool:
    """Whether a path is one of these files or lies in one of these folders."""
    return any(path == place or path.startswith(place.rstrip("/") + "/") for place in places)
