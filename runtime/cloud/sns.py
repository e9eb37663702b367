"""SNS's Publish to a topic, as AWS answers it: a fast path of the gate.

moto delivers; what it lets pass, words otherwise or leaves out is here: refusals, a FIFO topic's SequenceNumber, and
notifications that are the same in every run (moto signs each with a key it has just rolled).
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import Any
from unittest.mock import patch

from moto.core.utils import iso_8601_datetime_with_milliseconds
from moto.sns.models import Subscription, Topic, sns_backends

from stepsim.runtime.cloud.call import ACCOUNT_ID, ApiError, FallThrough

_MAX_BYTES = 262_144
_FIRST_SEQUENCE_NUMBER = 10**19
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_NOT_FOR_TYPE = "Reason: The request includes MessageDeduplicationId parameter that is not valid for this topic type"


def publish(params: dict[str, Any], region: str) -> dict[str, Any]:
    """Publish to a topic; a phone's number and a platform's endpoint are left to moto."""
    arn = params.get("TopicArn") or params.get("TargetArn")
    message = params.get("Message")
    if "PhoneNumber" in params or not isinstance(arn, str) or not isinstance(message, str) or ":endpoint/" in arn:
        raise FallThrough
    topic = _topic(arn, region)
    _check(params, message, topic)
    attributes = _attributes(params.get("MessageAttributes", {}))
    try:
        with patch.object(Subscription, "get_post_data", _notification):
            message_id = sns_backends[ACCOUNT_ID][region].publish(
                message,
                arn=arn,
                subject=params.get("Subject"),
                message_attributes=attributes,
                group_id=params.get("MessageGroupId"),
                deduplication_id=params.get("MessageDeduplicationId"),
                message_structure=params.get("MessageStructure"),
            )
    except Exception as error:
        # A subscriber that moto cannot deliver to.
        what = f"{type(error).__name__}: {error}"
        raise ApiError("InternalFailure", f"moto failed in sns.Publish: {what}", 500) from error
    if not _is_fifo(topic):
        return {"MessageId": message_id}
    return {"MessageId": message_id, "SequenceNumber": str(_FIRST_SEQUENCE_NUMBER + len(topic.sent_notifications))}


def _topic(arn: str, region: str) -> Topic:
    parts = arn.split(":")
    if len(parts) != 6 or parts[2] != "sns":
        raise _invalid("TopicArn")
    topic: Topic | None = sns_backends[parts[4] or ACCOUNT_ID][region].topics.get(arn)
    if topic is None:
        raise ApiError("NotFound", "Topic does not exist", 404)
    return topic


def _check(params: dict[str, Any], message: str, topic: Topic) -> None:
    """Raise what SNS answers to a message that it does not take."""
    if not message:
        raise _invalid("Empty message")
    if len(message.encode()) > _MAX_BYTES:
        raise _invalid("Message too long")
    if "Subject" in params and not 0 < len(params["Subject"]) <= 100:
        raise _invalid("Subject")
    if params.get("MessageStructure") == "json":
        _check_structure(message)
    if _is_fifo(topic):
        if not params.get("MessageGroupId"):
            raise _invalid("The MessageGroupId parameter is required for FIFO topics")
        if not params.get("MessageDeduplicationId") and not _deduplicates(topic):
            raise _invalid(
                "The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided "
                "explicitly"
            )
    elif params.get("MessageDeduplicationId"):
        raise _invalid(f"MessageDeduplicationId {_NOT_FOR_TYPE}")


def _check_structure(message: str) -> None:
    try:
        versions = json.loads(message)
    except ValueError:
        raise _invalid("Message Structure - JSON message body failed to parse") from None
    if not isinstance(versions, dict) or "default" not in versions:
        raise _invalid("Message Structure - No default entry in JSON message body")


def _invalid(what: str) -> ApiError:
    return ApiError("InvalidParameter", f"Invalid parameter: {what}")


def _is_fifo(topic: Topic) -> bool:
    return topic.fifo_topic in (True, "true")


def _deduplicates(topic: Topic) -> bool:
    return topic.content_based_deduplication in (True, "true")


def _attributes(attributes: dict[str, Any]) -> dict[str, Any]:
    """Message attributes as moto keeps them; it refuses in its own words what is none."""
    kept = {}
    for name, attribute in attributes.items():
        kind, text, data = (attribute.get(key) for key in ("DataType", "StringValue", "BinaryValue"))
        if text and str(kind).split(".")[0] == "String":
            kept[name] = {"Type": kind, "Value": text}
        elif data and str(kind).split(".")[0] == "Binary":
            kept[name] = {"Type": kind, "Value": base64.b64encode(data).decode()}
        elif text and str(kind).split(".")[0] == "Number" and _NUMBER.fullmatch(text):
            kept[name] = {"Type": kind, "Value": text}
        else:
            raise FallThrough
    return kept


def _notification(
    subscription: Subscription,
    message: str,
    message_id: str,
    subject: str | None,
    message_attributes: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """What a subscriber gets: signed in the first version, which is the default; the signature proves nothing."""
    topic = subscription.topic
    region = topic.sns_backend.region_name
    host = f"https://sns.{region}.amazonaws.com"
    digest = hashlib.shake_256(f"{topic.arn}\n{message_id}\n{message}".encode())
    posted: dict[str, Any] = {
        "Type": "Notification",
        "MessageId": message_id,
        "TopicArn": topic.arn,
        "Subject": subject,
        "Message": message,
        "Timestamp": iso_8601_datetime_with_milliseconds(),
        "SignatureVersion": "1",
        "Signature": base64.b64encode(digest.digest(256)).decode(),
        "SigningCertURL": f"{host}/SimpleNotificationService-{digest.hexdigest(16)}.pem",
        "UnsubscribeURL": f"{host}/?Action=Unsubscribe&SubscriptionArn={subscription.arn}",
        "MessageAttributes": message_attributes,
    }
    return {name: value for name, value in posted.items() if value}
