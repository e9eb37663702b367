"""Which service performs which Resource, and what every attempt of a Task has in common."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Protocol

from stepsim.asl.errors import RUNTIME, StatesError, runtime_error
from stepsim.asl.machine import TaskState
from stepsim.asl.payload import JSON, Payload
from stepsim.asl.resource import TaskResource
from stepsim.runtime.cloud.call import CallSite
from stepsim.runtime.effects import Program
from stepsim.runtime.engine import Direct
from stepsim.runtime.frame import Frame
from stepsim.runtime.requests import Never, RunModel
from stepsim.runtime.services import activity, lambda_direct, lambda_function
from stepsim.runtime.services.task import EndedByToken, Service, TaskCall

if TYPE_CHECKING:
    from stepsim.runtime.cloud.faults import Refusal

INTEGRATIONS: dict[tuple[str, str, str], str] = {
    # (service, action, pattern): module and function, imported when first used: botocore's models are heavy
    ("dynamodb", "getItem", ""): "api_call:sdk_call",
    ("dynamodb", "putItem", ""): "api_call:sdk_call",
    ("dynamodb", "updateItem", ""): "api_call:sdk_call",
    ("dynamodb", "deleteItem", ""): "api_call:sdk_call",
    ("sqs", "sendMessage", ""): "sqs:send_message",
    ("sqs", "sendMessage", "waitForTaskToken"): "sqs:send_message_with_token",
    ("sns", "publish", ""): "sns:publish",
    ("sns", "publish", "waitForTaskToken"): "sns:publish_with_token",
    ("events", "putEvents", ""): "events:put_events",
    ("events", "putEvents", "waitForTaskToken"): "events:put_events_with_token",
    ("athena", "startQueryExecution", ""): "athena:query",
    ("athena", "startQueryExecution", "sync"): "athena:start_query_sync",
    ("athena", "stopQueryExecution", ""): "athena:query",
    ("athena", "getQueryExecution", ""): "athena:query",
    ("athena", "getQueryResults", ""): "athena:query",
    ("ecs", "runTask", ""): "ecs:run_task",
    ("ecs", "runTask", "sync"): "ecs:run_task_sync",
    ("ecs", "runTask", "waitForTaskToken"): "ecs:run_task_with_token",
    ("batch", "submitJob", ""): "batch:submit_job",
    ("batch", "submitJob", "sync"): "batch:submit_job_sync",
    ("batch", "submitJob", "waitForTaskToken"): "batch:submit_job_with_token",
    ("glue", "startJobRun", ""): "glue:start_job_run",
    ("glue", "startJobRun", "sync"): "glue:start_job_run_sync",
    ("apigateway", "invoke", ""): "apigateway:invoke",
    ("apigateway", "invoke", "waitForTaskToken"): "apigateway:invoke_with_token",
    ("http", "invoke", ""): "http_invoke:invoke",
    ("states", "startExecution", ""): "states:start_execution",
    ("states", "startExecution", "sync"): "states:start_execution_sync",
    ("states", "startExecution", "sync:2"): "states:start_execution_sync_parsed",
    ("states", "startExecution", "waitForTaskToken"): "states:start_execution_with_token",
    ("lambda", "invoke", ""): "lambda_function:invoke",
    ("lambda", "invoke", "waitForTaskToken"): "lambda_function:invoke_with_token",
}
"""The optimised integrations."""

_SDK_CALLS = {"": "api_call:sdk_call", "waitForTaskToken": "api_call:sdk_call_with_token"}
_OTHER_SDK_CALLS: dict[tuple[str, str, str], str] = {
    # Those that take time on AWS, and would sleep in the account.
    ("sqs", "receiveMessage", ""): "sqs:receive_message",
    ("sqs", "receiveMessage", "waitForTaskToken"): "sqs:receive_message_with_token",
    # Those of Step Functions itself that answer when they can.
    ("sfn", "getActivityTask", ""): "states:sdk_call_waiting",
    ("sfn", "startSyncExecution", ""): "states:sdk_call_waiting",
    # Functions are run here, not in moto.
    ("lambda", "invoke", ""): "lambda_function:sdk_invoke",
    ("lambda", "invoke", "waitForTaskToken"): "lambda_function:sdk_invoke_with_token",
}


class StrikeTask(Protocol):
    """Whether an injected fault strikes this attempt of a state."""

    def __call__(self, site: CallSite, /) -> Refusal | None: ...


def service_of(resource: TaskResource) -> Service | None:
    """The integration that performs a Resource; None where this version has none."""
    if resource.kind == "function":
        return lambda_function.invoke_by_arn
    if resource.kind == "activity":
        return activity.perform
    if resource.sdk:
        other = _OTHER_SDK_CALLS.get((resource.service, resource.action, resource.pattern))
        return _load(other or _SDK_CALLS.get(resource.pattern))
    return _load(INTEGRATIONS.get((resource.service, resource.action, resource.pattern)))


def _load(place: str | None) -> Service | None:
    if place is None:
        return None
    from importlib import import_module

    module, name = place.split(":")
    service: Service = getattr(import_module(f"stepsim.runtime.services.{module}"), name)
    return service


class Tasks:
    """Performs the attempts of Tasks: by a mock of the execution's test case, by the scenario's model, or really."""

    def __init__(self, models: Collection[str] = (), strike: StrikeTask | None = None) -> None:
        self._models = models
        """Names of states and ARNs of resources that the scenario models."""
        self._strike = strike
        self._services: dict[int, tuple[Service, TaskState]] = {}
        """By the identity of the state, which is kept beside it: states are shared, and dear to hash."""

    def perform(self, state: TaskState, effective: Payload, frame: Frame) -> Program:
        """Run one attempt: events around the service's work. Returns the result `Payload`; raises StatesError."""
        timeout_s = None if state.timeout_s is None else state.timeout_s(frame.raw.value, frame)
        heartbeat_s = None if state.heartbeat_s is None else state.heartbeat_s(frame.raw.value, frame)
        mocks = frame.me.mocks
        service = None if mocks is None else mocks.service(state.name, frame)
        if service is None:
            known = self._services.get(id(state))
            service = self._service(state) if known is None else known[0]
        call = TaskCall(state, effective, frame, timeout_s, heartbeat_s)
        try:
            if self._strike is not None:
                yield from self._struck(call)
            result: Payload = yield from service(call)
        except EndedByToken as ended:
            result = ended.output
        except StatesError as error:
            frame.explain(error)
            # Errors of the interpreter's own end the execution without an event of the task (recorded).
            if error.error != RUNTIME:
                call.failed(error)
            raise
        call.succeeded(result)
        return result

    def direct(self, state: TaskState, fields: Mapping[str, JSON]) -> Direct | None:
        """How a Task with these fields calls its function; None where the scenario's models or faults may intervene."""
        modelled = state.name in self._models or state.resource.arn in self._models
        if self._strike is not None or modelled or state.credentials is not None:
            return None
        return lambda_direct.direct(state, fields)

    def _service(self, state: TaskState) -> Service:
        arn = state.resource.arn
        modelled = next((name for name in (state.name, arn) if name in self._models), None)
        service = service_of(state.resource) if modelled is None else _modelled(modelled)
        if service is None:
            raise runtime_error(
                f"stepsim does not support the resource {arn} yet; model it in the scenario's tasks, "
                f"by the state's name {state.name!r} or by this ARN"
            )
        self._services[id(state)] = service, state
        return service

    def _struck(self, call: TaskCall) -> Program:
        assert self._strike is not None
        refusal = self._strike(call.frame.site())
        if refusal is None:
            return
        call.begin()
        if refusal.delay_ms:
            yield from call.sleep(refusal.delay_ms)
        if refusal.hang:
            yield call.invoke(Never())
        if refusal.code:
            raise StatesError(refusal.code, refusal.message)


def _modelled(name: str) -> Service:
    def perform(call: TaskCall) -> Program:
        if call.resource.kind == "activity":
            call.begin()
            call.frame.trail.add("ActivityStarted", {})
        return (yield call.invoke(RunModel(name, call.frame.site())))

    return perform
