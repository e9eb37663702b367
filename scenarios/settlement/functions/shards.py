"""After: transactions spread over shards of their key, written in batches, with a summary for each shard and file."""

from __future__ import annotations

import os
import random
import time
from collections import defaultdict
from typing import Any
from zlib import crc32

import boto3
from botocore.config import Config
from settlement_file import Totals, header_of, item, matched

BATCH = 25
MOST_WAIT_S = 20.0

dynamodb = boto3.client("dynamodb", config=Config(retries={"mode": "standard", "max_attempts": 8}))


class Throttled(RuntimeError):
    """The table takes no more, after all patience."""


def shard_of(transaction_id: str, shards: int) -> int:
    """A transaction's shard: a hash of its id, which is the same in every process."""
    return crc32(transaction_id.encode()) % shards


def partition_of(key: str, shard: int) -> str:
    """The partition key of one shard: ``ProgramID#FileDate#007``."""
    return f"{key}#{shard:03d}"


def load(bucket: str, key: str, shards: int) -> dict[str, int]:
    """Write a file's transactions and the summaries of its shards; what they come to.

    Every item follows from the file alone, and has a key of its own: a second load writes the same bytes again.
    """
    header = header_of(bucket, key)
    table = os.environ["TABLE"]
    everything, summaries = Totals(), defaultdict[int, Totals](Totals)
    batch: list[dict[str, Any]] = []
    for transaction in matched(bucket, key):
        shard = shard_of(transaction["id"], shards)
        summaries[shard].add(transaction)
        everything.add(transaction)
        batch.append(item(transaction, partition_of(header.key, shard)))
        if len(batch) == BATCH:
            write(table, batch)
            batch = []
    for shard, totals in summaries.items():
        where = {"pk": {"S": partition_of(header.key, shard)}, "sk": {"S": f"SUMMARY#{header.sequence:06d}"}}
        batch.append({**where, **totals.attributes()})
    for first in range(0, len(batch), BATCH):
        write(table, batch[first : first + BATCH])
    return everything.counts


def write(table: str, items: list[dict[str, Any]]) -> None:
    """Write a batch. Only what was left unprocessed is sent again, later each time, by chance. Raises Throttled."""
    requests = {table: [{"PutRequest": {"Item": one}} for one in items]}
    for attempt in range(12):
        requests = dynamodb.batch_write_item(RequestItems=requests)["UnprocessedItems"]
        if not requests:
            return
        time.sleep(random.uniform(0, min(MOST_WAIT_S, 0.05 * 2**attempt)))
    raise Throttled(f"{len(requests[table])} items of {table} are still unprocessed")
