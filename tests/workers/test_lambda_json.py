"""workers/lambda_json.py: what a handler returns, as AWS's runtime writes it."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepsim.workers.lambda_errors import Fault
from stepsim.workers.lambda_json import marshal, unmarshal

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
).filter(lambda value: "\\ud" not in json.dumps(value))


@given(VALUES)
def test_json_values_survive(value: object) -> None:
    """What JSON can hold comes back equal."""
    assert json.loads(marshal(value)) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": Decimal("1.10"), "b": "Decimal"}, '{"a": 1.10, "b": "Decimal"}'),
        ([b"bytes"], '["bytes"]'),
        (b'{"raw":1}', '{"raw":1}'),
        ("ü", '"ü"'),
        ((1, None), "[1, null]"),
    ],
)
def test_what_awss_runtime_adds(value: object, text: str) -> None:
    """Decimals are numbers with their digits, bytes are text, and returned bytes are the payload itself."""
    assert marshal(value) == text


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({1, 2}, "Object of type set is not JSON serializable"),
        (object(), "Object of type object is not JSON serializable"),
        ({(1, 2): 3}, "keys must be str, int, float, bool or None, not tuple"),
        (float("nan"), "Out of range float values are not JSON compliant"),
        (Decimal("Infinity"), "Out of range float values are not JSON compliant"),
        ([b"\xff"], "'utf-8' codec can't decode byte 0xff"),
    ],
)
def test_what_isnt_json_is_a_fault(value: object, message: str) -> None:
    """Anything else is Runtime.MarshalError, in the runtime's words."""
    with pytest.raises(Fault) as raised:
        marshal(value)
    assert raised.value.error_type == "Runtime.MarshalError"
    assert raised.value.message.startswith(f"Unable to marshal response: {message}")


@pytest.mark.parametrize(
    "text",
    ["-0", "1e400", "NaN", "[-Infinity]", '"\\ud800"', '{"a":1,"a":2}', "18446744073709551617", " [1 , 0.1e1]\n"],
)
def test_an_event_is_read_as_pythons_own_reader_does(text: str) -> None:
    """Whatever that makes of odd numbers, doubled names and half characters."""
    assert repr(unmarshal(text)) == repr(json.loads(text))
    with pytest.raises(ValueError, match="Expecting"):
        unmarshal(f"[{text}")
