"""RedriveExecution: an execution that did not succeed goes on from where it stopped."""

from __future__ import annotations

from stepsim.runtime.api.arns import parse_arn
from stepsim.runtime.api.descriptions import not_redrivable
from stepsim.runtime.api.records import ExecutionRecord, Params, Response, moment
from stepsim.runtime.api.registry import Registry
from stepsim.runtime.api.starting import note_start
from stepsim.runtime.cloud.call import ApiError

REMEMBERED_TOKENS = 10
"""How many client tokens of an execution are remembered."""

TOKEN_VALID_MS = 15 * 60 * 1000
"""For how long: 15 minutes."""


def redrive_execution(registry: Registry, params: Params) -> Response:
    """RedriveExecution. A client token that was used already is answered as it was, whatever has happened since."""
    arn = parse_arn(params["executionArn"], "execution")
    if arn.label is not None:
        raise ApiError("ValidationException", "Labeled Execution ARNs are not supported for this API")
    record = registry.execution(arn.text)
    token = params.get("clientToken")
    known_ms = _remembered(record, token, registry.now_ms)
    if known_ms is not None:
        return {"redriveDate": moment(known_ms)}
    reason = not_redrivable(record, registry.now_ms)
    if reason is not None:
        message = f"Execution {arn.text} invalid for redrive as: {reason}"
        raise ApiError("ExecutionNotRedrivable", message)
    registry.starts.check_open(record.record.type)
    if token is not None:
        record.redrives = [*record.redrives, (token, registry.now_ms)][-REMEMBERED_TOKENS:]
    record.execution.redrive()
    note_start(registry, record)
    registry.account.spawn(record.execution)
    return {"redriveDate": moment(registry.now_ms)}


def _remembered(record: ExecutionRecord, token: str | None, now_ms: int) -> int | None:
    for known, redriven_ms in record.redrives:
        if known == token and now_ms - redriven_ms < TOKEN_VALID_MS:
            return redriven_ms
    return None
