"""What a driver drives and a report describes: an execution, or all those of a run that are started from outside."""

from __future__ import annotations

from collections.abc import Sized
from typing import Any, Protocol

from stepsim.runtime.engine import Engine


class SubjectIdentity(Protocol):
    """Who it is."""

    @property
    def arn(self) -> str:
        """Of the execution; empty where there is none of its own."""
        ...

    @property
    def start_ms(self) -> int:
        """When it was started."""
        ...

    @property
    def express(self) -> bool:
        """Whether it is billed as one Express execution."""
        ...


class RunSubject(Protocol):
    """As far as an `Execution` and a `TriggeredRun` have it in common."""

    @property
    def engine(self) -> Engine:
        """What it runs on."""
        ...

    @property
    def me(self) -> SubjectIdentity:
        """Who it is."""
        ...

    @property
    def status(self) -> str:
        """RUNNING, until it has ended."""
        ...

    @property
    def stop_ms(self) -> int | None:
        """When it has ended."""
        ...

    @property
    def history(self) -> Sized:
        """Its events."""
        ...

    def describe(self) -> dict[str, Any]:
        """The report's ``execution``."""
        ...
