"""Writes a chunk's good rows, with what their financial data comes to."""

from __future__ import annotations

import csv
import io
from typing import Any

import boto3

s3 = boto3.client("s3")

COLUMNS = ("order", "country", "item", "channel", "priority", "ordered", "shipped", "units")
TOTALS = ("unit_price", "unit_cost", "revenue", "cost", "profit")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Write the rows without a header, and tell how many there are and how many were left out."""
    good = [row for row in event["rows"] if "financials" in row]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(line(row) for row in good)
    key = event["chunk"]["to"]
    s3.put_object(Bucket=event["bucket"], Key=key, Body=text.getvalue().encode())
    return {"key": key, "written": len(good), "rejected": len(event["rows"]) - len(good)}


def line(row: dict[str, Any]) -> list[str]:
    """A row's columns and its totals."""
    units, price, cost = int(row["units"]), row["financials"]["price_cents"], row["financials"]["cost_cents"]
    cents = (price, cost, units * price, units * cost, units * (price - cost))
    return [*(row[name] for name in COLUMNS), *(f"{amount // 100}.{amount % 100:02d}" for amount in cents)]
