"""Numbers of a definition: literals, or ...Path fields that look one up in the input, with AWS's texts for bad ones."""

from __future__ import annotations

import re
from collections.abc import Callable

from stepsim.asl.dataflow import path_value
from stepsim.asl.errors import PathNotFound, runtime_error
from stepsim.asl.expression import Scope
from stepsim.asl.jsonpath import compile_path
from stepsim.asl.machine import Count
from stepsim.asl.payload import JSON, encode
from stepsim.asl.timestamp import parse_timestamp

LONGEST_WAIT_S = 99_999_999
_NS_PER_MS = 1_000_000
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)
_DECIMAL = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)


def compile_count(fields: JSON, name: str) -> Count | None:
    """The whole number in field `name`, or looked up by its Path twin; None where the definition has neither.

    The number must not be negative. Raises States.Runtime when it is looked up and is none (recorded texts).
    """
    if name in fields:
        constant = int(fields[name])
        return lambda subject, scope: constant
    field = f"{name}Path"
    if field not in fields:
        return None
    path = compile_path(fields[field])

    def count(subject: JSON, scope: Scope) -> int:
        value = _number(path_value(path, subject, scope), int, _INTEGER)
        if isinstance(value, bool) or not isinstance(value, int):
            raise runtime_error(_not_a(field, value, "integer", path.text))
        if value < 0 and name != "MaxItems":
            raise runtime_error(f"{name} cannot be negative.")
        return value

    return count


def compile_percentage(fields: JSON, name: str) -> Callable[[JSON, Scope], float] | None:
    """The percentage in field `name`, or looked up by its Path twin; None where the definition has neither."""
    if name in fields:
        constant = float(fields[name])
        return lambda subject, scope: constant
    field = f"{name}Path"
    if field not in fields:
        return None
    path = compile_path(fields[field])

    def percentage(subject: JSON, scope: Scope) -> float:
        value = _number(path_value(path, subject, scope), float, _DECIMAL)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise runtime_error(_not_a(field, value, "float", path.text))
        if not 0 <= value <= 100:
            raise runtime_error(f"{name} must be between 0 and 100.")
        return float(value)

    return percentage


def compile_until(fields: JSON) -> Callable[[JSON, Scope, int], int]:
    """A Wait state's end: (effective input, scope, now_ms) -> milliseconds since the epoch."""
    if "Seconds" in fields:
        constant_ms = int(fields["Seconds"]) * 1000
        return lambda subject, scope, now_ms: now_ms + constant_ms
    if "Timestamp" in fields:
        until_ns = parse_timestamp(fields["Timestamp"])
        if until_ns is None:
            raise ValueError(f"{fields['Timestamp']!r} is not an RFC 3339 timestamp")
        until_ms = -(-until_ns // _NS_PER_MS)
        return lambda subject, scope, now_ms: max(until_ms, now_ms)
    if "SecondsPath" in fields:
        return _seconds_path(fields["SecondsPath"])
    return _timestamp_path(fields["TimestampPath"])


def _seconds_path(text: str) -> Callable[[JSON, Scope, int], int]:
    path = compile_path(text)

    def until_ms(subject: JSON, scope: Scope, now_ms: int) -> int:
        try:
            value = path(subject, scope)
        except PathNotFound:
            raise runtime_error(f"The SecondsPath parameter does not reference an input value: {text}") from None
        if isinstance(value, bool) or not isinstance(value, int):
            raise runtime_error(
                f"The SecondsPath parameter cannot be parsed as a long value: {text} == {_plain(value)}"
            )
        if value < 0:
            raise runtime_error(f"The SecondsPath parameter references a negative value: {text} == {value}")
        if value > LONGEST_WAIT_S:
            raise runtime_error("Wait state delay is too long.")
        return now_ms + value * 1000

    return until_ms


def _timestamp_path(text: str) -> Callable[[JSON, Scope, int], int]:
    path = compile_path(text)

    def until_ms(subject: JSON, scope: Scope, now_ms: int) -> int:
        try:
            value = path(subject, scope)
        except PathNotFound:
            raise runtime_error(f"The TimestampPath parameter does not reference an input value: {text}") from None
        until_ns = parse_timestamp(value) if isinstance(value, str) else None
        if until_ns is None:
            raise runtime_error(
                "The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time format "
                f"string: {text} == {_plain(value)}"
            )
        until = max(-(-until_ns // _NS_PER_MS), now_ms)
        if until - now_ms > LONGEST_WAIT_S * 1000:
            raise runtime_error("Wait state delay is too long.")
        return until

    return until_ms


def _number(value: JSON, kind: Callable[[str], JSON], form: re.Pattern[str]) -> JSON:
    """The value; a string that spells a number is one (recorded: a variable "2" as MaxItemsPath)."""
    return kind(value) if isinstance(value, str) and form.fullmatch(value) else value


def _not_a(field: str, value: JSON, kind: str, path: str) -> str:
    return f'The {field} field refers to value "{_plain(value)}" which is not a valid {kind}: {path}'


def _plain(value: JSON) -> str:
    """A value in AWS's error texts: strings without quotes, the rest as JSON."""
    return value if isinstance(value, str) else encode(value)
