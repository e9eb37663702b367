"""Which variables have been assigned when a state is entered: surely, on every way there, or perhaps, on some."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from stepsim.asl.parse import Path, is_hole
from stepsim.asl.payload import JSON

Names = frozenset[str]


class Assigned(NamedTuple):
    """The variables that have a value at some point."""

    surely: Names = frozenset()
    perhaps: Names = frozenset()


NOTHING = Assigned()


class _Way(NamedTuple):
    target: str
    assigned: Names


def assignments_of(state: dict[str, JSON]) -> Iterator[tuple[Path, dict[str, JSON]]]:
    """Each Assign of a state, its rules' and catchers' too, with its place in the state."""
    if type(state.get("Assign")) is dict:
        yield ("Assign",), state["Assign"]
    for field in ("Choices", "Catch"):
        for index, item in enumerate(_listed(state.get(field))):
            if type(item) is dict and type(item.get("Assign")) is dict:
                yield (field, index, "Assign"), item["Assign"]


def _names(assign: JSON) -> Names:
    return frozenset(name.removesuffix(".$") for name in assign) if type(assign) is dict else frozenset()


def hides_assignments(states: dict[str, JSON]) -> bool:
    """True where a hole stands for a state, a transition or an Assign: any variable may be assigned there.

    An Assign that is one JSONata expression hides its names as well.
    """
    return any(is_hole(state) or (type(state) is dict and _hides(state)) for state in states.values())


def _hides(state: dict[str, JSON]) -> bool:
    holders = [state, *(item for field in ("Choices", "Catch") for item in _listed(state.get(field)))]
    if any(is_hole(state.get(field)) for field in ("Catch", "Choices")) or any(map(is_hole, state)):
        return True
    for holder in holders:
        if type(holder) is not dict:
            return is_hole(holder)
        assign = holder.get("Assign")
        if type(assign) is str or (type(assign) is dict and any(map(is_hole, assign))):
            return True
        if is_hole(holder.get("Next")) or is_hole(holder.get("Default")):
            return True
    return False


def assigned_at_entry(states: dict[str, JSON], start: JSON, before: Assigned) -> dict[str, Assigned]:
    """What has been assigned when each state that can be reached is entered; ``before``: when the machine is."""
    if type(start) is not str or start not in states:
        return {}
    ways = {name: list(_ways(state)) for name, state in states.items()}
    entries = {start: before}
    waiting = [start]
    while waiting:
        here = entries[waiting[-1]]
        for way in ways[waiting.pop()]:
            if way.target not in states:
                continue
            found = Assigned(here.surely | way.assigned, here.perhaps | way.assigned)
            known = entries.get(way.target)
            if known is not None:
                found = Assigned(known.surely & found.surely, known.perhaps | found.perhaps)
            if found != known:
                entries[way.target] = found
                waiting.append(way.target)
    return entries


def _ways(state: JSON) -> Iterator[_Way]:
    """Where a state leads, and what it assigns on the way (spec: a matching rule's or catcher's Assign replaces the
    state's own, which is done with Next and Default)."""
    if type(state) is not dict:
        return
    for field in ("Next", "Default"):
        if type(state.get(field)) is str:
            yield _Way(state[field], _names(state.get("Assign")))
    for field in ("Choices", "Catch"):
        for item in _listed(state.get(field)):
            if type(item) is dict and type(item.get("Next")) is str:
                yield _Way(item["Next"], _names(item.get("Assign")))


def _listed(value: JSON) -> list[JSON]:
    return value if type(value) is list else []
