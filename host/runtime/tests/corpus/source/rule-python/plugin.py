"""Calls every method of a table and tells what it saw, one finding each."""

from __future__ import annotations

from dataclasses import dataclass

from drls_plugin import Finding, HealthRule, Measure, Remedy, Severity, Table, export_rule, log, setting


@dataclass
class Config:
    """What the operator may change."""

    weight: int = setting(1, "Points of each.", minimum=0)


class Rule(HealthRule[Config]):
    id = "corpus-rule-python"
    title = "Corpus"
    summary = "Tells everything."
    icon = "list"
    config = Config
    reads = (
        "id",
        "format_version",
        "location",
        "properties",
        "fields",
        "partition_specs",
        "sort_order",
        "snapshots",
        "current_snapshot",
        "refs",
        "totals",
        "file_sizes",
        "partition_count",
        "partitions",
        "files",
        "manifests",
        "metadata_log",
        "exclusive_to",
        "orphans",
        "as_of",
    )

    def evaluate(self, table: Table, config: Config) -> list[Finding]:
        for write in (log.debug, log.info, log.warn, log.error):
            write("said")
        given = {
            "partitions": (1, 10),
            "files": (0, 1, 1),
            "exclusive_to": ([table.snapshots()[0].id],),
            "orphans": (table.as_of(),),
        }
        findings = []
        for name in self.reads:
            seen = repr(getattr(table, name)(*given.get(name, ())))
            measure = Measure("one", 1.5, "x")
            findings.append(Finding(name.replace("_", "-"), Severity.INFO, seen, config.weight, [measure]))
        remedy = Remedy("corpus-operation", {"a": [1, "b", None]})
        figure = Measure("figure", -0.25, "ratio", 2.0)
        findings.append(Finding("everything", Severity.CRITICAL, "A remedy and a limit.", 100, [figure], remedy))
        findings.append(Finding("between", Severity.WARNING, "A warning.", 0))
        return findings


export_rule(Rule)
