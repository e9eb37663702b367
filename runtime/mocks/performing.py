"""A mocked attempt: the events that the real one would leave, and the answer that the mock says.

The answers of callbacks and activities come through the task token, as those of real workers do: time-outs and
heartbeats are the same, and whoever has the token may still be quicker than the mock.
"""

from __future__ import annotations

from contextlib import suppress

from stepsim.asl.errors import HEARTBEAT_TIMEOUT, TIMEOUT, StatesError
from stepsim.asl.payload import Payload
from stepsim.runtime.cloud.call import ApiError
from stepsim.runtime.effects import Program, Sleep
from stepsim.runtime.mocks.answers import Answer
from stepsim.runtime.requests import AwaitToken, Never
from stepsim.runtime.services.task import EndedByToken, TaskCall


def perform(call: TaskCall, answer: Answer) -> Program:
    """Run one attempt. Returns the result `Payload`; raises StatesError."""
    call.begin()
    if call.resource.kind == "activity":
        return (yield from _activity(call, answer))
    if answer.refused or not call.resource.pattern:
        yield from _time(call, answer)
        return _outcome(answer)
    call.submitted(answer.submitted)
    if call.resource.pattern == "waitForTaskToken":
        assert call.frame.token is not None
        _send(call, call.frame.token, answer)
        return (yield from _sent(call, call.frame.token))
    yield from _time(call, answer)
    return _outcome(answer)


def _outcome(answer: Answer) -> Payload:
    if answer.returns is not None:
        return answer.returns
    raise _as_reported(StatesError(answer.error, answer.cause))


def _as_reported(error: StatesError) -> StatesError:
    """A missed heartbeat is reported as States.Timeout, and matched by either name."""
    return StatesError(TIMEOUT, error.cause, heartbeat=True) if error.error == HEARTBEAT_TIMEOUT else error


def _time(call: TaskCall, answer: Answer) -> Program:
    """The time that a call or a job takes; that of one that never answers ends with the task's own."""
    if answer.never and call.frame.token is not None:
        raise EndedByToken((yield call.invoke(AwaitToken(call.frame.token))))
    if answer.never:
        yield call.invoke(Never())
    elif answer.delay_ms:
        yield from call.sleep(answer.delay_ms)


def _activity(call: TaskCall, answer: Answer) -> Program:
    frame = call.frame
    tokens = frame.engine.tokens
    if answer.taken_after_ms:
        yield Sleep(frame.engine.scheduler.now_ms + answer.taken_after_ms)
    frame.trail.add("ActivityStarted", {} if answer.worker is None else {"workerName": answer.worker})
    call.start_clock()
    token = tokens.open(frame.me.arn, *frame.names)
    _send(call, token, answer)
    try:
        return (yield from _sent(call, token))
    finally:
        tokens.close(token)


def _sent(call: TaskCall, token: str) -> Program:
    """What comes through a task token."""
    try:
        return (yield call.invoke(AwaitToken(token), heartbeat=True))
    except StatesError as error:
        raise _as_reported(error) from None


def _send(call: TaskCall, token: str, answer: Answer) -> None:
    """Use the token as a worker would: heartbeats, and the answer when it is due."""
    engine = call.frame.engine
    scheduler, tokens = engine.scheduler, engine.tokens

    def send() -> None:
        # The attempt may have timed out, or somebody else have answered.
        with suppress(ApiError):
            if answer.returns is not None:
                tokens.succeed(token, answer.returns.text)
            else:
                tokens.fail(token, answer.error, answer.cause)

    def beat() -> None:
        with suppress(ApiError):
            tokens.heartbeat(token)
            next_beat()

    def next_beat() -> None:
        if answer.heartbeat_ms is not None:
            scheduler.call_at(scheduler.now_ms + answer.heartbeat_ms, beat)

    next_beat()
    if answer.never:
        return
    if answer.delay_ms:
        scheduler.call_at(scheduler.now_ms + answer.delay_ms, send)
    else:
        send()
