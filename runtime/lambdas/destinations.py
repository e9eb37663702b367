"""Where the outcomes of events go: dead-letter queues, and destinations on success and on failure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from stepsim.asl.payload import decode, encode
from stepsim.asl.timestamp import format_timestamp
from stepsim.runtime.cloud.call import ApiError
from stepsim.runtime.lambdas.asynchronous import EventInvoke, Outcome
from stepsim.workers.worker import InvocationResult

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MESSAGE_BYTES_MAX = 1024
"""Of an error's message, a dead letter's attribute holds that much."""

SendEvent = Callable[[str, str, str], None]
"""Invokes a function by its ARN with an event, for the function of another ARN."""

Undeliverable = Callable[[Outcome, str], None]
"""Told of an outcome that did not arrive, and why."""


@dataclass(frozen=True, slots=True)
class Targets:
    """The ARNs that a function's outcomes go to."""

    on_success: str | None = None
    on_failure: str | None = None
    dead_letter: str | None = None


def event_invoke(
    config: Mapping[str, Any], dead_letter: str | None, send_event: SendEvent, undeliverable: Undeliverable
) -> EventInvoke:
    """How a function's events are worked off, of its EventInvokeConfig and its dead-letter queue."""
    destinations = config.get("DestinationConfig") or {}
    targets = Targets(
        (destinations.get("OnSuccess") or {}).get("Destination") or None,
        (destinations.get("OnFailure") or {}).get("Destination") or None,
        dead_letter,
    )

    def deliver(outcome: Outcome) -> None:
        try:
            _deliver(outcome, targets, send_event)
        except Exception as error:
            # Whatever moto finds wrong with the target: the event is lost, as on AWS, and its log says so.
            undeliverable(outcome, f"{type(error).__name__}: {error}")

    retries = config.get("MaximumRetryAttempts")
    age_s = config.get("MaximumEventAgeInSeconds")
    return EventInvoke(
        2 if retries is None else int(retries), 21_600_000 if age_s is None else int(age_s) * 1000, deliver
    )


def to_queues(dead_letter: str | None, on_failure: str | None) -> EventInvoke:
    """How the events of a function are worked off whose failures go to queues, by their ARNs."""
    targets = Targets(on_failure=on_failure, dead_letter=dead_letter)
    return EventInvoke(deliver=lambda outcome: _deliver(outcome, targets, _nobody))


def _nobody(target: str, event: str, source: str) -> None:  # noqa: ARG001
    raise AssertionError(f"{target} is no queue")


def record(outcome: Outcome) -> dict[str, Any]:
    """The record of an outcome, as a destination gets it."""
    made: dict[str, Any] = {
        "version": "1.0",
        "timestamp": format_timestamp(outcome.ended_ms),
        "requestContext": {
            "requestId": outcome.request_id,
            "functionArn": outcome.qualified_arn,
            "condition": outcome.condition,
            "approximateInvokeCount": outcome.invoke_count,
        },
        "requestPayload": decode(outcome.event),
    }
    answer = outcome.answer
    if isinstance(answer, InvocationResult):
        context: dict[str, Any] = {"statusCode": 200, "executedVersion": answer.version}
        if answer.function_error is not None:
            context["functionError"] = answer.function_error
        made["responseContext"] = context
        made["responsePayload"] = _value(answer.payload)
    elif answer is not None:
        made["responseContext"] = {"statusCode": answer.status, "executedVersion": None, "functionError": answer.code}
        made["responsePayload"] = None
    return made


def _deliver(outcome: Outcome, targets: Targets, send_event: SendEvent) -> None:
    succeeded = outcome.condition == "Success"
    if not succeeded and targets.dead_letter is not None:
        _send_dead_letter(outcome, targets.dead_letter)
    target = targets.on_success if succeeded else targets.on_failure
    if target is None:
        return
    text = encode(record(outcome))
    service = target.split(":")[2]
    if service == "lambda":
        send_event(target, text, outcome.qualified_arn)
    elif service == "sqs":
        _send_message(target, text, {})
    elif service == "sns":
        _publish(target, text, {})
    elif service == "events":
        _put_event(target, text, outcome, succeeded)
    elif service == "s3":
        _put_object(target, text, outcome)
    else:
        raise ApiError("InvalidParameterValueException", f"{target} cannot be a destination")


def _send_dead_letter(outcome: Outcome, target: str) -> None:
    answer = outcome.answer
    code, message = "200", ""
    if isinstance(answer, InvocationResult):
        failure = _value(answer.payload)
        message = str(failure.get("errorMessage", "")) if isinstance(failure, dict) else ""
    elif answer is not None:
        code, message = str(answer.status), answer.message
    attributes = {
        "RequestID": ("String", outcome.request_id),
        "ErrorCode": ("Number", code),
        "ErrorMessage": ("String", message.encode()[:_MESSAGE_BYTES_MAX].decode("utf-8", "ignore") or " "),
    }
    send = _send_message if target.split(":")[2] == "sqs" else _publish
    send(target, outcome.event, attributes)


def _send_message(target: str, text: str, attributes: Mapping[str, tuple[str, str]]) -> None:
    from moto.sqs.models import sqs_backends

    _, _, _, region, account, name = target.split(":", 5)
    named = {key: {"DataType": kind, "StringValue": value} for key, (kind, value) in attributes.items()}
    sqs_backends[account][region].send_message(name, text, message_attributes=named)


def _publish(target: str, text: str, attributes: Mapping[str, tuple[str, str]]) -> None:
    from moto.sns.models import sns_backends

    _, _, _, region, account, _ = target.split(":", 5)
    named = {key: {"Type": kind, "Value": value} for key, (kind, value) in attributes.items()}
    sns_backends[account][region].publish(text, arn=target, message_attributes=named)


def _put_event(target: str, text: str, outcome: Outcome, succeeded: bool) -> None:
    from moto.events.models import events_backends

    _, _, _, region, account, bus = target.split(":", 5)
    entry = {
        "EventBusName": bus.removeprefix("event-bus/"),
        "Source": "lambda",
        "DetailType": f"Lambda Function Invocation Result - {'Success' if succeeded else 'Failure'}",
        "Detail": text,
        "Resources": [target, outcome.qualified_arn],
    }
    events_backends[account][region].put_events([entry])


def _put_object(target: str, text: str, outcome: Outcome) -> None:
    from moto.s3.models import s3_backends

    partition, account = target.split(":")[1], outcome.qualified_arn.split(":")[4]
    bucket, function = target.split(":", 5)[5], outcome.qualified_arn.split(":")[6]
    moment = _EPOCH + timedelta(milliseconds=outcome.ended_ms)
    key = f"aws/lambda/async/{function}/{moment:%Y/%m/%d/%Y-%m-%dT%H.%M.%S}-{outcome.request_id}"
    s3_backends[account][partition].put_object(bucket, key, text.encode())


def _value(payload: str) -> Any:
    try:
        return decode(payload)
    except ValueError:
        return payload
