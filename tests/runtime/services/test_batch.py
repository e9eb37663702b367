"""batch:submitJob: jobs that moto registers and workers of the scenario carry out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stepsim.runtime.functions import Function
from stepsim.workers.durations import parse_duration
from stepsim.workers.lambda_errors import crashed
from stepsim.workers.modelled import Model
from stepsim.workers.worker import InvocationResult

SUBMIT = "arn:aws:states:::batch:submitJob"
JOB = {"JobName": "night", "JobDefinition": "load", "JobQueue": "queue"}


@pytest.fixture(scope="module", autouse=True)
def resources(cloud: Any) -> None:
    role = cloud.client("iam").create_role(RoleName="batch", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    batch = cloud.client("batch")
    environment = batch.create_compute_environment(
        computeEnvironmentName="environment", type="UNMANAGED", serviceRole=role
    )
    order = [{"order": 1, "computeEnvironment": environment["computeEnvironmentArn"]}]
    batch.create_job_queue(jobQueueName="queue", state="ENABLED", priority=1, computeEnvironmentOrder=order)
    batch.register_job_definition(
        jobDefinitionName="load",
        type="container",
        parameters={"day": "monday"},
        containerProperties={
            "image": "busybox",
            "command": ["load", "Ref::day"],
            "environment": [{"name": "SIZE", "value": "1"}],
            "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "512"}],
        },
    )


def ends(exit_code: int = 0, after: str = "1ms") -> dict[str, Any]:
    """The worker of the job: it ends so, after some time."""
    model = Model(returns=exit_code, duration=parse_duration(after, "duration"))
    return {"batch/load": Function("batch/load", model, timeout_ms=10**10, in_lambda=False)}


def test_a_job_is_waited_for(stand: Any) -> None:
    """The result is its JobDetail."""
    execution = stand.task(SUBMIT + ".sync", JOB, functions=ends(after="60s"))
    assert execution.output is not None, execution.cause
    detail = execution.output.value
    assert (detail["Status"], detail["JobName"], detail["Container"]["ExitCode"]) == ("SUCCEEDED", "night", 0)
    assert detail["StoppedAt"] - detail["StartedAt"] == 60_000
    assert {"Name": "MANAGED_BY_AWS", "Value": "STARTED_BY_STEP_FUNCTIONS"} in detail["Container"]["Environment"]
    assert "TaskSubmitted" in [event.type for event in execution.history]


def test_the_code_gets_command_and_environment(stand: Any) -> None:
    """Parameters stand where the command refers to them."""
    parameters = {
        **JOB,
        "Parameters": {"day": "friday"},
        "ContainerOverrides": {"Environment": [{"Name": "MODE", "Value": "fast"}]},
    }
    stand.task(SUBMIT, parameters, functions={"batch/load": lambda event: InvocationResult("null")})
    event = json.loads(stand.events[0])
    assert event["command"] == ["load", "friday"]
    assert event["environment"] == {"SIZE": "1", "MODE": "fast"}
    assert event["attempt"] == 1


def test_a_failed_job_fails_the_task(stand: Any) -> None:
    """With its JobDetail as the cause, every attempt in it."""
    parameters = {**JOB, "RetryStrategy": {"Attempts": 2}}
    execution = stand.task(SUBMIT + ".sync", parameters, functions=ends(3, after="10s"))
    assert execution.error == "States.TaskFailed"
    detail = json.loads(execution.cause)
    assert (detail["Status"], detail["StatusReason"]) == ("FAILED", "Essential container in task exited")
    assert [attempt["Container"]["ExitCode"] for attempt in detail["Attempts"]] == [3, 3]


def test_a_later_attempt_may_succeed(stand: Any) -> None:
    """Each has its number."""

    def flaky(event: str) -> InvocationResult:
        first = json.loads(event)["attempt"] == 1
        return InvocationResult(crashed("r", 1), "Unhandled") if first else InvocationResult("null")

    parameters = {**JOB, "RetryStrategy": {"Attempts": 3}}
    detail = stand.task(SUBMIT + ".sync", parameters, functions={"batch/load": flaky}).output.value
    assert len(detail["Attempts"]) == 2


def test_an_attempt_that_takes_too_long_is_not_tried_again(stand: Any) -> None:
    """The job's own time-out fails the job, not the state."""
    parameters = {**JOB, "Timeout": {"AttemptDurationSeconds": 60}, "RetryStrategy": {"Attempts": 2}}
    execution = stand.task(SUBMIT + ".sync", parameters, functions=ends(after="1h"))
    detail = json.loads(execution.cause)
    assert (execution.error, detail["StatusReason"]) == ("States.TaskFailed", "Job attempt duration exceeded timeout")
    assert len(detail["Attempts"]) == 1


def test_all_children_of_an_array_are_waited_for(stand: Any) -> None:
    """One that fails, fails the job."""

    def child(event: str) -> InvocationResult:
        return InvocationResult(str(int(json.loads(event)["arrayIndex"] == 2)))

    parameters = {**JOB, "ArrayProperties": {"Size": 3}}
    execution = stand.task(SUBMIT + ".sync", parameters, functions={"batch/load": child})
    assert execution.error == "States.TaskFailed"
    assert json.loads(execution.cause)["ArrayProperties"]["Size"] == 3
    assert sorted(json.loads(event)["arrayIndex"] for event in stand.events) == [0, 1, 2]


def test_the_account_knows_the_job_s_end(cloud: Any, stand: Any) -> None:
    """DescribeJobs tells it, and that of a job which nobody waits for."""
    submit = {"Type": "Task", "Resource": SUBMIT, "Parameters": JOB, "Next": "W"}
    machine = {"StartAt": "S", "States": {"S": submit, "W": {"Type": "Wait", "Seconds": 60, "End": True}}}
    execution = stand.run(machine, functions=ends(4, after="30s"))
    job = cloud.client("batch").describe_jobs(jobs=[execution.output.value["JobId"]])["jobs"][0]
    assert (job["status"], job["attempts"][0]["container"]["exitCode"]) == ("FAILED", 4)


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({**JOB, "JobQueue": "no"}, "Batch.ClientException"),
        ({**JOB, "JobDefinition": "no"}, "Batch.ClientException"),
        ({**JOB, "DependsOn": [{"JobId": "x"}]}, "States.Runtime"),
    ],
)
def test_a_refused_job_fails_the_task(stand: Any, parameters: Any, error: str) -> None:
    """By the service's own name for it, or naming what is not supported."""
    assert stand.task(SUBMIT, parameters, functions=ends()).error == error


def test_what_nothing_runs_is_an_error_that_says_what_to_write(stand: Any) -> None:
    """By the job definition's name."""
    execution = stand.task(SUBMIT + ".sync", JOB)
    assert execution.error == "States.Runtime"
    assert 'batch_jobs: {"load": {handler:' in execution.cause


def test_the_task_s_own_time_is_states_timeout(stand: Any) -> None:
    """The job is ended with it."""
    execution = stand.task(SUBMIT + ".sync", JOB, functions=ends(after="1h"), fields={"TimeoutSeconds": 5})
    assert execution.error == "States.Timeout"
