"""Faults that let an invocation go on: its process dies once the work is done, or the event is delivered twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from stepsim.runtime.cloud.call import ApiError, CallSite
from stepsim.runtime.cloud.faults import Refusal
from stepsim.runtime.effects import Invoke, Program
from stepsim.runtime.requests import InvokeFunction
from stepsim.workers.lambda_errors import crashed
from stepsim.workers.worker import InvocationResult

if TYPE_CHECKING:
    from stepsim.runtime.statistics import FunctionStatistics

_KILLED = -9
"""The process is ended from outside, as for want of memory."""


def killed(request_id: str, duration_ms: int) -> InvocationResult:
    """The result of an invocation whose process was killed."""
    return InvocationResult(crashed(request_id, _KILLED), "Unhandled", duration_ms)


def invoke_struck(
    request: InvokeFunction,
    refusal: Refusal,
    statistics: FunctionStatistics,
    request_id: str,
    answer: Callable[[InvocationResult | ApiError], None],
) -> Program:
    """Do the work, once or twice; `answer` gets what the caller hears, as soon as it would."""
    first: InvocationResult | ApiError = yield Invoke(_settled(request, ""))
    if refusal.crash is not None and isinstance(first, InvocationResult):
        statistics.errors["Runtime.ExitError"] += 1
        first = killed(request_id, first.duration_ms)
    answer(first)
    if refusal.duplicate:
        yield Invoke(_settled(request, "/again"))


def _settled(request: InvokeFunction, mark: str) -> InvokeFunction:
    """The same invocation, past the faults; `mark` gives a second one dice of its own."""
    old = request.site
    place = f"{old.place}{mark}" if mark else old.place
    site = CallSite(old.execution, old.state, old.function, old.item, old.attempt, place)
    site.batch, site.region, site.account, site.settled = old.batch, old.region, old.account, True
    again = InvokeFunction(request.function, request.event, site, request.caller, request.options, request.variables)
    again.invoked_arn = request.invoked_arn
    return again
