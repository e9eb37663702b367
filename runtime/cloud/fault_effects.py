"""What a fault does to a call that is answered all the same: each effect stands between the caller and the account.

An effect is called with the call that was struck, and with what would have served it. It returns boto3's response, or
raises ApiError in AWS's own shape.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import md5
from math import ceil
from typing import Any, Protocol, TypeAlias

from stepsim.runtime.cloud.call import ACCOUNT_ID, ApiError, ConnectionLost
from stepsim.runtime.cloud.fault_rules import FaultRule

Serve: TypeAlias = Callable[[dict[str, Any]], dict[str, Any]]
"""boto3's parameters in, boto3's response out; raises ApiError."""

INTERNAL = "We encountered an internal error. Please try again."
_FLIPPED_OF = 512
"""One byte in so many is another one in a corrupt body."""


@dataclass(frozen=True, slots=True)
class StruckCall:
    """A call that was struck."""

    name: str
    """``s3.GetObject``."""
    params: dict[str, Any]
    region: str
    account: str | None
    draw: Callable[..., float]
    """Dice that belong to this very call."""


class CallEffect(Protocol):
    """What happens to a call in place of its plain answer."""

    def __call__(self, call: StruckCall, serve: Serve, /) -> dict[str, Any]: ...


def lose_call(call: StruckCall, serve: Serve) -> dict[str, Any]:  # noqa: ARG001
    """The connection breaks before the service has the call."""
    raise ConnectionLost


def lose_answer(call: StruckCall, serve: Serve) -> dict[str, Any]:
    """The call takes effect, and the connection breaks before its answer comes back."""
    # Whatever the service had to say is lost, too.
    with suppress(ApiError):
        serve(call.params)
    raise ConnectionLost


def serve_twice(call: StruckCall, serve: Serve) -> dict[str, Any]:
    """The call takes effect twice; the caller gets the first answer."""
    params = _readable_twice(call.params)
    response = serve(params)
    if call.name == "sqs.ReceiveMessage":
        _deliver_again(call, response.get("Messages", ()))
        return response
    # What the second is refused for (a condition that the first has made false), nobody hears of.
    with suppress(ApiError):
        serve(params)
    return response


def _readable_twice(params: dict[str, Any]) -> dict[str, Any]:
    body = params.get("Body")
    read = getattr(body, "read", None)
    return params if read is None else {**params, "Body": read()}


def _deliver_again(call: StruckCall, messages: Sequence[Mapping[str, Any]]) -> None:
    """Put a copy of each message into the queue, as a standard queue may: the same id, another delivery.

    A FIFO queue never does; there, the message can be received again at once, as after its visibility timeout.
    """
    from copy import copy

    from moto.sqs.models import sqs_backends  # heavy, and seldom needed

    from stepsim.runtime.cloud.queue_store import Messages

    backend = sqs_backends[call.account or ACCOUNT_ID][call.region]
    queue = backend.get_queue(call.params["QueueUrl"].rpartition("/")[2])
    handles = {message["ReceiptHandle"] for message in messages}
    for message in [one for one in queue._messages if one.receipt_handle in handles]:
        if not isinstance(queue._messages, Messages):
            message.change_visibility(0)
            continue
        again = copy(message)
        again.receipt_handle, again._old_receipt_handles = None, []
        queue._messages.deliver_again(again)


def corrupt(call: StruckCall, serve: Serve) -> dict[str, Any]:
    """The object's content is damaged, cut short or with other bytes in it: as if it had been stored so.

    Its size, ETag and checksum are those of the damaged content, or SDKs would notice by themselves.
    """
    response = serve(call.params)
    body: bytes = response["Body"].read()
    damaged = body[: int(call.draw("length") * len(body))] if call.draw("how") < 0.5 else _flipped(body, call.draw)
    from botocore.response import StreamingBody

    response |= {
        "Body": StreamingBody(io.BytesIO(damaged), len(damaged)),
        "ContentLength": len(damaged),
        "ETag": f'"{md5(damaged).hexdigest()}"',
    }
    if "ChecksumCRC32" in response:
        from stepsim.runtime.cloud.stored import checksum_text

        response["ChecksumCRC32"] = checksum_text(damaged)
    return response


def _flipped(body: bytes, draw: Callable[..., float]) -> bytes:
    damaged = bytearray(body)
    for number in range(ceil(len(body) / _FLIPPED_OF)):
        place = int(draw("place", number) * len(body))
        damaged[place] ^= 1 + int(draw("bits", number) * 255)
    return bytes(damaged)


# ------------------------------------------------------------------------------------- batches that fail in part


class Batch(Protocol):
    """How a batch call is taken apart, and how it says which entries failed."""

    def entries(self, params: Mapping[str, Any]) -> list[Any]:
        """Something for each entry."""
        ...

    def without(self, params: dict[str, Any], failed: set[int]) -> dict[str, Any] | None:
        """The parameters without these entries; None where none is left."""
        ...

    def answer(self, params: Mapping[str, Any], response: dict[str, Any], failed: set[int]) -> dict[str, Any]:
        """The response to the whole batch, made of that to the rest."""
        ...


def _without(entries: Sequence[Any], failed: set[int]) -> list[Any]:
    return [entry for index, entry in enumerate(entries) if index not in failed]


@dataclass(frozen=True, slots=True)
class ListedEntries:
    """The entries are a list, one member of the parameters."""

    member: str = "Entries"

    def entries(self, params: Mapping[str, Any]) -> list[Any]:
        return list(params[self.member])

    def without(self, params: dict[str, Any], failed: set[int]) -> dict[str, Any] | None:
        rest = _without(params[self.member], failed)
        return {**params, self.member: rest} if rest else None


@dataclass(frozen=True, slots=True)
class NamedEntries(ListedEntries):
    """SQS and SNS: an entry that failed is told by its Id."""

    def answer(self, params: Mapping[str, Any], response: dict[str, Any], failed: set[int]) -> dict[str, Any]:
        told = [
            {"Id": entry["Id"], "SenderFault": False, "Code": "InternalError", "Message": INTERNAL}
            for index, entry in enumerate(params[self.member])
            if index in failed
        ]
        return {"Successful": [], **response, "Failed": [*response.get("Failed", []), *told]}


@dataclass(frozen=True, slots=True)
class PlacedEntries(ListedEntries):
    """EventBridge and Kinesis: each entry has its answer at its own place."""

    count: str = "FailedEntryCount"
    """The member that says how many failed."""

    def answer(self, params: Mapping[str, Any], response: dict[str, Any], failed: set[int]) -> dict[str, Any]:
        served = iter(response.get(self.member, []))
        lost = {"ErrorCode": "InternalFailure", "ErrorMessage": INTERNAL}
        answers = [lost if index in failed else next(served) for index in range(len(params[self.member]))]
        return {**response, self.count: response.get(self.count, 0) + len(failed), self.member: answers}


class DeletedObjects:
    """S3's DeleteObjects: errors by key."""

    def entries(self, params: Mapping[str, Any]) -> list[Any]:
        return list(params["Delete"]["Objects"])

    def without(self, params: dict[str, Any], failed: set[int]) -> dict[str, Any] | None:
        rest = _without(params["Delete"]["Objects"], failed)
        return {**params, "Delete": {**params["Delete"], "Objects": rest}} if rest else None

    def answer(self, params: Mapping[str, Any], response: dict[str, Any], failed: set[int]) -> dict[str, Any]:
        told = [
            {"Key": entry["Key"], "Code": "InternalError", "Message": INTERNAL}
            for index, entry in enumerate(params["Delete"]["Objects"])
            if index in failed
        ]
        return {**response, "Errors": [*response.get("Errors", []), *told]}


@dataclass(frozen=True, slots=True)
class RequestItems:
    """DynamoDB: what was not processed comes back as it was asked for, table by table."""

    unprocessed: str
    keys: bool
    """The entries of a table are the ``Keys`` of a mapping."""

    def entries(self, params: Mapping[str, Any]) -> list[Any]:
        return [(table, entry) for table, asked in params["RequestItems"].items() for entry in self._of(asked)]

    def _of(self, asked: Any) -> list[Any]:
        return list(asked["Keys"] if self.keys else asked)

    def _chosen(self, params: Mapping[str, Any], chosen: Callable[[int], bool]) -> dict[str, Any]:
        index = 0
        tables: dict[str, Any] = {}
        for table, asked in params["RequestItems"].items():
            entries = self._of(asked)
            taken = [entry for number, entry in enumerate(entries, index) if chosen(number)]
            index += len(entries)
            if taken:
                tables[table] = {**asked, "Keys": taken} if self.keys else taken
        return tables

    def without(self, params: dict[str, Any], failed: set[int]) -> dict[str, Any] | None:
        rest = self._chosen(params, lambda index: index not in failed)
        if not rest:
            # AWS: where nothing at all could be processed, the call itself fails.
            message = "The level of configured provisioned throughput for the table was exceeded."
            raise ApiError("ProvisionedThroughputExceededException", message)
        return {**params, "RequestItems": rest}

    def answer(self, params: Mapping[str, Any], response: dict[str, Any], failed: set[int]) -> dict[str, Any]:
        return {**response, self.unprocessed: self._chosen(params, failed.__contains__)}


BATCHES: Mapping[str, Batch] = {
    "dynamodb.BatchGetItem": RequestItems("UnprocessedKeys", keys=True),
    "dynamodb.BatchWriteItem": RequestItems("UnprocessedItems", keys=False),
    "events.PutEvents": PlacedEntries("Entries", "FailedEntryCount"),
    "kinesis.PutRecords": PlacedEntries("Records", "FailedRecordCount"),
    "s3.DeleteObjects": DeletedObjects(),
    "sns.PublishBatch": NamedEntries("PublishBatchRequestEntries"),
    "sqs.ChangeMessageVisibilityBatch": NamedEntries(),
    "sqs.DeleteMessageBatch": NamedEntries(),
    "sqs.SendMessageBatch": NamedEntries(),
}


def fail_partly(share: float) -> CallEffect:
    """That share of a batch's entries fails; which ones is drawn, and whether a fraction of one does.

    The others take effect.
    """

    def effect(call: StruckCall, serve: Serve) -> dict[str, Any]:
        batch = BATCHES[call.name]
        try:
            count = len(batch.entries(call.params))
        except (KeyError, TypeError, AttributeError):
            # No batch at all: the account itself says what is wrong with it.
            return serve(call.params)
        order = sorted(range(count), key=lambda index: call.draw("entry", index))
        failed = set(order[: int(share * count + call.draw("count"))])
        if not failed:
            return serve(call.params)
        rest = batch.without(call.params, failed)
        return batch.answer(call.params, {} if rest is None else serve(rest), failed)

    return effect


def call_effect(rule: FaultRule) -> CallEffect | None:
    """The effect of a fault on a call that it does not refuse; None where it has none, or needs more than the call."""
    if rule.crash is not None:
        return lose_call if rule.crash == "before" else lose_answer
    if rule.duplicate:
        return serve_twice
    if rule.corrupt:
        return corrupt
    return None if rule.partial is None else fail_partly(rule.partial)
