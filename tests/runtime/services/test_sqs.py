"""Messages sent by tasks, and long polls."""

from __future__ import annotations

import json
from typing import Any

import pytest

SEND = "arn:aws:states:::sqs:sendMessage"
RECEIVE = "arn:aws:states:::aws-sdk:sqs:receiveMessage"


@pytest.fixture
def queue(cloud: Any) -> Any:
    """A queue's URL; it is gone afterwards."""
    client = cloud.client("sqs")
    url = client.create_queue(QueueName="work")["QueueUrl"]
    yield url
    client.delete_queue(QueueUrl=url)


def bodies(cloud: Any, url: str) -> list[str]:
    messages = cloud.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    return [message["Body"] for message in messages]


def details(execution: Any, event_type: str) -> Any:
    return next(event.details for event in execution.history if event.type == event_type)


def test_a_message_is_sent(stand: Any, queue: str) -> None:
    """A body that is no string is sent as its text; parameters that the integration does not know are ignored."""
    execution = stand.task(SEND, {"QueueUrl": queue, "MessageBody": {"a": [1]}, "MessageSystemAttribute": {}})
    sent = execution.output.value
    assert list(sent) == ["MD5OfMessageBody", "MessageId", "SdkHttpMetadata", "SdkResponseMetadata"]
    assert sent["SdkHttpMetadata"]["HttpHeaders"]["Content-Length"] == "106"
    assert bodies(stand.cloud, queue) == ['{"a":[1]}']


@pytest.mark.parametrize("body", [None, ""])
def test_a_message_without_a_body_is_the_services_to_refuse(stand: Any, queue: str, body: Any) -> None:
    """Null is left out of the request."""
    execution = stand.task(SEND, {"QueueUrl": queue, "MessageBody": body})
    assert execution.error == "SQS.AmazonSQSException"
    assert execution.cause.startswith(
        "The request must contain the parameter MessageBody. (Service: AmazonSQS; Status Code: 400; "
        "Error Code: MissingParameter; Request ID: "
    )
    assert [event.type for event in execution.history][-2:] == ["TaskFailed", "ExecutionFailed"]


def test_a_queue_is_where_its_url_says(stand: Any, queue: str) -> None:
    """Another region, another account, a host that nobody knows."""
    for url, error in (
        (queue.replace("us-east-1", "eu-west-1"), "SQS.QueueDoesNotExistException"),
        (queue.replace("123456789012", "111122223333"), "SQS.QueueDoesNotExistException"),
        ("http://no-such-queue", "SQS.SdkClientException"),
    ):
        execution = stand.task(SEND, {"QueueUrl": url, "MessageBody": "x"})
        assert execution.error == error
    assert execution.cause == "Unable to execute HTTP request: no-such-queue: Name or service not known"


def test_a_message_carries_the_token_that_its_task_waits_for(stand: Any, queue: str) -> None:
    """TaskSubmitted holds SQS's answer, and the token's output is the result."""
    task = {
        "Type": "Task",
        "Resource": SEND + ".waitForTaskToken",
        "Parameters": {"QueueUrl": queue, "MessageBody": {"token.$": "$$.Task.Token"}},
        "End": True,
    }
    execution = stand.execution({"StartAt": "T", "States": {"T": task}})
    scheduler = stand.account.scheduler
    while "TaskSubmitted" not in [event.type for event in execution.history]:
        scheduler.advance(scheduler.next_deadline())
    (body,) = bodies(stand.cloud, queue)
    stand.account.tokens.succeed(json.loads(body)["token"], '"done"')
    scheduler.advance(scheduler.now_ms)
    assert execution.output.value == "done"
    assert "MessageId" in json.loads(details(execution, "TaskSubmitted")["output"])
    assert details(execution, "TaskSucceeded")["output"] == '"done"'


def test_a_callback_whose_message_is_refused_was_not_submitted(stand: Any, queue: str) -> None:
    """TaskSubmitFailed instead of TaskFailed."""
    execution = stand.task(SEND + ".waitForTaskToken", {"QueueUrl": queue + "-no", "MessageBody": "x"})
    assert execution.error == "SQS.QueueDoesNotExistException"
    assert details(execution, "TaskSubmitFailed")["error"] == execution.error


def test_a_long_poll_takes_its_time_and_is_one_call(stand: Any, queue: str) -> None:
    """Nothing sleeps but the execution."""
    before = stand.cloud.gate.calls["sqs.ReceiveMessage"].count if "sqs.ReceiveMessage" in stand.cloud.gate.calls else 0
    execution = stand.task(RECEIVE, {"QueueUrl": queue, "WaitTimeSeconds": 20})
    assert execution.output.value == {}
    assert 20_000 <= execution.stop_ms - execution.me.start_ms < 20_100
    assert stand.cloud.gate.calls["sqs.ReceiveMessage"].count == before + 1


def test_a_long_poll_ends_when_a_message_comes(stand: Any, queue: str) -> None:
    """Also where it is the queue that says how long to wait; members are spelled as the SDK does."""
    client = stand.cloud.client("sqs")
    client.set_queue_attributes(QueueUrl=queue, Attributes={"ReceiveMessageWaitTimeSeconds": "10"})
    task = {"Type": "Task", "Resource": RECEIVE, "Parameters": {"QueueUrl": queue}, "End": True}
    execution = stand.execution({"StartAt": "T", "States": {"T": task}})
    scheduler = stand.account.scheduler
    scheduler.call_at(
        scheduler.now_ms + 3_000, lambda: client.send_message(QueueUrl=queue, MessageBody="at last") and None
    )
    while execution.status == "RUNNING":
        scheduler.advance(scheduler.next_deadline())
    (message,) = execution.output.value["Messages"]
    assert (message["Body"], len(message["Md5OfBody"])) == ("at last", 32)
    assert 3_000 <= execution.stop_ms - execution.me.start_ms < 5_000


def test_a_wait_longer_than_sqs_has_is_refused(stand: Any, queue: str) -> None:
    """20 seconds are the most."""
    execution = stand.task(RECEIVE, {"QueueUrl": queue, "WaitTimeSeconds": 25})
    assert execution.error == "Sqs.SqsException"
    assert execution.cause.startswith("Value 25 for parameter WaitTimeSeconds is invalid.")
