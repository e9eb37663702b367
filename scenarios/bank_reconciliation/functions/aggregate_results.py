"""Adds up a run's results, from the table and not from anybody's memory of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

import boto3
import result_table

s3 = boto3.client("s3")
dynamodb = boto3.client("dynamodb")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """The totals of the run, and how many pairs never got a result because their batch failed."""
    return {
        "totals": totals(result_table.read(dynamodb, event["table"], event["runId"])),
        "unfinishedPairs": unfinished_pairs(event["mapRun"]["ResultWriterDetails"]),
    }


def totals(items: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The sums over the items. An exception is one transaction; a match joins two or more."""
    statuses: Counter[str] = Counter()
    sums: Counter[str] = Counter()
    failures: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    unmatched: Counter[str] = Counter()
    matched_cents: Counter[str] = Counter()
    for item in items:
        statuses[item["status"]["S"]] += 1
        if "reason" in item:
            failures[item["reason"]["S"]] += 1
        for name, value in item.items():
            if "N" in value:
                sums[name] += int(value["N"])
        for currency, cents in item.get("matched", {"M": {}})["M"].items():
            matched_cents[currency] += int(cents["N"])
        for reason, side, *_ in result_table.exceptions(item):
            reasons[reason] += 1
            unmatched[side] += 1
    return {
        "pairs": statuses.total(),
        "reconciledPairs": statuses["RECONCILED"],
        "failedPairs": statuses["FAILED"],
        "failures": _sorted(failures),
        "transactions": {
            "bank": sums["bank"],
            "bankUnmatched": unmatched["BANK"],
            "internal": sums["internal"],
            "internalUnmatched": unmatched["INTERNAL"],
        },
        "matches": {name: sums[name] for name in ("exact", "tolerance", "fx", "split")},
        "matchedCents": _sorted(matched_cents),
        "exceptions": _sorted(reasons),
        "flaggedTransactions": sums["flagged"],
    }


def _sorted(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items()))


def unfinished_pairs(written: dict[str, str]) -> int:
    """The items of the batches that failed or never started, as the map run's own result files tell them."""
    bucket = written["Bucket"]
    files = _load(bucket, written["Key"])["ResultFiles"]
    return sum(
        len(json.loads(child["Input"])["Items"])
        for file in (*files["FAILED"], *files["PENDING"])
        for child in _load(bucket, file["Key"])
    )


def _load(bucket: str, key: str) -> Any:
    return json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
