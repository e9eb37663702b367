"""What AWS tells of an execution: in DescribeExecution, in a list, after StartSyncExecution."""

from __future__ import annotations

from collections.abc import Sequence

from stepsim.runtime.api.records import ExecutionRecord, Response, moment
from stepsim.runtime.child import Child
from stepsim.runtime.execution import STANDARD_LIMIT_S
from stepsim.runtime.history import MAX_EVENTS

REDRIVABLE_MS = 14 * 24 * 3600 * 1000
"""For how long after its end an execution can be redriven: 14 days."""

DATA_MEMBERS = ("input", "output", "error", "cause")
"""What METADATA_ONLY leaves out: everything that a customer's key would encrypt."""


def status_of(record: ExecutionRecord) -> str:
    """The status as the API has it: a map run's child that waits to be run again is PENDING_REDRIVE."""
    return "PENDING_REDRIVE" if record.execution.pending_redrive else record.execution.status


def name_of(record: ExecutionRecord) -> str:
    """The name as the API has it: that of a map run's Express child holds the execution id too (recorded)."""
    me = record.execution.me
    return ":".join(me.arn.split(":")[-2:]) if record.map_run is not None and me.express else me.name


def described(record: ExecutionRecord, now_ms: int) -> Response:
    """DescribeExecution's response."""
    execution, me = record.execution, record.execution.me
    shown: Response = {
        "executionArn": me.arn,
        "stateMachineArn": me.machine_arn,
        "name": name_of(record),
        "status": status_of(record),
        "startDate": moment(me.start_ms),
        "input": me.input.text,
        "inputDetails": {"included": True},
        **_qualifiers(record),
        **_redrives(record),
        **redrivability(record, now_ms),
    }
    if execution.stop_ms is not None:
        shown["stopDate"] = moment(execution.stop_ms)
    if execution.output is not None:
        shown |= {"output": execution.output.text, "outputDetails": {"included": True}}
    # One that has timed out has neither (measured).
    shown |= {key: text for key, text in (("error", execution.error), ("cause", execution.cause)) if text is not None}
    if record.trace_header is not None:
        shown["traceHeader"] = record.trace_header
    return shown


def listed(record: ExecutionRecord) -> Response:
    """An item of ListExecutions."""
    execution, me = record.execution, record.execution.me
    shown: Response = {
        "executionArn": me.arn,
        "stateMachineArn": me.machine_arn,
        "name": name_of(record),
        "status": status_of(record),
        "startDate": moment(me.start_ms),
        **_qualifiers(record),
        **_redrives(record),
    }
    if execution.stop_ms is not None:
        shown["stopDate"] = moment(execution.stop_ms)
    if isinstance(me, Child):
        shown["itemCount"] = me.items
    return shown


def without_data(response: Response, members: Sequence[str]) -> Response:
    """A response as METADATA_ONLY has it."""
    kept = {name: value for name, value in response.items() if name not in members}
    for name in ("inputDetails", "outputDetails"):
        if name in kept:
            kept[name] = {"included": False}
    return kept


def redrivability(record: ExecutionRecord, now_ms: int) -> Response:
    """``redriveStatus`` and, where it is NOT_REDRIVABLE, its reason."""
    reason = not_redrivable(record, now_ms)
    if reason is not None:
        return {"redriveStatus": "NOT_REDRIVABLE", "redriveStatusReason": reason}
    return {"redriveStatus": "REDRIVABLE" if record.map_run is None else "REDRIVABLE_BY_MAP_RUN"}


def not_redrivable(record: ExecutionRecord, now_ms: int) -> str | None:
    """Why an execution cannot be redriven, in AWS's words; None where it can."""
    execution = record.execution
    if record.record.status == "DELETING":
        return "State machine is in DELETING status"
    if execution.status in ("RUNNING", "SUCCEEDED"):
        return f"Execution is {execution.status} and cannot be redriven"
    if execution.me.express:
        return None
    # There must be room for ExecutionRedriven and for one event more (API reference).
    if len(execution.history) >= MAX_EVENTS - 1:
        return "Execution history event limit exceeded"
    if now_ms - execution.me.start_ms >= STANDARD_LIMIT_S * 1000:
        return "Execution has exceeded the max execution time"
    if execution.stop_ms is not None and now_ms - execution.stop_ms > REDRIVABLE_MS:
        return "Execution redrivable period exceeded"
    return None


def _qualifiers(record: ExecutionRecord) -> Response:
    shown = {
        "stateMachineVersionArn": record.version_arn,
        "stateMachineAliasArn": record.alias_arn,
        "mapRunArn": None if record.map_run is None else record.map_run.arn,
    }
    return {name: arn for name, arn in shown.items() if arn is not None}


def _redrives(record: ExecutionRecord) -> Response:
    me = record.execution.me
    shown: Response = {"redriveCount": me.redrive_count}
    # The children of a map run have no date where they are Express (API reference).
    if me.redrive_ms is not None and not me.express:
        shown["redriveDate"] = moment(me.redrive_ms)
    return shown
