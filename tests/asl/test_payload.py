from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepsim.asl.choice import compile_rule
from stepsim.asl.java import java_class, java_text
from stepsim.asl.payload import Double, decode, encode


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1790204286.0, "1.790204286E9"),
        (2e9, "2.0E9"),
        (1e7, "1.0E7"),
        (9999999.0, "9999999.0"),
        (-1.5e10, "-1.5E10"),
        (0.001, "0.001"),
        (0.0001, "1.0E-4"),
        (0.0, "0.0"),
        (1.0, "1.0"),
        (1e21, "1.0E21"),
    ],
)
def test_a_double_is_written_as_java_writes_it(number: float, text: str) -> None:
    """With an exponent from ten millions on and below a thousandth; wherever it stands."""
    assert encode({"a": [Double(number)]}) == f'{{"a":[{text}]}}'
    assert java_text(Double(number)) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_double_comes_back(number: float) -> None:
    """What is written is the same number."""
    assert decode(encode(Double(number))) == number


def test_half_a_surrogate_pair_is_written_as_an_escape() -> None:
    """JSON allows it, UTF-8 doesn't."""
    value = {"half": "\ud800", "n": Double(1.5)}
    assert encode(value) == '{"half":"\\ud800","n":1.5}'
    assert decode(encode(value)) == value


def test_other_values_are_no_json() -> None:
    """What is not JSON is refused by its type's name."""
    with pytest.raises(TypeError, match="object is unsupported"):
        encode([object()])
    with pytest.raises(TypeError, match="not JSON compliant"):
        encode(math.nan)


def test_a_double_is_a_number() -> None:
    """It compares and is told as any other."""
    rule = compile_rule({"Variable": "$.n", "NumericGreaterThan": 1, "Next": "A"})
    assert rule({"n": Double(2.0)}, None)  # type: ignore[arg-type]  # the rule looks at no scope
    assert java_class(Double(2.0)) == "java.lang.Double"
