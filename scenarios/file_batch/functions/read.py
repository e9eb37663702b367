"""Reads one chunk: a JSON object for each row, with its number in the whole file."""

from __future__ import annotations

import csv
import io
from typing import Any

import boto3

s3 = boto3.client("s3")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """The rows by the names of their columns. What a row has too much of stands under ``more``; it lacks the rest."""
    chunk = event["chunk"]
    text = s3.get_object(Bucket=event["bucket"], Key=chunk["key"])["Body"].read().decode()
    rows = csv.DictReader(io.StringIO(text), restkey="more")
    return {
        "rows": [
            {"number": number, **{name: value for name, value in row.items() if value is not None}}
            for number, row in enumerate(rows, chunk["first"])
        ]
    }
