"""AWS Batch: ``submitJob``, alone, waited for with ``.sync``, and with a task token.

moto registers the job; what it runs is a worker of the scenario (`services.work`), once for each attempt and, of an
array job, for each child.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stepsim.asl.errors import TASK_FAILED, StatesError, runtime_error
from stepsim.asl.payload import JSON, Payload
from stepsim.runtime.cloud.job_records import BatchDefinition, batch_definition, batch_job_begins, batch_job_ends
from stepsim.runtime.effects import Fork, Program
from stepsim.runtime.requests import CallApi
from stepsim.runtime.services.api_call import answered, await_token, boto_parameters
from stepsim.runtime.services.shapes import from_boto, operation_model
from stepsim.runtime.services.task import TaskCall
from stepsim.runtime.services.work import Work, WorkEnd, find_worker, no_worker, run_work, start_work

_MANAGED_BY = {"name": "MANAGED_BY_AWS", "value": "STARTED_BY_STEP_FUNCTIONS"}
_UNSUPPORTED = ("dependsOn", "nodeOverrides", "eksPropertiesOverride", "ecsPropertiesOverride")
_EXITED = "Essential container in task exited"
_OVERDUE = "Job attempt duration exceeded timeout"
_TERMINATED = "Terminated by AWS Step Functions"


@dataclass(frozen=True, slots=True)
class _Job:
    worker: str
    id: str
    name: str
    arn: str
    definition_arn: str
    queue_arn: str
    command: list[str]
    environment: dict[str, str]
    parameters: dict[str, str]
    container: Mapping[str, Any]
    attempts: int
    timeout_s: int | None
    size: int | None
    """How many children an array job has; None for a job by itself."""
    started_ms: int


@dataclass(frozen=True, slots=True)
class _JobEnd:
    status: str
    reason: str
    attempts: list[dict[str, Any]]
    timeout: StatesError | None = None
    """The task's own time was over."""


def submit_job(call: TaskCall) -> Program:
    """``batch:submitJob``: the job is submitted and goes on by itself; the result names it."""
    submitted, job = yield from _submit(call, managed=False)
    start_work(call, _live(call, job, None))
    return submitted


def submit_job_with_token(call: TaskCall) -> Program:
    """``batch:submitJob.waitForTaskToken``: the token's answer is the result; nothing watches the job."""
    return (yield from await_token(call, (yield from submit_job(call))))


def submit_job_sync(call: TaskCall) -> Program:
    """``batch:submitJob.sync``: the result is the JobDetail; a job that fails, fails the task."""
    submitted, job = yield from _submit(call, managed=True)
    call.submitted(submitted)
    try:
        end: _JobEnd = yield from _live(call, job, call.deadline_ms)
    except BaseException:
        _note(call, job.id, _JobEnd("FAILED", _TERMINATED, []))
        raise
    if end.timeout is not None:
        raise end.timeout
    output: Any = operation_model("batch", "describeJobs").output_shape
    detail: JSON = from_boto(output.members["jobs"].member, _detail(job, end, _now_ms(call)), int)
    if end.status != "SUCCEEDED":
        raise StatesError(TASK_FAILED, Payload(detail).text)
    return Payload(detail)


# -- submitting ---------------------------------------------------------------------------------------------------


def _submit(call: TaskCall, *, managed: bool) -> Program:
    """Call SubmitJob; returns the response `Payload` and the job."""
    params = boto_parameters(call, "submitJob", call.input.value)
    for name in _UNSUPPORTED:
        if params.get(name):
            raise runtime_error(f"stepsim does not support {name} of batch:submitJob")
    definition = batch_definition(params["jobDefinition"], call.site())
    worker: str | None = None
    if definition is not None:
        if definition.type != "container" or definition.container is None:
            raise runtime_error(f"stepsim runs Batch jobs of one container: {definition.name} has none")
        worker = yield from find_worker(call, f"batch/{definition.name}")
        if worker is None:
            raise no_worker(f"the Batch job {definition.name}", "batch_jobs", definition.name)
    if managed:
        overrides = params.get("containerOverrides", {})
        environment = [*overrides.get("environment", []), _MANAGED_BY]
        params = {**params, "containerOverrides": {**overrides, "environment": environment}}
    answer = yield call.invoke(CallApi("batch", "SubmitJob", params, call.site()))
    submitted = answered(call, "submitJob", call.input.value, answer)
    assert definition is not None
    assert worker is not None
    return submitted, _begin(call, params, definition, worker, submitted.value)


def _begin(
    call: TaskCall, params: Mapping[str, Any], definition: BatchDefinition, worker: str, submitted: JSON
) -> _Job:
    now_ms = _now_ms(call)
    definition_arn, queue_arn = batch_job_begins(submitted["JobId"], call.site(), now_ms)
    overrides = params.get("containerOverrides", {})
    container = definition.container or {}
    parameters = definition.parameters | params.get("parameters", {})
    command = overrides.get("command") or container.get("command") or []
    return _Job(
        worker,
        submitted["JobId"],
        submitted["JobName"],
        submitted["JobArn"],
        definition_arn,
        queue_arn,
        [_substituted(word, parameters) for word in command],
        _environment(container) | _environment(overrides),
        parameters,
        container,
        params.get("retryStrategy", {}).get("attempts", definition.attempts),
        params.get("timeout", {}).get("attemptDurationSeconds", definition.timeout_s),
        params.get("arrayProperties", {}).get("size"),
        now_ms,
    )


def _substituted(word: str, parameters: Mapping[str, str]) -> str:
    return parameters.get(word[5:], word) if word.startswith("Ref::") else word


def _environment(container: Mapping[str, Any]) -> dict[str, str]:
    return {variable["name"]: variable["value"] for variable in container.get("environment") or []}


# -- the job's life -----------------------------------------------------------------------------------------------


def _live(call: TaskCall, job: _Job, deadline_ms: int | None) -> Program:
    """Run a job to its end; returns a `_JobEnd`."""
    if job.size is None:
        end: _JobEnd = yield from _attempts(call, job, job.id, None, deadline_ms)
        _note(call, job.id, end)
        return end
    ends: Counter[str] = Counter()
    late: list[StatesError] = []

    def ended(index: int, end: _JobEnd) -> bool:
        _note(call, f"{job.id}:{index}", end)
        ends[end.status] += 1
        if end.timeout is not None:
            late.append(end.timeout)
        return end.timeout is not None

    children = (_attempts(call, job, f"{job.id}:{index}", index, deadline_ms) for index in range(job.size))
    yield Fork(children, collect=ended)
    reason = "Array Child Job failed" if ends["FAILED"] else ""
    end = _JobEnd("FAILED" if ends["FAILED"] else "SUCCEEDED", reason, [], late[0] if late else None)
    _note(call, job.id, end)
    return end


def _attempts(call: TaskCall, job: _Job, job_id: str, index: int | None, deadline_ms: int | None) -> Program:
    """Run one job, or one child of an array, as often as its retry strategy says; returns a `_JobEnd`."""
    attempts: list[dict[str, Any]] = []
    while True:
        started_ms = _now_ms(call)
        own_ms = None if job.timeout_s is None else started_ms + job.timeout_s * 1000
        first_ms = min((moment for moment in (own_ms, deadline_ms) if moment is not None), default=None)
        work = _work(job, job_id, index, len(attempts) + 1)
        end: WorkEnd = yield from run_work(call, work, first_ms)
        if end.timeout is not None and first_ms != own_ms:
            return _JobEnd("FAILED", _TERMINATED, attempts, end.timeout)
        reason = _EXITED if end.timeout is None else _OVERDUE
        container = {
            "exitCode": end.exit_code,
            "networkInterfaces": [],
            "logStreamName": f"{job.name}/default/{job_id}",
        }
        if end.reason:
            container["reason"] = end.reason
        times = {"startedAt": started_ms, "stoppedAt": _now_ms(call), "statusReason": reason}
        attempts.append({"container": container, **times})
        if end.exit_code == 0:
            return _JobEnd("SUCCEEDED", reason, attempts)
        # An attempt that took too long is not tried again.
        if end.timeout is not None or len(attempts) >= job.attempts:
            return _JobEnd("FAILED", reason, attempts)


def _work(job: _Job, job_id: str, index: int | None, attempt: int) -> Work:
    variables = {
        **job.environment,
        "AWS_BATCH_JOB_ID": job_id,
        "AWS_BATCH_JQ_NAME": job.queue_arn.rpartition("/")[2],
        "AWS_BATCH_JOB_ATTEMPT": str(attempt),
    }
    event: dict[str, JSON] = {
        "command": job.command,
        "environment": job.environment,
        "parameters": job.parameters,
        "jobId": job_id,
        "jobName": job.name,
        "attempt": attempt,
    }
    if index is not None:
        event["arrayIndex"] = index
        variables |= {"AWS_BATCH_JOB_ARRAY_INDEX": str(index), "AWS_BATCH_JOB_ARRAY_SIZE": str(job.size)}
    return Work(job.worker, event, variables)


def _note(call: TaskCall, job_id: str, end: _JobEnd) -> None:
    batch_job_ends(job_id, call.site(), _now_ms(call), status=end.status, reason=end.reason, attempts=end.attempts)


def _detail(job: _Job, end: _JobEnd, now_ms: int) -> dict[str, Any]:
    """The job as DescribeJobs has it."""
    container: dict[str, Any] = {
        "command": job.command,
        "environment": [{"name": name, "value": value} for name, value in job.environment.items()],
        "image": job.container.get("image"),
        "mountPoints": [],
        "networkInterfaces": [],
        "resourceRequirements": job.container.get("resourceRequirements", []),
        "ulimits": [],
        "volumes": [],
    }
    if end.attempts:
        container |= end.attempts[-1]["container"]
    detail: dict[str, Any] = {
        "attempts": end.attempts,
        "container": container,
        "createdAt": job.started_ms,
        "dependsOn": [],
        "eksAttempts": [],
        "isCancelled": False,
        "isTerminated": False,
        "jobArn": job.arn,
        "jobDefinition": job.definition_arn,
        "jobId": job.id,
        "jobName": job.name,
        "jobQueue": job.queue_arn,
        "parameters": job.parameters,
        "retryStrategy": {"attempts": job.attempts, "evaluateOnExit": []},
        "startedAt": job.started_ms,
        "status": end.status,
        "statusReason": end.reason or None,
        "stoppedAt": now_ms,
        "tags": {},
    }
    if job.timeout_s is not None:
        detail["timeout"] = {"attemptDurationSeconds": job.timeout_s}
    if job.size is not None:
        detail["arrayProperties"] = {"size": job.size, "statusSummary": {}}
    return detail


def _now_ms(call: TaskCall) -> int:
    return call.frame.engine.scheduler.now_ms
