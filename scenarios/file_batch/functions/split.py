"""Splits a CSV file into chunks of so many rows each, reading it once and holding one chunk at a time."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from itertools import islice
from typing import Any

import boto3

s3 = boto3.client("s3")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Write ``work/BATCH/in/NNNNN.csv`` and tell the chunks: their key, where they go, and their first row's number."""
    bucket, rows_each = event["bucket"], event["chunk_rows"]
    body = s3.get_object(Bucket=bucket, Key=event["key"])["Body"]
    rows: Iterator[list[str]] = csv.reader(codecs.getreader("utf-8")(body))
    header = next(rows, [])
    chunks: list[dict[str, Any]] = []
    while chunk := list(islice(rows, rows_each)):
        place, name = f"work/{event['batch']}", f"{len(chunks):05d}.csv"
        s3.put_object(Bucket=bucket, Key=f"{place}/in/{name}", Body=written([header, *chunk]))
        chunks.append({"key": f"{place}/in/{name}", "to": f"{place}/out/{name}", "first": len(chunks) * rows_each + 1})
    return {"chunks": chunks}


def written(rows: list[list[str]]) -> bytes:
    """Rows as CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
