"""Handlers that call AWS with boto3."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3


def round_trip(event: Any, context: Any) -> dict[str, Any]:
    s3 = boto3.client("s3")
    s3.put_object(Bucket="b", Key="k ü+", Body=io.BytesIO(event.encode()))
    response = s3.get_object(Bucket="b", Key="k ü+")
    return {
        "body": response["Body"].read().decode(),
        "etag": response.get("ETag"),
        "status": response["ResponseMetadata"]["HTTPStatusCode"],
        "retries": response["ResponseMetadata"]["RetryAttempts"],
    }


def missing(event: Any, context: Any) -> str:
    s3 = boto3.client("s3")
    try:
        s3.get_object(Bucket="b", Key="missing")
    except s3.exceptions.NoSuchKey as error:
        return str(error)
    return "found"


def table(event: Any, context: Any) -> Any:
    items = boto3.resource("dynamodb").Table("t")
    items.put_item(Item={"pk": "a", "n": 3, "tags": {"x"}})
    return items.get_item(Key={"pk": "a"})["Item"]["n"]


def invalid(event: Any, context: Any) -> None:
    boto3.client("s3").get_object(Bucket="b")  # type: ignore[call-arg]


def parallel(event: Any, context: Any) -> list[str]:
    s3 = boto3.client("s3")

    def put(number: int) -> str:
        s3.put_object(Bucket="b", Key=str(number), Body=str(number))
        body: bytes = s3.get_object(Bucket="b", Key=str(number))["Body"].read()
        return body.decode()

    with ThreadPoolExecutor(8) as threads:
        return list(threads.map(put, range(event)))


def identity(event: Any, context: Any) -> Any:
    return boto3.client("sts").get_caller_identity()["Account"]


def local(event: Any, context: Any) -> str:
    try:
        boto3.client("sts", endpoint_url="http://127.0.0.1:9").get_caller_identity()
    except Exception as error:
        return type(error).__name__
    return "answered"


def invoke_other(event: Any, context: Any) -> str:
    response = boto3.client("lambda").invoke(FunctionName="other", Payload=b"{}")
    body: bytes = response["Payload"].read()
    return body.decode()
