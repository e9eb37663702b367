"""Tasks that call a function and need nothing but their input: their first attempt, for who has no `TaskCall`.

Two shapes: a function's own ARN as the Resource, and ``lambda:invoke`` whose Parameters name the function and compute
the Payload. Whatever is special about an input is left to `lambda_function`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from stepsim.asl.dataflow import JSONPathDataflow
from stepsim.asl.machine import TaskState
from stepsim.asl.payload import EMPTY, JSON, MAX_BYTES, Payload, WrittenPayload, encode
from stepsim.asl.template import compile_template
from stepsim.runtime.bare import INPUT_ALONE
from stepsim.runtime.cloud.call import CallSite
from stepsim.runtime.engine import Direct, Engine
from stepsim.runtime.frame import Identity
from stepsim.runtime.requests import InvokeFunction, InvokeOptions
from stepsim.runtime.services.lambda_function import function_name, response_of, returned
from stepsim.runtime.services.task import home_of

_SURELY_FITS = MAX_BYTES // 4
"""Characters that cannot be too many bytes."""

_MORE_THAN_RETURNED = re.compile(r"\$(?!\.(?:Payload|StatusCode|ExecutedVersion)(?![\w-]))")
"""A path into Lambda's response that may lead to what describes the HTTP response."""


def direct(state: TaskState, fields: Mapping[str, JSON]) -> Direct | None:
    """How a Task calls its function; None where there is more to it. Its fields read nothing but its input."""
    resource = state.resource
    if resource.kind == "function":
        return _by_arn(state, fields)
    if (resource.service, resource.action, resource.pattern, resource.sdk) == ("lambda", "invoke", "", False):
        return _invoke(state, fields)
    return None


def _by_arn(state: TaskState, fields: Mapping[str, JSON]) -> Direct:
    arn, flow = state.resource.arn, state.flow
    last: tuple[Any, Payload] = (None, EMPTY)

    def event(raw: Payload) -> str | None:
        effective = flow.enter(raw, INPUT_ALONE)
        return None if effective.too_large else effective.text

    def answered(answer: Any) -> Payload:
        # A model gives one and the same answer again and again.
        nonlocal last
        if last[0] is not answer:
            last = answer, returned(answer, arn, spaced=True)
        return last[1]

    plain = fields.keys().isdisjoint(("InputPath", "Parameters"))
    return Direct(_text if plain else event, _request(arn, state.resource.function, None), answered)


def _text(raw: Payload) -> str:
    return raw.text


def _invoke(state: TaskState, fields: Mapping[str, JSON]) -> Direct | None:
    parameters = fields.get("Parameters")
    if state.function is None or not isinstance(parameters, dict):
        return None
    payload = {name: value for name, value in parameters.items() if name in ("Payload", "Payload.$")}
    others = {name: value for name, value in parameters.items() if name not in payload}
    if not others.items() <= {"FunctionName": state.function, **_USUAL, "Qualifier": others.get("Qualifier")}.items():
        return None
    qualifier = others.get("Qualifier", "")
    if not isinstance(qualifier, str):
        return None
    options = InvokeOptions(qualifier=qualifier) if "Qualifier" in others else None

    def answered(answer: Any) -> Payload:
        value = returned(answer, "lambda", spaced=False).value
        return Payload({"ExecutedVersion": answer.version, "Payload": value, "StatusCode": 200})

    def whole(answer: Any, engine: Engine, me: Identity, state_name: str, visit: int) -> Payload:
        request_id = engine.dice.uuid4("request", me.key, state_name, visit, 0)
        return response_of(answer, engine.scheduler.now_ms, request_id)

    return Direct(
        _event(fields, payload, len(encode(others))),
        _request(state.function, function_name(state.function), options),
        answered,
        whole,
        reads_whole=_reads_whole(fields),
    )


_USUAL = {"InvocationType": "RequestResponse", "LogType": "None"}
"""What changes nothing where it is written down."""


def _event(fields: Mapping[str, JSON], payload: Mapping[str, JSON], beside: int) -> Callable[[Payload], str | None]:
    """`beside`: how many characters the other parameters have."""
    room = _SURELY_FITS - beside - 64
    flow = JSONPathDataflow(fields.get("InputPath", "$"), compile_template(dict(payload), "Parameters"))
    whole_input = payload.get("Payload.$") == "$" and "InputPath" not in fields

    def event(raw: Payload) -> str | None:
        if whole_input and type(raw) is WrittenPayload:
            # It is an object, and its text is what would be encoded.
            return raw.text if len(raw.text) <= room else None
        value = raw.value if whole_input else flow.enter(raw, INPUT_ALONE).value.get("Payload")
        if value is None:
            return "{}"
        if isinstance(value, str):
            return None
        text = encode(value)
        return text if len(text) <= room else None

    return event


def _reads_whole(fields: Mapping[str, JSON]) -> bool:
    """Whether what a Task hands on may hold more of the response than what the function returned."""
    if "ResultSelector" in fields:
        return _looks_further(fields["ResultSelector"])
    if "ResultPath" in fields and fields["ResultPath"] != "$":
        return fields["ResultPath"] is not None
    path = fields.get("OutputPath", "$")
    return path is not None and _MORE_THAN_RETURNED.search(path) is not None


def _looks_further(selector: JSON) -> bool:
    if isinstance(selector, list):
        return any(map(_looks_further, selector))
    if not isinstance(selector, dict):
        return False
    return any(
        _MORE_THAN_RETURNED.search(value) is not None if name.endswith(".$") else _looks_further(value)
        for name, value in selector.items()
    )


def _request(
    function: str, name: str, options: InvokeOptions | None
) -> Callable[[Identity, str, int, str], InvokeFunction]:
    def request(me: Identity, state: str, visit: int, event: str) -> InvokeFunction:
        site = CallSite(me.key, state, name, me.item, 0, visit)
        site.region, site.account = home_of(me.machine_arn)
        if me.batched:
            site.batch = me.item
        return InvokeFunction(function, event, site, "", options)

    return request
