"""The names of machines, executions and activities."""

from __future__ import annotations

import re

from stepsim.runtime.cloud.call import ApiError

_FORBIDDEN = re.compile(r"[\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f\ufffe\uffff\ud800-\udfff\U0010ffff]")
"""White space, brackets, wildcards, special characters, control characters, what is no character (API reference)."""


def check_name(name: str) -> None:
    """Refuse a name with a character that names must not have. Raises ApiError InvalidName."""
    if _FORBIDDEN.search(name):
        raise ApiError("InvalidName", f"Invalid Name: '{name}'")
