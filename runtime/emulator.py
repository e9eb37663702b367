"""The emulator: one account on one thread and one event loop, for ever on the system clock.

Here the parts are tied: the cloud that moto holds, the executions on their scheduler, the Step Functions API on these,
and the endpoint that answers for all of it. `stepsim serve` and `local_aws` are two ways in.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import anyio
from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from stepsim.runtime.account import Account
from stepsim.runtime.api import cloudformation
from stepsim.runtime.api.logging_configuration import log_group_in_moto
from stepsim.runtime.api.mocked_starts import MockedStarts
from stepsim.runtime.api.put_events import event_operations
from stepsim.runtime.api.step_functions import WAITING, StepFunctions
from stepsim.runtime.cloud.call import DEFAULT_REGION
from stepsim.runtime.cloud.cloud import Cloud
from stepsim.runtime.cloud.latency import Latency
from stepsim.runtime.dice import Dice
from stepsim.runtime.endpoint.endpoint import Cancel, Endpoint, Reply
from stepsim.runtime.endpoint.own_requests import in_place
from stepsim.runtime.endpoint.request import HttpRequest, HttpResponse
from stepsim.runtime.endpoint.routing import Router
from stepsim.runtime.functions import Functions
from stepsim.runtime.lambdas.lambdas import Lambdas
from stepsim.runtime.mocks.reading import load_mocks
from stepsim.runtime.persistence.archive import ArchiveError
from stepsim.runtime.persistence.archivist import Archivist
from stepsim.runtime.process_functions import open_process_pool
from stepsim.runtime.realtime import Driver, fresh_seed, now_ms
from stepsim.runtime.statistics import Statistics
from stepsim.workers.pool import ProcessPool


class Emulator:
    """An account at work; made by `open_emulator`."""

    def __init__(
        self,
        cloud: Cloud,
        dice: Dice,
        names: Sequence[str],
        persist: Path | None = None,
        code_folders: Sequence[Path] = (),
        mock_config: Path | None = None,
    ) -> None:
        """Raises ArchiveError where the directory to persist in cannot be used, MockConfigError for wrong mocks."""
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
        if mock_config is not None:
            self.step_functions.registries.mocked = MockedStarts(load_mocks(mock_config), _warn)
        self.archivist = Archivist(self.step_functions.registries, persist)
        self.archive_failure: ArchiveError | None = None
        """Why nothing can be kept any more."""
        self.when_archive_fails: Callable[[], None] = _nothing
        """Called then: whoever serves should stop."""
        at_once = self.step_functions.gate_operations().items()
        # A function's call that waits comes to the endpoint, which can answer later.
        cloud.fast_paths["stepfunctions"] = {name: operation for name, operation in at_once if name not in WAITING}
        cloud.fast_paths["events"] = event_operations(self.step_functions.registries)
        self.driver = Driver(self.account.scheduler, self._report)
        self.pool: ProcessPool
        """What runs the code of functions; set by `open_emulator`."""
        self.lambdas = Lambdas(
            cloud, self.functions, self.account.scheduler, dice, lambda: self.pool, code_folders=code_folders
        )
        router = Router(tuple(names))
        self.endpoint = Endpoint(cloud, self.step_functions, self.lambdas, self.account, router)

    def answer(self, request: HttpRequest, reply: Reply) -> Cancel:
        """Answer an HTTP request, on the loop's own thread; `reply` is called once, at once or later."""
        # What is asked now sees what has happened by now.
        self.driver.advance()
        self.driver.wake()
        early: list[HttpResponse] = []
        send = early.append
        cancel = self.endpoint.answer(request, lambda response: send(response))
        # What was started has begun when the answer leaves.
        self.driver.advance()
        send = reply
        try:
            # What is answered is kept: the answer leaves after this.
            self.archivist.commit()
        except ArchiveError as error:
            self._report(error)
            early = [_NOT_KEPT]
        for response in early:
            reply(response)
        return cancel

    def _report(self, error: Exception) -> None:
        if isinstance(error, ArchiveError):
            self.archive_failure = error
            self.when_archive_fails()
        else:
            _report_failure(error)
            self.account.give_up("stepsim.InternalFailure", f"{type(error).__name__}: {error}")

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
    code_folders: Sequence[Path] = (),
    processes: int | None = None,
    mock_config: Path | None = None,
) -> AsyncIterator[Emulator]:
    """An account at work, until this is left: an empty one, or with `persist` what that directory holds.

    `names` are further host names that its endpoint goes by. `front` answers the AWS requests of this very process
    instead of moto, or returns None; by default, those of the loop's own thread only. `join` adds to what moto's own
    `mock_aws` holds. `code_folders` are those below which a function's code may lie; at most so many `processes` run
    functions at once, by default as many as there are processors. With `mock_config`, the name of a file, executions
    can be started with its test cases.

    Raises RuntimeError where an account is open already in this process, ArchiveError where the directory cannot be
    used, MockConfigError where the mocks cannot.
    """
    chosen = fresh_seed() if seed is None else seed
    dice = Dice(chosen)
    emulators: list[Emulator] = []

    def answer_own(request: AWSPreparedRequest) -> AWSResponse | None:
        if not emulators:
            return None
        return in_place(emulators[0], request) if front is None else front(emulators[0], request)

    with Cloud(seed=chosen, latency=Latency(dice, off=True), region=region, front=answer_own, join=join) as cloud:
        emulator = Emulator(cloud, dice, names, persist, code_folders, mock_config)
        emulators.append(emulator)
        async with AsyncExitStack() as parts:
            parts.callback(emulator.archivist.close)
            parts.enter_context(cloudformation.installed(emulator.step_functions.registries, emulator.read_object))
            parts.enter_context(emulator.lambdas.installed())
            pool = open_process_pool(cloud, processes, answer_http=emulator.answer, lazy=True)
            emulator.pool = await parts.enter_async_context(pool)
            tasks = await parts.enter_async_context(anyio.create_task_group())
            tasks.start_soon(emulator.driver.run)
            parts.callback(tasks.cancel_scope.cancel)
            yield emulator


def _report_failure(error: Exception) -> None:
    """A mistake of ours ends one execution's progress, not everybody's."""
    sys.stderr.write("An execution cannot go on, which is stepsim's mistake:\n")
    traceback.print_exception(error)


def _warn(text: str) -> None:
    sys.stderr.write(f"Warning: {text}\n")


def _nothing() -> None:
    pass


_NOT_KEPT = HttpResponse(500, {"content-type": "text/plain"}, b"stepsim cannot write what it is to keep, and stops")
