"""Every quota that a scenario may name is one that some model asks for, and those without a test of their own bite."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepsim.runtime.cloud.quotas import AWS_QUOTAS, QUOTAS
from stepsim.runtime.effects import NotBefore, Program
from stepsim.runtime.map_quotas import paced
from stepsim.runtime.runner import simulate
from stepsim.runtime.scenario import load_scenario
from stepsim.runtime.scheduler import Scheduler

_CODE = """
import boto3


def tell(event, context):
    entries = [{"Source": "me", "DetailType": "told", "Detail": "{}"}]
    failed = 0
    for _ in range(event.get("times", 1)):
        failed += boto3.client("events").put_events(Entries=entries)["FailedEntryCount"]
    return {"failed": failed}


def start(event, context):
    client = boto3.client("stepfunctions")
    for _ in range(event["times"]):
        client.start_execution(stateMachineArn="arn:aws:states:us-east-1:123456789012:stateMachine:quick")
    return {}


def take(event, context):
    client = boto3.client("sqs")
    url = client.get_queue_url(QueueName="work")["QueueUrl"]
    for number in range(4):
        client.send_message(QueueUrl=url, MessageBody=str(number))
    taken = [len(client.receive_message(QueueUrl=url).get("Messages", [])) for _ in range(2)]
    try:
        client.receive_message(QueueUrl=url)
    except client.exceptions.ClientError as error:
        return {"taken": sum(taken), "then": error.response["Error"]["Code"]}
    return {"taken": sum(taken), "then": None}


def read(event, context):
    table = boto3.resource("dynamodb").Table("things")
    for number in range(60):
        table.get_item(Key={"pk": str(number)}, ConsistentRead=True)
    return {}
"""


class _Watched(Mapping[str, float | None]):
    """Quotas that remember which of them were asked for."""

    def __init__(self, quotas: Mapping[str, float | None]) -> None:
        self._quotas = quotas
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> float | None:
        self.asked.add(name)
        return self._quotas[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._quotas)

    def __len__(self) -> int:
        return len(self._quotas)


def _invoke(function: str, **more: Any) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": function, "Payload.$": "$"},
        "OutputPath": "$.Payload",
        **more,
    }


def _map(mode: str, iterator: dict[str, Any], inner: str = "Do", **more: Any) -> dict[str, Any]:
    config = {"Mode": "INLINE"} if mode == "INLINE" else {"Mode": "DISTRIBUTED", "ExecutionType": mode}
    processor = {"ProcessorConfig": config, "StartAt": inner, "States": {inner: {**iterator, "End": True}}}
    return {"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": processor, "ResultPath": None, **more}


_QUERY = {
    "Type": "Task",
    "Resource": "arn:aws:states:::athena:startQueryExecution",
    "Parameters": {"QueryString": "select 1", "WorkGroup": "primary"},
    "ResultPath": None,
}
_CONTAINER = {
    "Type": "Task",
    "Resource": "arn:aws:states:::ecs:runTask",
    "Parameters": {"LaunchType": "FARGATE", "TaskDefinition": "job"},
    "ResultPath": None,
}
_PASS = {"Type": "Pass"}


def _scenario(folder: Path, state: dict[str, Any], quotas: str = "", more: str = "") -> Path:
    (folder / "code.py").write_text(_CODE)
    (folder / "quick.json").write_text('{"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}')
    states = state if "StartAt" in state else {"StartAt": "Only", "States": {"Only": {**state, "End": True}}}
    (folder / "m.json").write_text(json.dumps(states))
    file = folder / "s.yaml"
    file.write_text(
        "definition: m.json\n"
        "latency: none\n"
        f"quotas: {{{quotas}}}\n"
        "machines: {quick: {definition: quick.json, type: EXPRESS}}\n"
        "functions:\n"
        "  Tell: {handler: 'code:tell', timeout_s: 60}\n"
        "  Start: {handler: 'code:start', timeout_s: 900}\n"
        "  Take: {handler: 'code:take', timeout_s: 60}\n"
        "  Read: {handler: 'code:read', timeout_s: 900}\n"
        "  Quick: {returns: 1}\n"
        f"{'containers: {job: {duration: 1s, memory_mb: 512}}' if 'ecs:runTask' in json.dumps(states) else ''}\n"
        "cloud:\n"
        "  buckets: {inbox: {}}\n"
        "  tables: {things: {partition_key: pk}}\n"
        "  queues: {work: {}}\n"
        "  apis: {api: {routes: {'GET /': Quick}}}\n"
        "  triggers: [{at: 1s, via: [eventbridge], invoke: Quick}]\n"
        f"{more}"
    )
    return file


def _report(folder: Path, state: dict[str, Any], quotas: str = "", more: str = "") -> dict[str, Any]:
    return simulate(load_scenario(_scenario(folder, state, quotas, more)))


def _all_models() -> dict[str, Any]:
    """A machine that makes use of every model, one after the other."""
    steps = {
        "Inline": _map("INLINE", _PASS),
        "Express": _map("EXPRESS", _PASS, "DoExpress"),
        "Standard": _map("STANDARD", _PASS, "DoStandard"),
        "Tell": _invoke("Tell"),
        "Read": _invoke("Read"),
        "Take": _invoke("Take"),
        "Query": _QUERY,
        "Container": _CONTAINER,
    }
    names = [*steps]
    for name, following in pairwise(names):
        steps[name] = {**steps[name], "Next": following}
    steps[names[-1]] = {**steps[names[-1]], "End": True}
    return {"StartAt": names[0], "States": steps}


def test_every_quota_is_asked_for(tmp_path: Path) -> None:
    """A run that makes use of every model looks every quota up: none is accepted and ignored."""
    file = _scenario(tmp_path, _all_models(), more="input: {items: [1, 2]}\n")
    watched = _Watched(AWS_QUOTAS)

    report = simulate(replace(load_scenario(file), quotas=watched))

    assert report["execution"]["status"] == "SUCCEEDED"
    assert watched.asked == set(QUOTAS)


@pytest.mark.parametrize("name", [name for name in QUOTAS if name.startswith(("map_run", "open", "state", "inline"))])
def test_a_quota_of_nothing_is_one(tmp_path: Path, name: str) -> None:
    """With 0 the run comes to an end all the same: it fails, or what it waits for never comes and it times out."""
    execution = _report(tmp_path, _all_models(), f"{name}: 0", "input: {items: [1, 2]}\n")["execution"]

    assert execution["status"] in ("SUCCEEDED", "FAILED", "TIMED_OUT")


@given(rate=st.one_of(st.integers(1, 2000), st.floats(0.2, 50)), pauses=st.lists(st.integers(0, 3_000), max_size=60))
def test_children_start_at_their_rate(rate: float, pauses: list[int]) -> None:
    """Counted one by one: no second, whenever it begins, has more starts than the rate allows."""
    scheduler = Scheduler(lambda _ticket, _request: None)
    starts: list[int] = []
    children = paced(iter([_nothing() for _ in pauses]), rate, scheduler)
    for pause in pauses:
        scheduler.advance(scheduler.now_ms + pause)
        given_out = next(children)
        while isinstance(given_out, NotBefore):
            scheduler.advance(given_out.until_ms)
            given_out = next(children)
        starts.append(scheduler.now_ms)

    for begins in starts:
        assert sum(begins <= each < begins + 1000 for each in starts) <= max(1, math.ceil(rate))


def _nothing() -> Program:
    yield from ()


def test_starts_of_express_executions_are_limited(tmp_path: Path) -> None:
    """Above the bucket StartExecution is throttled, and botocore tries again."""
    quotas = "start_execution_express_bucket: 2, start_execution_express_rate: 1"
    report = _report(tmp_path, _invoke("Start"), quotas, "input: {times: 4}\n")

    assert report["calls"]["stepfunctions.StartExecution"]["throttled"] > 0
    assert (
        report["executions"]["by_machine"]["quick"]["started"]
        < report["calls"]["stepfunctions.StartExecution"]["count"]
    )


def test_map_runs_wait_for_others_to_close(tmp_path: Path) -> None:
    """One open map run at a time: two that each take ten seconds take twenty."""
    wait = {"Type": "Wait", "Seconds": 10}
    branch = {"StartAt": "Each", "States": {"Each": {**_map("EXPRESS", wait), "End": True}}}
    other = {"StartAt": "Other", "States": {"Other": {**_map("EXPRESS", wait, "Also"), "End": True}}}
    both = {"Type": "Parallel", "Branches": [branch, other]}

    together = _report(tmp_path, both, more="input: {items: [1]}\n")["execution"]
    apart = _report(tmp_path, both, "open_map_runs: 1", "input: {items: [1]}\n")["execution"]

    assert _seconds(apart) == _seconds(together) + 10


def _seconds(execution: Mapping[str, Any]) -> float:
    minutes, seconds = execution["stopDate"].rstrip("Z").split(":")[-2:]
    return int(minutes) * 60 + float(seconds)


def test_a_map_run_notices_failures_later(tmp_path: Path) -> None:
    """While the failure is not noticed, further children are started."""
    items = json.dumps([*range(60)])
    failing = _map("EXPRESS", {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:Bad"})
    failing["MaxConcurrency"] = 1
    more = f"input: {{items: {items}}}\ntasks: {{Do: {{duration: 1s, errors: [{{error: Bad, probability: 1}}]}}}}\n"

    at_once = _report(tmp_path, failing, more=more)["map_runs"]["Only"]["executionCounts"]
    later = _report(tmp_path, failing, "map_run_failure_lag: 5s", more)["map_runs"]["Only"]["executionCounts"]

    assert (at_once["failed"], later["failed"]) == (1, 6)


def test_invocations_a_second_go_with_the_concurrency(tmp_path: Path) -> None:
    """Ten environments that may be asked once a second each serve ten invocations in one."""
    quotas = "lambda_concurrency: 10, lambda_requests_per_environment: 1"
    states = _map("INLINE", _invoke("Quick"), MaxConcurrency=1)
    calm = {"ErrorEquals": ["Lambda.TooManyRequestsException"], "IntervalSeconds": 1, "MaxAttempts": 20}
    states["ItemProcessor"]["States"]["Do"]["Retry"] = [calm]

    report = _report(tmp_path, states, quotas, f"input: {{items: {json.dumps([*range(15)])}}}\n")

    assert report["functions"]["Quick"]["throttles"] > 0


def test_messages_in_flight_are_limited(tmp_path: Path) -> None:
    """Once as many are received and not deleted, ReceiveMessage is refused as AWS does it."""
    report = _report(tmp_path, _invoke("Take"), "sqs_in_flight: 2", "input: {}\n")

    assert report["execution"]["output"] == {"taken": 2, "then": "OverLimit"}


def test_events_are_put_at_a_rate(tmp_path: Path) -> None:
    """PutEvents above the rate is throttled, and botocore tries again."""
    report = _report(tmp_path, _invoke("Tell"), "events_put_rate: 2", "input: {times: 4}\n")

    assert report["calls"]["events.PutEvents"]["throttled"] > 0


def test_queries_are_started_at_a_rate(tmp_path: Path) -> None:
    """StartQueryExecution above its bucket is refused."""
    retried = {**_QUERY, "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 2}]}
    states = _map("INLINE", retried)

    report = _report(tmp_path, states, "athena_start_bucket: 1, athena_start_rate: 1", "input: {items: [1, 2]}\n")

    assert report["calls"]["athena.StartQueryExecution"]["throttled"] == 1


def test_reads_of_a_table_on_demand_are_limited(tmp_path: Path) -> None:
    """No table on demand is read faster than the account's quota for one."""
    quotas = "dynamodb_table_rcu: 10, dynamodb_initial_rcu: 10, dynamodb_burst: 0"
    report = _report(tmp_path, _invoke("Read"), quotas, "input: {}\n")

    assert report["tables"]["things"]["throttled_reads"] > 0
