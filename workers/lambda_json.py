"""How Lambda's Python runtime turns what a handler returns into JSON text."""

from __future__ import annotations

import json
import os
import re
from decimal import Decimal

from stepsim.workers.lambda_errors import Fault

_MARK = f"decimal-{os.urandom(8).hex()}:"
_MARKED = re.compile(f'"{_MARK}([^"]*)"')


def marshal(value: object) -> str:
    """The JSON text of a handler's return value; of bytes, the bytes as they are.

    A Decimal becomes a number with its own digits and bytes inside a value their UTF-8 text, as AWS's runtime has it.
    One difference stays: a named tuple is an array here, and an object there.
    Raises Fault (``Runtime.MarshalError``) for anything else that isn't JSON, NaN and infinities included.
    """
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    decimals = False

    def plain(item: object) -> str:
        nonlocal decimals
        if isinstance(item, Decimal):
            if not item.is_finite():
                raise ValueError("Out of range float values are not JSON compliant")
            decimals = True
            return f"{_MARK}{item}"
        if isinstance(item, bytes):
            return item.decode("utf-8")
        raise TypeError(f"Object of type {type(item).__name__} is not JSON serializable")

    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, default=plain)
        # A lone surrogate is no text: the encoding says so here, where it still is the handler's fault.
        text.encode()
    except MemoryError:
        raise
    except Exception as error:
        raise Fault("Runtime.MarshalError", f"Unable to marshal response: {error}") from error
    return _MARKED.sub(r"\1", text) if decimals else text
