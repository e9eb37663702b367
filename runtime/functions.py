"""The account's Lambda functions: found by name or ARN, limited in concurrency, counted, and run by a worker.

What Lambda itself does around the code lives here: a function that does not exist, time that Lambda adds, faults
injected on a function. Environments and throttles are a `Place`'s. The code runs in a `Worker`.

A scenario's functions are fixed: they are found by name. What is not among them is asked of a `Lookup`, if there is
one: the functions that clients have created come and go, in all accounts and regions.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from stepsim.asl.payload import decode, encode
from stepsim.runtime.cloud.call import ACCOUNT_ID, DEFAULT_REGION, ApiError, CallSite
from stepsim.runtime.cloud.faults import Refusal
from stepsim.runtime.dice import Dice
from stepsim.runtime.fiber import Ticket
from stepsim.runtime.function_faults import invoke_struck, killed
from stepsim.runtime.lambdas.asynchronous import EventInvoke, invoke_event
from stepsim.runtime.lambdas.places import NO_SCALING, Place, Room, Scaling, ThrottleReason
from stepsim.runtime.requests import InvokeFunction, InvokeOptions
from stepsim.runtime.scheduler import Scheduler
from stepsim.runtime.services.lambda_function import function_name
from stepsim.runtime.statistics import Durations, Statistics
from stepsim.workers.durations import NOTHING, Duration
from stepsim.workers.modelled import Model, overdue
from stepsim.workers.worker import Invocation, InvocationResult, Worker

_PLAIN = InvokeOptions()
_NO_EVENTS = EventInvoke()

INIT_MS_MAX = 10_000
"""As long an environment may take to begin (Lambda's quotas page)."""

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

    own_arn: str | None = None
    """Its ARN without a version; None for one of the account's own region."""
    version: str = "$LATEST"
    cold_start: Duration = NOTHING
    """How long an environment takes to begin; it is billed."""
    event_invoke: EventInvoke = _NO_EVENTS
    """What becomes of the events that it is sent."""

    @property
    def arn(self) -> str:
        return self.own_arn or f"arn:aws:lambda:{DEFAULT_REGION}:{ACCOUNT_ID}:function:{self.name}"


class StrikeFunction(Protocol):
    """Whether an injected fault strikes this invocation."""

    def __call__(self, site: CallSite, /) -> Refusal | None: ...


class Lookup(Protocol):
    """Finds the functions that are not fixed."""

    def __call__(self, request: InvokeFunction, /) -> Place | ApiError:
        """The function that a request means, or Lambda's refusal; it sets the request's `invoked_arn`."""
        ...


class Functions:
    """All functions of an account."""

    def __init__(
        self,
        functions: Iterable[Function],
        dice: Dice,
        statistics: Statistics,
        *,
        concurrency: int | None = CONCURRENCY,
        scaling: Scaling = NO_SCALING,
        strike: StrikeFunction | None = None,
        overhead_ms: tuple[int, int] = (0, 0),
    ) -> None:
        fixed = list(functions)
        reserved = sum(one.reserved_concurrency or 0 for one in fixed)
        room = Room(None if concurrency is None else concurrency - reserved, scaling)
        self._places = {one.name: Place(one, statistics.function(one.name), room, scaling) for one in fixed}
        self._dice = dice
        self._statistics = statistics
        self.concurrency = concurrency
        self._strike = strike
        self._overhead_ms = overhead_ms
        """The least and the most that Lambda adds to a function's own time."""
        self.lookup: Lookup | None = None
        """Asked for what is not fixed."""
        self._events = 0
        self.pending_events = 0
        """Events that were accepted and are being worked off."""
        self.unfinished = 0
        """Invocations that faults have asked for and that nobody waits for."""
        self.scheduler: Scheduler

    def __contains__(self, reference: object) -> bool:
        return isinstance(reference, str) and function_name(reference) in self._places

    def invoke(self, ticket: Ticket, request: InvokeFunction) -> None:
        """Run a function. The ticket is answered with an InvocationResult, or with the ApiError of Lambda's refusal."""
        place = self._places.get(function_name(request.function))
        if place is None:
            found = _not_found(request.function) if self.lookup is None else self.lookup(request)
            if isinstance(found, ApiError):
                self._refuse(ticket, found)
                return
            place = found
        options, now_ms = request.options, self.scheduler.now_ms
        if options is not None and options.kind != "RequestResponse":
            self._accept(place, ticket, request, options)
            return
        reason = place.throttle(now_ms, queued=options is not None and options.queued)
        if reason is not None:
            place.statistics.throttles += 1
            self._refuse(ticket, _too_many(reason))
            return
        refusal = None if self._strike is None else self._strike(_within(request.site, place.function.name))
        if refusal is not None and refusal.code == "TooManyRequestsException":
            place.statistics.throttles += 1
            self._refuse(ticket, ApiError(refusal.code, refusal.message or "Rate Exceeded.", 429))
            return
        if refusal is not None and refusal.by_service and refusal.code is not None:
            self._refuse(ticket, refusal.api_error())
            return
        if refusal is not None and (refusal.duplicate or refusal.crash == "after"):
            self._go_on_struck(place, ticket, request, refusal)
            return
        cold = place.begin(now_ms)
        site = request.site
        name = f"{site.execution}/{site.state}/{site.place}/{site.attempt}/{place.function.name}"
        first, second = self._dice.pair(name)
        least_ms, most_ms = self._overhead_ms
        overhead_ms = least_ms + int(first * (most_ms - least_ms + 1)) if most_ms and place.function.in_lambda else 0
        if cold:
            overhead_ms += self._init_ms(place, name, site.state)
        if refusal is not None:
            self._struck(place, ticket, request, refusal, overhead_ms, second)
        else:
            self._go(place, ticket, request, overhead_ms, second)

    def new_place(self, function: Function, room: Room, statistics_name: str) -> Place:
        """A place for a function that a `Lookup` has found. Places of one statistics name share their counters."""
        return Place(function, self._statistics.function(statistics_name), room)

    def _accept(self, place: Place, ticket: Ticket, request: InvokeFunction, options: InvokeOptions) -> None:
        """Take an event, which is worked off by itself, or answer a dry run."""
        if options.kind == "Event":
            self._events += 1
            request_id = options.request_id or self._dice.uuid4("event", self._events, self.scheduler.now_ms)
            self.pending_events += 1
            self.scheduler.spawn(
                invoke_event(request, request_id, place.function, place.event_invoke, self.scheduler), self._event_done
            )
        self.scheduler.complete(ticket, InvocationResult("", version=place.function.version))

    def _event_done(self, _result: Any, error: Exception | None) -> None:
        # An event that cannot be delivered is dropped, as on AWS; anything else that ends its program is a bug.
        self.pending_events -= 1
        if error is not None:
            raise error

    # -- one invocation -------------------------------------------------------------------------------------------

    def _init_ms(self, place: Place, name: str, state: str) -> int:
        """How long the environment that is made for an invocation takes to begin."""
        cold_start = place.function.cold_start
        init_ms = cold_start.constant_ms
        if init_ms is None:
            init_ms = cold_start.sample_ms(self._dice.of(f"cold_start/{name}"))
        init_ms = min(init_ms, INIT_MS_MAX)
        if init_ms:
            inits = place.statistics.inits.get(state)
            if inits is None:
                inits = place.statistics.inits[state] = Durations()
            inits.add(init_ms)
        return init_ms

    def _end(self, place: Place, ticket: Ticket, result: InvocationResult, duration_ms: int, state: str) -> None:
        statistics = place.statistics
        place.end(self.scheduler.now_ms)
        by_state = statistics.succeeded if result.function_error is None else statistics.failed
        durations = by_state.get(state)
        if durations is None:
            durations = by_state[state] = Durations()
        durations.add(duration_ms)
        if result.function_error is not None:
            error = error_type(result)
            statistics.errors[error] += 1
            if error == "Sandbox.Timedout":
                statistics.timeouts += 1
        if place.log is not None:
            place.log(result)
        self.scheduler.complete(ticket, result)

    def _go(self, place: Place, ticket: Ticket, request: InvokeFunction, overhead_ms: int, drawn: float) -> None:
        if place.model is not None:
            self._model(place, place.model, ticket, request, overhead_ms, drawn)
        else:
            self._work(place, ticket, request, overhead_ms)

    def _model(
        self, place: Place, model: Model, ticket: Ticket, request: InvokeFunction, overhead_ms: int, drawn: float
    ) -> None:
        site, dice = request.site, self._dice
        result = model.always
        if result is not None:
            duration_ms = model.duration.sample_ms(drawn)
        else:

            def draw(purpose: str) -> float:
                if purpose == "duration":
                    return drawn
                return dice.draw(purpose, site.execution, site.state, site.place, site.attempt, place.function.name)

            duration_ms, result = model.answer(draw, request.event)
        if duration_ms > place.function.timeout_ms:
            duration_ms, result = place.function.timeout_ms, self._overdue(place, request)
        self._end_at(duration_ms, overhead_ms, place, ticket, result, site.state)

    def _end_at(
        self, duration_ms: int, overhead_ms: int, place: Place, ticket: Ticket, result: InvocationResult, state: str
    ) -> None:
        due_ms = self.scheduler.now_ms + overhead_ms + duration_ms
        self.scheduler.call_at(due_ms, lambda: self._end(place, ticket, result, duration_ms, state))

    def _work(self, place: Place, ticket: Ticket, request: InvokeFunction, overhead_ms: int) -> None:
        site, function, worker = request.site, place.function, place.worker
        assert worker is not None
        names = (site.execution, site.state, site.place, site.attempt, function.name)
        options = request.options or _PLAIN
        own_site = CallSite(site.execution, site.state, function.name, site.item, site.attempt, site.place)
        own_site.batch = site.batch
        invocation = Invocation(
            request_id=options.request_id or self._dice.uuid4("request", *names, self.scheduler.now_ms),
            function_name=function.name,
            function_arn=request.invoked_arn or function.arn,
            event=request.event,
            timeout_ms=function.timeout_ms,
            memory_mb=function.memory_mb,
            names=tuple(map(str, names)),
            variables=request.variables,
            client_context=options.client_context,
            site=own_site,
        )

        def done(result: InvocationResult) -> None:
            self._end(place, ticket, result, result.duration_ms, site.state)

        if overhead_ms:
            start_ms = self.scheduler.now_ms + overhead_ms
            self.scheduler.call_at(start_ms, lambda: worker.invoke(invocation, done))
        else:
            worker.invoke(invocation, done)

    def _go_on_struck(self, place: Place, ticket: Ticket, request: InvokeFunction, refusal: Refusal) -> None:
        """An injected fault around the code, which runs."""
        self.unfinished += 1

        def ended(_result: Any, error: Exception | None) -> None:
            self.unfinished -= 1
            if error is not None:
                raise error

        def answer(result: InvocationResult | ApiError) -> None:
            self.scheduler.complete(ticket, result)

        request_id = self._dice.uuid4("request", *_names(request.site), self.scheduler.now_ms)

        def start() -> None:
            self.scheduler.spawn(invoke_struck(request, refusal, place.statistics, request_id, answer), ended)

        if refusal.delay_ms:
            self.scheduler.call_at(self.scheduler.now_ms + refusal.delay_ms, start)
        else:
            start()

    def _struck(
        self, place: Place, ticket: Ticket, request: InvokeFunction, refusal: Refusal, overhead_ms: int, drawn: float
    ) -> None:
        """An injected fault instead of the code: an error of the function, or silence until it times out."""
        duration_ms, state = refusal.delay_ms, request.site.state
        if refusal.hang or duration_ms >= place.function.timeout_ms:
            self._end_at(place.function.timeout_ms, overhead_ms, place, ticket, self._overdue(place, request), state)
        elif refusal.code is None and refusal.crash is None:
            start_ms = self.scheduler.now_ms + overhead_ms + duration_ms
            self.scheduler.call_at(start_ms, lambda: self._go(place, ticket, request, 0, drawn))
        elif refusal.crash is not None:
            request_id = self._dice.uuid4("request", *_names(request.site), self.scheduler.now_ms)
            self._end_at(duration_ms, overhead_ms, place, ticket, killed(request_id, duration_ms), state)
        else:
            payload = encode({"errorMessage": refusal.message, "errorType": refusal.code})
            result = InvocationResult(payload, "Unhandled", duration_ms)
            self._end_at(duration_ms, overhead_ms, place, ticket, result, state)

    def _overdue(self, place: Place, request: InvokeFunction) -> InvocationResult:
        site = request.site
        request_id = self._dice.uuid4("request", site.execution, site.state, site.attempt, self.scheduler.now_ms)
        return overdue(request_id, place.function.timeout_ms)

    def _refuse(self, ticket: Ticket, error: ApiError) -> None:
        self.scheduler.complete(ticket, error)


def _names(site: CallSite) -> tuple[object, ...]:
    return site.execution, site.state, site.place, site.attempt, site.function


def error_type(result: InvocationResult) -> str:
    """The errorType of a failed invocation; Lambda.Unknown where Lambda gave none."""
    failure = decode(result.payload)
    return (failure.get("errorType") if isinstance(failure, dict) else None) or "Lambda.Unknown"


def _within(site: CallSite, name: str) -> CallSite:
    """Where a function runs: its caller's site, which may not name it (a queue's poller, an API, a client)."""
    if site.function == name:
        return site
    within = CallSite(site.execution, site.state, name, site.item, site.attempt, site.place)
    within.batch, within.settled = site.batch, site.settled
    return within


def _too_many(reason: ThrottleReason) -> ApiError:
    return ApiError("TooManyRequestsException", "Rate Exceeded.", 429, {"Reason": reason, "Type": "User"})


def _not_found(reference: str) -> ApiError:
    name = function_name(reference)
    arn = f"arn:aws:lambda:{DEFAULT_REGION}:{ACCOUNT_ID}:function:{name}"
    return ApiError("ResourceNotFoundException", f"Function not found: {arn}:$LATEST", 404, {"Type": "User"})
