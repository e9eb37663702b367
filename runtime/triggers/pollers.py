"""Queues that are polled: batches start executions, as an EventBridge pipe does, or invoke a function, as Lambda does.

A batch is in flight until it was taken well, and is deleted then; what failed comes back when the queue's visibility
time-out is over. Both begin with five batches at a time and add up to 300 a minute while messages are left, up to 1,250
(Lambda developer guide, "Configuring scaling behavior for SQS event source mappings"; pipes are taken to do the same).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stepsim.runtime.cloud.call import ACCOUNT_ID, ApiError, CallSite
from stepsim.runtime.cloud.queue_store import Messages
from stepsim.runtime.effects import Invoke, Program, Sleep
from stepsim.runtime.requests import InvokeFunction
from stepsim.runtime.triggers.batches import failed_messages, function_event, pipe_input, single_input
from stepsim.runtime.triggers.specs import Polling, Target, TriggerSpec
from stepsim.runtime.triggers.world import REGION, TriggerCounts, World
from stepsim.workers.worker import InvocationResult

_FIRST, _MORE_PER_MINUTE, _MOST = 5, 300, 1_250
_LOOK_MS = 1_000
_LONG_POLL_S = 20
_CALL_MAX = 10
"""Messages in one call of SQS's."""


class Poller:
    """Polls one queue for one trigger."""

    def __init__(
        self, world: World, trigger: TriggerSpec, polling: Polling, target: Target, counts: TriggerCounts, express: bool
    ) -> None:
        """`express`: the machine that is started is an Express one."""
        self._world = world
        self._trigger = trigger
        self._polling = polling
        self._target = target
        self._counts = counts
        self._express = express
        self._arn = f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:{polling.queue}"
        self._running = 0
        self._receives = 0
        self._backlog_since_ms: int | None = None
        self._look_due_ms: int | None = None
        self._gathered_ms: int | None = None
        self._room = _FIRST
        messages = self._messages()
        assert messages is not None
        messages.when_added.append(self._added)

    @property
    def idle(self) -> bool:
        """True where nothing is left in the queue."""
        messages = self._messages()
        return messages is None or not len(messages)

    def _messages(self) -> Messages | None:
        return self._world.cloud.queues.of(self._polling.queue, REGION)

    # -- when ----------------------------------------------------------------------------------------------------

    def _added(self) -> None:
        # With as many batches under way as may be, their ends and the next second look at the queue.
        if self._running < self._room:
            self._look_at(self._world.now_ms)

    def _look_at(self, due_ms: int) -> None:
        """Look at the queue at a moment, unless that will be done before."""
        if self._look_due_ms is not None and self._look_due_ms <= due_ms:
            return
        self._look_due_ms = due_ms
        scheduler = self._world.scheduler
        scheduler.call_at(due_ms, lambda: self._look(due_ms))
        if scheduler.wake is not None:
            scheduler.wake()

    def _look(self, due_ms: int) -> None:
        if self._look_due_ms != due_ms:
            return
        self._look_due_ms = None
        self._poll()

    def _poll(self) -> None:
        """Take what is there, as many batches as may be worked on, and see when to look again."""
        messages, now_ms = self._messages(), self._world.now_ms
        if messages is None:
            return
        while messages.visible:
            if self._running >= self._limit(now_ms):
                self._look_at(now_ms + _LOOK_MS)
                return
            if self._gathers(messages, now_ms):
                return
            if not self._take():
                self._look_at(now_ms + _LOOK_MS)
                return
        self._backlog_since_ms = self._gathered_ms = None
        later_ms = messages.next_visible_ms()
        if later_ms is not None:
            self._look_at(later_ms)

    def _gathers(self, messages: Messages, now_ms: int) -> bool:
        """Whether the batch that begins is still waited for."""
        window_ms = self._polling.batch_window_ms
        if not window_ms or messages.visible >= self._polling.batch_size:
            return False
        if self._gathered_ms is None:
            self._gathered_ms = now_ms + window_ms
        if now_ms >= self._gathered_ms:
            self._gathered_ms = None
            return False
        self._look_at(self._gathered_ms)
        return True

    def _limit(self, now_ms: int) -> int:
        """How many batches may be worked on at once."""
        if self._backlog_since_ms is None:
            self._backlog_since_ms = now_ms
        more = _MORE_PER_MINUTE * (now_ms - self._backlog_since_ms) // 60_000
        self._room = self._polling.maximum_concurrency or min(_FIRST + more, _MOST)
        return self._room

    # -- what ----------------------------------------------------------------------------------------------------

    def _take(self) -> bool:
        """Receive a batch and have it worked on; False where nothing can be received."""
        world, counts = self._world, self._counts
        self._receives += 1
        site = CallSite(self._trigger.name, place=f"batch/{self._receives}")
        messages = self._messages()
        assert messages is not None
        received: list[Any] = []
        latency_ms = 0
        while len(received) < self._polling.batch_size:
            count = min(_CALL_MAX, self._polling.batch_size - len(received))
            params = {"QueueUrl": self._polling.queue, "MaxNumberOfMessages": count, "WaitTimeSeconds": _LONG_POLL_S}
            answer = world.cloud.perform("sqs", "ReceiveMessage", params, site=site)
            if answer.response is None:
                break
            latency_ms = max(latency_ms, answer.latency_ms)
            some = [messages.find(told["ReceiptHandle"]) for told in answer.response.get("Messages", ())]
            received += [message for message in some if message is not None]
            if len(some) < count:
                break
        if not received:
            return not messages.visible
        counts.batches += 1
        if len(received) > 1:
            # Standard queues keep the order as well as they can, and promise none.
            _shuffle(received, world.dice.integer("order", self._trigger.name, counts.batches))
        self._running += 1
        world.underway += 1
        world.scheduler.spawn(self._work(received, site, counts.batches, latency_ms), self._worked)
        return True

    def _worked(self, _result: Any, bug: Exception | None) -> None:
        if bug is not None:
            raise bug
        self._running -= 1
        self._world.underway -= 1
        self._look_at(self._world.now_ms)

    def _work(self, messages: list[Any], site: CallSite, batch: int, latency_ms: int) -> Program:
        """Have one batch taken, and delete what was taken well."""
        handles = [message.receipt_handle for message in messages]
        if latency_ms:
            yield Sleep(self._world.now_ms + latency_ms)
        if self._target.kind == "invoke":
            failed = yield from self._invoke(messages, site)
        elif self._polling.one_each:
            failed = yield from self._start_each(messages, site, batch)
        else:
            failed = yield from self._start(messages, site, batch)
        self._counts.failed += len(failed)
        kept = zip(messages, handles, strict=True)
        done = [handle for message, handle in kept if message.id not in failed] if failed else handles
        for first in range(0, len(done), _CALL_MAX):
            chunk = done[first : first + _CALL_MAX]
            entries = [{"Id": str(number), "ReceiptHandle": handle} for number, handle in enumerate(chunk)]
            params = {"QueueUrl": self._polling.queue, "Entries": entries}
            answer = self._world.cloud.perform("sqs", "DeleteMessageBatch", params, site=site)
            if answer.latency_ms and answer.error is None:
                yield Sleep(self._world.now_ms + answer.latency_ms)

    def _start(self, messages: Sequence[Any], site: CallSite, batch: int) -> Program:
        """Start one execution with the whole batch; the ids of the messages that failed."""
        ids = [message.id for message in messages]
        text = pipe_input(messages, self._arn, self._target.template)
        output = yield from self._execute(text, site, str(batch))
        return frozenset(ids) if output is None else failed_messages(output, ids, reports=self._express)

    def _start_each(self, messages: Sequence[Any], site: CallSite, batch: int) -> Program:
        """Start an execution for each message; the ids of the messages that failed."""
        failed: set[str] = set()
        for number, message in enumerate(messages):
            text = single_input(message, self._arn, self._target.template)
            if (yield from self._execute(text, site, f"{batch}/{number}")) is None:
                failed.add(message.id)
        return failed

    def _execute(self, text: str, site: CallSite, number: str) -> Program:
        """Start an execution; its output where it was waited for, else an empty text, and None where it failed."""
        params = {
            "stateMachineArn": f"arn:aws:states:{REGION}:{ACCOUNT_ID}:stateMachine:{self._target.name}",
            "name": self._world.dice.uuid4("polled", self._trigger.name, number),
            "input": text,
        }
        operation = "StartSyncExecution" if self._express else "StartExecution"
        answer = yield from self._world.call(operation, params, site, patient=self._express)
        if isinstance(answer, ApiError):
            return None
        self._counts.started += 1
        if not self._express:
            return ""
        return answer.get("output") or "null" if answer["status"] == "SUCCEEDED" else None

    def _invoke(self, messages: Sequence[Any], site: CallSite) -> Program:
        """Invoke the function with the batch; the ids of the messages that failed."""
        ids = [message.id for message in messages]
        caller = f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:event-source-mapping:{self._trigger.name}"
        event = function_event(messages, self._arn)
        answer: InvocationResult | ApiError = yield Invoke(InvokeFunction(self._target.name, event, site, caller))
        if isinstance(answer, ApiError):
            return frozenset(ids)
        self._counts.invoked += 1
        if answer.function_error is not None:
            return frozenset(ids)
        return failed_messages(answer.payload, ids, reports=self._polling.report_batch_item_failures)


def _shuffle(messages: list[Any], drawn: int) -> None:
    """Put messages into the order that a large number stands for."""
    left = drawn
    for last in range(len(messages) - 1, 0, -1):
        left, index = divmod(left or drawn, last + 1)
        messages[last], messages[index] = messages[index], messages[last]
