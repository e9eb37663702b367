"""The metadata that optimised integrations of SDK-v1 services put into their results (recorded)."""

from __future__ import annotations

from stepsim.asl.payload import JSON

_REQUEST_ID = "00000000-0000-4000-8000-000000000000"


def sdk_metadata(content_length: int, content_type: str) -> dict[str, JSON]:
    """SdkHttpMetadata and SdkResponseMetadata of a response with status 200."""
    headers = {"Content-Length": str(content_length), "Content-Type": content_type, "x-amzn-RequestId": _REQUEST_ID}
    return {
        "SdkHttpMetadata": {
            "AllHttpHeaders": {name: [value] for name, value in headers.items()},
            "HttpHeaders": headers,
            "HttpStatusCode": 200,
        },
        "SdkResponseMetadata": {"RequestId": _REQUEST_ID},
    }
