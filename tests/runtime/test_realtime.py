"""realtime.py: a scheduler on the system clock, with others to attend to."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import anyio
import pytest

from stepsim.asl.payload import Payload
from stepsim.runtime import realtime
from stepsim.runtime.account import Account, no_cloud
from stepsim.runtime.dice import Dice
from stepsim.runtime.effects import Invoke, Sleep
from stepsim.runtime.fiber import Ticket
from stepsim.runtime.functions import Functions
from stepsim.runtime.realtime import Driver, fresh_seed, now_ms
from stepsim.runtime.scheduler import Scheduler
from stepsim.runtime.statistics import Statistics

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """The loop that drivers run on."""
    return "asyncio"


def answering(scheduler: list[Scheduler]) -> Any:
    """A performer that answers at once."""
    return lambda ticket, request: scheduler[0].complete(ticket, request)


def driven(perform: Any = None) -> tuple[Scheduler, Driver, list[Exception]]:
    """A scheduler with its driver, and what went wrong."""
    schedulers: list[Scheduler] = []
    schedulers.append(Scheduler(perform or answering(schedulers), now_ms()))
    failures: list[Exception] = []
    return schedulers[0], Driver(schedulers[0], failures.append), failures


async def test_timers_and_answers_wake_the_driver() -> None:
    """A program that sleeps, and one that is answered from outside."""
    tickets: list[Ticket] = []
    scheduler, driver, _ = driven(lambda ticket, request: tickets.append(ticket))
    done: list[Any] = []
    ended = anyio.Event()

    def program() -> Generator[Any, Any, Any]:
        yield Sleep(scheduler.now_ms + 5)
        done.append("slept")
        done.append((yield Invoke("ask")))
        ended.set()

    async def reply() -> None:
        while not tickets:
            await anyio.lowlevel.checkpoint()
        scheduler.complete(tickets[0], "answered")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(driver.run)
        scheduler.spawn(program())
        tasks.start_soon(reply)
        await ended.wait()
        tasks.cancel_scope.cancel()
    assert done == ["slept", "answered"]
    assert scheduler.wake is None


async def test_a_turn_ends_though_there_is_more_to_do() -> None:
    """Whoever never waits does not keep others waiting."""
    scheduler, driver, _ = driven()

    def busy() -> Generator[Any, Any, Any]:
        while True:
            yield Invoke("again")

    scheduler.spawn(busy())
    driver.advance()
    assert scheduler.next_deadline() == scheduler.now_ms
    started: list[bool] = []

    def other() -> Generator[Any, Any, Any]:
        started.append(True)
        yield Sleep(scheduler.now_ms)

    scheduler.spawn(other())
    driver.advance()
    assert started == [True]


async def test_a_mistake_in_one_program_is_told_and_others_go_on() -> None:
    """The driver survives it."""
    scheduler, driver, failures = driven()
    done: list[bool] = []

    def broken() -> Generator[Any, Any, Any]:
        yield Invoke("x")
        raise ZeroDivisionError

    def sound() -> Generator[Any, Any, Any]:
        yield Invoke("x")
        done.append(True)

    scheduler.spawn(broken())
    scheduler.spawn(sound())
    driver.advance()
    driver.advance()
    assert [type(failure) for failure in failures] == [ZeroDivisionError]
    assert done == [True]


async def test_the_driver_is_not_entered_twice() -> None:
    """What is asked in the middle of a step does not start another."""
    scheduler, driver, failures = driven()

    def program() -> Generator[Any, Any, Any]:
        driver.advance()
        yield Sleep(scheduler.now_ms)

    scheduler.spawn(program())
    driver.advance()
    assert failures == []


def test_seeds_differ() -> None:
    """Ids of one account are not those of the last."""
    assert fresh_seed() != fresh_seed()


async def test_a_run_that_never_waits_has_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """However much there is to do at once, progress is told, Ctrl-C is heard and the clock goes on between turns."""
    monkeypatch.setattr(realtime, "_TURN_S", 0)
    child = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
    processor = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}, **child}
    machine = {"StartAt": "M", "States": {"M": {"Type": "Map", "ItemProcessor": processor, "End": True}}}
    account = Account(
        dice=Dice(0),
        statistics=Statistics(),
        functions=Functions((), Dice(0), Statistics()),
        call=no_cloud,
        models={},
        start_ms=now_ms(),
    )
    execution = account.start_execution(machine, Payload(list(range(50))), machine_name="m", name="one")
    told: list[None] = []
    await realtime.drive(account, execution, lambda: told.append(None))
    assert execution.status == "SUCCEEDED"
    assert len(told) >= 50
