"""Events on their way to a trigger's target: tried again, late, lost on the way, and given up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Simulate = Callable[..., dict[str, Any]]


def test_events_are_tried_again(simulated: Simulate) -> None:
    """A target that refuses for a while gets the event later; one that always does, never: it ends in the queue."""
    text = """\
cloud:
  buckets: {inbox: }
  queues: {lost: }
  triggers: [{bucket: inbox, via: [eventbridge], start: definition, input: {}, dlq: lost}]
arrivals: [{bucket: inbox, key: k, content: ""}]
"""
    report = simulated(
        text
        + "faults: [{call: stepfunctions.StartExecution, error: ThrottlingException, to: 60s}]\n"
        + "quotas: {events_invocation_rate: 2}"
    )
    trigger = report["triggers"]["inbox"]
    assert (trigger["delivered"], trigger["dead_lettered"]) == (1, 0)
    assert trigger["retried"] >= 4
    assert 60 < report["makespan_s"] < 200
    report = simulated(text + "faults: [{call: stepfunctions.StartExecution, error: ThrottlingException}]")
    trigger = report["triggers"]["inbox"]
    assert (trigger["delivered"], trigger["dead_lettered"]) == (0, 1)
    assert 80_000 < report["makespan_s"] <= 86_400
    assert 150 <= trigger["retried"] <= 185
    assert report["queues"]["lost"]["left"] == 1
    report = simulated(text.replace("input: {}, dlq: lost", "input: <$.detail.object.key>"))
    assert report["execution"]["output"] == "k"


HANDED = """\
cloud:
  buckets: {inbox: }
  queues: {work: , lost: }
  triggers: [{bucket: inbox, via: %s}]
arrivals: [{bucket: inbox, key: "{n}", generate: {count: 20, size: 1}, every: 10s}]
faults: [%s]
"""


@pytest.mark.parametrize(
    ("fault", "via"),
    [
        ("{service: events, from: 30s, to: 100s}", "[eventbridge, sqs: work]"),
        ("{call: events.delivery, from: 30s, to: 100s, hang: true}", "[eventbridge, sqs: work]"),
        ("{service: s3, from: 30s, to: 100s, crash: before}", "[sqs: work]"),
    ],
)
def test_who_delivers_may_be_down(simulated: Simulate, fault: str, via: str) -> None:
    """No target is asked while it is; what came meanwhile is delivered later, and no event is lost."""
    report = simulated(HANDED % (via, fault))
    trigger = report["triggers"]["inbox"]
    assert (trigger["delivered"], trigger["dead_lettered"], trigger["dropped"]) == (20, 0, 0)
    assert report["faults"][0]["struck"] == trigger["retried"] >= 7
    assert report["calls"]["sqs.SendMessage"]["count"] == 20


def test_an_outage_of_a_day_ends_in_the_dead_letter_queue(simulated: Simulate) -> None:
    """EventBridge gives up after 24 hours; what it is refused for by a fault that time does not mend, at once."""
    trigger = simulated(HANDED % ("[eventbridge, sqs: work], dlq: lost", "{service: events}"))["triggers"]["inbox"]
    assert (trigger["delivered"], trigger["dead_lettered"]) == (0, 20)
    assert 20 * 150 <= trigger["retried"] <= 20 * 185
    refused = "{call: events.delivery, error: AccessDeniedException}"
    trigger = simulated(HANDED % ("[eventbridge, sqs: work], dlq: lost", refused))["triggers"]["inbox"]
    assert (trigger["retried"], trigger["dead_lettered"]) == (0, 20)


def test_a_delivery_may_be_late_or_not_be_heard_of(simulated: Simulate) -> None:
    """One that is late comes once; one whose answer is lost comes again."""
    report = simulated(HANDED % ("[eventbridge, sqs: work]", "{call: events.delivery, delay: 90s}"))
    assert report["queues"]["work"]["sent"] == 20
    assert report["makespan_s"] > 280
    report = simulated(HANDED % ("[eventbridge, sqs: work]", "{service: events, attempt: 1, crash: after}"))
    assert (report["triggers"]["inbox"]["retried"], report["queues"]["work"]["sent"]) == (20, 40)
