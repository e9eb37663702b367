"""GetExecutionHistory: what happened, page by page."""

from __future__ import annotations

from typing import Any

from stepsim.runtime.api.records import Params, Response, moment
from stepsim.runtime.api.registry import Registry
from stepsim.runtime.history import HistoryEvent, details_member


def get_execution_history(registry: Registry, params: Params) -> Response:
    """GetExecutionHistory."""
    record = registry.execution(params["executionArn"])
    return {"events": [as_response(event) for event in record.execution.history]}


def as_response(event: HistoryEvent) -> dict[str, Any]:
    """An event in boto3's terms."""
    shown: dict[str, Any] = {
        "timestamp": moment(event.timestamp_ms),
        "type": event.type,
        "id": event.id,
        "previousEventId": event.previous_event_id,
    }
    if event.details is not None:
        shown[details_member(event.type)] = event.details
    return shown
