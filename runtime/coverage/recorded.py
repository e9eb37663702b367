"""What was counted, as data: goals and hits of each definition; written, read, and put together again.

A definition is known by its place in a file. One that tests hand to the API has none; where a definition in a file says
the same, but for its placeholders, it is that.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec

from stepsim.asl.parse import Document, is_hole, parse
from stepsim.asl.payload import JSON
from stepsim.runtime.coverage.goals import Goal, goals_of

VERSION = 1


@dataclass(frozen=True, slots=True)
class Recorded:
    """A definition, everything that can be covered in it, and how often each was."""

    file: str
    """Its real path; empty where the definition has no file."""
    line: int
    """Where it begins there: 1, or further down in a template."""
    name: str
    """Of a definition without a file: that of the state machine."""
    definition: JSON
    goals: tuple[Goal, ...]
    hits: Mapping[str, int]
    """By the ids of goals; those that are not reached need not be there."""

    @property
    def key(self) -> tuple[str, int, str]:
        """What it is known by."""
        return (self.file, self.line, "" if self.file else f"{self.name} {json.dumps(self.definition)}")


class Unreadable(Exception):
    """A file that holds no coverage, or that of another version."""


class _Written(msgspec.Struct):
    stepsim_asl_coverage: int
    definitions: list[Recorded]


def of_document(document: Document, hits: Mapping[str, int]) -> Recorded:
    """What was counted of a definition that has a file."""
    line, _ = document.position(())
    return Recorded(os.path.realpath(document.source), line, "", document.value, goals_of(document), hits)


def of_value(name: str, definition: JSON, hits: Mapping[str, int]) -> Recorded:
    """What was counted of a definition without a file: its lines are those of `text_of`."""
    return Recorded("", 1, name, definition, goals_of(parse(text_of(definition))), hits)


def text_of(definition: JSON) -> str:
    """How a definition without a file is shown."""
    return json.dumps(definition, indent=2, ensure_ascii=False)


def write(records: Sequence[Recorded]) -> str:
    """As JSON text, for another process or another day."""
    return msgspec.json.encode(_Written(VERSION, list(records))).decode()


def read(text: str | bytes) -> list[Recorded]:
    """What `write` has written. Raises Unreadable."""
    try:
        written = msgspec.json.decode(text, type=_Written)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unreadable(f"holds no coverage of state machines: {error}") from None
    if written.stepsim_asl_coverage != VERSION:
        raise Unreadable(f"was written by another version of stepsim ({written.stepsim_asl_coverage})")
    return written.definitions


def merged(records: Iterable[Recorded]) -> list[Recorded]:
    """Each definition once, with the hits of all."""
    found: dict[tuple[str, int, str], Recorded] = {}
    for record in records:
        known = found.get(record.key)
        found[record.key] = record if known is None else _added(known, record)
    return list(found.values())


def with_earlier(records: Sequence[Recorded], earlier: Sequence[Recorded]) -> list[Recorded]:
    """With what was counted in earlier runs, as far as its definitions have not changed since."""
    now = {record.key: record for record in records}
    still = [
        record
        for record in earlier
        if (record.key not in now or now[record.key].goals == record.goals) and (not record.file or _is_there(record))
    ]
    return merged([*records, *still])


def _is_there(record: Recorded) -> bool:
    return os.path.isfile(record.file)


def attributed(records: Sequence[Recorded]) -> list[Recorded]:
    """Definitions without a file are counted for the first one in a file that they may have been made from."""
    in_files = [record for record in records if record.file]
    found = {record.key: record for record in in_files}
    for record in records:
        if record.file:
            continue
        origin = next((one for one in in_files if fits(one.definition, record.definition)), None)
        if origin is None:
            found[record.key] = record
        else:
            found[origin.key] = _added(found[origin.key], record, goals=False)
    return list(found.values())


def _added(known: Recorded, more: Recorded, *, goals: bool = True) -> Recorded:
    hits = dict(known.hits)
    for goal, count in more.hits.items():
        hits[goal] = hits.get(goal, 0) + count
    if not goals or known.goals == more.goals:
        return replace(known, hits=hits)
    # Placeholders were filled in with other things.
    ids = {goal.id for goal in known.goals}
    return replace(known, hits=hits, goals=(*known.goals, *(goal for goal in more.goals if goal.id not in ids)))


def fits(written: JSON, run: JSON) -> bool:
    """True where a definition says the same as another one, or would with its ``${Placeholders}`` filled in."""
    waiting = [(written, run)]
    while waiting:
        one, other = waiting.pop()
        if is_hole(one):
            if not _filled(one, other):
                return False
        elif isinstance(one, dict) and isinstance(other, dict):
            if one.keys() != other.keys():
                return False
            waiting += ((member, other[name]) for name, member in one.items())
        elif isinstance(one, list) and isinstance(other, list):
            if len(one) != len(other):
                return False
            waiting += zip(one, other, strict=True)
        elif type(one) is not type(other) or one != other:
            return False
    return True


def _filled(written: str, run: JSON) -> bool:
    """True where a text with placeholders may have become a value."""
    parts = re.split(r"\$\{[^{}]*\}", written)
    if not any(parts):
        return True
    return isinstance(run, str) and re.fullmatch(".*".join(map(re.escape, parts)), run, re.DOTALL) is not None
