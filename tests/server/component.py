"""Makes another build of a plugin out of one that is there: its manifest travels in a section of the file."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HEADER = 8
_CUSTOM = 0
_SECTION = b"drls:manifest"


def number(data: bytes, at: int) -> tuple[int, int]:
    """Read an unsigned LEB128 number; give it and where it ends."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:  # noqa: PLR2004 (the bit that says that more follows)
            return value, at


def as_number(value: int) -> bytes:
    """Write an unsigned LEB128 number."""
    written = bytearray()
    while value > 0x7F:  # noqa: PLR2004
        written.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*written, value])


def section(kind: int, content: bytes) -> bytes:
    """Write a section."""
    return bytes([kind]) + as_number(len(content)) + content


def _sections(data: bytes) -> Iterator[tuple[bytes, bytes | None]]:
    """Give each outermost section, and what the manifest's holds."""
    at = HEADER
    while at < len(data):
        size, start = number(data, at + 1)
        end, manifest = start + size, None
        if data[at] == _CUSTOM:
            length, name = number(data, start)
            if data[name : name + length] == _SECTION:
                manifest = data[name + length : end]
        yield data[at:end], manifest
        at = end


def other_build(component: bytes, **changed: Any) -> bytes:
    """Give the component with other values in its manifest: another digest, and what they make it do."""
    sections = list(_sections(component))
    manifest = next(json.loads(held) for _, held in sections if held is not None)
    written = json.dumps(manifest | changed).encode()
    content = as_number(len(_SECTION)) + _SECTION + written
    kept = b"".join(whole for whole, held in sections if held is None)
    return component[:HEADER] + kept + section(_CUSTOM, content)


def digest(component: bytes) -> str:
    """Give the digest by which the server names a component."""
    return hashlib.sha256(component).hexdigest()


def drop_in(folder: Path, name: str, content: bytes) -> None:
    """Put a file into the plugins folder by one rename, as an installer does."""
    beside = folder.parent / f".{name}.new"
    beside.write_bytes(content)
    beside.rename(folder / name)
