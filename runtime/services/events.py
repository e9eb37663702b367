"""EventBridge: ``putEvents`` and its callback."""

from __future__ import annotations

from stepsim.asl.errors import StatesError
from stepsim.asl.payload import Payload
from stepsim.runtime.effects import Program
from stepsim.runtime.services.api_call import api_call, await_token, boto_parameters
from stepsim.runtime.services.task import TaskCall


def put_events(call: TaskCall) -> Program:
    """``events:putEvents``: each entry's Resources get the state machine and the execution (recorded).

    One entry that fails fails the task, with the response as the cause (recorded); the others were put all the same.
    """
    parameters = call.input.value
    # A refusal shows the parameters as they were given.
    boto_parameters(call, "putEvents", parameters)
    sender = [call.frame.me.machine_arn, call.frame.me.arn]
    entries = [
        {**entry, "Resources": [*(entry.get("Resources") or ()), *sender]} for entry in parameters["Entries"] if entry
    ]
    response: Payload = yield from api_call(call, "putEvents", {**parameters, "Entries": entries})
    if response.value.get("FailedEntryCount"):
        raise StatesError("EventBridge.FailedEntry", response.text)
    return response


def put_events_with_token(call: TaskCall) -> Program:
    """``events:putEvents.waitForTaskToken``: the token's answer is the result."""
    return (yield from await_token(call, (yield from put_events(call))))
