"""glue:startJobRun: runs that moto registers and workers of the scenario carry out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stepsim.runtime.functions import Function
from stepsim.workers.durations import parse_duration
from stepsim.workers.modelled import Model
from stepsim.workers.worker import InvocationResult

START = "arn:aws:states:::glue:startJobRun"


@pytest.fixture(scope="module", autouse=True)
def resources(cloud: Any) -> None:
    command = {"Name": "glueetl", "ScriptLocation": "s3://bucket/etl.py"}
    cloud.client("glue").create_job(Name="etl", Role="role", Command=command, DefaultArguments={"--day": "monday"})


def ends(exit_code: int = 0, after: str = "1ms") -> dict[str, Any]:
    """The worker of the job: it ends so, after some time."""
    model = Model(returns=exit_code, duration=parse_duration(after, "duration"))
    return {"glue/etl": Function("glue/etl", model, timeout_ms=10**10, in_lambda=False)}


def test_a_run_is_waited_for(stand: Any) -> None:
    """The result is its JobRun."""
    execution = stand.task(START + ".sync", {"JobName": "etl"}, functions=ends(after="90s"))
    assert execution.output is not None, execution.cause
    run = execution.output.value
    assert (run["JobRunState"], run["JobName"], run["ExecutionTime"]) == ("SUCCEEDED", "etl", 90)
    submitted = next(event.details for event in execution.history if event.type == "TaskSubmitted")
    assert json.loads(submitted["output"])["JobRunId"] == run["Id"]


def test_the_code_gets_its_arguments(stand: Any) -> None:
    """The run's own go over the job's."""
    parameters = {"JobName": "etl", "Arguments": {"--size": "1"}}
    stand.task(START + ".sync", parameters, functions={"glue/etl": lambda event: InvocationResult("null")})
    assert json.loads(stand.events[0])["arguments"] == {"--day": "monday", "--size": "1"}


def test_a_failed_run_fails_the_task(stand: Any) -> None:
    """With its JobRun as the cause."""
    failure = InvocationResult('{"errorMessage": "no rows", "errorType": "ValueError"}', "Unhandled")
    execution = stand.task(START + ".sync", {"JobName": "etl"}, functions={"glue/etl": lambda event: failure})
    assert execution.error == "States.TaskFailed"
    run = json.loads(execution.cause)
    assert (run["JobRunState"], run["ErrorMessage"]) == ("FAILED", "ValueError: no rows")


def test_a_run_has_a_time_out_of_its_own(stand: Any) -> None:
    """In minutes; its state is TIMEOUT then."""
    parameters = {"JobName": "etl", "Timeout": 2}
    execution = stand.task(START + ".sync", parameters, functions=ends(after="1h"))
    assert (execution.error, json.loads(execution.cause)["JobRunState"]) == ("States.TaskFailed", "TIMEOUT")


def test_a_job_runs_once_at_a_time(stand: Any) -> None:
    """Its MaxConcurrentRuns is 1 unless it says otherwise; a run that goes on counts."""
    run = {"Type": "Task", "Resource": START, "Parameters": {"JobName": "etl"}}
    wait = {"Type": "Wait", "Seconds": 120, "End": True}
    machine = {"StartAt": "A", "States": {"A": {**run, "Next": "B"}, "B": {**run, "Next": "W"}, "W": wait}}
    catch = [{"ErrorEquals": ["Glue.ConcurrentRunsExceededException"], "Next": "W"}]
    machine["States"]["B"]["Catch"] = catch  # type: ignore[index]
    assert (
        stand.run(machine, functions=ends(after="60s")).output.value["Error"] == "Glue.ConcurrentRunsExceededException"
    )


def test_a_job_that_is_not_there_fails_the_task(stand: Any) -> None:
    """By Glue's own name for it."""
    assert stand.task(START, {"JobName": "no"}).error == "Glue.EntityNotFoundException"


def test_what_nothing_runs_is_an_error_that_says_what_to_write(stand: Any) -> None:
    """By the job's name."""
    assert 'glue_jobs: {"etl": {handler:' in stand.task(START, {"JobName": "etl"}).cause
