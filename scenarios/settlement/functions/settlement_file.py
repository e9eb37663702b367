"""A settlement file, read, normalised and matched with what was authorized."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import ClientError
from layout import DETAIL, HEADER, LINE, TRAILER

CURRENCIES = {"840": "USD", "978": "EUR", "826": "GBP", "756": "CHF"}
"""ISO 4217: what the files have as numbers."""

s3 = boto3.client("s3")


class BadFile(ValueError):
    """What was delivered is no settlement file."""


@dataclass(frozen=True, slots=True)
class Header:
    """Whose file it is, of which day, and which of that day."""

    program_id: str
    file_date: str
    sequence: int

    @property
    def key(self) -> str:
        """What the programme's transactions of the day are kept under."""
        return f"{self.program_id}#{self.file_date}"


def header_of(bucket: str, key: str) -> Header:
    """The header of a file, without reading the rest. Raises BadFile."""
    line = s3.get_object(Bucket=bucket, Key=key, Range=f"bytes=0-{LINE - 1}")["Body"].read()
    try:
        return Header(**HEADER.read(line))
    except ValueError as error:
        raise BadFile(f"{key}: {error}") from error


def transactions(bucket: str, key: str) -> Iterator[dict[str, Any]]:
    """The transactions of a file, normalised: ISO dates and currencies, signed cents, no account but its last digits.

    Raises BadFile for a line that cannot be read, and where the trailer tells of others than were read.
    """
    count = total = 0
    lines = _lines(bucket, key)
    next(lines)
    try:
        for line in lines:
            if line.startswith(b"T"):
                trailer = TRAILER.read(line)
                if (trailer["count"], trailer["total"]) != (count, total):
                    raise ValueError(f"the trailer tells of {trailer}, and {count} lines came to {total}")
                return
            record = DETAIL.read(line)
            cents = record["amount"] * record["sign"]
            count, total = count + 1, total + cents
            yield {
                "id": record["transaction_id"],
                "cents": cents,
                "currency": CURRENCIES[record["currency"]],
                "posted": record["posted"],
                "merchant": record["merchant"].title(),
                "account": record["account"][-4:],
            }
    except (ValueError, KeyError) as error:
        raise BadFile(f"{key}: line {count + 2}: {error}") from error
    raise BadFile(f"{key}: there is no trailer")


def matched(bucket: str, key: str) -> Iterator[dict[str, Any]]:
    """The transactions of a file, each with what its authorization says of it: MATCHED, MISMATCH or UNMATCHED."""
    authorized = _authorizations(bucket, key)
    for transaction in transactions(bucket, key):
        cents = authorized.get(transaction["id"])
        transaction["status"] = (
            "UNMATCHED" if cents is None else "MATCHED" if cents == transaction["cents"] else "MISMATCH"
        )
        yield transaction


def _authorizations(bucket: str, key: str) -> dict[str, int]:
    name = key.rpartition("/")[2].partition(".")[0]
    try:
        body = s3.get_object(Bucket=f"{bucket}-authorizations", Key=f"{name}.csv")["Body"].read()
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchKey":
            return {}
        raise
    pairs = (line.partition(",") for line in body.decode().splitlines())
    return {transaction_id: int(cents) for transaction_id, _, cents in pairs}


def _lines(bucket: str, key: str) -> Iterator[bytes]:
    rest = b""
    for chunk in s3.get_object(Bucket=bucket, Key=key)["Body"].iter_chunks(LINE * 4_000):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines
    if rest:
        yield rest


def item(transaction: dict[str, Any], partition: str) -> dict[str, dict[str, str]]:
    """A transaction as the table has it. The same transaction is the same item, however often it is written."""
    return {
        "pk": {"S": partition},
        "sk": {"S": f"TXN#{transaction['id']}"},
        "program": {"S": partition.partition("#")[0]},
        "cents": {"N": str(transaction["cents"])},
        "currency": {"S": transaction["currency"]},
        "posted": {"S": transaction["posted"]},
        "merchant": {"S": transaction["merchant"]},
        "account": {"S": transaction["account"]},
        "status": {"S": transaction["status"]},
    }


class Totals:
    """What transactions come to: how many, cents by currency, and those that did not match."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {"transactions": 0, "MISMATCH": 0, "UNMATCHED": 0}

    def add(self, transaction: dict[str, Any]) -> None:
        """One more transaction."""
        counts = self.counts
        counts["transactions"] += 1
        counts[transaction["currency"]] = counts.get(transaction["currency"], 0) + transaction["cents"]
        if transaction["status"] != "MATCHED":
            counts[transaction["status"]] += 1

    def attributes(self) -> dict[str, dict[str, str]]:
        """As attributes of an item."""
        return {name: {"N": str(value)} for name, value in self.counts.items()}
