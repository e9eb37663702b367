"""`stepsim.runtime.api.names`."""

from __future__ import annotations

import pytest

from stepsim.runtime.api.names import check_name
from stepsim.runtime.cloud.call import ApiError


@pytest.mark.parametrize("character", [*' \t<>{}[]?*"#%\\^|~`$&,;:/', "\x00", "\x1f", "\x7f", "\x9f", "\ufffe"])
def test_forbidden(character: str) -> None:
    """White space, brackets, wildcards, special and control characters are refused."""
    with pytest.raises(ApiError) as raised:
        check_name(f"one{character}two")
    assert (raised.value.code, raised.value.message) == ("InvalidName", f"Invalid Name: 'one{character}two'")


@pytest.mark.parametrize("name", ["orders", "state.machine-1_a", "(one)+@=!'", "größe", "1"])
def test_allowed(name: str) -> None:
    """Everything else may stand in a name."""
    check_name(name)
