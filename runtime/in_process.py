"""`local_aws`: this process's boto3 works on an emulated account, without a server, a port or a changed client.

The account lives on a thread of its own, where its executions progress. Requests of every boto3 client of the process,
made before or inside, are handed to that thread and waited for; botocore itself serialises, validates, retries and
parses. What is asked on that thread is answered in place.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload

import anyio
import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from stepsim.runtime.cloud.call import ACCOUNT_ID, DEFAULT_REGION
from stepsim.runtime.emulator import Emulator, open_emulator
from stepsim.runtime.endpoint.own_requests import as_aws_response, http_request, in_place

if TYPE_CHECKING:
    from stepsim.runtime.endpoint.request import HttpRequest, HttpResponse

P = ParamSpec("P")
T = TypeVar("T")

_boto3: Any = boto3
"""Its stubs know each service by name; here it is any."""


class LocalAws:
    """An emulated account, from entering to leaving; see `local_aws`."""

    account_id = ACCOUNT_ID
    """The account that clients without an account of their own work in."""

    def __init__(self, region: str, options: Mapping[str, Any]) -> None:
        """`options` are further ones of `open_emulator`."""
        self.region = region
        self._options = options
        self._thread = threading.Thread(target=self._run, name="stepsim", daemon=True)
        self._opened: Future[None] = Future()
        self._ended: Future[None] = Future()
        self._waiting: set[Future[HttpResponse]] = set()
        """The answers that somebody waits for; of the loop's thread only."""
        self._loop: asyncio.AbstractEventLoop
        self._leave: asyncio.Event

    def client(self, service: str, **options: Any) -> Any:
        """A boto3 client in the account's region; `options` are boto3's own."""
        return _boto3.client(service, **{"region_name": self.region, **options})

    def resource(self, service: str, **options: Any) -> Any:
        """A boto3 resource in the account's region; `options` are boto3's own."""
        return _boto3.resource(service, **{"region_name": self.region, **options})

    def __enter__(self) -> LocalAws:
        self._thread.start()
        try:
            self._opened.result()
        except BaseException:
            self._thread.join()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._leave.set)
        self._thread.join()
        self._ended.result()

    # The account's thread

    def _run(self) -> None:
        try:
            anyio.run(self._live)
        except BaseException as error:
            (self._ended if self._opened.done() else self._opened).set_exception(error)
        else:
            self._ended.set_result(None)

    async def _live(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._leave = asyncio.Event()
        async with open_emulator(region=self.region, front=self._front, join=True, **self._options):
            self._opened.set_result(None)
            await self._leave.wait()
            for answered in list(self._waiting):
                answered.set_exception(ConnectionAbortedError("local_aws was left while the call was under way"))

    def _begin(self, emulator: Emulator, request: HttpRequest, answered: Future[HttpResponse]) -> None:
        self._waiting.add(answered)
        answered.add_done_callback(self._waiting.discard)
        try:
            emulator.answer(request, answered.set_result)
        except Exception as error:
            if not answered.done():
                answered.set_exception(error)

    # The threads of the account's user

    def _front(self, emulator: Emulator, request: AWSPreparedRequest) -> AWSResponse | None:
        if threading.current_thread() is self._thread:
            return in_place(emulator, request)
        answered: Future[HttpResponse] = Future()
        self._loop.call_soon_threadsafe(self._begin, emulator, http_request(request), answered)
        return as_aws_response(request, answered.result())


class Opening:
    """What `local_aws()` returns: a context manager, and a decorator, each time it is entered with an account anew."""

    def __init__(self, region: str, options: Mapping[str, Any]) -> None:
        self._region = region
        self._options = options
        self._open: list[LocalAws] = []

    def __enter__(self) -> LocalAws:
        account = LocalAws(self._region, self._options).__enter__()
        self._open.append(account)
        return account

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.pop().__exit__(kind, error, trace)

    def __call__(self, function: Callable[P, T]) -> Callable[P, T]:
        """The function, run in an account of its own each time; it may be a coroutine function."""
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def run_coroutine(*args: P.args, **named: P.kwargs) -> Any:
                with self:
                    return await function(*args, **named)

            return run_coroutine  # type: ignore[return-value]
        if inspect.isclass(function) or inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError("local_aws decorates functions and coroutine functions; elsewhere use `with local_aws():`")

        @functools.wraps(function)
        def run(*args: P.args, **named: P.kwargs) -> T:
            with self:
                return function(*args, **named)

        return run


@overload
def local_aws(function: Callable[P, T], /) -> Callable[P, T]: ...
@overload
def local_aws(
    *,
    region: str = ...,
    seed: int | None = ...,
    code_folders: Sequence[Path] = ...,
    processes: int = ...,
    mock_config: str | Path | None = ...,
) -> Opening: ...
def local_aws(
    function: Callable[..., Any] | None = None,
    /,
    *,
    region: str = DEFAULT_REGION,
    seed: int | None = None,
    code_folders: Sequence[Path] = (),
    processes: int = 16,
    mock_config: str | Path | None = None,
) -> Any:
    """An emulated AWS account for this process's boto3: a context manager, a decorator, the inside of a fixture.

    Every boto3 client works in it, whenever it was made, and nothing reaches AWS. Step Functions and Lambda are
    emulated, the rest is moto's. `region` is where clients work that say nothing else; `seed` makes ids repeatable.
    Functions may be created from folders below `code_folders` (``S3Bucket="hot-reload"``), and so many `processes` of
    functions run at once. `mock_config` is a file of mocks: executions started on ``<stateMachineArn>#<TestCase>`` use
    them, and wrong ones raise MockConfigError. Inside moto's own `mock_aws` it joins what that holds. Entering it twice
    at once raises RuntimeError.

        with local_aws() as aws:
            aws.client("stepfunctions").create_state_machine(...)

        @local_aws
        def test_orders() -> None: ...
    """
    opening = Opening(
        region,
        {
            "seed": seed,
            "code_folders": code_folders,
            "processes": processes,
            "mock_config": None if mock_config is None else Path(mock_config),
        },
    )
    return opening if function is None else opening(function)
