"""The metadata that optimised integrations of SDK-v1 services put into their results (recorded)."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from email.utils import formatdate
from functools import lru_cache

from stepsim.asl.payload import JSON, encode

_USUAL = ("x-amzn-RequestId", "connection", "Content-Length", "Date", "Content-Type")

_HEADERS: Mapping[str, tuple[str, ...]] = {
    "dynamodb": ("Server", "Connection", "x-amzn-RequestId", "x-amz-crc32", "Content-Length", "Date", "Content-Type"),
    "lambda": (
        "X-Amz-Executed-Version",
        "x-amzn-Remapped-Content-Length",
        "Connection",
        "x-amzn-RequestId",
        "Content-Length",
        "Date",
        "X-Amzn-Trace-Id",
        "Content-Type",
    ),
}
"""The headers of a service's answers, in the order of AllHttpHeaders; the other services have `_USUAL` ones."""

_CONTENT_TYPES: Mapping[str, str] = {
    "batch": "application/json",
    "dynamodb": "application/x-amz-json-1.0",
    "ecs": "application/x-amz-json-1.1",
    "glue": "application/x-amz-json-1.1",
    "lambda": "application/json",
    "sns": "text/xml",
    "sqs": "application/x-amz-json-1.0",
    "states": "application/x-amz-json-1.0",
}


def sdk_metadata(
    service: str,
    body: str,
    now_ms: int,
    request_id: str,
    executed_version: str | None = "$LATEST",
    status: int = 200,
) -> dict[str, JSON]:
    """SdkHttpMetadata and SdkResponseMetadata of a response whose body was this.

    Where `executed_version` is None, Lambda has executed nothing, and there is no content."""
    content = body.encode()
    values = {
        "Connection": "keep-alive",
        "connection": "keep-alive",
        "Content-Length": str(len(content)),
        "Content-Type": _CONTENT_TYPES[service],
        "Date": _date(now_ms // 1000),
        "Server": "Server",
        "X-Amz-Executed-Version": executed_version or "",
        "X-Amzn-Trace-Id": _trace(now_ms // 1000, request_id),
        "x-amz-crc32": str(zlib.crc32(content)),
        "x-amzn-Remapped-Content-Length": "0",
        "x-amzn-RequestId": request_id,
    }
    names = _HEADERS.get(service, _USUAL)
    if executed_version is None:
        names = tuple(name for name in names if name not in ("X-Amz-Executed-Version", "Content-Type"))
    return {
        "SdkHttpMetadata": {
            "AllHttpHeaders": {name: [values[name]] for name in names},
            "HttpHeaders": {name: values[name] for name in sorted(names, key=str.lower)},
            "HttpStatusCode": status,
        },
        "SdkResponseMetadata": {"RequestId": request_id},
    }


def response_body(service: str, response: Mapping[str, JSON], request_id: str) -> str:
    """The body that a service answers with, as far as its length shows: SNS writes XML, the others JSON."""
    if service != "sns":
        return encode(response)
    members = "".join(f"    <{name}>{value}</{name}>\n" for name, value in response.items())
    return (
        '<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/">\n'
        f"  <PublishResult>\n{members}  </PublishResult>\n"
        f"  <ResponseMetadata>\n    <RequestId>{request_id}</RequestId>\n  </ResponseMetadata>\n</PublishResponse>\n"
    )


@lru_cache(maxsize=64)
def _date(now_s: int) -> str:
    return formatdate(now_s, usegmt=True)


def _trace(now_s: int, request_id: str) -> str:
    digits = request_id.replace("-", "")
    return f"Root=1-{now_s:08x}-{digits[:24]};Parent={digits[-16:]};Sampled=0"
