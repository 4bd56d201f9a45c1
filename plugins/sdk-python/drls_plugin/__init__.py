"""Write DRLS plugins in Python: one class and one call a kind.

A plugin is a WebAssembly component. It sees a table through :class:`Table`, whose methods give facts that the host
gathered from Iceberg metadata before the call; it answers with plain values; it has no clock, no files, and a network
only where an admin grants that (:mod:`drls_plugin.http`). The facts that it may ask for are named in ``reads``: only
those are gathered::

    from dataclasses import dataclass
    from drls_plugin import Finding, HealthRule, Severity, Table, export_rule, setting

    @dataclass
    class Config:
        most: int = setting(100, "Snapshots that a table may keep.", minimum=1)

    class ManySnapshots(HealthRule[Config]):
        id = "many-snapshots"
        title = "Many snapshots"
        summary = "Tells of tables that keep more snapshots than they should."
        icon = "history"
        config = Config
        reads = ("snapshots",)

        def evaluate(self, table: Table, config: Config) -> list[Finding]:
            count = len(table.snapshots())
            if count <= config.most:
                return []
            return [Finding("many-snapshots", Severity.WARNING, f"The table keeps {count} snapshots.", 5)]

    export_rule(ManySnapshots)

``drls plugin build`` makes the component, ``drls plugin test`` runs it in the real runtime. Everything here works in an
ordinary Python as well, so that what a plugin decides can be unit-tested: see :mod:`drls_plugin.testing`.
"""

from __future__ import annotations

from . import facts, http, log
from .errors import Denied, Failed, FieldError, Invalid, NotFound, PluginError
from .operation import (
    AddColumn,
    Change,
    DropColumn,
    Effect,
    ExpireSnapshots,
    Plan,
    RemoveOrphanFiles,
    RenameColumn,
    Reversibility,
    RewriteDataFiles,
    RewriteManifests,
    RewritePositionDeletes,
    Rollback,
    SetProperties,
    Step,
    Strategy,
    TableOperation,
    duration,
    export_operation,
)
from .rule import Finding, HealthRule, Measure, Remedy, Severity, export_rule
from .settings import NoConfig, setting
from .table import Table

__all__ = [
    "AddColumn",
    "Change",
    "Denied",
    "DropColumn",
    "Effect",
    "ExpireSnapshots",
    "Failed",
    "FieldError",
    "Finding",
    "HealthRule",
    "Invalid",
    "Measure",
    "NoConfig",
    "NotFound",
    "Plan",
    "PluginError",
    "Remedy",
    "RemoveOrphanFiles",
    "RenameColumn",
    "Reversibility",
    "RewriteDataFiles",
    "RewriteManifests",
    "RewritePositionDeletes",
    "Rollback",
    "SetProperties",
    "Severity",
    "Step",
    "Strategy",
    "Table",
    "TableOperation",
    "duration",
    "export_operation",
    "export_rule",
    "facts",
    "http",
    "log",
    "setting",
]
