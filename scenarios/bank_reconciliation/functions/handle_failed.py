"""Handles one pair that could not be compared: records it as failed, unless a later delivery has compared it."""

from __future__ import annotations

from typing import Any

import boto3
import result_table

dynamodb = boto3.client("dynamodb")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """The pair, and whether it now stands as failed in the table."""
    failed = event["failedPair"]
    try:
        dynamodb.put_item(
            TableName=event["table"],
            Item=result_table.failed(event["runId"], failed["pair"], failed["reason"], failed["detail"]),
            ConditionExpression="attribute_not_exists(pk) OR #status = :failed",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={":failed": {"S": "FAILED"}},
        )
    except dynamodb.exceptions.ConditionalCheckFailedException:
        return {"pair": failed["pair"], "recorded": False}
    return {"pair": failed["pair"], "recorded": True}
