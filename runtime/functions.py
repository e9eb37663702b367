"""The account's Lambda functions: found by name or ARN, limited in concurrency, counted, and run by a worker.

What Lambda itself does around the code lives here: a function that does not exist, the account's concurrency, execution
environments that are warm or cold, faults injected on a function. The code runs in a `Worker`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from stepsim.asl.payload import decode, encode
from stepsim.runtime.cloud.call import ACCOUNT_ID, DEFAULT_REGION, ApiError, CallSite
from stepsim.runtime.cloud.faults import Refusal
from stepsim.runtime.dice import Dice
from stepsim.runtime.requests import InvokeFunction
from stepsim.runtime.scheduler import Scheduler, Ticket
from stepsim.runtime.services.lambda_function import function_name
from stepsim.runtime.statistics import FunctionStatistics, Statistics
from stepsim.workers.modelled import Model, overdue
from stepsim.workers.worker import Invocation, InvocationResult, Worker

CONCURRENCY = 1_000
"""Concurrent executions of an account in one region, by default."""


@dataclass(frozen=True, slots=True)
class Function:
    """One function: its limits and the worker that runs it."""

    name: str
    code: Worker | Model
    """What runs it: real code, or a model that is answered without an invocation."""
    timeout_ms: int = 3_000
    """Lambda's default is 3 s."""
    memory_mb: int = 128
    reserved_concurrency: int | None = None
    in_lambda: bool = True
    """False for what runs elsewhere (a container, a job): Lambda's concurrency and overhead do not concern it."""

    @property
    def arn(self) -> str:
        return f"arn:aws:lambda:{DEFAULT_REGION}:{ACCOUNT_ID}:function:{self.name}"


class StrikeFunction(Protocol):
    """Whether an injected fault strikes this invocation."""

    def __call__(self, site: CallSite, /) -> Refusal | None: ...


class _Place:
    """A function with its counters and its idle execution environments."""

    __slots__ = ("counted", "function", "idle", "model", "statistics", "worker")

    def __init__(self, function: Function, statistics: FunctionStatistics) -> None:
        self.function = function
        self.statistics = statistics
        self.idle = 0
        self.counted = function.in_lambda and function.reserved_concurrency is None
        """It takes part in the account's unreserved concurrency."""
        code = function.code
        self.model = code if isinstance(code, Model) else None
        self.worker = None if isinstance(code, Model) else code


class Functions:
    """All functions of an account."""

    def __init__(
        self,
        functions: Iterable[Function],
        dice: Dice,
        statistics: Statistics,
        *,
        concurrency: int | None = CONCURRENCY,
        strike: StrikeFunction | None = None,
        overhead_ms: tuple[int, int] = (0, 0),
        log: Callable[[str, InvocationResult], None] | None = None,
    ) -> None:
        self._places = {function.name: _Place(function, statistics.function(function.name)) for function in functions}
        self._dice = dice
        self._unreserved = _unreserved(concurrency, self._places.values())
        self._strike = strike
        self._overhead_ms = overhead_ms
        """The least and the most that Lambda adds to a function's own time."""
        self._log = log
        self._running = 0
        self.scheduler: Scheduler

    def __contains__(self, reference: object) -> bool:
        return isinstance(reference, str) and function_name(reference) in self._places

    def invoke(self, ticket: Ticket, request: InvokeFunction) -> None:
        """Run a function. The ticket is answered with an InvocationResult, or with the ApiError of Lambda's refusal."""
        place = self._places.get(function_name(request.function))
        if place is None:
            self._refuse(ticket, _not_found(request.function))
            return
        statistics = place.statistics
        if self._is_full(place):
            statistics.throttles += 1
            self._refuse(ticket, ApiError("TooManyRequestsException", "Rate Exceeded.", 429))
            return
        refusal = None if self._strike is None else self._strike(request.site)
        if refusal is not None and refusal.code == "TooManyRequestsException":
            statistics.throttles += 1
            self._refuse(ticket, ApiError(refusal.code, refusal.message or "Rate Exceeded.", 429))
            return
        self._begin(place)
        site = request.site
        name = f"{site.execution}/{site.state}/{site.place}/{site.attempt}/{place.function.name}"
        first, second = self._dice.pair(name)
        least_ms, most_ms = self._overhead_ms
        overhead_ms = least_ms + int(first * (most_ms - least_ms + 1)) if most_ms and place.function.in_lambda else 0
        if refusal is not None:
            self._struck(place, ticket, request, refusal, overhead_ms, second)
        else:
            self._go(place, ticket, request, overhead_ms, second)

    def _is_full(self, place: _Place) -> bool:
        reserved = place.function.reserved_concurrency
        if reserved is not None:
            return place.statistics.running >= reserved
        return place.counted and self._unreserved is not None and self._running >= self._unreserved

    # -- one invocation -------------------------------------------------------------------------------------------

    def _begin(self, place: _Place) -> None:
        statistics = place.statistics
        statistics.invocations += 1
        statistics.running += 1
        if place.counted:
            self._running += 1
        if statistics.running > statistics.max_concurrency_seen:
            statistics.max_concurrency_seen = statistics.running
        if place.idle:
            place.idle -= 1
        else:
            statistics.cold_starts += 1

    def _end(self, place: _Place, ticket: Ticket, result: InvocationResult, duration_ms: int) -> None:
        statistics = place.statistics
        statistics.running -= 1
        if place.counted:
            self._running -= 1
        place.idle += 1
        statistics.durations.add(duration_ms)
        if result.function_error is not None:
            error = error_type(result)
            statistics.errors[error] += 1
            if error == "Sandbox.Timedout":
                statistics.timeouts += 1
        if self._log is not None:
            self._log(place.function.name, result)
        self.scheduler.complete(ticket, result)

    def _go(self, place: _Place, ticket: Ticket, request: InvokeFunction, overhead_ms: int, drawn: float) -> None:
        if place.model is not None:
            self._model(place, place.model, ticket, request, overhead_ms, drawn)
        else:
            self._work(place, ticket, request, overhead_ms)

    def _model(
        self, place: _Place, model: Model, ticket: Ticket, request: InvokeFunction, overhead_ms: int, drawn: float
    ) -> None:
        site, dice = request.site, self._dice

        def draw(purpose: str) -> float:
            if purpose == "duration":
                return drawn
            return dice.draw(purpose, site.execution, site.state, site.place, site.attempt, place.function.name)

        duration_ms, result = model.answer(draw, request.event)
        if duration_ms > place.function.timeout_ms:
            duration_ms, result = place.function.timeout_ms, self._overdue(place, request)
        self._end_at(duration_ms, overhead_ms, place, ticket, result)

    def _end_at(
        self, duration_ms: int, overhead_ms: int, place: _Place, ticket: Ticket, result: InvocationResult
    ) -> None:
        due_ms = self.scheduler.now_ms + overhead_ms + duration_ms
        self.scheduler.call_at(due_ms, lambda: self._end(place, ticket, result, duration_ms))

    def _work(self, place: _Place, ticket: Ticket, request: InvokeFunction, overhead_ms: int) -> None:
        site, function, worker = request.site, place.function, place.worker
        assert worker is not None
        names = (site.execution, site.state, site.place, site.attempt, function.name)
        invocation = Invocation(
            request_id=self._dice.uuid4("request", *names, self.scheduler.now_ms),
            function_name=function.name,
            function_arn=function.arn,
            event=request.event,
            timeout_ms=function.timeout_ms,
            memory_mb=function.memory_mb,
            names=tuple(map(str, names)),
            variables=request.variables,
            site=CallSite(site.execution, site.state, function.name, site.item, site.attempt, site.place),
        )

        def done(result: InvocationResult) -> None:
            self._end(place, ticket, result, result.duration_ms)

        if overhead_ms:
            start_ms = self.scheduler.now_ms + overhead_ms
            self.scheduler.call_at(start_ms, lambda: worker.invoke(invocation, done))
        else:
            worker.invoke(invocation, done)

    def _struck(
        self, place: _Place, ticket: Ticket, request: InvokeFunction, refusal: Refusal, overhead_ms: int, drawn: float
    ) -> None:
        """An injected fault instead of the code: an error of the function, or silence until it times out."""
        duration_ms = refusal.delay_ms
        if refusal.hang or duration_ms >= place.function.timeout_ms:
            self._end_at(place.function.timeout_ms, overhead_ms, place, ticket, self._overdue(place, request))
        elif refusal.code is None:
            start_ms = self.scheduler.now_ms + overhead_ms + duration_ms
            self.scheduler.call_at(start_ms, lambda: self._go(place, ticket, request, 0, drawn))
        else:
            payload = encode({"errorMessage": refusal.message, "errorType": refusal.code})
            result = InvocationResult(payload, "Unhandled", duration_ms)
            self._end_at(duration_ms, overhead_ms, place, ticket, result)

    def _overdue(self, place: _Place, request: InvokeFunction) -> InvocationResult:
        site = request.site
        request_id = self._dice.uuid4("request", site.execution, site.state, site.attempt, self.scheduler.now_ms)
        return overdue(request_id, place.function.timeout_ms)

    def _refuse(self, ticket: Ticket, error: ApiError) -> None:
        self.scheduler.complete(ticket, error)


def _unreserved(concurrency: int | None, places: Iterable[_Place]) -> int | None:
    """What reserved concurrency leaves of the account's for all other functions."""
    if concurrency is None:
        return None
    return concurrency - sum(place.function.reserved_concurrency or 0 for place in places)


def error_type(result: InvocationResult) -> str:
    """The errorType of a failed invocation; Lambda.Unknown where Lambda gave none."""
    failure = decode(result.payload)
    return (failure.get("errorType") if isinstance(failure, dict) else None) or "Lambda.Unknown"


def _not_found(reference: str) -> ApiError:
    name = function_name(reference)
    arn = f"arn:aws:lambda:{DEFAULT_REGION}:{ACCOUNT_ID}:function:{name}"
    return ApiError("ResourceNotFoundException", f"Function not found: {arn}:$LATEST", 404)
