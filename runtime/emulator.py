"""The emulator: one account on one thread and one event loop, for ever on the system clock.

Here the parts are tied: the cloud that moto holds, the executions on their scheduler, the Step Functions API on these,
and the endpoint that answers for all of it. `stepsim serve` and `local_aws` are two ways in.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import anyio
from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from stepsim.runtime.account import Account
from stepsim.runtime.api.put_events import event_operations
from stepsim.runtime.api.step_functions import StepFunctions
from stepsim.runtime.cloud.call import DEFAULT_REGION
from stepsim.runtime.cloud.cloud import Cloud
from stepsim.runtime.cloud.latency import Latency
from stepsim.runtime.dice import Dice
from stepsim.runtime.endpoint.endpoint import Cancel, Endpoint, Reply
from stepsim.runtime.endpoint.own_requests import in_place
from stepsim.runtime.endpoint.request import HttpRequest
from stepsim.runtime.endpoint.routing import Router
from stepsim.runtime.functions import Functions
from stepsim.runtime.realtime import Driver, fresh_seed, now_ms
from stepsim.runtime.statistics import Statistics


class Emulator:
    """An account at work; made by `open_emulator`."""

    def __init__(self, cloud: Cloud, dice: Dice, names: Sequence[str]) -> None:
        self.cloud = cloud
        statistics = Statistics()
        self.functions = Functions([], dice, statistics)
        self.account = Account(
            dice=dice,
            statistics=statistics,
            functions=self.functions,
            call=cloud.perform,
            models={},
            start_ms=now_ms(),
        )
        self.step_functions = StepFunctions(self.account)
        cloud.fast_paths["stepfunctions"] = self.step_functions.gate_operations()
        cloud.fast_paths["events"] = event_operations(self.step_functions.registries)
        self.driver = Driver(self.account.scheduler, _report_failure)
        self.endpoint = Endpoint(cloud, self.step_functions, self.account, Router(tuple(names)))

    def answer(self, request: HttpRequest, reply: Reply) -> Cancel:
        """Answer an HTTP request, on the loop's own thread; `reply` is called once, at once or later."""
        # What is asked now sees what has happened by now.
        self.driver.advance()
        self.driver.wake()
        return self.endpoint.answer(request, reply)

    @property
    def running(self) -> int:
        """How many executions run."""
        return self.account.running


@asynccontextmanager
async def open_emulator(
    *,
    names: Sequence[str] = (),
    seed: int | None = None,
    region: str = DEFAULT_REGION,
    front: Callable[[Emulator, AWSPreparedRequest], AWSResponse | None] | None = None,
    join: bool = False,
) -> AsyncIterator[Emulator]:
    """An empty account at work, until this is left.

    `names` are further host names that its endpoint goes by. `front` answers the AWS requests of this very process
    instead of moto, or returns None; by default, those of the loop's own thread only. `join` adds to what moto's own
    `mock_aws` holds. Raises RuntimeError where an account is open already in this process.
    """
    chosen = fresh_seed() if seed is None else seed
    dice = Dice(chosen)
    emulators: list[Emulator] = []

    def answer_own(request: AWSPreparedRequest) -> AWSResponse | None:
        if not emulators:
            return None
        return in_place(emulators[0], request) if front is None else front(emulators[0], request)

    with Cloud(seed=chosen, latency=Latency(dice, off=True), region=region, front=answer_own, join=join) as cloud:
        emulator = Emulator(cloud, dice, names)
        emulators.append(emulator)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(emulator.driver.run)
            try:
                yield emulator
            finally:
                tasks.cancel_scope.cancel()


def _report_failure(error: Exception) -> None:
    """A mistake of ours ends one execution's progress, not everybody's."""
    sys.stderr.write("An execution cannot go on, which is stepsim's mistake:\n")
    traceback.print_exception(error)
