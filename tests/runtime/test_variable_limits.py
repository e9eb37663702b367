"""The limits of variables, and the words in which they are told."""

from __future__ import annotations

import pytest

from stepsim.asl.errors import DATA_LIMIT_EXCEEDED, StatesError
from stepsim.runtime.variable_limits import MAX_ASSIGN_BYTES, check_assigned

FULL = "x" * (MAX_ASSIGN_BYTES - 2)


def test_one_assign_holds_256_kib() -> None:
    """The values of one Assign are counted as JSON, quotes and all, and their names are not."""
    check_assigned({"a_long_name": FULL}, {}, "S")
    with pytest.raises(StatesError) as raised:
        check_assigned({"a": FULL, "b": 12}, {}, "S")
    assert raised.value.error == DATA_LIMIT_EXCEEDED
    assert raised.value.cause == "The Assign field exceeds the maximum variable assignment size by 2 bytes."


def test_all_variables_hold_10_mib() -> None:
    """Forty full variables are 10 MiB; one more byte is too much, and a variable that is assigned anew counts once."""
    held = {f"v{number}": FULL for number in range(40)}
    check_assigned({"v0": FULL}, held, "S")
    with pytest.raises(StatesError) as raised:
        check_assigned({"more": 7}, held, "S")
    assert raised.value.cause == (
        "Execution total variable size limit exceeded. State 'S' assigned variables that exceed the total execution "
        "limit by 1 bytes."
    )
