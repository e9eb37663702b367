"""Dotted paths into scenarios and reports: ``functions."My Fn".duration``, ``faults[0].error``, ``faults.0.error``.

A segment is plain up to the next dot or bracket, or stands in double quotes where it has such characters of its own.
"""

from __future__ import annotations

import re

KeyPath = tuple[str | int, ...]
"""Names of members and indexes of elements, from the outside in."""

SEGMENTS = r'(?:"[^"]*"|[^\s."\[\]=!<>]+)(?:\[\d+\]|\.(?:"[^"]*"|[^\s."\[\]=!<>]+))*'
"""What a path looks like, as a regular expression."""

_PATH = re.compile(SEGMENTS)
_SEGMENT = re.compile(r'"([^"]*)"|\[(\d+)\]|([^\s."\[\]=!<>]+)')
_PLAIN = re.compile(r'[^\s."\[\]=!<>]+')


def parse_key_path(text: str) -> tuple[str, ...]:
    """The segments of a path. An index is a segment of digits: whether it is one, what it leads into decides.

    Raises ValueError for a text that is no path.
    """
    if not _PATH.fullmatch(text):
        raise ValueError(f"{text!r} is not a path such as functions.Name.duration or faults[0].error")
    return tuple(quoted or index or plain for quoted, index, plain in _SEGMENT.findall(text))


def format_key_path(path: KeyPath) -> str:
    """The text of a path, quoted where it has to be."""
    text = ""
    for segment in path:
        if isinstance(segment, int):
            text += f"[{segment}]"
        else:
            name = segment if _PLAIN.fullmatch(segment) else f'"{segment}"'
            text += f".{name}" if text else name
    return text
