"""What a call is billed as."""

from __future__ import annotations

from typing import Any

import pytest

from stepsim.runtime.cloud.billed_units import WEIGHTS

KB = 1024


@pytest.mark.parametrize(
    ("call", "params", "units"),
    [
        ("sqs.SendMessage", {"MessageBody": "x"}, 1),
        ("sqs.SendMessage", {"MessageBody": "x" * 64 * KB}, 1),
        ("sqs.SendMessage", {"MessageBody": "é" * 33 * KB}, 2),
        ("sqs.SendMessage", {}, 1),
        ("sqs.SendMessageBatch", {"Entries": [{"MessageBody": "x" * 50 * KB}] * 2}, 2),
        ("sns.Publish", {"Message": "x" * 65 * KB}, 2),
        ("sns.PublishBatch", {"PublishBatchRequestEntries": [{"Message": "x"}] * 3}, 3),
        ("events.PutEvents", {"Entries": [{"Detail": "{}"}, {"Detail": "x" * 65 * KB}]}, 3),
        ("events.PutEvents", {"Entries": "none"}, 0),
    ],
)
def test_messages_count_by_64_kb(call: str, params: dict[str, Any], units: int) -> None:
    """Each message of a topic and each event by itself, a queue's batch as one request."""
    assert WEIGHTS[call](params) == units
