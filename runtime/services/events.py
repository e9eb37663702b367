"""EventBridge: ``putEvents`` and its callback."""

from __future__ import annotations

from stepsim.asl.errors import StatesError
from stepsim.asl.payload import JSON, Payload
from stepsim.runtime.effects import Program
from stepsim.runtime.services.api_call import api_call, await_token
from stepsim.runtime.services.task import TaskCall


def put_events(call: TaskCall) -> Program:
    """``events:putEvents``: each entry's Resources get the state machine and the execution (recorded).

    One entry that fails fails the task, with the response as the cause (recorded); the others were put all the same.
    """
    response: Payload = yield from api_call(call, "putEvents", _from_execution(call, call.input.value))
    if response.value.get("FailedEntryCount"):
        raise StatesError("EventBridge.FailedEntry", response.text)
    return response


def put_events_with_token(call: TaskCall) -> Program:
    """``events:putEvents.waitForTaskToken``: the token's answer is the result."""
    return (yield from await_token(call, (yield from put_events(call))))


def _from_execution(call: TaskCall, parameters: JSON) -> JSON:
    """The parameters with who sends the events; what is not an entry is left for the check of the parameters."""
    if not isinstance(parameters, dict) or not isinstance(parameters.get("Entries"), list):
        return parameters
    sender = [call.frame.me.machine_arn, call.frame.me.arn]
    entries = [_with_resources(entry, sender) for entry in parameters["Entries"]]
    return {**parameters, "Entries": entries}


def _with_resources(entry: JSON, sender: list[str]) -> JSON:
    if not isinstance(entry, dict):
        return entry
    resources = entry.get("Resources") or []
    return {**entry, "Resources": [*resources, *sender]} if isinstance(resources, list) else entry
