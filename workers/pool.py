"""The process pool: real Python handlers in processes of their own, warm between invocations, on the system clock.

As Lambda does it: an environment belongs to one function and works on one invocation at a time; its module's state
lives on; an overdue or crashed one is killed and replaced when it is next needed. How many run at once, a `Room` says,
and at most `max_environments` exist; what comes beyond waits in line, and the environment idle longest makes room.
"""

from __future__ import annotations

import itertools
import json
import math
import sys
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import TracebackType

import anyio

from stepsim.workers.capture import Report, lambda_log
from stepsim.workers.deadlines import Deadlines
from stepsim.workers.frames import (
    FALL_THROUGH,
    Answer,
    ApiReply,
    ApiRequest,
    FromEnvironment,
    HttpReply,
    HttpRequest,
    Invoke,
    Ready,
    Result,
    encode_frame,
)
from stepsim.workers.function_code import FunctionCode, locate_handler, packaged_handler
from stepsim.workers.lambda_errors import crashed, timed_out
from stepsim.workers.process import (
    DEFAULT_START_METHOD,
    EnvironmentProcess,
    LauncherProcess,
    StartMethod,
    open_environment,
)
from stepsim.workers.process_streams import serve, until_gone
from stepsim.workers.process_worker import ProcessWorker
from stepsim.workers.room import Room
from stepsim.workers.worker import Done, Invocation, InvocationResult

ApiHandler = Callable[[ApiRequest, Invocation, Callable[[ApiReply], None]], None]
"""Answers a boto3 call by calling back once, before it returns or later."""

HttpHandler = Callable[[HttpRequest, Invocation, Callable[[HttpReply], None]], None]
"""Answers a botocore HTTP request by calling back once, before it returns or later."""

INIT_MS_MAX = 10_000
"""Lambda gives an environment 10 s to start and then, in the invocation, the function's timeout once more."""

SPARE_ENVIRONMENTS = 8
"""How many idle environments are kept, by default, beyond those that may run at once."""

_SIGKILL_STATUS = -9


def no_api(_request: ApiRequest, _invocation: Invocation, reply: Callable[[ApiReply], None]) -> None:
    """Answers no boto3 call: each becomes an HTTP request."""
    reply(FALL_THROUGH)


def no_account(_request: HttpRequest, _invocation: Invocation, reply: Callable[[HttpReply], None]) -> None:
    """Answers every HTTP request with 501: the pool has no account."""
    reply(HttpReply(501, {}, b""))


@dataclass(frozen=True, slots=True)
class Job:
    """An invocation that waits for an environment."""

    worker: ProcessWorker
    invocation: Invocation
    done: Done


class ProcessPool:
    """Use as ``async with ProcessPool(...) as pool``; leaving it kills every process, and nothing is done after.

    A handler that waits for an AWS call that is answered later (it invokes another function, say) does not count as
    running meanwhile, so that it cannot block what it waits for.
    """

    def __init__(
        self,
        max_processes: int | None = None,
        *,
        max_environments: int | None = None,
        api: ApiHandler = no_api,
        http: HttpHandler = no_account,
        fast_operations: Iterable[str] = (),
        start_method: StartMethod = DEFAULT_START_METHOD,
        lazy: bool = False,
    ) -> None:
        """At most `max_processes` run at once; where it is None, as many as a `Room` has for them.

        `api` answers the `fast_operations` (``s3.GetObject``, …), `http` all other AWS calls of the handlers.

        A `lazy` pool starts no process before its first invocation.
        Raises NotImplementedError on Windows, whose sockets cannot carry file descriptors.
        """
        if sys.platform == "win32":
            raise NotImplementedError("the process pool needs Unix sockets: use WSL, or simulate")
        self._room = Room(max_processes)
        self._max_environments = max_environments or self._room.limit + SPARE_ENVIRONMENTS
        self._api = api
        self._http = http
        self._fast_operations = fast_operations
        """Gone through anew for each environment: operations may be added while the pool is open."""
        self._start_method: StartMethod = start_method
        self._lazy = lazy
        self._launcher: LauncherProcess | None = None
        self._numbers = itertools.count(1)
        self._queue: deque[Job] = deque()
        self._environments: dict[int, EnvironmentProcess] = {}
        self._running: set[EnvironmentProcess] = set()
        self._idle: OrderedDict[EnvironmentProcess, None] = OrderedDict()
        """Least recently used first."""
        self._open = False

    async def __aenter__(self) -> ProcessPool:
        self._deadlines = Deadlines(self._environments, self._overdue)
        self._tasks = await anyio.create_task_group().__aenter__()
        self._open = True
        self._tasks.start_soon(self._deadlines.watch)
        if not self._lazy:
            self._the_launcher()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        self._open = False
        self._queue.clear()
        launcher, self._launcher = self._launcher, None
        if launcher is not None:
            launcher.dismiss()
        self._tasks.cancel_scope.cancel()
        try:
            if isinstance(error, Exception):
                # The caller's own exception goes on as it is, not in a group.
                await self._tasks.__aexit__(None, None, None)
                return None
            return await self._tasks.__aexit__(kind, error, trace)
        finally:
            if launcher is not None:
                with anyio.move_on_after(5, shield=True):
                    await until_gone(launcher)
                launcher.reap()

    def worker(self, code: FunctionCode) -> ProcessWorker:
        """The worker of a function. Raises HandlerError where its handler reference names no file or module."""
        return ProcessWorker(self, code, locate_handler(code))

    def packaged_worker(self, code: FunctionCode) -> ProcessWorker:
        """The worker of a function whose code is an unpacked deployment package; a wrong handler fails when invoked."""
        return ProcessWorker(self, code, packaged_handler(code))

    def retire(self, worker: ProcessWorker) -> None:
        """Keep none of a worker's environments: idle ones end now, the others when their invocation has ended."""
        for environment in list(self._environments.values()):
            if environment.key[0] is worker and not environment.retired:
                if environment.done is None:
                    self._retire(environment)
                else:
                    environment.last = True

    def submit(self, worker: ProcessWorker, invocation: Invocation, done: Done) -> None:
        """Put an invocation in line. Raises RuntimeError outside ``async with``."""
        if not self._open:
            raise RuntimeError("the process pool is not open")
        self._queue.append(Job(worker, invocation, done))
        self._dispatch()

    # Giving out work

    def _dispatch(self) -> None:
        """Give waiting invocations to environments, first come first served, while there is room."""
        while self._open and self._queue and len(self._running) < self._room.most:
            job = self._queue.popleft()
            environment = self._warm(job) or self._cold(job)
            if environment is None:
                self._queue.appendleft(job)
                return
            environment.invocation = job.invocation
            environment.done = job.done
            self._running.add(environment)
            if environment.ready:
                self._begin(environment)
            else:
                self._deadlines.set(environment, INIT_MS_MAX + job.invocation.timeout_ms)

    def _warm(self, job: Job) -> EnvironmentProcess | None:
        """The idle environment of the job's function that was used last."""
        key = (job.worker, job.invocation.memory_mb)
        for environment in reversed(self._idle):
            if environment.key == key:
                del self._idle[environment]
                return environment
        return None

    def _cold(self, job: Job) -> EnvironmentProcess | None:
        """A new environment, in the place of the one idle longest where there are too many; None where none is."""
        if sum(not environment.retired for environment in self._environments.values()) >= self._max_environments:
            if not self._idle:
                return None
            # What runs beyond the processes' number takes no other function's environment, unless it has none.
            if len(self._running) >= self._room.processes and self._has_environments(job.worker):
                return None
            self._retire(next(iter(self._idle)))
        key = (job.worker, job.invocation.memory_mb)
        new_log_stream = job.worker.code.new_log_stream
        log_stream = "" if new_log_stream is None else new_log_stream()
        setup = job.worker.setup(job.invocation, log_stream, self._fast_operations)
        launcher = self._the_launcher()
        try:
            environment = open_environment(launcher, next(self._numbers), key, job.invocation, setup)
        except OSError:
            self._lose(launcher)
            environment = open_environment(self._the_launcher(), next(self._numbers), key, job.invocation, setup)
        environment.log_stream = log_stream
        self._environments[environment.number] = environment
        # Whatever still lives without its socket is of no use; how it ended comes from the launcher.
        self._tasks.start_soon(serve, environment, self._handle, self._retire)
        return environment

    def _has_environments(self, worker: ProcessWorker) -> bool:
        return any(one.key[0] is worker and not one.retired for one in self._environments.values())

    def _begin(self, environment: EnvironmentProcess) -> None:
        """Hand an environment its invocation."""
        invocation = environment.invocation
        self._deadlines.set(environment, invocation.timeout_ms)
        message = Invoke(
            invocation.request_id,
            invocation.function_arn,
            invocation.event,
            invocation.timeout_ms,
            dict(invocation.variables),
            invocation.client_context,
        )
        environment.send(encode_frame(message))

    # What comes back

    def _handle(self, environment: EnvironmentProcess, message: FromEnvironment) -> None:
        match message:
            case Result(payload, failed, max_memory_mb):
                environment.max_memory_mb = max_memory_mb
                self._finish(environment, payload, "Unhandled" if failed else None)
            case Ready(init_ms, error):
                environment.ready = True
                environment.init_ms = init_ms
                if error is None:
                    self._begin(environment)
                else:
                    environment.started = time.monotonic()
                    self._retire(environment)
                    self._finish(environment, error, "Unhandled", _error_status(json.loads(error)["errorType"]))
            case ApiRequest() | HttpRequest():
                # What an overdue handler asks for before the signal reaches it is too late.
                if environment.done is not None or not environment.retired:
                    self._answer(environment, message)

    def _answer(self, environment: EnvironmentProcess, request: ApiRequest | HttpRequest) -> None:
        """Have an AWS call answered; the environment makes room for others where that takes longer."""
        calls = environment.calls
        calls.add(request.call)

        def reply(answer: ApiReply | HttpReply) -> None:
            if request.call not in calls:
                return
            calls.remove(request.call)
            environment.send(encode_frame(Answer(request.call, answer)))
            if not calls and environment.done is not None:
                self._running.add(environment)

        if isinstance(request, ApiRequest):
            self._api(request, environment.invocation, reply)
        else:
            self._http(request, environment.invocation, reply)
        if request.call in calls:
            self._running.discard(environment)
            self._dispatch()

    def _finish(
        self, environment: EnvironmentProcess, payload: str, function_error: str | None, status: str = ""
    ) -> None:
        """Report the end of an environment's invocation, and give it the next."""
        done = environment.done
        if done is None:
            return
        invocation = environment.invocation
        version = environment.key[0].code.version
        environment.done = None
        environment.deadline = math.inf
        duration_ms = (time.monotonic() - environment.started) * 1000
        if not environment.ready:
            environment.init_ms, duration_ms = duration_ms, 0.0
        self._room.took(duration_ms)
        environment.drain_log()
        report = Report(
            invocation.request_id,
            duration_ms,
            invocation.memory_mb,
            environment.max_memory_mb,
            environment.init_ms,
            status,
            version,
        )
        environment.init_ms = None
        log = lambda_log(environment.tail.take(), report)
        self._running.discard(environment)
        if environment.last and not environment.retired:
            self._retire(environment)
        elif not environment.retired:
            self._idle[environment] = None
        done(InvocationResult(payload, function_error, int(duration_ms), log, version, environment.log_stream))
        self._dispatch()

    # The end of an environment

    def _retire(self, environment: EnvironmentProcess) -> None:
        """Have an environment killed; it is given nothing more."""
        environment.retired = True
        environment.calls.clear()
        self._idle.pop(environment, None)
        if self._launcher is not None:
            self._launcher.kill(environment.number)

    def _gone(self, environment: EnvironmentProcess, status: int) -> None:
        """An environment's process has ended: what it said last still counts, then its invocation has crashed."""
        environment.read_rest()
        while (message := environment.next_message()) is not None:
            self._handle(environment, message)
        environment.retired = True
        environment.calls.clear()
        self._idle.pop(environment, None)
        self._environments.pop(environment.number, None)
        payload = crashed(environment.invocation.request_id, status)
        self._finish(environment, payload, "Unhandled", _error_status("Runtime.ExitError"))
        environment.scope.cancel()

    def _overdue(self, environment: EnvironmentProcess) -> None:
        invocation = environment.invocation
        self._retire(environment)
        payload = timed_out(invocation.request_id, invocation.timeout_ms)
        self._finish(environment, payload, "Unhandled", "timeout")

    # The launcher

    async def _read_launcher(self, launcher: LauncherProcess) -> None:
        while True:
            await anyio.wait_readable(launcher.socket)
            exits = launcher.read()
            if exits is None:
                break
            for message in exits:
                environment = self._environments.get(message.environment)
                if environment is not None:
                    self._gone(environment, message.status)
        self._lose(launcher)

    def _lose(self, launcher: LauncherProcess) -> None:
        """The launcher has died, and its environments with it; the next one needed starts another."""
        if launcher is self._launcher:
            self._launcher = None
            launcher.reap()
            for environment in list(self._environments.values()):
                self._gone(environment, _SIGKILL_STATUS)

    def _the_launcher(self) -> LauncherProcess:
        if self._launcher is None:
            self._launcher = LauncherProcess(self._start_method)
            self._tasks.start_soon(self._read_launcher, self._launcher)
        return self._launcher


def _error_status(error_type: str) -> str:
    """What the REPORT line says of an environment that was lost."""
    return f"error\tError Type: {error_type}"
