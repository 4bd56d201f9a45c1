"""Health rules: the class to write, and what it answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, ClassVar, Generic, TypeVar

from . import plugin
from .settings import NoConfig
from .table import Table, checked

C = TypeVar("C")


class Severity(Enum):
    """How bad a finding is."""

    INFO = 0
    """Worth knowing."""
    WARNING = 1
    """Worth repairing."""
    CRITICAL = 2
    """Repair soon."""

    @classmethod
    def of(cls, penalty: int, weight: int) -> Severity:
        """The severity of a finding that takes ``penalty`` of at most ``weight`` points.

        Warning from one quarter on, critical from three quarters on if that is 15 points or more.

        >>> Severity.of(30, 40), Severity.of(10, 40), Severity.of(10, 10)
        (<Severity.CRITICAL: 2>, <Severity.WARNING: 1>, <Severity.WARNING: 1>)
        """
        if penalty * 4 >= 3 * weight and penalty >= 15:
            return cls.CRITICAL
        return cls.WARNING if penalty * 4 >= weight else cls.INFO


@dataclass
class Measure:
    """A measured figure beside the limit that it crossed."""

    name: str
    value: float
    unit: str
    threshold: float | None = None


@dataclass
class Remedy:
    """An operation with its arguments filled in."""

    operation: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Finding:
    """One thing that is not as it should be.

    ``code``: kebab-case, unique in the rule. ``title``: one sentence with the figures in it. ``penalty``: points off
    100.
    """

    code: str
    severity: Severity
    title: str
    penalty: int
    evidence: list[Measure] = field(default_factory=list)
    remedy: Remedy | None = None


class HealthRule(ABC, Generic[C]):
    """Judges one table from facts. Pure: same facts and configuration, same findings."""

    id: ClassVar[str]
    """The plugin's id, in kebab-case, stable for ever."""
    title: ClassVar[str]
    """Two or three words."""
    summary: ClassVar[str]
    """One or two sentences, Markdown."""
    icon: ClassVar[str] = ""
    """Name of an icon of the console's set; an unknown name gets the default icon."""
    config: ClassVar[type] = NoConfig
    """A dataclass: what the operator may change."""
    reads: ClassVar[tuple[str, ...]]
    """Names of the methods of :class:`Table` that it calls; only these facts are gathered."""

    @abstractmethod
    def evaluate(self, table: Table, config: C) -> list[Finding]:
        """The findings, worst first, none for a healthy table."""


def export_rule(rule: type[HealthRule[Any]]) -> None:
    """Makes this class the plugin. Once a plugin, at the end of its main file."""
    checked(rule.reads, rule.__name__)
    plugin.export("health-rule", rule)
