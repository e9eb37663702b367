"""After: makes a programme's totals of the day anew, from the summaries of its shards."""

from __future__ import annotations

import os
from typing import Any

from shards import dynamodb, partition_of

NUMBERS = ("transactions", "MISMATCH", "UNMATCHED", "USD", "EUR", "GBP", "CHF")


def handler(event: dict[str, Any], _context: object) -> dict[str, int]:
    """Read a Query a shard, add up, put the sums.

    Nothing is added to what is there, so it may run again. Two files of a programme may end at once: the sums of fewer
    files never replace those of more.
    """
    key = f"{event['programId']}#{event['fileDate']}"
    sums: dict[str, int] = {}
    files: set[str] = set()
    for shard in range(event["shards"]):
        for summary in summaries(partition_of(key, shard)):
            files.add(summary["sk"]["S"])
            for name in NUMBERS:
                if name in summary:
                    sums[name] = sums.get(name, 0) + int(summary[name]["N"])
    counts = {**sums, "files": len(files)}
    where = {"pk": {"S": event["programId"]}, "sk": {"S": event["fileDate"]}}
    try:
        dynamodb.put_item(
            TableName=os.environ["TOTALS"],
            Item={**where, **{name: {"N": str(value)} for name, value in counts.items()}},
            ConditionExpression="attribute_not_exists(files) OR files <= :files",
            ExpressionAttributeValues={":files": {"N": str(len(files))}},
        )
    except dynamodb.exceptions.ConditionalCheckFailedException:
        print(f"{key}: more files have been rolled up meanwhile")
    return counts


def summaries(partition: str) -> list[dict[str, Any]]:
    """The summaries of one shard, one a file."""
    found: list[dict[str, Any]] = []
    pages = dynamodb.get_paginator("query").paginate(
        TableName=os.environ["TABLE"],
        KeyConditionExpression="pk = :pk AND begins_with(sk, :summary)",
        ExpressionAttributeValues={":pk": {"S": partition}, ":summary": {"S": "SUMMARY#"}},
        ConsistentRead=True,
    )
    for page in pages:
        found += page["Items"]
    return found
