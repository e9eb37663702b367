"""The HTTP request of a Task under test and its response, as TRACE shows them.

Without leave to reveal secrets, whatever the connection adds to the request is left out: headers, query parameters and
members of the body.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from stepsim.asl.machine import TaskState
from stepsim.asl.payload import JSON, Payload
from stepsim.runtime.cloud.outbound_http import HttpAnswer, HttpCall
from stepsim.runtime.effects import Invoke, Program
from stepsim.runtime.engine import PerformTask
from stepsim.runtime.frame import Frame
from stepsim.runtime.requests import SendHttp


def traced(perform: PerformTask, notes: dict[str, JSON], *, reveal: bool) -> PerformTask:
    """The work of Tasks, noting ``request`` and ``response`` of those that are HTTP tasks."""

    def perform_traced(state: TaskState, effective: Payload, frame: Frame, /) -> Program:
        program = perform(state, effective, frame)
        if state.resource.service != "http":
            return (yield from program)
        return (yield from _watched(program, effective.value, notes, reveal=reveal))

    return perform_traced


def _watched(program: Program, parameters: JSON, notes: dict[str, JSON], *, reveal: bool) -> Program:
    """The program itself; what it sends to the task's own endpoint is noted, and not its call for an access token."""
    answer: object = None
    failure: BaseException | None = None
    while True:
        try:
            effect = program.send(answer) if failure is None else program.throw(failure)
        except StopIteration as end:
            return end.value
        call = effect.request.call if isinstance(effect, Invoke) and isinstance(effect.request, SendHttp) else None
        own = call is not None and call.url.startswith(str(parameters.get("ApiEndpoint")))
        if call is not None and own:
            notes["request"] = _request(call if reveal else _without_secrets(parameters))
        try:
            answer, failure = (yield effect), None
        except BaseException as error:
            failure = error
        else:
            if own and call is not None and isinstance(answer, HttpAnswer):
                notes["response"] = _response(call, answer)


def _without_secrets(parameters: JSON) -> HttpCall:
    from stepsim.runtime.cloud.event_connections import Connection  # moto's, and an HTTP task has loaded it
    from stepsim.runtime.services.http_invoke import request_of

    return request_of(parameters, Connection({}, {}, {}))


def _request(call: HttpCall) -> JSON:
    request = {
        "protocol": urlsplit(call.url).scheme,
        "method": call.method,
        "url": call.url,
        "headers": _headers(call.headers),
    }
    if call.body is not None:
        request["body"] = call.body.decode("utf-8", "replace")
    return request


def _response(call: HttpCall, answer: HttpAnswer) -> JSON:
    return {
        "protocol": urlsplit(call.url).scheme,
        "statusCode": str(answer.status),
        "statusMessage": answer.reason,
        "headers": _headers(tuple((name, ", ".join(values)) for name, values in answer.headers.items())),
        "body": answer.body.decode("utf-8", "replace"),
    }


def _headers(headers: tuple[tuple[str, str], ...]) -> str:
    """Headers in one text, as the API shows them (developer guide)."""
    return f"[{', '.join(f'{name}: {value}' for name, value in headers)}]"
