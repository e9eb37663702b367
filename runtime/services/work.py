"""The work of a container or a job: a named worker of the scenario, run by the account's functions.

A worker is named after what it stands in for: ``ecs/family/container``, ``batch/definition``, ``glue/job``. It gets an
event and environment variables, and it ends with an exit code: 0 when the code returns (or the whole number that it
returns), n for SystemExit(n), 1 for any other exception, 137 where it was killed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from stepsim.asl.errors import StatesError, runtime_error
from stepsim.asl.payload import JSON, decode, encode
from stepsim.runtime.cloud.call import ApiError
from stepsim.runtime.effects import Invoke, Program
from stepsim.runtime.requests import FindFunction, InvokeFunction
from stepsim.runtime.services.task import TaskCall
from stepsim.workers.worker import InvocationResult

_SIGNALS = {"aborted": 134, "killed": 137, "segmentation fault": 139, "terminated": 143}
_EXIT = re.compile(r"exit status (\d+)$")


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be run, and with what."""

    worker: str
    event: JSON
    variables: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class WorkEnd:
    """How the work ended. `timeout` is set where its time was over: the code may still run, and nobody listens."""

    exit_code: int
    reason: str = ""
    timeout: StatesError | None = None


def find_worker(call: TaskCall, *names: str) -> Program:
    """The first of these names that the scenario has a worker for; None where it has none."""
    return (yield call.invoke(FindFunction(tuple(map(worker_name, names)))))


def worker_name(name: str) -> str:
    """The name of a worker; a colon would be taken for a version's."""
    return name.replace(":", ".")


def no_worker(what: str, key: str, name: str) -> StatesError:
    """The failure where nothing says what a container or job runs."""
    return runtime_error(
        f"Nothing says what {what} runs. Name its code in the scenario: "
        f'{key}: {{"{name}": {{handler: "folder/file:function"}}}}, or model it: {{exit_code: 0, duration: 5m}}'
    )


def run_work(call: TaskCall, work: Work, deadline_ms: int | None = None) -> Program:
    """Run the work to its end; returns a `WorkEnd`. `deadline_ms` is when its time is over."""
    request = InvokeFunction(work.worker, encode(work.event), call.site(work.worker), variables=work.variables)
    try:
        answer: InvocationResult | ApiError = yield Invoke(request, deadline_ms)
    except StatesError as error:
        return WorkEnd(137, "its time is over", error)
    if isinstance(answer, ApiError):
        return WorkEnd(1, f"{answer.code}: {answer.message}")
    return work_end(answer)


def start_work(call: TaskCall, program: Program) -> None:
    """Let work go on by itself: nobody waits for its end, and it ends with the run."""
    call.frame.engine.scheduler.spawn(program, _nobody_waits)


def work_end(result: InvocationResult) -> WorkEnd:
    """How an invocation's result reads as the end of a process."""
    value = decode(result.payload)
    if result.function_error is None:
        return WorkEnd(value & 0xFF if type(value) is int else 0)
    failure = value if isinstance(value, dict) else {}
    message = str(failure.get("errorMessage", ""))
    error_type = failure.get("errorType")
    if error_type not in (None, "Runtime.ExitError"):
        return WorkEnd(137 if error_type == "Sandbox.Timedout" else 1, f"{error_type}: {message}")
    _, _, reason = message.partition("Error: ")
    if exited := _EXIT.search(reason):
        return WorkEnd(int(exited[1]))
    _, _, signal = reason.partition("signal: ")
    return WorkEnd(_SIGNALS.get(signal, 1), reason) if signal else WorkEnd(0)


def _nobody_waits(result: object, error: Exception | None) -> None:  # noqa: ARG001
    # Work handles its every end itself; anything else is a bug and propagates.
    if error is not None:
        raise error
