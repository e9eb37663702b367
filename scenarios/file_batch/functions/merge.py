"""Merges what the chunks' workflows wrote, in their order, into one file with a header."""

from __future__ import annotations

import os.path
from collections.abc import Iterator
from typing import Any

import boto3
from write import COLUMNS, TOTALS

s3 = boto3.client("s3")

PART_BYTES = 8 * 2**20
"""What is held at a time; S3 takes parts from 5 MiB on."""


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Write ``output/NAME/BATCH.csv``, and tell how many rows it has and how many were left out."""
    name = os.path.splitext(os.path.basename(event["key"]))[0]
    bucket, key = event["bucket"], f"output/{name}/{event['batch']}.csv"
    store(bucket, key, parts(contents(bucket, [part["key"] for part in event["Items"]])))
    counts = {count: sum(part[count] for part in event["Items"]) for count in ("written", "rejected")}
    return {"bucket": bucket, "key": key, **counts}


def contents(bucket: str, keys: list[str]) -> Iterator[bytes]:
    """The header, and each chunk."""
    yield (",".join((*COLUMNS, *TOTALS)) + "\n").encode()
    for key in keys:
        yield s3.get_object(Bucket=bucket, Key=key)["Body"].read()


def parts(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes in parts that are large enough for S3; only the last may be smaller."""
    held = bytearray()
    for piece in pieces:
        held += piece
        if len(held) >= PART_BYTES:
            yield bytes(held)
            held.clear()
    if held:
        yield bytes(held)


def store(bucket: str, key: str, found: Iterator[bytes]) -> None:
    """Write parts as one object: with PutObject where there is only one."""
    first, second = next(found, b""), next(found, None)
    if second is None:
        s3.put_object(Bucket=bucket, Key=key, Body=first, ContentType="text/csv")
        return
    upload = s3.create_multipart_upload(Bucket=bucket, Key=key, ContentType="text/csv")["UploadId"]
    where = {"Bucket": bucket, "Key": key, "UploadId": upload}
    try:
        made = []
        for number, body in enumerate((first, second, *found), 1):
            etag = s3.upload_part(**where, PartNumber=number, Body=body)["ETag"]
            made.append({"ETag": etag, "PartNumber": number})
        s3.complete_multipart_upload(**where, MultipartUpload={"Parts": made})
    except BaseException:
        s3.abort_multipart_upload(**where)
        raise
