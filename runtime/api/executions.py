"""Executions: start, run synchronously, stop, describe, list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stepsim.asl.payload import Payload
from stepsim.runtime.api.records import ExecutionRecord, MachineRecord, Params, Response, Revision, moment
from stepsim.runtime.api.registry import Registry
from stepsim.runtime.cloud.call import ApiError
from stepsim.runtime.frame import Identity


def start_execution(registry: Registry, params: Params) -> Response:
    """StartExecution."""
    record = registry.machine(params["stateMachineArn"])
    name = params.get("name") or registry.new_uuid("execution")
    started = start(registry, record, record.revision, name, Payload.of_text(params.get("input", "{}")))
    return {"executionArn": started.execution.me.arn, "startDate": moment(started.execution.me.start_ms)}


def start(
    registry: Registry, record: MachineRecord, revision: Revision, name: str, payload: Payload
) -> ExecutionRecord:
    """Start an execution of a machine's revision."""
    express = record.type == "EXPRESS"
    place = (
        f"express:{record.name}:{name}:{registry.new_uuid('express')}" if express else f"execution:{record.name}:{name}"
    )
    me = Identity(
        registry.home.arn(place),
        name,
        record.arn,
        record.name,
        payload,
        registry.now_ms,
        express=express,
        role_arn=revision.role_arn,
    )
    execution = registry.account.new_execution(revision.machine, me)
    started = ExecutionRecord(execution, record, revision)
    registry.store.add(started)
    for observer in registry.observers.execution_started:
        observer(started)
    execution.when_ended.append(lambda _: _ended(registry, started))
    registry.account.spawn(execution)
    return started


def _ended(registry: Registry, record: ExecutionRecord) -> None:
    registry.store.ended(record)
    for observer in registry.observers.execution_ended:
        observer(record)


def start_sync_execution(registry: Registry, params: Params, reply: Callable[[Response | ApiError], None]) -> None:
    """StartSyncExecution."""
    record = registry.machine(params["stateMachineArn"])
    if record.type != "EXPRESS":
        raise ApiError("StateMachineTypeNotSupported", "This operation is not supported by this type of state machine")
    name = params.get("name") or registry.new_uuid("execution")
    started = start(registry, record, record.revision, name, Payload.of_text(params.get("input", "{}")))
    started.execution.when_ended.append(lambda _: reply(_described(started)))


def stop_execution(registry: Registry, params: Params) -> Response:
    """StopExecution."""
    record = registry.execution(params["executionArn"])
    registry.account.stop_execution(record.execution.me.arn, params.get("error"), params.get("cause"))
    assert record.execution.stop_ms is not None
    return {"stopDate": moment(record.execution.stop_ms)}


def describe_execution(registry: Registry, params: Params) -> Response:
    """DescribeExecution."""
    return _described(registry.execution(params["executionArn"]))


def _described(record: ExecutionRecord) -> Response:
    execution = record.execution
    me = execution.me
    described: dict[str, Any] = {
        "executionArn": me.arn,
        "stateMachineArn": me.machine_arn,
        "name": me.name,
        "status": execution.status,
        "startDate": moment(me.start_ms),
        "input": me.input.text,
        "inputDetails": {"included": True},
    }
    if execution.stop_ms is not None:
        described["stopDate"] = moment(execution.stop_ms)
    if execution.output is not None:
        described |= {"output": execution.output.text, "outputDetails": {"included": True}}
    return described
