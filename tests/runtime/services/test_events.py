"""Events put by tasks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from stepsim.runtime.api.put_events import event_operations
from stepsim.runtime.api.step_functions import StepFunctions

PUT = "arn:aws:states:::events:putEvents"
ENTRY = {"Source": "shop", "DetailType": "order", "Detail": {"n": 1}}


@pytest.fixture(scope="module")
def queue(cloud: Any) -> str:
    """A queue that gets the events of one source."""
    url = str(cloud.client("sqs").create_queue(QueueName="orders")["QueueUrl"])
    events = cloud.client("events")
    events.put_rule(Name="orders", EventPattern='{"source": ["shop"]}')
    events.put_targets(Rule="orders", Targets=[{"Id": "1", "Arn": "arn:aws:sqs:us-east-1:123456789012:orders"}])
    return url


@pytest.fixture
def served(stand: Any, queue: str) -> Iterator[Any]:
    """A stand whose account serves PutEvents, as that of a run does."""
    started = stand.execution

    def execution(*args: Any, **options: Any) -> Any:
        ready = started(*args, **options)
        stand.cloud.gate._routes.clear()
        stand.cloud.fast_paths["events"] = event_operations(StepFunctions(stand.account).registries)
        return ready

    stand.execution = execution
    yield stand
    del stand.cloud.fast_paths["events"]
    stand.cloud.gate._routes.clear()


def received(cloud: Any, url: str) -> Any:
    client = cloud.client("sqs")
    (message,) = client.receive_message(QueueUrl=url)["Messages"]
    client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return json.loads(message["Body"])


def test_an_event_tells_who_sent_it(served: Any, queue: str) -> None:
    """Its resources are those given, the state machine and the execution; the result has no metadata (recorded)."""
    execution = served.task(PUT, {"Entries": [{**ENTRY, "Resources": ["arn:aws:s3:::b"]}]})
    assert list(execution.output.value) == ["Entries", "FailedEntryCount"]
    event = received(served.cloud, queue)
    assert event.pop("id") == execution.output.value["Entries"][0]["EventId"]
    assert event == {
        "version": "0",
        "detail-type": "order",
        "source": "shop",
        "account": "123456789012",
        "time": "2026-01-05T02:00:00Z",
        "region": "us-east-1",
        "resources": ["arn:aws:s3:::b", execution.me.machine_arn, execution.me.arn],
        "detail": {"n": 1},
    }


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ({**ENTRY, "Detail": "text"}, "MalformedDetail"),
        ({**ENTRY, "Detail": [1]}, "MalformedDetail"),
        ({**ENTRY, "Source": None}, "InvalidArgument"),
        ({**ENTRY, "Source": "aws.s3"}, "NotAuthorizedForSource"),
    ],
)
def test_an_entry_that_fails_fails_the_task(served: Any, queue: str, entry: Any, code: str) -> None:
    """The response is the cause; the other entries were put."""
    execution = served.task(PUT, {"Entries": [ENTRY, entry]})
    assert execution.error == "EventBridge.FailedEntry"
    cause = json.loads(execution.cause)
    assert cause["FailedEntryCount"] == 1
    assert [list(answer) for answer in cause["Entries"]] == [["EventId"], ["ErrorCode", "ErrorMessage"]]
    assert cause["Entries"][1]["ErrorCode"] == code
    assert received(served.cloud, queue)["source"] == "shop"


def test_parameters_are_refused_as_they_were_given(served: Any) -> None:
    """Without what the integration adds."""
    execution = served.task(PUT, {"Entries": [{"Colour": 1}]})
    assert execution.error == "States.Runtime"
    assert execution.cause.endswith(
        'The Parameters \'{"Entries":[{"Colour":1}]}\' could not be used to start the Task: '
        '[The field "Entries[0].Colour" is not supported by Step Functions]'
    )


@pytest.mark.parametrize(
    ("entries", "error"),
    [
        ([ENTRY] * 11, "EventBridge.EventBridgeException"),
        ([{**ENTRY, "EventBusName": "no"}], "EventBridge.ResourceNotFoundException"),
    ],
)
def test_a_call_that_is_refused_speaks_as_the_second_sdk(served: Any, entries: Any, error: str) -> None:
    """With its prefix."""
    assert served.task(PUT, {"Entries": entries}).error == error


def test_a_token_may_be_waited_for(served: Any, queue: str) -> None:
    """The event carries it."""
    entries = [{**ENTRY, "Detail": {"token.$": "$$.Task.Token"}}]
    task = {"Type": "Task", "Resource": PUT + ".waitForTaskToken", "Parameters": {"Entries": entries}, "End": True}
    execution = served.execution({"StartAt": "T", "States": {"T": task}})
    scheduler = served.account.scheduler
    while "TaskSubmitted" not in [event.type for event in execution.history]:
        scheduler.advance(scheduler.next_deadline())
    served.account.tokens.succeed(received(served.cloud, queue)["detail"]["token"], "[]")
    scheduler.advance(scheduler.now_ms)
    assert execution.output.value == []
