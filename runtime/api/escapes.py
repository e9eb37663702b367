"""Inputs and outputs as strings inside other JSON: how long they get, and how much of them AWS passes on."""

from __future__ import annotations

import json

from stepsim.asl.payload import JSON, encode

LIMIT_BYTES = 248 * 1024
"""What CloudWatch Logs and EventBridge take of an escaped input or output (developer guide: 248 KB)."""


def json_line(value: JSON) -> str:
    """The compact JSON text of a value; lone surrogates, which JSON allows, are written as escapes."""
    try:
        return encode(value)
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"))


def escaped_bytes(text: str) -> int:
    """The length in bytes of UTF-8 of a text that stands in JSON as a string."""
    return len(json_line(text).encode()) - 2
