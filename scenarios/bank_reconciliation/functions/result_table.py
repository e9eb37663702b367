"""The layout of the results table: one item for each pair of files, spread over 64 partitions for each run.

An item says only what follows from the two files, so writing it a second time changes nothing.
"""

from __future__ import annotations

import json
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from matching import BANK, Reconciliation, Unmatched

SHARDS = 64
BATCH = 25
"""The most items that one BatchWriteItem takes."""
MAX_TRIES = 10


def key(run_id: str, pair: str) -> dict[str, Any]:
    """The item's key. The shard is a hash that is the same in every process, as Python's own hash() is not."""
    return {"pk": {"S": shard_key(run_id, zlib.crc32(pair.encode()) % SHARDS)}, "sk": {"S": pair}}


def shard_key(run_id: str, shard: int) -> str:
    """The partition key of one of a run's shards."""
    return f"RUN#{run_id}#{shard:02d}"


def reconciled(run_id: str, pair: str, result: Reconciliation, flagged: int) -> dict[str, Any]:
    """The item of a pair that was compared. Counts that are zero are left out, to keep it small."""
    matched: Counter[str] = Counter()
    for payment, _ in (*result.exact, *result.tolerance, *result.fx):
        matched[payment.currency] += abs(payment.amount_cents)
    for payments, _ in result.split:
        for payment in payments:
            matched[payment.currency] += abs(payment.amount_cents)
    pairs = len(result.exact) + len(result.tolerance) + len(result.fx)
    stayed_at_bank = sum(unmatched.side == BANK for unmatched in result.exceptions)
    counts = {
        "bank": pairs + sum(len(payments) for payments, _ in result.split) + stayed_at_bank,
        "internal": pairs + sum(len(entries) for _, entries in result.split) + len(result.exceptions) - stayed_at_bank,
        "exact": len(result.exact),
        "tolerance": len(result.tolerance),
        "fx": len(result.fx),
        "split": len(result.split),
        "flagged": flagged,
    }
    item = key(run_id, pair) | {"status": {"S": "RECONCILED"}}
    item |= {name: {"N": str(count)} for name, count in counts.items() if count}
    if matched:
        item["matched"] = {"M": {currency: {"N": str(cents)} for currency, cents in matched.items()}}
    if result.exceptions:
        item["exceptions"] = {"S": json.dumps([_row(unmatched) for unmatched in result.exceptions])}
    return item


def _row(unmatched: Unmatched) -> list[str | int]:
    transaction = unmatched.transaction
    return [unmatched.reason, unmatched.side, transaction.id, transaction.currency, transaction.amount_cents]


def failed(run_id: str, pair: str, reason: str, detail: str) -> dict[str, Any]:
    """The item of a pair that could not be compared."""
    return key(run_id, pair) | {"status": {"S": "FAILED"}, "reason": {"S": reason}, "detail": {"S": detail}}


def write(dynamodb: Any, table: str, items: list[dict[str, Any]], sleep: Callable[[float], None] = time.sleep) -> None:
    """Write all items, trying again only what DynamoDB says it did not process."""
    for start in range(0, len(items), BATCH):
        requests = {table: [{"PutRequest": {"Item": item}} for item in items[start : start + BATCH]]}
        for attempt in range(MAX_TRIES):
            requests = dynamodb.batch_write_item(RequestItems=requests)["UnprocessedItems"]
            if not requests:
                break
            sleep(min(0.05 * 2**attempt, 5))
        else:
            raise RuntimeError(f"{len(requests[table])} items were still unprocessed after {MAX_TRIES} tries")


def read(dynamodb: Any, table: str, run_id: str) -> Iterator[dict[str, Any]]:
    """Every item of a run, shard by shard, page by page."""
    pages = dynamodb.get_paginator("query")
    for shard in range(SHARDS):
        for page in pages.paginate(
            TableName=table,
            KeyConditionExpression="pk = :shard",
            ExpressionAttributeValues={":shard": {"S": shard_key(run_id, shard)}},
            ConsistentRead=True,
        ):
            yield from page["Items"]


def exceptions(item: dict[str, Any]) -> list[tuple[str, str, str, str, int]]:
    """The exceptions of a pair: reason, side, transaction, currency, amount in cents."""
    return [tuple(row) for row in json.loads(item["exceptions"]["S"])] if "exceptions" in item else []
