from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from stepsim.runtime.cloud.call import CallSite, ConnectionLost
from stepsim.runtime.cloud.cloud import Cloud
from stepsim.runtime.cloud.faults import FaultRule, Faults
from stepsim.runtime.cloud.latency import Latency
from stepsim.runtime.dice import Dice

ONCE = Config(retries={"total_max_attempts": 1})
TABLE: dict[str, Any] = {
    "TableName": "t",
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """botocore's back-off takes no time."""
    monkeypatch.setattr("time.sleep", lambda _seconds: None)


class Handler:
    """A cloud with faults, whose calls are a handler's."""

    def __init__(self, *rules: FaultRule, seed: int = 0) -> None:
        dice = Dice(seed)
        self.faults = Faults(rules, dice, lambda: 0)
        self.cloud = Cloud(latency=Latency(dice, off=True), faults=self.faults)

    def __call__(self, body: Callable[[Cloud], Any]) -> Any:
        with self.cloud as cloud:
            cloud.s3.create_bucket("box")
            cloud.client("dynamodb").create_table(**TABLE)
            cloud.client("sqs").create_queue(QueueName="q")
            with self.faults.watched():
                site = CallSite("run", "State", "function")
                cloud.gate.current_site = lambda: site
                cloud.gate.pause = lambda _ms: None
                return body(cloud)


def count(cloud: Cloud, table: str = "t") -> Any:
    [item] = list(cloud.items(table))
    return item["n"]["N"]


def add_one(config: Config | None = None) -> dict[str, Any]:
    update = {"UpdateExpression": "ADD n :one", "ExpressionAttributeValues": {":one": {"N": "1"}}}
    client: Any = boto3.client("dynamodb", config=config)
    response: dict[str, Any] = client.update_item(TableName="t", Key={"pk": {"S": "a"}}, **update)
    return response


@pytest.mark.parametrize(("crash", "times"), [("after", "2"), ("before", "1")])
def test_a_lost_answer_is_retried_and_takes_effect_twice(crash: Any, times: str) -> None:
    """botocore sends a call again whose connection broke: what had been done is done again."""

    def body(cloud: Cloud) -> None:
        response = add_one()
        assert response["ResponseMetadata"]["RetryAttempts"] == 1
        assert count(cloud) == times

    Handler(FaultRule(call="dynamodb.UpdateItem", crash=crash, call_number=1))(body)


def test_whoever_does_not_retry_sees_the_connection_break() -> None:
    """The error is the SDK's own; to a task it is no answer of the service."""

    def body(cloud: Cloud) -> None:
        with pytest.raises(ConnectionClosedError):
            add_one(ONCE)
        answer = cloud.gate.perform("s3", "PutObject", {"Bucket": "box", "Key": "k", "Body": b"x"}, site=CallSite())
        assert isinstance(answer.error, ConnectionLost)
        assert cloud.s3.read("box", "k") == b"x"

    Handler(FaultRule(service="dynamodb", crash="after"), FaultRule(call="s3.PutObject", crash="after"))(body)


def test_a_duplicated_call_takes_effect_twice() -> None:
    """The caller gets one answer; a body that can be read once is stored whole."""

    def body(cloud: Cloud) -> None:
        assert add_one()["ResponseMetadata"]["RetryAttempts"] == 0
        assert count(cloud) == "2"

    Handler(FaultRule(call="dynamodb.UpdateItem", duplicate=True))(body)


def test_a_message_is_delivered_again() -> None:
    """Deleting what was received does not delete the second delivery, which has the same id."""

    def body(cloud: Cloud) -> None:
        sqs = boto3.client("sqs")
        url = sqs.get_queue_url(QueueName="q")["QueueUrl"]
        sent = sqs.send_message(QueueUrl=url, MessageBody="hello")["MessageId"]
        for left in (1, 0):
            [message] = sqs.receive_message(QueueUrl=url)["Messages"]
            assert (message["MessageId"], message["Body"]) == (sent, "hello")
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            assert ("Messages" in sqs.receive_message(QueueUrl=url, VisibilityTimeout=0)) == bool(left)
        counts = cloud.queue_counts()["q"]
        assert [counts[name] for name in ("sent", "duplicates", "deleted", "left")] == [1, 1, 2, 0]

    Handler(FaultRule(call="sqs.ReceiveMessage", duplicate=True, call_number=3))(body)


def test_a_fifo_queue_hands_a_message_out_again_at_once() -> None:
    """As it does when the visibility timeout is over; it never holds a message twice."""

    def body(_cloud: Cloud) -> None:
        sqs = boto3.client("sqs")
        url = sqs.create_queue(QueueName="q.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody="m", MessageGroupId="g", MessageDeduplicationId="1")
        [first] = sqs.receive_message(QueueUrl=url)["Messages"]
        [again] = sqs.receive_message(QueueUrl=url)["Messages"]
        assert first["MessageId"] == again["MessageId"]

    Handler(FaultRule(call="sqs.ReceiveMessage", duplicate=True))(body)


def test_unprocessed_items_come_back_and_are_sent_again() -> None:
    """A share of a batch is not written; boto3's batch_writer sends it until it is."""

    def body(cloud: Cloud) -> None:
        puts: Any = [{"PutRequest": {"Item": {"pk": {"S": str(n)}}}} for n in range(10)]
        response = boto3.client("dynamodb").batch_write_item(RequestItems={"t": puts})
        assert len(response["UnprocessedItems"]["t"]) == 3
        assert len(list(cloud.items("t"))) == 7
        with boto3.resource("dynamodb").Table("t").batch_writer() as batch:
            for n in range(10):
                batch.put_item(Item={"pk": f"again {n}", "n": n})
        assert len(list(cloud.items("t"))) == 17
        keys: Any = {"Keys": [{"pk": {"S": f"again {n}"}} for n in range(10)], "ConsistentRead": True}
        got = boto3.client("dynamodb").batch_get_item(RequestItems={"t": keys})
        assert len(got["Responses"]["t"]) == 5
        assert got["UnprocessedKeys"]["t"]["ConsistentRead"]
        assert len(got["UnprocessedKeys"]["t"]["Keys"]) == 5

    Handler(
        FaultRule(call="dynamodb.BatchWriteItem", partial=0.3), FaultRule(call="dynamodb.BatchGetItem", partial=0.5)
    )(body)


def test_a_batch_of_which_nothing_is_processed_is_throttled() -> None:
    """DynamoDB answers so itself."""

    def body(cloud: Cloud) -> None:
        puts: Any = [{"PutRequest": {"Item": {"pk": {"S": "a"}}}}]
        with pytest.raises(ClientError, match="ProvisionedThroughputExceededException"):
            boto3.client("dynamodb", config=ONCE).batch_write_item(RequestItems={"t": puts})

    Handler(FaultRule(call="dynamodb.BatchWriteItem", partial=1.0))(body)


def test_entries_that_fail_are_told_in_each_services_way() -> None:
    """SQS and S3 name what failed; EventBridge answers at its place. The others take effect."""

    def body(cloud: Cloud) -> None:
        sqs = boto3.client("sqs")
        url = sqs.get_queue_url(QueueName="q")["QueueUrl"]
        entries = [{"Id": str(n), "MessageBody": "x"} for n in range(4)]
        sent = sqs.send_message_batch(QueueUrl=url, Entries=entries)
        assert {entry["Code"] for entry in sent["Failed"]} == {"InternalError"}
        assert sorted(entry["Id"] for entry in sent["Failed"] + sent["Successful"]) == ["0", "1", "2", "3"]
        for key in "abcd":
            cloud.s3.put("box", key, b"")
        s3 = boto3.client("s3")
        gone = s3.delete_objects(Bucket="box", Delete={"Objects": [{"Key": key} for key in "abcd"]})
        left = [summary.key for summary in cloud.s3.iter_keys("box")]
        assert [error["Key"] for error in gone["Errors"]] == left
        assert len(left) == 2
        event = {"Source": "s", "DetailType": "d", "Detail": "{}"}
        put = boto3.client("events").put_events(Entries=[event] * 4)
        assert put["FailedEntryCount"] == 2
        assert ["EventId" in entry for entry in put["Entries"]].count(True) == 2

    calls = ("sqs.SendMessageBatch", "s3.DeleteObjects", "events.PutEvents")
    Handler(*(FaultRule(call=call, partial=0.5) for call in calls))(body)


def test_a_stale_read_misses_the_last_write() -> None:
    """What was overwritten, or not there yet, is read as it was; a consistent read never is, nor the account."""

    def body(cloud: Cloud) -> None:
        s3, dynamodb = boto3.client("s3"), boto3.client("dynamodb")
        cloud.s3.put("box", "k", b"1")
        s3.put_object(Bucket="box", Key="k", Body=b"2")
        assert s3.get_object(Bucket="box", Key="k")["Body"].read() == b"1"
        s3.put_object(Bucket="box", Key="new", Body=b"2")
        with pytest.raises(ClientError, match="NoSuchKey"):
            s3.get_object(Bucket="box", Key="new")
        s3.delete_object(Bucket="box", Key="k")
        assert s3.get_object(Bucket="box", Key="k")["Body"].read() == b"2"
        assert cloud.s3.read("box", "k") is None
        key = {"pk": {"S": "a"}}
        for n in ("1", "2"):
            dynamodb.put_item(TableName="t", Item={**key, "n": {"N": n}})
        assert dynamodb.get_item(TableName="t", Key=key)["Item"]["n"] == {"N": "1"}
        assert dynamodb.get_item(TableName="t", Key=key, ConsistentRead=True)["Item"]["n"] == {"N": "2"}
        dynamodb.put_item(TableName="t", Item={"pk": {"S": "b"}})
        assert dynamodb.scan(TableName="t")["Count"] == 1
        assert dynamodb.scan(TableName="t", ConsistentRead=True)["Count"] == 2

    reads = ("s3.GetObject", "dynamodb.GetItem", "dynamodb.Scan")
    Handler(*(FaultRule(call=call, stale=True) for call in reads))(body)


def test_what_nobody_has_written_is_not_stale() -> None:
    """An object that was there before the run is read as it is."""
    rule = FaultRule(call="s3.GetObject", stale=True)
    at_work = Faults([rule], Dice(0), lambda: 0)
    with Cloud(latency=Latency(Dice(0), off=True), faults=at_work) as cloud:
        cloud.s3.create_bucket("box")
        cloud.s3.put("box", "k", b"1")
        cloud.s3.generate("box", 3, "g{n}", lambda n: b"%d" % n)
        with at_work.watched():
            site = CallSite("run")
            get = {"Bucket": "box", "Key": "k"}
            answer = cloud.gate.perform("s3", "GetObject", get, site=site)
            assert answer.response is not None
            assert answer.response["Body"].read() == b"1"
            cloud.gate.perform("s3", "PutObject", {"Bucket": "box", "Key": "g1", "Body": b"new"}, site=site)
            answer = cloud.gate.perform("s3", "GetObject", {"Bucket": "box", "Key": "g1"}, site=site)
            assert answer.response is not None
            assert answer.response["Body"].read() == b"1"


def test_a_corrupt_body_is_the_same_in_every_run() -> None:
    """It is cut short or has other bytes in it; size, ETag and checksum are its own."""
    plain = bytes(range(256)) * 8

    def body(cloud: Cloud) -> list[bytes]:
        bodies = []
        for n in range(12):
            cloud.s3.put("box", f"k{n}", plain)
            response = boto3.client("s3").get_object(Bucket="box", Key=f"k{n}")
            bodies.append(response["Body"].read())
            assert response["ContentLength"] == len(bodies[-1])
        return bodies

    rule = FaultRule(call="s3.GetObject", corrupt=True)
    first, second, other = (Handler(rule, seed=seed)(body) for seed in (0, 0, 1))
    assert first == second != other
    assert plain not in first
    assert {len(read) == len(plain) for read in first} == {True, False}
