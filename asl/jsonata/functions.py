"""The functions that Step Functions adds to JSONata: $partition $range $hash $random $uuid $parse, and not $eval.

Arguments that are no whole numbers are rounded toward zero; what is missing or makes no sense gives nothing, what is of
the wrong type is T0410 (measured). An engine hands over None for null and for nothing alike, and takes it for nothing.
"""

from __future__ import annotations

import hashlib
import json
import math
import uuid
from collections.abc import Callable

from stepsim.asl.expression import Scope
from stepsim.asl.jsonata.engine import EngineError, Function
from stepsim.asl.jsonata.java_random import first_double
from stepsim.asl.jsonata.limits import TOO_LARGE
from stepsim.asl.payload import JSON

MAX_RANGE = 360_145
"""Elements of the longest $range that AWS builds (measured)."""

_ALGORITHMS = {"SHA-1": "sha1", "SHA-384": "sha384", "SHA-256": "sha256", "SHA-512": "sha512", "MD5": "md5"}


def partition(array: JSON = None, size: JSON = None, *surplus: JSON) -> JSON:
    """``$partition(array, size)``: chunks of at most `size` elements; one chunk without a size."""
    _refuse("partition", 2, surplus)
    if array is None:
        return None
    if not isinstance(array, list):
        raise EngineError("T0412", 'Argument 1 of function "partition" must be an array of undefined')
    count = len(array) if size is None else _whole(size, "partition", 2)
    if count < 0:
        raise EngineError("D3137", "Second argument must be zero or greater")
    return [array[start : start + count] for start in range(0, len(array), count)] or None if count else None


def range_(first: JSON = None, last: JSON = None, step: JSON = None, *surplus: JSON) -> JSON:
    """``$range(first, last, step)``, the end included; one element stands for itself."""
    _refuse("range", 3, surplus)
    start, end = _whole(first, "range", 1), _whole(last, "range", 2)
    stride = 0 if step is None else _whole(step, "range", 3)
    if not stride:
        return None
    numbers = range(start, end + (1 if stride > 0 else -1), stride)
    if not numbers:
        return None
    if numbers[-1] == numbers[0]:
        return numbers[0]
    # A length beyond the machine's word cannot be asked for.
    if (numbers[-1] - numbers[0]) // stride >= MAX_RANGE:
        raise EngineError("", TOO_LARGE)
    return list(numbers)


def hash_(data: JSON = None, algorithm: JSON = None, *surplus: JSON) -> JSON:
    """``$hash(data, algorithm)`` in lower-case hex."""
    _refuse("hash", 2, surplus)
    if not isinstance(data, str):
        raise _mismatch("hash", 1)
    if algorithm is None:
        return None
    if not isinstance(algorithm, str):
        raise _mismatch("hash", 2)
    if algorithm not in _ALGORITHMS:
        names = ", ".join(_ALGORITHMS)
        raise EngineError("D3137", f"Hash algorithm '{algorithm}' must be one of {names}")
    return hashlib.new(_ALGORITHMS[algorithm], data.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()


def parse(text: JSON = None, *surplus: JSON) -> JSON:
    """``$parse(text)``: the value of a JSON text; a name that stands twice in an object makes it invalid."""
    _refuse("parse", 1, surplus)
    if text is None:
        return None
    if not isinstance(text, str):
        raise _mismatch("parse", 1)
    try:
        return json.loads(text, object_pairs_hook=_object, parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError):
        raise EngineError("D3137", "Invalid JSON") from None


def _object(members: list[tuple[str, JSON]]) -> dict[str, JSON]:
    value = dict(members)
    if len(value) != len(members):
        raise ValueError("A name stands twice")
    return value


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is not JSON")
    return number


def _whole(value: JSON, function: str, argument: int) -> int:
    """An argument that is a number, rounded toward zero."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _mismatch(function, argument)
    return int(value)


def _refuse(function: str, most: int, surplus: tuple[JSON, ...]) -> None:
    if surplus:
        raise _mismatch(function, most + 1)


def _mismatch(function: str, argument: int) -> EngineError:
    return EngineError("T0410", f'Argument {argument} of function "{function}" does not match function signature')


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
    def random(seed: JSON = None, *surplus: JSON) -> float:
        _refuse("random", 1, surplus)
        return scope.draw("$random") if seed is None else first_double(_whole(seed, "random", 1))

    return random


def _uuid(scope: Scope) -> Function:
    def uuid4(*surplus: JSON) -> str:
        _refuse("uuid", 0, surplus)
        high, low = (int(scope.draw("$uuid") * (1 << 53)) for _ in range(2))
        mixed = hashlib.blake2b(f"{high}/{low}".encode(), digest_size=16).digest()
        return str(uuid.UUID(bytes=mixed, version=4))

    return uuid4


OF_SCOPE: dict[str, Callable[[Scope], Function]] = {"random": _random, "uuid": _uuid}
"""Functions that draw from the run's dice."""
