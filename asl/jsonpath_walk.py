"""Paths that may lead to many places: steps -> a function that collects the matches, in Jayway's order.

Each step becomes a closure that hands what it finds to the closure of the step after it; the last one collects. A path
is *definite* up to its first step that may match many times; before that, finding nothing is an error with a text.
"""

# The closures and table entries here share one shape; not each of them reads all that it is given.
# ruff: noqa: ARG001

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from stepsim.asl.errors import PathNotFound, runtime_error
from stepsim.asl.java import java_class, java_text
from stepsim.asl.jsonpath_evaluation import Evaluation
from stepsim.asl.jsonpath_filter import Predicate, compile_filter
from stepsim.asl.jsonpath_functions import FUNCTIONS
from stepsim.asl.jsonpath_parse import Call, Filter, Index, Member, Scan, Slice, Step, Wildcard, parse_steps
from stepsim.asl.payload import JSON, decode

Walk: TypeAlias = Callable[[JSON, Evaluation], list[JSON]]
"""(value, evaluation) -> the matches."""

_Visit: TypeAlias = Callable[[JSON, Evaluation, list[JSON]], None]
"""(value, evaluation, matches so far): adds what is found."""

MOST_MATCHES = 1 << 19
"""Matches of one path: four times what a payload can hold. Scans inside scans would find them without end."""

_CONTAINERS = (dict, list)
_PROVIDER = "com.jayway.jsonpath.spi.json.JsonSmartJsonProvider"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a step stands in its path."""

    steps: tuple[Step, ...]
    index: int
    strict: bool
    """A missing member is an error even below an indefinite step: how filters ask whether a path exists."""
    later: tuple[_Visit, ...]
    """The visits of the steps after this one."""

    @property
    def following(self) -> _Visit:
        return self.later[0] if self.later else _collect

    @property
    def is_last(self) -> bool:
        return not self.later

    @property
    def upstream_definite(self) -> bool:
        return all(_is_single(step, is_last=False) for step in self.steps[: self.index])

    @property
    def before(self) -> str:
        return "$" + "".join(map(str, self.steps[: self.index]))

    @property
    def rest(self) -> str:
        return "".join(map(str, self.steps[self.index :]))


def is_definite(steps: tuple[Step, ...]) -> bool:
    """Whether the path leads to at most one place."""
    if _is_scanning_call(steps):
        return True
    last = len(steps) - 1
    return all(_is_single(step, is_last=at == last) for at, step in enumerate(steps))


def _is_single(step: Step, *, is_last: bool) -> bool:
    match step:
        case Member(names):
            return len(names) == 1 or is_last  # several members at the end are merged into one object
        case Index(indexes):
            return len(indexes) == 1
        case Call():
            return True
    return False


def _is_scanning_call(steps: tuple[Step, ...]) -> bool:
    """``$..price.sum()``: the function gets everything that the scan found."""
    return len(steps) > 1 and isinstance(steps[0], Scan) and isinstance(steps[-1], Call)


def compile_walk(steps: tuple[Step, ...], *, strict: bool = False) -> Walk:
    """The matches of a path. Raises PathNotFound where its definite head leads nowhere."""
    if _is_scanning_call(steps):
        return _scanning_call(steps, strict=strict)
    visits: tuple[_Visit, ...] = ()
    for index in range(len(steps) - 1, -1, -1):
        step = steps[index]
        visits = (_BUILDERS[type(step)](step, _Place(steps, index, strict, visits)), *visits)
    first = visits[0] if visits else _collect

    def walk(value: JSON, run: Evaluation) -> list[JSON]:
        matches: list[JSON] = []
        first(value, run, matches)
        return matches

    return walk


def _collect(value: JSON, run: Evaluation, matches: list[JSON]) -> None:
    if len(matches) == MOST_MATCHES:
        raise runtime_error(f"The path matches more than {MOST_MATCHES} times")
    matches.append(value)


def _members(step: Member, place: _Place) -> _Visit:
    if len(step.names) > 1:
        return _merged(step, place) if place.is_last else _several(step, place)
    return _member(step.names[0], place)


def _member(name: str, place: _Place) -> _Visit:
    following = place.following
    definite = place.upstream_definite
    must_exist = place.strict or (definite and not place.is_last)

    def visit(value: JSON, run: Evaluation, matches: list[JSON]) -> None:
        if type(value) is not dict:
            if definite:
                raise _no_object(value, place)
        elif name in value:
            following(value[name], run, matches)
        elif must_exist:
            raise PathNotFound(f"Missing property in path {place.before}['{name}']")

    return visit


def _several(step: Member, place: _Place) -> _Visit:
    following = place.following
    definite = place.upstream_definite

    def visit(value: JSON, run: Evaluation, matches: list[JSON]) -> None:
        if type(value) is not dict:
            if definite:
                raise _no_object(value, place)
            return
        run.spend(len(step.names))
        for name in step.names:
            if name in value:
                following(value[name], run, matches)
            elif place.strict:
                raise PathNotFound(f"Missing property in path {place.before}['{name}']")

    return visit


def _merged(step: Member, place: _Place) -> _Visit:
    definite = place.upstream_definite

    def visit(value: JSON, run: Evaluation, matches: list[JSON]) -> None:
        if type(value) is not dict:
            if definite:
                raise _no_object(value, place)
            return
        run.spend(len(step.names))
        if place.strict and not all(name in value for name in step.names):
            raise PathNotFound(f"Missing property in path {place.before}{step}")
        matches.append({name: value[name] for name in step.names if name in value})

    return visit


def _no_object(value: JSON, place: _Place) -> PathNotFound:
    step = place.steps[place.index]
    return PathNotFound(
        f"Expected to find an object with property {step} in path {place.before} but found '{java_class(value)}'. "
        f"This is not a json object according to the JsonProvider: '{_PROVIDER}'."
    )


def _array_visit(place: _Place, indexes_of: Callable[[int], range | tuple[int, ...]]) -> _Visit:
    """The elements at the indexes that ``indexes_of`` gives for a length; those outside the array are left out."""
    following = place.following
    definite = place.upstream_definite

    def visit(value: JSON, run: Evaluation, matches: list[JSON]) -> None:
        if type(value) is not list:
            if definite:
                raise _no_array(value, place)
            return
        length = len(value)
        indexes = indexes_of(length)
        run.spend(len(indexes))
        for index in indexes:
            if -length <= index < length:
                following(value[index], run, matches)

    return visit


def _no_array(value: JSON, place: _Place) -> PathNotFound:
    if value is None:
        return PathNotFound(f"The path {place.before} is null")
    return PathNotFound(f"Filter: {place.rest} can only be applied to arrays. Current context is: {java_text(value)}")


def _indexes(step: Index, place: _Place) -> _Visit:
    return _array_visit(place, lambda length: step.indexes)


def _slice(step: Slice, place: _Place) -> _Visit:
    start, stop = step.start, step.stop
    if start is None:
        end = stop or 0
        return _array_visit(place, lambda length: range(min(length, end + length if end < 0 else end)))
    if stop is None:
        return _array_visit(place, lambda length: range(max(0, start + length if start < 0 else start), length))
    # Negative bounds are not counted from the end here: [-4:2] is the indexes -4 … 1.
    return _array_visit(place, lambda length: range(max(start, -length), min(length, stop)))


def _wildcard(step: Wildcard, place: _Place) -> _Visit:
    following = place.following

    def visit(value: JSON, run: Evaluation, matches: list[JSON]) -> None:
        if type(value) is list:
            run.spend(len(value))
            for item in value:
                following(item, run, matches)
        elif type(value) is dict:
            run.spend(len(value))
            for item in value.values():
                following(item, run, matches)

    return visit


def _filter(step: Filter, place: _Place) -> _Visit:
    following = place.following
    definite = place.upstream_definite
    accepts = _predicate(step)

    def visit(value: JSON, run: Evaluation, matches: list[JSON]) -> None:
        if type(value) is list:
            run.spend(len(value))
            for item in value:
                if accepts(item, run):
                    following(item, run, matches)
        elif type(value) is dict:  # the object itself is tested, not its members
            if accepts(value, run):
                following(value, run, matches)
        elif definite:
            raise PathNotFound(
                f"Filter: {place.rest} can not be applied to primitives. Current context is: {java_text(value)}"
            )

    return visit


def _predicate(step: Filter) -> Predicate:
    return compile_filter(step.criteria, _filter_path)


def _filter_path(text: str, strict: bool) -> tuple[bool, Walk]:
    """A path that stands in a filter: whether it is definite, and its walk."""
    steps = parse_steps(text)
    return is_definite(steps), compile_walk(steps, strict=strict)


def _scan(step: Scan, place: _Place) -> _Visit:
    """Try the next step at every depth, parents before children."""
    target = place.steps[place.index + 1]
    visit_target = place.following
    beyond = place.later[1] if len(place.later) > 1 else None
    matches_here = _scan_condition(target, place)

    def visit(value: JSON, run: Evaluation, matches: list[JSON]) -> None:
        waiting = [value]
        while waiting:
            current = waiting.pop()
            if type(current) in _CONTAINERS:
                run.spend(len(current) + 1)
            if type(current) is dict:
                if matches_here(current, run):
                    visit_target(current, run, matches)
                waiting += [child for child in reversed(current.values()) if type(child) in _CONTAINERS]
            elif type(current) is list:
                if matches_here(current, run):
                    if beyond is None:
                        visit_target(current, run, matches)
                    else:
                        # Jayway does not select elements here: each one goes to the step after the target.
                        for item in current:
                            beyond(item, run, matches)
                waiting += [child for child in reversed(current) if type(child) in _CONTAINERS]

    return visit


def _scan_condition(target: Step, place: _Place) -> Predicate:
    match target:
        case Member(names) if place.strict or (len(names) > 1 and len(place.later) > 1):
            return lambda value, run: type(value) is dict
        case Member(names):
            return lambda value, run: type(value) is dict and all(name in value for name in names)
        case Index() | Slice():
            return lambda value, run: type(value) is list
        case Wildcard():
            return lambda value, run: True
        case Filter():
            return _predicate(target)
    return lambda value, run: False


def _call(step: Call, place: _Place) -> _Visit:
    function = FUNCTIONS[step.name]
    arguments = tuple(_argument(text) for text in step.arguments)
    following = None if place.is_last else place.following

    def visit(value: JSON, run: Evaluation, matches: list[JSON]) -> None:
        given = [argument(run) for argument in arguments]
        run.spend(1 + sum(len(item) for item in (value, *given) if type(item) in _CONTAINERS))
        result = function(value, given)
        matches.append(result)
        if following is not None:
            following(result, run, matches)

    return visit


def _argument(text: str) -> Callable[[Evaluation], JSON]:
    if not text.startswith(("$", "@")):
        constant = decode(text)
        return lambda run: constant
    steps = parse_steps(text)
    walk = compile_walk(steps)
    definite = is_definite(steps)

    def read(document: JSON, run: Evaluation) -> JSON:
        found = walk(document, run)
        if not definite:
            return found
        if not found:
            raise no_results(steps)
        return found[0]

    return lambda run: run.once(read, read)


def _scanning_call(steps: tuple[Step, ...], *, strict: bool) -> Walk:
    call = steps[-1]
    assert isinstance(call, Call)
    function = FUNCTIONS[call.name]
    # The length of a scan is the number of what lies below its matches.
    scanned = steps[:-1] + ((Wildcard(),) if call.name in ("length", "size") else ())
    walk = compile_walk(scanned, strict=strict)
    return lambda value, run: [function(value, [walk(value, run)])]


_BUILDERS: dict[type, Callable[..., _Visit]] = {
    Call: _call,
    Filter: _filter,
    Index: _indexes,
    Member: _members,
    Scan: _scan,
    Slice: _slice,
    Wildcard: _wildcard,
}


def no_results(steps: tuple[Step, ...]) -> PathNotFound:
    """The error of a definite path whose last step finds nothing."""
    return PathNotFound("No results for path: $" + "".join(map(str, steps)))


def explain(subject: JSON, steps: tuple[Step, ...]) -> PathNotFound:
    """Why a definite path leads nowhere, in Jayway's words."""
    try:
        compile_walk(steps)(subject, Evaluation(subject))
    except PathNotFound as error:
        return error
    return no_results(steps)
