"""What API Gateway asks for an item's financial data."""

from __future__ import annotations

import json
import os
from typing import Any

import boto3

dynamodb = boto3.client("dynamodb")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """``GET /financials/{item}``: the item's price and cost in cents, or 404."""
    item = event["pathParameters"]["item"]
    found = dynamodb.get_item(TableName=os.environ["TABLE"], Key={"item": {"S": item}}).get("Item")
    if found is None:
        return answer(404, {"message": f"there is no item {item}"})
    return answer(200, {name: int(found[name]["N"]) for name in ("price_cents", "cost_cents")})


def answer(status: int, body: dict[str, Any]) -> dict[str, Any]:
    """A response of a proxy integration."""
    return {"statusCode": status, "headers": {"Content-Type": "application/json"}, "body": json.dumps(body)}
