"""ecs:runTask: tasks that moto registers and workers of the scenario carry out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stepsim.runtime.functions import Function
from stepsim.runtime.simulation import drive
from stepsim.workers.durations import parse_duration
from stepsim.workers.lambda_errors import crashed
from stepsim.workers.modelled import Model
from stepsim.workers.worker import InvocationResult

RUN = "arn:aws:states:::ecs:runTask"


@pytest.fixture(scope="module", autouse=True)
def resources(cloud: Any) -> None:
    ecs = cloud.client("ecs")
    ecs.create_cluster(clusterName="main")
    container = {"image": "busybox", "memory": 512}
    ecs.register_task_definition(
        family="one",
        containerDefinitions=[
            {**container, "name": "app", "command": ["work"], "environment": [{"name": "SIZE", "value": "1"}]}
        ],
    )
    ecs.register_task_definition(
        family="two",
        containerDefinitions=[
            {**container, "name": "app", "essential": True},
            {**container, "name": "agent", "essential": False},
        ],
    )
    ecs.register_task_definition(
        family="fargate",
        requiresCompatibilities=["FARGATE"],
        networkMode="awsvpc",
        cpu="256",
        memory="512",
        containerDefinitions=[{**container, "name": "app"}],
    )


def ends(exit_code: int = 0, after: str = "1ms") -> Function:
    """A worker that ends so, after some time."""
    model = Model(returns=exit_code, duration=parse_duration(after, "duration"))
    return Function("", model, timeout_ms=10**10, in_lambda=False)


def named(**workers: Any) -> dict[str, Any]:
    """Workers by their names, with slashes for double underscores."""
    made = {}
    for key, worker in workers.items():
        name = "ecs/" + key.replace("__", "/")
        made[name] = (
            Function(name, worker.code, worker.timeout_ms, in_lambda=False) if isinstance(worker, Function) else worker
        )
    return made


def details(execution: Any, event_type: str) -> Any:
    return next(event.details for event in execution.history if event.type == event_type)


def test_a_task_is_waited_for(stand: Any) -> None:
    """TaskSubmitted has RunTask's response, the result is the one task, stopped."""
    parameters = {"Cluster": "main", "TaskDefinition": "one", "LaunchType": "FARGATE"}
    execution = stand.task(RUN + ".sync", parameters, functions=named(one=ends(after="90s")))
    assert execution.output is not None, execution.cause
    types = [event.type for event in execution.history]
    assert types[2:6] == ["TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded"]
    assert json.loads(details(execution, "TaskScheduled")["parameters"])["StartedBy"] == "AWS Step Functions"
    submitted = json.loads(details(execution, "TaskSubmitted")["output"])
    assert (submitted["Failures"], submitted["Tasks"][0]["LastStatus"]) == ([], "PROVISIONING")
    assert "SdkHttpMetadata" in submitted
    task = execution.output.value
    assert (task["LastStatus"], task["DesiredStatus"], task["StopCode"]) == (
        "STOPPED",
        "STOPPED",
        "EssentialContainerExited",
    )
    assert task["Containers"][0]["ExitCode"] == 0
    assert task["StoppedAt"] - task["CreatedAt"] == 90_000
    assert task["TaskArn"] == submitted["Tasks"][0]["TaskArn"]
    assert "SdkHttpMetadata" not in task


def test_an_exit_code_fails_the_task(stand: Any) -> None:
    """With the task's description as the cause."""
    parameters = {"Cluster": "main", "TaskDefinition": "one"}
    execution = stand.task(RUN + ".sync", parameters, functions=named(one__app=ends(3)))
    assert execution.error == "States.TaskFailed"
    task = json.loads(execution.cause)
    assert task["Containers"][0]["ExitCode"] == 3
    assert list(task) == sorted(task)


def test_the_code_gets_command_environment_and_arn(stand: Any) -> None:
    """Overrides go over the task definition's own."""
    override = {"Name": "app", "Command": ["other"], "Environment": [{"Name": "MODE", "Value": "fast"}]}
    parameters = {"Cluster": "main", "TaskDefinition": "one:1", "Overrides": {"ContainerOverrides": [override]}}
    execution = stand.task(RUN + ".sync", parameters, functions=named(one=lambda event: InvocationResult("null")))
    event = json.loads(stand.events[0])
    assert event["command"] == ["other"]
    assert event["environment"] == {"SIZE": "1", "MODE": "fast"}
    assert event["taskArn"] == execution.output.value["TaskArn"]
    assert (event["family"], event["containerName"]) == ("one", "app")


@pytest.mark.parametrize(
    ("result", "exit_code", "reason"),
    [
        (InvocationResult('{"errorMessage": "no", "errorType": "ValueError"}', "Unhandled"), 1, "ValueError: no"),
        (InvocationResult(crashed("r", 7), "Unhandled"), 7, None),
        (InvocationResult(crashed("r", -9), "Unhandled"), 137, "Runtime exited with error: signal: killed"),
    ],
)
def test_how_code_ends_is_an_exit_code(stand: Any, result: Any, exit_code: int, reason: str | None) -> None:
    """1 for an exception, n for SystemExit(n), 137 for what was killed."""
    parameters = {"Cluster": "main", "TaskDefinition": "one"}
    execution = stand.task(RUN + ".sync", parameters, functions=named(one=lambda event: result))
    container = json.loads(execution.cause)["Containers"][0]
    assert (container["ExitCode"], container.get("Reason")) == (exit_code, reason)


def test_an_essential_container_ends_the_task(stand: Any) -> None:
    """The others are stopped with it; they have no exit code of their own."""
    workers = named(two__app=ends(after="10s"), two__agent=ends(after="1h"))
    execution = stand.task(RUN + ".sync", {"Cluster": "main", "TaskDefinition": "two"}, functions=workers)
    containers = {one["Name"]: one.get("ExitCode") for one in execution.output.value["Containers"]}
    assert containers == {"app": 0, "agent": None}
    assert execution.stop_ms - execution.me.start_ms < 11_000


def test_a_request_does_not_wait_but_the_work_goes_on(stand: Any) -> None:
    """The result is RunTask's response; DescribeTasks tells what became of the task."""
    run = {"Type": "Task", "Resource": RUN, "Parameters": {"Cluster": "main", "TaskDefinition": "one"}, "Next": "Wait"}
    describe = {"Cluster": "main", "Tasks.$": "States.Array($.Tasks[0].TaskArn)"}
    machine = {
        "StartAt": "Run",
        "States": {
            "Run": run,
            "Wait": {"Type": "Wait", "Seconds": 60, "Next": "Look"},
            "Look": {
                "Type": "Task",
                "Resource": "arn:aws:states:::aws-sdk:ecs:describeTasks",
                "Parameters": describe,
                "End": True,
            },
        },
    }
    execution = stand.run(machine, functions=named(one=ends(2, after="30s")))
    task = execution.output.value["Tasks"][0]
    assert (task["LastStatus"], task["Containers"][0]["ExitCode"]) == ("STOPPED", 2)


def test_a_container_may_answer_with_its_token(stand: Any) -> None:
    """It finds the token in its environment; nothing watches the task itself."""
    environment = [{"Name": "TOKEN", "Value.$": "$$.Task.Token"}]
    parameters = {
        "Cluster": "main",
        "TaskDefinition": "one",
        "Overrides": {"ContainerOverrides": [{"Name": "app", "Environment": environment}]},
    }

    def answer(event: str) -> InvocationResult:
        stand.account.tokens.succeed(json.loads(event)["environment"]["TOKEN"], '{"done": true}')
        return InvocationResult("1")

    execution = stand.task(RUN + ".waitForTaskToken", parameters, functions=named(one=answer))
    assert execution.output.value == {"done": True}


def test_what_nothing_runs_is_an_error_that_says_what_to_write(stand: Any) -> None:
    """Before the task is registered."""
    execution = stand.task(RUN + ".sync", {"Cluster": "main", "TaskDefinition": "one"})
    assert execution.error == "States.Runtime"
    assert 'containers: {"one": {handler:' in execution.cause


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"Cluster": "no", "TaskDefinition": "one"}, "ECS.ClusterNotFoundException"),
        ({"Cluster": "main", "TaskDefinition": "no"}, "ECS.ClientException"),
        (
            {
                "Cluster": "main",
                "TaskDefinition": "fargate",
                "NetworkConfiguration": {"AwsvpcConfiguration": {"Subnets": ["subnet-0"]}},
            },
            "ECS.InvalidParameterException",
        ),
        ({"Cluster": "main", "TaskDefinition": "one", "Count": 2}, "States.Runtime"),
    ],
)
def test_a_refused_task_fails(stand: Any, parameters: Any, error: str) -> None:
    """By the service's own name for it."""
    workers = named(one=ends(), fargate=ends())
    assert stand.task(RUN + ".sync", parameters, functions=workers).error == error


def test_fargate_runs_in_a_subnet_of_the_account(cloud: Any, stand: Any) -> None:
    """Its network interface is an attachment of the task."""
    subnet = cloud.client("ec2").describe_subnets()["Subnets"][0]["SubnetId"]
    network = {"AwsvpcConfiguration": {"Subnets": [subnet]}}
    parameters = {
        "Cluster": "main",
        "TaskDefinition": "fargate",
        "LaunchType": "FARGATE",
        "NetworkConfiguration": network,
    }
    task = stand.task(RUN + ".sync", parameters, functions=named(fargate=ends())).output.value
    attachment = task["Attachments"][0]
    assert (attachment["Status"], attachment["Details"]) == ("DELETED", [{"Name": "subnetId", "Value": subnet}])


def test_a_time_out_stops_the_task(cloud: Any, stand: Any) -> None:
    """As does whatever else ends the wait."""
    parameters = {"Cluster": "main", "TaskDefinition": "one"}
    fields = {"TimeoutSeconds": 5}
    execution = stand.task(RUN + ".sync", parameters, functions=named(one=ends(after="1h")), fields=fields)
    assert execution.error == "States.Timeout"
    arn = json.loads(details(execution, "TaskSubmitted")["output"])["Tasks"][0]["TaskArn"]
    assert stopped(stand, arn) == ("STOPPED", "UserInitiated")


def test_a_stopped_execution_stops_its_task(stand: Any) -> None:
    """Best effort, as on AWS: the code itself cannot be ended."""
    task = {"Type": "Task", "Resource": RUN + ".sync", "Parameters": {"Cluster": "main", "TaskDefinition": "one"}}
    machine = {"StartAt": "T", "States": {"T": {**task, "End": True}}}
    execution = stand.execution(machine, functions=named(one=ends(after="1h")))
    scheduler = stand.account.scheduler
    scheduler.call_at(scheduler.now_ms + 1_000, lambda: stand.account.stop_execution(execution.me.arn))
    drive(stand.account, execution)
    assert execution.status == "ABORTED"
    arn = json.loads(details(execution, "TaskSubmitted")["output"])["Tasks"][0]["TaskArn"]
    assert stopped(stand, arn) == ("STOPPED", "UserInitiated")


def stopped(stand: Any, arn: str) -> tuple[str, str]:
    """A task's status and why it stopped, as DescribeTasks has them."""
    from stepsim.runtime.cloud.call import CallSite

    answer = stand.cloud.perform("ecs", "DescribeTasks", {"cluster": "main", "tasks": [arn]}, site=CallSite())
    task = answer.response["tasks"][0]
    return task["lastStatus"], task["stopCode"]
