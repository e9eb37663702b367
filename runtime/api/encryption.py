"""Encryption at rest: which key. Nothing is encrypted here, yet what AWS would refuse is refused."""

from __future__ import annotations

from collections.abc import Mapping

from stepsim.asl.payload import JSON
from stepsim.runtime.cloud.call import ApiError

AWS_OWNED_KEY: Mapping[str, JSON] = {"type": "AWS_OWNED_KEY"}
"""What AWS shows where nobody named a key (recorded since November 2024)."""

DEFAULT_REUSE_S = 300


def read_encryption(given: Mapping[str, JSON] | None) -> Mapping[str, JSON]:
    """An ``encryptionConfiguration`` with its defaults. Raises ApiError InvalidEncryptionConfiguration."""
    if given is None:
        return AWS_OWNED_KEY
    if given["type"] == "AWS_OWNED_KEY":
        for name in ("kmsKeyId", "kmsDataKeyReusePeriodSeconds"):
            if given.get(name) is not None:
                raise _invalid(f"{name} can only be set for a CUSTOMER_MANAGED_KMS_KEY")
        return AWS_OWNED_KEY
    if not given.get("kmsKeyId"):
        raise _invalid("kmsKeyId must be set for a CUSTOMER_MANAGED_KMS_KEY")
    period_s = given.get("kmsDataKeyReusePeriodSeconds") or DEFAULT_REUSE_S
    return {"type": given["type"], "kmsKeyId": given["kmsKeyId"], "kmsDataKeyReusePeriodSeconds": period_s}


def _invalid(reason: str) -> ApiError:
    return ApiError("InvalidEncryptionConfiguration", f"Invalid Encryption Configuration: {reason}")
