"""runtime/lambdas/asynchronous.py: events are retried and told of when Lambda would."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from stepsim.runtime.cloud.call import ApiError, CallSite
from stepsim.runtime.fiber import Ticket
from stepsim.runtime.functions import Function
from stepsim.runtime.lambdas.asynchronous import EventInvoke, Outcome, invoke_event
from stepsim.runtime.lambdas.destinations import record
from stepsim.runtime.requests import InvokeFunction, InvokeOptions
from stepsim.runtime.scheduler import Scheduler
from stepsim.workers.modelled import Model
from stepsim.workers.worker import InvocationResult

GOOD = InvocationResult('"done"')
BAD = InvocationResult('{"errorMessage":"why","errorType":"Boom"}', "Unhandled")
BUSY = ApiError("TooManyRequestsException", "Rate Exceeded.", 429)
GONE = ApiError("ResourceNotFoundException", "Function not found", 404)


class Line:
    """An event on its way; each attempt is answered with the next of some answers."""

    def __init__(self, answers: Iterator[Any], reserved: int | None = None, **settings: Any) -> None:
        self.attempts: list[tuple[int, InvokeFunction]] = []
        self.outcomes: list[Outcome] = []
        self._answers = answers
        self.scheduler = Scheduler(self._perform, 0)
        function = Function("f", Model(returns=None), reserved_concurrency=reserved)
        request = InvokeFunction("f", '{"a":1}', CallSite("run"), options=InvokeOptions("Event", "live"))
        events = EventInvoke(**settings, deliver=self.outcomes.append)
        self.scheduler.spawn(invoke_event(request, "id", function, lambda: events, self.scheduler))
        while (deadline_ms := self.scheduler.next_deadline()) is not None:
            self.scheduler.advance(deadline_ms)

    def _perform(self, ticket: Ticket, request: InvokeFunction) -> None:
        self.attempts.append((self.scheduler.now_ms, request))
        self.scheduler.complete(ticket, next(self._answers))

    @property
    def moments_s(self) -> list[int]:
        return [moment // 1000 for moment, _ in self.attempts]


@pytest.mark.parametrize(
    ("answers", "settings", "moments_s", "condition"),
    [
        ([GOOD], {}, [0], "Success"),
        ([BAD, GOOD], {}, [0, 60], "Success"),
        ([BAD, BAD, BAD], {}, [0, 60, 180], "RetriesExhausted"),
        ([BAD], {"maximum_retry_attempts": 0}, [0], "RetriesExhausted"),
        ([BAD, BAD], {"maximum_retry_attempts": 1}, [0, 60], "RetriesExhausted"),
        ([BAD, BAD], {"maximum_event_age_ms": 90_000}, [0, 60], "EventAgeExceeded"),
        ([BUSY, BUSY, BUSY, BAD, BUSY, GOOD], {}, [0, 1, 3, 7, 67, 75], "Success"),
        ([BUSY] * 9, {"maximum_event_age_ms": 60_000}, [0, 1, 3, 7, 15, 31], "EventAgeExceeded"),
        ([GONE], {}, [0], "RetriesExhausted"),
    ],
)
def test_an_event_is_tried_again(
    answers: list[Any], settings: dict[str, Any], moments_s: list[int], condition: str
) -> None:
    """A failed function after one minute and two, a throttled one soon and then less and less often."""
    line = Line(iter(answers), **settings)
    assert line.moments_s == moments_s
    (outcome,) = line.outcomes
    assert (outcome.condition, outcome.invoke_count) == (condition, len(moments_s))


def test_without_concurrency_nothing_is_tried_again() -> None:
    """An event for a function that reserves none is given up at once."""
    line = Line(iter([BUSY]), reserved=0)
    assert line.outcomes[0].condition == "ZeroReservedConcurrency"


def test_attempts_are_one_request() -> None:
    """They share the id and the qualifier, and dice of their own."""
    line = Line(iter([BAD, BAD, GOOD]))
    options = [request.options for _, request in line.attempts]
    assert {(one.kind, one.qualifier, one.request_id) for one in options if one} == {("RequestResponse", "live", "id")}
    assert [request.site.attempt for _, request in line.attempts] == [0, 1, 2]


def test_a_record_tells_what_was_asked_and_answered() -> None:
    """In the form of Lambda's destinations."""
    (failed,) = Line(iter([BAD]), maximum_retry_attempts=0).outcomes
    assert record(failed) == {
        "version": "1.0",
        "timestamp": "1970-01-01T00:00:00.000Z",
        "requestContext": {
            "requestId": "id",
            "functionArn": "arn:aws:lambda:us-east-1:123456789012:function:f:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 1,
        },
        "requestPayload": {"a": 1},
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "responsePayload": {"errorMessage": "why", "errorType": "Boom"},
    }
