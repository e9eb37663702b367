"""Step Functions as a task: nested executions, and the ``aws-sdk:sfn`` actions that answer when they can.

``startExecution`` only starts the child. ``.sync`` and ``.sync:2`` wait for its end: the result is DescribeExecution's
response, with Input and Output as texts or parsed; a child that does not succeed fails the task with States.TaskFailed,
whose cause is that response (recorded). Whoever stops waiting stops the child.
"""

from __future__ import annotations

from stepsim.asl.errors import TASK_FAILED, StatesError
from stepsim.asl.payload import JSON, Payload, decode
from stepsim.asl.timestamp import format_timestamp
from stepsim.runtime.cloud.call import Answer, ApiError, CallSite
from stepsim.runtime.effects import Invoke, Program
from stepsim.runtime.requests import CallApi
from stepsim.runtime.scheduler import Scheduler
from stepsim.runtime.services.api_call import api_call, await_token, boto_parameters, refused
from stepsim.runtime.services.shapes import operation_model, response_json
from stepsim.runtime.services.spelling import SDK
from stepsim.runtime.services.task import TaskCall
from stepsim.runtime.waits import AwaitExecution, CallWaiting


def start_execution(call: TaskCall) -> Program:
    """``states:startExecution``: the result is StartExecution's response. A null Input is ``{}`` (recorded)."""
    return (yield from api_call(call, "startExecution", call.input.value))


def start_execution_with_token(call: TaskCall) -> Program:
    """``states:startExecution.waitForTaskToken``: the token's answer is the result, whatever becomes of the child."""
    return (yield from await_token(call, (yield from start_execution(call))))


def start_execution_sync(call: TaskCall) -> Program:
    """``states:startExecution.sync``: the child's Input and Output are texts."""
    return (yield from _start_and_wait(call, parsed=False))


def start_execution_sync_parsed(call: TaskCall) -> Program:
    """``states:startExecution.sync:2``: the child's Input and Output are JSON."""
    return (yield from _start_and_wait(call, parsed=True))


def _start_and_wait(call: TaskCall, *, parsed: bool) -> Program:
    started: Payload = yield from start_execution(call)
    child: str = started.value["ExecutionArn"]
    if child.split(":")[5] == "express":
        # Nobody is told of the end of an Express execution.
        message = "This operation is not supported by this type of state machine"
        refused(call, ApiError("StateMachineTypeNotSupported", message))
    call.submitted(started)
    try:
        ended: Payload | JSON = yield call.invoke(AwaitExecution(child, call.frame.token))
    except BaseException:
        # A time-out, the parent's end, a branch that is cancelled: the child is stopped (best effort, as AWS does it).
        _stop(call.frame.engine.scheduler, child, call.site())
        raise
    if isinstance(ended, Payload):
        return ended
    described = response_json(operation_model("sfn", "describeExecution"), ended, int)
    if described["Status"] != "SUCCEEDED":
        raise StatesError(TASK_FAILED, Payload(described).text)
    if parsed:
        for name in ("Input", "Output"):
            described[name] = decode(described[name])
    return Payload(described)


def _stop(scheduler: Scheduler, child: str, site: CallSite) -> None:
    def stop() -> Program:
        yield Invoke(CallApi("stepfunctions", "StopExecution", {"executionArn": child}, site))

    scheduler.spawn(stop())


def sdk_call_waiting(call: TaskCall) -> Program:
    """``aws-sdk:sfn:getActivityTask`` and ``startSyncExecution``: one call that is answered when it can be."""
    action = call.resource.action
    operation = operation_model("sfn", action)
    request = CallWaiting(operation.name, boto_parameters(call, action, call.input.value), call.site())
    try:
        answer: Answer = yield call.invoke(request)
    except BaseException:
        request.cancel()
        raise
    if answer.error is not None:
        refused(call, answer.error)
    return Payload(response_json(operation, answer.response or {}, format_timestamp, SDK))
