"""Where two JSON values differ: one line a place, by its path."""

from __future__ import annotations

from collections.abc import Iterator

from stepsim.asl.payload import JSON, encode

_SHOWN_CHARS = 160


def differences(expected: JSON, found: JSON) -> Iterator[str]:
    """A line for each place at which a value differs from what was expected; none where they are the same."""
    waiting: list[tuple[str, JSON, JSON]] = [("$", expected, found)]
    while waiting:
        path, one, other = waiting.pop()
        if isinstance(one, dict) and isinstance(other, dict):
            for name in one:
                if name not in other:
                    yield f"{path}.{name}: {_shown(one[name])} is missing"
            for name in other:
                if name not in one:
                    yield f"{path}.{name}: {_shown(other[name])} is new"
            waiting += [(f"{path}.{name}", one[name], other[name]) for name in reversed(one) if name in other]
        elif isinstance(one, list) and isinstance(other, list):
            if len(one) != len(other):
                yield f"{path}: {_elements(other)} instead of {_elements(one)}"
            shared = min(len(one), len(other))
            waiting += [(f"{path}[{index}]", one[index], other[index]) for index in reversed(range(shared))]
            for index in range(shared, len(one)):
                yield f"{path}[{index}]: {_shown(one[index])} is missing"
            for index in range(shared, len(other)):
                yield f"{path}[{index}]: {_shown(other[index])} is new"
        elif not _same(one, other):
            yield f"{path}: {_shown(other)} instead of {_shown(one)}"


def _same(one: JSON, other: JSON) -> bool:
    # 1 and true are the same to Python, and not in JSON.
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _elements(values: list[JSON]) -> str:
    return "1 element" if len(values) == 1 else f"{len(values)} elements"


def _shown(value: JSON) -> str:
    text = encode(value)
    return text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}…"
