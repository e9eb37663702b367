"""in_process.py: boto3 of this very process, on an emulated account."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ParamValidationError
from moto import mock_aws

from stepsim.runtime import local_aws

ROLE = "arn:aws:iam::123456789012:role/test"
PASS = {"StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "Result": {"done": True}, "End": True}}}
_boto3: Any = boto3


@pytest.fixture
def aws() -> Iterator[Any]:
    """The fixture that the documentation shows."""
    with local_aws() as aws:
        yield aws


def machine(client: Any, definition: dict[str, Any] = PASS, kind: str = "EXPRESS") -> str:
    """The ARN of a new machine."""
    made = client.create_state_machine(name="m", definition=json.dumps(definition), roleArn=ROLE, type=kind)
    return str(made["stateMachineArn"])


def test_executions_run_while_they_are_waited_for(aws: Any) -> None:
    """In the background: the caller does nothing for it."""
    client = aws.client("stepfunctions")
    ended = client.start_sync_execution(stateMachineArn=machine(client))
    assert (ended["status"], json.loads(ended["output"])) == ("SUCCEEDED", {"done": True})
    assert ended["startDate"].tzinfo is not None


def test_a_client_from_before_works_in_the_account() -> None:
    """Whatever credentials it was made with."""
    early = _boto3.client(
        "stepfunctions", region_name="eu-west-1", aws_access_key_id="AKIAX", aws_secret_access_key="x"
    )
    with local_aws():
        assert machine(early) == "arn:aws:states:eu-west-1:123456789012:stateMachine:m"


def test_every_service_is_there(aws: Any) -> None:
    """S3 by its own streams, DynamoDB by its resource."""
    s3 = _boto3.client("s3")
    s3.create_bucket(Bucket="bucket")
    s3.put_object(Bucket="bucket", Key="a b/é", Body=b"hello" * 100_000)
    assert s3.get_object(Bucket="bucket", Key="a b/é")["Body"].read(5) == b"hello"
    table = aws.resource("dynamodb").create_table(
        TableName="t",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    table.put_item(Item={"id": "x", "n": 1})
    assert table.get_item(Key={"id": "x"})["Item"]["n"] == 1
    assert _boto3.client("sts").get_caller_identity()["Account"] == aws.account_id


def test_errors_are_botocores_own(aws: Any) -> None:
    """Typed by the model; parameters are checked before anything is asked."""
    client = aws.client("stepfunctions")
    with pytest.raises(client.exceptions.StateMachineDoesNotExist) as caught:
        client.describe_state_machine(stateMachineArn="arn:aws:states:us-east-1:123456789012:stateMachine:none")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    with pytest.raises(ParamValidationError):
        client.describe_state_machine()
    with pytest.raises(ClientError, match="NoSuchBucket"):
        aws.client("s3").get_object(Bucket="nobodys", Key="x")


def test_many_threads_may_ask_at_once(aws: Any) -> None:
    """Each gets its own answer."""
    client = aws.client("stepfunctions")
    arn = machine(client)

    def run(number: int) -> Any:
        return client.start_sync_execution(stateMachineArn=arn, name=f"n{number}")["name"]

    with ThreadPoolExecutor(16) as threads:
        assert list(threads.map(run, range(64))) == [f"n{number}" for number in range(64)]


@local_aws
def decorated(name: str) -> list[str]:
    """A function with an account of its own."""
    client = _boto3.client("stepfunctions")
    machine(client)
    return [name, *(one["name"] for one in client.list_state_machines()["stateMachines"])]


def test_a_decorated_function_has_an_account_of_its_own_each_time() -> None:
    """It keeps its arguments and its name."""
    assert (decorated("a"), decorated("b")) == (["a", "m"], ["b", "m"])
    assert decorated.__name__ == "decorated"


def test_a_coroutine_function_can_be_decorated_too() -> None:
    """It is one afterwards."""

    @local_aws(region="eu-west-1")
    async def ask() -> Any:
        await asyncio.sleep(0)
        return _boto3.client("stepfunctions").list_state_machines()["stateMachines"]

    assert asyncio.run(ask()) == []


def test_what_cannot_be_decorated_is_named() -> None:
    """A generator would leave the account before it begins."""
    with pytest.raises(TypeError, match="decorates functions"):

        @local_aws
        def items() -> Iterator[int]:
            yield 1


def test_leaving_leaves_nothing() -> None:
    """No thread, no variable, no state."""
    threads, environment = threading.enumerate(), dict(os.environ)
    for _ in range(3):
        with local_aws() as aws:
            aws.client("s3").create_bucket(Bucket="bucket")
    assert threading.enumerate() == threads
    assert dict(os.environ) == environment


def test_it_joins_what_moto_holds() -> None:
    """And leaves it, with what was added, as it was."""
    with mock_aws():
        s3 = _boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="before")
        s3.put_object(Bucket="before", Key="key", Body=b"x")
        with local_aws() as aws:
            assert s3.get_object(Bucket="before", Key="key")["Body"].read() == b"x"
            aws.client("s3").create_bucket(Bucket="inside")
            machine(aws.client("stepfunctions"))
        assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == ["before", "inside"]


def test_motos_own_mock_inside_is_harmless(aws: Any) -> None:
    """The account stays."""
    aws.client("s3").create_bucket(Bucket="bucket")
    with mock_aws():
        assert len(_boto3.client("s3", region_name="us-east-1").list_buckets()["Buckets"]) == 1
    machine(aws.client("stepfunctions"))
    assert len(aws.client("s3").list_buckets()["Buckets"]) == 1


def test_there_is_one_account_at_a_time(aws: Any) -> None:
    """A second one is refused, and the first goes on."""
    with pytest.raises(RuntimeError, match="one at a time"), local_aws():
        pass
    assert aws.client("stepfunctions").list_state_machines()["stateMachines"] == []


def test_an_execution_calls_the_account_that_it_runs_in(aws: Any) -> None:
    """A task's own call is answered on the account's thread."""
    client = aws.client("stepfunctions")
    sdk = "arn:aws:states:::aws-sdk"
    states = {
        "List": {"Type": "Task", "Resource": f"{sdk}:s3:listBuckets", "Next": "Machines"},
        "Machines": {"Type": "Task", "Resource": f"{sdk}:sfn:listStateMachines", "Parameters": {}, "End": True},
    }
    ended = client.start_sync_execution(stateMachineArn=machine(client, {"StartAt": "List", "States": states}))
    assert json.loads(ended["output"])["StateMachines"][0]["Name"] == "m"


def test_a_call_under_way_ends_when_the_account_goes() -> None:
    """With an error, not with silence."""
    failures: list[BaseException] = []
    with local_aws() as aws:
        client = aws.client("stepfunctions")
        activity = client.create_activity(name="a")["activityArn"]

        def poll() -> None:
            try:
                client.get_activity_task(activityArn=activity)
            except BaseException as error:
                failures.append(error)

        thread = threading.Thread(target=poll)
        thread.start()
        while not aws._waiting:
            client.describe_activity(activityArn=activity)
    thread.join()
    assert [type(failure) for failure in failures] == [ConnectionAbortedError]


def test_a_seed_makes_ids_repeatable() -> None:
    """The same calls, the same names."""

    def name() -> Any:
        with local_aws(seed=7) as aws:
            client = aws.client("stepfunctions")
            return client.start_sync_execution(stateMachineArn=machine(client))["name"]

    assert name() == name()
