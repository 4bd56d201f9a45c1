"""Makes a plugin misbehave: the code behind its `evaluate` or `plan` is replaced in the file, and nothing else is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from component import HEADER, as_number, number, section

if TYPE_CHECKING:
    from collections.abc import Iterator

_CORE_MODULE = 1
_IMPORT, _FUNCTION, _EXPORT, _CODE = 2, 3, 7, 10
_FUNCTION_IMPORT = 0

AT = 2048
"""Where in its memory a guest lays an answer out; what was there is not read any more."""

PLAN, FINDINGS, DESCRIBED = "plan", "evaluate", "describe"

_AFTER = {FINDINGS: 4, PLAN: 8}
"""Where in `result<answer, error>` what follows its first byte begins: a plan has 64-bit numbers."""


def i32(value: int) -> bytes:
    """Push a number."""
    written = bytearray([0x41])
    while True:
        byte, value = value & 0x7F, value >> 7
        if value in (0, -1) and (byte & 0x40 == 0) == (value == 0):
            return bytes([*written, byte])
        written.append(byte | 0x80)


def grow(pages: int) -> bytes:
    """Ask for memory; leaves the pages that were there, or -1."""
    return i32(pages) + b"\x40\x00"


def stored(content: bytes, at: int = AT) -> bytes:
    """Lay bytes out in memory, four at a time."""
    padded = content + bytes(-len(content) % 4)
    words = (int.from_bytes(padded[here : here + 4], "little", signed=True) for here in range(0, len(padded), 4))
    return b"".join(i32(at + 4 * index) + i32(word) + b"\x36\x02\x00" for index, word in enumerate(words))


def pair(at: int, length: int) -> bytes:
    """Lay out a text or a list."""
    return at.to_bytes(4, "little") + length.to_bytes(4, "little")


TRAPS = b"\x00"
LOOPS = b"\x03\x40\x0c\x00\x0b\x00"
ALLOCATES = b"\x03\x40" + grow(16) + i32(-1) + b"\x47\x0d\x00\x0b\x00"
"""Grows until it is refused, then traps."""


def recurses(itself: int, arguments: int) -> bytes:
    """Call itself and do something afterwards, so that no call can be left out."""
    given = b"".join(bytes([0x20, index]) for index in range(arguments))
    return given + b"\x10" + as_number(itself) + i32(1) + b"\x6a"


def failed(called: str, at: int, size: int) -> bytes:
    """Lay out that it failed, with the text at this place: `result::err(error::failed(text))`."""
    return b"\1".ljust(_AFTER[called], b"\0") + b"\3\0\0\0" + pair(at, size)


def answers_a_text_of(size: int, called: str = FINDINGS) -> bytes:
    """Answer that it failed, in so many bytes."""
    return grow(size // 65536 + 1) + b"\x1a" + stored(failed(called, AT, size)) + i32(AT)


def answers_no_text(called: str) -> bytes:
    """Answer that it failed, in bytes that are no UTF-8."""
    return stored(failed(called, AT + 64, 4)) + stored(b"\xff" * 4, AT + 64) + i32(AT)


def plans_a_step_of_kind(kind: int) -> bytes:
    """Plan one step, of the kind with this number."""
    plan = bytes(_AFTER[PLAN]) + pair(AT + 512, 1)
    return stored(plan.ljust(256, b"\0")) + stored(bytes([kind]).ljust(128, b"\0"), AT + 512) + i32(AT)


def describes(*texts: str) -> bytes:
    """Describe itself by these texts."""
    written = [text.encode() for text in texts]
    places = [AT + 256 + sum(map(len, written[:index])) for index in range(len(written))]
    pairs = b"".join(pair(place, len(text)) for place, text in zip(places, written, strict=True))
    return stored(pairs) + stored(b"".join(written), AT + 256) + i32(AT)


def finds(code: str, remedy: str) -> bytes:
    """Answer one finding that costs a point, with these arguments for its remedy."""
    texts = b""

    def text(written: str) -> bytes:
        nonlocal texts
        at = AT + 256 + len(texts)
        texts += written.encode()
        return pair(at, len(written.encode()))

    finding = text(code) + b"\1\0\0\0" + text("a title") + b"\1\0\0\0" + pair(0, 0)
    finding += b"\1\0\0\0" + text("compact") + text(remedy)
    return stored(b"\0\0\0\0" + pair(AT + 64, 1)) + stored(finding, AT + 64) + stored(texts, AT + 256) + i32(AT)


def floods(log: int, lines: int) -> bytes:
    """Write so many lines of a KiB to the log by function `log`, then answer nothing. The first argument counts."""
    count = i32(lines) + b"\x21\x00"
    line = i32(1) + i32(0) + i32(1024) + b"\x10" + as_number(log)
    loop = b"\x03\x40" + line + b"\x20\x00" + i32(1) + b"\x6b\x22\x00\x0d\x00\x0b"
    return stored(b"x" * 1024, 0) + count + loop + stored(bytes(256)) + i32(AT)


def plans_nothing_and_says(log: int, text: str) -> bytes:
    """Write one line of level info to the log by function `log`, then plan nothing."""
    line = text.encode()
    said = stored(line, 0) + i32(1) + i32(0) + i32(len(line)) + b"\x10" + as_number(log)
    return said + stored(bytes(256)) + i32(AT)


class Core:
    """The module with a plugin's code in it, and what is around it in its component."""

    def __init__(self, component: bytes, called: str) -> None:
        """Find the module that exports a function whose name ends with `#called`."""
        for start, kind, content in _sections(component):
            if kind != _CORE_MODULE or f"#{called}".encode() not in content:
                continue
            self._before, self._after = component[:start], component[start + len(section(kind, content)) :]
            self._parts = [(kind, part) for _, kind, part in _sections(content)]
            imported = [name for name, kind in self._imports() if kind == _FUNCTION_IMPORT]
            exports = dict(self._exports())
            self.function = next(i for n, i in exports.items() if n.endswith(f"#{called}") and not n.startswith("cabi"))
            self._post = next((i for n, i in exports.items() if n.startswith("cabi_post") and n.endswith(called)), None)
            self.log = imported.index("write")
            # Who answers has to let go of the table before.
            self.lets_go = b"\x20\x00\x10" + as_number(imported.index("[resource-drop]table"))
            self._imported = len(imported)
            return
        message = f"no {called} in the component"
        raise ValueError(message)

    def that(self, body: bytes) -> bytes:
        """Give the component whose function does this; its answer is not given back to it."""
        new = {self.function: body} | ({self._post: b""} if self._post is not None else {})
        return self._before + section(_CORE_MODULE, self._module(new)) + self._after

    @property
    def alone(self) -> bytes:
        """The module without its component."""
        return self._module({})

    def _part(self, wanted: int) -> bytes:
        return next(part for kind, part in self._parts if kind == wanted)

    def _module(self, new: dict[int, bytes]) -> bytes:
        parts = ((kind, self._code(new) if kind == _CODE else part) for kind, part in self._parts)
        return b"\0asm\1\0\0\0" + b"".join(section(kind, part) for kind, part in parts)

    def _code(self, new: dict[int, bytes]) -> bytes:
        part = self._part(_CODE)
        count, at = number(part, 0)
        written = as_number(count)
        for index in range(self._imported, self._imported + count):
            size, start = number(part, at)
            at = start + size
            # No locals but the arguments, and the end.
            body = b"\0" + new[index] + b"\x0b" if index in new else part[start:at]
            written += as_number(len(body)) + body
        return written

    def _imports(self) -> Iterator[tuple[str, int]]:
        part = self._part(_IMPORT)
        count, at = number(part, 0)
        for _ in range(count):
            _, at = _text(part, at)
            name, at = _text(part, at)
            kind = part[at]
            assert kind == _FUNCTION_IMPORT, "a plugin's code imports functions alone"
            _, at = number(part, at + 1)
            yield name, kind

    def _exports(self) -> Iterator[tuple[str, int]]:
        part = self._part(_EXPORT)
        count, at = number(part, 0)
        for _ in range(count):
            name, at = _text(part, at)
            index, at = number(part, at + 1)
            yield name, index


def _text(data: bytes, at: int) -> tuple[str, int]:
    length, start = number(data, at)
    return data[start : start + length].decode(), start + length


def _sections(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Give where each outermost section begins, its kind and its content."""
    at = HEADER
    while at < len(data):
        size, start = number(data, at + 1)
        yield at, data[at], data[start : start + size]
        at = start + size
