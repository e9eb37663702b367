from __future__ import annotations

import os
import urllib.request
from collections.abc import Callable
from itertools import repeat
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError
from botocore.httpsession import URLLib3Session
from greenlet import getcurrent, greenlet

from stepsim.runtime.cloud.account_state import LeavesTheAccount
from stepsim.runtime.cloud.call import CallSite
from stepsim.runtime.cloud.cloud import Cloud
from stepsim.runtime.cloud.faults import FaultRule, Faults
from stepsim.runtime.cloud.gate import HANG_MS
from stepsim.runtime.cloud.latency import Latency
from stepsim.runtime.dice import Dice

SITE = CallSite("run", "State", "function")
TWICE = Config(retries={"total_max_attempts": 3, "mode": "standard"})


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """botocore's back-off takes no time."""
    monkeypatch.setattr("time.sleep", lambda _seconds: None)


def cloud_with(*rules: FaultRule, clock: Callable[[], int] = lambda: 0) -> Cloud:
    return Cloud(latency=Latency(Dice(0), off=True), faults=Faults(rules, Dice(0), clock))


def inside(cloud: Cloud) -> list[int]:
    """Calls are a handler's from now on; the waits they make are noted."""
    waits: list[int] = []
    cloud.gate.current_site = lambda: SITE
    cloud.gate.pause = waits.append
    return waits


SERVICES: list[tuple[str, str, dict[str, Any]]] = [
    ("s3", "get_object", {"Bucket": "bucket", "Key": "k"}),
    ("s3", "list_buckets", {}),
    ("dynamodb", "get_item", {"TableName": "table", "Key": {"pk": {"S": "a"}}}),
    ("sqs", "list_queues", {}),
    ("sns", "list_topics", {}),
    ("ec2", "describe_instances", {}),
    ("lambda", "list_functions", {}),
    ("cloudwatch", "list_metrics", {}),
    ("route53", "list_hosted_zones", {}),
    ("events", "list_rules", {}),
]


@pytest.mark.parametrize(("service", "method", "params"), SERVICES)
def test_a_throttle_meets_botocores_own_retries(service: str, method: str, params: dict[str, Any]) -> None:
    """In every protocol a refused call is retried by botocore, and its code is AWS's when it gives up."""
    operation = "".join(word.capitalize() for word in method.split("_"))
    rule = FaultRule(call=f"{service}.{operation}", error="ThrottlingException", status=400, cause="Rate exceeded")
    with cloud_with(rule) as cloud:
        inside(cloud)
        session: Any = boto3.session.Session()
        with pytest.raises(ClientError, match="Rate exceeded") as caught:
            getattr(session.client(service, config=TWICE), method)(**params)
        assert caught.value.response["Error"]["Code"] == "ThrottlingException"
        assert caught.value.response["ResponseMetadata"]["RetryAttempts"] == 2
        counts = cloud.gate.calls[f"{service}.{operation}"]
        assert (counts.count, counts.faults, counts.throttled) == (3, 3, 3)


@pytest.mark.parametrize("method", ["get_object", "get_object_tagging"])
def test_a_call_succeeds_once_the_fault_is_over(method: str) -> None:
    """A retry is served by the fast path, or by moto, and tells how many retries it took."""
    moments = iter([0, 0, *repeat(100, 10)])
    operation = "".join(word.capitalize() for word in method.split("_"))
    rule = FaultRule(call=f"s3.{operation}", error="SlowDown", to_ms=100)
    with cloud_with(rule, clock=lambda: next(moments)) as cloud:
        cloud.s3.create_bucket("bucket")
        cloud.s3.put("bucket", "k", b"body")
        inside(cloud)
        response = getattr(boto3.client("s3", config=TWICE), method)(Bucket="bucket", Key="k")
        assert response["ResponseMetadata"]["RetryAttempts"] == 2
        assert response.get("TagSet") == [] or response["Body"].read() == b"body"


def test_a_hanging_call_meets_the_read_timeout() -> None:
    """The handler waits its client's read time-out for each attempt, and then gets botocore's own error."""
    with cloud_with(FaultRule(call="s3.GetObject", hang=True)) as cloud:
        waits = inside(cloud)
        config = Config(read_timeout=5, retries={"total_max_attempts": 2})
        with pytest.raises(ReadTimeoutError):
            boto3.client("s3", config=config).get_object(Bucket="bucket", Key="k")
        assert waits == [5000, 5000]


def test_latency_is_waited_in_handlers_and_told_to_integrations() -> None:
    """A handler's call pauses it; a task integration's says how long it takes. The same site has the same latencies."""
    drawn = []
    for _ in range(2):
        with Cloud(seed=5) as cloud:
            cloud.s3.create_bucket("bucket")
            cloud.s3.put("bucket", "k", b"body")
            site = CallSite("run", "State")
            answer = cloud.gate.perform("s3", "GetObject", {"Bucket": "bucket", "Key": "k"}, site=site)
            waits = inside(cloud)
            cloud.gate.current_site = lambda: CallSite("run", "State")
            boto3.client("s3").get_object(Bucket="bucket", Key="k")
            assert answer.response is not None
            assert answer.response["Body"].read() == b"body"
            assert waits == [answer.latency_ms]
            drawn.append(answer.latency_ms)
    assert drawn[0] == drawn[1]


def test_integrations_get_errors_as_answers() -> None:
    """Fast path, moto and faults all answer with an ApiError, never raise, never retry."""
    rules = [
        FaultRule(call="sqs.ListQueues", error="RequestThrottled", status=403),
        FaultRule(call="sns.ListTopics", hang=True),
        FaultRule(call="s3.HeadObject", delay_ms=9),
    ]
    with cloud_with(*rules) as cloud:
        cloud.s3.create_bucket("bucket")
        perform = cloud.gate.perform
        for operation in ("GetObject", "HeadObject", "GetObjectTagging"):
            answer = perform("s3", operation, {"Bucket": "bucket", "Key": "no"}, site=SITE)
            assert answer.error is not None
            assert (answer.error.code, answer.error.status) == ("NoSuchKey", 404)
            assert answer.latency_ms == (9 if operation == "HeadObject" else 0)
        throttled = perform("sqs", "ListQueues", {}, site=SITE)
        assert throttled.error is not None
        assert throttled.error.code == "RequestThrottled"
        assert perform("sns", "ListTopics", {}, site=SITE).latency_ms == HANG_MS
        created = perform("sqs", "CreateQueue", {"QueueName": "q"}, site=SITE)
        assert created.response is not None
        assert created.response.keys() == {"QueueUrl"}
        assert cloud.gate.calls["sqs.CreateQueue"].count == 1


def test_calls_outside_any_run_pass_untouched() -> None:
    """A test's set-up meets no fault and is not counted; nor is a cloud's own client, ever."""
    with cloud_with(FaultRule(call="s3.ListBuckets", error="SlowDown", status=503)) as cloud:
        assert boto3.client("s3").list_buckets()["Buckets"] == []
        inside(cloud)
        assert cloud.client("s3").list_buckets()["Buckets"] == []
        assert cloud.gate.calls == {}


def test_handlers_take_turns_within_their_calls() -> None:
    """While one handler waits inside botocore another calls; each call keeps its own attempts and answers."""
    moments = iter([0, 0, *repeat(100, 50)])
    rules = [
        FaultRule(call="s3.GetObject", error="SlowDown", to_ms=100, delay_ms=1),
        FaultRule(call="s3.GetObjectTagging", error="SlowDown", to_ms=100, delay_ms=1),
    ]
    with cloud_with(*rules, clock=lambda: next(moments)) as cloud:
        cloud.s3.create_bucket("bucket")
        cloud.s3.put("bucket", "k", b"body")
        main = getcurrent()
        cloud.gate.current_site = lambda: None if getcurrent() is main else SITE
        cloud.gate.pause = lambda _latency_ms: main.switch("paused")
        client: Any = boto3.client("s3", config=TWICE)
        handlers = [
            greenlet(lambda method=method: method(Bucket="bucket", Key="k")["ResponseMetadata"]["RetryAttempts"])
            for method in (client.get_object, client.get_object_tagging)
        ]
        said = [handler.switch() for _ in range(2) for handler in handlers]
        assert said == ["paused", "paused", 1, 1]
        assert all(handler.dead for handler in handlers)


def test_resources_take_the_fast_path_too() -> None:
    """A DynamoDB resource's Python values pass the gate, throttled or not."""
    rule = FaultRule(call="dynamodb.PutItem", error="ProvisionedThroughputExceededException", probability=0.2)
    with cloud_with(rule) as cloud:
        cloud.client("dynamodb").create_table(
            TableName="table",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        inside(cloud)
        table: Any = boto3.resource("dynamodb").Table("table")
        for number in range(20):
            table.put_item(Item={"pk": str(number), "amount": number})
        assert table.get_item(Key={"pk": "7"})["Item"] == {"pk": "7", "amount": 7}
        counts = cloud.gate.calls["dynamodb.PutItem"]
        assert counts.count == 20 + counts.throttled
        assert counts.throttled == counts.faults > 0


def test_there_is_one_account_at_a_time() -> None:
    """A second account would share the first one's state."""
    with cloud_with(), pytest.raises(RuntimeError, match="one at a time"), cloud_with():
        pass


def test_the_same_seed_gives_the_same_ids() -> None:
    """Version and upload ids, and request ids, come from the seed."""

    def ids() -> list[str]:
        with Cloud(seed=9, latency=Latency(Dice(0), off=True)) as cloud:
            cloud.s3.create_bucket("bucket")
            inside(cloud)
            client: Any = boto3.client("s3")
            client.put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": "Enabled"})
            put = client.put_object(Bucket="bucket", Key="k", Body=b"")
            return [put["VersionId"], client.create_multipart_upload(Bucket="bucket", Key="k")["UploadId"]]

    assert ids() == ids()


def test_nothing_reaches_another_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """Old clients stay inside, unknown hosts and metadata services are stopped by name, the environment comes back."""
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://elsewhere.example")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    before = dict(os.environ)
    monkeypatch.delenv("AWS_PROFILE")
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    session = boto3.session.Session(aws_access_key_id="a", aws_secret_access_key="b", region_name="eu-west-1")
    old, elsewhere = session.client("s3"), session.client("s3", endpoint_url="https://elsewhere.example")
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://elsewhere.example")
    with cloud_with() as cloud:
        assert os.environ["AWS_EC2_METADATA_DISABLED"] == "true"
        assert not {"AWS_PROFILE", "AWS_ENDPOINT_URL"} & set(os.environ)
        assert old.list_buckets()["Buckets"] == []
        assert cloud.client("s3").meta.endpoint_url == "https://s3.amazonaws.com"
        with pytest.raises(LeavesTheAccount, match=r"elsewhere\.example"):
            elsewhere.list_buckets()
        for url in ("http://169.254.170.2/credentials", "https://example.com/x"):
            with pytest.raises(LeavesTheAccount, match="endpoint_url"):
                URLLib3Session().send(AWSRequest("GET", url).prepare())
        url = cloud.client("s3").generate_presigned_url("get_object", Params={"Bucket": "bucket", "Key": "k"})
        with pytest.raises(LeavesTheAccount, match=r"amazonaws\.com"):
            urllib.request.urlopen(url)
        named = boto3.client("s3", endpoint_url="http://127.0.0.1:1", config=Config(retries={"total_max_attempts": 1}))
        with pytest.raises(EndpointConnectionError):
            named.list_buckets()
    assert dict(os.environ) == before
