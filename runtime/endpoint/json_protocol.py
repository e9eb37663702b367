"""AWS's JSON 1.0 protocol, as Step Functions speaks it: ``POST /``, the operation in X-Amz-Target, JSON both ways.

What a client sends is checked here for its types only, as AWS's own front door does (SerializationException); lengths
and patterns are the operations' own to check.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from typing import Any

import botocore.session
import msgspec
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape

from stepsim.runtime.api.records import Params, Response
from stepsim.runtime.cloud.call import ApiError
from stepsim.runtime.endpoint.request import HttpRequest, HttpResponse

CONTENT_TYPE = "application/x-amz-json-1.0"

TARGET = "AWSStepFunctions"

REQUEST_BYTES_MAX = 1_048_576
"""A request of Step Functions has at most 1 MB."""


@cache
def step_functions_model() -> ServiceModel:
    """botocore's model of Step Functions."""
    return botocore.session.get_session().get_service_model("stepfunctions")


def parse_request(request: HttpRequest) -> tuple[str, Params]:
    """The operation and its parameters. Raises ApiError as AWS's front door answers what it cannot read."""
    operation = _operation(request)
    if len(request.body) > REQUEST_BYTES_MAX:
        raise ApiError("RequestEntityTooLargeException", f"The request has more than {REQUEST_BYTES_MAX} bytes.", 413)
    try:
        # An absent body is an empty structure to AWS.
        value = msgspec.json.decode(request.body) if request.body.strip() else {}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ApiError("SerializationException", "The request's body is not JSON in UTF-8.") from None
    if not isinstance(value, dict):
        raise _unexpected(value)
    shape = operation.input_shape
    return operation.name, _structure(shape, value) if isinstance(shape, StructureShape) else {}


def response(answer: Response, request_id: str) -> HttpResponse:
    """A success on the wire: timestamps in seconds, to the millisecond."""
    body = json.dumps(answer, default=_seconds, separators=(",", ":")).encode()
    return HttpResponse(200, {"x-amzn-requestid": request_id, "content-type": CONTENT_TYPE}, body)


def error_response(error: ApiError, request_id: str) -> HttpResponse:
    """An error on the wire."""
    body = json.dumps({"__type": error.code, "message": error.message, **error.extra}, default=_seconds).encode()
    return HttpResponse(error.status, {"x-amzn-requestid": request_id, "content-type": CONTENT_TYPE}, body)


def _operation(request: HttpRequest) -> OperationModel:
    service, _, name = request.headers.get("x-amz-target", "").rpartition(".")
    if request.method != "POST" or service != TARGET:
        raise ApiError("UnknownOperationException", "", 404 if request.method != "POST" else 400)
    model = step_functions_model()
    if name not in model.operation_names:
        raise ApiError("UnknownOperationException", "")
    return model.operation_model(name)


def _seconds(value: Any) -> float:
    assert isinstance(value, datetime), value
    return round(value.timestamp(), 3)


def _structure(shape: StructureShape, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _unexpected(value)
    members: Mapping[str, Shape] = shape.members
    # What the model doesn't know is passed over, and null is as good as absent: so AWS's front door does it.
    return {
        name: _converted(members[name], member)
        for name, member in value.items()
        if member is not None and name in members
    }


def _list(shape: ListShape, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise _unexpected(value)
    return [_converted(shape.member, item) for item in value if item is not None]


def _map(shape: MapShape, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _unexpected(value)
    return {name: _converted(shape.value, item) for name, item in value.items() if item is not None}


def _string(_shape: Shape, value: Any) -> str:
    if not isinstance(value, str):
        raise _inconvertible(value, "a String")
    return value


def _boolean(_shape: Shape, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _inconvertible(value, "a Boolean")
    return value


def _integer(_shape: Shape, value: Any) -> int:
    if isinstance(value, float):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise _inconvertible(value, "an Integer")
    return value


def _float(_shape: Shape, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _inconvertible(value, "a Float")
    return float(value)


_CONVERTERS: Mapping[str, Callable[[Any, Any], Any]] = {
    "structure": _structure,
    "list": _list,
    "map": _map,
    "string": _string,
    "boolean": _boolean,
    "integer": _integer,
    "long": _integer,
    "float": _float,
    "double": _float,
}


def _converted(shape: Shape, value: Any) -> Any:
    return _CONVERTERS[shape.type_name](shape, value)


def _unexpected(value: Any) -> ApiError:
    if isinstance(value, dict):
        return ApiError("SerializationException", "Start of structure or map found where not expected.")
    if isinstance(value, list):
        return ApiError("SerializationException", "Start of list found where not expected")
    return ApiError("SerializationException", "Unexpected field type")


def _inconvertible(value: Any, wanted: str) -> ApiError:
    if isinstance(value, dict | list):
        return _unexpected(value)
    kind = "STRING" if isinstance(value, str) else "NUMBER"
    if isinstance(value, bool):
        kind = "TRUE" if value else "FALSE"
    return ApiError("SerializationException", f"{kind}_VALUE can not be converted to {wanted}")
