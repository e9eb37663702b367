"""A world for laws: an account whose functions answer from a script, and whose fibers are watched."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import anyio
import pytest

from stepsim.asl.payload import Payload, encode
from stepsim.runtime import realtime, simulation
from stepsim.runtime.account import Account, no_cloud
from stepsim.runtime.cloud.call import ApiError
from stepsim.runtime.dice import Dice
from stepsim.runtime.effects import Expired, Fork, NotBefore, Program, Stopped
from stepsim.runtime.execution import Execution
from stepsim.runtime.fiber import Fiber, OnDone, Ticket
from stepsim.runtime.functions import Functions
from stepsim.runtime.item_source import PerformCall
from stepsim.runtime.map_run import MapRun
from stepsim.runtime.requests import InvokeFunction
from stepsim.runtime.statistics import Statistics
from stepsim.workers.worker import InvocationResult

START_MS = 1_767_578_400_000
MOST_STEPS = 20_000

Script: TypeAlias = Mapping[str, Sequence[tuple[str, int]]]
"""What a function does at its first, second, … attempt, the last one for good: an answer, and after how many ms."""


@dataclass(frozen=True)
class Call:
    """A call that an execution made, and how it was answered; due_ms is None where it never was."""

    asked: tuple[object, ...]
    due_ms: int | None
    answer: Any


class ScriptedFunctions(Functions):
    """Functions that answer from a script or, where there is a record of earlier calls, from that."""

    def __init__(self, script: Script, record: Sequence[Call] | None) -> None:
        super().__init__((), Dice(0), Statistics())
        self.calls: list[Call] = []
        self.running = self.most_running = 0
        self._script = script
        self._record = record

    @property
    def asked(self) -> list[tuple[object, ...]]:
        """What was asked, in order, and when it was answered."""
        return [(*call.asked, call.due_ms) for call in self.calls]

    def invoke(self, ticket: Ticket, request: InvokeFunction) -> None:
        site = request.site
        asked = (site.function, site.execution, site.state, site.item, site.attempt, request.event)
        if self._record is None:
            call = self._answer(asked, request)
        else:
            call = self._record[len(self.calls)]
            assert call.asked == asked
        self.calls.append(call)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        if call.due_ms is not None:
            self.scheduler.call_at(call.due_ms, self._left)
            self.scheduler.complete_at(call.due_ms, ticket, call.answer)

    def _left(self) -> None:
        self.running -= 1

    def _answer(self, asked: tuple[object, ...], request: InvokeFunction) -> Call:
        replies = self._script[request.site.function]
        kind, duration_ms = replies[min(request.site.attempt, len(replies) - 1)]
        due_ms = None if kind == "silent" else self.scheduler.now_ms + duration_ms
        if kind == "throttled":
            return Call(asked, due_ms, ApiError("TooManyRequestsException", "Rate Exceeded.", 429))
        if kind in ("echo", "null"):
            return Call(asked, due_ms, InvocationResult(request.event if kind == "echo" else "null"))
        payload = encode({"errorMessage": "as the script says", "errorType": kind})
        return Call(asked, due_ms, InvocationResult(payload, "Unhandled"))


@dataclass
class Book:
    """What was seen of all fibers of a run."""

    breaches: list[str] = field(default_factory=list)
    aborted: int = 0
    """Programs that were in a state when somebody ended them."""

    def branches(self, effect: Fork) -> Iterator[Program | NotBefore]:
        """The branches of a fork, watched one by one and together."""
        running: set[object] = set()
        for branch in effect.branches:
            if isinstance(branch, NotBefore):
                yield branch
                continue
            watched = WatchedProgram(self, branch, running)
            if effect.max_concurrency is not None and len(running) > effect.max_concurrency:
                self.breaches.append(f"{len(running)} branches where {effect.max_concurrency} may run")
            yield watched  # type: ignore[misc]  # as much of a generator as the scheduler needs


class WatchedProgram:
    """A program that notes when it is woken although it is over."""

    def __init__(self, book: Book, program: Program, running: set[object]) -> None:
        self._book = book
        self._program = program
        self._running = running
        self._started = self._over = False
        running.add(self)

    def send(self, value: Any) -> Any:
        return self._step(lambda: self._program.send(value))

    def throw(self, error: BaseException) -> Any:
        if isinstance(error, Expired | Stopped):
            self._book.aborted += self._started
        return self._step(lambda: self._program.throw(error))

    def close(self) -> None:
        if not self._over:
            self._book.aborted += self._started
        self._leave()
        self._program.close()

    def _step(self, step: Callable[[], Any]) -> Any:
        if self._over:
            self._book.breaches.append(f"{self._program} was woken after its end")
        self._started = True
        try:
            effect = step()
        except BaseException:
            self._leave()
            raise
        if type(effect) is Fork:
            effect.branches = self._book.branches(Fork(effect.branches, effect.max_concurrency))
        return effect

    def _leave(self) -> None:
        self._over = True
        self._running.discard(self)


@dataclass
class Run:
    """A finished execution and what was seen of it."""

    execution: Execution
    account: Account
    functions: ScriptedFunctions
    book: Book
    miscounts: list[dict[str, int]]

    @property
    def history(self) -> list[dict[str, Any]]:
        """The events as the API shows them."""
        return [event.as_dict() for event in self.execution.history]

    @property
    def timeless_history(self) -> list[dict[str, Any]]:
        """The events without their timestamps."""
        return [{key: value for key, value in event.items() if key != "timestamp"} for event in self.history]

    @property
    def map_runs(self) -> list[MapRun]:
        return self.account.map_runs


def _miscounts(account: Account) -> Iterator[dict[str, int]]:
    """The counts of map runs that do not add up at this moment."""
    for run in account.map_runs:
        for table in (run.counts.items, run.counts.executions):
            ends = table.succeeded + table.failed + table.timedOut + table.aborted
            if table.pending + table.running + ends != table.total or table.running < 0:
                yield table.as_dict()


class World:
    """Runs definitions against scripts."""

    def simulate(
        self,
        definition: Any,
        value: Any,
        script: Script,
        *,
        seed: int = 0,
        stop_ms: int | None = None,
        record: Sequence[Call] | None = None,
        call: PerformCall = no_cloud,
    ) -> Run:
        """Run a definition in virtual time, and go on until nothing is left that could wake anybody.

        With `stop_ms` it is stopped so many milliseconds after its start, unless it has ended by then.
        """
        book = Book()
        account, functions = _account(script, START_MS, seed, record, call)
        spawn = account.scheduler.spawn

        def watch(program: Program, on_done: OnDone | None = None, deadline_ms: int | None = None) -> Fiber:
            watched: Any = WatchedProgram(book, program, set())
            return spawn(watched, on_done, deadline_ms)

        account.scheduler.spawn = watch  # type: ignore[method-assign]  # every fiber comes from here or from a fork
        execution = _start(account, definition, value)
        if stop_ms is not None:
            account.scheduler.call_at(START_MS + stop_ms, lambda: account.stop_execution(execution.me.arn))
        run = Run(execution, account, functions, book, [])
        for _ in range(MOST_STEPS):
            deadline_ms = account.scheduler.next_deadline()
            if deadline_ms is None:
                break
            account.scheduler.advance(deadline_ms)
            run.miscounts.extend(_miscounts(account))
        else:
            raise AssertionError(f"the run has not come to an end after {MOST_STEPS} steps")
        return run

    def drive(self, definition: Any, value: Any, script: Script, *, really: bool) -> Run:
        """Run a definition by the driver of virtual time, or by the one of the system clock."""
        account, functions = _account(script, realtime.now_ms() if really else START_MS, 0, None)
        execution = _start(account, definition, value)
        if really:
            anyio.run(realtime.drive, account, execution)
        else:
            simulation.drive(account, execution)
        return Run(execution, account, functions, Book(), [])


def _account(
    script: Script, start_ms: int, seed: int, record: Sequence[Call] | None, call: PerformCall = no_cloud
) -> tuple[Account, ScriptedFunctions]:
    functions = ScriptedFunctions(script, record)
    account = Account(
        dice=Dice(seed),
        statistics=Statistics(),
        functions=functions,
        call=call,
        models={},
        start_ms=start_ms,
    )
    return account, functions


def _start(account: Account, definition: Any, value: Any) -> Execution:
    return account.start_execution(definition, Payload(value), machine_name="machine", name="one")


@pytest.fixture(scope="session")
def world() -> World:
    return World()
