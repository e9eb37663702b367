"""Calls of executions to Step Functions itself: ``states:startExecution``, ``aws-sdk:sfn:*``, the end of a child.

They take the same way as all AWS calls (counted, delayed, struck by faults) and end at the service's own operations.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from stepsim.runtime.api.executions import describe_execution
from stepsim.runtime.api.records import Home, Response
from stepsim.runtime.cloud.call import ACCOUNT_ID, DEFAULT_REGION, Answer, ApiError, CallSite
from stepsim.runtime.cloud.gate import HANG_MS, Gate
from stepsim.runtime.execution import Execution
from stepsim.runtime.waits import Cancel, nothing_to_cancel

if TYPE_CHECKING:
    from stepsim.runtime.api.step_functions import StepFunctions

SERVICE = "stepfunctions"


def home_of(arn: str) -> Home:
    """The home of a resource of Step Functions."""
    _, _, _, region, account_id, _ = arn.split(":", 5)
    return Home(account_id, region)


class OwnCalls:
    """The service as executions see it; see `performer.OwnCalls`. Without a gate, calls take no time and never fail."""

    def __init__(self, service: StepFunctions, gate: Gate | None = None) -> None:
        self._service = service
        self._gate = gate

    def call(self, operation: str, params: dict[str, Any], site: CallSite, reply: Callable[[Answer], None]) -> Cancel:
        """Perform an operation in the site's region and account; `reply` gets the answer, at once or later."""
        home = Home(site.account or ACCOUNT_ID, site.region or DEFAULT_REGION)
        latency_ms = 0
        gate = self._gate
        if gate is not None:
            latency_ms, refusal = gate.admit(gate.route(SERVICE, operation), params, site)
            if refusal is not None and (refusal.hang or refusal.code is not None):
                reply(Answer(None, refusal.api_error(), HANG_MS if refusal.hang else latency_ms))
                return nothing_to_cancel

        def answer(outcome: Response | ApiError) -> None:
            if not isinstance(outcome, ApiError):
                reply(Answer(outcome, None, latency_ms))
                return
            if gate is not None:
                gate.failed(gate.route(SERVICE, operation), outcome.code)
            reply(Answer(None, outcome, latency_ms))

        return self._service.call(operation, params, home, answer)

    def await_end(self, arn: str, tell: Callable[[Response], None]) -> None:
        """Tell DescribeExecution's response when an execution has ended."""
        registry = self._service.registries[home_of(arn)]
        execution = registry.execution(arn).execution

        def ended(_: Execution) -> None:
            tell(describe_execution(registry, {"executionArn": arn}))

        if execution.status == "RUNNING":
            execution.when_ended.append(ended)
        else:
            ended(execution)
