"""The kernel: order, tickets, deadlines, forks and cancellation, each as a log of what happened when."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from stepsim.asl.errors import StatesError
from stepsim.runtime.effects import Expired, Fork, Invoke, NotBefore, Program, Sleep, Stopped
from stepsim.runtime.fiber import Ticket
from stepsim.runtime.scheduler import Scheduler


class World:
    """A scheduler, a log, and requests that answer after as many milliseconds as they are.

    It is driven as simulations are, which jump to whatever is next, or told the time as by a clock.
    """

    def __init__(self, *, jumps: bool = True) -> None:
        self._jumps = jumps
        self.log: list[Any] = []
        self.tickets: list[Ticket] = []
        self.scheduler = Scheduler(self.perform)

    def perform(self, ticket: Ticket, request: Any) -> None:
        self.tickets.append(ticket)
        if isinstance(request, int):
            self.scheduler.complete_at(self.scheduler.now_ms + request, ticket, f"after {request}")

    def note(self, what: Any) -> None:
        self.log.append((self.scheduler.now_ms, what))

    def drive(self) -> None:
        if self._jumps:
            while self.scheduler.jump():
                pass
        while (deadline_ms := self.scheduler.next_deadline()) is not None:
            self.scheduler.advance(deadline_ms)


@pytest.fixture(params=["jumps", "told"])
def world(request: pytest.FixtureRequest) -> World:
    return World(jumps=request.param == "jumps")


def test_sleepers_wake_in_the_order_of_their_time(world: World) -> None:
    """Later sleepers wake later, whatever order they were started in; equal times keep that order."""

    def sleeper(name: str, until_ms: int) -> Program:
        yield Sleep(until_ms)
        world.note(name)

    for name, until_ms in (("late", 9), ("early", 1), ("twin a", 5), ("twin b", 5)):
        world.scheduler.spawn(sleeper(name, until_ms))
    world.drive()
    assert world.log == [(1, "early"), (5, "twin a"), (5, "twin b"), (9, "late")]


def test_a_deadline_answers_first_and_the_late_reply_is_dropped(world: World) -> None:
    """A wait that is over cannot be answered again."""

    def caller() -> Program:
        try:
            yield Invoke(50, deadline_ms=10)
        except StatesError as error:
            world.note(error.error)
        world.note((yield Invoke(100)))

    world.scheduler.spawn(caller())
    world.drive()
    assert world.log == [(10, "States.Timeout"), (110, "after 100")]


def test_heartbeats_keep_a_wait_alive(world: World) -> None:
    """Each heartbeat starts the silence again; when it is too long, the error is States.Timeout and marked."""

    def waiter() -> Program:
        try:
            yield Invoke("a token", heartbeat_ms=10)
        except StatesError as error:
            world.note((error.error, error.heartbeat))

    world.scheduler.spawn(waiter())
    world.scheduler.advance(0)
    for beat_ms in (8, 16, 24):
        world.scheduler.advance(beat_ms)
        assert world.scheduler.heartbeat(world.tickets[0])
    world.drive()
    assert world.log == [(34, ("States.Timeout", True))]
    assert not world.scheduler.heartbeat(world.tickets[0])


def test_a_fork_answers_in_order_and_never_exceeds_its_concurrency(world: World) -> None:
    """Results stand where their branches stood, and a branch starts only when another has ended."""
    running = most = 0

    def branch(index: int) -> Program:
        nonlocal running, most
        running += 1
        most = max(most, running)
        yield Invoke(10 - index)
        running -= 1
        return index * index

    def forker() -> Program:
        world.note((yield Fork((branch(index) for index in range(7)), max_concurrency=3)))

    world.scheduler.spawn(forker())
    world.drive()
    assert most == 3
    assert world.log[0][1] == [0, 1, 4, 9, 16, 25, 36]


def test_the_first_failure_cancels_the_other_branches(world: World) -> None:
    """A cancelled fiber is never woken, and its generator is closed."""

    def endless(name: str) -> Program:
        try:
            yield Sleep(1_000)
            world.note("woken")
        finally:
            world.note(f"closed {name}")

    def failing() -> Program:
        yield Sleep(5)
        raise StatesError("Broken")

    def forker() -> Program:
        try:
            yield Fork(iter([endless("a"), failing(), endless("b")]))
        except StatesError as error:
            world.note(error.error)

    world.scheduler.spawn(forker())
    world.drive()
    assert world.log == [(5, "closed a"), (5, "closed b"), (5, "Broken")]


def test_branches_are_pulled_lazily(world: World) -> None:
    """No more branches are made than may run."""
    made: list[int] = []

    def branches() -> Iterator[Program]:
        for index in range(1_000_000):
            made.append(index)
            yield branch()

    def branch() -> Program:
        yield Sleep(world.scheduler.now_ms + 10)

    def forker() -> Program:
        yield Fork(branches(), max_concurrency=4, collect=lambda index, result: index == 10)

    world.scheduler.spawn(forker())
    world.drive()
    assert len(made) < 20


def test_not_before_holds_a_fork_back(world: World) -> None:
    """A page that is still being read delays what comes after it, and nothing that runs already."""

    def branch(name: str) -> Program:
        world.note(name)
        yield Sleep(world.scheduler.now_ms + 1)

    def forker() -> Program:
        yield Fork(iter([branch("a"), NotBefore(40), branch("b")]))
        world.note("done")

    world.scheduler.spawn(forker())
    world.drive()
    assert world.log == [(0, "a"), (40, "b"), (41, "done")]


def test_branches_expire_when_their_life_is_over(world: World) -> None:
    """Expired is thrown into each branch at its own moment; the others go on."""

    def branch(duration_ms: int) -> Program:
        try:
            yield Sleep(world.scheduler.now_ms + duration_ms)
        except Expired:
            return "expired"
        return "done"

    def forker() -> Program:
        world.note((yield Fork(map(branch, (5, 100, 7, 100)), max_concurrency=2, limit_ms=20)))

    world.scheduler.spawn(forker())
    world.drive()
    assert world.log == [(32, ["done", "expired", "done", "expired"])]


def test_a_spawned_programs_deadline_ends_what_it_forked(world: World) -> None:
    """Expired reaches the program after its branches were closed."""

    def branch() -> Program:
        try:
            yield Sleep(1_000)
        finally:
            world.note("branch closed")

    def program() -> Program:
        try:
            yield Fork(iter([branch()]))
        except Expired:
            world.note("expired")

    world.scheduler.spawn(program(), None, 30)
    world.drive()
    assert world.log == [(30, "branch closed"), (30, "expired")]


def test_ten_thousand_branches_that_wait_for_nothing_need_no_stack(world: World) -> None:
    """Branches that end at once are queued, not nested."""

    def nothing(index: int) -> Program:
        return index
        yield

    def forker() -> Program:
        results = yield Fork((nothing(index) for index in range(10_000)), max_concurrency=1)
        world.note(sum(results))

    world.scheduler.spawn(forker())
    world.drive()
    assert world.log == [(0, sum(range(10_000)))]


def test_deadlines_that_were_not_needed_do_not_pile_up(world: World) -> None:
    """The heap stays as small as what is really waited for, however many deadlines were left behind."""

    def caller() -> Program:
        for _ in range(20_000):
            yield Invoke(1, deadline_ms=world.scheduler.now_ms + 10_000_000)
        world.note(len(world.scheduler._heap))

    world.scheduler.spawn(caller())
    world.drive()
    assert world.log[0][1] < 10_000


def test_the_deadlines_of_programs_that_have_ended_do_not_pile_up(world: World) -> None:
    """An execution that took no time leaves nothing of itself in the heap for the year it might have taken."""

    def short() -> Program:
        return
        yield

    year_ms = 365 * 86_400_000
    for _ in range(20_000):
        world.scheduler.spawn(short(), lambda result, error: None, year_ms)
        world.scheduler.advance(0)
    assert len(world.scheduler._heap) < 10_000


def test_a_fork_can_be_resized_while_it_runs(world: World) -> None:
    """More branches start at once; those that run already are not cut where it shrinks."""

    def branch() -> Program:
        yield Sleep(world.scheduler.now_ms + 1_000)
        return world.scheduler.now_ms

    fork = Fork(iter([branch() for _ in range(6)]), 1)

    def parent() -> Program:
        world.log.append((yield fork))

    world.scheduler.resize(fork, 1)
    world.scheduler.spawn(parent())
    world.scheduler.advance(500)
    world.scheduler.resize(fork, 3)
    world.scheduler.advance(600)
    world.scheduler.resize(fork, 1)
    world.drive()
    assert world.log == [[1_500, 1_600, 1_600, 2_600, 3_600, 4_600]]


def test_one_branch_can_be_interrupted_alone(world: World) -> None:
    """Its siblings run on."""

    def branch() -> Program:
        try:
            yield Sleep(1_000)
        except Stopped:
            return "stopped"
        return "slept"

    programs = [branch(), branch()]
    fork = Fork(iter(programs))

    def parent() -> Program:
        world.log.append((yield fork))

    world.scheduler.spawn(parent())
    world.scheduler.advance(500)
    world.scheduler.interrupt_branch(fork, programs[1], Stopped())
    world.drive()
    assert world.log == [["slept", "stopped"]]


def test_an_unhandled_failure_is_never_silent(world: World) -> None:
    """A root program that fails, and nobody asked to be told, stops the driver."""

    def failing() -> Program:
        raise StatesError("Broken", "for good")
        yield

    world.scheduler.spawn(failing())
    with pytest.raises(StatesError, match="Broken"):
        world.drive()


def test_what_is_not_an_effect_is_refused(world: World) -> None:
    """A program may only yield effects."""

    def wrong() -> Program:
        yield "sleep"

    world.scheduler.spawn(wrong())
    with pytest.raises(TypeError, match="not an effect"):
        world.drive()


def test_a_callback_leaps_to_where_nothing_else_happens_before(world: World) -> None:
    """It leaps neither over what is due by then, nor where the driver has not allowed it, nor where somebody is
    ready; and what it leapt to is the time for all."""
    scheduler = world.scheduler

    def leaping() -> None:
        world.note(scheduler.leap(20))
        scheduler.may_leap = True
        world.note([scheduler.leap(20), scheduler.leap(30)])
        scheduler.spawn(sleeper())
        world.note(scheduler.leap(21))

    def sleeper() -> Program:
        yield Sleep(22)
        world.note("awake")

    scheduler.call_at(10, leaping)
    scheduler.call_at(25, lambda: world.note("due"))
    world.drive()
    assert world.log == [(10, False), (20, [True, False]), (20, False), (22, "awake"), (25, "due")]
