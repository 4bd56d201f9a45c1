"""Sets how many metadata files a table keeps."""

from dataclasses import dataclass

from drls_plugin import (
    Effect,
    Invalid,
    NoConfig,
    Plan,
    Reversibility,
    SetProperties,
    Table,
    TableOperation,
    export_operation,
    setting,
)

PROPERTY = "write.metadata.previous-versions-max"
"""The Iceberg table property that holds the number."""

FEWEST = 2
"""Fewer would leave a reader with nothing to go back to."""


@dataclass
class Arguments:
    """What the caller says: the console draws a form from this class and its words."""

    versions: int = setting(doc="Old metadata files to keep.")


class {{type}}(TableOperation[Arguments, NoConfig]):
    id = "{{name}}"
    title = "{{title}}"
    summary = "Sets how many metadata files a table keeps."
    icon = "settings"
    arguments = Arguments
    reads = ("properties", "totals")

    def plan(self, table: Table, arguments: Arguments, config: NoConfig, throughput: int | None) -> Plan:
        now = dict(table.properties()).get(PROPERTY)
        return decide(arguments.versions, now, Effect.unchanged(table.totals()))


def decide(versions: int, now: str | None, effect: Effect) -> Plan:
    """One step, none where the table has that value already."""
    if versions < FEWEST:
        raise Invalid(("/versions", f"is {versions}; keep {FEWEST} or more"))
    if now == str(versions):
        return Plan.nothing(effect, f"The table keeps {versions} already.")
    return Plan([SetProperties([(PROPERTY, str(versions))])], effect, Reversibility.INVERSE)


export_operation({{type}})
