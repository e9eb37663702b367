"""The functions that Step Functions adds to JSONata: $partition $range $hash $random $uuid $parse, and not $eval.

Arguments that are no whole numbers are rounded toward zero; arguments that make no sense give nothing (measured).
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from typing import Any

from stepsim.asl.expression import Scope
from stepsim.asl.jsonata.engine import EngineError, Function
from stepsim.asl.jsonata.java_random import first_double
from stepsim.asl.payload import JSON, decode

MAX_RANGE = 360_145
"""Elements of the longest $range that AWS builds (measured)."""

_ALGORITHMS = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}


def _whole(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value)


def partition(array: JSON = None, size: JSON = None) -> JSON:
    """``$partition(array, size)``: chunks of at most `size` elements."""
    count = _whole(size)
    if array is None or count is None or count <= 0:
        return None
    elements = array if isinstance(array, list) else [array]
    return [elements[start : start + count] for start in range(0, len(elements), count)] or None


def range_(first: JSON = None, last: JSON = None, step: JSON = None) -> JSON:
    """``$range(first, last, step)``, the end included; one element stands for itself."""
    start, end, stride = _whole(first), _whole(last), _whole(step)
    if start is None or end is None or not stride:
        return None
    numbers = range(start, end + (1 if stride > 0 else -1), stride)
    if len(numbers) > MAX_RANGE:
        raise EngineError("", "Expression evaluation memory limit exceeded")
    if not numbers:
        return None
    return numbers[0] if len(numbers) == 1 else list(numbers)


def hash_(data: JSON = None, algorithm: JSON = None) -> JSON:
    """``$hash(data, algorithm)`` in lower-case hex."""
    name = _ALGORITHMS.get(algorithm) if isinstance(algorithm, str) else None
    if name is None or not isinstance(data, str):
        return None
    return hashlib.new(name, data.encode(), usedforsecurity=False).hexdigest()


def parse(text: JSON = None) -> JSON:
    """``$parse(text)``: the value of a JSON text."""
    if not isinstance(text, str):
        return None
    try:
        return decode(text)
    except ValueError as error:
        raise EngineError("", f"$parse: {error}") from None


PURE: dict[str, Function | None] = {
    "partition": partition,
    "range": range_,
    "hash": hash_,
    "parse": parse,
    # A variable without a value in its place: calling it is T1006, as on AWS.
    "eval": None,
}
"""Functions that need nothing from the run."""


def _random(scope: Scope) -> Function:
    def random(seed: JSON = None) -> JSON:
        number = _whole(seed)
        return scope.draw("$random") if number is None else first_double(number)

    return random


def _uuid(scope: Scope) -> Function:
    def uuid4() -> str:
        high, low = (int(scope.draw("$uuid") * (1 << 53)) for _ in range(2))
        mixed = hashlib.blake2b(f"{high}/{low}".encode(), digest_size=16).digest()
        return str(uuid.UUID(bytes=mixed, version=4))

    return uuid4


OF_SCOPE: dict[str, Callable[[Scope], Function]] = {"random": _random, "uuid": _uuid}
"""Functions that draw from the run's dice."""
