"""The class that a plugin's main file exports: what the build and the component ask for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Exported:
    """A kind as the contract names it, and the class."""

    kind: str
    made_by: type[Any]


_exported: list[Exported] = []


def export(kind: str, made_by: type[Any]) -> None:
    """Remembers the class. Raises TypeError where it lacks something that a person reads, or is the second."""
    if lacking := [name for name in ("id", "title", "summary") if not getattr(made_by, name, "")]:
        raise TypeError(f"{made_by.__name__} has no {', no '.join(lacking)}; give it class attributes of these names")
    if _exported:
        raise TypeError(f"{_exported[0].made_by.__name__} is exported already; a plugin in Python exports one class")
    _exported.append(Exported(kind, made_by))


def exported() -> Exported:
    """What was exported. Raises TypeError where nothing was."""
    if not _exported:
        raise TypeError("the main file exports nothing; end it with export_rule(...) or export_operation(...)")
    return _exported[0]
