"""``--set key.path=value``: what a command line changes in a scenario before it is checked.

A path may lead to where nothing is yet; whether a scenario has such a key, the check that follows tells.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from stepsim.asl.errors import Problem
from stepsim.asl.payload import JSON
from stepsim.runtime.key_path import KeyPath, format_key_path, parse_key_path


@dataclass(frozen=True, slots=True)
class Override:
    """One ``--set``: its text, where it leads, and what stands there from now on."""

    text: str
    path: KeyPath
    value: JSON


def apply_sets(value: JSON, sets: Iterable[str]) -> tuple[JSON, list[Override], list[Problem]]:
    """The value with the overrides made, one after the other, the overrides, and what is wrong with those left out.

    Elements of a list are changed by their index; the first free index appends. `value` itself stays as it is.
    """
    done: list[Override] = []
    problems: list[Problem] = []
    for text in sets:
        try:
            segments, new = _parse(text)
            value, path = _changed(value, segments, (), new)
        except _Misled as error:
            problems.append(Problem("BAD_OVERRIDE", f"{error}, in --set {text}", format_key_path(error.path), 0, 0))
        else:
            done.append(Override(text, path, new))
    return value, done, problems


class _Misled(Exception):
    """An override that cannot be made."""

    def __init__(self, message: str, path: KeyPath = ()) -> None:
        super().__init__(message)
        self.path = path


def _parse(text: str) -> tuple[tuple[str, ...], JSON]:
    # Imported here: a run without overrides may not need YAML at all.
    from stepsim.asl.yaml_reader import YamlError, read

    path, equals, written = text.partition("=")
    if not equals:
        raise _Misled("key.path=value expected")
    try:
        segments = parse_key_path(path.strip())
    except ValueError as error:
        raise _Misled(str(error)) from None
    try:
        return segments, read(written)[0] if written.strip() else ""
    except YamlError as error:
        raise _Misled(f"the value cannot be read: {error}", segments) from None


def _changed(value: JSON, segments: tuple[str, ...], path: KeyPath, new: JSON) -> tuple[JSON, KeyPath]:
    """The value with `new` where the segments lead, and that place's path."""
    if not segments:
        return new, path
    first, *rest = segments
    if isinstance(value, list):
        index = int(first) if first.isdecimal() else len(value) + 1
        if index > len(value):
            raise _Misled(f"{first!r} is not an index of a list of {len(value)}", path)
        element, end = _changed(value[index] if index < len(value) else None, tuple(rest), (*path, index), new)
        return [*value[:index], element, *value[index + 1 :]], end
    if value is None:
        value = {}
    if not isinstance(value, dict):
        raise _Misled(f"there is no {first!r} in {value!r}", path)
    member, end = _changed(value.get(first), tuple(rest), (*path, first), new)
    return {**value, first: member}, end
