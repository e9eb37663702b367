"""Task tokens by the API: who may use them, and for how long."""

from __future__ import annotations

from typing import Any

PAINT = "arn:aws:states:us-east-1:123456789012:activity:paint"


def token_of(service: Any) -> str:
    """The token of a task that waits."""
    service("CreateActivity", name="paint")
    task = {"Type": "Task", "Resource": PAINT, "End": True}
    machine = service.machine(definition={"StartAt": "T", "States": {"T": task}})
    service("StartExecution", stateMachineArn=machine)
    token: str = service("GetActivityTask", activityArn=PAINT)["taskToken"]
    return token


def test_a_token_is_known_in_every_region(service: Any) -> None:
    """It is the account's."""
    token = token_of(service)
    replies: list[Any] = []
    elsewhere = service.home._replace(region="eu-west-1")
    service.operations.call("SendTaskHeartbeat", {"taskToken": token}, elsewhere, replies.append)
    assert replies == [{}]


def test_a_token_nobody_gave_out_is_invalid(service: Any) -> None:
    """AWS's words, recorded."""
    assert service.refusal("SendTaskHeartbeat", taskToken="t") == ("InvalidToken", "Invalid Token: 'Invalid token'")
    assert service.refusal("SendTaskSuccess", taskToken="t", output="{}")[0] == "InvalidToken"
    assert service.refusal("SendTaskFailure", taskToken="t")[0] == "InvalidToken"


def test_an_output_that_is_no_json_is_refused(service: Any) -> None:
    """The task goes on."""
    token = token_of(service)
    assert service.refusal("SendTaskSuccess", taskToken=token, output="{")[0] == "InvalidOutput"
    assert service("SendTaskSuccess", taskToken=token, output="{}") == {}


def test_a_used_token_has_timed_out(service: Any) -> None:
    """For whoever comes second."""
    token = token_of(service)
    service("SendTaskFailure", taskToken=token, error="E", cause="C")
    text = "Task Timed Out: 'Provided task does not exist anymore'"
    assert service.refusal("SendTaskSuccess", taskToken=token, output="1") == ("TaskTimedOut", text)
    assert service.refusal("SendTaskHeartbeat", taskToken=token) == ("TaskTimedOut", text)
