"""The functions that Step Functions adds to JSONata."""

from __future__ import annotations

import pytest

from stepsim.asl.jsonata.engine import EngineError
from stepsim.asl.jsonata.functions import hash_, parse, partition, range_
from stepsim.asl.jsonata.java_random import first_double
from stepsim.asl.payload import JSON


@pytest.mark.parametrize(
    ("array", "size", "chunks"),
    [([1, 2, 3], 2, [[1, 2], [3]]), ([1], 5, [[1]]), ([1, 2, 3], 2.9, [[1, 2], [3]]), ([], 2, None), ([1], 0, None)],
)
def test_partition(array: JSON, size: JSON, chunks: JSON) -> None:
    """Chunks of the size, rounded toward zero; nothing for an empty array or no size (measured)."""
    assert partition(array, size) == chunks


@pytest.mark.parametrize(
    ("arguments", "numbers"),
    [
        ((1, 5, 2), [1, 3, 5]),
        ((1, 9, 9), 1),
        ((5, 1, -2), [5, 3, 1]),
        ((1, 5, -1), None),
        ((1, 5, 0), None),
        ((1, 5), None),
        ((1.9, 3.9, 1), [1, 2, 3]),
    ],
)
def test_range(arguments: tuple[JSON, ...], numbers: JSON) -> None:
    """The end is included; one number stands for itself; a step that leads nowhere gives nothing (measured)."""
    assert range_(*arguments) == numbers


def test_the_longest_range() -> None:
    """360,145 numbers can be built, and not one more (measured)."""
    longest = range_(1, 360_145, 1)
    assert isinstance(longest, list)
    assert len(longest) == 360_145
    with pytest.raises(EngineError, match="memory limit"):
        range_(1, 360_146, 1)


def test_hash() -> None:
    """Algorithms are named exactly; without one there is nothing (measured)."""
    assert hash_("input data", "MD5") == "812f45842bc6d66ee14572ce20db8e86"
    assert hash_("input data", "md5") is None
    assert hash_("input data") is None


def test_parse() -> None:
    """The value of a JSON text; another text is an error."""
    assert parse('{"a": [1, null]}') == {"a": [1, None]}
    with pytest.raises(EngineError):
        parse("{")


def test_javas_random() -> None:
    """new Random(42).nextDouble(), as measured on AWS."""
    assert first_double(42) == 0.7275636800328681
