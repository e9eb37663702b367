"""SQS's long polls, made of short ones on the scheduler's clock, so that moto never waits with everybody behind it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import msgspec

from stepsim.runtime.endpoint.request import HttpRequest, HttpResponse
from stepsim.runtime.endpoint.routing import Address
from stepsim.runtime.scheduler import Scheduler

_LOOK_MS = 50
"""How often a queue is looked at. A look at an empty queue costs microseconds."""

_WAIT_S_MAX = 20


class LongPoll:
    """One ReceiveMessage that waits for a message to come."""

    def __init__(
        self,
        request: HttpRequest,
        address: Address,
        wait_s: int,
        ask: Callable[[HttpRequest], HttpResponse],
        reply: Callable[[HttpResponse], None],
    ) -> None:
        """`ask` is moto's answer to a request, at once."""
        self._request = _short(request)
        self._address = address
        self._queue = _queue_name(request)
        self._wait_ms = wait_s * 1000
        self._ask = ask
        self._reply = reply
        self._waits = True

    def cancel(self) -> None:
        """Nobody waits any more: no message may be taken."""
        self._waits = False

    def begin(self, scheduler: Scheduler) -> None:
        """Look now, and then again and again until there is a message or the time is over."""
        end_ms = scheduler.now_ms + self._wait_ms

        def look(first: bool = False) -> None:
            if not self._waits:
                return
            over = scheduler.now_ms >= end_ms
            if first or over or self._has_messages():
                response = self._ask(self._request)
                if over or not _is_empty(response):
                    self._reply(response)
                    return
            scheduler.call_at(min(end_ms, scheduler.now_ms + _LOOK_MS), look)

        look(first=True)

    def _has_messages(self) -> bool:
        queue = _queue(self._address, self._queue)
        # A queue that is gone is asked for, too: its error is the answer.
        return queue is None or bool(queue.messages)


def wait_of(request: HttpRequest, address: Address) -> int:
    """How many seconds a request is ready to wait for a message; 0 where it doesn't, or is not one that could."""
    if _operation(request) != "ReceiveMessage":
        return 0
    asked = _parameters(request).get("WaitTimeSeconds")
    if asked is None:
        queue = _queue(address, _queue_name(request))
        asked = 0 if queue is None else queue.receive_message_wait_time_seconds
    try:
        wait_s = int(asked or 0)
    except (TypeError, ValueError):
        return 0
    # moto says what is wrong with another number.
    return wait_s if 0 < wait_s <= _WAIT_S_MAX else 0


def _operation(request: HttpRequest) -> str:
    target = request.headers.get("x-amz-target")
    return target.rpartition(".")[2] if target else str(_parameters(request).get("Action", ""))


def _parameters(request: HttpRequest) -> dict[str, Any]:
    if "x-amz-target" not in request.headers:
        return {**request.query, **request.form}
    try:
        parameters = msgspec.json.decode(request.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return parameters if isinstance(parameters, dict) else {}


def _queue_name(request: HttpRequest) -> str:
    url = _parameters(request).get("QueueUrl") or request.path
    return str(url).rpartition("/")[2]


def _queue(address: Address, name: str) -> Any:
    from moto.sqs.models import sqs_backends

    return sqs_backends[address.home.account_id][address.home.region].queues.get(name)


def _short(request: HttpRequest) -> HttpRequest:
    """The same request, which waits for nothing."""
    parameters = {**_parameters(request), "WaitTimeSeconds": 0}
    if "x-amz-target" in request.headers:
        return HttpRequest(request.method, request.target, request.headers, msgspec.json.encode(parameters))
    headers = {**request.headers, "content-type": "application/x-www-form-urlencoded"}
    return HttpRequest("POST", request.path, headers, urlencode(parameters).encode())


def _is_empty(response: HttpResponse) -> bool:
    """Whether a success brings no message, in either protocol."""
    return response.status == 200 and b'"Messages"' not in response.body and b"<Message>" not in response.body
