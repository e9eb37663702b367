"""Executions that memory does not hold any more are told of as if it did."""

from __future__ import annotations

from typing import Any

import pytest

from stepsim.asl.payload import Payload
from stepsim.runtime.persistence.packing import pack_point, unpack_point
from stepsim.runtime.resume import ResumePoint, StoppedFork

PASS = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
TWICE = {
    "StartAt": "P",
    "States": {"P": {"Type": "Pass", "Next": "Q"}, "Q": {"Type": "Pass", "End": True}},
}
FAIL = {"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "E", "Cause": "because"}}}
MAP = {
    "StartAt": "M",
    "States": {
        "M": {
            "Type": "Map",
            "Label": "all",
            "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}, **PASS},
            "End": True,
        }
    },
}


@pytest.fixture
def small(servers: Any) -> Any:
    """A server that holds ten executions that have ended."""
    return servers(held_max=10)


def test_memory_holds_the_newest_and_the_archive_the_rest(small: Any) -> None:
    """However many executions have ended, so many are in memory; all of them are listed, newest first, once."""
    machine = small.machine(TWICE)
    arns = []
    for n in range(35):
        arns.append(small.start(machine, f"e{n}", {"n": n}))
        small.advance(1)
    assert small.held() <= 10
    listed = small.pages("ListExecutions", "executions", stateMachineArn=machine, maxResults=7)
    assert [one["executionArn"] for one in listed] == arns[::-1]


def test_an_archived_execution_is_described_as_before(small: Any) -> None:
    """Nothing that the API says of an execution changes when it leaves memory."""
    machine = small.machine(TWICE)
    arn = small.start(machine, "first", {"ä": "\ud83d"})
    told = small.told(arn)
    for n in range(20):
        small.start(machine, f"e{n}")
    assert small.told(arn) == told
    reverse = small.pages("GetExecutionHistory", "events", executionArn=arn, maxResults=4, reverseOrder=True)
    assert reverse == told[1][::-1]


def test_a_name_stays_taken(small: Any) -> None:
    """An archived execution's name cannot be used again."""
    machine = small.machine(PASS)
    small.start(machine, "first")
    for n in range(20):
        small.start(machine, f"e{n}")
    assert small.ask("StartExecution", stateMachineArn=machine, name="first").code == "ExecutionAlreadyExists"


def test_an_archived_execution_can_be_redriven(small: Any) -> None:
    """It comes back to memory, goes on, ends, and leaves again, with one history."""
    machine = small.machine(FAIL)
    arn = small.start(machine, "first")
    for n in range(20):
        small.start(machine, f"e{n}")
    small.call("RedriveExecution", executionArn=arn)
    told = small.told(arn)
    assert [event["type"] for event in told[1]][2:] == ["ExecutionFailed", "ExecutionRedriven", "ExecutionFailed"]
    for n in range(20):
        small.start(machine, f"f{n}")
    assert small.told(arn) == told
    assert len(small.pages("ListExecutions", "executions", stateMachineArn=machine)) == 41


def test_children_and_map_runs_leave_memory_too(small: Any) -> None:
    """A map run's children count like other executions, and are listed and described from the archive."""
    arn = small.start(small.machine(MAP), "one", list(range(30)))
    (run,) = small.pages("ListMapRuns", "mapRuns", executionArn=arn)
    described = small.call("DescribeMapRun", mapRunArn=run["mapRunArn"])
    other = small.machine(PASS, "other")
    for n in range(20):
        small.start(other, f"e{n}")
    assert small.held() <= 10
    assert small.pages("ListMapRuns", "mapRuns", executionArn=arn) == [run]
    assert small.call("DescribeMapRun", mapRunArn=run["mapRunArn"]) == described
    children = small.pages("ListExecutions", "executions", mapRunArn=run["mapRunArn"], maxResults=9)
    assert len({child["executionArn"] for child in children}) == 30
    child = small.call("DescribeExecution", executionArn=children[0]["executionArn"])
    assert (child["mapRunArn"], child["status"]) == (run["mapRunArn"], "SUCCEEDED")


def test_a_deleted_machine_takes_its_archived_executions_along(small: Any) -> None:
    """AWS knows none of them any more."""
    machine, mapping = small.machine(PASS), small.machine(MAP, "mapping")
    arns = [small.start(machine, f"e{n}") for n in range(20)]
    parent = small.start(mapping, "one", list(range(20)))
    (run,) = small.pages("ListMapRuns", "mapRuns", executionArn=parent)
    small.call("DeleteStateMachine", stateMachineArn=machine)
    small.call("DeleteStateMachine", stateMachineArn=mapping)
    for arn in (arns[0], arns[-1], parent):
        assert small.ask("DescribeExecution", executionArn=arn).code == "ExecutionDoesNotExist"
    assert small.ask("DescribeMapRun", mapRunArn=run["mapRunArn"]).code == "ResourceNotFound"
    assert small.held() == 0


def test_express_executions_are_not_held(small: Any) -> None:
    """Nobody can ask for one that has ended, unless a map run started it."""
    machine = small.machine(PASS, type="EXPRESS")
    for n in range(5):
        small.start(machine, f"e{n}")
    assert small.held() == 0


def test_an_execution_that_changed_machines_keeps_its_own(small: Any) -> None:
    """An archived execution is told with the definition that it was started with."""
    machine = small.machine(PASS)
    arn = small.start(machine, "first")
    first = small.call("DescribeStateMachineForExecution", executionArn=arn)
    small.call("UpdateStateMachine", stateMachineArn=machine, roleArn="arn:aws:iam::123456789012:role/other")
    for n in range(20):
        small.start(machine, f"e{n}")
    assert small.call("DescribeStateMachineForExecution", executionArn=arn) == first


def test_a_resume_point_comes_back_whole() -> None:
    """Where an execution stopped, with branches inside of branches, survives as JSON."""
    inner = ResumePoint("I", Payload({"a": 1}), {"v": [1]}, 5, 6, 1)
    fork = StoppedFork({0: Payload([1]), 2: inner}, 7, 8)
    point = ResumePoint("S", Payload.of_text('{ "spaced": 1 }'), {}, 1, 2, 3, fork, "arn")
    back = unpack_point(pack_point(point))
    assert back == point
    assert back.raw.text == '{ "spaced": 1 }'
