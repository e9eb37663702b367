"""ECS: ``runTask``, alone, waited for with ``.sync``, and with a task token.

moto registers the task; what its containers run are workers of the scenario (`services.work`). A container gets an
event with its command, its environment and its task's ARN, and finds the environment in its variables, too. How long it
lives, and what ends it, stands in `services.ecs_life`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from stepsim.asl.errors import TASK_FAILED, StatesError, runtime_error
from stepsim.asl.payload import JSON, Payload
from stepsim.runtime.cloud import ecs_tasks
from stepsim.runtime.cloud.call import DEFAULT_REGION, ApiError
from stepsim.runtime.cloud.fargate import NO_VCPUS_LEFT, STOP_TIMEOUT_MAX_S, STOP_TIMEOUT_S
from stepsim.runtime.effects import Program
from stepsim.runtime.requests import CallApi
from stepsim.runtime.services.api_call import answered, await_token, boto_parameters, refused
from stepsim.runtime.services.ecs_life import Container, EcsTask, TaskEnd, launch, live, task_size
from stepsim.runtime.services.shapes import from_boto, operation_model
from stepsim.runtime.services.task import TaskCall
from stepsim.runtime.services.work import Work, find_worker, no_worker, start_work

STARTED_BY = "AWS Step Functions"


def run_task(call: TaskCall) -> Program:
    """``ecs:runTask``: the tasks are started, and their containers' work goes on by itself."""
    response, tasks = yield from _submit(call, call.input.value)
    for task in tasks:
        start_work(call, live(call, task, None))
    _check_failures(response)
    return response


def run_task_with_token(call: TaskCall) -> Program:
    """``ecs:runTask.waitForTaskToken``: the token's answer is the result; nothing watches the tasks."""
    return (yield from await_token(call, (yield from run_task(call))))


def run_task_sync(call: TaskCall) -> Program:
    """``ecs:runTask.sync``: the result is the stopped task's description; an exit code other than 0 fails the task."""
    if isinstance(call.input.value, dict):
        if call.input.value.get("Count", 1) != 1:
            raise runtime_error("stepsim waits for one ECS task: ecs:runTask.sync with a Count is not supported")
        # The history shows the parameters with who started the task (recorded).
        call.input = Payload({**call.input.value, "StartedBy": STARTED_BY})
    response, tasks = yield from _submit(call, call.input.value)
    _check_failures(response)
    call.submitted(response)
    (task,) = tasks
    # Whoever waits for a task and is stopped, stops the task (best effort, as AWS does it).
    end: TaskEnd = yield from live(call, task, call.deadline_ms, stopped_by=STARTED_BY)
    if end.timeout is not None:
        raise end.timeout
    described = Payload(_described(ecs_tasks.describe(task.arn, call.site())))
    if any(end.exit_codes.values()):
        raise StatesError(TASK_FAILED, described.text)
    return described


# -- submitting ---------------------------------------------------------------------------------------------------


def _submit(call: TaskCall, parameters: JSON) -> Program:
    """Call RunTask; returns the response `Payload` and the tasks."""
    params = boto_parameters(call, "runTask", parameters)
    workers: dict[str, str] = yield from _workers(call, params)
    try:
        placed = ecs_tasks.place(params, call.site())
    except ApiError as error:
        refused(call, error)
    answer = yield call.invoke(CallApi("ecs", "RunTask", placed, call.site()))
    response = dict(answered(call, "runTask", parameters, answer).value)
    arns = [task["TaskArn"] for task in response["Tasks"]]
    tasks: list[EcsTask] = []
    response["Tasks"] = []
    for arn, provider in zip(arns, ecs_tasks.runs_on(params, call.site()), strict=False):
        size = task_size(params, call.site())
        if not launch(call, size, provider):
            ecs_tasks.forget(arn, call.site())
            response["Failures"] = [*response.get("Failures", []), {"Reason": NO_VCPUS_LEFT}]
            continue
        now_ms = call.frame.engine.scheduler.now_ms
        description = ecs_tasks.launched(arn, params, call.site(), now_ms, provider)
        containers = tuple(_containers(call, description, params, workers))
        family = description["taskDefinitionArn"].rpartition("/")[2].partition(":")[0]
        place = (*call.frame.names, len(tasks))
        tasks.append(EcsTask(arn, family, containers, size, provider, call.frame.state, place, now_ms))
        response["Tasks"].append(_described(description))
    return Payload(response), tasks


def _check_failures(response: Payload) -> None:
    """Raise where a task was not started; those that were, run."""
    if response.value.get("Failures"):
        raise StatesError("AmazonECS.Unknown", response.text)


def _workers(call: TaskCall, params: Mapping[str, Any]) -> Program:
    """What the containers run, by their names. Raises States.Runtime where nothing says what any of them runs."""
    definition = ecs_tasks.task_definition(params.get("taskDefinition", ""), call.site())
    if definition is None:
        # RunTask itself says so, in its own words.
        return {}
    family = definition["family"]
    workers: dict[str, str] = {}
    whole: str | None = yield from find_worker(call, f"ecs/{family}")
    for container in definition["containers"]:
        name = container["name"]
        found: str | None = yield from find_worker(call, f"ecs/{family}/{name}")
        if found is None and container.get("essential", True) and whole not in workers.values():
            # The family's name stands for its first essential container.
            found = whole
        if found is not None:
            workers[name] = found
    if not workers:
        raise no_worker(f"the ECS task {family}", "containers", family)
    return workers


def _containers(
    call: TaskCall, description: Mapping[str, Any], params: Mapping[str, Any], workers: Mapping[str, str]
) -> Iterator[Container]:
    definition = ecs_tasks.task_definition(description["taskDefinitionArn"], call.site())
    assert definition is not None
    region = call.site().region or DEFAULT_REGION
    overrides = {one["name"]: one for one in params.get("overrides", {}).get("containerOverrides", []) if "name" in one}
    for container in definition["containers"]:
        name = container["name"]
        if name not in workers:
            continue
        override = overrides.get(name, {})
        environment = _environment(container) | _environment(override)
        event: JSON = {
            "command": override.get("command") or container.get("command") or [],
            "environment": environment,
            "taskArn": description["taskArn"],
            "clusterArn": description["clusterArn"],
            "family": definition["family"],
            "containerName": name,
        }
        variables = {
            "AWS_EXECUTION_ENV": f"AWS_ECS_{description['launchType']}",
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            **environment,
        }
        stop_ms = min(container.get("stopTimeout") or STOP_TIMEOUT_S, STOP_TIMEOUT_MAX_S) * 1_000
        yield Container(name, container.get("essential", True), Work(workers[name], event, variables), stop_ms)


def _environment(container: Mapping[str, Any]) -> dict[str, str]:
    return {variable["name"]: variable["value"] for variable in container.get("environment") or []}


def _described(description: Mapping[str, Any]) -> JSON:
    """A task's description as the optimised integration writes it: times are epoch milliseconds."""
    output: Any = operation_model("ecs", "describeTasks").output_shape
    return from_boto(output.members["tasks"].member, description, int)
