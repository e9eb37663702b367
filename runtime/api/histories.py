"""GetExecutionHistory: what happened, page by page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stepsim.runtime.api.arns import parse_arn
from stepsim.runtime.api.paging import page
from stepsim.runtime.api.records import Params, Response, moment
from stepsim.runtime.api.registry import Registry
from stepsim.runtime.history import History, HistoryEvent, details_member

_DATA = frozenset({"input", "inputDetails", "output", "outputDetails"})
"""What ``includeExecutionData: false`` leaves out; parameters and causes stay (measured)."""


def get_execution_history(registry: Registry, params: Params) -> Response:
    """GetExecutionHistory, of Standard executions and of the Standard children of map runs."""
    arn = parse_arn(params["executionArn"], "execution")
    history = registry.execution(arn.text).execution.history
    found, token = page(
        _backwards(history) if params.get("reverseOrder") else history,
        params,
        key=lambda event: str(event.id),
        operation="GetExecutionHistory",
        now_ms=registry.now_ms,
    )
    with_data = params.get("includeExecutionData") is not False
    response: Response = {"events": [as_response(event, with_data=with_data) for event in found]}
    return response if token is None else response | {"nextToken": token}


def _backwards(history: History) -> Iterator[HistoryEvent]:
    return (history[index] for index in range(len(history) - 1, -1, -1))


def as_response(event: HistoryEvent, *, with_data: bool = True) -> dict[str, Any]:
    """An event in boto3's terms."""
    shown: dict[str, Any] = {
        "timestamp": moment(event.timestamp_ms),
        "type": event.type,
        "id": event.id,
        "previousEventId": event.previous_event_id,
    }
    if event.details is not None:
        details = event.details
        if not with_data:
            details = {name: value for name, value in details.items() if name not in _DATA}
        shown[details_member(event.type)] = details
    return shown
