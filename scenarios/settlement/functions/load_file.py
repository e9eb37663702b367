"""Before: loads a whole file, a PutItem a transaction, all under one key."""

from __future__ import annotations

import os
from typing import Any

import boto3
from settlement_file import Totals, item, matched

dynamodb = boto3.client("dynamodb")


def handler(event: dict[str, Any], _context: object) -> dict[str, int]:
    """Write every transaction of the file under ``ProgramID#FileDate``; what they come to."""
    totals = Totals()
    partition = f"{event['programId']}#{event['fileDate']}"
    table = os.environ["TABLE"]
    for transaction in matched(event["bucket"], event["key"]):
        dynamodb.put_item(TableName=table, Item=item(transaction, partition))
        totals.add(transaction)
    return totals.counts
