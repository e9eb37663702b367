"""What has changed between two traces, in sentences: states that came or went, retries, errors, data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from stepsim.asl.payload import JSON
from stepsim.runtime.machine_tests.json_diff import differences
from stepsim.runtime.machine_tests.trace import Trace

_SHOWN_LINES = 8
"""So many places of one value are told."""


def changes(before: Trace, now: Trace) -> Iterator[str]:
    """A sentence for each change; none where both are the same."""
    yield from _values("the input", before["input"], now["input"])
    yield from _of_visits(before["visits"], now["visits"], "")
    if before["status"] != now["status"]:
        yield f"it now {_ended(now)}; before it {_ended(before)}"
    elif now["status"] == "SUCCEEDED":
        yield from _values("the output", before["output"], now["output"])
    elif before["error"] != now["error"]:
        yield f"it now fails with {now['error']}, not with {before['error']}"
    else:
        yield from _values("the cause", before.get("cause"), now.get("cause"))


def _ended(trace: Trace) -> str:
    return f"{trace['status']} with {trace['error']}" if trace.get("error") else str(trace["status"])


def _of_visits(before: Sequence[Trace], now: Sequence[Trace], where: str) -> Iterator[str]:
    """The changes of a path, of a machine, a branch or an iteration."""
    names, new_names = [visit["state"] for visit in before], [visit["state"] for visit in now]
    gone: list[int] = []
    come: list[int] = []
    pairs: list[tuple[int, int]] = []
    for tag, start, end, new_start, new_end in SequenceMatcher(None, names, new_names, autojunk=False).get_opcodes():
        if tag == "equal":
            pairs += zip(range(start, end), range(new_start, new_end), strict=True)
        else:
            gone += range(start, end)
            come += range(new_start, new_end)
    yield from _of_order(names, new_names, gone, come, where)
    for index, new_index in pairs:
        following = new_names[new_index + 1] if new_index + 1 < len(new_names) else None
        yield from _of_visit(before[index], now[new_index], following, where)


def _of_order(
    names: Sequence[str], new_names: Sequence[str], gone: Sequence[int], come: Sequence[int], where: str
) -> Iterator[str]:
    waiting = list(come)
    for index in gone:
        moved = next((one for one in waiting if new_names[one] == names[index]), None)
        if moved is None:
            yield f"{where}state {names[index]} is no longer entered{_after(names, index)}"
        else:
            waiting.remove(moved)
            yield (
                f"{where}state {names[index]} is now entered{_after(new_names, moved)}, before{_after(names, index)}"
            )
    for index in waiting:
        again = "once more" if new_names[index] in names else "now"
        yield f"{where}state {new_names[index]} is {again} entered{_after(new_names, index)}"


def _after(names: Sequence[str], index: int) -> str:
    return f" after {names[index - 1]}" if index else " first"


def _of_visit(before: Trace, now: Trace, following: str | None, where: str) -> Iterator[str]:
    name = f"{where}state {now['state']}"
    if before["type"] != now["type"]:
        yield f"{name} is now a {now['type']}, not a {before['type']}"
    if "input" in before and "input" in now:
        yield from _values(f"{name}: its input", before["input"], now["input"])
    yield from _of_attempts(before.get("attempts", []), now.get("attempts", []), name, following)
    for key, words in (("caught", "its Catch now takes"), ("failed", "it now fails with")):
        if before.get(key) != now.get(key):
            if key in now:
                was = f", not {before[key] or 'an error'}" if key in before else ""
                yield f"{name}: {words} {now[key] or 'an error'}{was}"
            else:
                yield f"{name} no longer {'has' if key == 'caught' else 'fails with'} {before[key] or 'an error'}" + (
                    " caught" if key == "caught" else ""
                )
    yield from _values(f"{name}: what it assigns", before.get("assigned", {}), now.get("assigned", {}))
    if "output" in before and "output" in now:
        yield from _values(f"{name}: its output", before["output"], now["output"])


def _of_attempts(before: Sequence[Trace], now: Sequence[Trace], name: str, following: str | None) -> Iterator[str]:
    if len(before) != len(now):
        then = f" before {following}" if following else ""
        if before and now:
            yield f"{name} is now {_retried(now)}{then}{_why(now)}; it was {_retried(before)}"
        else:
            yield f"{name} now does its work, which it did not before" if now else f"{name} no longer does its work"
    for number, (one, other) in enumerate(zip(before, now, strict=False), 1):
        nth = f"{name}: attempt {number}" if max(len(before), len(now)) > 1 else name
        yield from _values(f"{nth}: what it sends", one.get("sent"), other.get("sent"))
        if one.get("error") != other.get("error") or ("error" in one) != ("error" in other):
            yield f"{nth} now {_outcome(other)}; before it {_outcome(one)}"
        elif "error" in one:
            yield from _values(f"{nth}: the cause", one.get("cause"), other.get("cause"))
        else:
            yield from _values(f"{nth}: its result", one.get("result"), other.get("result"))
        for kind, word in (("items", "item"), ("branches", "branch")):
            if kind in one or kind in other:
                yield from _of_groups(one.get(kind, {}), other.get(kind, {}), nth, word)


def _retried(attempts: Sequence[Trace]) -> str:
    count = len(attempts) - 1
    return "not retried" if not count else "retried " + ("once", "twice", f"{count} times")[min(count, 3) - 1]


def _why(attempts: Sequence[Trace]) -> str:
    errors = dict.fromkeys(str(attempt.get("error") or "an error") for attempt in attempts[:-1])
    return f" ({', '.join(errors)})" if errors else ""


def _outcome(attempt: Trace) -> str:
    return f"fails with {attempt['error'] or 'an error'}" if "error" in attempt else "succeeds"


def _of_groups(before: dict[str, list[Trace]], now: dict[str, list[Trace]], name: str, word: str) -> Iterator[str]:
    """The changes of branches and iterations; what is the same in several is told once."""
    if len(before) != len(now):
        plural = "branches" if word == "branch" else f"{word}s"
        yield f"{name} now runs {len(now)} {plural}, not {len(before)}"
    told: dict[str, list[str]] = {}
    for index in before:
        if index in now:
            for sentence in _of_visits(before[index], now[index], ""):
                told.setdefault(sentence, []).append(index)
    for sentence, indexes in told.items():
        which = f"{word} {indexes[0]}" if len(indexes) == 1 else f"{len(indexes)} {word}s, {word} {indexes[0]} first"
        yield f"{name}, {which}: {sentence}"


def _values(what: str, before: JSON, now: JSON) -> Iterator[str]:
    lines = list(differences(before, now))
    if len(lines) == 1:
        yield f"{what} has changed: {lines[0]}"
    elif lines:
        yield f"{what} has changed:"
        yield from (f"    {line}" for line in lines[:_SHOWN_LINES])
        if len(lines) > _SHOWN_LINES:
            yield f"    and {len(lines) - _SHOWN_LINES} more"
