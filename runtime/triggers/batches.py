"""Batches of messages as pipes and event source mappings hand them over, and what is told of those that failed."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from stepsim.asl.payload import JSON, decode, encode
from stepsim.runtime.triggers.templates import InputTemplate

RECORD = (
    "messageId",
    "receiptHandle",
    "body",
    "attributes",
    "messageAttributes",
    "md5OfBody",
    "eventSource",
    "eventSourceARN",
    "awsRegion",
)
"""The members of a message."""


def record(message: Any, queue_arn: str) -> dict[str, Any]:
    """A message as an event holds it."""
    attributes = {
        "ApproximateReceiveCount": str(message.approximate_receive_count),
        "SentTimestamp": str(message.sent_timestamp),
        "SenderId": message.sender_id,
        "ApproximateFirstReceiveTimestamp": str(message.approximate_first_receive_timestamp),
    }
    if queue_arn.endswith(".fifo"):
        attributes |= {
            "MessageGroupId": message.group_id,
            "MessageDeduplicationId": message.deduplication_id,
            "SequenceNumber": message.sequence_number,
        }
    return {
        "messageId": message.id,
        "receiptHandle": message.receipt_handle,
        "body": message.body,
        "attributes": {name: value for name, value in attributes.items() if value is not None},
        "messageAttributes": {name: _attribute(value) for name, value in message.message_attributes.items()},
        "md5OfBody": message.body_md5,
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": queue_arn.split(":")[3],
    }


def _attribute(attribute: Mapping[str, Any]) -> dict[str, Any]:
    """A message attribute as the event spells it."""
    made: dict[str, Any] = {"stringListValues": [], "binaryListValues": [], "dataType": attribute["DataType"]}
    if attribute.get("StringValue") is not None:
        made["stringValue"] = attribute["StringValue"]
    binary = attribute.get("BinaryValue")
    if binary is not None:
        made["binaryValue"] = b64encode(binary).decode() if isinstance(binary, bytes) else binary
    return made


def function_event(messages: Sequence[Any], queue_arn: str) -> str:
    """What an event source mapping invokes a function with."""
    return encode({"Records": [record(message, queue_arn) for message in messages]})


def pipe_input(messages: Sequence[Any], queue_arn: str, template: InputTemplate | None) -> str:
    """What a pipe starts an execution with: an array, of one message too, each by the template (pipes user guide)."""
    if template is None:
        return encode([record(message, queue_arn) for message in messages])
    return encode([template.fill(_parsed(message, queue_arn, template)) for message in messages])


def single_input(message: Any, queue_arn: str, template: InputTemplate | None) -> str:
    """What a function between the queue and the machine starts an execution with."""
    body: str = message.body
    return body if template is None else encode(template.fill(_parsed(message, queue_arn, template)))


def _parsed(message: Any, queue_arn: str, template: InputTemplate) -> JSON:
    """A message whose body is looked into, where it is JSON (pipes user guide, "implicit body data parsing")."""
    found = record(message, queue_arn) if template.looks_around else {"body": message.body}
    with suppress(ValueError):
        found["body"] = decode(message.body)
    return found


def failed_messages(payload: str, ids: Sequence[str], *, reports: bool) -> frozenset[str]:
    """The ids of the messages that a function or an execution names as failed, by its result.

    Nobody is asked who does not report them. A response that cannot be read, or that names another message, fails the
    whole batch (Lambda developer guide, "Reporting batch item failures").
    """
    everything = frozenset(ids)
    if not reports:
        return frozenset()
    try:
        response = decode(payload)
    except ValueError:
        return everything
    if response is None:
        return frozenset()
    failures = response.get("batchItemFailures") if isinstance(response, dict) else None
    if not isinstance(failures, list | None):
        return everything
    named = {failure.get("itemIdentifier") if isinstance(failure, dict) else None for failure in failures or ()}
    return everything if named - everything else everything & named
