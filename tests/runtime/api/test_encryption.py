"""`stepsim.runtime.api.encryption`."""

from __future__ import annotations

from typing import Any

import pytest

from stepsim.runtime.api.encryption import read_encryption
from stepsim.runtime.cloud.call import ApiError

KEY = "arn:aws:kms:us-east-1:123456789012:key/one"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (None, {"type": "AWS_OWNED_KEY"}),
        ({"type": "AWS_OWNED_KEY"}, {"type": "AWS_OWNED_KEY"}),
        (
            {"type": "CUSTOMER_MANAGED_KMS_KEY", "kmsKeyId": KEY},
            {"type": "CUSTOMER_MANAGED_KMS_KEY", "kmsKeyId": KEY, "kmsDataKeyReusePeriodSeconds": 300},
        ),
        (
            {"type": "CUSTOMER_MANAGED_KMS_KEY", "kmsKeyId": KEY, "kmsDataKeyReusePeriodSeconds": 60},
            {"type": "CUSTOMER_MANAGED_KMS_KEY", "kmsKeyId": KEY, "kmsDataKeyReusePeriodSeconds": 60},
        ),
    ],
)
def test_defaults(given: dict[str, Any] | None, kept: dict[str, Any]) -> None:
    """AWS owns the key unless a customer's is named, whose data keys are used for 300 seconds."""
    assert read_encryption(given) == kept


@pytest.mark.parametrize(
    "given",
    [
        {"type": "CUSTOMER_MANAGED_KMS_KEY"},
        {"type": "AWS_OWNED_KEY", "kmsKeyId": KEY},
        {"type": "AWS_OWNED_KEY", "kmsDataKeyReusePeriodSeconds": 60},
    ],
)
def test_refused(given: dict[str, Any]) -> None:
    """A customer's key is named; AWS's own has no settings."""
    with pytest.raises(ApiError) as raised:
        read_encryption(given)
    assert raised.value.code == "InvalidEncryptionConfiguration"
