"""Before: loads a whole file, a PutItem a transaction, all under one key, by a few threads."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
from settlement_file import Totals, item, matched

WRITERS = 4

dynamodb = boto3.client("dynamodb")


def handler(event: dict[str, Any], _context: object) -> dict[str, int]:
    """Write every transaction of the file under ``ProgramID#FileDate``; what they come to."""
    partition = f"{event['programId']}#{event['fileDate']}"
    transactions = list(matched(event["bucket"], event["key"]))
    with ThreadPoolExecutor(max_workers=WRITERS) as pool:
        shares = [pool.submit(write, transactions[first::WRITERS], partition) for first in range(WRITERS)]
        for share in shares:
            share.result()
    totals = Totals()
    for transaction in transactions:
        totals.add(transaction)
    return totals.counts


def write(transactions: list[dict[str, Any]], partition: str) -> None:
    """One call a transaction."""
    table = os.environ["TABLE"]
    for transaction in transactions:
        dynamodb.put_item(TableName=table, Item=item(transaction, partition))
