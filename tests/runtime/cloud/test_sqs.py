"""Queues through the gate's fast paths, through moto, and what they count."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from stepsim.runtime.cloud.call import CallSite
from stepsim.runtime.cloud.cloud import Cloud
from stepsim.runtime.cloud.latency import Latency
from stepsim.runtime.dice import Dice


class Stand:
    """An account whose queues are told the time by the test."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.now_ms = 1_000_000
        cloud.queues.now_ms = lambda: self.now_ms
        self.client: Any = cloud.client("sqs")

    def queue(self, name: str, **attributes: str) -> str:
        url: str = self.client.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        return url

    def call(self, operation: str, **params: Any) -> dict[str, Any]:
        """A call that passes the gate, as a handler's or a task's does."""
        answer = self.cloud.perform("sqs", operation, params, site=CallSite())
        if answer.error is not None:
            raise answer.error
        assert answer.response is not None
        return answer.response

    def bodies(self, url: str, count: int = 10) -> list[str]:
        messages = self.call("ReceiveMessage", QueueUrl=url, MaxNumberOfMessages=count).get("Messages", [])
        return [message["Body"] for message in messages]


@pytest.fixture
def stand() -> Iterator[Stand]:
    with Cloud(latency=Latency(Dice(0), off=True)) as cloud:
        yield Stand(cloud)


def redrive(queue_arn: str, most: int) -> str:
    return f'{{"deadLetterTargetArn":"{queue_arn}","maxReceiveCount":{most}}}'


def test_a_message_is_sent_received_and_deleted(stand: Stand) -> None:
    """Both ways in see the same messages."""
    url = stand.queue("work")
    sent = stand.call("SendMessage", QueueUrl=url, MessageBody="one")
    assert stand.client.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])[
        "Attributes"
    ] == {"ApproximateNumberOfMessages": "1"}
    [message] = stand.client.receive_message(QueueUrl=url, AttributeNames=["All"])["Messages"]
    assert (message["MessageId"], message["Body"]) == (sent["MessageId"], "one")
    assert message["MD5OfBody"] == sent["MD5OfMessageBody"]
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    assert message["Attributes"]["SentTimestamp"] == "1000000"
    assert stand.bodies(url) == []
    stand.call("DeleteMessage", QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    stand.call("DeleteMessage", QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    stand.now_ms += 3_600_000
    assert stand.bodies(url) == []


def test_the_runs_time_ends_the_visibility_timeout(stand: Stand) -> None:
    """A message comes back when it is over, not before, and ChangeMessageVisibility moves the moment."""
    url = stand.queue("work", VisibilityTimeout="30")
    stand.call("SendMessage", QueueUrl=url, MessageBody="one")
    assert stand.bodies(url) == ["one"]
    stand.now_ms += 29_999
    assert stand.bodies(url) == []
    stand.now_ms += 1
    [message] = stand.call("ReceiveMessage", QueueUrl=url, AttributeNames=["ApproximateReceiveCount"])["Messages"]
    assert message["Attributes"] == {"ApproximateReceiveCount": "2"}
    handle = message["ReceiptHandle"]
    stand.call("ChangeMessageVisibility", QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=100)
    stand.now_ms += 99_999
    assert stand.bodies(url) == []
    stand.call("ChangeMessageVisibility", QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)
    assert stand.bodies(url) == ["one"]


def test_a_delayed_message_comes_later(stand: Stand) -> None:
    """DelaySeconds of a message and of a queue."""
    url = stand.queue("work", DelaySeconds="5")
    stand.call("SendMessage", QueueUrl=url, MessageBody="five")
    stand.call("SendMessage", QueueUrl=url, MessageBody="ten", DelaySeconds=10)
    stand.call("SendMessage", QueueUrl=url, MessageBody="none", DelaySeconds=0)
    assert stand.bodies(url) == ["none"]
    stand.now_ms += 5_000
    assert stand.bodies(url) == ["five"]
    stand.now_ms += 5_000
    assert stand.bodies(url) == ["ten"]


def test_a_message_dies_with_the_receive_after_the_last(stand: Stand) -> None:
    """It moves with the next receive, is not sent to its new queue, and keeps the moment it was sent at."""
    dead = stand.queue("dead")
    url = stand.queue(
        "work", VisibilityTimeout="1", RedrivePolicy=redrive("arn:aws:sqs:us-east-1:123456789012:dead", 2)
    )
    stand.call("SendMessage", QueueUrl=url, MessageBody="poison")
    for _ in range(2):
        assert stand.bodies(url) == ["poison"]
        stand.now_ms += 1_000
    assert stand.bodies(dead) == []
    assert stand.bodies(url) == []
    [message] = stand.call("ReceiveMessage", QueueUrl=dead, AttributeNames=["SentTimestamp"])["Messages"]
    assert message["Attributes"] == {"SentTimestamp": "1000000"}
    counts = stand.cloud.queue_counts()
    assert counts["work"] == {
        "sent": 1,
        "received": 2,
        "deleted": 0,
        "dead_lettered": 1,
        "taken_over": 0,
        "duplicates": 0,
        "expired": 0,
        "left": 0,
        "max_depth": 1,
        "max_in_flight": 1,
        "max_age_s": 2.0,
    }
    assert (counts["dead"]["sent"], counts["dead"]["taken_over"], counts["dead"]["left"]) == (0, 1, 1)


def test_batches(stand: Stand) -> None:
    """Ten at once are sent, received and deleted; what is no handle is told one by one."""
    url = stand.queue("work")
    entries = [{"Id": str(n), "MessageBody": f"m{n}"} for n in range(10)]
    sent = stand.call("SendMessageBatch", QueueUrl=url, Entries=entries)
    assert [each["Id"] for each in sent["Successful"]] == [str(n) for n in range(10)]
    messages = stand.call("ReceiveMessage", QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    deleting = [{"Id": str(n), "ReceiptHandle": one["ReceiptHandle"]} for n, one in enumerate(messages)]
    deleting[3] = {"Id": "3", "ReceiptHandle": "nonsense"}
    answer = stand.call("DeleteMessageBatch", QueueUrl=url, Entries=deleting)
    assert len(answer["Successful"]) == 9
    assert [failed["Code"] for failed in answer["Failed"]] == ["ReceiptHandleIsInvalid"]
    assert stand.cloud.queue_counts()["work"]["left"] == 1


def test_so_many_are_in_flight_and_no_more(stand: Stand) -> None:
    """Above the quota a short poll is OverLimit, a long one gets nothing."""
    stand.cloud.queues.in_flight_max = 2
    url = stand.queue("work")
    for n in range(3):
        stand.call("SendMessage", QueueUrl=url, MessageBody=str(n))
    assert stand.bodies(url) == ["0", "1"]
    with pytest.raises(Exception, match="OverLimit"):
        stand.bodies(url)
    assert stand.call("ReceiveMessage", QueueUrl=url, WaitTimeSeconds=1) == {}


def test_a_queue_delivers_at_least_once(stand: Stand) -> None:
    """What comes twice comes once more after it was deleted, under the same id."""
    stand.cloud.queues.duplicates = {"work": 1.0}
    url = stand.queue("work")
    stand.call("SendMessage", QueueUrl=url, MessageBody="again")
    seen = []
    for _ in range(3):
        for message in stand.call("ReceiveMessage", QueueUrl=url).get("Messages", []):
            seen.append((message["MessageId"], message["Body"]))
            stand.call("DeleteMessage", QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert len(seen) == 2
    assert len(set(seen)) == 1
    counts = stand.cloud.queue_counts()["work"]
    assert (counts["sent"], counts["duplicates"], counts["deleted"], counts["left"]) == (1, 1, 2, 0)


def test_messages_expire(stand: Stand) -> None:
    """After the retention period a message is gone, received or not."""
    url = stand.queue("work", MessageRetentionPeriod="60")
    stand.call("SendMessage", QueueUrl=url, MessageBody="old")
    stand.call("SendMessage", QueueUrl=url, MessageBody="older")
    stand.now_ms += 60_001
    assert stand.bodies(url, 1) == []
    counts = stand.cloud.queue_counts()["work"]
    assert (counts["expired"], counts["left"], counts["max_age_s"]) == (2, 0, 60.0)


def test_what_moto_refuses_is_refused(stand: Stand) -> None:
    """Queues that are not there and messages that are too large meet AWS's errors."""
    with pytest.raises(Exception, match="NonExistentQueue"):
        stand.call("SendMessage", QueueUrl="https://sqs.us-east-1.amazonaws.com/123456789012/none", MessageBody="x")
    url = stand.queue("small", MaximumMessageSize="1024")
    with pytest.raises(Exception, match="InvalidParameterValue"):
        stand.call("SendMessage", QueueUrl=url, MessageBody="x" * 2000)
    with pytest.raises(ClientError, match="ReceiptHandleIsInvalid"):
        stand.client.delete_message(QueueUrl=url, ReceiptHandle="nonsense")


def test_a_fifo_queue_is_counted_too(stand: Stand) -> None:
    """moto keeps it, and what happens to it is told all the same."""
    url = stand.client.create_queue(
        QueueName="line.fifo", Attributes={"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    )["QueueUrl"]
    stand.call("SendMessage", QueueUrl=url, MessageBody="one", MessageGroupId="g")
    [message] = stand.call("ReceiveMessage", QueueUrl=url)["Messages"]
    stand.call("DeleteMessage", QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    counts = stand.cloud.queue_counts()["line.fifo"]
    assert [counts[name] for name in ("sent", "received", "deleted", "left")] == [1, 1, 1, 0]


def test_purging_empties_a_queue(stand: Stand) -> None:
    """Whatever is in it is deleted, in flight or not."""
    url = stand.queue("work")
    for n in range(3):
        stand.call("SendMessage", QueueUrl=url, MessageBody=str(n))
    stand.bodies(url, 1)
    stand.client.purge_queue(QueueUrl=url)
    stand.now_ms += 60_000
    assert stand.bodies(url) == []
    stand.call("SendMessage", QueueUrl=url, MessageBody="new")
    assert stand.bodies(url) == ["new"]
