"""The emulator: one account on one thread and one event loop, for ever on the system clock.

Here the parts are tied: the cloud that moto holds, the executions on their scheduler, the Step Functions API on these,
and the endpoint that answers for all of it. `stepsim serve` and `local_aws` are two ways in.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import anyio
from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from stepsim.runtime.account import Account
from stepsim.runtime.api import cloudformation
from stepsim.runtime.api.logging_configuration import log_group_in_moto
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
from stepsim.runtime.persistence.archive import ArchiveError
from stepsim.runtime.persistence.archivist import Archivist
from stepsim.runtime.realtime import Driver, fresh_seed, now_ms
from stepsim.runtime.statistics import Statistics


class Emulator:
    """An account at work; made by `open_emulator`."""

    def __init__(self, cloud: Cloud, dice: Dice, names: Sequence[str], persist: Path | None = None) -> None:
        """Raises ArchiveError where the directory to persist in cannot be used."""
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
        self.step_functions = StepFunctions(self.account, cloud.gate)
        self.step_functions.registries.log_group_exists = log_group_in_moto
        self.archivist = Archivist(self.step_functions.registries, persist)
        self.archive_failure: ArchiveError | None = None
        """Why nothing can be kept any more."""
        self.when_archive_fails: Callable[[], None] = _nothing
        """Called then: whoever serves should stop."""
        cloud.fast_paths["stepfunctions"] = self.step_functions.gate_operations()
        cloud.fast_paths["events"] = event_operations(self.step_functions.registries)
        self.driver = Driver(self.account.scheduler, self._report)
        self.endpoint = Endpoint(cloud, self.step_functions, self.account, Router(tuple(names)))

    def answer(self, request: HttpRequest, reply: Reply) -> Cancel:
        """Answer an HTTP request, on the loop's own thread; `reply` is called once, at once or later."""
        # What is asked now sees what has happened by now.
        self.driver.advance()
        self.driver.wake()
        cancel = self.endpoint.answer(request, reply)
        try:
            # What is answered is kept: the answer leaves after this.
            self.archivist.commit()
        except ArchiveError as error:
            self._report(error)
            raise
        return cancel

    def _report(self, error: Exception) -> None:
        if isinstance(error, ArchiveError):
            self.archive_failure = error
            self.when_archive_fails()
        else:
            _report_failure(error)

    def read_object(self, bucket: str, key: str, version: str | None) -> bytes:
        """The body of an S3 object of the account."""
        params = {"Bucket": bucket, "Key": key, **({"VersionId": version} if version else {})}
        body: bytes = self.cloud.client("s3").get_object(**params)["Body"].read()
        return body

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
    persist: Path | None = None,
) -> AsyncIterator[Emulator]:
    """An account at work, until this is left: an empty one, or with `persist` what that directory holds.

    `names` are further host names that its endpoint goes by. `front` answers the AWS requests of this very process
    instead of moto, or returns None; by default, those of the loop's own thread only. `join` adds to what moto's own
    `mock_aws` holds. Raises RuntimeError where an account is open already in this process, ArchiveError where the
    directory cannot be used.
    """
    chosen = fresh_seed() if seed is None else seed
    dice = Dice(chosen)
    emulators: list[Emulator] = []

    def answer_own(request: AWSPreparedRequest) -> AWSResponse | None:
        if not emulators:
            return None
        return in_place(emulators[0], request) if front is None else front(emulators[0], request)

    with Cloud(seed=chosen, latency=Latency(dice, off=True), region=region, front=answer_own, join=join) as cloud:
        emulator = Emulator(cloud, dice, names, persist)
        emulators.append(emulator)
        with ExitStack() as parts:
            parts.callback(emulator.archivist.close)
            parts.enter_context(cloudformation.installed(emulator.step_functions.registries, emulator.read_object))
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


def _nothing() -> None:
    pass
