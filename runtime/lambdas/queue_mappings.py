"""Queues that functions are mapped to: Lambda polls them, and deletes what a function has taken well.

A batch that failed stays in flight until the queue's visibility timeout is over and is then received again, until the
queue's redrive policy moves it to its dead-letter queue. With ReportBatchItemFailures a function names the messages
that failed; the others are deleted.
"""

from __future__ import annotations

from collections import Counter
from math import ceil
from typing import Any

from stepsim.runtime.cloud.call import ApiError, CallSite
from stepsim.runtime.effects import Invoke, Program, Sleep
from stepsim.runtime.requests import InvokeFunction
from stepsim.runtime.scheduler import Scheduler
from stepsim.runtime.triggers.batches import failed_messages, function_event
from stepsim.workers.worker import InvocationResult

POLLERS = 5
"""How many batches of a queue are worked on at once, unless the mapping says so: what Lambda begins with."""


class QueueMappings:
    """Polls the queues of all event source mappings, when there is something to be had."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._running: Counter[str] = Counter()
        """The batches under way, by the mapping's UUID."""
        self._looks: dict[str, int] = {}
        """When a mapping's queue is looked at next, by the mapping's UUID."""
        self._batches = 0

    def look(self, mapping: Any) -> None:
        """Let a mapping's queue be looked at: a message has come, or the mapping was made or changed."""
        if mapping.event_source_arn.split(":")[2] == "sqs":
            self._scheduler.spawn(self._gathering(mapping), _done)

    def _gathering(self, mapping: Any) -> Program:
        """Look at a queue once its batching window is over, or its batch is full."""
        window_s = mapping.max_batch_window or 0
        queue = _queue(mapping)
        if window_s and queue is not None and len(queue.messages) < mapping.batch_size:
            yield Sleep(self._scheduler.now_ms + window_s * 1000)
        yield from self._watch(mapping)

    def _watch(self, mapping: Any) -> Program:
        """Take what is there, and look again when what is in flight or delayed can be received."""
        while True:
            self._poll(mapping)
            due_ms = _next_visible_ms(mapping, self._scheduler.now_ms)
            if due_ms is None or self._looks.get(mapping.uuid, due_ms + 1) <= due_ms:
                return
            self._looks[mapping.uuid] = due_ms
            yield Sleep(due_ms)
            if self._looks.get(mapping.uuid) != due_ms:
                return
            del self._looks[mapping.uuid]

    def _poll(self, mapping: Any) -> None:
        most = (mapping.scaling_config or {}).get("MaximumConcurrency") or POLLERS
        while _is_active(mapping) and self._running[mapping.uuid] < most:
            messages = _receive(mapping)
            if not messages:
                return
            self._running[mapping.uuid] += 1
            self._scheduler.spawn(self._work(mapping, messages), _done)

    def _work(self, mapping: Any, messages: list[Any]) -> Program:
        """Have one batch taken by the function."""
        event = function_event(messages, mapping.event_source_arn)
        self._batches += 1
        site = CallSite("lambda", "", "", place=f"{mapping.uuid}/{self._batches}")
        answer: InvocationResult | ApiError = yield Invoke(
            InvokeFunction(mapping.function_arn, event, site, mapping.function_arn)
        )
        failed = _failed(answer, mapping, messages)
        queue = _queue(mapping)
        for message in messages:
            if message.id not in failed and queue is not None:
                _delete(mapping, queue, message)
        self._running[mapping.uuid] -= 1
        yield from self._watch(mapping)


def _done(_result: Any, error: Exception | None) -> None:
    if error is not None:
        raise error


def _backend(mapping: Any) -> Any:
    from moto.sqs.models import sqs_backends

    _, _, _, region, account, _ = mapping.event_source_arn.split(":", 5)
    return sqs_backends[account][region]


def _queue(mapping: Any) -> Any:
    """moto's queue; None where it was deleted."""
    return _backend(mapping).queues.get(mapping.event_source_arn.split(":")[5])


def _is_active(mapping: Any) -> bool:
    from moto.awslambda.utils import get_backend

    # moto's queues remember mappings that were deleted.
    known = get_backend(mapping.account_id, mapping.region).get_event_source_mapping(mapping.uuid) is mapping
    return known and bool(mapping.enabled) and _queue(mapping) is not None


def _receive(mapping: Any) -> list[Any]:
    queue = _queue(mapping)
    received: list[Any] = _backend(mapping).receive_message(
        queue.name, mapping.batch_size, 0, queue.visibility_timeout, ["All"]
    )
    return received


def _delete(mapping: Any, queue: Any, message: Any) -> None:
    from moto.sqs.exceptions import ReceiptHandleIsInvalid

    try:
        _backend(mapping).delete_message(queue.name, message.receipt_handle)
    except ReceiptHandleIsInvalid:
        # Somebody else deleted it, or purged the queue.
        return


def _next_visible_ms(mapping: Any, now_ms: int) -> int | None:
    """When the first message that cannot be received now can be; None where there is none."""
    queue = _queue(mapping)
    if queue is None or not _is_active(mapping):
        return None
    hidden = [max(message.visible_at, message.delayed_until) for message in queue._messages]
    later = [moment for moment in hidden if moment >= now_ms]
    # moto shows a message once its moment has passed.
    return ceil(min(later)) + 1 if later else None


def _failed(answer: InvocationResult | ApiError, mapping: Any, messages: list[Any]) -> frozenset[str]:
    """The ids of the messages that stay in the queue."""
    everything = frozenset(message.id for message in messages)
    if isinstance(answer, ApiError) or answer.function_error is not None:
        return everything
    reports = "ReportBatchItemFailures" in (mapping.function_response_types or ())
    return failed_messages(answer.payload, [message.id for message in messages], reports=reports)
