"""Adds the columns that tell when a row was written, and by whom."""

from dataclasses import dataclass

from drls_plugin import (
    AddColumn,
    Effect,
    Invalid,
    Plan,
    Reversibility,
    Table,
    TableOperation,
    export_operation,
    setting,
)


@dataclass
class Arguments:
    """What the caller says."""

    after: str = setting("", "Column that they stand after; empty: last.")


@dataclass
class Config:
    """What the operator may change."""

    at: str = setting("written_at", "Name of the column for the time.", minLength=1)
    by: str = setting("written_by", "Name of the column for the writer.", minLength=1)


class AuditColumns(TableOperation[Arguments, Config]):
    id = "audit-columns"
    title = "Audit columns"
    summary = "Adds the columns that tell when a row was written, and by whom."
    icon = "columns"
    arguments = Arguments
    config = Config
    reads = ("fields", "totals")

    def plan(self, table: Table, arguments: Arguments, config: Config, throughput: int | None) -> Plan:
        there = {field.path: field.data_type for field in table.fields()}
        return decide(there, arguments.after, config, Effect.unchanged(table.totals()))


def decide(there: dict[str, str], after: str, config: Config, effect: Effect) -> Plan:
    """A step for each that is missing; refused where one has that name and another type."""
    wanted = {
        config.at: ("timestamptz", "When the row was written."),
        config.by: ("string", "Who wrote the row."),
    }
    if after and (after not in there or "." in after):
        raise Invalid(("/after", f'there is no column "{after}" at the root of the table'))
    for name, (data_type, _) in wanted.items():
        if there.get(name, data_type) != data_type:
            raise Invalid(("", f'the table has a column "{name}" of type {there[name]}; it should be {data_type}'))
    steps = []
    for name, (data_type, doc) in wanted.items():
        if name not in there:
            steps.append(AddColumn(name, data_type, doc, after or None))
        after = name if after else ""
    if not steps:
        return Plan.nothing(effect, "The table has both columns already.")
    return Plan(steps, effect, Reversibility.INVERSE, ["Rows that are there already have no value in them."])


export_operation(AuditColumns)
