"""What the scheduler keeps of programs under way: fibers, the forks they wait for, and when they must have ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from stepsim.asl.errors import StatesError
from stepsim.runtime.effects import Expired, Fork, Program

if TYPE_CHECKING:
    from stepsim.runtime.scheduler import Scheduler

Ticket: TypeAlias = "tuple[Fiber, int]"
"""One wait of one fiber."""

OnDone: TypeAlias = Callable[[Any, StatesError | None], None]
"""Told the result of a program, or the error that ended it."""

VOID = -1
"""The wait of a fiber that has ended: no ticket is for it."""


class Fiber:
    """A program under way. `wait` numbers its waits; it is void once the fiber has ended."""

    __slots__ = (
        "armed",
        "deadline",
        "fork",
        "heartbeat",
        "index",
        "on_done",
        "parent",
        "program",
        "started_ms",
        "wait",
    )

    def __init__(self, program: Program, started_ms: int, parent: ForkRun | None = None, index: int = 0) -> None:
        self.program = program
        self.started_ms = started_ms
        self.wait = 0
        self.armed = False
        """True while a deadline of the current wait lies in the heap."""
        self.heartbeat: tuple[int, int] | None = None
        """The longest silence allowed, and the moment it ends."""
        self.fork: ForkRun | None = None
        """The fork this fiber waits for."""
        self.parent = parent
        self.index = index
        self.on_done: OnDone | None = None
        self.deadline: Deadline | None = None
        """When it must have ended."""

    @property
    def ended(self) -> bool:
        """True once the program has returned, failed or been cancelled."""
        return self.wait == VOID


class Deadline:
    """What lies in the heap until a fiber's time is over, perhaps a year; it lets go of one that has ended."""

    __slots__ = ("fiber", "scheduler")

    def __init__(self, scheduler: Scheduler, fiber: Fiber) -> None:
        self.scheduler = scheduler
        self.fiber: Fiber | None = fiber

    def __call__(self) -> None:
        if self.fiber is not None:
            self.scheduler.interrupt(self.fiber, Expired())


class ForkRun:
    """A fork under way: its running fibers in the order they were started, and what has come back so far."""

    __slots__ = (
        "effect",
        "exhausted",
        "failing",
        "orphaned",
        "owner",
        "paused",
        "results",
        "resume",
        "running",
        "started",
        "watching",
    )

    def __init__(self, owner: Fiber, effect: Fork) -> None:
        self.owner = owner
        self.effect = effect
        self.running: dict[Fiber, None] = {}
        self.results: list[Any] = []
        self.started = 0
        self.exhausted = False
        self.paused = False
        self.resume: Callable[[], None] | None = None
        """Called back when the pause is over; made with the first."""
        self.watching = False
        self.failing = False
        self.orphaned = False
        """True once the owner has gone, and its branches run on."""
