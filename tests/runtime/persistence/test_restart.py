"""What a directory keeps over the end of the process, however that comes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

PASS = {"StartAt": "P", "States": {"P": {"Type": "Pass", "Result": {"a": 1}, "End": True}}}
FAIL = {"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "E", "Cause": "because \udc80"}}}
WAIT = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 3600, "Next": "P"}, **PASS["States"]}}  # type: ignore[dict-item]
MAP = {
    "StartAt": "M",
    "States": {
        "M": {
            "Type": "Map",
            "Label": "all",
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                **PASS,
            },
            "End": True,
        }
    },
}


def died(server: Any) -> None:
    """The process is gone; the operating system gives its file up."""
    server.archivist._archive.close()


def test_all_that_was_told_of_an_execution_is_told_again(servers: Any, tmp_path: Path) -> None:
    """After a restart executions are described, listed, and their histories paged, as before."""
    before = servers(tmp_path)
    machine = before.machine(PASS)
    failing = before.machine(FAIL, "failing")
    arns = [before.start(machine, f"e{n}", {"n": n, "ä": "ö"}) for n in range(5)]
    arns.append(before.start(failing, "f"))
    told = [before.told(arn) for arn in arns]
    listed = before.pages("ListExecutions", "executions", stateMachineArn=machine, maxResults=2)
    died(before)

    after = servers(tmp_path)
    assert [after.told(arn) for arn in arns] == told
    assert after.pages("ListExecutions", "executions", stateMachineArn=machine, maxResults=2) == listed
    assert len(listed) == 5


def test_machines_versions_aliases_tags_and_activities_come_back(servers: Any, tmp_path: Path) -> None:
    """Whatever stands beside executions is there again, and an execution can be started of it."""
    before = servers(tmp_path)
    machine = before.machine(PASS, publish=True, versionDescription="first", tags=[{"key": "k", "value": "v"}])
    before.call("UpdateStateMachine", stateMachineArn=machine, definition=json.dumps(FAIL), publish=True)
    version = f"{machine}:1"
    route = [{"stateMachineVersionArn": version, "weight": 100}]
    alias = before.call("CreateStateMachineAlias", name="live", routingConfiguration=route)["stateMachineAliasArn"]
    activity = before.call("CreateActivity", name="hands")["activityArn"]
    gone = before.machine(PASS, "gone")
    before.call("DeleteStateMachine", stateMachineArn=gone)

    def told(server: Any) -> list[Any]:
        return [
            server.call("DescribeStateMachine", stateMachineArn=machine),
            server.call("DescribeStateMachine", stateMachineArn=version),
            server.call("DescribeStateMachineAlias", stateMachineAliasArn=alias),
            server.call("ListStateMachineVersions", stateMachineArn=machine),
            server.call("ListTagsForResource", resourceArn=machine),
            server.call("ListStateMachines"),
            server.call("DescribeActivity", activityArn=activity),
        ]

    expected = told(before)
    died(before)
    after = servers(tmp_path)
    assert told(after) == expected
    execution = after.call("StartExecution", stateMachineArn=alias)["executionArn"]
    assert after.call("DescribeExecution", executionArn=execution)["status"] == "SUCCEEDED"
    updated = after.call("UpdateStateMachine", stateMachineArn=machine, roleArn="arn:aws:iam::123456789012:role/other")
    assert "updateDate" in updated


@pytest.mark.parametrize("clean", [True, False])
def test_what_ran_when_the_process_ended_is_aborted(servers: Any, tmp_path: Path, clean: bool) -> None:
    """A running execution cannot go on: it is ABORTED, its history says why, and its name is taken."""
    before = servers(tmp_path)
    machine = before.machine(WAIT)
    arn = before.start(machine, "one")
    if clean:
        before.archivist.close()
    else:
        died(before)

    after = servers(tmp_path, now_ms=1_767_578_460_000)
    described, events = after.told(arn)
    assert (described["status"], described["error"]) == ("ABORTED", "stepsim.ServerStopped")
    assert "while the execution ran" in described["cause"]
    assert [event["type"] for event in events] == ["ExecutionStarted", "WaitStateEntered", "ExecutionAborted"]
    assert (events[-1]["id"], events[-1]["previousEventId"]) == (3, 0)
    assert events[-1]["executionAbortedEventDetails"]["error"] == "stepsim.ServerStopped"
    aborted = after.call("ListExecutions", stateMachineArn=machine, statusFilter="ABORTED")["executions"]
    assert [one["name"] for one in aborted] == ["one"]
    assert getattr(after.ask("StartExecution", stateMachineArn=machine, name="one"), "code", None) == (
        "ExecutionAlreadyExists"
    )


def test_map_runs_and_their_children_come_back(servers: Any, tmp_path: Path) -> None:
    """A map run is described and listed, and so are its children."""
    before = servers(tmp_path)
    arn = before.start(before.machine(MAP), "one", [1, 2, 3])

    def told(server: Any) -> list[Any]:
        (run,) = server.pages("ListMapRuns", "mapRuns", executionArn=arn)
        children = server.pages("ListExecutions", "executions", mapRunArn=run["mapRunArn"], maxResults=2)
        return [
            run,
            server.call("DescribeMapRun", mapRunArn=run["mapRunArn"]),
            children,
            *(server.told(child["executionArn"]) for child in children),
        ]

    expected = told(before)
    assert len(expected[2]) == 3
    died(before)
    assert told(servers(tmp_path)) == expected


def test_an_execution_that_failed_before_the_restart_can_be_redriven(servers: Any, tmp_path: Path) -> None:
    """It goes on from the state that failed, and its history goes on, too; a further restart shows all of it."""
    retried: dict[str, Any] = {
        "StartAt": "P",
        "States": {
            "P": {"Type": "Pass", "Result": 1, "Next": "F"},
            "F": {"Type": "Fail", "Error": "E"},
        },
    }
    before = servers(tmp_path)
    arn = before.start(before.machine(retried), "one")
    died(before)
    between = servers(tmp_path)
    between.call("RedriveExecution", executionArn=arn)
    told = between.told(arn)
    types = [event["type"] for event in told[1]]
    assert types[4:] == ["ExecutionFailed", "ExecutionRedriven", "ExecutionFailed"]
    assert told[0]["redriveCount"] == 1
    died(between)
    assert servers(tmp_path).told(arn) == told


def test_executions_that_ended_90_days_ago_are_forgotten(servers: Any, tmp_path: Path) -> None:
    """AWS keeps them no longer."""
    before = servers(tmp_path)
    machine = before.machine(PASS)
    before.start(machine, "old")
    before.advance(24 * 3600 * 1000)
    arn = before.start(machine, "young")
    died(before)
    after = servers(tmp_path, now_ms=1_767_578_400_000 + 90 * 24 * 3600 * 1000 + 1)
    listed = after.call("ListExecutions", stateMachineArn=machine)["executions"]
    assert [one["executionArn"] for one in listed] == [arn]


class Process:
    """``stepsim serve`` in a process of its own."""

    def __init__(self, directory: Path) -> None:
        code = "from stepsim.runtime.cli import main; main()"
        command = [sys.executable, "-c", code, "serve", "--port", "0", "--persist", str(directory)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        greeting = self.process.stdout.readline()
        assert greeting, self.process.communicate(timeout=30)
        url = greeting.split()[-1]
        self.client = boto3.client(
            "stepfunctions",
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
            config=Config(inject_host_prefix=False),
        )

    def end(self, number: signal.Signals) -> tuple[int, str]:
        os.kill(self.process.pid, number)
        _, errors = self.process.communicate(timeout=30)
        self.client.close()
        return self.process.returncode, errors


def test_a_killed_server_loses_nothing_that_it_answered(tmp_path: Path) -> None:
    """Executions whose start was answered are there after kill -9: those that ended, and those that ran."""
    role = "arn:aws:iam::123456789012:role/r"
    server = Process(tmp_path)
    try:
        made = server.client.create_state_machine(name="m", definition=json.dumps(PASS), roleArn=role)
        waiting = server.client.create_state_machine(name="w", definition=json.dumps(WAIT), roleArn=role)
        arns = [
            server.client.start_execution(stateMachineArn=machine["stateMachineArn"])["executionArn"]
            for machine in (made, waiting)
            for _ in range(5)
        ]
    finally:
        server.end(signal.SIGKILL)
    server = Process(tmp_path)
    try:
        described = [server.client.describe_execution(executionArn=arn) for arn in arns]
        histories = [server.client.get_execution_history(executionArn=arn)["events"] for arn in arns]
    finally:
        code, errors = server.end(signal.SIGTERM)
    assert [one["status"] for one in described] == ["SUCCEEDED"] * 5 + ["ABORTED"] * 5
    assert {one["error"] for one in described[5:]} == {"stepsim.ServerStopped"}
    assert [len(events) for events in histories] == [4] * 5 + [3] * 5
    assert (code, errors) == (0, "")


def test_a_directory_in_use_is_refused_in_one_sentence(tmp_path: Path) -> None:
    """A second server in the same directory says so and ends."""
    first = Process(tmp_path)
    try:
        code = "from stepsim.runtime.cli import main; main()"
        command = [sys.executable, "-c", code, "serve", "--port", "0", "--persist", str(tmp_path)]
        second = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    finally:
        first.end(signal.SIGTERM)
    assert second.returncode == 2
    assert second.stderr.splitlines()[-1].endswith("is in use by another process.")
