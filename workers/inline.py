"""Real Python handlers in this process, in virtual time: each invocation runs in a greenlet and waits on the timeline.

The handler gets its own copy of the event, as JSON gives it, and what it returns goes out as JSON, by the rules of
Lambda's runtime. CPU work takes no virtual time; what AWS calls and sleeps take, and what the model adds, does.
"""

from __future__ import annotations

import json
import re
import sysconfig
from collections.abc import Callable, Mapping
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import Literal, TypeVar, cast

from greenlet import GreenletExit, getcurrent

from stepsim.workers import lambda_errors
from stepsim.workers.capture import Report, lambda_log
from stepsim.workers.greenlets import Activity, HandlerGreenlet
from stepsim.workers.handler import Handler
from stepsim.workers.lambda_context import LambdaContext
from stepsim.workers.lambda_errors import Fault
from stepsim.workers.lambda_json import marshal, unmarshal
from stepsim.workers.variables import NONE
from stepsim.workers.virtual_time import VirtualTime, adopt
from stepsim.workers.watchdog import HandlerStuck
from stepsim.workers.worker import Done, Invocation, InvocationResult

T = TypeVar("T")

LOG_CHARS_MAX = 256 * 1024
"""How much of what an invocation wrote is kept: the end of it."""

TASK_ROOT = "/var/task"
"""Where Lambda keeps a function's code and its packages: what stack traces name, so that they are the same anywhere."""

_OURS = str(Path(__file__).resolve().parent.parent)
_PACKAGES = sysconfig.get_path("purelib")
_STANDARD_LIBRARY = sysconfig.get_path("stdlib")
_LAMBDA_LIBRARY = "/var/lang/lib/python" + sysconfig.get_python_version()


def current_invocation() -> Invocation | None:
    """The invocation whose code is running; None on the hub, in another thread and outside any run.

    Raises GreenletExit inside a handler that was ended: what its `finally` blocks call reaches nobody.
    """
    current = getcurrent()
    if type(current) is not HandlerGreenlet:
        return None
    activity = current.activity
    assert activity is not None
    if activity.over:
        current.leave(activity)
    running = activity.root
    assert isinstance(running, _Running)
    return running.invocation


def pause(wait_ms: int) -> None:
    """Let wait_ms of virtual time pass for the handler that is running; others run meanwhile.

    0 is nothing at all. Raises GreenletExit inside a handler that was ended, RuntimeError where no handler runs.
    """
    current = getcurrent()
    if type(current) is not HandlerGreenlet:
        raise RuntimeError("pause() is for code that a handler calls: no handler is running here")
    current.pause(wait_ms)


def wait_for(start: Callable[[Callable[[T], None]], None]) -> T:
    """Call ``start(done)`` and let the running handler wait until somebody calls ``done(answer)``; the answer.

    So one handler can invoke another function and wait for it. Raises as `pause` does.
    """
    current = getcurrent()
    if type(current) is not HandlerGreenlet:
        raise RuntimeError("wait_for() is for code that a handler calls: no handler is running here")
    return cast(T, current.wait_for(start))


class InlineWorker:
    """Runs one function's handler in virtual time. A Worker; `invoke` works while `virtual_time` is active."""

    def __init__(
        self,
        handler: Handler,
        virtual_time: VirtualTime,
        *,
        extra_ms: Callable[[Invocation], int] | None = None,
        seed_of: Callable[[Invocation], int] | None = None,
        variables: Mapping[str, str] = NONE,
        log: Literal["all", "failures", "none"] = "failures",
        task_root: Path | None = None,
    ) -> None:
        """`extra_ms`: what an invocation takes beyond its AWS calls and sleeps. `seed_of`: what its random numbers
        are made from, by default its names (or its request id, where it has none) and the function's name.
        `variables`: the function's environment variables, besides the process's own and those that Lambda sets.
        `log`: which results carry the log. `task_root`: the folder that stack traces show as /var/task; by default
        the one that holds the handler's file."""
        self.handler = handler
        self.virtual_time = virtual_time
        self.extra_ms = extra_ms
        self.seed_of = seed_of or _seed_of
        self.variables = variables
        self.log = log
        self.stuck_after_s = virtual_time.stuck_after_s
        code = getattr(handler, "__code__", None)
        self._root = str(task_root or (Path(code.co_filename).parent if code is not None else _PACKAGES))
        self._environments: dict[tuple[str, int], dict[str, str]] = {}
        adopt(handler)

    def invoke(self, invocation: Invocation, done: Done) -> None:
        """Start an invocation, now; where a handler that runs makes the call, as soon as that one waits.

        `done` is called on the hub. It is not called where virtual time ends before the invocation does.
        """
        hub = self.virtual_time.hub
        hub.start(_Running(self, invocation, done, hub.timeline.now_ms()))

    def environment(self, invocation: Invocation) -> dict[str, str]:
        """The environment variables that the handler sees besides the process's own; Lambda's win."""
        key = invocation.function_name, invocation.memory_mb
        environment = self._environments.get(key)
        if environment is None:
            stream = blake2b(invocation.function_arn.encode(), digest_size=16).hexdigest()
            environment = self._environments[key] = {
                **self.variables,
                "AWS_EXECUTION_ENV": f"AWS_Lambda_python{sysconfig.get_python_version()}",
                "AWS_LAMBDA_FUNCTION_NAME": invocation.function_name,
                "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(invocation.memory_mb),
                "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{invocation.function_name}",
                "AWS_LAMBDA_LOG_STREAM_NAME": f"[$LATEST]{stream}",
            }
        return {**environment, **invocation.variables} if invocation.variables else environment

    def stack_trace(self, trace: TracebackType | None) -> list[str]:
        """The frames of the handler's code and its libraries, none of ours, with the paths that they have on Lambda."""
        places = [(self._root, TASK_ROOT), (_PACKAGES, TASK_ROOT), (_STANDARD_LIBRARY, _LAMBDA_LIBRARY)]
        lines = []
        for line in lambda_errors.stack_trace(trace):
            found = _FILE_OF_FRAME.match(line)
            file = found[1] if found else ""
            if _is_ours(file) and not file.startswith(self._root):
                continue
            place = next(((folder, shown) for folder, shown in places if file.startswith(folder + "/")), None)
            lines.append(line.replace(*place, 1) if place else line)
        return lines


_FILE_OF_FRAME = re.compile(r'  File "([^"]*)"')


def _is_ours(file: str) -> bool:
    return file.startswith((f"{_OURS}/workers/", f"{_OURS}/runtime/"))


def _seed_of(invocation: Invocation) -> int:
    names = invocation.names or (invocation.request_id,)
    text = "\x1f".join((*names, invocation.function_name))
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest(), "big")


class _Context(LambdaContext):
    """Lambda's context object; what remains of its time is virtual, and exact."""

    def __init__(self, running: _Running) -> None:
        invocation = running.invocation
        super().__init__(
            invocation.request_id,
            invocation.function_arn,
            invocation.timeout_ms,
            running.variables,
        )
        self._running = running

    def get_remaining_time_in_millis(self) -> int:
        """Virtual milliseconds until the invocation is ended; never negative."""
        running = self._running
        return max(0, running.deadline_ms - running.worker.virtual_time.timeline.now_ms())


class _Running(Activity):
    """One invocation under way."""

    __slots__ = ("done", "error", "invocation", "payload", "started_ms", "worker", "written", "written_chars")

    def __init__(self, worker: InlineWorker, invocation: Invocation, done: Done, now_ms: int) -> None:
        super().__init__(invocation.request_id, now_ms + invocation.timeout_ms, worker.environment(invocation))
        self.worker = worker
        self.invocation = invocation
        self.done = done
        self.started_ms = now_ms
        self.payload = ""
        self.error: str | None = None
        """What Lambda's REPORT line calls the failure; None for a success."""
        self.written: list[str] | None = None
        self.written_chars = 0

    def entropy(self) -> int:
        return self.worker.seed_of(self.invocation)

    def write(self, text: str) -> None:
        if self.worker.log == "none":
            return
        if self.written is None:
            self.written = []
        self.written.append(text)
        self.written_chars += len(text)
        if self.written_chars > 2 * LOG_CHARS_MAX:
            self.written = ["".join(self.written)[-LOG_CHARS_MAX:]]
            self.written_chars = LOG_CHARS_MAX

    def body(self) -> None:
        try:
            event = unmarshal(self.invocation.event)
            self._returned(marshal(self.worker.handler(event, _Context(self))))
        except Fault as fault:
            self._raised(fault.message, fault.error_type, fault.stack_trace)
        except GreenletExit:
            if self.over:
                raise
            self._crashed(1)
        except SystemExit as exit_:
            self._crashed(_exit_status(exit_.code))
        except MemoryError:
            # As in a process of its own: a sandbox whose memory is used up is killed.
            self._crashed(-9)
        except HandlerStuck:
            self._gave_up()
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            trace = error.__traceback__.tb_next if error.__traceback__ else None
            self._raised(str(error), type(error).__name__, self.worker.stack_trace(trace))
        if self.stuck and self.error is None:
            self._gave_up()

    def _returned(self, payload: str) -> None:
        limit = lambda_errors.RESPONSE_BYTES_MAX
        if len(payload) > limit // 4 and len(payload.encode()) > limit:
            self.payload, self.error = lambda_errors.response_too_large(), "error"
        else:
            self.payload = payload

    def _raised(self, message: str, error_type: str, trace: list[str]) -> None:
        self.payload = lambda_errors.error_payload(message, error_type, self.invocation.request_id, trace)
        self.error = "error"
        self.write("\n".join((f"[ERROR] {error_type}: {message}", "Traceback (most recent call last):", *trace)))

    def _crashed(self, status: int) -> None:
        self.payload, self.error = lambda_errors.crashed(self.invocation.request_id, status), "error"

    def _gave_up(self) -> None:
        self.error = "timeout"
        message = (
            f"RequestId: {self.invocation.request_id} Error: Task ran for {self.worker.stuck_after_s:g} seconds of "
            "real time without waiting for anything; virtual time cannot pass meanwhile, and it was ended"
        )
        self.payload = json.dumps(
            {"errorType": "Sandbox.Timedout", "errorMessage": message}, separators=(",", ":"), ensure_ascii=False
        )

    def ended(self) -> None:
        if self.stuck and self.error is None:
            self._gave_up()
        extra_ms = self.worker.extra_ms
        wait_ms = 0 if extra_ms is None else extra_ms(self.invocation)
        if wait_ms <= 0:
            self._report()
            return
        timeline = self.worker.virtual_time.timeline
        due_ms = timeline.now_ms() + wait_ms
        if due_ms <= self.deadline_ms:
            timeline.call_at(due_ms, self._report)
        else:
            timeline.call_at(self.deadline_ms, self.expired)

    def expired(self) -> None:
        invocation = self.invocation
        self.payload, self.error = lambda_errors.timed_out(invocation.request_id, invocation.timeout_ms), "timeout"
        self._report()

    def _report(self) -> None:
        duration_ms = self.worker.virtual_time.timeline.now_ms() - self.started_ms
        error = self.error
        keep = self.worker.log
        log = self._log(duration_ms) if keep == "all" or (error is not None and keep == "failures") else ""
        self.done(InvocationResult(self.payload, None if error is None else "Unhandled", duration_ms, log))

    def _log(self, duration_ms: int) -> str:
        invocation = self.invocation
        status = "timeout" if self.error == "timeout" else ""
        report = Report(invocation.request_id, duration_ms, invocation.memory_mb, invocation.memory_mb, None, status)
        return lambda_log("".join(self.written or ()), report)


def _exit_status(code: object) -> int:
    if code is None:
        return 0
    return code & 0xFF if isinstance(code, int) else 1
