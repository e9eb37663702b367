"""The mocks of one execution at work: which answer an attempt gets, and which mocks were never used.

As in Step Functions Local, one counter for each state of an execution numbers its attempts, in the order in which they
are made: retries, further visits and the iterations of a Map all go on with it (measured). The attempts that a rule
answers are counted for each item by itself.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from stepsim.asl.errors import runtime_error
from stepsim.asl.payload import JSON
from stepsim.runtime.effects import Program
from stepsim.runtime.mocks.answers import Ask, MockedCase, MockedState, Origin, Response, Rule
from stepsim.runtime.mocks.performing import perform
from stepsim.runtime.services.task import Service, TaskCall

if TYPE_CHECKING:
    from stepsim.runtime.frame import Frame


class Unused(NamedTuple):
    """A mock that no attempt asked for."""

    state: str
    what: str
    """What of the state's mock it is: ``the mock``, ``the mock of item 3``, ``attempts 1-2 of 'Retry'``."""
    origin: Origin

    def __str__(self) -> str:
        return f"{self.origin}: {self.what} of the state {self.state!r} was never used"


class MockRun:
    """A test case as one execution uses it; the children of its map runs use the same."""

    __slots__ = ("_asked", "_counts", "_used", "case")

    def __init__(self, case: MockedCase) -> None:
        self.case = case
        self._counts: dict[tuple[object, ...], int] = {}
        self._asked: set[tuple[str, int | None]] = set()
        """States, and the indexes of their rules."""
        self._used: Counter[tuple[str, int | None, int]] = Counter()
        """By state, the rule's index and the first attempt of the span."""

    def service(self, state: str, frame: Frame) -> Service | None:
        """What performs the next attempt of a state; None where it is not mocked."""
        mocked = self.case.states.get(state)
        if mocked is None:
            return None
        if mocked.rules:
            index, items = _items(frame)
            for number, rule in enumerate(mocked.rules):
                if index is not None and rule.matches(index, items):
                    counted = (state, number, frame.me.key, *frame.iteration)
                    return self._service(state, number, rule.response, counted)
        if mocked.ask is not None:
            return self._asking(state, mocked.ask)
        return None if mocked.response is None else self._service(state, None, mocked.response, (state,))

    def _service(self, state: str, rule: int | None, response: Response, counted: tuple[object, ...]) -> Service:
        def serve(call: TaskCall) -> Program:
            attempt = self._counts.get(counted, 0)
            self._counts[counted] = attempt + 1
            span = response.span(attempt)
            self._asked.add((state, rule))
            if span is None:
                name = f"mocked response {response.name!r}" if response.name else f"response at {response.origin}"
                raise runtime_error(
                    f"The {name} of the test case {self.case.name!r} has no entry for attempt {attempt} of the state "
                    f"{state!r}."
                )
            self._used[state, rule, span.first] += 1
            return (yield from perform(call, span.answer))

        return serve

    def _asking(self, state: str, ask: Ask) -> Service:
        def serve(call: TaskCall) -> Program:
            attempt = self._counts.get((state,), 0)
            self._counts[(state,)] = attempt + 1
            self._asked.add((state, None))
            answer = ask(call, attempt)
            self._used[state, None, attempt] += 1
            return (yield from perform(call, answer))

        return serve

    @property
    def used(self) -> dict[str, int]:
        """How many attempts of each mocked state were answered."""
        counts = dict.fromkeys(self.case.states, 0)
        for (state, _, _), count in self._used.items():
            counts[state] += count
        return counts

    def unused(self) -> list[Unused]:
        """The states, rules and attempts that were mocked for nothing, each as a whole, in the order of the case."""
        return [unused for name, state in self.case.states.items() for unused in self._unused(name, state)]

    def _unused(self, name: str, state: MockedState) -> list[Unused]:
        asked = {rule for state_name, rule in self._asked if state_name == name}
        if not asked:
            return [Unused(name, "the mock", state.origin)]
        found: list[Unused] = []
        for number, rule in enumerate(state.rules):
            if number in asked:
                found += self._unused_spans(name, number, rule.response)
            else:
                found.append(Unused(name, f"the mock for {_named(rule)}", rule.origin))
        if state.response is not None and None in asked:
            found += self._unused_spans(name, None, state.response)
        elif state.response is not None:
            found.append(Unused(name, "the mock for other items", state.response.origin))
        return found

    def _unused_spans(self, name: str, rule: int | None, response: Response) -> list[Unused]:
        return [
            Unused(name, f"the answer to attempt{'' if span.first == span.last else 's'} {span}", span.origin)
            for span in response.spans
            if not self._used[name, rule, span.first]
        ]


def _items(frame: Frame) -> tuple[int | None, tuple[JSON, ...]]:
    """The index of the Map's item or batch that a frame works on, and the items in it; None outside of any Map."""
    if frame.map_item is not None:
        return frame.map_item["Index"], (frame.map_item["Value"],)
    index, value = frame.me.item, frame.me.input.value
    batch = value.get("Items") if isinstance(value, dict) else None
    return index, tuple(batch) if isinstance(batch, list) else (value,)


def _named(rule: Rule) -> str:
    parts = [] if rule.item is None else [f"item {rule.item}"]
    parts += [] if rule.key is None else [f"the key {rule.key!r}"]
    parts += [f"{'.'.join(path)} = {value!r}" for path, value in rule.where]
    return " and ".join(parts) or "all items"
