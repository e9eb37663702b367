"""Reconciles a batch: each bank file with the internal file of the same number.

A pair whose files cannot be read does not stop the batch: it is handed on, to be handled on its own. Everything else
that goes wrong (a throttle that lasts, a table that is not there) fails the invocation, and the state machine tries
the whole batch again; what was written already is written again, the same.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import PurePosixPath
from typing import Any

import boto3
import result_table
from matching import Rates, reconcile
from statement import Transaction, UnusableFile, parse

s3 = boto3.client("s3")
dynamodb = boto3.client("dynamodb")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """What the state machine decides by: the batch's status, and the pairs that failed."""
    batch = event["BatchInput"]
    flagged = frozenset(batch["flaggedCounterparties"])
    results, failed_pairs = [], []
    for item in event["Items"]:
        pair = PurePosixPath(item["bankKey"]).stem
        try:
            results.append(_reconcile_pair(pair, item, batch, flagged))
        except UnusableFile as error:
            failed_pairs.append({"pair": pair, **item, "reason": error.reason, "detail": error.detail})
    result_table.write(dynamodb, batch["table"], results)
    return {
        "status": "FAILED" if failed_pairs else "SUCCEEDED",
        "reconciled": len(results),
        "failedPairs": failed_pairs,
    }


def _reconcile_pair(pair: str, item: dict[str, str], batch: dict[str, Any], flagged: Collection[str]) -> dict[str, Any]:
    rates: Rates = batch["rates"]
    bank = _read(batch["bankBucket"], item["bankKey"])
    internal = _read(batch["internalBucket"], item["internalKey"])
    suspicious = sum(transaction.counterparty in flagged for transaction in bank)
    return result_table.reconciled(batch["runId"], pair, reconcile(bank, internal, rates), suspicious)


def _read(bucket: str, key: str) -> list[Transaction]:
    try:
        body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except s3.exceptions.NoSuchKey as error:
        raise UnusableFile("MISSING_FILE", f"there is no s3://{bucket}/{key}") from error
    try:
        return parse(body)
    except UnusableFile as error:
        raise UnusableFile(error.reason, f"s3://{bucket}/{key}: {error.detail}") from error
