"""What Secrets Manager refuses and moto lets pass: names (recorded). `OPERATIONS` is what the gate asks first."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from stepsim.runtime.cloud.call import ApiError, FallThrough

_NAME = re.compile(r"[\w/+=.@-]{1,512}", re.ASCII)


def create_secret(params: dict[str, Any], _region: str) -> dict[str, Any]:
    """CreateSecret: moto makes the secret, if its name is one."""
    name = params.get("Name")
    if isinstance(name, str) and name and _NAME.fullmatch(name) is None:
        raise ApiError(
            "ValidationException",
            "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!",
        )
    raise FallThrough


OPERATIONS: dict[str, Callable[[dict[str, Any], str], dict[str, Any]]] = {"CreateSecret": create_secret}
