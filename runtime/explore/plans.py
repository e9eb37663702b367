"""A plan: the input of an execution and what its Tasks answer. And what comes of it, run in virtual time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from stepsim.asl.payload import JSON, encode
from stepsim.runtime.coverage.observer import CoverageObserver
from stepsim.runtime.execution import Execution
from stepsim.runtime.history import HistoryEvent
from stepsim.runtime.machine_tests.answers import Fails, Hangs, MockedCall, Returns
from stepsim.runtime.machine_tests.run import run_machine
from stepsim.runtime.machine_tests.subject import DefinitionGiven
from stepsim.runtime.machine_tests.world import Buckets
from stepsim.runtime.observation import observing

UNNAMED = "Explored.Error"
"""An error that no definition names."""
Answer: TypeAlias = Returns | Fails | Hangs
"""What a Task answers to one attempt."""
HANGS = Hangs()
_FAILURES = ("ExecutionFailed", "ExecutionTimedOut", "ExecutionAborted")


@dataclass(frozen=True, slots=True)
class Answers:
    """What a Task answers, one an attempt; the last one from then on. A mock, as `run_machine` takes it."""

    given: tuple[Answer, ...]

    def __call__(self, parameters: JSON, call: MockedCall) -> JSON | Answer:  # noqa: ARG002 - as mocks are called
        return self.given[min(call.attempt, len(self.given) - 1)]

    def __repr__(self) -> str:
        return " then ".join(map(_shown, self.given))


def _shown(given: Answer) -> str:
    if isinstance(given, Returns):
        return encode(given.result)
    return "no answer" if isinstance(given, Hangs) else given.error


def returns(result: JSON) -> Returns:
    """A result as it stands, whatever the service's model says."""
    return Returns(result, "NONE")


@dataclass(frozen=True, slots=True)
class Plan:
    """What an execution is given."""

    input: JSON
    answers: Mapping[str, Answers]
    """By Task."""

    @property
    def key(self) -> str:
        """The same for the same plan."""
        return f"{encode(self.input)} {[(name, repr(one)) for name, one in sorted(self.answers.items())]}"

    @property
    def size(self) -> int:
        """How much there is to read of it."""
        return len(self.key)


@dataclass(slots=True)
class Ran:
    """What came of a plan."""

    plan: Plan
    status: str = "RUNNING"
    error: str | None = None
    cause: str | None = None
    state: str = ""
    """The state that the execution ended in."""
    meant: bool = False
    """A Fail state ended it."""
    circles: bool = False
    """It was given up after so many events."""
    hits: frozenset[str] = frozenset()
    entered: Counter[str] = field(default_factory=Counter)
    attempts: Counter[str] = field(default_factory=Counter)
    path: list[str] = field(default_factory=list)
    """The machine's own states in their order."""

    @property
    def busiest(self) -> str:
        """The state that was entered most often."""
        return max(self.entered, key=lambda name: self.entered[name], default="")

    @property
    def unhandled(self) -> tuple[str, str] | None:
        """State and error of an execution that nobody meant to fail."""
        if self.status != "FAILED" or self.meant:
            return None
        return self.state, self.error or ""


class _TooLong(Exception):
    """An execution has written more events than it may."""


class _Watch:
    """Follows the events of a run."""

    def __init__(self, ran: Ran, events_max: int) -> None:
        self._ran = ran
        self._events_max = events_max
        self._count = 0
        self._first = True

    def execution_started(self, execution: Execution) -> Callable[[HistoryEvent], None]:  # noqa: ARG002
        own, self._first = self._first, False
        places: dict[int, str] = {}
        """By event: the state that was entered last on the way there."""

        def note(event: HistoryEvent) -> None:
            self._note(event, places, own=own)

        return note

    def _note(self, event: HistoryEvent, places: dict[int, str], *, own: bool) -> None:
        self._count += 1
        if self._count > self._events_max:
            raise _TooLong
        kind, ran = event.type, self._ran
        place = places.get(event.previous_event_id, "")
        if kind.endswith("StateEntered"):
            place = (event.details or {})["name"]
            ran.entered[place] += 1
            if kind == "FailStateEntered":
                ran.meant = True
        elif kind in ("TaskScheduled", "LambdaFunctionScheduled", "ActivityScheduled"):
            ran.attempts[place] += 1
        elif kind == "EvaluationFailed":
            place = (event.details or {}).get("state", place)
        elif kind in _FAILURES and (own or not ran.state):
            ran.state = place
        if kind.endswith("StateEntered") and kind != "FailStateEntered":
            ran.meant = False
        places[event.id] = place


class Laboratory:
    """Runs plans of one definition."""

    def __init__(
        self,
        definition: DefinitionGiven,
        substitutions: Mapping[str, str],
        buckets: Buckets,
        seed: int,
        events_max: int,
    ) -> None:
        self._definition = definition
        self._substitutions = substitutions
        self._buckets = buckets
        self._seed = seed
        self._events_max = events_max
        self.runs = 0
        self._known: dict[str, Ran] = {}

    def run(self, plan: Plan) -> Ran:
        """What comes of a plan; a plan that was run before is not run again."""
        known = self._known.get(plan.key)
        if known is not None:
            return known
        self.runs += 1
        ran = Ran(plan)
        observer = CoverageObserver()
        try:
            with observing(observer):
                result = run_machine(
                    self._definition,
                    plan.input,
                    mocks=plan.answers,
                    substitutions=self._substitutions,
                    buckets=self._buckets,
                    seed=self._seed,
                    observer=_Watch(ran, self._events_max),
                )
            ran.status, ran.error, ran.cause = result.status, result.error, result.cause
            ran.path = list(result.path)
        except _TooLong:
            ran.circles = True
        ran.hits = frozenset(goal for recorded in observer.recorded() for goal, times in recorded.hits.items() if times)
        self._known[plan.key] = ran
        return ran

    def was_run(self, plan: Plan) -> bool:
        """Whether it is known what comes of it."""
        return plan.key in self._known


def sequence(first: Sequence[Answer], then: Answers) -> Answers:
    """Some answers, and after them what was answered before."""
    return Answers((*first, *then.given))
