"""Status changes of executions on moto's default event bus."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from stepsim.runtime.account import Account
from stepsim.runtime.api.records import Home, Params, Response
from stepsim.runtime.api.step_functions import StepFunctions
from stepsim.runtime.cloud.call import ApiError
from stepsim.runtime.cloud.cloud import Cloud
from stepsim.runtime.dice import Dice
from stepsim.runtime.functions import Functions
from stepsim.runtime.statistics import Statistics

HOME = Home("123456789012", "us-east-1")
PASS = {"StartAt": "P", "States": {"P": {"Type": "Pass", "Result": {"a": 1}, "End": True}}}
FAIL = {"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "E", "Cause": "because"}}}
PATTERN = {"source": ["aws.states"], "detail-type": ["Step Functions Execution Status Change"]}
NOW_MS = 1_767_578_400_000


class Lab:
    """An account with a queue that a rule of the default bus sends to."""

    def __init__(self, cloud: Cloud) -> None:
        dice, statistics = Dice(1), Statistics()
        functions = Functions([], dice, statistics)
        self.account = Account(
            dice=dice, statistics=statistics, functions=functions, call=cloud.perform, models={}, start_ms=NOW_MS
        )
        self.service = StepFunctions(self.account)
        self.sqs, self.events = cloud.client("sqs"), cloud.client("events")
        self.cloud = cloud
        self.queue = self.sqs.create_queue(QueueName="changes")["QueueUrl"]

    def rule(self, pattern: Any = PATTERN, name: str = "changes", **target: Any) -> None:
        target.setdefault("Arn", "arn:aws:sqs:us-east-1:123456789012:changes")
        self.events.put_rule(Name=name, EventPattern=json.dumps(pattern))
        self.events.put_targets(Rule=name, Targets=[{"Id": "one", **target}])

    def call(self, operation: str, **params: Any) -> Response:
        replies: list[Response | ApiError] = []
        self.service.call(operation, Params(params), HOME, replies.append)
        self.settle()
        assert isinstance(replies[0], dict), replies
        return replies[0]

    def settle(self) -> None:
        self.account.scheduler.advance(self.account.scheduler.now_ms)

    def run(self, definition: Any, name: str = "one", kind: str = "STANDARD") -> str:
        role = "arn:aws:iam::123456789012:role/r"
        text = json.dumps(definition)
        made = self.call("CreateStateMachine", name="orders", definition=text, roleArn=role, type=kind)
        arn = made["stateMachineArn"]
        return str(self.call("StartExecution", stateMachineArn=arn, name=name, input='{"b": 2}')["executionArn"])

    def messages(self) -> list[str]:
        received: list[str] = []
        while True:
            messages = self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages", [])
            if not messages:
                return received
            for message in messages:
                received.append(message["Body"])
                self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Cloud(seed=1) as cloud:
        yield Lab(cloud)


def test_a_rule_hears_of_the_start_and_of_the_end(lab: Lab) -> None:
    """An execution that succeeds is RUNNING, then SUCCEEDED, with its data and times in milliseconds."""
    lab.rule()
    arn = lab.run(PASS)
    running, succeeded = map(json.loads, lab.messages())
    assert running["detail"] | {"status": "?"} == {
        "executionArn": arn,
        "stateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:orders",
        "name": "one",
        "status": "?",
        "startDate": NOW_MS,
        "stopDate": None,
        "input": '{"b": 2}',
        "inputDetails": {"included": True},
        "output": None,
        "outputDetails": None,
        "stateMachineVersionArn": None,
        "stateMachineAliasArn": None,
        "redriveCount": 0,
        "redriveDate": None,
        "redriveStatus": "NOT_REDRIVABLE",
        "redriveStatusReason": "Execution is RUNNING and cannot be redriven",
        "error": None,
        "cause": None,
    }
    assert succeeded["detail"]["status"] == "SUCCEEDED"
    assert succeeded["detail"]["output"] == '{"a":1}'
    assert succeeded["detail"]["stopDate"] == NOW_MS
    del succeeded["detail"], succeeded["id"]
    assert succeeded == {
        "version": "0",
        "detail-type": "Step Functions Execution Status Change",
        "source": "aws.states",
        "account": "123456789012",
        "time": "2026-01-05T02:00:00Z",
        "region": "us-east-1",
        "resources": [arn],
    }


def test_a_failure_carries_its_error_and_cause(lab: Lab) -> None:
    """A pattern on the status selects failures; they may be redriven."""
    lab.rule({**PATTERN, "detail": {"status": ["FAILED", "TIMED_OUT", "ABORTED"]}})
    lab.run(FAIL)
    (failed,) = map(json.loads, lab.messages())
    told = failed["detail"]
    assert (told["status"], told["error"], told["cause"]) == ("FAILED", "E", "because")
    assert (told["redriveStatus"], told["redriveStatusReason"]) == ("REDRIVABLE", None)


def test_express_executions_are_silent(lab: Lab) -> None:
    """EventBridge hears of Standard executions only."""
    lab.rule()
    lab.run(PASS, kind="EXPRESS")
    assert lab.messages() == []


def test_a_disabled_rule_and_a_schedule_get_nothing(lab: Lab) -> None:
    """Only enabled rules with a pattern wait for events."""
    lab.rule()
    lab.events.disable_rule(Name="changes")
    lab.events.put_rule(Name="hourly", ScheduleExpression="rate(1 hour)")
    lab.events.put_targets(Rule="hourly", Targets=[{"Id": "1", "Arn": "arn:aws:sqs:us-east-1:123456789012:changes"}])
    lab.run(PASS)
    assert lab.messages() == []


def test_a_target_that_is_gone_fails_nothing(lab: Lab) -> None:
    """The other targets get the event, and the execution does not notice."""
    lab.rule(name="a-gone", Arn="arn:aws:sqs:us-east-1:123456789012:gone")
    lab.rule()
    arn = lab.run(PASS)
    assert len(lab.messages()) == 2
    assert lab.call("DescribeExecution", executionArn=arn)["status"] == "SUCCEEDED"


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ({"Input": '{"fixed": true}'}, '{"fixed": true}'),
        ({"InputPath": "$.detail.status"}, '"RUNNING"'),
        (
            {
                "InputTransformer": {
                    "InputPathsMap": {"s": "$.detail.status", "n": "$.detail.startDate", "x": "$.detail.nothing"},
                    "InputTemplate": '{"status": <s>, "text": "<s> since <n><x>", "missing": <x>}',
                }
            },
            f'{{"status": "RUNNING", "text": "RUNNING since {NOW_MS}", "missing": null}}',
        ),
    ],
)
def test_a_target_may_ask_for_a_part(lab: Lab, target: dict[str, Any], message: str) -> None:
    """A constant, a part of the event, or a text with parts of it."""
    lab.rule({**PATTERN, "detail": {"status": ["RUNNING"]}}, **target)
    lab.run(PASS)
    assert lab.messages() == [message]


def test_a_topic_and_a_log_group_are_targets_too(lab: Lab) -> None:
    """SNS passes the event on to its subscribers; CloudWatch Logs keeps it as a line."""
    sns, logs = lab.cloud.client("sns"), lab.cloud.client("logs")
    topic = sns.create_topic(Name="changes")["TopicArn"]
    sns.subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint="arn:aws:sqs:us-east-1:123456789012:changes",
        Attributes={"RawMessageDelivery": "true"},
    )
    logs.create_log_group(logGroupName="/aws/events/changes")
    lab.rule({**PATTERN, "detail": {"status": ["RUNNING"]}}, Arn=topic)
    lab.rule(PATTERN, "logged", Arn="arn:aws:logs:us-east-1:123456789012:log-group:/aws/events/changes")
    lab.run(PASS)
    assert [json.loads(body)["detail"]["status"] for body in lab.messages()] == ["RUNNING"]
    events = logs.filter_log_events(logGroupName="/aws/events/changes")["events"]
    assert {json.loads(event["message"])["detail"]["status"] for event in events} == {"RUNNING", "SUCCEEDED"}


def test_an_execution_may_start_another_machine(lab: Lab) -> None:
    """A state machine as a target is started with the event as its input."""
    role, text = "arn:aws:iam::123456789012:role/r", json.dumps(PASS)
    made = lab.call("CreateStateMachine", name="next", definition=text, roleArn=role)["stateMachineArn"]
    started: list[str] = []
    observers = lab.service.registries.observers
    observers.execution_started.append(lambda record: started.append(record.execution.me.machine_name))
    only = {"status": ["SUCCEEDED"], "stateMachineArn": [{"suffix": ":orders"}]}
    lab.rule({**PATTERN, "detail": only}, Arn=made)
    lab.run(PASS)
    assert started == ["orders", "next"]


def test_an_unknown_kind_of_target_is_named_once(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be delivered is said on standard error."""
    lab.rule(Arn="arn:aws:kinesis:us-east-1:123456789012:stream/s")
    lab.run(PASS)
    assert capsys.readouterr().err.count("EventBridge targets of 'kinesis' are not supported") == 1


def test_buses_in_a_ring_come_to_an_end(lab: Lab) -> None:
    """An event that is passed from bus to bus is passed on so many times and no more."""
    lab.rule(name="again", Arn="arn:aws:events:us-east-1:123456789012:event-bus/default")
    lab.rule({**PATTERN, "detail": {"status": ["RUNNING"]}})
    lab.run(PASS)
    assert len(lab.messages()) == 9


def test_data_too_large_for_an_event_is_left_out(lab: Lab) -> None:
    """The input goes first, where both together are above 248 KB, and the details say that it is not included."""
    lab.rule({**PATTERN, "detail": {"status": ["SUCCEEDED"]}})
    role = "arn:aws:iam::123456789012:role/r"
    definition = json.dumps({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}})
    machine = lab.call("CreateStateMachine", name="large", definition=definition, roleArn=role)["stateMachineArn"]
    lab.call("StartExecution", stateMachineArn=machine, input=json.dumps("x" * 200_000))
    (body,) = lab.messages()
    told = json.loads(body)["detail"]
    assert (told["input"], told["inputDetails"]) == (None, {"included": False})
    assert (len(told["output"]), told["outputDetails"]) == (200_002, {"included": True})
