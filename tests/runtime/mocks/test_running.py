"""mocks/running.py and performing.py: mocked executions, event by event."""

from __future__ import annotations

import json
from typing import Any

import pytest

DONE = {"Return": {"done": True}}
BUSY = {"Throw": {"Error": "Busy", "Cause": "later"}}
RETRY = [{"ErrorEquals": ["Busy"], "IntervalSeconds": 1, "MaxAttempts": 2}]
ACTIVITY = "arn:aws:states:us-east-1:123456789012:activity:a"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:f"
CALLBACK = "arn:aws:states:::sqs:sendMessage.waitForTaskToken"


def one(resource: str, **fields: Any) -> dict[str, Any]:
    """A machine of one Task."""
    return {"StartAt": "S", "States": {"S": {"Type": "Task", "Resource": resource, "End": True, **fields}}}


def types(events: list[dict[str, Any]]) -> list[str]:
    """The types of the events between the Task's entry and its exit."""
    return [event["type"] for event in events[2:-1] if event["type"] != "TaskStateExited"]


def details(events: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    """The details of the first event of a type."""
    event = next(event for event in events if event["type"] == kind)
    return dict(next(value for key, value in event.items() if key.endswith("EventDetails")))


@pytest.mark.parametrize(
    ("resource", "answer", "expected"),
    [
        ("arn:aws:states:::lambda:invoke", DONE, ["TaskScheduled", "TaskStarted", "TaskSucceeded"]),
        ("arn:aws:states:::aws-sdk:s3:getObject", BUSY, ["TaskScheduled", "TaskStarted", "TaskFailed"]),
        (
            "arn:aws:states:::ecs:runTask.sync",
            DONE,
            ["TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded"],
        ),
        (
            "arn:aws:states:::sagemaker:createTrainingJob.sync",
            BUSY,
            ["TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskFailed"],
        ),
        (CALLBACK, DONE, ["TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded"]),
        (CALLBACK, BUSY, ["TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskFailed"]),
        (CALLBACK, {**BUSY, "refused": True}, ["TaskScheduled", "TaskStarted", "TaskSubmitFailed"]),
        (FUNCTION, DONE, ["LambdaFunctionScheduled", "LambdaFunctionStarted", "LambdaFunctionSucceeded"]),
        (FUNCTION, BUSY, ["LambdaFunctionScheduled", "LambdaFunctionStarted", "LambdaFunctionFailed"]),
        (ACTIVITY, DONE, ["ActivityScheduled", "ActivityStarted", "ActivitySucceeded"]),
        (ACTIVITY, BUSY, ["ActivityScheduled", "ActivityStarted", "ActivityFailed"]),
        (
            "arn:aws:states:::lambda:invoke",
            {"Throw": {"Error": "States.Timeout"}},
            ["TaskScheduled", "TaskStarted", "TaskTimedOut"],
        ),
    ],
)
def test_a_mocked_task_leaves_the_events_of_a_real_one(
    resource: str, answer: dict[str, Any], expected: list[str], simulated: Any
) -> None:
    """No function, queue, cluster or activity is there; even what stepsim does not integrate can be mocked."""
    report, events = simulated(one(resource), {"states": {"S": {"0": answer}}}, input={"a": 1})
    assert types(events) == expected
    failed = report["execution"]["status"] == "FAILED"
    assert failed == ("Throw" in answer)
    if not failed:
        assert report["execution"]["output"] == {"done": True}
        assert json.loads(details(events, expected[-1])["output"]) == {"done": True}


def test_parameters_and_token_are_those_of_a_real_task(simulated: Any) -> None:
    """The token is made up for the attempt, and stands in the parameters."""
    parameters = {"QueueUrl": "q", "MessageBody": {"token.$": "$$.Task.Token"}}
    mocks = {"states": {"S": {"0": {**DONE, "submitted": {"MessageId": "m"}}}}}
    _, events = simulated(one(CALLBACK, Parameters=parameters), mocks)
    assert len(json.loads(details(events, "TaskScheduled")["parameters"])["MessageBody"]["token"]) > 20
    assert json.loads(details(events, "TaskSubmitted")["output"]) == {"MessageId": "m"}


def test_retries_go_through_the_attempts(simulated: Any) -> None:
    """As the documented RetryPath does."""
    report, events = simulated(one(FUNCTION, Retry=RETRY), {"states": {"S": {"0-1": BUSY, "2": DONE}}})
    assert [kind for kind in types(events) if kind.endswith(("Failed", "Succeeded"))] == [
        "LambdaFunctionFailed",
        "LambdaFunctionFailed",
        "LambdaFunctionSucceeded",
    ]
    assert report["makespan_s"] == 3.0


def test_an_attempt_without_an_entry_fails_the_execution(simulated: Any) -> None:
    """With States.Runtime, which nothing retries or catches (measured)."""
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "S"}]
    report, _ = simulated(one(FUNCTION, Retry=RETRY, Catch=catch), {"states": {"S": {"0": BUSY}}})
    assert report["execution"]["error"] == "States.Runtime"
    assert "has no entry for attempt 1 of the state 'S'" in report["execution"]["cause"]


LOOP = {
    "StartAt": "S",
    "States": {
        "S": {"Type": "Task", "Resource": FUNCTION, "Next": "Ready"},
        "Ready": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.ready", "BooleanEquals": True, "Next": "End"}],
            "Default": "S",
        },
        "End": {"Type": "Succeed"},
    },
}


def test_a_state_that_is_entered_again_goes_on_counting(simulated: Any) -> None:
    """Polling until something is ready (measured)."""
    mocks = {"states": {"S": {"0-2": {"Return": {"ready": False}}, "3": {"Return": {"ready": True}}}}}
    report, _ = simulated(LOOP, mocks)
    assert report["states"]["S"]["entered"] == 4
    assert report["mocks"]["unused"] == []


def mapped(mode: dict[str, Any] | None = None, task: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """A machine of a Map with one Task."""
    processor = one(FUNCTION, **(task or {}))
    if mode is not None:
        processor["ProcessorConfig"] = mode
    map_state = {"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": processor, "End": True, **fields}
    return {"StartAt": "M", "States": {"M": map_state}}


DISTRIBUTED = {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}


@pytest.mark.parametrize("mode", [None, DISTRIBUTED], ids=["inline", "distributed"])
def test_iterations_share_the_counter(mode: dict[str, Any] | None, simulated: Any) -> None:
    """One after the other: the first is retried, and the second goes on behind it (measured)."""
    attempts = {"0": BUSY, "1": {"Return": "idx1"}, "2": {"Return": "idx2"}, "3": {"Return": "idx3"}}
    definition = mapped(mode, {"Retry": RETRY}, MaxConcurrency=1)
    report, _ = simulated(definition, {"states": {"S": attempts}}, input={"items": [1, 2]})
    assert report["execution"]["output"] == ["idx1", "idx2"]
    [unused] = report["mocks"]["unused"]
    assert (unused["state"], unused["what"]) == ("S", "the answer to attempt 3")


@pytest.mark.parametrize("mode", [None, DISTRIBUTED], ids=["inline", "distributed"])
def test_rules_answer_by_index_and_by_field(mode: dict[str, Any] | None, simulated: Any) -> None:
    """Each item counts its own attempts, whatever the others do; the rest gets the plain response."""
    mocks = {
        "responses": {"Rest": {"0-9": {"Return": "rest"}}},
        "states": {
            "S": [
                {"item": 1, "response": {"0": BUSY, "1": {"Return": "second try"}}},
                {"where": {"order.sku": "A"}, "response": {"0": {"Return": "A"}}},
                {"key": "in/7.csv", "response": {"0": {"Return": "seven"}}},
                {"response": "Rest"},
            ]
        },
    }
    items = [{"order": {"sku": "A"}}, {}, {"Key": "in/7.csv"}, "in/7.csv", 4]
    report, _ = simulated(mapped(mode, {"Retry": RETRY}), mocks, input={"items": items})
    assert report["execution"]["output"] == ["A", "second try", "seven", "seven", "rest"]


def test_a_batch_is_known_by_its_index_and_by_what_is_in_it(simulated: Any) -> None:
    """Batches of a distributed map."""
    mocks = {
        "states": {
            "S": [
                {"item": 0, "response": {"0": {"Return": "first"}}},
                {"where": {"n": 5}, "response": {"0": {"Return": "has 5"}}},
                {"response": {"0": {"Return": "other"}}},
            ]
        }
    }
    definition = mapped(DISTRIBUTED, ItemBatcher={"MaxItemsPerBatch": 2})
    report, _ = simulated(definition, mocks, input={"items": [{"n": n} for n in range(6)]})
    assert report["execution"]["output"] == ["first", "other", "has 5"]


def test_items_without_a_mock_call_the_real_service(simulated: Any) -> None:
    """As states do that are not named."""
    mocks = {"states": {"S": [{"item": 1, "response": {"0": {"Return": "mocked"}}}]}}
    report, _ = simulated(mapped(), mocks, input={"items": [1, 2]}, functions={"f": {"returns": "real"}})
    assert report["execution"]["output"] == ["real", "mocked"]
    assert report["functions"]["f"]["invocations"] == 1


@pytest.mark.parametrize(
    ("answer", "status", "took_s"),
    [
        ({**DONE, "delay": "50s"}, "SUCCEEDED", 50),
        ({**DONE, "delay": "70s"}, "States.Timeout", 60),
        ({**DONE, "delay": "150s", "heartbeat_every": "50s"}, "SUCCEEDED", 150),
        ({**DONE, "delay": "150s", "heartbeat_every": "65s"}, "States.Timeout", 60),
        ({"never": True, "heartbeat_every": "50s"}, "States.Timeout", 200),
        ({"never": True}, "States.Timeout", 60),
        ({**BUSY, "delay": "30s"}, "Busy", 30),
    ],
)
@pytest.mark.parametrize("resource", [CALLBACK, ACTIVITY])
def test_callbacks_and_activities_take_their_time(
    resource: str, answer: dict[str, Any], status: str, took_s: int, simulated: Any
) -> None:
    """Heartbeats keep them alive, and time-outs end them, in virtual time."""
    definition = one(resource, TimeoutSeconds=200, HeartbeatSeconds=60)
    report, _ = simulated(definition, {"states": {"S": {"0": answer}}})
    execution = report["execution"]
    assert (execution["error"] or execution["status"], report["makespan_s"]) == (status, took_s)


def test_an_activitys_time_begins_when_its_worker_takes_the_task(simulated: Any) -> None:
    """And its event has the worker's name."""
    mocks = {"states": {"S": {"0": {**DONE, "taken_after": "1h", "delay": "40s", "worker": "Ada"}}}}
    report, events = simulated(one(ACTIVITY, TimeoutSeconds=60), mocks)
    assert report["makespan_s"] == 3640
    assert details(events, "ActivityStarted") == {"workerName": "Ada"}


@pytest.mark.parametrize(
    ("resource", "answer", "took_s"),
    [
        ("arn:aws:states:::lambda:invoke", {**DONE, "delay": "70s"}, 60),
        ("arn:aws:states:::lambda:invoke", {"never": True}, 60),
        ("arn:aws:states:::glue:startJobRun.sync", {"never": True}, 60),
        ("arn:aws:states:::glue:startJobRun.sync", {**DONE, "delay": "61s"}, 60),
    ],
)
def test_slow_answers_time_out(resource: str, answer: dict[str, Any], took_s: int, simulated: Any) -> None:
    """Of calls and of jobs."""
    report, events = simulated(one(resource, TimeoutSeconds=60), {"states": {"S": {"0": answer}}})
    assert (report["execution"]["error"], report["makespan_s"]) == ("States.Timeout", took_s)
    assert types(events)[-1] == "TaskTimedOut"


def test_a_missed_heartbeat_can_be_thrown(simulated: Any) -> None:
    """It is reported as States.Timeout, and either name catches it."""
    catch = [{"ErrorEquals": ["States.HeartbeatTimeout"], "Next": "Caught"}]
    for resource in (CALLBACK, "arn:aws:states:::lambda:invoke"):
        definition = one(resource, Catch=catch)
        definition["States"]["Caught"] = {"Type": "Succeed"}
        mocks = {"states": {"S": {"0": {"Throw": {"Error": "States.HeartbeatTimeout"}}}}}
        report, _ = simulated(definition, mocks)
        assert report["execution"]["output"] == {"Error": "States.Timeout", "Cause": ""}


def test_what_was_never_used_is_told_with_its_place(simulated: Any) -> None:
    """States, rules and attempts, each as a whole; strict mocks make the run fail."""
    from stepsim.runtime.report import holds

    definition = mapped()
    definition["States"]["M"].update(Next="Later", End=False)
    del definition["States"]["M"]["End"]
    definition["States"]["Later"] = {"Type": "Task", "Resource": FUNCTION, "End": True}
    rules = [{"item": 9, "response": {"0": DONE}}, {"response": {"0-1": DONE, "2-3": DONE}}]
    mocks = {"strict": True, "states": {"S": rules, "Later": {"0": BUSY}}}
    report, _ = simulated(definition, mocks, input={"items": [1, 2]}, expect=["status == FAILED"])
    assert [(entry["state"], entry["what"], entry["key"]) for entry in report["mocks"]["unused"]] == [
        ("S", "the mock for item 9", "mocks.states.S[0]"),
        ("S", "the answer to attempts 2-3", "mocks.states.S[1].response.2-3"),
    ]
    assert report["mocks"]["answered"] == {"S": 2, "Later": 1}
    assert not holds(report)
    report, _ = simulated(definition, {**mocks, "strict": False}, input={"items": [1, 2]}, expect=["status == FAILED"])
    assert holds(report)


def test_the_same_scenario_gives_the_same_report(simulated: Any) -> None:
    """Mocks draw no chance of their own."""
    mocks = {"states": {"S": {"0": {**DONE, "delay": "10s", "heartbeat_every": "3s"}}}}
    first, second = (simulated(one(CALLBACK), mocks) for _ in range(2))
    assert first[1] == second[1]
    assert first[0]["mocks"] == second[0]["mocks"]
