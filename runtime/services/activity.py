"""Activities as tasks: a worker somewhere polls for the task, works, and answers with its token.

Both clocks, TimeoutSeconds and HeartbeatSeconds, start when a worker takes the task (measured).
"""

from __future__ import annotations

from stepsim.runtime.activities import HandedOut, missing
from stepsim.runtime.effects import Invoke, Program
from stepsim.runtime.requests import AwaitToken
from stepsim.runtime.services.task import TaskCall
from stepsim.runtime.waits import AwaitWorker


def perform(call: TaskCall) -> Program:
    """A Task whose Resource is an activity: the result is what the worker sent."""
    frame = call.frame
    engine = frame.engine
    arn = call.resource.arn
    if arn not in engine.activities:
        raise missing(arn)
    token = engine.tokens.open(frame.me.arn, *frame.names)
    call.begin()
    try:
        worker: str | None = yield Invoke(AwaitWorker(arn, HandedOut(token, call.input.text)))
        frame.trail.add("ActivityStarted", {} if worker is None else {"workerName": worker})
        call.start_clock()
        return (yield call.invoke(AwaitToken(token), heartbeat=True))
    finally:
        engine.activities.withdraw(arn, token)
        engine.tokens.close(token)
