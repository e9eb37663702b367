"""The text of an expression: its delimiters, operators that AWS does not have, and paths that need no engine."""

from __future__ import annotations

import re
from typing import NamedTuple

from stepsim.asl.payload import JSON

_OPEN, _CLOSE = "{%", "%}"

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_BARE_PATH = re.compile(rf"\s*\$(?P<root>{_NAME})(?P<steps>(?:\.{_NAME})*)\s*", re.ASCII)

_TOKEN = re.compile(
    r"""
      "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*'      # strings
    | `[^`]*`                                    # quoted names
    | /\*.*?\*/                                  # comments
    | \)\s*<[^{}]*>(?=\s*\{)                     # the signature of a function
    | (?<=[(,~>=?:&|;\[{])\s*/(?:[^/\\\n]|\\.)+/ # regular expressions
    | (?P<newer>\?\?|\?:)                        # operators that came after 2.0.6
    """,
    re.VERBOSE | re.DOTALL,
)


def is_expression(value: JSON) -> bool:
    """True for a string that is an expression: it begins with ``{%`` and ends with ``%}``."""
    return isinstance(value, str) and value.startswith(_OPEN) and value.endswith(_CLOSE) and len(value) >= 4


def is_unfinished(value: JSON) -> bool:
    """True for a string that has only one of the delimiters: most likely a slip."""
    return isinstance(value, str) and value.strip().startswith(_OPEN) != value.strip().endswith(_CLOSE)


def expression_text(value: str) -> str:
    """What stands between the delimiters, without the white space around it, as AWS quotes it."""
    return value[len(_OPEN) : -len(_CLOSE)].strip()


def newer_operator(text: str) -> str | None:
    """``??`` or ``?:`` where the expression has one: AWS runs JSONata 2.0.6, which knows neither."""
    for token in _TOKEN.finditer(text):
        if token["newer"]:
            return token["newer"]
    return None


class BarePath(NamedTuple):
    """A variable and names of members, with nothing else: ``$states.input.order.id``."""

    root: str
    steps: tuple[str, ...]


_WORDS = frozenset({"and", "or", "in", "null", "true", "false"})


def bare_path(text: str) -> BarePath | None:
    """The path that an expression consists of; None for any other expression."""
    match = _BARE_PATH.fullmatch(text)
    if match is None:
        return None
    steps = tuple(match["steps"].split(".")[1:])
    return None if _WORDS.intersection(steps) else BarePath(match["root"], steps)
