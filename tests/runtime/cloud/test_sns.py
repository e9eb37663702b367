"""Publishing to topics through the gate."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stepsim.runtime.cloud.call import CallSite
from stepsim.runtime.cloud.cloud import Cloud

SITE = CallSite("run", "State")


def notification() -> Any:
    """What a subscribed queue gets in an account of its own."""
    with Cloud(seed=1) as cloud:
        sns, sqs = cloud.client("sns"), cloud.client("sqs")
        topic = sns.create_topic(Name="t")["TopicArn"]
        queue = sqs.create_queue(QueueName="q")["QueueUrl"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:123456789012:q")
        cloud.perform("sns", "Publish", {"TopicArn": topic, "Message": "m", "Subject": "s"}, site=SITE)
        posted = json.loads(sqs.receive_message(QueueUrl=queue)["Messages"][0]["Body"])
        posted.pop("Timestamp")
        return posted


def test_a_notification_is_the_same_in_every_run() -> None:
    """Also its signature, which proves nothing."""
    first = notification()
    assert first == notification()
    assert (first["Subject"], first["Message"], first["SignatureVersion"]) == ("s", "m", "1")


def test_what_is_no_topic_is_left_to_moto() -> None:
    """A phone number, and attributes that are none."""
    with Cloud() as cloud:
        sent = cloud.perform("sns", "Publish", {"PhoneNumber": "+15555550100", "Message": "m"}, site=SITE)
        assert sent.response is not None
        topic = cloud.client("sns").create_topic(Name="t")["TopicArn"]
        attributes = {"a": {"DataType": "Colour", "StringValue": "x"}}
        parameters = {"TopicArn": topic, "Message": "m", "MessageAttributes": attributes}
        refused = cloud.perform("sns", "Publish", parameters, site=SITE)
        assert refused.error is not None
        assert refused.error.code == "InvalidParameter"


@pytest.mark.parametrize("name", ["a name", "naïve"])
def test_a_secret_has_a_name_that_secrets_manager_takes(name: str) -> None:
    """moto would take any."""
    with Cloud() as cloud:
        answer = cloud.perform("secretsmanager", "CreateSecret", {"Name": name}, site=SITE)
        assert answer.error is not None
        assert (answer.error.code, answer.error.message[:14]) == ("ValidationException", "Invalid name. ")
        made = cloud.perform("secretsmanager", "CreateSecret", {"Name": "a/b_c+d=e.f@g-h"}, site=SITE)
        assert made.error is None
