"""Fields that read the same in both query languages: Retry."""

from __future__ import annotations

from stepsim.asl.machine import Retrier
from stepsim.asl.payload import JSON


def retriers(fields: JSON) -> tuple[Retrier, ...]:
    """The Retry field, with the language's defaults."""
    return tuple(_retrier(index, retrier) for index, retrier in enumerate(fields.get("Retry", ())))


def _retrier(index: int, fields: JSON) -> Retrier:
    max_delay_s = fields.get("MaxDelaySeconds")
    return Retrier(
        index,
        tuple(fields["ErrorEquals"]),
        int(fields.get("IntervalSeconds", 1)) * 1000,
        int(fields.get("MaxAttempts", 3)),
        float(fields.get("BackoffRate", 2.0)),
        None if max_delay_s is None else int(max_delay_s) * 1000,
        fields.get("JitterStrategy", "NONE") == "FULL",
    )
