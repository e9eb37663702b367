"""Both verbs on small scenarios: what a scenario says reaches the code that runs, and its mistakes are named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stepsim.runtime import runner
from stepsim.runtime.scenario import load_scenario

CALLER = """
import os, time
import boto3
s3 = boto3.client("s3")
def handler(event, context):
    started = time.monotonic()
    s3.put_object(Bucket="things", Key="k", Body=b"x")
    return {"mode": os.environ["MODE"], "slow": time.monotonic() - started >= 0.2}
"""

TASK = (
    '{"StartAt": "A", "States": {"A": {"Type": "Task", "End": true,'
    ' "Resource": "arn:aws:lambda:us-east-1:123456789012:function:F"}}}'
)

SCENARIO = """
definition: machine.asl.json
input: {Items: [1, 2, 3]}
latency: none
cloud: {buckets: {things: {}}, queues: {QUEUE: {}}}
functions:
  F: {handler: "code:handler", env: {MODE: blue}, timeout_s: 30, duration: {linear: {base: 1s, per_item: 2s}}}
faults: [{call: s3.PutObject, delay: 200ms}]
"""


@pytest.fixture
def scenario(tmp_path: Path) -> Callable[..., Any]:
    """Writes the scenario, with another queue's name or other code, and loads it."""

    def load(queue: str = "orders", code: str = CALLER) -> Any:
        (tmp_path / "machine.asl.json").write_text(TASK)
        (tmp_path / "code.py").write_text(code)
        (tmp_path / "scenario.yaml").write_text(SCENARIO.replace("QUEUE", queue))
        return load_scenario(tmp_path / "scenario.yaml")

    return load


@pytest.mark.parametrize("verb", [runner.simulate, runner.run])
def test_a_functions_environment_and_a_calls_delay_reach_its_code(scenario: Any, verb: Any) -> None:
    """On either clock the handler sees its variables and waits for the slow call."""
    report = verb(scenario())
    assert report["execution"]["output"] == {"mode": "blue", "slow": True}
    assert report["calls"]["s3.PutObject"] == {"count": 1, "throttled": 0, "faults": 1}


def test_a_duration_by_items_counts_a_handlers_items(scenario: Any) -> None:
    """One second, two more for each of three items, and the call's delay: all of it virtual."""
    assert runner.simulate(scenario())["makespan_s"] == 7.2


@pytest.mark.parametrize("verb", [runner.simulate, runner.run])
def test_what_aws_would_refuse_to_make_is_named(scenario: Any, verb: Any) -> None:
    """The message says which key of the scenario it is, and why."""
    with pytest.raises(runner.RunError, match=r"cloud\.queues cannot be made: .*alphanumeric"):
        verb(scenario(queue="a queue"))


@pytest.mark.parametrize("verb", [runner.simulate, runner.run])
@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("def handler(event, context):\n    raise KeyError('x')\n", "KeyError"),
        ("def handler(event, context):\n    return {1, 2}\n", "Runtime.MarshalError"),
        ("import sys\ndef handler(event, context):\n    sys.exit(3)\n", "Runtime.ExitError"),
        (
            "import boto3\ndef handler(event, context):\n    boto3.client('s3').get_object(Bucket='no', Key='k')\n",
            "NoSuchBucket",
        ),
    ],
)
def test_both_clocks_agree_on_how_a_function_fails(scenario: Any, verb: Any, code: str, error: str) -> None:
    """The error has Lambda's name for it, whoever ran the code."""
    report = verb(scenario(code=code))
    assert (report["execution"]["status"], report["execution"]["error"]) == ("FAILED", error)


def test_the_iterations_of_a_map_have_dice_of_their_own(tmp_path: Path) -> None:
    """Two iterations of the same state do not take the same time."""
    task = '{"Type": "Task", "End": true, "Resource": "arn:aws:lambda:us-east-1:123456789012:function:F"}'
    states = '{"M": {"Type": "Map", "End": true, "ItemProcessor": {"StartAt": "T", "States": {"T": TASK}}}}'
    text = '{"StartAt": "M", "States": STATES}'.replace("STATES", states.replace("TASK", task))
    (tmp_path / "machine.asl.json").write_text(text)
    (tmp_path / "scenario.yaml").write_text(
        "definition: machine.asl.json\ninput: [1, 2, 3, 4]\n"
        "functions: {F: {returns: 1, timeout_s: 60, duration: {uniform: {min_ms: 1000, max_ms: 9000}}}}\n"
    )
    durations = runner.simulate(load_scenario(tmp_path / "scenario.yaml"))["functions"]["F"]["duration_ms"]
    assert durations["p50"] < durations["max"]


TOKEN = """
import boto3


def handler(event, context):
    boto3.client("stepfunctions").send_task_success(taskToken=event["token"], output='"sent"')
"""


@pytest.mark.parametrize("verb", [runner.simulate, runner.run])
def test_a_functions_answer_to_a_task_token_arrives(scenario: Any, tmp_path: Path, verb: Any) -> None:
    """On either clock the call goes to the executions, and not to moto's."""
    loaded = scenario(code=TOKEN)
    (tmp_path / "machine.asl.json").write_text(
        '{"StartAt": "A", "States": {"A": {"Type": "Task", "End": true, "TimeoutSeconds": 20,'
        ' "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",'
        ' "Parameters": {"FunctionName": "F", "Payload": {"token.$": "$$.Task.Token"}}}}}'
    )
    report = verb(loaded)
    assert report["execution"]["output"] == "sent"
    assert list(report["calls"]) == ["stepfunctions.SendTaskSuccess"]


def test_ctrl_c_stops_a_run_that_is_still_being_set_up(scenario: Any, tmp_path: Path) -> None:
    """It comes while the account is made (here, from a generator's module), and what is begun then ends ABORTED."""
    scenario()
    (tmp_path / "bodies.py").write_text(
        "import signal\nsignal.raise_signal(signal.SIGINT)\ndef body(n, random):\n    return b''\n"
    )
    generated = "cloud.buckets.things.generate={count: 1, key: 'k{n}', body: 'bodies:body'}"
    loaded = load_scenario(tmp_path / "scenario.yaml", [generated])
    assert runner.run(loaded)["execution"]["error"] == "stepsim.Interrupted"


@pytest.mark.parametrize("verb", [runner.simulate, runner.run])
@pytest.mark.parametrize("bucket", ["", "No_bucket!"])
def test_a_result_writers_bucket_that_cannot_be_one_fails_its_map(tmp_path: Path, verb: Any, bucket: str) -> None:
    """What boto3 itself refuses is a failure that the machine can catch, as for an ItemReader."""
    map_state = {
        "Type": "Map",
        "ItemsPath": "$.items",
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"},
            "StartAt": "P",
            "States": {"P": {"Type": "Pass", "End": True}},
        },
        "ResultWriter": {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket.$": "$.bucket"}},
        "End": True,
    }
    (tmp_path / "machine.asl.json").write_text(json.dumps({"StartAt": "M", "States": {"M": map_state}}))
    (tmp_path / "scenario.yaml").write_text(
        "definition: machine.asl.json\ncloud: {buckets: {things: {}}}\n"
        f"input: {json.dumps({'items': [1], 'bucket': bucket})}\n"
    )
    report = verb(load_scenario(tmp_path / "scenario.yaml"))
    assert report["execution"]["error"] == "States.ResultWriterFailed"
    assert f'Invalid bucket name "{bucket}"' in report["execution"]["cause"]
    assert report["map_runs"]["M"]["status"] == "FAILED"
