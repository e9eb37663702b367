"""Activities: tasks that wait for a worker, and workers who poll for a task, first come, first served.

A task is handed out at most once in an attempt. A worker who has gone away is called off by whoever noticed, and never
takes a task with him. Sans-IO: a poll is a reply that is called at once or later, its 60 seconds are the scheduler's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from stepsim.asl.errors import StatesError, runtime_error
from stepsim.runtime.cloud.call import ApiError
from stepsim.runtime.fiber import Ticket
from stepsim.runtime.scheduler import Scheduler

POLL_MS = 60_000
"""How long GetActivityTask waits for a task."""

MAX_POLLERS = 1_000
"""How many workers may poll one activity at the same time (quota)."""


class HandedOut(NamedTuple):
    """What a worker gets: the token to answer with, and the task's input as JSON text."""

    token: str
    input: str


Hand: TypeAlias = Callable[[HandedOut | None], None]
"""Called once: with a task, or with None when the 60 seconds are over."""


class _Waiting(NamedTuple):
    task: HandedOut
    ticket: Ticket


@dataclass(slots=True)
class _Queue:
    """One activity. Never do tasks and pollers wait at the same time."""

    tasks: dict[str, _Waiting] = field(default_factory=dict)
    """By token, in the order in which they were scheduled."""
    pollers: dict[int, tuple[str | None, Hand]] = field(default_factory=dict)
    """By number: the worker's name, and how to hand him a task."""


class Activities:
    """The activities of all homes, by ARN."""

    __slots__ = ("_numbers", "_queues", "_scheduler")

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._queues: dict[str, _Queue] = {}
        self._numbers = 0

    def __contains__(self, arn: str) -> bool:
        return arn in self._queues

    def create(self, arn: str) -> None:
        """Let there be an activity; it may be there already."""
        self._queues.setdefault(arn, _Queue())

    def delete(self, arn: str) -> None:
        """Let there be no such activity: tasks that wait for a worker fail, workers are told that there is nothing."""
        queue = self._queues.pop(arn, None)
        if queue is None:
            return
        for waiting in queue.tasks.values():
            self._scheduler.complete(waiting.ticket, None, missing(arn))
        for _, hand in queue.pollers.values():
            hand(None)

    def schedule(self, arn: str, task: HandedOut, ticket: Ticket) -> None:
        """Answer the ticket with the worker's name (None where he gave none) when a worker takes the task."""
        queue = self._queues.get(arn)
        if queue is None:
            self._scheduler.complete(ticket, None, missing(arn))
        elif queue.pollers:
            worker, hand = queue.pollers.pop(next(iter(queue.pollers)))
            self._scheduler.complete(ticket, worker)
            hand(task)
        else:
            queue.tasks[task.token] = _Waiting(task, ticket)

    def withdraw(self, arn: str, token: str) -> None:
        """The task waits for no worker any more."""
        queue = self._queues.get(arn)
        if queue is not None:
            queue.tasks.pop(token, None)

    def poll(self, arn: str, worker: str | None, hand: Hand) -> Callable[[], None]:
        """GetActivityTask. Returns what calls the poll off; after the hand was called that does nothing.

        Raises ApiError ActivityDoesNotExist or ActivityWorkerLimitExceeded.
        """
        queue = self._queues.get(arn)
        if queue is None:
            raise ApiError("ActivityDoesNotExist", f"Activity Does Not Exist: '{arn}'")
        if queue.tasks:
            task, ticket = queue.tasks.pop(next(iter(queue.tasks)))
            self._scheduler.complete(ticket, worker)
            hand(task)
            return lambda: None
        if len(queue.pollers) >= MAX_POLLERS:
            message = "The maximum number of workers concurrently polling for activity tasks has been reached."
            raise ApiError("ActivityWorkerLimitExceeded", message)
        self._numbers += 1
        number = self._numbers
        queue.pollers[number] = (worker, hand)

        def give_up() -> None:
            if queue.pollers.pop(number, None) is not None:
                hand(None)

        self._scheduler.call_at(self._scheduler.now_ms + POLL_MS, give_up)
        return lambda: _discard(queue, number)


def _discard(queue: _Queue, number: int) -> None:
    queue.pollers.pop(number, None)


def missing(arn: str) -> StatesError:
    """The failure of a task whose activity is not there (recorded)."""
    return runtime_error(f"The activity {arn} does not exist.")
