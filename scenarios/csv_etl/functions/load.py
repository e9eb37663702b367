"""Loads the map run's results: one item a currency and country, which a second run only writes again."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import boto3

s3 = boto3.client("s3")
dynamodb = boto3.client("dynamodb")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Add up what was accepted, count what was not, and put the sums into the table."""
    bucket = event["results"]["Bucket"]
    manifest = json.loads(s3.get_object(Bucket=bucket, Key=event["results"]["Key"])["Body"].read())
    sums: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0])
    for line in _lines(bucket, manifest["ResultFiles"]["SUCCEEDED"]):
        order = json.loads(line)
        entry = sums[order["day"], order["currency"], order["country"]]
        entry[0] += 1
        entry[1] += order["cents"]
    rejected = sum(1 for _ in _lines(bucket, manifest["ResultFiles"]["FAILED"]))
    for (day, currency, country), (count, cents) in sorted(sums.items()):
        dynamodb.put_item(
            TableName=event["table"],
            Item={
                "day": {"S": day},
                "key": {"S": f"{currency}#{country}"},
                "orders": {"N": str(count)},
                "cents": {"N": str(cents)},
            },
        )
    totals: dict[str, int] = {}
    for (_, currency, _), (_, cents) in sorted(sums.items()):
        totals[currency] = totals.get(currency, 0) + cents
    return {"accepted": sum(count for count, _ in sums.values()), "rejected": rejected, "cents": totals}


def _lines(bucket: str, files: list[dict[str, Any]]) -> Iterator[bytes]:
    for file in files:
        yield from s3.get_object(Bucket=bucket, Key=file["Key"])["Body"].iter_lines()
