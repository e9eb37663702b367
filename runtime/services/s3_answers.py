"""What S3 itself tells of objects beyond what the account's store does (recorded)."""

from __future__ import annotations

from typing import Any

_OF_OBJECTS = frozenset({"PutObject", "GetObject", "HeadObject", "CopyObject"})
_READS = frozenset({"GetObject", "HeadObject"})


def as_s3_answers(operation: str, parameters: dict[str, Any], response: dict[str, Any]) -> dict[str, Any]:
    """A response in boto3's terms, with what AWS adds and leaves out.

    Every object is encrypted since 2023, so its encryption is named. A checksum is one of the full object, and is told
    by a read only where ChecksumMode asks for it.
    """
    if operation not in _OF_OBJECTS:
        return response
    answered = {"ServerSideEncryption": "AES256", **response}
    if operation in _READS and parameters.get("ChecksumMode") != "ENABLED":
        return {name: value for name, value in answered.items() if not name.startswith("Checksum")}
    if any(name.startswith("Checksum") for name in answered):
        answered.setdefault("ChecksumType", "FULL_OBJECT")
    return answered
