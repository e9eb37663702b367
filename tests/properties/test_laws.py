"""What holds for every machine, whatever its functions do: the laws of executions, over machines made up at random."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st

from stepsim.asl.parse import parse
from stepsim.asl.payload import encode
from stepsim.asl.validate import validate
from stepsim.runtime.coverage.goals import goals_of
from stepsim.runtime.coverage.observer import CoverageObserver
from stepsim.runtime.observation import observing

Definition: TypeAlias = dict[str, Any]
Draw: TypeAlias = Callable[[st.SearchStrategy[Any]], Any]

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:"
FUNCTIONS = ("f", "g", "h")
INPUT: dict[str, Any] = {"n": 1, "items": [0, 1, 2, 3]}
LAW = settings(max_examples=40, deadline=None)

# -- machines -----------------------------------------------------------------------------------------------------

ERRORS = ("A", "States.ALL", "States.Timeout", "States.TaskFailed", "Lambda.TooManyRequestsException")
RESULT_PATHS = st.sampled_from([None, "$.result"])
SELECTOR = {"n.$": "$$.Map.Item.Value", "items.$": "$.items"}


class Plan:
    """Draws one machine: `name` is what its states' names begin with, `instant` machines wait for no clock."""

    def __init__(self, draw: Draw, name: str, depth: int, *, instant: bool, express: bool) -> None:
        self.draw = draw
        self.name = name
        self.depth = depth
        self.instant = instant
        self.express = express
        self.states: Definition = {}

    def machine(self) -> Definition:
        """A chain of one to three states and a last one, which catchers and choices may jump to."""
        count = self.draw(st.integers(1, 3))
        end = f"{self.name}End"
        names = [f"{self.name}{index}" for index in range(count)]
        for name, following in zip(names, [*names[1:], end], strict=True):
            kinds = FLAT if self.depth == 0 else FLAT + NESTED
            self.states[name] = KINDS[self.draw(st.sampled_from(kinds))](self, name, following, end)
        self.states[end] = self.draw(st.sampled_from([{"Type": "Pass", "End": True}, {"Type": "Succeed"}]))
        return {"StartAt": names[0], "States": self.states}

    def inside(self, name: str, *, express: bool = False) -> Definition:
        """A machine within a state of this one."""
        inner = Plan(self.draw, name, self.depth - 1, instant=self.instant, express=self.express or express)
        return inner.machine()

    def errors(self, end: str) -> Definition:
        """Retry and Catch, or not."""
        fields: Definition = {}
        if not self.instant and self.draw(st.booleans()):
            retrier = {
                "ErrorEquals": [self.draw(st.sampled_from(ERRORS))],
                "IntervalSeconds": self.draw(st.integers(1, 2)),
                "MaxAttempts": self.draw(st.integers(0, 2)),
                "JitterStrategy": self.draw(st.sampled_from(["FULL", "NONE"])),
            }
            fields["Retry"] = [retrier]
        if self.draw(st.booleans()):
            fields["Catch"] = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": end}]
        return fields


def _pass(plan: Plan, name: str, following: str, end: str) -> Definition:
    return {"Type": "Pass", "Result": name, "ResultPath": plan.draw(RESULT_PATHS), "Next": following}


def _choice(plan: Plan, name: str, following: str, end: str) -> Definition:
    rule = {"Variable": "$.n", "NumericLessThan": plan.draw(st.integers(0, 3)), "Next": following}
    return {"Type": "Choice", "Choices": [rule], "Default": end}


def _wait(plan: Plan, name: str, following: str, end: str) -> Definition:
    seconds = 0 if plan.instant else plan.draw(st.integers(0, 3))
    return {"Type": "Wait", "Seconds": seconds, "Next": following}


def _fail(plan: Plan, name: str, following: str, end: str) -> Definition:
    plan.states[f"{name}Fail"] = {"Type": "Fail", "Error": "A", "Cause": name}
    rule = {"Variable": "$.n", "NumericLessThan": plan.draw(st.integers(0, 3)), "Next": f"{name}Fail"}
    return {"Type": "Choice", "Choices": [rule], "Default": following}


def _task(plan: Plan, name: str, following: str, end: str) -> Definition:
    timeout = {} if plan.instant else plan.draw(st.sampled_from([{}, {"TimeoutSeconds": 1}]))
    return {
        "Type": "Task",
        "Resource": FUNCTION + plan.draw(st.sampled_from(FUNCTIONS)),
        "ResultPath": plan.draw(RESULT_PATHS),
        "Next": following,
        **timeout,
        **plan.errors(end),
    }


def _parallel(plan: Plan, name: str, following: str, end: str) -> Definition:
    branches = [plan.inside(f"{name}{letter}") for letter in "ab"]
    result_path = plan.draw(RESULT_PATHS)
    return {"Type": "Parallel", "Branches": branches, "ResultPath": result_path, "Next": following, **plan.errors(end)}


def _map(plan: Plan, name: str, following: str, end: str) -> Definition:
    return {
        "Type": "Map",
        "ItemsPath": "$.items",
        "ItemSelector": SELECTOR,
        "MaxConcurrency": plan.draw(st.integers(0, 3)),
        "ItemProcessor": plan.inside(f"{name}i"),
        "ResultPath": plan.draw(RESULT_PATHS),
        "Next": following,
        **plan.errors(end),
    }


def _distributed_map(plan: Plan, name: str, following: str, end: str) -> Definition:
    if plan.express:
        # An Express execution cannot run a distributed map.
        return _map(plan, name, following, end)
    kind = plan.draw(st.sampled_from(["STANDARD", "EXPRESS"]))
    state = _map(plan, name, following, end)
    processor = plan.inside(f"{name}d", express=kind == "EXPRESS")
    state["ItemProcessor"] = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": kind}, **processor}
    tolerance: Definition = plan.draw(
        st.sampled_from([{}, {"ToleratedFailureCount": 1}, {"ToleratedFailurePercentage": 50}])
    )
    batcher: Definition = plan.draw(st.sampled_from([{}, {}, {"ItemBatcher": {"MaxItemsPerBatch": 3}}]))
    return {**state, **tolerance, **batcher}


KINDS: dict[str, Callable[[Plan, str, str, str], Definition]] = {
    "Pass": _pass,
    "Choice": _choice,
    "Wait": _wait,
    "Fail": _fail,
    "Task": _task,
    "Parallel": _parallel,
    "Map": _map,
    "Distributed": _distributed_map,
}
FLAT = ("Task", "Task", "Task", "Wait", "Pass", "Choice", "Fail")
NESTED = ("Parallel", "Map", "Distributed", "Distributed")


@st.composite
def machines(draw: Draw, *, instant: bool = False) -> Definition:
    """A valid definition, nested two deep at the most."""
    definition = Plan(draw, "S", 2, instant=instant, express=False).machine()
    limit: Definition = {} if instant else draw(st.sampled_from([{}, {}, {"TimeoutSeconds": 4}]))
    return {**definition, **limit}


def scripts(kinds: list[str], durations_ms: list[int]) -> st.SearchStrategy[dict[str, list[tuple[str, int]]]]:
    """What each function does at its first, second and third attempt."""
    reply = st.tuples(st.sampled_from(kinds), st.sampled_from(durations_ms))
    return st.fixed_dictionaries({name: st.lists(reply, min_size=1, max_size=3) for name in FUNCTIONS})


MACHINES = machines()
SCRIPTS = scripts(["echo", "echo", "null", "A", "B", "throttled", "silent"], [0, 1, 40, 1_500])
STOPS = st.sampled_from([None, None, None, 0, 1, 1_000, 2_500])

# -- laws ---------------------------------------------------------------------------------------------------------


@LAW
@given(definition=MACHINES)
def test_what_is_run_here_is_valid(definition: Definition) -> None:
    """The machines that these laws are tried on are machines that AWS takes."""
    problems = validate(parse(encode(definition)))
    assert [problem for problem in problems if problem.severity == "error"] == []


@LAW
@given(definition=MACHINES, script=SCRIPTS, seed=st.integers(0, 9), stop_ms=STOPS)
def test_the_same_seed_gives_the_same_history(
    world: Any, definition: Definition, script: Any, seed: int, stop_ms: int | None
) -> None:
    """Two runs of one definition, script and seed cannot be told apart, timestamps and ids included."""
    first, second = (world.simulate(definition, INPUT, script, seed=seed, stop_ms=stop_ms) for _ in range(2))
    assert first.history == second.history
    assert first.functions.asked == second.functions.asked
    assert [run.describe() for run in first.map_runs] == [run.describe() for run in second.map_runs]


@LAW
@given(definition=MACHINES, script=SCRIPTS, seed=st.integers(0, 9))
def test_replaying_the_recorded_replies_gives_the_same_history(
    world: Any, definition: Definition, script: Any, seed: int
) -> None:
    """An execution asks for the same things in the same order: the list of replies is all there is to resume from."""
    first = world.simulate(definition, INPUT, script, seed=seed)
    replayed = world.simulate(definition, INPUT, {}, seed=seed, record=first.functions.calls)
    assert replayed.history == first.history
    assert replayed.functions.asked == first.functions.asked


@LAW
@given(definition=MACHINES, script=SCRIPTS, stop_ms=STOPS)
def test_events_are_numbered_and_point_back(
    world: Any, definition: Definition, script: Any, stop_ms: int | None
) -> None:
    """Ids are 1 to n, time does not go back, and each event points to one before it."""
    history = world.simulate(definition, INPUT, script, stop_ms=stop_ms).history
    assert [event["id"] for event in history] == list(range(1, len(history) + 1))
    assert all(0 <= event["previousEventId"] < event["id"] for event in history)
    assert [event["timestamp"] for event in history] == sorted(event["timestamp"] for event in history)


@LAW
@given(definition=MACHINES, script=SCRIPTS, stop_ms=STOPS)
def test_a_history_begins_once_and_ends_once(
    world: Any, definition: Definition, script: Any, stop_ms: int | None
) -> None:
    """ExecutionStarted stands first, the one event that ends the execution last, and it is the execution's status."""
    run = world.simulate(definition, INPUT, script, stop_ms=stop_ms)
    ends = {
        "SUCCEEDED": "ExecutionSucceeded",
        "FAILED": "ExecutionFailed",
        "TIMED_OUT": "ExecutionTimedOut",
        "ABORTED": "ExecutionAborted",
    }
    types = [event["type"] for event in run.history]
    assert types[0] == "ExecutionStarted"
    assert types[-1] == ends[run.execution.status]
    assert sum(event_type.startswith("Execution") for event_type in types) == 2


@LAW
@given(definition=MACHINES, script=SCRIPTS, stop_ms=STOPS)
def test_a_fiber_that_has_ended_is_never_woken(
    world: Any, definition: Definition, script: Any, stop_ms: int | None
) -> None:
    """Late replies and timers reach nobody, and no fork runs more branches than it may."""
    assert world.simulate(definition, INPUT, script, stop_ms=stop_ms).book.breaches == []


@LAW
@given(definition=MACHINES, script=SCRIPTS, stop_ms=STOPS)
def test_the_counts_of_map_runs_add_up(world: Any, definition: Definition, script: Any, stop_ms: int | None) -> None:
    """At any moment every item and every child is counted once; in the end none is running."""
    run = world.simulate(definition, INPUT, script, stop_ms=stop_ms)
    assert run.miscounts == []
    for map_run in run.map_runs:
        assert map_run.status != "RUNNING"
        assert map_run.counts.items.running == map_run.counts.executions.running == 0
        assert map_run.max_concurrency_seen <= (map_run.max_concurrency or len(INPUT["items"]))


@LAW
@given(definition=MACHINES, script=SCRIPTS, stop_ms=STOPS)
def test_every_state_entered_is_accounted_for(
    world: Any, definition: Definition, script: Any, stop_ms: int | None
) -> None:
    """What was entered has succeeded, has failed, or was aborted with the program that was in it."""
    run = world.simulate(definition, INPUT, script, stop_ms=stop_ms)
    states = run.account.statistics.states.values()
    ended = sum(state.succeeded + state.failed for state in states)
    assert sum(state.entered for state in states) == ended + run.book.aborted


@LAW
@given(
    distributed=st.booleans(),
    limit=st.integers(0, 5),
    items=st.integers(0, 12),
    durations_ms=st.lists(st.sampled_from([0, 1, 40, 1_500]), min_size=1, max_size=3),
)
def test_a_map_runs_as_many_items_as_it_may_and_no_more(
    world: Any, distributed: bool, limit: int, items: int, durations_ms: list[int]
) -> None:
    """Functions of a Map run side by side up to MaxConcurrency, and there are as many where there are items enough."""
    mode = {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"} if distributed else {"Mode": "INLINE"}
    retry = [{"ErrorEquals": ["A"], "IntervalSeconds": 1, "MaxAttempts": len(durations_ms), "BackoffRate": 1}]
    task = {"Type": "Task", "Resource": f"{FUNCTION}f", "Retry": retry, "End": True}
    processor = {"ProcessorConfig": mode, "StartAt": "T", "States": {"T": task}}
    state = {"Type": "Map", "MaxConcurrency": limit, "ItemProcessor": processor, "End": True}
    script = {"f": [*(("A", duration_ms) for duration_ms in durations_ms), ("echo", 10)]}
    run = world.simulate({"StartAt": "M", "States": {"M": state}}, list(range(items)), script)
    assert run.execution.output.value == list(range(items))
    assert run.functions.most_running == min(limit or items, items)


@settings(max_examples=25, deadline=None)
@given(definition=machines(instant=True), script=scripts(["echo", "null", "A", "throttled"], [0, 1, 2, 3]))
def test_both_clocks_tell_the_same_history(world: Any, definition: Definition, script: Any) -> None:
    """An execution cannot tell whether its time is real: only the timestamps differ."""
    virtual = world.drive(definition, INPUT, script, really=False)
    real = world.drive(definition, INPUT, script, really=True)
    assert real.timeless_history == virtual.timeless_history


@LAW
@given(definition=MACHINES, script=SCRIPTS, stop_ms=STOPS)
def test_what_is_covered_can_be_covered(world: Any, definition: Definition, script: Any, stop_ms: int | None) -> None:
    """A run that is watched goes as one that is not; it covers goals of its definition, and each state it enters."""
    observer = CoverageObserver()
    with observing(observer):
        run = world.simulate(definition, INPUT, script, stop_ms=stop_ms)
    assert run.history == world.simulate(definition, INPUT, script, stop_ms=stop_ms).history
    goals = goals_of(parse(encode(definition)))
    hits = {goal: count for record in observer.recorded() for goal, count in record.hits.items()}
    assert hits.keys() <= {goal.id for goal in goals}
    entered = {goal.state: hits[goal.id] for goal in goals if goal.is_state and goal.id in hits}
    counted = run.account.statistics.states.items()
    assert entered == {name: state.entered for name, state in counted if state.entered}
