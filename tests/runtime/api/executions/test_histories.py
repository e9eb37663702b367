"""GetExecutionHistory: pages, order, and without data."""

from __future__ import annotations

from typing import Any

PASS = {"StartAt": "P", "States": {"P": {"Type": "Pass", "Result": {"a": 1}, "End": True}}}


def test_events_come_page_by_page_in_either_order(api: Any) -> None:
    """The pages of one order make the whole history."""
    arn = api.run(PASS)
    for reverse in (False, True):
        params: dict[str, Any] = {"executionArn": arn, "maxResults": 3, "reverseOrder": reverse}
        first = api.call("GetExecutionHistory", **params)
        second = api.call("GetExecutionHistory", **params, nextToken=first["nextToken"])
        ids = [event["id"] for event in first["events"] + second["events"]]
        assert ids == sorted(range(1, 5), reverse=reverse)
        assert "nextToken" not in second


def test_execution_data_can_be_left_out(api: Any) -> None:
    """Measured: the details stay, without input and output and what says whether they are truncated."""
    arn = api.run(PASS)
    events = api.call("GetExecutionHistory", executionArn=arn, includeExecutionData=False)["events"]
    assert [event.get("stateEnteredEventDetails") for event in events][1] == {"name": "P"}
    assert events[-1]["executionSucceededEventDetails"] == {}
    assert set(events[0]["executionStartedEventDetails"]) == {"roleArn"}


def test_the_history_of_a_running_execution_can_be_read(api: Any) -> None:
    """As far as it goes."""
    wait = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 60, "End": True}}}
    arn = api.start(api.machine(wait))
    api.drive(1)
    assert len(api.call("GetExecutionHistory", executionArn=arn)["events"]) == 2
