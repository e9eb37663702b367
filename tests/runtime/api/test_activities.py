"""Activities by the API: their names, their lists, the long poll, and the tasks that workers do."""

from __future__ import annotations

from typing import Any

import pytest

from stepsim.runtime.api.records import Params

PAINT = "arn:aws:states:us-east-1:123456789012:activity:paint"


def waiting(**fields: Any) -> dict[str, Any]:
    """A machine of one Task, which is the activity's."""
    task = {"Type": "Task", "Resource": PAINT, "End": True, **fields}
    caught = {"Caught": {"Type": "Pass", "End": True}} if "Catch" in fields else {}
    return {"StartAt": "T", "States": {"T": task, **caught}}


class Workers:
    """Polls that nobody waits for."""

    def __init__(self, service: Any) -> None:
        self.service = service
        self.answers: list[Any] = []

    def poll(self, **params: Any) -> Any:
        """Begin a poll; returns what calls it off."""
        request = Params(activityArn=PAINT, **params)
        cancel = self.service.operations.call("GetActivityTask", request, self.service.home, self.answers.append)
        self.service.advance(0)
        return cancel


@pytest.fixture
def workers(service: Any) -> Workers:
    service("CreateActivity", name="paint")
    return Workers(service)


def start(service: Any, definition: Any, text: str = '{"a": 1}') -> str:
    machine = service.machine(definition=definition)
    started = service("StartExecution", stateMachineArn=machine, input=text)
    service.advance(0)
    arn: str = started["executionArn"]
    return arn


def trace(service: Any, arn: str) -> list[str]:
    events = service("GetExecutionHistory", executionArn=arn)["events"]
    return [event["type"] for event in events]


def details(service: Any, arn: str, member: str) -> Any:
    events = service("GetExecutionHistory", executionArn=arn)["events"]
    return next(event[member] for event in events if member in event)


def test_an_activity_can_be_created_twice_and_deleted_twice(service: Any) -> None:
    """It is the same one, with its first date."""
    created = service("CreateActivity", name="paint", tags=[{"key": "k", "value": "v"}])
    service.advance(5_000)
    assert service("CreateActivity", name="paint") == created
    described = service("DescribeActivity", activityArn=PAINT)
    assert described == {**created, "name": "paint", "encryptionConfiguration": {"type": "AWS_OWNED_KEY"}}
    assert service("ListTagsForResource", resourceArn=PAINT)["tags"] == [{"key": "k", "value": "v"}]
    assert service("DeleteActivity", activityArn=PAINT) == service("DeleteActivity", activityArn=PAINT) == {}
    assert service.refusal("DescribeActivity", activityArn=PAINT)[0] == "ActivityDoesNotExist"


def test_what_aws_refuses_is_refused(service: Any) -> None:
    """Names, ARNs, another key for the same name."""
    assert service.refusal("CreateActivity", name="a b") == ("InvalidName", "Invalid Name: 'a b'")
    prefix = ("InvalidArn", "Invalid Arn: 'Invalid ARN prefix: paint'")
    assert service.refusal("DescribeActivity", activityArn="paint") == prefix
    assert service.refusal("DeleteActivity", activityArn=PAINT.replace("activity", "express"))[0] == "InvalidArn"
    assert service.refusal("GetActivityTask", activityArn=PAINT)[0] == "ActivityDoesNotExist"
    service("CreateActivity", name="paint")
    key = {"type": "CUSTOMER_MANAGED_KMS_KEY", "kmsKeyId": "k"}
    assert service.refusal("CreateActivity", name="paint", encryptionConfiguration=key)[0] == "ActivityAlreadyExists"


def test_activities_are_listed_page_by_page(service: Any) -> None:
    """Newest first."""
    for name in "abc":
        service("CreateActivity", name=name)
    first = service("ListActivities", maxResults=2)
    rest = service("ListActivities", maxResults=2, nextToken=first["nextToken"])
    assert [one["name"] for one in first["activities"] + rest["activities"]] == ["c", "b", "a"]
    assert "nextToken" not in rest


def test_observers_are_told_of_activities(service: Any) -> None:
    """Once when one is made, once when it is gone."""
    told: list[str] = []
    observers = service.operations.registries.observers
    observers.activity_changed.append(lambda record: told.append(f"+{record.name}"))
    observers.activity_deleted.append(lambda record: told.append(f"-{record.name}"))
    for _ in range(2):
        service("CreateActivity", name="paint")
    for _ in range(2):
        service("DeleteActivity", activityArn=PAINT)
    assert told == ["+paint", "-paint"]


def test_a_worker_does_a_task(service: Any, workers: Workers) -> None:
    """He gets the input's text, and what he sends is the result."""
    arn = start(service, waiting())
    workers.poll(workerName="ann")
    (task,) = workers.answers
    assert task["input"] == '{"a": 1}'
    service("SendTaskSuccess", taskToken=task["taskToken"], output='{"done": true}')
    service.advance(0)
    assert trace(service, arn)[2:6] == ["ActivityScheduled", "ActivityStarted", "ActivitySucceeded", "TaskStateExited"]
    scheduled = {"resource": PAINT, "input": '{"a": 1}', "inputDetails": {"truncated": False}}
    assert details(service, arn, "activityScheduledEventDetails") == scheduled
    assert details(service, arn, "activityStartedEventDetails") == {"workerName": "ann"}
    assert service("DescribeExecution", executionArn=arn)["output"] == '{"done": true}'


def test_a_worker_fails_a_task(service: Any, workers: Workers) -> None:
    """The task's error is his."""
    arn = start(service, waiting(TimeoutSeconds=90, HeartbeatSeconds=20))
    workers.poll()
    service("SendTaskFailure", taskToken=workers.answers[0]["taskToken"], error="Boom", cause="why")
    service.advance(0)
    assert details(service, arn, "activityStartedEventDetails") == {}
    assert details(service, arn, "activityFailedEventDetails") == {"error": "Boom", "cause": "why"}
    limits = details(service, arn, "activityScheduledEventDetails")
    assert (limits["timeoutInSeconds"], limits["heartbeatInSeconds"]) == (90, 20)


def test_both_clocks_start_when_a_worker_takes_the_task(service: Any, workers: Workers) -> None:
    """A task may wait for a worker as long as it likes; then heartbeats count, and the time-out."""
    arn = start(service, waiting(TimeoutSeconds=10, HeartbeatSeconds=4))
    service.advance(100_000)
    workers.poll()
    token = workers.answers[0]["taskToken"]
    for _ in range(3):
        service.advance(3_000)
        service("SendTaskHeartbeat", taskToken=token)
    assert service("DescribeExecution", executionArn=arn)["status"] == "RUNNING"
    service.advance(1_000)
    assert details(service, arn, "activityTimedOutEventDetails") == {"error": "States.Timeout"}
    assert service.refusal("SendTaskSuccess", taskToken=token, output="1")[0] == "TaskTimedOut"


def test_a_silent_worker_times_out(service: Any, workers: Workers) -> None:
    """States.HeartbeatTimeout catches it."""
    catch = [{"ErrorEquals": ["States.HeartbeatTimeout"], "Next": "Caught"}]
    arn = start(service, waiting(TimeoutSeconds=10, HeartbeatSeconds=4, Catch=catch))
    workers.poll()
    service.advance(4_000)
    assert service("DescribeExecution", executionArn=arn)["output"] == '{"Error":"States.Timeout","Cause":""}'


def test_a_retried_task_is_handed_out_anew(service: Any, workers: Workers) -> None:
    """With another token."""
    start(service, waiting(Retry=[{"ErrorEquals": ["Again"], "IntervalSeconds": 1}]))
    workers.poll()
    service("SendTaskFailure", taskToken=workers.answers[0]["taskToken"], error="Again")
    service.advance(1_000)
    workers.poll()
    first, second = workers.answers
    assert first["taskToken"] != second["taskToken"]
    assert second["input"] == '{"a": 1}'


def test_a_poll_without_a_task_ends_after_a_minute(service: Any, workers: Workers) -> None:
    """With an empty answer."""
    workers.poll()
    service.advance(59_000)
    assert workers.answers == []
    service.advance(1_000)
    assert workers.answers == [{}]


def test_a_client_that_has_gone_takes_no_task(service: Any, workers: Workers) -> None:
    """The next one does."""
    workers.poll(workerName="ann")()
    workers.poll(workerName="bob")
    arn = start(service, waiting())
    assert len(workers.answers) == 1
    assert details(service, arn, "activityStartedEventDetails") == {"workerName": "bob"}


def test_a_stopped_execution_leaves_nothing_behind(service: Any, workers: Workers) -> None:
    """Neither a task for workers, nor a token."""
    arn = start(service, waiting())
    service("StopExecution", executionArn=arn)
    workers.poll()
    assert workers.answers == []
    assert len(service.account.tokens) == 0


def test_a_task_of_a_missing_activity_fails_for_good(service: Any) -> None:
    """As the interpreter's own errors do, without an event of the task (recorded)."""
    arn = start(service, waiting(Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]))
    assert trace(service, arn) == ["ExecutionStarted", "TaskStateEntered", "ExecutionFailed"]
    cause = service("DescribeExecution", executionArn=arn)["cause"]
    place = "An error occurred while executing the state 'T' (entered at the event id #2). "
    assert cause == f"{place}The activity {PAINT} does not exist."
