"""HTTP answers that no server sent: AWS's errors in each of its protocols, for botocore to parse and to retry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any
from xml.sax.saxutils import escape

import msgspec
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.model import ServiceModel

from stepsim.runtime.cloud.call import ApiError


class _Raw(BytesIO):
    """A body as botocore reads it from a connection."""

    def stream(self, **_options: Any) -> Any:
        """The rest of the body, in one piece."""
        yield self.read()


def aws_response(url: str, status: int, headers: Mapping[str, str], body: bytes) -> AWSResponse:
    """A response as botocore has it from a connection."""
    return AWSResponse(url, status, HTTPHeaders.from_pairs(headers.items()), _Raw(body))


def error_response(model: ServiceModel, method: str, url: str, error: ApiError, request_id: str) -> AWSResponse:
    """The error as the service would send it. The answer to a HEAD request has no body: no code, no message."""
    headers = {"x-amzn-requestid": request_id, "x-amz-request-id": request_id}
    protocol = model.resolved_protocol
    if protocol in _JSON:
        headers["content-type"] = f"application/x-amz-json-{model.metadata.get('jsonVersion', '1.0')}"
        headers["x-amzn-errortype"] = error.code
        if "awsQueryCompatible" in model.metadata:
            headers["x-amzn-query-error"] = f"{error.code};{'Sender' if error.status < 500 else 'Receiver'}"
    spoken = "s3" if model.service_name == "s3" else protocol
    body = b"" if method == "HEAD" else error_body(spoken, error, request_id)
    return AWSResponse(url, error.status, headers, _Raw(body))  # type: ignore[arg-type]


def error_body(protocol: str, error: ApiError, request_id: str) -> bytes:
    """The error in a protocol of botocore's names; ``s3`` is a protocol of its own."""
    return _BODIES[protocol](error, request_id)


def empty_response(model: ServiceModel, url: str, request_id: str) -> AWSResponse:
    """A success without content: botocore parses it and is content, and the caller puts the response in its place."""
    body = b"{}" if model.resolved_protocol in _JSON else b"\xa0" if model.resolved_protocol == _CBOR else b"<Done/>"
    headers = {"x-amzn-requestid": request_id, "x-amz-request-id": request_id, "smithy-protocol": "rpc-v2-cbor"}
    return AWSResponse(url, 200, headers, _Raw(body))  # type: ignore[arg-type]


def _tags(members: Mapping[str, object]) -> str:
    return "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in members.items())


def _s3(error: ApiError, request_id: str) -> bytes:
    members = {"Code": error.code, "Message": error.message, **error.extra, "RequestId": request_id}
    return f"<Error>{_tags(members)}</Error>".encode()


def _query(error: ApiError, request_id: str) -> bytes:
    fault = "Sender" if error.status < 500 else "Receiver"
    members = _tags({"Type": fault, "Code": error.code, "Message": error.message, **error.extra})
    return f"<ErrorResponse><Error>{members}</Error>{_tags({'RequestId': request_id})}</ErrorResponse>".encode()


def _ec2(error: ApiError, request_id: str) -> bytes:
    members = _tags({"Code": error.code, "Message": error.message})
    return f"<Response><Errors><Error>{members}</Error></Errors>{_tags({'RequestID': request_id})}</Response>".encode()


def _json(error: ApiError, _request_id: str) -> bytes:
    return msgspec.json.encode({"__type": error.code, "message": error.message, **error.extra})


def _cbor(error: ApiError, _request_id: str) -> bytes:
    return b"\xa2" + b"".join(map(_cbor_text, ("__type", error.code, "message", error.message)))


def _cbor_text(text: str) -> bytes:
    data = text.encode()
    return b"\x7a" + len(data).to_bytes(4, "big") + data


_CBOR = "smithy-rpc-v2-cbor"
_JSON = frozenset({"json", "rest-json"})
_BODIES: Mapping[str, Callable[[ApiError, str], bytes]] = {
    "s3": _s3,
    "rest-xml": _query,
    "query": _query,
    "ec2": _ec2,
    "json": _json,
    "rest-json": _json,
    _CBOR: _cbor,
}
