"""What came of a machine's run in a test, and sentences about it that fail with the path that was taken instead."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Self

from stepsim.asl.payload import JSON, encode
from stepsim.runtime.history import HistoryEvent
from stepsim.runtime.machine_tests.json_diff import differences
from stepsim.runtime.machine_tests.path import Path, describe
from stepsim.runtime.machine_tests.visits import Reading, Visit
from stepsim.runtime.machine_tests.world import Left
from stepsim.workers.durations import parse_time

_SHOWN_CHARS = 400


class StateResult:
    """All visits of one state: those in branches, iterations and the children of map runs among them."""

    def __init__(self, name: str, visits: Sequence[Visit], owner: MachineResult) -> None:
        self.name = name
        self.visits = tuple(visits)
        self._owner = owner

    def __repr__(self) -> str:
        return f"<{self.name}: {', '.join(map(describe, self.visits)) or 'never entered'}>"

    @property
    def entered(self) -> int:
        """How often it was entered."""
        return len(self.visits)

    @property
    def inputs(self) -> list[JSON]:
        """The input of each visit."""
        return [visit.input for visit in self.visits]

    @property
    def outputs(self) -> list[JSON]:
        """The output of each visit that ended by going on."""
        return [visit.output for visit in self.visits if visit.exited]

    @property
    def parameters(self) -> list[JSON]:
        """What each attempt of a Task sent."""
        return [attempt.parameters for visit in self.visits for attempt in visit.attempts]

    @property
    def results(self) -> list[JSON]:
        """What came back, of each attempt of a Task that succeeded."""
        return [one.result for visit in self.visits for one in visit.attempts if not one.failed]

    @property
    def attempts(self) -> int:
        """How often its work was begun, retries included."""
        return sum(len(visit.attempts) for visit in self.visits)

    @property
    def retries(self) -> int:
        """How often its work was tried again."""
        return sum(visit.retries for visit in self.visits)

    @property
    def errors(self) -> list[str]:
        """The errors of all attempts, in their order, and of visits that failed without one."""
        return [error for visit in self.visits for error in visit.errors or ([visit.error] if visit.error else [])]

    @property
    def caught(self) -> list[str]:
        """The errors that its Catch took."""
        return [visit.error or "" for visit in self.visits if visit.caught]

    # -- sentences ------------------------------------------------------------------------------------------------

    def was_entered(self, times: int | None = None) -> Self:
        """It was entered: so many times, or at all."""
        __tracebackhide__ = True
        fits = self.entered == times if times is not None else self.entered > 0
        return self._holds(
            fits,
            f"be entered{_times(times)}",
            f"was entered{_times(self.entered)}" if self.entered else "was never entered",
        )

    def was_never_entered(self) -> Self:
        """No path led to it."""
        __tracebackhide__ = True
        return self._holds(not self.visits, "never be entered", f"was entered{_times(self.entered)}")

    def was_retried(self, times: int | None = None, error: str | None = None) -> Self:
        """Its work was tried again: so many times, or at all; because of `error`, where it is given."""
        __tracebackhide__ = True
        failed = [attempt.error or "" for visit in self.visits for attempt in visit.attempts[:-1]]
        counted = len(failed) if error is None else failed.count(error)
        fits = counted == times if times is not None else counted > 0
        because = "" if error is None else f" because of {error}"
        found = f"was retried{_times(len(failed))} ({', '.join(failed)})" if failed else "was not retried"
        return self._holds(fits, f"be retried{_times(times)}{because}", found)

    def was_caught(self, error: str | None = None) -> Self:
        """Its Catch took an error: this one, or any."""
        __tracebackhide__ = True
        caught = [*self._owner.caught_errors(self.name)] or self.caught
        fits = bool(caught) if error is None else error in caught
        found = f"its Catch took {', '.join(caught)}" if caught else "its Catch took nothing"
        return self._holds(fits, f"have {error or 'an error'} caught", found)

    def failed_with(self, error: str) -> Self:
        """An attempt of it ended with this error, caught or retried or neither."""
        __tracebackhide__ = True
        return self._holds(
            error in self.errors, f"fail with {error}", f"its errors are {', '.join(self.errors) or 'none'}"
        )

    def received(self, value: JSON, visit: int = 0) -> Self:
        """Its input, at that visit, was this value."""
        __tracebackhide__ = True
        return self._equals("input", self.inputs, value, visit)

    def returned(self, value: JSON, visit: int = 0) -> Self:
        """Its output, at that visit, was this value."""
        __tracebackhide__ = True
        return self._equals("output", self.outputs, value, visit)

    def sent(self, value: JSON, attempt: int = 0) -> Self:
        """What it sent to its service or function, at that attempt, was this value."""
        __tracebackhide__ = True
        return self._equals("request", self.parameters, value, attempt)

    def _equals(self, what: str, found: list[JSON], expected: JSON, index: int) -> Self:
        __tracebackhide__ = True
        if not -len(found) <= index < len(found):
            return self._holds(False, f"have {what} {index}", f"has {len(found)} of them")
        lines = list(differences(expected, found[index]))
        said = "\n".join(["its " + what + " differs:", *(f"    {line}" for line in lines)])
        return self._holds(not lines, f"have another {what}", said)

    def _holds(self, fits: bool, expected: str, found: str) -> Self:
        __tracebackhide__ = True
        if not fits:
            self._owner.fail(f"the state {self.name!r} was to {expected}; {found}")
        return self


class _States(Mapping[str, StateResult]):
    """The states by name: of those that no path led to, an empty result."""

    def __init__(self, owner: MachineResult, known: Sequence[str], visits: Iterator[Visit]) -> None:
        self._visits: dict[str, list[Visit]] = {name: [] for name in known}
        for visit in visits:
            self._visits.setdefault(visit.state, []).append(visit)
        self._owner = owner

    def __getitem__(self, name: str) -> StateResult:
        if name not in self._visits:
            from stepsim.runtime.scenario_check import did_you_mean

            hint = did_you_mean(name, self._visits)
            raise KeyError(f"the machine has no state {name!r}" + (f" ({hint})" if hint else ""))
        return StateResult(name, self._visits[name], self._owner)

    def __iter__(self) -> Iterator[str]:
        return iter(self._visits)

    def __len__(self) -> int:
        return len(self._visits)


class MachineResult:
    """What came of a run. Each sentence about it raises AssertionError where it does not hold, else gives it back."""

    __hash__ = object.__hash__

    def __init__(
        self,
        *,
        name: str,
        definition: JSON,
        events: Sequence[HistoryEvent],
        reading: Callable[[], Reading],
        state_names: Sequence[str] = (),
        report: Mapping[str, Any] | None = None,
        left: Left | None = None,
        seed: int = 0,
        unused_mocks: Sequence[str] = (),
        started: Sequence[MachineResult] = (),
    ) -> None:
        left = left or Left()
        self.name = name
        """The machine's."""
        self.definition = definition
        self.events = events
        """Its history, with times in milliseconds; `history` has it as GetExecutionHistory does."""
        self.report: Mapping[str, Any] = report or {}
        """As `stepsim simulate --json` writes it."""
        self.tables, self.buckets, self.queues = left.tables, left.buckets, left.queues
        self.seed = seed
        self.unused_mocks = list(unused_mocks)
        """What was mocked for nothing, a sentence each."""
        self.started = list(started)
        """The other executions of the run: those that Tasks started."""
        self._read = reading
        self._state_names = state_names

    @cached_property
    def reading(self) -> Reading:
        """Its history as visits."""
        return self._read()

    @property
    def status(self) -> str:
        """``SUCCEEDED``, ``FAILED``, ``TIMED_OUT`` or ``ABORTED``."""
        return self.reading.status

    @property
    def input(self) -> JSON:
        return self.reading.input

    @property
    def output(self) -> JSON:
        """None, too, where it did not succeed."""
        return self.reading.output

    @property
    def error(self) -> str | None:
        return self.reading.error

    @property
    def cause(self) -> str | None:
        return self.reading.cause

    @property
    def duration_s(self) -> float:
        """How long it ran, in virtual seconds."""
        reading = self.reading
        return 0.0 if reading.stop_ms is None else (reading.stop_ms - reading.start_ms) / 1000

    @cached_property
    def history(self) -> list[dict[str, Any]]:
        """Its events as GetExecutionHistory returns them."""
        return [event.as_dict() for event in self.events]

    @cached_property
    def path(self) -> Path:
        """The names of its own states as they were entered; ``str(path)`` shows retries, branches and iterations."""
        return Path(self.reading.visits)

    @cached_property
    def states(self) -> Mapping[str, StateResult]:
        """Each state's visits, by its name, at whatever depth."""
        return _States(self, self._state_names, self.reading.all_visits())

    def state(self, name: str) -> StateResult:
        """One state's visits. Raises KeyError where the machine has none of that name."""
        __tracebackhide__ = True
        return self.states[name]

    @property
    def map_runs(self) -> Mapping[str, Any]:
        """The report's ``map_runs``: what became of distributed Maps, by state."""
        runs: Mapping[str, Any] = self.report.get("map_runs", {})
        return runs

    def caught_errors(self, state: str) -> Sequence[str]:
        """The errors that a state's Catch took, as the run counted them."""
        states: Mapping[str, Any] = self.report.get("states", {})
        return list(states.get(state, {}).get("caught", ()))

    def __repr__(self) -> str:
        return f"<{self.name} {self._ended}: {' → '.join(self.path)}>"

    def __eq__(self, other: object) -> bool:
        __tracebackhide__ = True
        from stepsim.runtime.machine_tests.golden import Golden

        return other.holds(self) if isinstance(other, Golden) else self is other

    # -- sentences ------------------------------------------------------------------------------------------------

    def succeeded(self) -> Self:
        """It ended well."""
        __tracebackhide__ = True
        return self._holds(self.status == "SUCCEEDED", "it was to succeed")

    def failed(self) -> Self:
        """It ended FAILED, with whatever error."""
        __tracebackhide__ = True
        return self._holds(self.status == "FAILED", "it was to fail")

    def failed_with(self, error: str, cause: str | None = None) -> Self:
        """It ended FAILED with this error; `cause`, where it is given, is a part of its cause."""
        __tracebackhide__ = True
        fits = self.status == "FAILED" and self.error == error and (cause is None or cause in (self.cause or ""))
        return self._holds(fits, f"it was to fail with {error}" + (f": …{cause}…" if cause else ""))

    def timed_out(self) -> Self:
        """Its own TimeoutSeconds were over."""
        __tracebackhide__ = True
        return self._holds(self.status == "TIMED_OUT", "it was to time out")

    def returned(self, output: JSON) -> Self:
        """It succeeded with this output."""
        __tracebackhide__ = True
        self.succeeded()
        lines = list(differences(output, self.output))
        if lines:
            self.fail("\n".join(["its output differs:", *(f"    {line}" for line in lines)]))
        return self

    def went_through(self, *states: str) -> Self:
        """It entered these states in this order, others before, between and after them; within Maps, too."""
        __tracebackhide__ = True
        entered = [visit.state for visit in self.reading.all_visits()]
        position = 0
        for number, name in enumerate(states):
            if name not in entered[position:]:
                after = f" after {states[number - 1]!r}" if number else ""
                self.fail(f"it was to go through {' → '.join(states)}; it never entered {name!r}{after}")
            position = entered.index(name, position) + 1
        return self

    def took_path(self, *states: str) -> Self:
        """The machine's own states that it entered are these, and no others."""
        __tracebackhide__ = True
        if self.path != list(states):
            lines = ["it took another path (- expected, + taken):", *self.path.difference(states)]
            raise AssertionError("\n".join([*lines, self._footer]))
        return self

    def never_entered(self, *states: str) -> Self:
        """No path led to any of these states."""
        __tracebackhide__ = True
        for name in states:
            self.state(name).was_never_entered()
        return self

    def took(self, duration: str | None = None, *, at_least: str | None = None, at_most: str | None = None) -> Self:
        """It ran for exactly, at least or at most so long in virtual time: ``"90s"``."""
        __tracebackhide__ = True
        took_ms = round(self.duration_s * 1000)
        for text, holds, words in (
            (duration, took_ms.__eq__, "take"),
            (at_least, took_ms.__ge__, "take at least"),
            (at_most, took_ms.__le__, "take at most"),
        ):
            if text is not None and not holds(parse_time(text)):
                self.fail(f"it was to {words} {text}; it took {took_ms / 1000:g}s")
        return self

    def used_all_mocks(self) -> Self:
        """Nothing was mocked for nothing."""
        __tracebackhide__ = True
        if self.unused_mocks:
            self.fail("\n".join(["it was to use all mocks:", *(f"    {mock}" for mock in self.unused_mocks)]))
        return self

    def _holds(self, fits: bool, expected: str) -> Self:
        __tracebackhide__ = True
        if not fits:
            self.fail(f"{expected}; it {self._ended}")
        return self

    @property
    def _ended(self) -> str:
        if self.status == "SUCCEEDED":
            return f"SUCCEEDED with {_shown(encode(self.output))}"
        named = f" with {self.error}" if self.error else ""
        cause = f": {_shown(self.cause)}" if self.cause else ""
        return f"{self.status}{named}{cause}"

    @property
    def _footer(self) -> str:
        return f"  ({self.name}, seed {self.seed}, {self.duration_s:g}s of virtual time)"

    def fail(self, message: str) -> None:
        """Raise AssertionError with this sentence, the path that was taken and the seed."""
        __tracebackhide__ = True
        lines = [message, "the path it took:"]
        lines += [f"    {line}" for line in str(self.path).splitlines()]
        raise AssertionError("\n".join([*lines, self._footer]))


def _times(times: int | None) -> str:
    if times is None:
        return ""
    return " once" if times == 1 else " twice" if times == 2 else f" {times} times"


def _shown(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}… ({len(text)} characters)"
