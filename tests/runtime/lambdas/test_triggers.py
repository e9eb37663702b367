"""runtime/lambdas/triggers.py, queue_mappings.py, destinations.py: what invokes functions, and what becomes of it."""

from __future__ import annotations

import gzip
import json
from base64 import b64decode
from typing import Any

import pytest

pytestmark = pytest.mark.anyio

ARN = "arn:aws:lambda:us-east-1:123456789012:function:"

PRINT = "import json\ndef handler(event, context):\n    print('EVENT ' + json.dumps(event))\n"


async def events(stand: Any, name: str, count: int = 1) -> list[Any]:
    """The events that a function has printed, once there are so many."""

    def seen() -> list[Any] | None:
        lines = [line for line in stand.logged(f"/aws/lambda/{name}") if line.startswith("EVENT ")]
        return [json.loads(line[6:]) for line in lines] if len(lines) >= count else None

    found: list[Any] = await stand.until(seen)
    return found


async def test_a_topics_message_is_an_event(stand: Any) -> None:
    """With its attributes, its subject and its own id."""
    stand.create("by_topic", PRINT)
    sns = stand.cloud.client("sns")
    topic = sns.create_topic(Name="topic")["TopicArn"]
    subscription = sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=ARN + "by_topic")["SubscriptionArn"]
    attributes = {"kind": {"DataType": "String", "StringValue": "a"}}
    sent = sns.publish(TopicArn=topic, Message="hello", Subject="greeting", MessageAttributes=attributes)
    ((record,),) = [event["Records"] for event in await events(stand, "by_topic")]
    assert (record["EventSource"], record["EventSubscriptionArn"]) == ("aws:sns", subscription)
    notification = record["Sns"]
    assert (notification["Message"], notification["Subject"]) == ("hello", "greeting")
    assert (notification["MessageId"], notification["TopicArn"]) == (sent["MessageId"], topic)
    assert notification["MessageAttributes"] == {"kind": {"Type": "String", "Value": "a"}}


async def test_a_buckets_notification_is_an_event(stand: Any) -> None:
    """The upload does not wait for the function."""
    stand.create("by_bucket", PRINT)
    s3 = stand.cloud.client("s3")
    s3.create_bucket(Bucket="noticed")
    s3.put_bucket_notification_configuration(
        Bucket="noticed",
        NotificationConfiguration={
            "LambdaFunctionConfigurations": [{"LambdaFunctionArn": ARN + "by_bucket", "Events": ["s3:ObjectCreated:*"]}]
        },
    )
    s3.put_object(Bucket="noticed", Key="a/b.txt", Body=b"text")
    (event,) = await events(stand, "by_bucket")
    assert event["Records"][0]["s3"]["object"]["size"] == 4


async def test_a_tables_stream_is_events(stand: Any) -> None:
    """A record a change."""
    stand.create("by_table", PRINT)
    dynamodb = stand.cloud.client("dynamodb")
    table = dynamodb.create_table(
        TableName="streamed",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )["TableDescription"]
    stand.call(
        "CreateEventSourceMapping",
        EventSourceArn=table["LatestStreamArn"],
        FunctionName="by_table",
        StartingPosition="LATEST",
    )
    for key in ("a", "b"):
        dynamodb.put_item(TableName="streamed", Item={"pk": {"S": key}})
    seen = await events(stand, "by_table", 2)
    images = [record["dynamodb"]["NewImage"]["pk"]["S"] for event in seen for record in event["Records"]]
    assert sorted(images) == ["a", "b"]


async def test_a_log_subscription_is_events(stand: Any) -> None:
    """Compressed, as CloudWatch Logs sends them."""
    stand.create("by_log", PRINT)
    logs = stand.cloud.client("logs")
    logs.create_log_group(logGroupName="watched")
    logs.create_log_stream(logGroupName="watched", logStreamName="s")
    logs.put_subscription_filter(
        logGroupName="watched", filterName="all", filterPattern="", destinationArn=ARN + "by_log"
    )
    logs.put_log_events(
        logGroupName="watched",
        logStreamName="s",
        logEvents=[{"timestamp": stand.account.scheduler.now_ms, "message": "hello"}],
    )
    (event,) = await events(stand, "by_log")
    data = json.loads(gzip.decompress(b64decode(event["awslogs"]["data"])))
    assert [one["message"] for one in data["logEvents"]] == ["hello"]


async def test_a_queues_messages_are_taken_and_deleted(stand: Any) -> None:
    """What was there before the mapping, too; attributes and counts are the queue's own."""
    stand.create("by_queue", PRINT)
    url, arn = stand.queue("mapped")
    sqs = stand.cloud.client("sqs")
    attributes = {"kind": {"DataType": "String", "StringValue": "a"}}
    sqs.send_message(QueueUrl=url, MessageBody="one", MessageAttributes=attributes)
    stand.call("CreateEventSourceMapping", EventSourceArn=arn, FunctionName="by_queue")
    sqs.send_message(QueueUrl=url, MessageBody="two")

    def empty() -> bool:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        counted = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return set(counted.values()) == {"0"}

    await stand.until(empty)
    records = [record for event in await events(stand, "by_queue") for record in event["Records"]]
    assert sorted(record["body"] for record in records) == ["one", "two"]
    first = next(record for record in records if record["body"] == "one")
    assert first["eventSourceARN"] == arn
    assert first["attributes"]["ApproximateReceiveCount"] == "1"
    assert first["messageAttributes"]["kind"]["stringValue"] == "a"


async def test_a_failed_message_comes_back_and_dies(stand: Any) -> None:
    """It is hidden for the visibility timeout, received again, and moved to the dead-letter queue."""
    dead_url, dead_arn = stand.queue("dead")
    redrive = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 2})
    url, arn = stand.queue("failing", VisibilityTimeout="1", RedrivePolicy=redrive)
    stand.create("refusing", PRINT + "    raise ValueError\n", Timeout=1)
    stand.call("CreateEventSourceMapping", EventSourceArn=arn, FunctionName="refusing")
    stand.cloud.client("sqs").send_message(QueueUrl=url, MessageBody="bad")
    seen = await events(stand, "refusing", 2)
    counts = [event["Records"][0]["attributes"]["ApproximateReceiveCount"] for event in seen]
    assert counts == ["1", "2"]
    dead = await stand.until(lambda: stand.received(dead_url))
    assert [message["Body"] for message in dead] == ["bad"]


async def test_a_function_names_the_messages_that_failed(stand: Any) -> None:
    """The others are deleted."""
    url, arn = stand.queue("partial", VisibilityTimeout="600")
    code = """
def handler(event, context):
    bad = [record["messageId"] for record in event["Records"] if record["body"] == "bad"]
    return {"batchItemFailures": [{"itemIdentifier": one} for one in bad]}
"""
    stand.create("partly", code)
    sqs = stand.cloud.client("sqs")
    for body in ("good", "bad"):
        sqs.send_message(QueueUrl=url, MessageBody=body)
    stand.call(
        "CreateEventSourceMapping",
        EventSourceArn=arn,
        FunctionName="partly",
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )

    def hidden() -> bool:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        counted = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return [counted[name] for name in names] == ["0", "1"]

    await stand.until(hidden)


async def test_a_deleted_mapping_takes_nothing(stand: Any) -> None:
    """The messages stay."""
    stand.create("unmapped", PRINT)
    url, arn = stand.queue("left")
    mapping = stand.call("CreateEventSourceMapping", EventSourceArn=arn, FunctionName="unmapped")
    stand.call("DeleteEventSourceMapping", UUID=mapping["UUID"])
    stand.cloud.client("sqs").send_message(QueueUrl=url, MessageBody="here")
    stand.driver.advance()
    assert [message["Body"] for message in stand.received(url)] == ["here"]


async def test_outcomes_go_to_their_destinations(stand: Any) -> None:
    """A record on success and on failure, and the event itself with attributes to the dead-letter queue."""
    good_url, good_arn = stand.queue("good")
    bad_url, bad_arn = stand.queue("bad")
    letters_url, letters_arn = stand.queue("letters")
    code = "def handler(event, context):\n    return 1 / event\n"
    stand.create("outcome", code, DeadLetterConfig={"TargetArn": letters_arn})
    stand.call(
        "PutFunctionEventInvokeConfig",
        FunctionName="outcome",
        MaximumRetryAttempts=0,
        DestinationConfig={"OnSuccess": {"Destination": good_arn}, "OnFailure": {"Destination": bad_arn}},
    )
    await stand.invoke("outcome", 2, InvocationType="Event")
    failing = await stand.invoke("outcome", 0, InvocationType="Event")
    (succeeded,) = await stand.until(lambda: stand.received(good_url))
    (failed,) = await stand.until(lambda: stand.received(bad_url))
    (letter,) = await stand.until(lambda: stand.received(letters_url))
    record = json.loads(succeeded["Body"])
    assert (record["requestContext"]["condition"], record["responsePayload"]) == ("Success", 0.5)
    record = json.loads(failed["Body"])
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["requestContext"]["requestId"] == failing.request_id
    assert record["responsePayload"]["errorType"] == "ZeroDivisionError"
    assert letter["Body"] == "0"
    values = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
    assert values == {"RequestID": failing.request_id, "ErrorCode": "200", "ErrorMessage": "division by zero"}
    assert stand.call("GetFunctionConfiguration", FunctionName="outcome")["DeadLetterConfig"] == {
        "TargetArn": letters_arn
    }


@pytest.mark.parametrize("kind", ["function", "topic", "bus", "bucket"])
async def test_every_kind_of_destination(stand: Any, kind: str) -> None:
    """Functions, topics, event buses, and buckets for failures."""
    stand.create(f"to_{kind}", "def handler(event, context):\n    raise ValueError\n")
    url, arn = stand.queue(f"via_{kind}")
    target = _target(stand, kind, arn)
    stand.call(
        "PutFunctionEventInvokeConfig",
        FunctionName=f"to_{kind}",
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": target}},
    )
    await stand.invoke(f"to_{kind}", {"a": 1}, InvocationType="Event")
    if kind == "function":
        (record,) = await events(stand, "told")
    elif kind == "bucket":
        (key,) = await stand.until(lambda: [one.key for one in stand.cloud.s3.iter_keys("failures")])
        assert key.startswith(f"aws/lambda/async/to_{kind}/")
        record = json.loads(stand.cloud.s3.read("failures", key))
    else:
        (message,) = await stand.until(lambda: stand.received(url))
        body = json.loads(message["Body"])
        record = json.loads(body["Message"]) if kind == "topic" else body["detail"]
        if kind == "bus":
            assert (body["source"], body["detail-type"]) == ("lambda", "Lambda Function Invocation Result - Failure")
    assert record["requestPayload"] == {"a": 1}
    assert record["responsePayload"]["errorType"] == "ValueError"


def _target(stand: Any, kind: str, queue_arn: str) -> str:
    """A destination that shows what it gets."""
    if kind == "function":
        arn: str = stand.create("told", PRINT)
        return arn
    if kind == "topic":
        sns = stand.cloud.client("sns")
        topic: str = sns.create_topic(Name="outcomes")["TopicArn"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn)
        return topic
    if kind == "bus":
        bus = stand.cloud.client("events")
        bus.put_rule(Name="outcomes", EventPattern='{"source": ["lambda"]}')
        bus.put_targets(Rule="outcomes", Targets=[{"Id": "1", "Arn": queue_arn}])
        return "arn:aws:events:us-east-1:123456789012:event-bus/default"
    stand.cloud.s3.create_bucket("failures")
    return "arn:aws:s3:::failures"


async def test_an_outcome_that_cannot_be_delivered_is_told_in_the_log(stand: Any) -> None:
    """The event is lost."""
    stand.create("lost", "def handler(event, context):\n    return 1\n")
    stand.call(
        "PutFunctionEventInvokeConfig",
        FunctionName="lost",
        DestinationConfig={"OnSuccess": {"Destination": "arn:aws:sqs:us-east-1:123456789012:nowhere"}},
    )
    await stand.invoke("lost", InvocationType="Event")
    await stand.until(lambda: [one for one in stand.logged("/aws/lambda/lost") if "was not delivered" in one])


async def test_moto_does_not_answer_invoke(stand: Any) -> None:
    """It would run no code, and nobody could wait."""
    stand.create("here", PRINT)
    client = stand.cloud.client("lambda")
    with pytest.raises(client.exceptions.ServiceException, match="call stepsim's endpoint"):
        client.invoke(FunctionName="here")
