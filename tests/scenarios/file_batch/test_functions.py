"""The functions by themselves."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from moto import mock_aws

GOOD = {
    "number": 1,
    "order": "100000000",
    "country": "Peru",
    "item": "I0001",
    "channel": "Online",
    "priority": "H",
    "ordered": "2021-01-01",
    "shipped": "2021-01-01",
    "units": "1",
}


def test_a_good_row_is_valid(modules: SimpleNamespace) -> None:
    """It says so."""
    assert modules.validate.handler(GOOD, None) == {"response": "success"}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"order": "12"}, "order: '12' is not nine digits"),
        ({"country": ""}, "country: '' is not a name of 50 characters at the most"),
        ({"item": "I1"}, "item: 'I1' is not an item's id"),
        ({"channel": "Mail"}, "channel: 'Mail' is not Online or Offline"),
        ({"priority": "HM"}, "priority: 'HM' is not one of H, M, L, C"),
        ({"ordered": "2021-02-30"}, "ordered: '2021-02-30' is not a date"),
        ({"shipped": "2020-12-31"}, "shipped before it was ordered"),
        ({"units": "0"}, "units: '0' is not a whole number from 1 to 99999"),
        ({"units": None}, "units is missing"),
        ({"more": ["x"]}, "more columns than 8"),
        ({"order": "", "units": "-1"}, "order: '' is not nine digits; units: '-1' is not a whole number from 1 to"),
    ],
)
def test_a_bad_row_raises_what_is_wrong_with_it(modules: SimpleNamespace, changes: dict[str, Any], reason: str) -> None:
    """All of it."""
    row = {name: value for name, value in (GOOD | changes).items() if value is not None}
    with pytest.raises(modules.validate.InvalidRow, match="^" + reason):
        modules.validate.handler(row, None)


@pytest.fixture
def bucket(modules: SimpleNamespace) -> Any:
    """A bucket in moto."""
    with mock_aws():
        modules.split.s3.create_bucket(Bucket="orders")
        yield modules.split.s3


def test_a_file_is_split_and_read_back_as_it_was(modules: SimpleNamespace, bucket: Any) -> None:
    """Also where values have commas, quotes and line breaks; rows are numbered through the whole file."""
    values = ["plain", "a,b", 'say "so"', "two\nlines", "Côte", "last"]
    body = "name\n" + "".join('"' + value.replace('"', '""') + '"\n' for value in values)
    bucket.put_object(Bucket="orders", Key="input/f.csv", Body=body.encode())
    event = {"batch": "b", "bucket": "orders", "key": "input/f.csv", "chunk_rows": 4}
    chunks = modules.split.handler(event, None)["chunks"]
    rows = [row for chunk in chunks for row in modules.read.handler({"bucket": "orders", "chunk": chunk}, None)["rows"]]
    assert rows == [{"number": number, "name": value} for number, value in enumerate(values, 1)]
    assert [chunk["first"] for chunk in chunks] == [1, 5]


def test_a_file_without_rows_has_no_chunks(modules: SimpleNamespace, bucket: Any) -> None:
    """Nor has one that is empty."""
    for body in (b"", b"name\n"):
        bucket.put_object(Bucket="orders", Key="input/f.csv", Body=body)
        event = {"batch": "b", "bucket": "orders", "key": "input/f.csv", "chunk_rows": 4}
        assert modules.split.handler(event, None) == {"chunks": []}


@pytest.mark.parametrize("megabytes", [0, 1, 20])
def test_chunks_are_merged_in_their_order(modules: SimpleNamespace, bucket: Any, megabytes: int) -> None:
    """In parts where they are large, in one request where they are not."""
    parts = []
    for n in range(megabytes):
        bucket.put_object(Bucket="orders", Key=f"{n}", Body=bytes([65 + n]) * 2**20)
        parts.append({"key": f"{n}", "written": 3, "rejected": 2})
    event = {"batch": "b", "bucket": "orders", "key": "input/f.csv", "Items": parts}
    merged = modules.merge.handler(event, None)
    assert merged == {
        "bucket": "orders",
        "key": "output/f/b.csv",
        "written": 3 * megabytes,
        "rejected": 2 * megabytes,
    }
    found = bucket.get_object(Bucket="orders", Key="output/f/b.csv")
    header, _, rest = found["Body"].read().partition(b"\n")
    assert header.startswith(b"order,")
    assert rest == b"".join(bytes([65 + n]) * 2**20 for n in range(megabytes))
    assert found["ETag"].strip('"').endswith("-3") == (megabytes == 20)


def test_a_chunk_that_is_missing_leaves_no_upload_behind(modules: SimpleNamespace, bucket: Any) -> None:
    """The merge fails, and its retry begins anew."""
    parts = [{"key": f"{n}", "written": 0, "rejected": 0} for n in range(20)]
    for n in range(19):
        bucket.put_object(Bucket="orders", Key=f"{n}", Body=b"x" * 2**20)
    with pytest.raises(bucket.exceptions.NoSuchKey):
        modules.merge.handler({"batch": "b", "bucket": "orders", "key": "input/f.csv", "Items": parts}, None)
    assert "Uploads" not in bucket.list_multipart_uploads(Bucket="orders")
