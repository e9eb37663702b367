"""Athena: a query is started and, with ``.sync``, waited for."""

from __future__ import annotations

from stepsim.asl.errors import TASK_FAILED, StatesError
from stepsim.asl.payload import Payload
from stepsim.runtime.effects import Program
from stepsim.runtime.services.api_call import api_call
from stepsim.runtime.services.task import TaskCall

_POLL_MS = 1_000


def query(call: TaskCall) -> Program:
    """startQueryExecution, stopQueryExecution, getQueryExecution, getQueryResults: one call each."""
    return (yield from api_call(call, call.resource.action, call.input.value))


def start_query_sync(call: TaskCall) -> Program:
    """``startQueryExecution.sync``: the result is the finished query's description; a failed query fails the task."""
    started: Payload = yield from api_call(call, "startQueryExecution", call.input.value)
    call.submitted(started)
    identity = {"QueryExecutionId": started.value["QueryExecutionId"]}
    while True:
        described: Payload = yield from api_call(call, "getQueryExecution", identity)
        match described.value["QueryExecution"]["Status"]["State"]:
            case "SUCCEEDED":
                return described
            case "FAILED" | "CANCELLED":
                raise StatesError(TASK_FAILED, described.text)
        yield from call.sleep(_POLL_MS)
