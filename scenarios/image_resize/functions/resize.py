"""Makes the thumbnails of one batch, all pictures of it side by side."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

import boto3
from botocore.exceptions import ClientError
from PIL import Image, UnidentifiedImageError

THUMBNAIL = (128, 128)

s3 = boto3.client("s3")


def handler(event: dict[str, Any], _context: object) -> None:
    """Resize ``Items`` from one bucket into the other.

    A picture that cannot be read is left out. Once more than half of them are, something else is wrong: the process
    ends, and Lambda calls that Runtime.ExitError.
    """
    source, target = event["BatchInput"]["source_bucket_name"], event["BatchInput"]["destination_bucket_name"]
    keys = [item["Key"] for item in event["Items"]]
    with ThreadPoolExecutor(max_workers=len(keys)) as pool:
        failed = sum(pool.map(lambda key: not _resized(source, target, key), keys))
    if failed > len(keys) / 2:
        sys.exit(f"{failed} of {len(keys)} pictures failed")


def _resized(source: str, target: str, key: str) -> bool:
    try:
        body = s3.get_object(Bucket=source, Key=key)["Body"].read()
        s3.put_object(Bucket=target, Key=key, Body=thumbnail(body), ContentType="image/jpeg")
    except (ClientError, UnidentifiedImageError, OSError) as error:
        print(f"{key}: {error}")
        return False
    return True


def thumbnail(body: bytes) -> bytes:
    """A JPEG of 128 × 128 pixels, of whatever picture. Raises OSError for one that is cut short."""
    with Image.open(BytesIO(body)) as image:
        small = image.convert("RGB").resize(THUMBNAIL, Image.Resampling.LANCZOS)
    file = BytesIO()
    small.save(file, "JPEG", quality=75)
    return file.getvalue()
