"""Fetches what the matching needs from outside: the exchange rates of each day, and the fraud service's warnings."""

from __future__ import annotations

import csv
from typing import Any

import boto3

s3 = boto3.client("s3")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Rates by day and currency, in US dollars, and the names of the counterparties that are warned of."""
    rates: dict[str, dict[str, float]] = {}
    for row in _rows(event["bucket"], "exchange_rates.csv"):
        rates.setdefault(row["date"], {})[row["currency"]] = float(row["usd"])
    flagged = sorted(row["counterparty"] for row in _rows(event["bucket"], "fraud_flags.csv"))
    return {"rates": rates, "flaggedCounterparties": flagged}


def _rows(bucket: str, key: str) -> list[dict[str, str]]:
    text = s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    return list(csv.DictReader(text.splitlines()))
