"""Activities: tasks and workers find each other, first come, first served, and nobody who has gone takes anything."""

from __future__ import annotations

from typing import Any

import pytest

from stepsim.asl.errors import StatesError
from stepsim.runtime.activities import MAX_POLLERS, Activities, HandedOut
from stepsim.runtime.cloud.call import ApiError
from stepsim.runtime.effects import Invoke, Program
from stepsim.runtime.scheduler import Scheduler

ARN = "arn:aws:states:us-east-1:123456789012:activity:paint"


class Office:
    """One activity; what workers were handed, and who took which task."""

    def __init__(self) -> None:
        self.scheduler = Scheduler(lambda ticket, task: self.activities.schedule(ARN, task, ticket))
        self.activities = Activities(self.scheduler)
        self.activities.create(ARN)
        self.handed: list[tuple[str, str | None]] = []
        self.taken: list[tuple[str, Any]] = []

    def schedule(self, token: str) -> None:
        """Let a task wait for a worker."""

        def program() -> Program:
            try:
                self.taken.append((token, (yield Invoke(HandedOut(token, "{}")))))
            except StatesError as error:
                self.taken.append((token, error.cause))

        self.scheduler.spawn(program())
        self.scheduler.advance(self.scheduler.now_ms)

    def poll(self, worker: str) -> Any:
        """Let a worker poll; returns what calls the poll off."""

        def hand(task: HandedOut | None) -> None:
            self.handed.append((worker, None if task is None else task.token))

        cancel = self.activities.poll(ARN, worker, hand)
        self.scheduler.advance(self.scheduler.now_ms)
        return cancel


@pytest.fixture
def office() -> Office:
    return Office()


def test_tasks_wait_for_workers_in_their_order(office: Office) -> None:
    """A worker gets the task that has waited longest, and the task learns his name."""
    for token in "ab":
        office.schedule(token)
    for worker in ("ann", "bob"):
        office.poll(worker)
    assert office.handed == [("ann", "a"), ("bob", "b")]
    assert office.taken == [("a", "ann"), ("b", "bob")]


def test_workers_wait_for_tasks_in_their_order(office: Office) -> None:
    """The worker who has polled longest gets the task."""
    for worker in ("ann", "bob"):
        office.poll(worker)
    for token in "ab":
        office.schedule(token)
    assert office.handed == [("ann", "a"), ("bob", "b")]


def test_a_poll_ends_after_a_minute(office: Office) -> None:
    """With nothing; a task that comes later waits for another worker."""
    office.poll("ann")
    office.scheduler.advance(59_999)
    assert office.handed == []
    office.scheduler.advance(60_000)
    office.schedule("a")
    assert office.handed == [("ann", None)]
    assert office.taken == []


def test_a_worker_who_has_gone_takes_no_task(office: Office) -> None:
    """His poll was called off, and he is not told of its end either."""
    gone = office.poll("ann")
    office.poll("bob")
    gone()
    office.schedule("a")
    gone()
    office.scheduler.advance(60_000)
    assert office.handed == [("bob", "a")]


def test_a_task_that_was_withdrawn_is_not_handed_out(office: Office) -> None:
    """Its execution was stopped, say."""
    office.schedule("a")
    office.schedule("b")
    office.activities.withdraw(ARN, "a")
    office.poll("ann")
    assert office.handed == [("ann", "b")]


def test_a_thousand_workers_may_poll_an_activity(office: Office) -> None:
    """The next one is refused, until one of them has gone."""
    cancels = [office.poll(str(number)) for number in range(MAX_POLLERS)]
    with pytest.raises(ApiError, match="ActivityWorkerLimitExceeded"):
        office.poll("ann")
    cancels[0]()
    office.poll("ann")


def test_a_deleted_activity_fails_what_waits_for_a_worker(office: Office) -> None:
    """Workers are told that there is nothing, and may not poll again."""
    office.schedule("a")
    office.activities.delete(ARN)
    office.scheduler.advance(0)
    office.schedule("b")
    missing = f"The activity {ARN} does not exist."
    assert office.taken == [("a", missing), ("b", missing)]
    with pytest.raises(ApiError, match="ActivityDoesNotExist"):
        office.poll("ann")


def test_deleting_lets_workers_go(office: Office) -> None:
    """Deleting what is not there changes nothing."""
    office.poll("ann")
    office.activities.delete(ARN)
    office.activities.delete(ARN)
    assert office.handed == [("ann", None)]
    assert ARN not in office.activities
