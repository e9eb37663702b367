"""Before: adds a file's totals to its programme's. Asked twice, it adds twice."""

from __future__ import annotations

import os
from typing import Any

import boto3

dynamodb = boto3.client("dynamodb")


def handler(event: dict[str, Any], _context: object) -> None:
    """One UpdateItem."""
    counts = {**event["loaded"]["totals"], "files": 1}
    dynamodb.update_item(
        TableName=os.environ["TOTALS"],
        Key={"pk": {"S": event["programId"]}, "sk": {"S": event["fileDate"]}},
        UpdateExpression="ADD " + ", ".join(f"#{name} :{name}" for name in counts),
        ExpressionAttributeNames={f"#{name}": name for name in counts},
        ExpressionAttributeValues={f":{name}": {"N": str(value)} for name, value in counts.items()},
    )
