"""Iceberg's Spark procedures as SQL text, with every name and argument quoted.

Sources: https://iceberg.apache.org/docs/1.12.0/spark-procedures/ for the arguments, Spark's SQL reference for literals.
"""

from __future__ import annotations

from typing import Literal, TypedDict

from drls.errors import invalid


class Table(TypedDict):
    """What every rewrite names. `tag`: by which it is watched and cancelled, one for each call, without a comma."""

    catalog: str
    namespace: list[str]
    name: str
    tag: str
    options: dict[str, str]


class RewriteDataFiles(Table):
    """`order`: "id DESC NULLS LAST, name" for sort ("" = the table's own), "a, b" for zorder, "" for binpack.

    `filter`: SQL predicate, "" is the whole table. `options`: those of Iceberg's rewrite_data_files procedure.
    """

    strategy: Literal["binpack", "sort", "zorder"]
    order: str
    filter: str


def rewrite_data_files(job: RewriteDataFiles) -> str:
    """Write the call that compacts. Errors: `invalid-argument` for a strategy that Iceberg does not know."""
    arguments: dict[str, str] = {}
    match job["strategy"]:
        case "binpack":
            arguments["strategy"] = _literal("binpack")
        case "sort":
            arguments["strategy"] = _literal("sort")
            if job["order"]:
                arguments["sort_order"] = _literal(job["order"])
        case "zorder":
            arguments["strategy"] = _literal("sort")
            arguments["sort_order"] = _literal(f"zorder({job['order']})")
        case other:
            raise invalid("/strategy", f"{other!r} is none of binpack, sort and zorder")
    if job["filter"]:
        arguments["where"] = _literal(job["filter"])
    return _procedure(job, "rewrite_data_files", **arguments)


def rewrite_position_deletes(job: Table) -> str:
    """Write the call that compacts position deletes and drops dangling ones."""
    return _procedure(job, "rewrite_position_delete_files")


def rewrite_manifests(job: Table) -> str:
    """Write the call that rewrites manifests; that procedure takes no options."""
    return _procedure({**job, "options": {}}, "rewrite_manifests")


def _literal(text: str) -> str:
    """Quote a string for Spark SQL, whose literals know backslash escapes."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _identifier(*parts: str) -> str:
    return ".".join("`" + part.replace("`", "``") + "`" for part in parts)


def _procedure(table: Table, name: str, **arguments: str) -> str:
    """Write a CALL of one of Iceberg's procedures; `arguments` are SQL already."""
    # With its catalog in front, a namespace that is named like a catalog is not taken for one.
    target = _identifier(table["catalog"], *table["namespace"], table["name"])
    given = {"table": _literal(target), **arguments}
    if table["options"]:
        pairs = (text for pair in sorted(table["options"].items()) for text in pair)
        given["options"] = f"map({', '.join(_literal(text) for text in pairs)})"
    written = ", ".join(f"{key} => {value}" for key, value in given.items())
    return f"CALL {_identifier(table['catalog'])}.system.{name}({written})"
