"""Writes the run's reports to S3: the totals and every exception as CSV, and a page for people."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any

import boto3
import report_page
import result_table

s3 = boto3.client("s3")
dynamodb = boto3.client("dynamodb")

EXCEPTION_COLUMNS = ["pair", "reason", "side", "transaction", "currency", "amount_cents"]


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """The run's result: its totals, and the keys of the reports."""
    run_id, bucket, totals = event["runId"], event["bucket"], event["totals"]
    folder = f"reconciliation/{run_id}"
    items = result_table.read(dynamodb, event["table"], run_id)
    files = {
        "exceptions": (f"{folder}/exceptions.csv", "text/csv", exceptions_csv(items)),
        "summary": (f"{folder}/summary.csv", "text/csv", summary_csv(totals)),
        "page": (
            f"{folder}/index.html",
            "text/html; charset=utf-8",
            report_page.render(run_id, event["businessDate"], totals, event["unfinishedPairs"]),
        ),
    }
    for key, content_type, text in files.values():
        s3.put_object(Bucket=bucket, Key=key, ContentType=content_type, Body=text.encode())
    return {
        "runId": run_id,
        "totals": totals,
        "unfinishedPairs": event["unfinishedPairs"],
        "reports": {"bucket": bucket} | {name: key for name, (key, _, _) in files.items()},
    }


def exceptions_csv(items: Iterable[dict[str, Any]]) -> str:
    """One line for each exception and for each failed pair, ordered by pair."""
    rows: list[list[Any]] = []
    for item in items:
        pair = item["sk"]["S"]
        if item["status"]["S"] == "FAILED":
            rows.append([pair, item["reason"]["S"], "", "", "", ""])
        rows.extend([pair, *row] for row in result_table.exceptions(item))
    rows.sort(key=lambda row: row[0])
    return _csv([EXCEPTION_COLUMNS, *rows])


def summary_csv(totals: dict[str, Any]) -> str:
    """The totals, one a line; nested ones with a dot between the names."""
    rows: list[list[Any]] = [["measure", "value"]]
    for name, value in totals.items():
        if isinstance(value, dict):
            rows.extend([f"{name}.{part}", number] for part, number in value.items())
        else:
            rows.append([name, value])
    return _csv(rows)


def _csv(rows: list[list[Any]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()
