"""Performs what executions ask for with Invoke: functions, AWS calls, task tokens and modelled tasks.

Both drivers use it: the simulation waits a call's latency on its clock, the system clock has none to wait.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from stepsim.asl.errors import StatesError
from stepsim.asl.payload import Payload
from stepsim.runtime.activities import Activities
from stepsim.runtime.cloud.call import Answer, CallSite
from stepsim.runtime.dice import Dice
from stepsim.runtime.fiber import Ticket
from stepsim.runtime.functions import Functions
from stepsim.runtime.item_source import PerformCall
from stepsim.runtime.map_quotas import AwaitOpening
from stepsim.runtime.requests import AwaitToken, CallApi, FindFunction, InvokeFunction, Never, RunModel, SendHttp
from stepsim.runtime.scheduler import Scheduler
from stepsim.runtime.services.failures import refused_parameters
from stepsim.runtime.tokens import TaskTokens
from stepsim.runtime.waits import AwaitExecution, AwaitTokenUntil, AwaitWorker, CallWaiting, Cancel
from stepsim.workers.modelled import Model

if TYPE_CHECKING:
    from stepsim.runtime.cloud.outbound_http import Outbound


class OwnCalls(Protocol):
    """Step Functions itself, as executions call it."""

    def call(self, operation: str, params: dict[str, Any], site: CallSite, reply: Callable[[Answer], None]) -> Cancel:
        """Perform an operation in the site's region and account; `reply` gets the answer, at once or later."""
        ...

    def await_end(self, arn: str, tell: Callable[[dict[str, Any]], None]) -> None:
        """Tell DescribeExecution's response when an execution has ended."""
        ...


class Performer:
    """Answers requests, each by its own kind. `scheduler` is set once, when the knot is tied.

    `own` is set where there is a Step Functions service: it answers the calls to ``stepfunctions``, instead of moto.
    """

    def __init__(
        self,
        functions: Functions,
        tokens: Callable[[], TaskTokens],
        activities: Callable[[], Activities],
        call: PerformCall,
        models: Mapping[str, Model],
        dice: Dice,
    ) -> None:
        self._functions = functions
        self._tokens = tokens
        self._activities = activities
        self._call = call
        self._models = models
        self._dice = dice
        self._outbound: Outbound | None = None
        self.own: OwnCalls | None = None
        self.scheduler: Scheduler

    def __call__(self, ticket: Ticket, request: Any) -> None:
        """Perform a request; the ticket is answered now or later."""
        kind = type(request)
        if kind is InvokeFunction:
            self._functions.invoke(ticket, request)
        elif kind is CallApi:
            self._call_api(ticket, request)
        elif kind is RunModel:
            self._run_model(ticket, request)
        elif kind is FindFunction:
            self.scheduler.complete(ticket, next((name for name in request.names if name in self._functions), None))
        elif kind is AwaitToken:
            self._tokens().wait(request.token, ticket)
        elif kind is AwaitWorker:
            self._activities().schedule(request.activity, request.task, ticket)
        elif kind is AwaitTokenUntil:
            self.scheduler.complete_at(request.until_ms, ticket)
            self._tokens().wait(request.token, ticket)
        elif kind is AwaitExecution:
            self._await_execution(ticket, request)
        elif kind is CallWaiting:
            request.cancel = self._step_functions().call(
                request.operation, request.parameters, request.site, lambda answer: self._answer(ticket, answer)
            )
        elif kind is SendHttp:
            self._send_http(ticket, request)
        elif kind is AwaitOpening:
            request.openings.wait(ticket, request.run)
        elif kind is not Never:
            raise TypeError(f"{request!r} is not a request")

    def _call_api(self, ticket: Ticket, request: CallApi) -> None:
        if request.service == "stepfunctions" and self.own is not None:
            self.own.call(
                request.operation, request.parameters, request.site, lambda answer: self._answer(ticket, answer)
            )
            return
        try:
            answer = self._call(request.service, request.operation, request.parameters, site=request.site)
        except Exception as error:
            refusal = refused_parameters(error)
            if refusal is None:
                raise
            answer = Answer(None, refusal)
        self._answer(ticket, answer)

    def _send_http(self, ticket: Ticket, request: SendHttp) -> None:
        if self._outbound is None:
            from stepsim.runtime.cloud.outbound_http import Outbound  # urllib3 is seldom needed here

            self._outbound = Outbound()
        # A driver that is woken must not wait for an answer; one that jumps has nothing else to do.
        send = self._outbound.send_in_place if self.scheduler.wake is None else self._outbound.send_aside
        send(request.call, lambda answer: self.scheduler.complete(ticket, answer))

    def _await_execution(self, ticket: Ticket, request: AwaitExecution) -> None:
        self._step_functions().await_end(request.arn, lambda described: self.scheduler.complete(ticket, described))
        if request.token is not None:
            self._tokens().wait(request.token, ticket)

    def _step_functions(self) -> OwnCalls:
        if self.own is None:
            raise LookupError("Step Functions was called in a run without a Step Functions service")
        return self.own

    def _run_model(self, ticket: Ticket, request: RunModel) -> None:
        site = request.site
        names = (site.execution, site.state, site.place, site.attempt, request.name)
        duration_ms, result = self._models[request.name].answer(lambda purpose: self._dice.draw(*names, purpose), "")
        if result.function_error is None:
            self._complete(ticket, duration_ms, Payload.of_text(result.payload))
            return
        failure = Payload.of_text(result.payload).value
        error = StatesError(failure.get("errorType"), failure.get("errorMessage"))
        self.scheduler.complete_at(self.scheduler.now_ms + duration_ms, ticket, None, error)

    def _answer(self, ticket: Ticket, answer: Answer) -> None:
        self._complete(ticket, answer.latency_ms, answer)

    def _complete(self, ticket: Ticket, latency_ms: int, answer: Any) -> None:
        if latency_ms:
            self.scheduler.complete_at(self.scheduler.now_ms + latency_ms, ticket, answer)
        else:
            self.scheduler.complete(ticket, answer)
