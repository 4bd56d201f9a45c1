"""Tells of large tables without partitions: every query reads all of them."""

from dataclasses import dataclass

from drls_plugin import Finding, HealthRule, Measure, Severity, Table, export_rule, setting

GIB = 1 << 30


@dataclass
class Config:
    """What the operator may change."""

    most_gib: float = setting(100.0, "Size up to which a table needs no partitions, GiB.", exclusiveMinimum=0)


class Unpartitioned(HealthRule[Config]):
    id = "unpartitioned"
    title = "Unpartitioned"
    summary = "Tells of large tables without partitions."
    icon = "grid"
    config = Config
    reads = ("totals", "partition_specs")

    def evaluate(self, table: Table, config: Config) -> list[Finding]:
        spec = next((spec for spec in table.partition_specs() if spec.is_default), None)
        parted = spec is not None and any(field.transform != "void" for field in spec.fields)
        return [] if parted else judge(table.totals().data_bytes, config)


def judge(size: int, config: Config) -> list[Finding]:
    """One finding where the table is too large: 5 points, 15 from ten times the limit on."""
    limit = config.most_gib * GIB
    if size <= limit:
        return []
    penalty = 15 if size >= 10 * limit else 5
    title = f"The table has {size / GIB:.0f} GiB and no partitions."
    return [Finding("unpartitioned", Severity.WARNING, title, penalty, [Measure("size", size, "bytes", limit)])]


export_rule(Unpartitioned)
