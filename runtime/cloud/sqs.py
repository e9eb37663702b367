"""SQS's data plane as plain functions on moto's queues: what the gate answers calls with.

They cover standard queues and the parameters that nearly every call has; FIFO queues, queues that are not there, and
everything that moto would refuse fall through to moto, which sees the same messages.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from hashlib import md5
from typing import Any

from moto.sqs.exceptions import ReceiptHandleIsInvalid, SQSException
from moto.sqs.utils import validate_message_attributes

from stepsim.runtime.cloud.call import ACCOUNT_ID, ApiError, FallThrough
from stepsim.runtime.cloud.moto_sqs import Queues, change_visibility, is_scaled, send

_URL = re.compile(r"(?:https?://[^/]+/(\d{12})/)?([\w-]{1,80})")
_ID = re.compile(r"[\w-]{1,80}")
_SEND = frozenset({"MessageBody", "DelaySeconds", "MessageAttributes"})
_RECEIVE = frozenset(
    {
        "QueueUrl",
        "MaxNumberOfMessages",
        "VisibilityTimeout",
        "WaitTimeSeconds",
        "AttributeNames",
        "MessageSystemAttributeNames",
    }
)
_ENTRIES_MAX = 10
_BATCH_BYTES_MAX = 1_048_576
_VISIBILITY_S_MAX = 43_200
_WAIT_S_MAX = 20
_FIRST_LOOK_MS, _LOOKS_MS = 100, 1_000
_OVER_LIMIT = "The maximum number of in flight messages is reached."

Attributes = Mapping[str, Callable[[Any], str]]

_ATTRIBUTES: Attributes = {
    "SenderId": lambda message: message.sender_id,
    "SentTimestamp": lambda message: str(message.sent_timestamp),
    "ApproximateReceiveCount": lambda message: str(message.approximate_receive_count),
    "ApproximateFirstReceiveTimestamp": lambda message: str(message.approximate_first_receive_timestamp),
}

Operation = Callable[[dict[str, Any], str], dict[str, Any]]


def operations(queues: Queues, pause: Callable[[], Callable[[int], None] | None]) -> dict[str, Operation]:
    """What is answered here. `pause` gives what makes the caller wait in the run's time; None where nobody can."""
    return {
        "SendMessage": partial(_send_message, queues),
        "SendMessageBatch": partial(_send_message_batch, queues),
        "ReceiveMessage": partial(_receive_message, queues, pause),
        "DeleteMessage": partial(_delete_message, queues),
        "DeleteMessageBatch": partial(_delete_message_batch, queues),
        "ChangeMessageVisibility": partial(_change_message_visibility, queues),
    }


def _send_message(queues: Queues, params: dict[str, Any], region: str) -> dict[str, Any]:
    queue = _queue(queues, params, region)
    return _sent(queues, queue, params, _SEND | {"QueueUrl"})


def _sent(queues: Queues, queue: Any, entry: Mapping[str, Any], known: frozenset[str]) -> dict[str, Any]:
    body, attributes = entry.get("MessageBody"), entry.get("MessageAttributes")
    delay_s = entry.get("DelaySeconds", queue.delay_seconds)
    if not entry.keys() <= known or type(body) is not str or not body or type(delay_s) is not int:
        raise FallThrough
    try:
        if attributes:
            validate_message_attributes(attributes)
        message = send(queues, queue, body, delay_s, attributes)
    except SQSException:
        raise FallThrough from None
    sent = {"MD5OfMessageBody": md5(body.encode("utf-8", "surrogatepass")).hexdigest(), "MessageId": message.id}
    if attributes:
        sent["MD5OfMessageAttributes"] = message.attribute_md5
    return sent


def _send_message_batch(queues: Queues, params: dict[str, Any], region: str) -> dict[str, Any]:
    queue = _queue(queues, params, region)
    entries = _entries(params)
    known = _SEND | {"Id"}
    for entry in entries:
        body = entry.get("MessageBody")
        if not entry.keys() <= known or type(body) is not str or not body or entry.get("MessageAttributes"):
            raise FallThrough
        if not 0 <= entry.get("DelaySeconds", 0) <= 900 or len(body) > queue.maximum_message_size:
            raise FallThrough
    if sum(len(entry["MessageBody"]) for entry in entries) > _BATCH_BYTES_MAX:
        raise FallThrough
    return {"Successful": [{"Id": entry["Id"], **_sent(queues, queue, entry, known)} for entry in entries]}


def _receive_message(
    queues: Queues, pause: Callable[[], Callable[[int], None] | None], params: dict[str, Any], region: str
) -> dict[str, Any]:
    queue = _queue(queues, params, region)
    count, wait_s = params.get("MaxNumberOfMessages", 1), params.get("WaitTimeSeconds")
    visibility_s = params.get("VisibilityTimeout", queue.visibility_timeout)
    wait_s = queue.receive_message_wait_time_seconds if wait_s is None else wait_s
    names = {*params.get("AttributeNames", ()), *params.get("MessageSystemAttributeNames", ())}
    fitting = type(count) is int and type(visibility_s) is int and type(wait_s) is int
    if not params.keys() <= _RECEIVE or not names <= {"All", *_ATTRIBUTES} or not fitting:
        raise FallThrough
    if not (1 <= count <= 10 and 0 <= visibility_s <= _VISIBILITY_S_MAX and 0 <= wait_s <= _WAIT_S_MAX):
        raise FallThrough
    received = queues.receive(queue, count, visibility_s)
    if not received and not wait_s and queues.is_over_limit(queue):
        # Who polls long gets no error, and no message either (SQS developer guide, quotas).
        raise ApiError("OverLimit", _OVER_LIMIT, 403)
    wait = pause() if wait_s and not received else None
    if wait is not None:
        received = _poll(queues, queue, count, visibility_s, wait_s * 1000, wait)
    if not received:
        return {}
    shown = _ATTRIBUTES.keys() if "All" in names else [name for name in _ATTRIBUTES if name in names]
    return {"Messages": [_received(message, shown) for message in received]}


def _poll(
    queues: Queues, queue: Any, count: int, visibility_s: int, left_ms: int, wait: Callable[[int], None]
) -> list[Any]:
    """A long poll is made of looks at the queue, and time passes between them."""
    pause_ms = _FIRST_LOOK_MS
    while left_ms > 0:
        wait(min(pause_ms, left_ms))
        left_ms -= pause_ms
        pause_ms = min(2 * pause_ms, _LOOKS_MS)
        received = queues.receive(queue, count, visibility_s)
        if received:
            return received
    return []


def _received(message: Any, attributes: Any) -> dict[str, Any]:
    told = {
        "MessageId": message.id,
        "ReceiptHandle": message.receipt_handle,
        "MD5OfBody": md5(message.body.encode("utf-8", "surrogatepass")).hexdigest(),
        "Body": message.body,
    }
    if attributes:
        told["Attributes"] = {name: _ATTRIBUTES[name](message) for name in attributes}
    return told


def _delete_message(queues: Queues, params: dict[str, Any], region: str) -> dict[str, Any]:
    queue = _queue(queues, params, region)
    if params.keys() != {"QueueUrl", "ReceiptHandle"} or not _delete(queue, params["ReceiptHandle"]):
        raise FallThrough
    return {}


def _delete(queue: Any, handle: object) -> bool:
    try:
        queue._messages.delete(handle)
    except (ValueError, AttributeError):
        return False
    return True


def _delete_message_batch(queues: Queues, params: dict[str, Any], region: str) -> dict[str, Any]:
    queue = _queue(queues, params, region)
    response: dict[str, list[dict[str, Any]]] = {}
    for entry in _entries(params):
        handle = entry.get("ReceiptHandle")
        if _delete(queue, handle):
            response.setdefault("Successful", []).append({"Id": entry["Id"]})
            continue
        message = f'The input receipt handle "{handle}" is not a valid receipt handle.'
        failed = {"Id": entry["Id"], "SenderFault": True, "Code": "ReceiptHandleIsInvalid", "Message": message}
        response.setdefault("Failed", []).append(failed)
    return response


def _change_message_visibility(queues: Queues, params: dict[str, Any], region: str) -> dict[str, Any]:
    queue = _queue(queues, params, region)
    seconds, handle = params.get("VisibilityTimeout"), params.get("ReceiptHandle")
    if type(seconds) is not int or not 0 <= seconds <= _VISIBILITY_S_MAX or type(handle) is not str:
        raise FallThrough
    try:
        change_visibility(queues, queue, handle, seconds)
    except (SQSException, ReceiptHandleIsInvalid):
        raise FallThrough from None
    return {}


def _entries(params: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The entries of a batch, where each has an id of its own."""
    entries = params.get("Entries")
    if params.keys() != {"QueueUrl", "Entries"} or not isinstance(entries, list) or not entries:
        raise FallThrough
    ids = [entry.get("Id") for entry in entries]
    if len(entries) > _ENTRIES_MAX or len(set(ids)) < len(ids):
        raise FallThrough
    if not all(isinstance(each, str) and _ID.fullmatch(each) for each in ids):
        raise FallThrough
    return entries


def _queue(queues: Queues, params: Mapping[str, Any], region: str) -> Any:
    """The standard queue of a QueueUrl in the account that everything lives in."""
    url = params.get("QueueUrl")
    named = _URL.fullmatch(url) if isinstance(url, str) else None
    if named is None or named[1] not in (None, ACCOUNT_ID):
        raise FallThrough
    queue = queues.find(named[2], region)
    if queue is None or not is_scaled(queue):
        raise FallThrough
    return queue
