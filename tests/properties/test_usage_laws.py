"""What a run has used is what its histories tell: their entries and attempts, what Express children took, and calls."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st

from stepsim.asl.parse import parse
from stepsim.asl.payload import Payload, encode
from stepsim.asl.validate import validate
from stepsim.runtime.account import Account, no_cloud
from stepsim.runtime.cloud.prices import LIST_PRICES
from stepsim.runtime.cost import Usage
from stepsim.runtime.dice import Dice
from stepsim.runtime.execution import Execution
from stepsim.runtime.functions import Function, Functions
from stepsim.runtime.map_run import MapRun
from stepsim.runtime.scenario_types import FunctionSpec
from stepsim.runtime.statistics import Statistics
from stepsim.runtime.usage import Counters, usage
from stepsim.workers.worker import Done, Invocation, InvocationResult

Definition: TypeAlias = dict[str, Any]
Draw: TypeAlias = Callable[[st.SearchStrategy[Any]], Any]
Quantities: TypeAlias = dict[tuple[str, str | None], Fraction]

START_MS = 1_767_578_400_000
MEMORY_MB = 1_024
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:f"
INVOKE = "arn:aws:states:::lambda:invoke"
ITEMS = {"items": [0, 1, 2, 3]}
RETRIES = st.sampled_from([{}, {}, {"MaxAttempts": 1}, {"MaxAttempts": 2}])
KINDS = ["Task", "Task", "Task", "Wait", "Pass"]
NESTED = ["Parallel", "INLINE", "STANDARD", "STANDARD", "EXPRESS", "EXPRESS"]

# -- machines -----------------------------------------------------------------------------------------------------


def machine(draw: Draw, prefix: str, depth: int, *, express: bool) -> Definition:
    """One to three states in a row, none of which changes its input."""
    count = draw(st.integers(1, 3))
    names = [f"{prefix}{number}" for number in range(count)]
    states: Definition = {}
    for name, following in zip(names, [*names[1:], ""], strict=True):
        kind = draw(st.sampled_from(KINDS + (NESTED if depth else [])))
        way = {"Next": following} if following else {"End": True}
        states[name] = {**_state(draw, name, kind, depth, express=express), **way}
    return {"StartAt": names[0], "States": states}


def _state(draw: Draw, name: str, kind: str, depth: int, *, express: bool) -> Definition:
    if kind == "Pass":
        return {"Type": "Pass"}
    if kind == "Wait":
        return {"Type": "Wait", "Seconds": draw(st.integers(0, 2))}
    retry = draw(RETRIES)
    fields: Definition = {"ResultPath": None}
    if retry:
        fields["Retry"] = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, **retry}]
    if kind == "Task":
        timeout: Definition = draw(st.sampled_from([{}, {}, {"TimeoutSeconds": 1}]))
        if draw(st.booleans()):
            return {"Type": "Task", "Resource": FUNCTION, **timeout, **fields}
        parameters = {"FunctionName": "f", "Payload.$": "$"}
        return {"Type": "Task", "Resource": INVOKE, "Parameters": parameters, **timeout, **fields}
    if kind == "Parallel":
        branches = [machine(draw, f"{name}{letter}", depth - 1, express=express) for letter in "ab"]
        return {"Type": "Parallel", "Branches": branches, **fields}
    kind = "INLINE" if express else kind
    inner = machine(draw, f"{name}i", depth - 1, express=express or kind == "EXPRESS")
    config = {"Mode": "INLINE"} if kind == "INLINE" else {"Mode": "DISTRIBUTED", "ExecutionType": kind}
    if kind != "INLINE":
        fields |= draw(st.sampled_from([{}, {"ToleratedFailurePercentage": 100}, {"ToleratedFailureCount": 1}]))
    return {
        "Type": "Map",
        "ItemsPath": "$.items",
        "ItemSelector": {"items.$": "$.items"},
        "MaxConcurrency": draw(st.integers(0, 3)),
        "ItemProcessor": {"ProcessorConfig": config, **inner},
        **fields,
    }


@st.composite
def machines(draw: Draw) -> Definition:
    """A valid definition, nested two deep at the most, perhaps with little time."""
    limit: Definition = draw(st.sampled_from([{}, {}, {"TimeoutSeconds": 3}]))
    return {**machine(draw, "S", 2, express=False), **limit}


def states_in(definition: Definition) -> Iterator[tuple[str, Definition]]:
    """Every state at any depth."""
    for name, state in definition["States"].items():
        yield name, state
        for inner in [*state.get("Branches", ()), *([state["ItemProcessor"]] if state["Type"] == "Map" else ())]:
            yield from states_in(inner)


# -- runs ---------------------------------------------------------------------------------------------------------


@dataclass
class Run:
    """A run up to some moment; it is the worker of its function, and keeps the children of its map runs."""

    script: list[tuple[bool, int]]
    """Whether invocations succeed, and after how many ms; one after the other, and again."""
    kept: bool
    invocations: list[list[Any]] = field(default_factory=list)
    """State, begin, duration and success; the latter two once it has ended."""
    children: list[tuple[str, Execution]] = field(default_factory=list)
    """By the states of their map runs."""

    def __post_init__(self) -> None:
        dice, self.statistics = Dice(0), Statistics()
        self.account = Account(
            dice=dice,
            statistics=self.statistics,
            functions=Functions([Function("f", self, 60_000, MEMORY_MB)], dice, self.statistics),
            call=no_cloud,
            models={},
            start_ms=START_MS,
        )
        if self.kept:
            self.account.keep_map_runs(self, listed=True)

    def run(self, definition: Definition, *, express: bool, stop_ms: int | None, until_ms: int) -> Usage:
        """Start an execution, stop it perhaps, and say what was used so far."""
        scheduler = self.account.scheduler
        payload = Payload(ITEMS)
        self.execution = self.account.start_execution(definition, payload, machine_name="m", name="e", express=express)
        if stop_ms is not None:
            scheduler.call_at(START_MS + stop_ms, lambda: self.account.stop_execution(self.execution.me.arn))
        while (due_ms := scheduler.next_deadline()) is not None and due_ms <= START_MS + until_ms:
            scheduler.advance(due_ms)
        scheduler.advance(START_MS + until_ms)
        specs = {"f": FunctionSpec(memory_mb=MEMORY_MB)}
        found = Counters(self.execution, self.statistics, self.account.map_runs, {}, {}, specs)
        return usage(found, LIST_PRICES)

    @property
    def now_ms(self) -> int:
        return self.account.scheduler.now_ms

    def invoke(self, invocation: Invocation, done: Done) -> None:
        succeeds, takes_ms = self.script[len(self.invocations) % len(self.script)]
        record = [invocation.names[1], self.now_ms, None, succeeds]
        self.invocations.append(record)

        def end() -> None:
            record[2] = takes_ms
            text = "null" if succeeds else '{"errorMessage": "no", "errorType": "Oops"}'
            done(InvocationResult(text, None if succeeds else "Unhandled", takes_ms))

        self.account.scheduler.call_at(self.now_ms + takes_ms, end)

    def started(self, run: MapRun, child: Execution) -> None:
        self.children.append((run.state.name, child))

    def opened(self, run: MapRun) -> None: ...
    def settled(self, run: MapRun) -> None: ...
    def ended(self, run: MapRun, child: Execution) -> None: ...
    def adopted(self, run: MapRun, child: Execution) -> None: ...
    def map_run(self, arn: str) -> MapRun | None: ...
    def stopped_map_run(self, arn: str) -> None: ...


# -- the plain version --------------------------------------------------------------------------------------------

ATTEMPTS = {
    "TaskScheduled": "Task",
    "LambdaFunctionScheduled": "Task",
    "ParallelStateStarted": "Parallel",
    "MapStateStarted": "Map",
}


def transitions(execution: Execution) -> tuple[dict[str, int], dict[str, int]]:
    """Entries into states, and retries: attempts that do not come right after an entry."""
    entries: dict[str, int] = defaultdict(int)
    retries: dict[str, int] = defaultdict(int)
    events = [event.as_dict() for event in execution.history]
    for event in events:
        if "stateEnteredEventDetails" in event:
            entries[event["stateEnteredEventDetails"]["name"]] += 1
        elif event["type"] in ATTEMPTS and not events[event["previousEventId"] - 1]["type"].endswith("StateEntered"):
            retries[entered(events, event, ATTEMPTS[event["type"]])] += 1
    return entries, retries


def entered(events: list[Any], event: Any, kind: str) -> str:
    """The state of this type that an event is in: back over those inside it that have been left."""
    left = 0
    while True:
        event = events[event["previousEventId"] - 1]
        if event["type"] in (f"{kind}StateExited", f"{kind}StateFailed"):
            left += 1
        elif event["type"] == f"{kind}StateEntered":
            if not left:
                return str(event["stateEnteredEventDetails"]["name"])
            left -= 1


def plain_usage(run: Run) -> tuple[Quantities, Quantities]:
    """What was used, by entry and state; and of it what led to nothing, by entry and kind."""
    used: Quantities = defaultdict(Fraction)
    wasted: Quantities = defaultdict(Fraction)
    for state, execution in [(None, run.execution), *run.children]:
        lost = state is not None and execution.status not in ("RUNNING", "SUCCEEDED")
        if execution.me.express:
            stop_ms = run.now_ms if execution.stop_ms is None else execution.stop_ms
            steps = max(1, -(-(stop_ms - execution.me.start_ms) // 100))
            for entry, quantity in (("request", Fraction(1)), ("gb_second", Fraction(steps, 10 * 16))):
                used[f"states.express_{entry}", state] += quantity
                wasted[f"states.express_{entry}", "failed_children"] += quantity * lost
            continue
        entries, retries = transitions(execution)
        for counted, kind in ((entries, "failed_children" if lost else None), (retries, "retries")):
            for name, count in counted.items():
                used["states.transition", name] += count
                if kind is not None:
                    wasted["states.transition", kind] += count
    for state, _, taken_ms, succeeded in run.invocations:
        # Whose it is will be known when it has ended.
        used["lambda.request", None if taken_ms is None else state] += 1
        if taken_ms is not None:
            time = Fraction(max(1, taken_ms), 1000) * MEMORY_MB / 1024
            used["lambda.gb_second", state] += time
            wasted["lambda.request", "failed_attempts"] += not succeeded
            wasted["lambda.gb_second", "failed_attempts"] += time * (not succeeded)
    return used, wasted


def summed(pairs: Iterable[tuple[tuple[str, str | None], float | Fraction]]) -> dict[tuple[str, str | None], float]:
    """What is there at all."""
    table: dict[tuple[str, str | None], float] = defaultdict(float)
    for name, quantity in pairs:
        table[name] += float(quantity)
    return {name: round(quantity, 9) for name, quantity in table.items() if quantity}


@settings(max_examples=300)
@given(
    definition=machines(),
    script=st.lists(
        st.tuples(st.sampled_from([True, True, False]), st.sampled_from([0, 1, 99, 100, 101, 700, 1_500])),
        min_size=1,
        max_size=5,
    ),
    express=st.sampled_from([False, False, True]),
    stop_ms=st.sampled_from([None, None, 0, 1, 800, 2_500]),
    until_ms=st.sampled_from([600_000, 600_000, 1_050, 2_333]),
)
def test_what_is_used_is_what_histories_tell(
    definition: Definition, script: list[tuple[bool, int]], express: bool, stop_ms: int | None, until_ms: int
) -> None:
    """At any moment and after any end; and where nobody keeps the children, it comes to the same."""
    express = express and not any("DISTRIBUTED" in str(state) for _, state in states_in(definition))
    run = Run(script, kept=True)
    ours = run.run(definition, express=express, stop_ms=stop_ms, until_ms=until_ms)
    used, wasted = plain_usage(run)
    assert summed(((one.entry, one.state), one.quantity) for one in ours.uses) == summed(used.items())
    assert summed(((one.entry, kind), one.quantity) for kind, one in ours.wasted) == summed(wasted.items())
    for name, state in states_in(definition):
        if name in ours.maps:
            assert ours.maps[name].items == sum(name == of for of, _ in run.children)
            assert ours.maps[name].states == {name, *(inner for inner, _ in states_in(state["ItemProcessor"]))}
    again = Run(script, kept=False)
    assert again.run(definition, express=express, stop_ms=stop_ms, until_ms=until_ms) == ours


@given(definition=machines())
def test_what_is_run_here_is_valid(definition: Definition) -> None:
    """The machines that this law is tried on are machines that AWS takes."""
    assert [one for one in validate(parse(encode(definition))) if one.severity == "error"] == []
