"""What was left in buckets and tables is there again in an account that was made anew."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stepsim.runtime.cloud.cloud import Cloud
from stepsim.runtime.persistence.account_rows import AccountRows
from stepsim.runtime.persistence.archive import Archive


@contextmanager
def account(folder: Path) -> Iterator[tuple[Cloud, AccountRows]]:
    """An account with a bucket of generated objects and a table; what was written in the folder is restored."""
    archive = Archive.open(folder)
    with Cloud() as cloud:
        cloud.s3.create_bucket("bucket")
        cloud.s3.generate("bucket", 10, "made/{n}", lambda n: str(n).encode())
        cloud.client("dynamodb").create_table(
            TableName="t",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}],
            AttributeDefinitions=[
                {"AttributeName": "p", "AttributeType": "S"},
                {"AttributeName": "s", "AttributeType": "N"},
            ],
        )
        rows = AccountRows(archive, lambda: None)
        rows.restore()
        with rows.listening():
            yield cloud, rows
        with archive.transaction():
            while not rows.clean:
                rows.write()
    archive.close()


def told(cloud: Cloud) -> Any:
    """All that clients can see."""
    s3 = cloud.client("s3")
    objects = {}
    for bucket in s3.list_buckets()["Buckets"]:
        for entry in s3.list_objects_v2(Bucket=bucket["Name"]).get("Contents", ()):
            got = s3.get_object(Bucket=bucket["Name"], Key=entry["Key"])
            made = entry["Key"].startswith("made/") and entry["Key"] != "made/3"
            date = None if made else got["LastModified"]
            objects[bucket["Name"], entry["Key"]] = (got["Body"].read(), got["ContentType"], got["Metadata"], date)
    items = sorted(map(str, cloud.client("dynamodb").scan(TableName="t")["Items"]))
    return objects, items


def test_objects_and_items_come_back(tmp_path: Path) -> None:
    """Those that were put, with type, metadata and date; those that were deleted are gone, generated ones too."""
    with account(tmp_path) as (cloud, _):
        s3, dynamodb = cloud.client("s3"), cloud.client("dynamodb")
        s3.put_object(Bucket="bucket", Key="a/ä", Body=b"1", ContentType="text/plain", Metadata={"who": "me"})
        s3.put_object(Bucket="bucket", Key="gone", Body=b"2")
        s3.delete_object(Bucket="bucket", Key="gone")
        s3.delete_object(Bucket="bucket", Key="made/7")
        s3.put_object(Bucket="bucket", Key="made/3", Body=b"three")
        s3.create_bucket(Bucket="other")
        s3.copy_object(Bucket="other", Key="copy", CopySource={"Bucket": "bucket", "Key": "a/ä"})
        upload = s3.create_multipart_upload(Bucket="bucket", Key="parts")["UploadId"]
        part = s3.upload_part(Bucket="bucket", Key="parts", UploadId=upload, PartNumber=1, Body=b"whole")
        made = {"Parts": [{"ETag": part["ETag"], "PartNumber": 1}]}
        s3.complete_multipart_upload(Bucket="bucket", Key="parts", UploadId=upload, MultipartUpload=made)
        for number, value in (("1", "a"), ("2", "b"), ("1.0", "c"), ("3", "d")):
            dynamodb.put_item(TableName="t", Item={"p": {"S": "x"}, "s": {"N": number}, "v": {"S": value}})
        dynamodb.delete_item(TableName="t", Key={"p": {"S": "x"}, "s": {"N": "3"}})
        expected = told(cloud)
    assert len(expected[1]) == 2
    with account(tmp_path) as (cloud, _):
        assert told(cloud) == expected


def test_what_was_there_before_is_not_written(tmp_path: Path) -> None:
    """Only what changes while somebody listens has a row."""
    with account(tmp_path) as (cloud, rows):
        assert rows.clean
        cloud.s3.put("bucket", "k", b"x")
        assert not rows.clean
    archive = Archive.open(tmp_path)
    assert [(bucket, key, body) for bucket, key, _, body in archive.objects()] == [("bucket", "k", b"x")]
    archive.close()


def test_large_objects_come_back(tmp_path: Path) -> None:
    """A body that no row would hold is written in parts: whole again afterwards, and gone when it is overwritten."""
    body = b"0123456789abcdef" * (2 * 1024 * 1024 + 1)
    for replaced in (body, b"small"):
        with account(tmp_path) as (cloud, _):
            client = cloud.client("s3")
            client.put_object(Bucket="bucket", Key="replaced", Body=replaced)
            large = client.put_object(Bucket="bucket", Key="large", Body=body, Metadata={"who": "me"})
        with account(tmp_path) as (cloud, _):
            client = cloud.client("s3")
            got = client.get_object(Bucket="bucket", Key="large")
            assert (got["Body"].read() == body, got["ETag"], got["Metadata"]) == (True, large["ETag"], {"who": "me"})
            assert client.get_object(Bucket="bucket", Key="replaced")["Body"].read() == replaced
