"""Reads a statement: a CSV file of transactions, from the bank or from the company's own books."""

from __future__ import annotations

import csv
import io
from datetime import date
from functools import lru_cache
from typing import NamedTuple

HEADER = ["id", "date", "amount_cents", "currency", "counterparty", "reference"]


class Transaction(NamedTuple):
    """One line of a statement. Money that left the account is negative."""

    id: str
    date: date
    amount_cents: int
    currency: str
    counterparty: str
    reference: str


class UnusableFile(Exception):
    """A file that cannot be reconciled; `reason` is MISSING_FILE, EMPTY_FILE or UNREADABLE_FILE."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


def parse(body: bytes) -> list[Transaction]:
    """The transactions of a file, in its order. Raises UnusableFile, saying in which line the trouble is."""
    if not body.strip():
        raise UnusableFile("EMPTY_FILE", "the file has no content")
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise UnusableFile("UNREADABLE_FILE", f"byte {error.start} is not UTF-8") from error
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        if next(rows) != HEADER:
            raise UnusableFile("UNREADABLE_FILE", f"line 1: the header is not {','.join(HEADER)}")
        return [
            Transaction(id_, _day(day), int(cents), currency, counterparty, reference)
            for id_, day, cents, currency, counterparty, reference in rows
        ]
    except (ValueError, csv.Error) as error:
        raise UnusableFile("UNREADABLE_FILE", f"line {rows.line_num}: {error}") from error


@lru_cache(maxsize=1024)
def _day(text: str) -> date:
    return date.fromisoformat(text)
