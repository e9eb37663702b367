"""SNS: ``publish`` and its callback."""

from __future__ import annotations

from stepsim.runtime.effects import Program
from stepsim.runtime.services.api_call import api_call, await_token
from stepsim.runtime.services.task import TaskCall


def publish(call: TaskCall) -> Program:
    """``sns:publish``: the message may be any JSON, and is sent as its text."""
    return (yield from api_call(call, "publish", call.input.value))


def publish_with_token(call: TaskCall) -> Program:
    """``sns:publish.waitForTaskToken``: the token's answer is the result."""
    return (yield from await_token(call, (yield from publish(call))))
