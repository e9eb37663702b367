"""What is done once, at deployment: fills the table of financial data, and verifies the sender's address."""

from __future__ import annotations

from typing import Any

import boto3

dynamodb = boto3.resource("dynamodb")
ses = boto3.client("ses")


def handler(event: dict[str, Any], _context: object) -> None:
    """Put `items` items into the `table`, each with its price and its cost, and verify the `sender`."""
    ses.verify_email_identity(EmailAddress=event["sender"])
    with dynamodb.Table(event["table"]).batch_writer() as batch:
        for n in range(event["items"]):
            price = 199 + n * 7919 % 60_000
            batch.put_item({"item": f"I{n:04d}", "price_cents": price, "cost_cents": price * (50 + n % 40) // 100})
