"""The only things an execution can ask of the world. Generators yield them; the scheduler answers.

Sleep   wait until a moment                                                        -> None
Invoke  a call that somebody else answers (a function, an AWS call, a task token)  -> its answer, or StatesError thrown
Fork    programs that run beside each other (Parallel, Map, a map run)             -> a list of their results
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

Program: TypeAlias = Generator[Any, Any, Any]
"""A generator that yields effects and returns its result; it fails by raising StatesError."""


@dataclass(frozen=True, slots=True)
class Sleep:
    """Wait until the clock shows until_ms (milliseconds since 1970-01-01T00:00Z)."""

    until_ms: int


class Invoke:
    """Ask the driver to perform a request and wait for the answer.

    Where deadline_ms passes first, States.Timeout is thrown in and a later answer is dropped. heartbeat_ms is the
    longest silence allowed; each heartbeat starts it again.
    """

    __slots__ = ("deadline_ms", "heartbeat_ms", "request")

    def __init__(self, request: object, deadline_ms: int | None = None, heartbeat_ms: int | None = None) -> None:
        self.request = request
        self.deadline_ms = deadline_ms
        self.heartbeat_ms = heartbeat_ms


@dataclass(slots=True)
class NotBefore:
    """In a Fork's branches: nothing more starts until this moment (a page is still being read, a start rate).

    Not frozen: one is made for each paced child, and a frozen one takes three times as long to make.
    """

    until_ms: int


class Fork:
    """Run the branches, at most max_concurrency at once (None: all), pulled one by one as room comes.

    Without `collect` the answer is the list of results in order, and the first failure cancels the rest and is thrown
    in. With it, `collect(index, result)` gets each result as it comes, nothing is kept, and its returning True cancels
    what still runs; branches of such a fork must not fail. Into a branch that lives longer than limit_ms, Expired is
    thrown. Branches that have `outlived` are not cancelled with the fiber that forked them: they run to their end, and
    then it is called. The scheduler's `resize` changes max_concurrency while the fork runs; `run` is its own.
    """

    __slots__ = ("branches", "collect", "limit_ms", "max_concurrency", "outlived", "run")

    def __init__(
        self,
        branches: Iterator[Program | NotBefore],
        max_concurrency: int | None = None,
        collect: Callable[[int, Any], bool] | None = None,
        limit_ms: int | None = None,
        outlived: Callable[[], None] | None = None,
    ) -> None:
        self.branches = branches
        self.max_concurrency = max_concurrency
        self.collect = collect
        self.limit_ms = limit_ms
        self.outlived = outlived
        self.run: Any = None


class Expired(Exception):
    """Thrown into a program whose time is over (a machine's TimeoutSeconds, an Express child's five minutes)."""


class Stopped(Exception):
    """Thrown into a program that somebody stopped (StopExecution, Ctrl-C), perhaps with an error and a cause."""

    def __init__(self, error: str | None = None, cause: str | None = None) -> None:
        super().__init__(error, cause)
        self.error = error
        self.cause = cause
