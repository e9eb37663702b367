"""The path that an execution took: names to compare, and a picture to read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher

from stepsim.runtime.machine_tests.visits import Visit

_SHOWN_ITERATIONS = 5


class Path(list[str]):
    """The names of a machine's own states in the order in which they were entered: a list that knows more.

    ``str(path)`` shows retries, errors, branches and iterations, a line for each visit.
    """

    def __init__(self, visits: Sequence[Visit] = ()) -> None:
        super().__init__(visit.state for visit in visits)
        self.visits = tuple(visits)

    def __str__(self) -> str:
        return "\n".join(picture(self.visits))

    def difference(self, expected: Sequence[str]) -> list[str]:
        """How it differs from a list of names: lines with ``-`` were expected, those with ``+`` came instead."""
        lines: list[str] = []
        for tag, start, end, own_start, own_end in SequenceMatcher(None, list(expected), list(self)).get_opcodes():
            if tag == "equal":
                lines += [f"    {describe(visit)}" for visit in self.visits[own_start:own_end]]
                continue
            lines += [f"  - {name}" for name in expected[start:end]]
            lines += [f"  + {describe(visit)}" for visit in self.visits[own_start:own_end]]
        return lines


def describe(visit: Visit) -> str:
    """A visit in a line: its state, and what was special about it."""
    notes = list(_notes(visit))
    return f"{visit.state}  ({'; '.join(notes)})" if notes else visit.state


def _notes(visit: Visit) -> Iterable[str]:
    if visit.retries:
        errors = Counter(attempt.error or "an error" for attempt in visit.attempts[:-1])
        named = ", ".join(error if count == 1 else f"{count} × {error}" for error, count in errors.items())
        yield f"tried {len(visit.attempts)} times: {named}"
    if visit.caught:
        yield f"caught {visit.error}" if visit.error else "its error was caught"
    elif visit.error is not None:
        yield f"failed: {visit.error or 'without an error'}"
    elif not visit.exited:
        yield "did not end"


def picture(visits: Sequence[Visit], indent: str = "") -> list[str]:
    """Visits a line each, what is within them indented; branches and iterations that went alike stand together."""
    lines: list[str] = []
    for visit in visits:
        lines.append(indent + describe(visit))
        for number, attempt in enumerate(visit.attempts, 1):
            if attempt.inner:
                if len(visit.attempts) > 1:
                    lines.append(f"{indent}  attempt {number}")
                lines += _within(visit, attempt.inner, indent + "  ")
    return lines


def _within(visit: Visit, inner: Sequence[Visit], indent: str) -> list[str]:
    """The branches of a Parallel or the iterations of a Map."""
    groups: dict[int, list[Visit]] = {}
    for one in inner:
        groups.setdefault(one.index or 0, []).append(one)
    lines: list[str] = []
    seen: dict[tuple[str, ...], list[int]] = {}
    shown = {index: picture(groups[index], indent + "  ") for index in sorted(groups)}
    for index, group in shown.items():
        seen.setdefault(tuple(group), []).append(index)
    word = "branch" if visit.type == "Parallel" else "item"
    for alike, indexes in seen.items():
        lines.append(f"{indent}{word} {_numbers(indexes)}")
        lines += alike
    return lines


def _numbers(indexes: Sequence[int]) -> str:
    """Indexes as ranges: ``0-2, 5``."""
    ranges: list[list[int]] = []
    for index in indexes:
        if ranges and index == ranges[-1][1] + 1:
            ranges[-1][1] = index
        else:
            ranges.append([index, index])
    named = [str(first) if first == last else f"{first}-{last}" for first, last in ranges]
    if len(named) > _SHOWN_ITERATIONS:
        named = [*named[:_SHOWN_ITERATIONS], f"and {len(named) - _SHOWN_ITERATIONS} more"]
    return ", ".join(named)
