"""Settlement files, as they are made and as they are read."""

from __future__ import annotations

from random import Random
from types import SimpleNamespace

import boto3
import pytest
from moto import mock_aws

BUCKET = "inbox"


def deliver(modules: SimpleNamespace, n: int, body: bytes | None = None) -> str:
    """Put the n-th file of a small day, and its authorizations, into moto's S3; its key."""
    s3 = boto3.client("s3", region_name="us-east-1")
    for bucket in (BUCKET, f"{BUCKET}-authorizations"):
        s3.create_bucket(Bucket=bucket)
    key = f"settlement/{n:03d}.txt"
    made = b"".join(modules.data.small_file(n, Random(n)))
    s3.put_object(Bucket=BUCKET, Key=key, Body=made if body is None else body)
    authorizations = b"".join(modules.data.small_authorizations(n, Random(n)))
    s3.put_object(Bucket=f"{BUCKET}-authorizations", Key=f"{n:03d}.csv", Body=authorizations)
    return key


@pytest.mark.parametrize("n", [0, 4, 5])
@mock_aws
def test_what_is_read_is_what_was_written(modules: SimpleNamespace, n: int) -> None:
    """Every transaction, its sign, its currency, and what its authorization says of it."""
    totals = modules.settlement_file.Totals()
    for transaction in modules.settlement_file.matched(BUCKET, deliver(modules, n)):
        totals.add(transaction)
    assert totals.counts == modules.data.truth_of(n, Random(n), small=True)


@mock_aws
def test_the_header_says_whose_file_it_is(modules: SimpleNamespace) -> None:
    """Without reading the rest."""
    header = modules.settlement_file.header_of(BUCKET, deliver(modules, 5))
    assert (header.key, header.sequence) == ("PRG00006#2026-01-04", 5)


@mock_aws
def test_what_is_no_settlement_file_is_refused(modules: SimpleNamespace) -> None:
    """The last file of each day is none."""
    with pytest.raises(modules.settlement_file.BadFile, match=r"settlement/039\.txt"):
        modules.settlement_file.header_of(BUCKET, deliver(modules, 39))


@pytest.mark.parametrize(
    ("harm", "problem"),
    [
        (lambda body: body[:-82], "there is no trailer"),
        (lambda body: body[:81] + body[162:], "the trailer tells of"),
        (lambda body: body.replace(b"C840", b"X840", 1), "a sign is C or D"),
        (lambda body: body[:81] + b"?" + body[82:], "a record b'[?]'"),
    ],
)
@mock_aws
def test_a_line_that_cannot_be_read_names_its_place(modules: SimpleNamespace, harm: object, problem: str) -> None:
    """A file is settled as a whole, or not at all."""
    assert callable(harm)
    key = deliver(modules, 1, harm(b"".join(modules.data.small_file(1, Random(1)))))
    with pytest.raises(modules.settlement_file.BadFile, match=problem):
        list(modules.settlement_file.matched(BUCKET, key))


def test_a_transaction_has_one_shard_in_every_process(modules: SimpleNamespace) -> None:
    """And the shards share them evenly."""
    shards = [modules.shards.shard_of(f"{n:016d}", 64) for n in range(6_400)]
    assert shards[:3] == [modules.shards.shard_of(f"{n:016d}", 64) for n in range(3)]
    assert {shards.count(shard) for shard in range(64)} <= set(range(50, 150))


def test_a_day_has_a_million_transactions(modules: SimpleNamespace) -> None:
    """Three files have 930,000 of them."""
    rows = [modules.data.rows_of(n) for n in range(modules.data.FILES - 1)]
    assert (sum(rows), sum(sorted(rows)[-3:])) == (1_000_000, 930_000)
