"""Glue: ``startJobRun``, alone and waited for with ``.sync``. The job is a worker of the scenario (`services.work`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from stepsim.asl.errors import TASK_FAILED, StatesError
from stepsim.asl.payload import JSON, Payload
from stepsim.runtime.cloud.job_records import glue_run_begins, glue_run_ends, has_glue_job
from stepsim.runtime.effects import Program
from stepsim.runtime.requests import CallApi
from stepsim.runtime.services.api_call import answered, boto_parameters
from stepsim.runtime.services.shapes import from_boto, operation_model
from stepsim.runtime.services.task import TaskCall
from stepsim.runtime.services.work import Work, WorkEnd, find_worker, no_worker, run_work, start_work

_MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class _JobRun:
    job: str
    id: str
    work: Work
    started_ms: int
    timeout_ms: int | None
    described: dict[str, Any]


def start_job_run(call: TaskCall) -> Program:
    """``glue:startJobRun``: the run is started and goes on by itself; the result names it."""
    started, run = yield from _start(call)
    start_work(call, _live(call, run, None))
    return started


def start_job_run_sync(call: TaskCall) -> Program:
    """``glue:startJobRun.sync``: the result is the JobRun; one that does not succeed fails the task."""
    started, run = yield from _start(call)
    call.submitted(started)
    try:
        described: dict[str, Any] = yield from _live(call, run, call.deadline_ms)
    except BaseException:
        glue_run_ends(run.job, run.id, call.site(), _now_ms(call), "STOPPED")
        raise
    output: Any = operation_model("glue", "getJobRun").output_shape
    result: JSON = from_boto(output.members["JobRun"], described, int)
    if described["JobRunState"] != "SUCCEEDED":
        raise StatesError(TASK_FAILED, Payload(result).text)
    return Payload(result)


def _start(call: TaskCall) -> Program:
    """Call StartJobRun; returns the response `Payload` and the run."""
    params = boto_parameters(call, "startJobRun", call.input.value)
    job = params["JobName"]
    worker: str | None = None
    if has_glue_job(job, call.site()):
        worker = yield from find_worker(call, f"glue/{job}")
        if worker is None:
            raise no_worker(f"the Glue job {job}", "glue_jobs", job)
    answer = yield call.invoke(CallApi("glue", "StartJobRun", params, call.site()))
    started = answered(call, "startJobRun", call.input.value, answer)
    assert worker is not None
    run_id = started.value["JobRunId"]
    now_ms = _now_ms(call)
    described = glue_run_begins(job, run_id, call.site(), now_ms)
    event: JSON = {"jobName": job, "jobRunId": run_id, "arguments": described.get("Arguments", {})}
    timeout_min = described.get("Timeout")
    timeout_ms = None if timeout_min is None else timeout_min * _MINUTE_MS
    return started, _JobRun(job, run_id, Work(worker, event, {}), now_ms, timeout_ms, described)


def _live(call: TaskCall, run: _JobRun, deadline_ms: int | None) -> Program:
    """Run the job to its end; returns its JobRun. Raises States.Timeout where the task's own time is over first."""
    own_ms = None if run.timeout_ms is None else run.started_ms + run.timeout_ms
    first_ms = min((moment for moment in (own_ms, deadline_ms) if moment is not None), default=None)
    end: WorkEnd = yield from run_work(call, run.work, first_ms)
    if end.timeout is not None and first_ms != own_ms:
        raise end.timeout
    state = "TIMEOUT" if end.timeout is not None else "FAILED" if end.exit_code else "SUCCEEDED"
    now_ms = _now_ms(call)
    glue_run_ends(run.job, run.id, call.site(), now_ms, state)
    ended = datetime.fromtimestamp(now_ms / 1000, UTC)
    described = {
        **run.described,
        "CompletedOn": ended,
        "LastModifiedOn": ended,
        "ExecutionTime": (now_ms - run.started_ms) // 1000,
        "JobRunState": state,
    }
    if state == "FAILED":
        described["ErrorMessage"] = end.reason or f"SystemExit: {end.exit_code}"
    return described


def _now_ms(call: TaskCall) -> int:
    return call.frame.engine.scheduler.now_ms
