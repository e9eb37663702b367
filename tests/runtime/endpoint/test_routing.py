"""endpoint/routing.py: who a request is for."""

from __future__ import annotations

import pytest

from stepsim.runtime.endpoint.request import HttpRequest
from stepsim.runtime.endpoint.routing import Address, Router

ROUTER = Router(("aws.test",))


def address(target: str = "/", /, **headers: str) -> Address:
    """The address of a request; underscores in header names are hyphens."""
    named = {"host": "127.0.0.1:4566", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return ROUTER.address(HttpRequest("GET", target, named))


def credential(scope: str) -> str:
    """A signature of a scope."""
    return f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=abc"


def test_what_was_signed_names_service_and_region() -> None:
    """The credential scope decides, whatever the address that the client was given."""
    found = address(authorization=credential("AKID/20260105/eu-west-1/sqs/aws4_request"))
    assert (found.service, found.home.region) == ("sqs", "eu-west-1")
    assert found.url == "https://sqs.eu-west-1.amazonaws.com/"


def test_an_access_key_of_twelve_digits_is_an_account() -> None:
    """Any other key works in the default account."""
    assert address(authorization=credential("000000000002/1/us-east-1/states/aws4_request")).home == (
        "000000000002",
        "us-east-1",
    )
    assert address(authorization=credential("key/1/us-east-1/states/aws4_request")).home.account_id == "123456789012"


def test_a_presigned_url_is_signed_too() -> None:
    """Its query holds the scope."""
    found = address(
        "/bucket/key?X-Amz-Credential=000000000007%2F20260105%2Fap-south-1%2Fs3%2Faws4_request&X-Amz-Date=1"
    )
    assert (found.service, *found.home) == ("s3", "000000000007", "ap-south-1")
    assert found.host == "s3.ap-south-1.amazonaws.com"


def test_what_was_signed_before_sigv4_is_s3() -> None:
    """In a header or in a URL."""
    assert address("/bucket/key?AWSAccessKeyId=000000000007&Signature=x").home.account_id == "000000000007"
    assert address("/bucket/key", authorization="AWS 000000000007:abc").service == "s3"


@pytest.mark.parametrize(
    ("headers", "target", "service"),
    [
        ({"x_amz_target": "AWSStepFunctions.ListStateMachines"}, "/", "states"),
        ({"x_amz_target": "DynamoDB_20120810.ListTables"}, "/", "dynamodb"),
        ({"x_amz_target": "Nobody.Nothing"}, "/", "nobody"),
        ({"authorization": "garbage", "x_amz_target": "AmazonSQS.ListQueues"}, "/", "sqs"),
        ({"authorization": "AWS4-HMAC-SHA256 Credential=/////", "x_amz_target": "AmazonSQS.ListQueues"}, "/", "sqs"),
        ({}, "/2015-03-31/functions/f/invocations", "lambda"),
        ({}, "/_aws/execute-api/abc/stage/x", "execute-api"),
        ({}, "/?Action=GetCallerIdentity&Version=2011-06-15", "sts"),
        ({}, "/bucket/2015-03-31/functions", "s3"),
        ({}, "/", "s3"),
    ],
)
def test_an_unsigned_request_is_known_by_its_look(headers: dict[str, str], target: str, service: str) -> None:
    """By its target, its path or its version; what is like nothing is S3's."""
    assert address(target, **headers).service == service


def test_a_form_is_known_by_its_version() -> None:
    """As the query services have it in the body."""
    headers = {"content-type": "application/x-www-form-urlencoded"}
    form = HttpRequest("POST", "/", headers, b"Action=ListTopics&Version=2010-03-31")
    assert ROUTER.address(form).service == "sns"


@pytest.mark.parametrize(
    ("host", "target", "url"),
    [
        ("bucket.s3.eu-west-1.amazonaws.com", "/key", "https://bucket.s3.eu-west-1.amazonaws.com/key"),
        ("sqs.eu-west-1.amazonaws.com", "/1/q", "https://sqs.eu-west-1.amazonaws.com/1/q"),
        ("sync-states.us-east-1.amazonaws.com", "/", "https://sync-states.us-east-1.amazonaws.com/"),
        ("bucket.s3.localhost:4566", "/key", "https://s3.us-east-1.amazonaws.com/bucket/key"),
        ("my.bucket.s3.eu-west-1.localhost", "/", "https://s3.eu-west-1.amazonaws.com/my.bucket/"),
        ("bucket.localhost", "/key?x", "https://s3.us-east-1.amazonaws.com/bucket/key?x"),
        ("bucket.s3.localhost.localstack.cloud", "/key", "https://s3.us-east-1.amazonaws.com/bucket/key"),
        ("sqs.eu-west-1.localhost", "/", "https://sqs.eu-west-1.amazonaws.com/"),
        ("abc123.execute-api.eu-west-1.localhost", "/p", "https://abc123.execute-api.eu-west-1.amazonaws.com/p"),
        ("sync-states.localhost", "/", "https://states.us-east-1.amazonaws.com/"),
        ("[::1]:4566", "/bucket", "https://s3.us-east-1.amazonaws.com/bucket"),
        ("aws.test", "/bucket", "https://s3.us-east-1.amazonaws.com/bucket"),
    ],
)
def test_a_host_may_name_service_bucket_and_region(host: str, target: str, url: str) -> None:
    """AWS's own hosts are kept; before a name of ours stands what would stand before AWS's."""
    assert address(target, host=host).url == url


@pytest.mark.parametrize(
    ("service", "target", "host"),
    [
        ("dynamodb", "DynamoDBStreams_20120810.ListStreams", "streams.dynamodb.us-east-1.amazonaws.com"),
        ("iotdata", "", "data-ats.iot.us-east-1.amazonaws.com"),
        ("sagemaker", "SageMaker.ListModels", "api.sagemaker.us-east-1.amazonaws.com"),
    ],
)
def test_a_signature_is_not_always_the_hosts_name(service: str, target: str, host: str) -> None:
    """Some services sign with a name that is not their host's."""
    scope = credential(f"k/20260105/us-east-1/{service}/aws4_request")
    assert address(authorization=scope, **({"x_amz_target": target} if target else {})).host == host


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "x.localhost", "192.168.1.5", "s3.amazonaws.com", "aws.test", ""]
)
def test_names_of_ours_are_known(host: str) -> None:
    """This machine's, AWS's, and those that the user has named."""
    assert ROUTER.knows(host)


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "amazonaws.com.evil.example", "notlocalhost"]
)
def test_other_names_are_not_ours(host: str) -> None:
    """A web page that points its own name here is not answered."""
    assert not ROUTER.knows(host)
