"""How the Java SDKs spell names."""

from __future__ import annotations

import pytest

from stepsim.runtime.services.spelling import capital, java_name, pascal_case


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        ("QueueUrl", "QueueUrl", "QueueUrl"),
        ("taskArn", "TaskArn", "TaskArn"),
        ("MD5OfMessageBody", "MD5OfMessageBody", "Md5OfMessageBody"),
        ("DBInstanceIdentifier", "DBInstanceIdentifier", "DbInstanceIdentifier"),
        ("ETag", "ETag", "ETag"),
        ("ChecksumCRC32", "ChecksumCRC32", "ChecksumCRC32"),
        ("ARN", "ARN", "Arn"),
        ("SSEKMSKeyId", "SSEKMSKeyId", "SsekmsKeyId"),
        ("BOOL", "BOOL", "Bool"),
        ("NULL", "NULL", "Nul"),
        ("S", "S", "S"),
    ],
)
def test_a_member_is_spelled_by_each_sdk(name: str, first: str, second: str) -> None:
    """The second breaks up what begins with capitals."""
    assert (capital(name), java_name(name)) == (first, second)


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("DynamoDB", "DynamoDb"),
        ("SESv2", "SesV2"),
        ("WAFV2", "Wafv2"),
        ("ApiGatewayV2", "ApiGatewayV2"),
        ("Elastic Load Balancing v2", "ElasticLoadBalancingV2"),
        ("IoT Data Plane", "IotDataPlane"),
        ("Route 53", "Route53"),
        ("DBInstanceNotFoundException", "DbInstanceNotFoundException"),
    ],
)
def test_a_class_is_made_of_words(name: str, written: str) -> None:
    """Services and exceptions alike."""
    assert pascal_case(name) == written
