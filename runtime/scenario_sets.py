"""``--set key.path=value``: what a command line, or the scenario's own ``run.set``, changes before it is checked.

A path may lead to where nothing is yet; whether a scenario has such a key, the check that follows tells.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from stepsim.asl.errors import Problem
from stepsim.asl.payload import JSON
from stepsim.runtime.key_path import KeyPath, format_key_path, parse_key_path


@dataclass(frozen=True, slots=True)
class Override:
    """One change: how it was asked for (``--set seed=1``), and where it leads."""

    text: str
    path: KeyPath


def apply_sets(
    value: JSON, sets: Iterable[str], members: Mapping[str, JSON] | None = None
) -> tuple[JSON, list[Override], list[Problem]]:
    """The value with the changes made, one after the other, the changes, and what is wrong with those left out.

    `members` (values by path, from a scenario's ``run.set``) go first. Elements of a list are changed by their index;
    the first free index appends. `value` itself stays as it is.
    """
    done: list[Override] = []
    problems: list[Problem] = []
    asked: list[tuple[str, str, str | None, JSON]]
    asked = [(f"run.set {path}", path, None, new) for path, new in (members or {}).items()]
    asked += [(f"--set {text}", *text.partition("=")) for text in sets]
    for label, path, equals, new in asked:
        try:
            if equals == "":
                raise _Misled("key.path=value expected")
            segments = _segments(path.strip())
            value, place = _changed(value, segments, (), new if equals is None else _read(new, segments))
        except _Misled as error:
            problems.append(Problem("BAD_OVERRIDE", f"{error}, in {label}", format_key_path(error.path), 0, 0))
        else:
            done.append(Override(label, place))
    return value, done, problems


class _Misled(Exception):
    """An override that cannot be made."""

    def __init__(self, message: str, path: KeyPath = ()) -> None:
        super().__init__(message)
        self.path = path


def _segments(path: str) -> tuple[str, ...]:
    try:
        return parse_key_path(path)
    except ValueError as error:
        raise _Misled(str(error)) from None


def _read(text: str, path: KeyPath) -> JSON:
    # Imported here: a run without overrides may not need YAML at all.
    from stepsim.asl.yaml_reader import YamlError, read

    try:
        return read(text)[0] if text.strip() else ""
    except YamlError as error:
        raise _Misled(f"the value cannot be read: {error}", path) from None


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
