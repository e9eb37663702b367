"""How much variables may hold: of one Assign, and of all that an execution can see."""

from __future__ import annotations

from collections.abc import Mapping

from stepsim.asl.errors import DATA_LIMIT_EXCEEDED, StatesError
from stepsim.asl.payload import JSON, encode

MAX_ASSIGN_BYTES = 262_144
MAX_VARIABLES_BYTES = 10 * 1024 * 1024

_ALWAYS_FIT = MAX_VARIABLES_BYTES // MAX_ASSIGN_BYTES
"""So many variables cannot exceed the total, as none of them is larger than one Assign may be."""


def check_assigned(values: Mapping[str, JSON], variables: Mapping[str, JSON], state: str) -> None:
    """Raise States.DataLimitExceeded where a state assigns more than it may: values are counted as JSON, names are not.

    ``variables`` are those of before. The total is worked out only where it could be too large.
    """
    excess = _size(values) - MAX_ASSIGN_BYTES
    if excess > 0:
        raise _exceeded(f"The Assign field exceeds the maximum variable assignment size by {excess} bytes.")
    if len(variables) + len(values) <= _ALWAYS_FIT:
        return
    excess = _size({**variables, **values}) - MAX_VARIABLES_BYTES
    if excess > 0:
        raise _exceeded(
            f"Execution total variable size limit exceeded. State '{state}' assigned variables that exceed the total "
            f"execution limit by {excess} bytes."
        )


def _size(values: Mapping[str, JSON]) -> int:
    return sum(len(encode(value).encode()) for value in values.values())


def _exceeded(cause: str) -> StatesError:
    return StatesError(DATA_LIMIT_EXCEEDED, cause, by_interpreter=True)
