"""Scenarios whose tasks run in containers and jobs, on both clocks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stepsim.runtime.runner import RunError, run, simulate
from stepsim.runtime.scenario import ScenarioError, load_scenario

CODE = """
import os, sys, time
import boto3

def main(event, context):
    time.sleep(float(os.environ["SECONDS"]))
    boto3.client("s3").put_object(Bucket="done", Key="size", Body=os.environ["SIZE"].encode())

def etl(event, context):
    if "--fail" in event["arguments"]:
        sys.exit(4)

def read(event, context):
    return boto3.client("s3").get_object(Bucket="done", Key="size")["Body"].read().decode()
"""

SCENARIO = """
definition: machine.json
cloud: {buckets: {done: {}}, clusters: [main], job_queues: [queue]}
functions: {Read: {handler: "code:read"}}
"""
LARGE = """
containers:
  large: {handler: "code:main", env: {SECONDS: "30", SIZE: "0"}}
run: {set: {containers.large.env.SECONDS: "0"}}
"""
PAIR = """
containers:
  pair/app: {duration: 1m}
  pair/agent: {exit_code: 0, duration: 10m}
"""
JOBS = """
batch_jobs: {load: {exit_code: 3, duration: 5m}}
glue_jobs: {etl: {handler: "code:etl"}}
"""


def task(resource: str, parameters: Any, **more: Any) -> dict[str, Any]:
    end = {} if "Next" in more else {"End": True}
    return {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Parameters": parameters, **end, **more}


def scenario(folder: Path, clock: Any = "virtual", text: str = SCENARIO, **states: Any) -> Any:
    (folder / "code.py").write_text(CODE)
    (folder / "machine.json").write_text(json.dumps({"StartAt": next(iter(states)), "States": states}))
    (folder / "scenario.yaml").write_text(text)
    return load_scenario(folder / "scenario.yaml", clock=clock)


def large() -> dict[str, Any]:
    override = {"Name": "large", "Environment": [{"Name": "SIZE", "Value": "9"}]}
    parameters = {"Cluster": "main", "TaskDefinition": "large", "Overrides": {"ContainerOverrides": [override]}}
    return task("ecs:runTask.sync", parameters, Next="Read", ResultPath="$.task")


READ = task("lambda:invoke", {"FunctionName": "Read"}, OutputPath="$.Payload")


def test_a_container_runs_in_virtual_time(tmp_path: Path) -> None:
    """Its environment is that of the task definition, with the task's overrides over it."""
    report = simulate(scenario(tmp_path, text=SCENARIO + LARGE, Run=large(), Read=READ))
    assert report["execution"]["output"] == "9"
    assert 30 < report["makespan_s"] < 31
    assert report["functions"]["ecs/large"]["invocations"] == 1


def test_a_container_runs_on_the_system_clock(tmp_path: Path) -> None:
    """In a process of its own."""
    report = run(scenario(tmp_path, "system", SCENARIO + LARGE, Run=large(), Read=READ))
    assert report["execution"]["output"] == "9"


def test_containers_are_modelled_by_their_names(tmp_path: Path) -> None:
    """All that are named are essential: the first that ends, ends the task. Fargate provisions it first."""
    parameters = {"Cluster": "main", "TaskDefinition": "pair", "LaunchType": "FARGATE"}
    report = simulate(scenario(tmp_path, text=SCENARIO + PAIR, Run=task("ecs:runTask.sync", parameters)))
    assert [one["Name"] for one in report["execution"]["output"]["Containers"]] == ["app", "agent"]
    assert 60 + 45 < report["makespan_s"] < 60 + 51


def test_jobs_of_batch_and_glue(tmp_path: Path) -> None:
    """Their queue, definition and job are there; a failure is caught as on AWS."""
    catch = [{"ErrorEquals": ["States.TaskFailed"], "Next": "Etl"}]
    parameters = {"JobName": "x", "JobDefinition": "load", "JobQueue": "queue"}
    load = task("batch:submitJob.sync", parameters, Catch=catch)
    etl = task("glue:startJobRun.sync", {"JobName": "etl", "Arguments": {"--fail": "yes"}})
    report = simulate(scenario(tmp_path, text=SCENARIO + JOBS, Load=load, Etl=etl))
    assert report["states"]["Load"]["caught"] == {"States.TaskFailed": 1}
    assert json.loads(report["execution"]["cause"])["ErrorMessage"] == "SystemExit: 4"


def test_a_container_is_not_counted_as_a_function(tmp_path: Path) -> None:
    """Lambda's concurrency does not concern it, and a fault may strike it by its name."""
    text = (
        SCENARIO
        + PAIR
        + "quotas: {lambda_concurrency: 0}\nfaults: [{function: ecs/pair/app, error: Boom, cause: bang}]\n"
    )
    report = simulate(scenario(tmp_path, text=text, Run=task("ecs:runTask.sync", {"TaskDefinition": "pair"})))
    containers = json.loads(report["execution"]["cause"])["Containers"]
    assert (containers[0]["ExitCode"], containers[0]["Reason"]) == (1, "Boom: bang")


@pytest.mark.parametrize(
    ("job", "message"),
    [
        ("{handler: 'code:main', exit_code: 1}", "exit_code and errors model a job without code"),
        ("{exit_code: 300}", "a whole number from 0 to 255 expected"),
        ("{handler: 'missing:main'}", "there is neither a file"),
        ("{timeout_s: 3}", "unknown key 'timeout_s'"),
    ],
)
def test_what_is_wrong_with_a_job_is_told(tmp_path: Path, job: str, message: str) -> None:
    """With its key."""
    with pytest.raises(ScenarioError, match=message):
        scenario(tmp_path, text=f"definition: machine.json\nbatch_jobs: {{x: {job}}}\n", A={"Type": "Succeed"})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (LARGE, r"containers\.large models nothing: no Task of machine\.json starts .* \(known: pair\)"),
        (
            "containers: {pear/app: {duration: 1m}}",
            r"containers\.pear/app models nothing: .* \(did you mean 'pair'\?\)",
        ),
        ("batch_jobs: {lod: {}}", r"batch_jobs\.lod models nothing: .* \(did you mean 'load'\?\)"),
        ("glue_jobs: {etl: {}}", r"glue_jobs\.etl models nothing: .* \(there are none\)"),
    ],
)
def test_work_that_no_task_starts_is_refused(tmp_path: Path, text: str, told: str) -> None:
    """A misspelled name would leave the work to be missed when its Task comes up."""
    arn = "arn:aws:batch:us-east-1:123456789012:job-definition/load:3"
    load = task("batch:submitJob", {"JobName": "x", "JobDefinition": arn, "JobQueue": "queue"})
    pair = task("ecs:runTask", {"TaskDefinition": "pair:1"}, Next="Load")
    with pytest.raises(RunError, match=told):
        simulate(scenario(tmp_path, text=f"{SCENARIO}{text}\n", Run=pair, Load=load))


@pytest.mark.parametrize(
    "fields",
    [
        {"Parameters": {"TaskDefinition.$": "$.family", "Cluster": "main"}},
        {"QueryLanguage": "JSONata", "Arguments": {"TaskDefinition": "{% $states.input.family %}", "Cluster": "main"}},
        {"QueryLanguage": "JSONata", "Arguments": {"TaskDefinition": "pair", "Cluster": "main"}},
    ],
)
def test_a_name_that_is_computed_may_be_any(tmp_path: Path, fields: Any) -> None:
    """Only where all names stand in the definition is it known what none of them means; in either language."""
    state = {"Type": "Task", "Resource": "arn:aws:states:::ecs:runTask.sync", "End": True, **fields}
    text = SCENARIO + PAIR + "input: {family: pair}\n"
    assert simulate(scenario(tmp_path, text=text, Run=state))["execution"]["status"] == "SUCCEEDED"


def test_an_http_task_does_not_block_the_system_clock(tmp_path: Path, local_server: Any) -> None:
    """Two requests of two branches are under way at once: each is answered when the other has come."""
    from threading import Barrier

    barrier = Barrier(2, timeout=20)

    def together(path: str) -> tuple[int, dict[str, str], bytes]:
        barrier.wait()
        return 200, {"Content-Type": "application/json"}, b"1"

    local_server.answer = together
    call = task("apigateway:invoke", {"ApiEndpoint": local_server.url, "Method": "GET"}, OutputPath="$.ResponseBody")
    branch = {"StartAt": "Call", "States": {"Call": call}}
    other = {"StartAt": "Other", "States": {"Other": call}}
    both = {"Type": "Parallel", "Branches": [branch, other], "End": True}
    report = run(scenario(tmp_path, "system", text="definition: machine.json\n", Both=both))
    assert report["execution"]["output"] == [1, 1]
