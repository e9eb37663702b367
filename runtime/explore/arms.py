"""The ways out of a Choice, and what must be at the places that it looks at for each of them.

Values at the bounds of its comparisons are tried, on the compiled rules themselves: And, Or and Not, and the rules that
come before, need no solving of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, islice, product
from typing import Final, TypeAlias

from stepsim.asl.errors import StatesError
from stepsim.asl.expression import Scope
from stepsim.asl.jsonpath import compile_path
from stepsim.asl.machine import ChoiceState
from stepsim.asl.payload import JSON, Payload
from stepsim.asl.timestamp import format_timestamp, parse_timestamp
from stepsim.runtime.explore.origins import Origin, Surroundings, is_jsonata
from stepsim.runtime.explore.places import ABSENT, Content, Place, put

DEFAULT: Final = -1
Arm: TypeAlias = int
"""The index of a rule, or `DEFAULT`."""
Assignment: TypeAlias = "tuple[tuple[Place, Content], ...]"
"""What has to be where."""

_TRIED = 2_000
_TRIED_JSONATA = 300
_PER_ARM = 3
_SECOND_MS = 1_000
_LITERALS = re.compile(r"\"((?:[^\"\\]|\\.)*)\"|'((?:[^'\\]|\\.)*)'|(?<![\w.])(-?\d+(?:\.\d+)?)")
_COMPARED = re.compile(r"(String|Numeric|Timestamp|Boolean)(Equals|LessThan|GreaterThan)(?:Equals)?(Path)?")
_TYPED: Mapping[str, tuple[Content, ...]] = {
    "IsPresent": ("text", ABSENT),
    "IsNull": (None, "text"),
    "IsNumeric": (1, "text"),
    "IsString": ("text", 1),
    "IsBoolean": (True, "text"),
    "IsTimestamp": ("2026-01-01T00:00:00Z", "text"),
}
_COMPARES = frozenset(_TYPED)
_OF_PATHS: Mapping[str, tuple[Content, ...]] = {
    "String": ("m", "a", "z"),
    "Numeric": (5, 1, 9),
    "Timestamp": ("2026-01-01T00:00:05Z", "2026-01-01T00:00:00Z", "2026-01-01T00:00:09Z"),
    "Boolean": (True, False),
}


@dataclass(frozen=True, slots=True)
class _Reference:
    """Something that a Choice looks at: a place in its own input or in a variable, and where that comes from."""

    variable: str | None
    steps: tuple[str | int, ...]
    origin: Origin
    candidates: tuple[Content, ...]


def arms_of(state: ChoiceState, fields: Mapping[str, JSON], sees: Surroundings) -> dict[Arm, list[Assignment]]:
    """Up to three assignments for each way out, in the order in which they were found."""
    jsonata = any("Condition" in rule for rule in fields["Choices"])
    references = _of_conditions(fields, sees) if jsonata else _of_rules(fields, sees)
    found: dict[Arm, list[Assignment]] = {}
    for contents in islice(_tried(references), _TRIED_JSONATA if jsonata else _TRIED):
        arm = _taken(state, references, contents)
        if arm is None or len(found.setdefault(arm, [])) >= _PER_ARM:
            continue
        assignment = tuple(
            (reference.origin, content)
            for reference, content in zip(references, contents, strict=True)
            if isinstance(reference.origin, Place)
        )
        if assignment not in found[arm]:
            found[arm].append(assignment)
    return found


def candidates_of(fields: Mapping[str, JSON], sees: Surroundings) -> dict[Place, tuple[Content, ...]]:
    """What may be at each place that a Choice looks at."""
    jsonata = any("Condition" in rule for rule in fields["Choices"])
    references = _of_conditions(fields, sees) if jsonata else _of_rules(fields, sees)
    return {one.origin: one.candidates for one in references if isinstance(one.origin, Place)}


def _taken(state: ChoiceState, references: Sequence[_Reference], contents: Sequence[Content]) -> Arm | None:
    """Which way the Choice goes; None where it fails."""
    subject: JSON = {}
    variables: dict[str, JSON] = {}
    for reference, content in zip(references, contents, strict=True):
        if reference.variable is None:
            subject = put(subject, reference.steps, content)
        elif reference.steps or content is not ABSENT:
            variables[reference.variable] = put(variables.get(reference.variable, {}), reference.steps, content)
    scope = Scope(lambda: {}, variables, raw=Payload(subject))
    try:
        for index, rule in enumerate(state.choices):
            if rule.test(subject, scope):
                return index
    except StatesError:
        return None
    return DEFAULT if state.default is not None else None


def _tried(references: Sequence[_Reference]) -> Iterator[tuple[Content, ...]]:
    """Combinations of what may be at the places: all of few, else those that differ from the first in one or two."""
    pools = [reference.candidates for reference in references]
    size = 1
    for pool in pools:
        size *= len(pool)
    if size <= _TRIED:
        yield from product(*pools)
        return
    first = [pool[0] for pool in pools]
    yield tuple(first)
    for changed in (1, 2):
        for places in combinations(range(len(pools)), changed):
            for contents in product(*(pools[place] for place in places)):
                one = list(first)
                for place, content in zip(places, contents, strict=True):
                    one[place] = content
                yield tuple(one)


def _of_rules(fields: Mapping[str, JSON], sees: Surroundings) -> list[_Reference]:
    pools: dict[str, dict[str, Content]] = {}
    # What is compared says more of a value than what it is not to be.
    for rule in sorted(_comparisons(fields["Choices"]), key=lambda rule: not _COMPARES.isdisjoint(rule)):
        for text, contents in _compared(rule):
            pool = pools.setdefault(text, {})
            pool.update((repr(content), content) for content in contents)
    references = []
    for text, pool in pools.items():
        try:
            path = compile_path(text)
        except ValueError:
            continue
        origin = sees.of_path(text)
        place = Surroundings(Place("", ()), {}).of_path("$" + _after_root(text))
        if text.startswith("$$") or not isinstance(place, Place):
            continue
        references.append(_Reference(path.variable, place.steps, origin, _with_rest(pool.values())))
    return references


def _after_root(text: str) -> str:
    """A path without its root: ``$``, ``$$`` or ``$name``."""
    return re.sub(r"^\$\$?\w*", "", text)


def _comparisons(rules: Iterable[JSON]) -> Iterator[Mapping[str, JSON]]:
    waiting = list(reversed(list(rules)))
    while waiting:
        rule = waiting.pop()
        if "Variable" in rule:
            yield rule
        inner = [*rule.get("And", ()), *rule.get("Or", ()), *([rule["Not"]] if "Not" in rule else ())]
        waiting.extend(reversed(inner))


def _compared(rule: Mapping[str, JSON]) -> Iterator[tuple[str, Sequence[Content]]]:
    """The paths that one comparison looks at, with what lies at its bounds."""
    for name, operand in rule.items():
        compared = _COMPARED.fullmatch(name)
        if compared is not None and compared[3]:
            yield rule["Variable"], _OF_PATHS[compared[1]]
            yield operand, _OF_PATHS[compared[1]]
        elif compared is not None:
            yield rule["Variable"], _around(operand, compared[1])
        elif name in _TYPED:
            yield rule["Variable"], _TYPED[name]
        elif name == "StringMatches":
            yield rule["Variable"], (re.sub(r"\\(.)|\*", r"\1", operand), "no such text")


def _around(operand: JSON, family: str = "") -> list[Content]:
    """A value, and its neighbours."""
    if isinstance(operand, bool):
        return [operand, not operand]
    if isinstance(operand, int | float):
        return [operand, operand + 1, operand - 1]
    if isinstance(operand, str) and family == "Timestamp":
        moment = parse_timestamp(operand)
        if moment is not None:
            epoch_ms = moment // 1_000_000
            return [operand, format_timestamp(epoch_ms + _SECOND_MS), format_timestamp(epoch_ms - _SECOND_MS)]
    return [operand, f"{operand}~", ""]


def _of_conditions(fields: Mapping[str, JSON], sees: Surroundings) -> list[_Reference]:
    """The references of JSONata conditions; any literal in them may be at any of them."""
    literals: list[Content] = []
    texts = [rule["Condition"] for rule in fields["Choices"] if is_jsonata(rule["Condition"])]
    for text in texts:
        for double, single, number in _LITERALS.findall(text):
            literals += (
                _around(float(number) if "." in number else int(number)) if number else _around(double or single)
            )
    pool = _with_rest({repr(one): one for one in [*literals, True, False, [1]]}.values())
    own = Surroundings(Place("", ()), {})
    found: dict[str, _Reference] = {}
    for text in texts:
        for (written, origin), (_, place) in zip(sees.of_jsonata(text), own.of_jsonata(text), strict=True):
            if written.startswith("$states.input") and isinstance(place, Place):
                found.setdefault(written, _Reference(None, place.steps, origin, pool))
            elif not written.startswith("$states"):
                name, _, rest = written[1:].partition(".")
                steps = tuple(rest.split(".")) if rest else ()
                found.setdefault(written, _Reference(name, steps, origin, pool))
    return list(found.values())


def _with_rest(contents: Iterable[Content]) -> tuple[Content, ...]:
    """The candidates, something of another type, and nothing: what must be there comes first."""
    present = [content for content in contents if content is not ABSENT]
    more: list[Content] = [1] if all(isinstance(content, str) for content in present) else ["text"]
    return (*present, *(one for one in more if one not in present), ABSENT)
