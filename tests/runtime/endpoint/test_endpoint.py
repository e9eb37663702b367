"""endpoint/endpoint.py: every request has its answer, in the shape of the service that it was for."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from stepsim.runtime.endpoint.endpoint import body_bytes_max
from stepsim.runtime.endpoint.request import HttpRequest

SYNC = "AWSStepFunctions.StartSyncExecution"


def test_step_functions_is_ours(client: Any) -> None:
    """What is created can be started, and runs as time passes."""
    execution = client.states("StartExecution", stateMachineArn=client.machine(client.WAIT))["executionArn"]
    assert client.states("DescribeExecution", executionArn=execution)["status"] == "RUNNING"
    client.advance(61)
    assert client.states("DescribeExecution", executionArn=execution)["status"] == "SUCCEEDED"


def test_each_region_and_account_has_its_own_machines(client: Any) -> None:
    """The signature says where a machine is made."""
    elsewhere = client.signed("states", region="eu-west-1", key="000000000002")
    params = {"name": "m", "definition": json.dumps(client.PASS), "roleArn": "arn:aws:iam::000000000002:role/r"}
    status, made = client.target("AWSStepFunctions.CreateStateMachine", params, elsewhere)
    assert (status, made["stateMachineArn"]) == (200, "arn:aws:states:eu-west-1:000000000002:stateMachine:m")
    assert client.states("ListStateMachines")["stateMachines"] == []


def test_a_synchronous_execution_is_answered_when_it_has_ended(client: Any) -> None:
    """Not before; meanwhile everybody else is answered."""
    body = json.dumps({"stateMachineArn": client.machine(client.WAIT, "EXPRESS")}).encode()
    answers, _ = client.begin(HttpRequest("POST", "/", {"x-amz-target": SYNC}, body))
    client.advance(59)
    assert answers == []
    client.advance(2)
    assert json.loads(answers[0].body)["status"] == "SUCCEEDED"


def test_a_client_that_has_gone_is_told_nothing(client: Any) -> None:
    """Its execution goes on, its answer is dropped."""
    body = json.dumps({"stateMachineArn": client.machine(client.WAIT, "EXPRESS")}).encode()
    answers, cancel = client.begin(HttpRequest("POST", "/", {"x-amz-target": SYNC}, body))
    cancel()
    client.advance(61)
    assert answers == []


def test_everything_else_is_motos(client: Any) -> None:
    """In the account and region that were signed for."""
    headers = client.signed("sqs", region="eu-west-1", key="000000000002")
    status, answer = client.target("AmazonSQS.CreateQueue", {"QueueName": "work"}, headers)
    assert (status, answer) == (200, {"QueueUrl": "http://localhost:4566/000000000002/work"})
    assert client.target("AmazonSQS.ListQueues", {}, headers)[1]["QueueUrls"] == [answer["QueueUrl"]]
    assert client.target("AmazonSQS.ListQueues", {}, client.signed("sqs"))[1].get("QueueUrls") is None


def test_objects_are_kept_as_they_were_sent(client: Any) -> None:
    """Whatever the content type claims; the key's own spelling counts."""
    assert client.s3("PUT", "/bucket").status == 200
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert client.s3("PUT", "/bucket/a%2Fb%20c//..%2F", form, b"key=1&\xff").status == 200
    assert client.s3("GET", "/bucket/a%2Fb%20c//..%2F").body == b"key=1&\xff"
    assert client.s3("GET", "/a%2Fb%20c//..%2F", {"host": "bucket.s3.localhost"}).body == b"key=1&\xff"
    assert b"<Key>a/b c//../</Key>" in client.s3("GET", "/bucket").body


def test_a_head_of_nothing_is_a_404_without_a_body(client: Any) -> None:
    """As S3 answers it."""
    client.s3("PUT", "/bucket")
    answer = client.s3("HEAD", "/bucket/nothing")
    assert (answer.status, answer.body) == (404, b"")


def test_an_object_is_not_everybodys(client: Any) -> None:
    """Without a signature, S3 refuses what is private."""
    client.s3("PUT", "/bucket")
    client.s3("PUT", "/bucket/key", body=b"x")
    assert client.send("GET", "/bucket/key").status == 403


@pytest.mark.parametrize(
    ("headers", "target", "body", "expected"),
    [
        ({"x-amz-target": "AmazonSSM.ListNodes"}, "/", b"{}", b'"__type":"NotImplemented"'),
        ({"x-amz-target": "Nobody.Nothing"}, "/", b"{}", b'"__type":"NotImplemented"'),
        ({}, "/?Action=GetContextKeysForCustomPolicy&Version=2010-05-08", b"", b"<Code>NotImplemented</Code>"),
    ],
)
def test_what_moto_does_not_do_is_named(
    client: Any, headers: dict[str, str], target: str, body: bytes, expected: bytes
) -> None:
    """Status 501, in the service's own shape, with the operation's name."""
    answer = client.send("POST", target, headers, body)
    assert answer.status == 501
    assert expected in answer.body
    assert b"is not implemented here" in answer.body


def test_an_exception_of_ours_is_told_once_and_hurts_nobody(
    client: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A 500 in AWS's shape, the traceback on standard error, and the next call is answered."""

    def broken(*_: Any) -> None:
        raise ZeroDivisionError("oops")

    with monkeypatch.context() as patched:
        patched.setattr(client.emulator.step_functions, "call", broken)
        status, answer = client.target("AWSStepFunctions.ListStateMachines", {})
    assert (status, answer["__type"]) == (500, "InternalFailure")
    told = capsys.readouterr().err
    assert told.count("ZeroDivisionError: oops") == 1
    assert "states.ListStateMachines failed" in told
    assert client.states("ListStateMachines") == {"stateMachines": []}


def test_compressed_bodies_are_read(client: Any) -> None:
    """As botocore compresses large requests."""
    body = gzip.compress(b'{"stateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:none"}')
    headers = {"x-amz-target": "AWSStepFunctions.DescribeStateMachine", "content-encoding": "gzip"}
    assert json.loads(client.send("POST", "/", headers, body).body)["__type"] == "StateMachineDoesNotExist"
    assert client.send("POST", "/", headers, b"no gzip").status == 400
    assert client.send("POST", "/", {**headers, "content-encoding": "br"}, b"").status == 415


def test_a_small_body_cannot_become_a_huge_one(client: Any) -> None:
    """What is compressed is read up to a limit."""
    headers = {"x-amz-target": "AWSStepFunctions.DescribeStateMachine", "content-encoding": "gzip"}
    assert client.send("POST", "/", headers, gzip.compress(b" " * (65 * 1024**2), 1)).status == 413


def test_an_objects_encoding_is_its_own(client: Any) -> None:
    """To S3 it is metadata."""
    client.s3("PUT", "/bucket")
    client.s3("PUT", "/bucket/key", {"content-encoding": "gzip"}, gzip.compress(b"x"))
    answer = client.s3("GET", "/bucket/key")
    assert (gzip.decompress(answer.body), answer.headers["content-encoding"]) == (b"x", "gzip")


def test_a_host_that_is_not_ours_is_refused(client: Any) -> None:
    """Whatever is asked of it."""
    answer = client.send("GET", "/", {"host": "evil.example"})
    assert (answer.status, b"evil.example" in answer.body) == (403, True)


def test_a_web_page_of_another_site_is_refused(client: Any) -> None:
    """A browser says where a request comes from."""
    assert client.send("POST", "/bucket", {"origin": "https://evil.example"}).status == 403
    assert client.send("PUT", "/bucket", {"origin": "http://localhost:3000"}).status == 200


def test_the_metadata_service_is_not_here(client: Any) -> None:
    """No credentials are handed out."""
    assert client.send("GET", "/latest/meta-data/iam/", {"host": "169.254.169.254"}).status >= 400


def test_how_much_of_a_body_is_read_depends_on_the_service() -> None:
    """A megabyte for Step Functions, S3's gigabytes without a target."""
    assert body_bytes_max({"x-amz-target": "AWSStepFunctions.StartExecution"}) == 1_048_576
    assert body_bytes_max({"x-amz-target": "DynamoDB_20120810.PutItem"}) == 64 * 1024**2
    assert body_bytes_max({}) == 5 * 1024**3


def test_every_answer_has_an_id_of_its_own(client: Any) -> None:
    """As x-amzn-requestid tells."""
    ids = [client.send("POST", "/", {"x-amz-target": "AWSStepFunctions.X"}).headers["x-amzn-requestid"] for _ in "ab"]
    assert len(set(ids)) == 2


def test_an_endless_loop_keeps_nobody_waiting(client: Any) -> None:
    """Not even one whose states take no time at all."""
    again = {"Type": "Choice", "Choices": [{"Variable": "$.end", "IsPresent": True, "Next": "End"}], "Default": "Loop"}
    states = {"Loop": {"Type": "Pass", "Next": "Again"}, "Again": again, "End": {"Type": "Succeed"}}
    arn = client.machine({"StartAt": "Loop", "States": states}, "EXPRESS")
    body = json.dumps({"stateMachineArn": arn}).encode()
    answers, _ = client.begin(HttpRequest("POST", "/", {"x-amz-target": SYNC}, body))
    assert client.states("ListStateMachines")["stateMachines"][0]["name"] == "machine"
    assert answers == []


@pytest.mark.parametrize("depth", [0, 1])
def test_an_execution_that_we_cannot_run_ends(
    client: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, depth: int
) -> None:
    """ABORTED, with the mistake named; wherever in it the mistake came up, and others go on."""

    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("oops")

    definition: dict[str, Any] = {
        "StartAt": "Call",
        "States": {"Call": {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:s3:listBuckets", "End": True}},
    }
    for _ in range(depth):
        definition = {
            "StartAt": "Both",
            "States": {"Both": {"Type": "Parallel", "Branches": [definition], "End": True}},
        }
    monkeypatch.setattr(client.emulator.account.performer, "_call", broken)
    execution = client.states("StartExecution", stateMachineArn=client.machine(definition))["executionArn"]
    described = client.states("DescribeExecution", executionArn=execution)
    assert (described["status"], described["error"]) == ("ABORTED", "stepsim.InternalFailure")
    assert described["cause"] == "ZeroDivisionError: oops"
    assert capsys.readouterr().err.count("ZeroDivisionError: oops") == 1
    assert client.emulator.running == 0
