"""What invokes functions inside moto: SNS, S3, EventBridge, streams, log subscriptions and queues, brought here.

moto would run the function while its caller waits, or not at all. An event is taken at once and worked off by itself.
A queue's messages are different: they stay in the queue until the function has taken them well; see `queue_mappings`.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from stepsim.asl.payload import encode
from stepsim.asl.timestamp import format_timestamp
from stepsim.runtime.lambdas.queue_mappings import QueueMappings

SendEvent = Callable[[str, str | None, str, str], None]
"""Invokes a function with an event: its name or ARN, a qualifier, the event's JSON text, and an ARN of the caller's."""

Now = Callable[[], int]


@contextmanager
def triggers(send_event: SendEvent, queues: QueueMappings, now_ms: Now) -> Iterator[None]:
    """While it lasts, whatever invokes a function inside moto sends it an event."""
    from moto.awslambda import models, responses
    from moto.awslambda_simple.models import LambdaSimpleBackend
    from moto.sns.models import Subscription
    from moto.sqs.models import Queue

    def invoke_function(function: Any, body: Any, _headers: Any, response_headers: Any) -> bytes:
        send_event(function.function_arn, None, _text(body), function.function_arn)
        response_headers["x-amz-executed-version"] = str(function.version)
        return b"{}"

    def invoke(backend: Any, function_name: str, qualifier: str | None, body: Any, **_headers: Any) -> bytes:
        caller = f"arn:aws:lambda:{backend.region_name}:{backend.account_id}:function:_"
        send_event(function_name, qualifier, _text(body), caller)
        return b"{}"

    moto_publish = Subscription.publish

    def publish(subscription: Any, message: str, message_id: str, **named: Any) -> None:
        if subscription.protocol == "lambda":
            _publish(subscription, message, message_id, named, send_event, now_ms())
        else:
            moto_publish(subscription, message, message_id, **named)

    with ExitStack() as stack:
        stack.enter_context(patch.object(models.LambdaFunction, "invoke", invoke_function))
        for backend in (models.LambdaBackend, LambdaSimpleBackend):
            stack.enter_context(patch.object(backend, "invoke", invoke))
        stack.enter_context(patch.object(responses.LambdaResponse, "invoke", _not_here))
        stack.enter_context(patch.object(Subscription, "publish", publish))
        stack.enter_context(patch.object(Queue, "add_message", _add_message(Queue, queues)))
        for name in ("create_event_source_mapping", "update_event_source_mapping"):
            stack.enter_context(patch.object(models.LambdaBackend, name, _mapped(models.LambdaBackend, name, queues)))
        yield


def _not_here(_response: Any) -> Any:
    """For a client's Invoke that has come to moto: nothing there can wait for the function's end."""
    from moto.awslambda.exceptions import LambdaClientError

    raise LambdaClientError("ServiceException", "Invoke reached moto, which runs no code: call stepsim's endpoint.")


def _add_message(queue_class: Any, queues: QueueMappings) -> Callable[..., None]:
    moto = queue_class.add_message

    def add_message(queue: Any, message: Any) -> None:
        # moto would hand the message to the functions here and now.
        mappings = queue.lambda_event_source_mappings
        queue.lambda_event_source_mappings = {}
        try:
            moto(queue, message)
        finally:
            queue.lambda_event_source_mappings = mappings
        for mapping in mappings.values():
            queues.look(mapping)

    return add_message


def _mapped(backend_class: Any, name: str, queues: QueueMappings) -> Callable[..., Any]:
    moto = getattr(backend_class, name)

    def mapped(backend: Any, *args: Any, **named: Any) -> Any:
        mapping = moto(backend, *args, **named)
        if mapping is not None:
            queues.look(mapping)
        return mapping

    return mapped


def _publish(
    subscription: Any,
    message: str,
    message_id: str,
    named: Mapping[str, Any],
    send_event: SendEvent,
    now_ms: int,
) -> None:
    """Send a topic's message to a function, as SNS does."""
    attributes: Mapping[str, Any] = named.get("message_attributes") or {}
    matcher = subscription._filter_policy_matcher
    if matcher is not None and not matcher.matches(attributes, message):
        return
    if named.get("message_structure") == "json":
        message = subscription._parse_message_structure(message, "lambda")
    region = subscription.topic.arn.split(":")[3]
    address = f"https://sns.{region}.amazonaws.com"
    notification = {
        "Type": "Notification",
        "MessageId": message_id,
        "TopicArn": subscription.topic.arn,
        "Subject": named.get("subject"),
        "Message": message,
        "Timestamp": format_timestamp(now_ms),
        "SignatureVersion": "1",
        "Signature": "",
        "SigningCertUrl": f"{address}/SimpleNotificationService.pem",
        "UnsubscribeUrl": f"{address}/?Action=Unsubscribe&SubscriptionArn={subscription.arn}",
        "MessageAttributes": {name: _attribute(value) for name, value in attributes.items()},
    }
    record = {
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": subscription.arn,
        "Sns": notification,
    }
    send_event(subscription.endpoint, None, encode({"Records": [record]}), subscription.topic.arn)


def _attribute(attribute: Mapping[str, Any]) -> dict[str, str]:
    value = attribute["Value"]
    text = b64encode(value).decode() if isinstance(value, bytes) else str(value)
    return {"Type": attribute["Type"], "Value": text}


def _text(body: Any) -> str:
    if not body:
        return "{}"
    if isinstance(body, bytes):
        return body.decode()
    return body if isinstance(body, str) else json.dumps(body)
