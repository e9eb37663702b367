"""Whole simulations above their account's quotas: what is throttled, what waits, and what it comes to."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from stepsim.runtime import runner
from stepsim.runtime.scenario import ScenarioError, load_scenario
from stepsim.runtime.watch import RunError

PREFIX = "arn:aws:states:us-east-1:123456789012"
LAMBDA = "arn:aws:lambda:us-east-1:123456789012:function"
TASK: dict[str, Any] = {"Type": "Task", "Resource": f"{LAMBDA}:F", "End": True}

Simulate: TypeAlias = Callable[..., dict[str, Any]]


@pytest.fixture
def simulate(tmp_path: Path) -> Simulate:
    """Simulates a machine of these states, the first one first, with these keys in its scenario."""

    def simulated(states: dict[str, Any], sets: tuple[str, ...] = (), **keys: Any) -> dict[str, Any]:
        machine = {"StartAt": next(iter(states)), "States": states}
        (tmp_path / "machine.asl.json").write_text(json.dumps(machine))
        scenario = {"definition": "machine.asl.json", "latency": "none", **keys}
        (tmp_path / "scenario.yaml").write_text(json.dumps(scenario))
        return runner.simulate(load_scenario(tmp_path / "scenario.yaml", sets))

    return simulated


def each(execution_type: str, work: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A distributed Map of one state over the input."""
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": execution_type},
        "StartAt": "Work",
        "States": {"Work": work},
    }
    return {"Type": "Map", "End": True, "ItemProcessor": processor, "ResultPath": None, **fields}


# -- Lambda -------------------------------------------------------------------------------------------------------


def test_a_cold_function_throttles_a_wide_map_until_it_has_grown(simulate: Simulate) -> None:
    """5,000 children, 3,000 at a time, on a function that may add 1,000 environments in 10 s: all succeed by retries.

    It cannot have had more environments than the rate lets it add, so it takes longer than two rounds of 20 s.
    """
    retry = {"ErrorEquals": ["Lambda.TooManyRequestsException"], "IntervalSeconds": 2, "MaxAttempts": 30}
    report = simulate(
        {"Each": each("EXPRESS", TASK | {"Retry": [retry | {"BackoffRate": 1}]}, MaxConcurrency=3_000)},
        input=list(range(5_000)),
        functions={"F": {"returns": 1, "duration": "20s", "timeout_s": 30, "cold_start": "200ms"}},
        quotas={"lambda_concurrency": 5_000, "map_run_start_rate_express": "none"},
    )
    function = report["functions"]["F"]
    assert report["map_runs"]["Each"]["itemCounts"]["succeeded"] == 5_000
    assert function["throttles"] == report["states"]["Work"]["retries"]["Lambda.TooManyRequestsException"] > 2_000
    assert 1_000 < function["cold_starts"] <= 1_000 + 100 * report["makespan_s"]
    assert function["cold_starts"] == function["max_concurrency_seen"] <= 3_000
    assert report["makespan_s"] > 40
    assert function["init_ms"] == {"mean": 200, "p50": 200, "p99": 200, "max": 200}


def test_without_the_scaling_rate_only_concurrency_counts(simulate: Simulate) -> None:
    """The same children in two rounds."""
    report = simulate(
        {"Each": each("EXPRESS", TASK, MaxConcurrency=3_000)},
        input=list(range(5_000)),
        functions={"F": {"returns": 1, "duration": "20s", "timeout_s": 30}},
        quotas={"lambda_concurrency": 5_000, "map_run_start_rate_express": "none", "lambda_scaling_rate": "none"},
    )
    assert report["functions"]["F"]["throttles"] == 0
    assert report["makespan_s"] == 40


def test_a_throttle_says_which_limit_it_was(simulate: Simulate) -> None:
    """Step Functions names it Lambda.TooManyRequestsException and does not try again by itself."""
    report = simulate({"A": TASK}, functions={"F": {"returns": 1, "reserved_concurrency": 0}})
    assert report["execution"]["error"] == "Lambda.TooManyRequestsException"
    assert report["execution"]["cause"].startswith("Rate Exceeded. (Service: AWSLambda; Status Code: 429;")


def test_a_cold_start_takes_time_and_is_billed(simulate: Simulate) -> None:
    """The first of two invocations waits for its environment; INIT is billed since August 2025."""
    states = {"A": {**TASK, "Next": "B"}, "B": TASK}
    del states["A"]["End"]
    report = simulate(states, functions={"F": {"returns": 1, "duration": "1s", "cold_start": "2s", "memory_mb": 1024}})
    assert report["makespan_s"] == 4
    assert report["functions"]["F"]["cold_starts"] == 1
    assert report["cost"]["lines"]["lambda.gb_second"]["quantity"] == 4


def test_a_cold_start_is_drawn_where_nobody_says(simulate: Simulate) -> None:
    """100 to 400 ms; where AWS calls take no time, none."""
    functions = {"F": {"returns": 1}}
    init_ms = simulate({"A": TASK}, functions=functions, latency="aws")["functions"]["F"]["init_ms"]
    assert 100 <= init_ms["max"] <= 400
    assert simulate({"A": TASK}, functions=functions)["functions"]["F"]["init_ms"] == {}


def test_a_cold_start_may_take_as_long_as_init(simulate: Simulate) -> None:
    """Ten seconds; a scenario that says more is refused, and a draw above them ends there."""
    assert simulate({"A": TASK}, functions={"F": {"returns": 1, "cold_start": "10s"}})["makespan_s"] == 10
    with pytest.raises(ScenarioError, match="Lambda lets an environment begin for 10s"):
        simulate({"A": TASK}, functions={"F": {"returns": 1, "cold_start": "1m"}})
    long = {"uniform": {"min_ms": 20_000, "max_ms": 30_000}}
    assert simulate({"A": TASK}, functions={"F": {"returns": 1, "cold_start": long}})["makespan_s"] == 10


def test_environments_are_cold_again_after_ten_minutes(simulate: Simulate) -> None:
    """A wait of ten minutes between two invocations costs another cold start."""
    wait = {"Type": "Wait", "Seconds": 600, "Next": "B"}
    states = {"A": {**{k: v for k, v in TASK.items() if k != "End"}, "Next": "W"}, "W": wait, "B": TASK}
    report = simulate(states, functions={"F": {"returns": 1, "cold_start": "100ms"}})
    assert report["functions"]["F"]["cold_starts"] == 2


@pytest.mark.parametrize(
    ("memory_mb", "seconds", "gb_seconds"),
    [(128, 55.781, 6.972625), (1_769, 4.5, 7.773926), (3_538, 4.5, 15.547852)],
)
def test_memory_buys_time(simulate: Simulate, memory_mb: int, seconds: float, gb_seconds: float) -> None:
    """4 s of computing on one vCPU (1,769 MB) and half a second of waiting: one thread gains nothing from a second."""
    report = simulate(
        {"A": TASK},
        (f"functions.F.memory_mb={memory_mb}",),
        functions={"F": {"returns": 1, "duration": {"cpu": {"work": "4s", "wait": "500ms"}}, "timeout_s": 900}},
    )
    assert report["makespan_s"] == seconds
    assert report["cost"]["lines"]["lambda.gb_second"]["quantity"] == gb_seconds


def test_only_lambda_knows_how_fast_it_computes(simulate: Simulate) -> None:
    """A task that is modelled has no memory."""
    task = {**TASK, "Resource": "arn:aws:states:::sns:publish", "Parameters": {}}
    with pytest.raises(ScenarioError, match=r"tasks\.A\.duration: duration\.cpu: only the memory of a Lambda function"):
        simulate({"A": task}, tasks={"A": {"duration": {"cpu": {"work": "4s"}}}})


def test_100_of_the_concurrency_stay_unreserved(simulate: Simulate) -> None:
    """Lambda refuses to reserve more, so a scenario that does is wrong."""
    functions = {name: {"returns": 1, "reserved_concurrency": 451} for name in ("F", "G")}
    message = r"functions\.G\.reserved_concurrency: 902 of 1000 would be reserved: 100 must stay unreserved"
    with pytest.raises(ScenarioError, match=message):
        simulate({"A": TASK}, functions=functions)


EVENT: dict[str, Any] = {
    "Type": "Task",
    "Resource": "arn:aws:states:::lambda:invoke",
    "Parameters": {"FunctionName": "F", "InvocationType": "Event", "Payload": {"n": 1}},
}


def queue_read(name: str) -> dict[str, Any]:
    """A task that receives a message."""
    parameters = {
        "QueueUrl": f"https://sqs.us-east-1.amazonaws.com/123456789012/{name}",
        "MessageAttributeNames": ["All"],
    }
    return {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:sqs:receiveMessage", "Parameters": parameters}


def test_events_that_fail_end_in_the_functions_queues(simulate: Simulate) -> None:
    """After two retries, one and two minutes later: the event as a dead letter, its record at the destination."""
    states = {
        "Send": EVENT | {"Next": "Pause"},
        "Pause": {"Type": "Wait", "Seconds": 200, "Next": "Dead"},
        "Dead": queue_read("dead") | {"ResultPath": "$.dead", "Next": "Failed"},
        "Failed": queue_read("failed") | {"ResultPath": "$.failed", "End": True},
    }
    report = simulate(
        states,
        cloud={"queues": {"dead": {}, "failed": {}}},
        functions={
            "F": {
                "returns": 1,
                "errors": [{"error": "Boom", "probability": 1, "cause": "why"}],
                "dlq": "dead",
                "on_failure": {"queue": "failed"},
            }
        },
    )
    (dead,) = report["execution"]["output"]["dead"]["Messages"]
    assert (dead["Body"], dead["MessageAttributes"]["ErrorMessage"]["StringValue"]) == ('{"n":1}', "why")
    (failed,) = report["execution"]["output"]["failed"]["Messages"]
    context = json.loads(failed["Body"])["requestContext"]
    assert (context["condition"], context["approximateInvokeCount"]) == ("RetriesExhausted", 3)


def test_throttled_events_wait_in_lambdas_own_queue(simulate: Simulate) -> None:
    """While a slow invocation takes all of the concurrency, an event is tried after 1, 3 and 7 s, and then done."""
    states = {
        "Send": EVENT | {"Next": "Again"},
        "Again": EVENT | {"Next": "Pause"},
        "Pause": {"Type": "Wait", "Seconds": 20, "End": True},
    }
    report = simulate(
        states, functions={"F": {"returns": 1, "duration": "5s", "timeout_s": 9}}, quotas={"lambda_concurrency": 1}
    )
    assert (report["functions"]["F"]["invocations"], report["functions"]["F"]["throttles"]) == (2, 3)


def test_a_queue_that_is_not_there_is_named(simulate: Simulate) -> None:
    """With what may have been meant."""
    with pytest.raises(ScenarioError, match=r"functions\.F\.dlq: there is no queue 'ded' \(did you mean 'dead'\?\)"):
        simulate({"A": TASK}, cloud={"queues": {"dead": {}}}, functions={"F": {"returns": 1, "dlq": "ded"}})


# -- Step Functions -----------------------------------------------------------------------------------------------

STEPS: dict[str, Any] = {
    "Type": "Parallel",
    "End": True,
    "Branches": [{"StartAt": f"P{n}", "States": {f"P{n}": {"Type": "Pass", "End": True}}} for n in range(10)],
}


def test_throttled_transitions_wait(simulate: Simulate) -> None:
    """Eleven transitions, five at once and two a second: the last is made after three seconds, and nothing fails."""
    quotas = {"state_transition_bucket": 5, "state_transition_rate": 2}
    report = simulate({"All": STEPS}, quotas=quotas)
    assert (report["execution"]["status"], report["makespan_s"]) == ("SUCCEEDED", 3)
    assert (report["state_transitions"], report["throttled_transitions"]) == (11, 6)


def test_express_executions_have_no_transitions(simulate: Simulate) -> None:
    """They are not throttled."""
    quotas = {"state_transition_bucket": 1, "state_transition_rate": 0}
    report = simulate({"All": STEPS}, quotas=quotas, type="EXPRESS")
    assert (report["makespan_s"], report["throttled_transitions"]) == (0, 0)


def test_retries_are_transitions(simulate: Simulate) -> None:
    """Each waits for the bucket after its own interval."""
    retried = {**TASK, "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 2}]}
    report = simulate(
        {"A": retried},
        functions={"F": {"returns": 1}},
        faults=[{"function": "F", "attempt": attempt, "error": "Bad"} for attempt in (1, 2)],
        quotas={"state_transition_bucket": 1, "state_transition_rate": 0.1},
    )
    assert (report["makespan_s"], report["throttled_transitions"]) == (20, 2)


def test_standard_children_share_the_bucket(simulate: Simulate) -> None:
    """Their entries are transitions of the account's, as the Map's own is."""
    quotas = {"state_transition_bucket": 1, "state_transition_rate": 1, "map_run_start_rate_standard": "none"}
    passing = {"Type": "Pass", "End": True}
    report = simulate({"Each": each("STANDARD", passing)}, input=list(range(10)), quotas=quotas)
    assert (report["makespan_s"], report["throttled_transitions"]) == (10, 10)


@pytest.mark.parametrize(("execution_type", "seconds"), [("STANDARD", 3), ("EXPRESS", 0.3)])
def test_children_start_as_fast_as_aws_lets_them(simulate: Simulate, execution_type: str, seconds: float) -> None:
    """100 Standard and 1,000 Express children a second (service-quotas.html), whatever the scenario leaves unsaid."""
    passing = {"Type": "Pass", "End": True}
    report = simulate({"Each": each(execution_type, passing)}, input=list(range(300)))
    assert report["makespan_s"] == seconds


def test_an_execution_can_be_stopped_while_its_first_transition_waits(simulate: Simulate) -> None:
    """Its time-out does not wait for the bucket."""
    machine = {"type": "STANDARD", "definition": "machine.asl.json"}
    start = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Parameters": {"StateMachineArn": f"{PREFIX}:stateMachine:other"},
        "TimeoutSeconds": 30,
        "End": True,
    }
    quotas = {"state_transition_bucket": 1, "state_transition_rate": 0}
    report = simulate({"Start": start}, machines={"other": machine}, quotas=quotas)
    assert (report["execution"]["error"], report["makespan_s"]) == ("States.Timeout", 30)


DOUBLE: dict[str, Any] = {"StartAt": "D", "States": {"D": {"Type": "Wait", "Seconds": 60, "End": True}}}


@pytest.fixture
def starts(simulate: Simulate, tmp_path: Path) -> Simulate:
    """Simulates a machine beside which there is one called `double`."""
    (tmp_path / "double.asl.json").write_text(json.dumps(DOUBLE))

    def simulated(states: dict[str, Any], machine_type: str = "STANDARD", **keys: Any) -> dict[str, Any]:
        machines = {"double": {"definition": "double.asl.json", "type": machine_type}}
        return simulate(states, machines=machines, **keys)

    return simulated


def start(resource: str = "states:startExecution") -> dict[str, Any]:
    """A task that starts it, in each of some iterations."""
    task = {
        "Type": "Task",
        "Resource": f"arn:aws:states:::{resource}",
        "Parameters": {"StateMachineArn": f"{PREFIX}:stateMachine:double", "Input": {}},
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}],
        "End": True,
    }
    states = {"Start": task, "Caught": {"Type": "Pass", "End": True}}
    return {"Type": "Map", "End": True, "ItemProcessor": {"StartAt": "Start", "States": states}}


@pytest.mark.parametrize(
    ("resource", "error"),
    [
        ("states:startExecution", "StepFunctions.AWSStepFunctionsException"),
        ("aws-sdk:sfn:startExecution", "Sfn.SfnException"),
    ],
)
@pytest.mark.parametrize("machine_type", ["STANDARD", "EXPRESS"])
def test_starts_above_the_rate_fail_their_task(starts: Simulate, resource: str, error: str, machine_type: str) -> None:
    """ThrottlingException is in no model of the service, so the SDKs name their general exception."""
    express = "_express" if machine_type == "EXPRESS" else ""
    quotas = {f"start_execution{express}_bucket": 2, f"start_execution{express}_rate": 1}
    report = starts({"M": start(resource)}, machine_type, input=[1, 2, 3, 4], quotas=quotas)
    assert report["states"]["Start"]["caught"] == {error: 2}
    caught = [item["Cause"] for item in report["execution"]["output"] if "Cause" in item]
    assert all(cause.startswith("Rate exceeded (Service: ") for cause in caught)
    assert report["calls"]["stepfunctions.StartExecution"]["throttled"] == 2


def test_standard_and_express_machines_have_buckets_of_their_own(starts: Simulate) -> None:
    """A full bucket of the one does not concern the other."""
    quotas = {"start_execution_bucket": 0, "start_execution_rate": 0}
    report = starts({"M": start()}, "EXPRESS", input=[1, 2, 3], quotas=quotas)
    assert report["states"]["Start"]["caught"] == {}


def test_open_executions_are_limited(starts: Simulate) -> None:
    """The scenario's own is one of them; who comes too late is told ExecutionLimitExceeded."""
    report = starts({"M": start()}, input=[1, 2, 3], quotas={"open_executions": 3})
    assert report["states"]["Start"]["caught"] == {"StepFunctions.ExecutionLimitExceededException": 1}


def test_executions_that_have_ended_are_not_open(starts: Simulate) -> None:
    """Starts one after another never are too many."""
    sequence = start("states:startExecution.sync:2") | {"MaxConcurrency": 1}
    report = starts({"M": sequence}, input=[1, 2, 3], quotas={"open_executions": 2})
    assert (report["states"]["Start"]["caught"], report["makespan_s"]) == ({}, 180)


def test_botocore_tries_a_throttled_start_again(starts: Simulate, tmp_path: Path) -> None:
    """A handler's own StartExecution waits as botocore does, and is let through."""
    (tmp_path / "code.py").write_text(
        "import boto3\n"
        "def handler(event, context):\n"
        "    client = boto3.client('stepfunctions', region_name='us-east-1')\n"
        f"    arn = '{PREFIX}:stateMachine:double'\n"
        "    return [client.start_execution(stateMachineArn=arn)['ResponseMetadata']['RetryAttempts'] for _ in '123']\n"
    )
    report = starts(
        {"A": TASK},
        functions={"F": {"handler": "code:handler", "timeout_s": 60}},
        quotas={"start_execution_bucket": 1, "start_execution_rate": 1},
    )
    assert sum(report["execution"]["output"]) == report["calls"]["stepfunctions.StartExecution"]["throttled"] > 0


def test_express_executions_end_after_five_minutes(simulate: Simulate) -> None:
    """Whatever they wait for."""
    wait = {"Type": "Wait", "Seconds": 900, "End": True}
    report = simulate({"W": wait}, type="EXPRESS")
    assert (report["execution"]["status"], report["makespan_s"]) == ("TIMED_OUT", 300)


def test_a_model_of_no_task_is_refused(simulate: Simulate) -> None:
    """By its name, with the nearest one: a misspelled model would leave the task to be carried out."""
    with pytest.raises(RunError, match=r"tasks\.B models nothing"):
        simulate({"A": TASK}, functions={"F": {"returns": 1}}, tasks={"B": {"duration": "1s"}})
