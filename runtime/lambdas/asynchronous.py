"""Events: invocations that nobody waits for, retried and told of as Lambda's own queue does it.

An event is worked off by a program of its own. A function that fails is tried again after one minute and after two;
one that is throttled, or that Lambda itself cannot run, after a second and then twice as long each time, for as long as
the event may live. What became of it goes to `EventInvoke.deliver`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stepsim.runtime.cloud.call import ApiError, CallSite
from stepsim.runtime.effects import Invoke, Program, Sleep
from stepsim.runtime.requests import InvokeFunction, InvokeOptions
from stepsim.workers.worker import InvocationResult

if TYPE_CHECKING:
    from stepsim.runtime.functions import Function
    from stepsim.runtime.scheduler import Scheduler

RETRY_MS = (60_000, 120_000)
"""How long Lambda waits before it tries a function again that has failed."""

_FIRST_PAUSE_MS, _LONGEST_PAUSE_MS = 1_000, 300_000
"""The waits of an event that Lambda could not even begin."""

_FINAL = frozenset({"ResourceNotFoundException", "InvalidRuntimeException", "InvalidParameterValueException"})
"""Refusals that waiting does not change."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an event."""

    condition: str
    """``Success``, ``RetriesExhausted``, ``EventAgeExceeded`` or ``ZeroReservedConcurrency``."""
    request_id: str
    qualified_arn: str
    invoke_count: int
    event: str
    answer: InvocationResult | ApiError | None
    """How the last attempt ended; None where there was none."""
    ended_ms: int


@dataclass(frozen=True, slots=True)
class EventInvoke:
    """How a function's events are worked off: its EventInvokeConfig, and where their outcomes go."""

    maximum_retry_attempts: int = 2
    maximum_event_age_ms: int = 21_600_000
    deliver: Callable[[Outcome], None] | None = None


def invoke_event(
    request: InvokeFunction,
    request_id: str,
    function: Function,
    settings: Callable[[], EventInvoke],
    scheduler: Scheduler,
) -> Program:
    """Work one event off; returns its `Outcome`. `settings` are read as they are when an attempt has ended."""
    accepted_ms = scheduler.now_ms
    attempts = errors = 0
    pause_ms = _FIRST_PAUSE_MS
    qualified_arn = _qualified(request, function)

    def outcome(condition: str, answer: InvocationResult | ApiError | None) -> Outcome:
        return Outcome(condition, request_id, qualified_arn, attempts, request.event, answer, scheduler.now_ms)

    while True:
        answer: InvocationResult | ApiError = yield Invoke(_attempt(request, request_id, attempts))
        attempts += 1
        now = settings()
        if isinstance(answer, InvocationResult):
            if answer.function_error is None:
                return _told(outcome("Success", answer), now)
            if errors >= now.maximum_retry_attempts:
                return _told(outcome("RetriesExhausted", answer), now)
            wait_ms = RETRY_MS[min(errors, len(RETRY_MS) - 1)]
            errors += 1
        elif answer.code in _FINAL:
            return _told(outcome("RetriesExhausted", answer), now)
        elif function.reserved_concurrency == 0:
            return _told(outcome("ZeroReservedConcurrency", answer), now)
        else:
            wait_ms, pause_ms = pause_ms, min(2 * pause_ms, _LONGEST_PAUSE_MS)
        expires_ms = accepted_ms + now.maximum_event_age_ms
        yield Sleep(min(scheduler.now_ms + wait_ms, expires_ms))
        if scheduler.now_ms >= expires_ms:
            return _told(outcome("EventAgeExceeded", answer), now)


def _told(outcome: Outcome, settings: EventInvoke) -> Outcome:
    if settings.deliver is not None:
        settings.deliver(outcome)
    return outcome


def _attempt(request: InvokeFunction, request_id: str, attempt: int) -> InvokeFunction:
    """The invocation that an attempt makes: all attempts have one request id."""
    site = CallSite(request.site.execution, request.site.state, request.site.function, None, attempt, request_id)
    site.account, site.region = request.site.account, request.site.region
    asked = request.options or InvokeOptions()
    options = InvokeOptions("RequestResponse", asked.qualifier, asked.client_context, request_id, queued=True)
    return InvokeFunction(request.function, request.event, site, request.caller, options)


def _qualified(request: InvokeFunction, function: Function) -> str:
    arn = request.invoked_arn or function.arn
    return arn if arn.count(":") > 6 else f"{arn}:$LATEST"
