"""SQS: ``sendMessage`` and its callback, and long polls through ``aws-sdk:sqs:receiveMessage``.

A queue's URL says where it lives: its host is the endpoint, and the path names the account.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from stepsim.asl.payload import JSON, Payload
from stepsim.runtime.cloud.call import ACCOUNT_ID, Answer, ApiError, CallSite
from stepsim.runtime.cloud.hosts import host_of, is_aws_host, is_loopback
from stepsim.runtime.effects import Program
from stepsim.runtime.requests import CallApi
from stepsim.runtime.services.api_call import api_call, await_token, boto_parameters, refused
from stepsim.runtime.services.failures import client_failure
from stepsim.runtime.services.task import TaskCall

_PARAMETERS = frozenset(
    {
        "DelaySeconds",
        "MessageAttributes",
        "MessageBody",
        "MessageDeduplicationId",
        "MessageGroupId",
        "QueueUrl",
    }
)

_LONGEST_WAIT_S = 20
_FIRST_LOOK_MS = 100
_LOOKS_MS = 1_000

_PATH = re.compile(r"/(\d{12})/[^/]+")
_REGION = re.compile(r"(?:sqs\.([a-z0-9-]+)\.|([a-z0-9-]+)\.queue\.)")


def send_message(call: TaskCall) -> Program:
    """``sqs:sendMessage``: the body may be any JSON. Parameters that SQS's integration does not know are ignored."""
    parameters = call.input.value
    if isinstance(parameters, dict):
        parameters = {name: value for name, value in parameters.items() if name in _PARAMETERS}
    arguments = boto_parameters(call, "sendMessage", parameters)
    if not arguments["MessageBody"]:
        refused(call, ApiError("MissingParameter", "The request must contain the parameter MessageBody."))
    site = _site(call, arguments["QueueUrl"])
    return (yield from api_call(call, "sendMessage", parameters, site))


def send_message_with_token(call: TaskCall) -> Program:
    """``sqs:sendMessage.waitForTaskToken``: the token's answer is the result."""
    return (yield from await_token(call, (yield from send_message(call))))


def _site(call: TaskCall, url: str) -> CallSite:
    """Where a queue lives. Raises SQS.SdkClientException for a host that nobody knows (recorded)."""
    host, path = host_of(url), _PATH.fullmatch(urlsplit(url).path)
    if host and path is None and not is_aws_host(host) and not is_loopback(host):
        # A URL with an account and a queue is one of the account's own, by whatever name its endpoint goes.
        raise client_failure("sqs", f"{host}: Name or service not known")
    site = call.site()
    region = _REGION.match(host)
    if region is not None:
        site.region = region[1] or region[2]
    if path is not None:
        site.account = None if path[1] == ACCOUNT_ID else path[1]
    return site


def receive_message(call: TaskCall) -> Program:
    """``aws-sdk:sqs:receiveMessage``: a long poll is made of looks at the queue, and time passes between them."""
    parameters = call.input.value
    arguments = boto_parameters(call, "receiveMessage", parameters)
    scheduler = call.frame.engine.scheduler
    wait_s = arguments.get("WaitTimeSeconds")
    if wait_s is None:
        wait_s = yield from _queue_wait_s(call, arguments["QueueUrl"])
    if not 0 <= wait_s <= _LONGEST_WAIT_S:
        why = f"Value {wait_s} for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided."
        refused(call, ApiError("InvalidParameterValue", why))
    if wait_s == 0:
        return (yield from api_call(call, "receiveMessage", parameters))
    until_ms = scheduler.now_ms + wait_s * 1000
    look: JSON = {**parameters, "WaitTimeSeconds": 0}
    site = call.site()
    pause_ms = _FIRST_LOOK_MS
    while True:
        received: Payload = yield from api_call(call, "receiveMessage", look, site)
        left_ms = until_ms - scheduler.now_ms
        if received.value.get("Messages") or left_ms <= 0:
            return received
        yield from call.sleep(min(pause_ms, left_ms))
        pause_ms = min(2 * pause_ms, _LOOKS_MS)
        site.goes_on = True


def receive_message_with_token(call: TaskCall) -> Program:
    """``aws-sdk:sqs:receiveMessage.waitForTaskToken``: the token's answer is the result."""
    return (yield from await_token(call, (yield from receive_message(call))))


def _queue_wait_s(call: TaskCall, url: str) -> Program:
    """The queue's own ReceiveMessageWaitTimeSeconds; 0 where there is no such queue: the call itself will tell."""
    name = "ReceiveMessageWaitTimeSeconds"
    site = call.site()
    site.goes_on = True
    request = CallApi("sqs", "GetQueueAttributes", {"QueueUrl": url, "AttributeNames": [name]}, site)
    answer: Answer = yield call.invoke(request)
    attributes = (answer.response or {}).get("Attributes", {})
    return int(attributes.get(name, 0))
