"""Numbers and moments of JSONata states: literals, or expressions that must give one."""

from __future__ import annotations

from collections.abc import Callable

from stepsim.asl.errors import QUERY_EVALUATION_ERROR, StatesError
from stepsim.asl.expression import Scope
from stepsim.asl.jsonata.fields import compile_typed
from stepsim.asl.machine import Count
from stepsim.asl.numbers import LONGEST_WAIT_S
from stepsim.asl.payload import JSON
from stepsim.asl.timestamp import parse_timestamp

_NS_PER_MS = 1_000_000


def compile_count(fields: dict[str, JSON], name: str, field: str = "", *, least: int = 0) -> Count | None:
    """The whole number in field `name`, rounded toward zero; None where the definition has none.

    A number below `least` is States.QueryEvaluationError, as documented; a negative MaxItems is the reader's to refuse.
    """
    if name not in fields:
        return None
    place = field or name
    expression = compile_typed(fields[name], place, "number", (int, float))

    def count(subject: JSON, scope: Scope) -> int:
        value = int(expression(subject, scope))
        if value < least and name != "MaxItems":
            raise _refused(f"{name} must be greater than 0." if least else f"{name} cannot be negative.", place)
        return value

    return count


def compile_percentage(fields: dict[str, JSON], name: str) -> Callable[[JSON, Scope], float] | None:
    """The percentage in field `name`; None where the definition has none."""
    if name not in fields:
        return None
    expression = compile_typed(fields[name], name, "number", (int, float))

    def percentage(subject: JSON, scope: Scope) -> float:
        value = expression(subject, scope)
        if not 0 <= value <= 100:
            raise _refused(f"{name} must be between 0 and 100.", name)
        return float(value)

    return percentage


def compile_until(fields: dict[str, JSON]) -> Callable[[JSON, Scope, int], int]:
    """A Wait state's end: (input, scope, now_ms) -> milliseconds since the epoch."""
    if "Seconds" in fields:
        return _seconds(fields["Seconds"])
    return _timestamp(fields["Timestamp"])


def _seconds(value: JSON) -> Callable[[JSON, Scope, int], int]:
    expression = compile_typed(value, "Seconds", "number", (int, float))

    def until_ms(subject: JSON, scope: Scope, now_ms: int) -> int:
        seconds = expression(subject, scope)
        if seconds < 0:
            raise _refused("The Seconds field cannot be negative: " + str(seconds), "Seconds")
        if seconds > LONGEST_WAIT_S:
            raise _refused("Wait state delay is too long.", "Seconds")
        return now_ms + int(seconds) * 1000

    return until_ms


def _timestamp(value: JSON) -> Callable[[JSON, Scope, int], int]:
    expression = compile_typed(value, "Timestamp", "string", (str,))

    def until_ms(subject: JSON, scope: Scope, now_ms: int) -> int:
        text = expression(subject, scope)
        until_ns = parse_timestamp(text)
        if until_ns is None:
            raise _refused(
                "The Timestamp field cannot be parsed as an ISO-8601 extended offset date-time format string: " + text,
                "Timestamp",
            )
        until = max(-(-until_ns // _NS_PER_MS), now_ms)
        if until - now_ms > LONGEST_WAIT_S * 1000:
            raise _refused("Wait state delay is too long.", "Timestamp")
        return until

    return until_ms


def _refused(cause: str, field: str) -> StatesError:
    return StatesError(QUERY_EVALUATION_ERROR, cause, by_interpreter=True, location=field)
