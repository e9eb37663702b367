"""When a pool's invocations are overdue, on the system's monotonic clock."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import NoReturn

import anyio

from stepsim.workers.process import EnvironmentProcess

Overdue = Callable[[EnvironmentProcess], None]


class Deadlines:
    """Looks after the environments that a pool has. To be made on the event loop."""

    def __init__(self, environments: Mapping[int, EnvironmentProcess], overdue: Overdue) -> None:
        """`overdue` is called once for each deadline that passes."""
        self._environments = environments
        self._overdue = overdue
        self._next = math.inf
        """When the deadlines are looked at next."""
        self._sooner = anyio.Event()

    def set(self, environment: EnvironmentProcess, timeout_ms: int) -> None:
        """An environment begins something now that may take so long."""
        environment.started = time.monotonic()
        environment.deadline = environment.started + timeout_ms / 1000
        if environment.deadline < self._next:
            self._sooner.set()

    async def watch(self) -> NoReturn:
        """Tell of what is overdue, until cancelled."""
        while True:
            now = time.monotonic()
            for environment in list(self._environments.values()):
                if environment.deadline <= now:
                    self._overdue(environment)
            self._sooner = anyio.Event()
            self._next = min((one.deadline for one in self._environments.values()), default=math.inf)
            with anyio.move_on_after(self._next - time.monotonic()):
                await self._sooner.wait()
