"""Puts `Messages` under moto's SQS: every standard queue of the account keeps its messages in them, whoever asks.

FIFO queues stay as moto has them; what happens to them is counted around moto's own methods.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from types import MappingProxyType
from typing import Any
from unittest.mock import patch

from moto.core.utils import unix_time_millis
from moto.moto_api._internal import mock_random
from moto.sqs import models
from moto.sqs.exceptions import InvalidParameterValue, ReceiptHandleIsInvalid

from stepsim.runtime.cloud.call import ACCOUNT_ID
from stepsim.runtime.cloud.queue_store import Messages, QueueCounts
from stepsim.runtime.dice import Dice

_DELAY_S_MAX = 900
_VISIBILITY_MS_MAX = 43_200_000
_NOBODY: Mapping[str, float] = MappingProxyType({})


def _clock_that_is_shown() -> int:
    return int(unix_time_millis())


class Queues:
    """The queues of an account: their clock, what limits them, and how often a message comes twice."""

    def __init__(self, dice: Dice) -> None:
        self.now_ms: Callable[[], int] = _clock_that_is_shown
        """A driver's scheduler tells the time where there is one."""
        self.in_flight_max: int | None = None
        """How many messages of one queue may be in flight; None: without a limit."""
        self.duplicates: Mapping[str, float] = _NOBODY
        """The share of messages that come once more, by the queue's name."""
        self._dice = dice
        self._by_name: dict[str, Mapping[str, Any]] = {}

    def find(self, name: str, region: str) -> Any:
        """moto's queue of a name; None where there is none."""
        return self._in(region).get(name)

    def _in(self, region: str) -> Mapping[str, Any]:
        """The queues of a region by name: the same mapping for as long as the account is open."""
        queues = self._by_name.get(region)
        if queues is None:
            queues = self._by_name[region] = models.sqs_backends[ACCOUNT_ID][region].queues
        return queues

    def of(self, name: str, region: str) -> Messages | None:
        """The messages of a standard queue; None where there is no such."""
        queue = self.find(name, region)
        messages = None if queue is None else queue._messages
        return messages if isinstance(messages, Messages) else None

    def receive(self, queue: Any, count: int, visibility_s: int) -> list[Any]:
        """Receive from a standard queue: its messages themselves. OverLimit is for whoever polls shortly to tell."""
        redrive = None
        policy, dlq = queue.redrive_policy, queue.dead_letter_queue
        if policy and dlq is not None:
            store = dlq._messages
            redrive = policy["maxReceiveCount"], store.take_over if isinstance(store, Messages) else store.append
        received: list[Any] = queue._messages.receive(count, visibility_s, redrive, self.in_flight_max)
        return received

    def is_over_limit(self, queue: Any) -> bool:
        """Whether so many messages are in flight that nobody gets another one."""
        messages: Messages = queue._messages
        messages.bring_up()
        return self.in_flight_max is not None and messages.in_flight >= self.in_flight_max

    def counts(self, region: str) -> dict[str, tuple[QueueCounts, int]]:
        """What happened to each queue, and how many messages are in it."""
        told: dict[str, tuple[QueueCounts, int]] = {}
        for name, queue in self._in(region).items():
            messages = queue._messages
            counts = messages.settle() if isinstance(messages, Messages) else queue.counts
            told[name] = counts, len(messages)
        return told

    def messages_for(self, queue: Any) -> Messages:
        """An empty store for a queue."""

        def twice(message_id: str) -> bool:
            share = self.duplicates.get(queue.name, 0.0)
            return share > 0 and self._dice.of(f"duplicate/{queue.name}/{message_id}") < share

        return Messages(lambda: queue.message_retention_period * 1000, lambda: self.now_ms(), twice)


class QueuedMessage(models.Message):
    """A message, without moto's list of all messages ever made, which would keep it alive."""

    def __new__(cls, *_args: Any) -> QueuedMessage:
        """As any object is made."""
        return object.__new__(cls)

    def __init__(self, message_id: str, body: str, sent_ms: int, delayed_until_ms: float) -> None:
        super().__init__(message_id, body)
        self.sent_timestamp = sent_ms  # type: ignore[assignment]
        self.delayed_until = delayed_until_ms
        self.number = 0
        self.turn = -1
        self.hidden: str | None = None
        self.copied = False


def send(queues: Queues, queue: Any, body: str, delay_s: int, attributes: dict[str, Any] | None) -> QueuedMessage:
    """Put a message into a standard queue. moto's InvalidParameterValue for one that is too large or too late."""
    if len(body) > queue.maximum_message_size:
        raise InvalidParameterValue(
            "One or more parameters are invalid. "
            f"Reason: Message must be shorter than {queue.maximum_message_size} bytes."
        )
    if delay_s > _DELAY_S_MAX:
        raise InvalidParameterValue(
            f"Value {delay_s} for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900."
        )
    now_ms = queues.now_ms()
    message = QueuedMessage(str(mock_random.uuid4()), body, now_ms, now_ms + delay_s * 1000 if delay_s else 0.0)
    if attributes:
        message.message_attributes = attributes
    if queue.lambda_event_source_mappings:
        queue.add_message(message)
    else:
        queue._messages.append(message)
    return message


@contextmanager
def scaled_queues(queues: Queues) -> Iterator[None]:
    """While it lasts, standard queues keep their messages in `Messages`, and all queues are counted."""
    replacements: list[tuple[Any, str, Any]] = [
        (models.Queue, "__init__", _new_queue(queues)),
        (models.Queue, "messages", property(_ready)),
        (models.Queue, "approximate_number_of_messages_delayed", property(_delayed)),
        (models.Queue, "approximate_number_of_messages_not_visible", property(_not_visible)),
        (models.Queue, "delete_message", _delete_message),
        (models.SQSBackend, "send_message", _send_message(queues)),
        (models.SQSBackend, "receive_message", _receive_message(queues)),
        (models.SQSBackend, "change_message_visibility", _change_message_visibility(queues)),
        (models.SQSBackend, "purge_queue", _purge_queue),
    ]
    with ExitStack() as stack:
        for owner, name, replacement in replacements:
            stack.enter_context(patch.object(owner, name, replacement))
        yield


_moto_new_queue = models.Queue.__init__
_moto_messages = models.Queue.messages
_moto_delayed = models.Queue.approximate_number_of_messages_delayed
_moto_not_visible = models.Queue.approximate_number_of_messages_not_visible
_moto_delete_message = models.Queue.delete_message
_moto_send_message = models.SQSBackend.send_message
_moto_receive_message = models.SQSBackend.receive_message
_moto_change_message_visibility = models.SQSBackend.change_message_visibility
_moto_purge_queue = models.SQSBackend.purge_queue


def is_scaled(queue: Any) -> bool:
    """Whether a queue keeps its messages in `Messages`."""
    return isinstance(queue._messages, Messages)


def _new_queue(queues: Queues) -> Callable[..., None]:
    def new_queue(queue: Any, *args: Any, **named: Any) -> None:
        _moto_new_queue(queue, *args, **named)
        if queue.fifo_queue:
            queue.counts = QueueCounts()
        else:
            queue._messages = queues.messages_for(queue)

    return new_queue


def _ready(queue: Any) -> list[Any]:
    if is_scaled(queue):
        ready: list[Any] = queue._messages.ready()
        return ready
    found: list[Any] = _moto_messages.__get__(queue)
    return found


def _delayed(queue: Any) -> int:
    if not is_scaled(queue):
        return int(_moto_delayed.__get__(queue))
    queue._messages.bring_up()
    return int(queue._messages.delayed)


def _not_visible(queue: Any) -> int:
    if not is_scaled(queue):
        return int(_moto_not_visible.__get__(queue))
    queue._messages.bring_up()
    return int(queue._messages.in_flight)


def _delete_message(queue: Any, receipt_handle: str) -> None:
    if not is_scaled(queue):
        before = len(queue._messages)
        _moto_delete_message(queue, receipt_handle)
        queue.counts.deleted += before - len(queue._messages)
        return
    try:
        queue._messages.delete(receipt_handle)
    except ValueError:
        raise ReceiptHandleIsInvalid from None


def _send_message(queues: Queues) -> Callable[..., Any]:
    def send_message(
        backend: Any,
        queue_name: str,
        message_body: str,
        message_attributes: dict[str, Any] | None = None,
        delay_seconds: int | None = None,
        deduplication_id: str | None = None,
        group_id: str | None = None,
        system_attributes: dict[str, Any] | None = None,
        validate_group_id: bool = True,
    ) -> Any:
        queue = backend.get_queue(queue_name)
        if is_scaled(queue):
            delay_s = int(queue.delay_seconds if delay_seconds is None else delay_seconds)
            message = send(queues, queue, message_body, delay_s, message_attributes)
            message.group_id, message.deduplication_id = group_id, deduplication_id
            message.system_attributes = system_attributes or {}
            return message
        before = len(queue._messages)
        sent = _moto_send_message(
            backend,
            queue_name,
            message_body,
            message_attributes,
            delay_seconds,
            deduplication_id,
            group_id,
            system_attributes,
            validate_group_id,
        )
        queue.counts.sent += len(queue._messages) - before
        queue.counts.max_depth = max(queue.counts.max_depth, len(queue.messages))
        return sent

    return send_message


def _receive_message(queues: Queues) -> Callable[..., list[Any]]:
    def receive_message(
        backend: Any,
        queue_name: str,
        count: int,
        wait_seconds_timeout: int,
        visibility_timeout: int,
        message_attribute_names: list[str] | None = None,
    ) -> list[Any]:
        queue = backend.get_queue(queue_name)
        if is_scaled(queue):
            received = queues.receive(queue, count, visibility_timeout)
            until_ms = unix_time_millis() + wait_seconds_timeout * 1000
            while not received and wait_seconds_timeout and unix_time_millis() < until_ms:
                queue.wait_for_messages(1)
                received = queues.receive(queue, count, visibility_timeout)
            return [_shown(message, message_attribute_names or []) for message in received]
        before = len(queue._messages)
        taken: list[Any] = _moto_receive_message(
            backend, queue_name, count, wait_seconds_timeout, visibility_timeout, message_attribute_names
        )
        queue.counts.received += len(taken)
        moved = before - len(queue._messages)
        queue.counts.dead_lettered += moved
        if moved and queue.dead_letter_queue is not None:
            queue.dead_letter_queue.counts.taken_over += moved
        return taken

    return receive_message


def _shown(message: QueuedMessage, names: list[str]) -> QueuedMessage:
    """A message as it was received: with the attributes that were asked for, and later receives change nothing."""
    shown = object.__new__(QueuedMessage)
    shown.__dict__.update(message.__dict__)
    models._filter_message_attributes(shown, names)
    return shown


def _change_message_visibility(queues: Queues) -> Callable[..., None]:
    def change_message_visibility(backend: Any, queue_name: str, receipt_handle: str, visibility_timeout: int) -> None:
        queue = backend.get_queue(queue_name)
        if not is_scaled(queue):
            _moto_change_message_visibility(backend, queue_name, receipt_handle, visibility_timeout)
            return
        change_visibility(queues, queue, receipt_handle, int(visibility_timeout))

    return change_message_visibility


def change_visibility(queues: Queues, queue: Any, receipt_handle: str, visibility_s: int) -> None:
    """Change how long a message of a standard queue is in flight. Raises moto's exceptions."""
    try:
        message = queue._messages.find(receipt_handle)
    except ValueError:
        message = None
    if message is None:
        raise ReceiptHandleIsInvalid
    if queues.now_ms() + visibility_s * 1000 - message.sent_timestamp > _VISIBILITY_MS_MAX:
        raise InvalidParameterValue(
            f"Value {visibility_s} for parameter VisibilityTimeout is invalid. Reason: Total "
            "VisibilityTimeout for the message is beyond the limit [43200 seconds]"
        )
    queue._messages.change_visibility(message, visibility_s)


def _purge_queue(backend: Any, queue_name: str) -> None:
    queue = backend.get_queue(queue_name)
    store, before = queue._messages, len(queue._messages)
    _moto_purge_queue(backend, queue_name)
    if isinstance(store, Messages):
        store.clear()
        queue._messages = store
    else:
        queue.counts.deleted += before
