"""Messages published by tasks."""

from __future__ import annotations

import json
from typing import Any

import pytest

PUBLISH = "arn:aws:states:::sns:publish"


@pytest.fixture(scope="module")
def topic(cloud: Any) -> str:
    return str(cloud.client("sns").create_topic(Name="news")["TopicArn"])


@pytest.fixture(scope="module")
def queue(cloud: Any, topic: str) -> str:
    """A queue that is subscribed to the topic."""
    url = str(cloud.client("sqs").create_queue(QueueName="news")["QueueUrl"])
    arn = "arn:aws:sqs:us-east-1:123456789012:news"
    cloud.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return url


def delivered(cloud: Any, url: str) -> Any:
    client = cloud.client("sqs")
    (message,) = client.receive_message(QueueUrl=url)["Messages"]
    client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return json.loads(message["Body"])


def test_a_message_is_published(stand: Any, topic: str, queue: str) -> None:
    """Any JSON is a message, and its attributes go with it; the answer was XML of this length (recorded)."""
    attributes = {"kind": {"DataType": "String", "StringValue": "news"}}
    message = {"TopicArn": topic, "Message": {"a": 1}, "MessageAttributes": attributes}
    published = stand.task(PUBLISH, message).output.value
    assert list(published) == ["MessageId", "SdkHttpMetadata", "SdkResponseMetadata"]
    headers = published["SdkHttpMetadata"]["HttpHeaders"]
    assert (headers["Content-Length"], headers["Content-Type"]) == ("294", "text/xml")
    got = delivered(stand.cloud, queue)
    assert (got["Message"], got["MessageId"]) == ('{"a":1}', published["MessageId"])
    assert got["MessageAttributes"] == {"kind": {"Type": "String", "Value": "news"}}
    assert got["SignatureVersion"] == "1"


@pytest.mark.parametrize(
    ("parameters", "error", "cause"),
    [
        ({"TopicArn": "arn:aws:sns:us-east-1:123456789012:no"}, "NotFoundException", "Topic does not exist (Service: "),
        ({"Message": ""}, "InvalidParameterException", "Invalid parameter: Empty message"),
        ({"Message": None}, "AmazonSNSException", "1 validation error detected: Value null at 'message'"),
        ({"MessageStructure": "json"}, "InvalidParameterException", "Invalid parameter: Message Structure - JSON"),
        ({"MessageDeduplicationId": "1"}, "InvalidParameterException", "Invalid parameter: MessageDeduplicationId"),
    ],
)
def test_what_sns_refuses_fails_the_task(stand: Any, topic: str, parameters: Any, error: str, cause: str) -> None:
    """In SNS's words."""
    execution = stand.task(PUBLISH, {"TopicArn": topic, "Message": "text", **parameters})
    assert execution.error == f"SNS.{error}"
    assert execution.cause.startswith(cause)


def test_a_fifo_topic_wants_a_group_and_numbers_its_messages(stand: Any) -> None:
    """The group's absence is an invalid parameter (recorded)."""
    arn = stand.cloud.client("sns").create_topic(Name="news.fifo", Attributes={"FifoTopic": "true"})["TopicArn"]
    execution = stand.task(PUBLISH, {"TopicArn": arn, "Message": "x"})
    assert execution.error == "SNS.InvalidParameterException"
    assert execution.cause.startswith("Invalid parameter: The MessageGroupId parameter is required for FIFO topics (")
    message = {"TopicArn": arn, "Message": "x", "MessageGroupId": "g"}
    assert "ContentBasedDeduplication" in stand.task(PUBLISH, message).cause
    published = [stand.task(PUBLISH, {**message, "MessageDeduplicationId": key}).output.value for key in ("1", "2")]
    first, second = (int(each["SequenceNumber"]) for each in published)
    assert first < second


def test_a_message_carries_the_token_that_its_task_waits_for(stand: Any, topic: str, queue: str) -> None:
    """The token's output is the result."""
    message = {"TopicArn": topic, "Message": {"token.$": "$$.Task.Token"}}
    task = {"Type": "Task", "Resource": PUBLISH + ".waitForTaskToken", "Parameters": message, "End": True}
    execution = stand.execution({"StartAt": "T", "States": {"T": task}})
    scheduler = stand.account.scheduler
    while "TaskSubmitted" not in [event.type for event in execution.history]:
        scheduler.advance(scheduler.next_deadline())
    token = json.loads(delivered(stand.cloud, queue)["Message"])["token"]
    stand.account.tokens.succeed(token, "1")
    scheduler.advance(scheduler.now_ms)
    assert execution.output.value == 1
