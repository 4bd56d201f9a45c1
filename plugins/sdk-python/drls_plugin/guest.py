"""Between the plugin's class and the component's exports.

Imported inside a component only: `wit_world` is made there.
"""

from __future__ import annotations

import json
import linecache
import re
import traceback
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, get_args

from componentize_py_types import Err
from wit_world.imports import log as wit_log
from wit_world.imports import types

from . import errors, facts, http, log, operation
from .operation import Plan, RewriteManifests, RewritePositionDeletes, Rollback, SetProperties
from .plugin import exported
from .rule import Finding, Measure, Remedy
from .settings import read, schema
from .shape import fits, remember
from .table import Table

R = TypeVar("R")

LONGEST = 1000
"""A log line of the host has 1 KiB; of a longer traceback the end says most."""


def _write(level: str, message: str) -> None:
    wit_log.write(wit_log.Level[level.upper()], message)


log.write = _write

remember(Finding, Measure, Remedy, Plan, operation.Effect, operation.Change, *get_args(operation.Step))


def may_send(client: Any) -> None:
    """Lets the plugin send requests through the imported interface."""

    def send(method: str, url: str, headers: Mapping[str, str], body: bytes) -> http.Response:
        try:
            answer = client.send(client.Request(method, url, list(headers.items()), body))
        except Err as error:
            why = error.value
            if isinstance(why, client.Failure_Denied):
                raise http.NotGranted(why.value) from None
            text = getattr(why, "value", None) or type(why).__name__.removeprefix("Failure_").lower()
            raise http.Unsent(f"{method} {url}: {text}") from None
        return http.Response(answer.status, dict(answer.headers), bytes(answer.body))

    http.sender = send


def told(call: Callable[[], R]) -> R:
    """Runs a call of the plugin: what it raises becomes the contract's error, or a line in the log before the trap."""
    try:
        return call()
    except errors.Invalid as error:
        fields = [types.FieldError(one.pointer, one.detail) for one in error.fields]
        raise Err(types.Error_Invalid(fields)) from None
    except errors.NotFound as error:
        raise Err(types.Error_NotFound(str(error))) from None
    except errors.Denied as error:
        raise Err(types.Error_Denied(str(error))) from None
    except errors.Failed as error:
        raise Err(types.Error_Failed(str(error))) from None
    except BaseException as error:
        text = _traceback(error)
        log.error(text if len(text) <= LONGEST else "..." + text[-LONGEST:])
        raise


def remember_sources(*modules: Any) -> None:
    """Reads the sources of these modules while the component is made: inside it there are no files to quote from."""
    for module in modules:
        _sources[module.__file__] = linecache.getlines(module.__file__)


_sources: dict[str, list[str]] = {}


def _traceback(error: BaseException) -> str:
    """The traceback as Python prints it. The library's own looks for files, and finds a trap instead."""
    lines = ["Traceback (most recent call last):"]
    for frame, number in traceback.walk_tb(error.__traceback__):
        code = frame.f_code
        if code.co_filename == __file__:
            continue
        # Folders are mounted under their numbers while the component is made.
        name = re.sub(r"^/\d+/", "", code.co_filename)
        lines.append(f'  File "{name}", line {number}, in {code.co_name}')
        if 0 < number <= len(source := _sources.get(code.co_filename, [])):
            lines.append(f"    {source[number - 1].strip()}")
    name = type(error).__name__
    return "\n".join([*lines, f"{name}: {error}" if str(error) else name])


def descriptor(of: type[Any]) -> types.Descriptor:
    """What a person reads about the class."""
    return types.Descriptor(of.id, of.title, of.summary, of.icon, schema(of.config))


class Handle:
    """The host's handle, with the SDK's own enum in what it gives."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle

    def __getattr__(self, name: str) -> Any:
        return getattr(self._handle, name)

    def refs(self) -> list[facts.Ref]:
        """The references, of the SDK's kind."""
        refs: list[facts.Ref] = self._handle.refs()
        for ref in refs:
            ref.kind = facts.RefKind(ref.kind.value)
        return refs


class Health:
    """The interface `health`."""

    def describe(self) -> types.Descriptor:
        """What the rule is."""
        return told(lambda: descriptor(exported().made_by))

    def evaluate(self, table: Any, config: str) -> Any:
        """Its findings."""
        return told(lambda: self._evaluate(table, config))

    def _evaluate(self, table: Any, config: str) -> Any:
        rule = exported().made_by
        findings = list(rule().evaluate(Table(Handle(table), rule.reads), read(rule.config, config)))
        fits(findings, list[Finding], "answer")
        for finding in findings:
            if finding.remedy is not None:
                finding.remedy.arguments = json.dumps(finding.remedy.arguments)
            for measure in finding.evidence:
                measure.value = float(measure.value)
                measure.threshold = None if measure.threshold is None else float(measure.threshold)
        return findings


class Operation:
    """The interface `operation`."""

    def describe(self) -> Any:
        """What the operation is."""
        from wit_world.exports import operation as wit

        of = exported().made_by
        return told(lambda: wit.OperationDescriptor(descriptor(of), schema(of.arguments)))

    def plan(self, table: Any, arguments: str, config: str, throughput: int | None) -> Any:
        """Its plan."""
        return told(lambda: self._plan(table, arguments, config, throughput))

    def _plan(self, table: Any, arguments: str, config: str, throughput: int | None) -> Plan:
        of = exported().made_by
        told_arguments, told_config = read(of.arguments, arguments), read(of.config, config)
        plan: Plan = of().plan(Table(Handle(table), of.reads), told_arguments, told_config, throughput)
        fits(plan, Plan, "answer")
        plan.steps = [_step(step) for step in plan.steps]
        return plan


def _step(step: Any) -> Any:
    from wit_world.exports import operation as wit

    case = getattr(wit, f"Step_{type(step).__name__}")
    match step:
        case RewriteManifests():
            return case()
        case RewritePositionDeletes(options=value) | SetProperties(properties=value) | Rollback(snapshot_id=value):
            return case(value)
        case _:
            return case(step)
