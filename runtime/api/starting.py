"""Executions begin: which revision of a machine, under which name, with which input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stepsim.asl.json_scanner import JsonSyntaxError, scan
from stepsim.asl.payload import MAX_BYTES, Payload
from stepsim.runtime.api.names import check_name
from stepsim.runtime.api.records import Alias, ExecutionRecord, MachineRecord, Params, Revision
from stepsim.runtime.api.registry import Registry, active
from stepsim.runtime.cloud.call import ApiError
from stepsim.runtime.execution import Execution
from stepsim.runtime.frame import Identity

if TYPE_CHECKING:
    from stepsim.runtime.mocks.running import MockRun


@dataclass(frozen=True, slots=True)
class Target:
    """What an ARN says to start."""

    record: MachineRecord
    revision: Revision
    version_arn: str | None = None
    alias_arn: str | None = None

    @property
    def qualifiers(self) -> Mapping[str, str]:
        """The version and the alias in the names that responses and ExecutionStarted have for them."""
        named = {"stateMachineAliasArn": self.alias_arn, "stateMachineVersionArn": self.version_arn}
        return {name: arn for name, arn in named.items() if arn is not None}


def find_target(registry: Registry, machine_arn: str, name: str) -> Target:
    """The revision that an execution of this name starts, by the ARN of a machine, a version or an alias.

    An alias of two versions takes one by their weights. Raises ApiError InvalidArn, StateMachineDoesNotExist or
    StateMachineDeleting.
    """
    record, version, alias = registry.addressed(machine_arn)
    active(record)
    if alias is not None:
        version = record.versions[int(_drawn(registry, alias, name).rpartition(":")[2])]
    if version is None:
        return Target(record, record.revision)
    return Target(record, version.revision, version.arn, None if alias is None else alias.arn)


def _drawn(registry: Registry, alias: Alias, name: str) -> str:
    """One of an alias's versions, by their weights."""
    drawn = registry.account.dice.draw("alias", alias.arn, name, registry.now_ms) * 100
    chosen = alias.routing[-1][0]
    for version_arn, weight in alias.routing:
        if drawn < weight:
            return version_arn
        drawn -= weight
    return chosen


def read_input(params: Params) -> Payload:
    """An execution's input, ``{}`` where none is given. Raises ApiError InvalidExecutionInput in Jackson's words."""
    text = params.get("input", "{}")
    if not text.strip():
        raise _invalid_input("Invalid execution input.")
    try:
        payload = Payload.of_text(text)
    except (ValueError, RecursionError):
        raise _invalid_input(_mistake(text)) from None
    if payload.size > MAX_BYTES:
        raise _invalid_input(f"Input size exceeds the maximum of {MAX_BYTES} bytes.")
    return payload


def _mistake(text: str) -> str:
    try:
        scan(text)
    except JsonSyntaxError as error:
        return str(error.args[0])
    return "Invalid execution input."


def _invalid_input(reason: str) -> ApiError:
    return ApiError("InvalidExecutionInput", f"Invalid State Machine Execution Input: '{reason}'")


def read_name(registry: Registry, params: Params) -> str:
    """An execution's name, a UUID where none is given. Raises ApiError InvalidName."""
    name = params.get("name")
    if name is None:
        return registry.new_uuid("execution")
    check_name(name)
    return str(name)


def begin(
    registry: Registry,
    target: Target,
    name: str,
    payload: Payload,
    trace_header: str | None,
    mocks: MockRun | None = None,
) -> ExecutionRecord:
    """Start an execution, some of its Tasks mocked perhaps. It runs when the scheduler is driven."""
    record, revision = target.record, target.revision
    express = record.type == "EXPRESS"
    place = f"execution:{record.name}:{name}"
    if express:
        place = f"express:{record.name}:{name}:{registry.new_uuid('express')}"
    me = Identity(
        registry.home.arn(place),
        name,
        record.arn,
        record.name,
        payload,
        registry.now_ms,
        express=express,
        # Express executions and those that go by a name again draw dice of their own.
        key=place,
        role_arn=revision.role_arn,
    )
    me.qualifiers = target.qualifiers
    me.mocks = mocks
    # Nobody can ask for the history of an Express execution; CloudWatch Logs observes it.
    execution = registry.account.new_execution(revision.machine, me, keep_history=not express)
    started = ExecutionRecord(execution, record, revision, target.version_arn, target.alias_arn, trace_header)
    execution.when_ended.append(lambda _: note_end(registry, started))
    note_start(registry, started)
    registry.account.spawn(execution)
    return started


def note_start(registry: Registry, started: ExecutionRecord) -> None:
    """An execution begins, or begins again: it is kept, and whoever observes is told."""
    registry.store.add(started)
    registry.starts.open += _counts_as_open(started)
    for observer in registry.observers.execution_started:
        observer(started)


def note_end(registry: Registry, record: ExecutionRecord, *, keep: bool = True) -> None:
    """An execution has ended, whatever way."""
    registry.starts.open -= _counts_as_open(record)
    if keep:
        registry.store.ended(record)
    for observer in registry.observers.execution_ended:
        observer(record)


def _counts_as_open(record: ExecutionRecord) -> bool:
    return record.map_run is None and not record.execution.me.express


def already_running(registry: Registry, record: MachineRecord, name: str, payload: Payload) -> Execution | None:
    """The Standard execution that a second StartExecution of the same name and input means while it runs.

    None where the name is free. Raises ApiError ExecutionAlreadyExists.
    """
    arn = registry.home.arn(f"execution:{record.name}:{name}")
    present = registry.store.get(arn)
    if present is None:
        return None
    execution = present.execution
    if execution.status != "RUNNING" or execution.me.input.text != payload.text:
        raise ApiError("ExecutionAlreadyExists", f"Execution Already Exists: '{arn}'")
    return execution
