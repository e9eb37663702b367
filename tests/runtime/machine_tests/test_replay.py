"""Recorded histories against definitions as they are now."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from stepsim.asl.errors import DefinitionError
from stepsim.runtime.testing import Fails, Hangs, HistoryError, MachineResult, Returns, replay, run_machine

CALL = {
    "Type": "Task",
    "Resource": "arn:aws:states:::lambda:invoke",
    "Parameters": {"FunctionName": "Price", "Payload.$": "$"},
    "ResultSelector": {"price.$": "$.Payload"},
    "Retry": [{"ErrorEquals": ["Lambda.TooManyRequestsException"], "IntervalSeconds": 1, "MaxAttempts": 2}],
    "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Refuse"}],
}
TELL = {
    "Type": "Task",
    "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
    "Parameters": {"QueueUrl": "q", "MessageBody": {"token.$": "$$.Task.Token", "at.$": "$$.State.EnteredTime"}},
    "TimeoutSeconds": 600,
}
MACHINE: dict[str, Any] = {
    "StartAt": "Each",
    "States": {
        "Each": {
            "Type": "Map",
            "ItemsPath": "$.items",
            "ItemProcessor": {
                "StartAt": "Price",
                "States": {"Price": {**CALL, "End": True}, "Refuse": {"Type": "Pass", "End": True}},
            },
            "ResultPath": "$.prices",
            "Next": "Pause",
        },
        "Pause": {"Type": "Wait", "Seconds": 60, "Next": "Both"},
        "Both": {
            "Type": "Parallel",
            "Branches": [
                {"StartAt": "Tell", "States": {"Tell": {**TELL, "End": True}}},
                {"StartAt": "Note", "States": {"Note": {"Type": "Pass", "Result": "noted", "End": True}}},
            ],
            "Next": "Done",
        },
        "Done": {"Type": "Succeed"},
    },
}
"""A map whose Tasks are retried and caught, a Wait, branches, a callback."""
BUSY = Fails("Lambda.TooManyRequestsException")


@pytest.fixture(scope="module")
def recorded() -> MachineResult:
    """A run, as it might have been on AWS."""
    price: list[Any] = [Returns({"Payload": 3}, delay="2s"), BUSY, Returns({"Payload": 5}), Fails("Sold", "out")]
    return run_machine(
        MACHINE, {"items": ["tea", "ink", "oak"]}, mocks={"Price": price, "Tell": Returns({"ok": True}, delay="90s")}
    )


def change(**changes: Any) -> dict[str, Any]:
    """The machine with some fields of states changed, by ``State__Field``."""
    machine = copy.deepcopy(MACHINE)
    states = machine["States"]
    each = {**states, **states["Each"]["ItemProcessor"]["States"], **states["Both"]["Branches"][0]["States"]}
    for name, value in changes.items():
        state, field = name.split("__")
        each[state][field] = value
    return machine


def test_a_history_replays_on_its_own_definition(recorded: MachineResult) -> None:
    """Whatever seed; the run is as long, and ends the same."""
    replayed = replay(MACHINE, recorded, seed=8)
    assert replayed.went_as_recorded()
    assert replayed.result.output == recorded.output
    assert replayed.result.duration_s == recorded.duration_s
    assert str(replayed) == "the replay goes as recorded: Each → Pause → Both → Done"


def test_the_order_in_which_branches_begin_means_nothing(recorded: MachineResult) -> None:
    """AWS begins them in any."""
    events = list(recorded.history)
    names = [event.get("stateEnteredEventDetails", {}).get("name") for event in events]
    tell, note = names.index("Tell"), names.index("Note")
    events = [*events[:tell], events[note], *events[tell:note], *events[note + 1 :]]
    new_ids = {event["id"]: number for number, event in enumerate(events, 1)}
    events = [
        {**event, "id": new_ids[event["id"]], "previousEventId": new_ids.get(event["previousEventId"], 0)}
        for event in events
    ]
    assert replay(MACHINE, events).went_as_recorded()


@pytest.mark.parametrize(
    ("changes", "state", "what", "message"),
    [
        ({"Each__MaxConcurrency": 1}, None, None, ""),
        ({"Pause__Seconds": 5}, "Pause", "waited", "'Pause' waits 5s now; in the record it waited 60s"),
        ({"Pause__Next": "Done", "Done__Comment": ""}, "Done", "entered", "the record entered 'Both'"),
        (
            {"Price__Parameters": {"FunctionName": "Price", "Payload": {"sku.$": "$"}}},
            "Price",
            "sent",
            'what \'Each\', 0: \'Price\' sends is another now:\n    $.Payload: {"sku":"tea"} instead of "tea"',
        ),
        (
            {"Each__ItemSelector": {"sku.$": "$$.Map.Item.Value"}},
            "Price",
            "input",
            "the input of 'Price' is another now",
        ),
        ({"Price__Retry": []}, "Price", "retried", "'Price' is tried once now; the record tried it twice"),
        (
            {"Price__Catch": [{"ErrorEquals": ["Never"], "Next": "Refuse"}]},
            "Price",
            "ended",
            "'Each', 1: 'Price' fails with Sold now; in the record it went on",
        ),
        ({"Price__ResultSelector": {"cents.$": "$.Payload"}}, "Price", "output", "$.price: 3 is missing"),
        ({"Tell__TimeoutSeconds": 30}, "Tell", "came to", "failed with States.Timeout now; in the record it succeeded"),
        ({"Each__ItemsPath": "$.items[0:1]"}, "Each", "entered", "runs 1 branches or iterations now; the record has 3"),
    ],
)
def test_the_first_thing_that_goes_otherwise_is_told(
    recorded: MachineResult, changes: dict[str, Any], state: str | None, what: str | None, message: str
) -> None:
    """Where, and what of it."""
    machine = change(**changes)
    if "Pause__Next" in changes:
        machine["States"]["Both"]["Next"] = "Done"
        machine["States"]["Each"]["Catch"] = [{"ErrorEquals": ["Never"], "Next": "Both"}]
    replayed = replay(machine, recorded)
    found = replayed.divergence
    assert (state, what) == ((None, None) if found is None else (found.state, found.what))
    assert message in str(replayed)


def test_what_the_record_has_no_answer_for_is_told(recorded: MachineResult) -> None:
    """A state that is new, or one more attempt; mocks can answer them."""
    machine = change(Pause__Next="New")
    machine["States"]["New"] = {**CALL, "Catch": [], "ResultPath": None, "Next": "Both"}
    new = replay(machine, recorded)
    assert new.diverged_at("New")
    assert "after 'Pause', 'New' is entered now; the record entered 'Both'" in str(new)
    assert not new.same
    told = replay(machine, recorded, mocks={"New": Returns({"Payload": 1})})
    assert told.result.path == ["Each", "Pause", "New", "Both", "Done"]
    with pytest.raises(AssertionError, match="the replay was to go otherwise at 'Tell'"):
        told.diverged_at("Tell")
    with pytest.raises(AssertionError, match="the replay goes otherwise than recorded"):
        told.went_as_recorded()
    more = replay(change(Price__Retry=[{"ErrorEquals": ["States.ALL"], "MaxAttempts": 3}]), recorded)
    assert str(more.divergence) == "'Price' is tried 3 times now; the record has answers for 2"


def test_a_machine_that_ends_otherwise_is_told() -> None:
    """Of the execution itself."""
    one = {"StartAt": "A", "States": {"A": {"Type": "Fail", "Error": "X"}}}
    other = {"StartAt": "A", "States": {"A": {"Type": "Fail", "Error": "Y"}}}
    assert (
        str(replay(other, run_machine(one, {})).divergence) == "the execution FAILED with Y; the record FAILED with X"
    )


BEGUN = '{"id": 1, "type": "ExecutionStarted", "timestamp": 1}'
DISTRIBUTED: dict[str, Any] = {
    "StartAt": "All",
    "States": {
        "All": {
            "Type": "Map",
            "ItemReader": {"Resource": "arn:aws:states:::s3:listObjectsV2", "Parameters": {"Bucket": "inbox"}},
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                "StartAt": "One",
                "States": {"One": {"Type": "Pass", "OutputPath": "$.Key", "End": True}},
            },
            "ResultPath": "$.done.keys",
            "Next": "End",
        },
        "End": {"Type": "Pass", "End": True},
    },
}


def test_a_map_run_has_the_result_that_it_had() -> None:
    """Its children are in no history of the parent's, nor is what its reader read."""
    recorded = run_machine(DISTRIBUTED, {"done": {}}, buckets={"inbox": {"a": "", "b": ""}})
    assert recorded.output == {"done": {"keys": ["a", "b"]}}
    assert replay(DISTRIBUTED, recorded.history).went_as_recorded().result.output == recorded.output
    machine = copy.deepcopy(DISTRIBUTED)
    machine["States"]["All"] |= {"ResultPath": "$", "ResultSelector": {"n.$": "States.ArrayLength($)"}}
    selected = run_machine(machine, {}, buckets={"inbox": {"a": ""}})
    unknown = replay(machine, selected.history)
    assert "the record does not tell the result of the map run of 'All'" in str(unknown)
    assert replay(machine, selected.history, mocks={"All": Returns(["a"])}).went_as_recorded()
    assert replay(machine, selected.history, mocks={"All": Fails("Broken")}).diverged_at("All")


def test_a_history_of_another_machine_is_refused(recorded: MachineResult) -> None:
    """With the states of both."""
    with pytest.raises(HistoryError, match=r"it entered 'Each', 'Price', 'Refuse', .*and machine has 'X'; name the"):
        replay({"StartAt": "X", "States": {"X": {"Type": "Succeed"}}}, recorded)
    with pytest.raises(DefinitionError):
        replay({"StartAt": "X", "States": {}}, recorded)


@pytest.mark.parametrize(
    ("history", "message"),
    [
        ("{", "is not JSON"),
        ('{"status": "SUCCEEDED"}', "has no events of an execution: fetch it with `aws stepfunctions"),
        ('[{"id": 2, "type": "PassStateEntered", "timestamp": 1}]', "does not begin with ExecutionStarted"),
        ('[{"id": 1, "type": "ExecutionStarted", "timestamp": 1}]', "the execution still runs, or pages are missing"),
        ('[{"id": 1, "type": "ExecutionStarted", "timestamp": "noon"}]', "event 1: Invalid isoformat string: 'noon'"),
        (
            f'[{BEGUN}, {{"id": 3, "type": "ExecutionFailed", "timestamp": 2}}]',
            "lacks events between 1 and 3",
        ),
        (
            f'[{BEGUN}, {{"id": 2, "type": "ExecutionFailed", "timestamp": 2}}]',
            "has no data in its events",
        ),
        (
            '[{"id": 1, "type": "ExecutionStarted", "timestamp": 1, "executionStartedEventDetails": {"input": "{", '
            '"inputDetails": {"truncated": true}}}, {"id": 2, "type": "ExecutionFailed", "timestamp": 1}]',
            "the data of event 1 is cut off",
        ),
        (f'[{BEGUN}, {{"id": 2, "type": "ExecutionRedriven", "timestamp": 2}}]', "was redriven, at event 2"),
    ],
)
def test_a_history_that_is_no_whole_one_is_refused(tmp_path: Path, history: str, message: str) -> None:
    """With the file, what is wrong with it, and what to do."""
    file = tmp_path / "history.json"
    file.write_text(history)
    with pytest.raises(HistoryError, match=message) as caught:
        replay(MACHINE, file)
    assert str(file) in str(caught.value)


def test_heartbeats_come_as_long_as_an_answer_took() -> None:
    """Histories do not have them."""
    machine = {"StartAt": "Tell", "States": {"Tell": {**TELL, "End": True}}}
    recorded = run_machine(machine, {}, mocks={"Tell": Returns(1, delay="5m")})
    beating = {"StartAt": "Tell", "States": {"Tell": {**TELL, "HeartbeatSeconds": 60, "End": True}}}
    assert replay(beating, recorded).went_as_recorded()


def test_a_time_out_strikes_again() -> None:
    """After as long as the definition now says."""
    machine = {"StartAt": "Tell", "States": {"Tell": {**TELL, "End": True}}}
    recorded = run_machine(machine, {}, mocks={"Tell": Hangs()})
    assert recorded.duration_s == 600
    assert replay(machine, recorded.history).went_as_recorded().result.duration_s == 600
    patient = {"StartAt": "Tell", "States": {"Tell": {**TELL, "TimeoutSeconds": 900, "End": True}}}
    assert replay(patient, recorded.history).result.duration_s == 900


def test_a_file_may_be_one_that_a_run_has_saved(tmp_path: Path, recorded: MachineResult) -> None:
    """Or what the AWS CLI has written; one that is not there is named."""
    file = tmp_path / "history.json"
    file.write_text(json.dumps({"events": recorded.history}))
    assert replay(MACHINE, str(file)).went_as_recorded()
    with pytest.raises(HistoryError, match=r"nowhere.json cannot be read: No such file"):
        replay(MACHINE, tmp_path / "nowhere.json")
