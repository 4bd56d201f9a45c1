"""Tells of tables that keep more snapshots than they should."""

from dataclasses import dataclass

from drls_plugin import Finding, HealthRule, Measure, Remedy, Severity, Table, export_rule, setting

WEIGHT = 20
"""The most points that this rule takes off 100."""


@dataclass
class Config:
    """What the operator may change: the console draws a form from this class, its words and its defaults."""

    most: int = setting(100, "Snapshots that a table may keep.", minimum=1)


class {{type}}(HealthRule[Config]):
    id = "{{name}}"
    title = "{{title}}"
    summary = "Tells of tables that keep more snapshots than they should."
    icon = "history"
    config = Config
    reads = ("snapshots",)

    def evaluate(self, table: Table, config: Config) -> list[Finding]:
        return judge(len(table.snapshots()), config)


def judge(snapshots: int, config: Config) -> list[Finding]:
    """One finding where there are too many: 5 points and one more for each further share of a tenth."""
    if snapshots <= config.most:
        return []
    penalty = min(5 + (snapshots - config.most) * 10 // config.most, WEIGHT)
    noun = "snapshot" if snapshots == 1 else "snapshots"
    title = f"The table keeps {snapshots} {noun}, {config.most} would do."
    evidence = [Measure("snapshots", snapshots, "snapshots", config.most)]
    remedy = Remedy("expire", {"retain_last": config.most})
    return [Finding("many-snapshots", Severity.of(penalty, WEIGHT), title, penalty, evidence, remedy)]


export_rule({{type}})
