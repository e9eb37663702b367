"""The children of a map run, as programs; and the straight way through a machine, which nearly all of them take.

A *bare* state reads nothing but its input and waits for nothing but one answer. While a child's states are bare it
needs neither frame nor trail, nor generators within generators: one loop does what `interpreter.run_states` does, with
the same counts. Whatever else comes up — another state, a failure, a loop — is handed over to `run_states`, which goes
on from there; so nothing is decided here that is not decided there.

Only children whose history nobody keeps come here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from stepsim.asl.dataflow import JSONPathDataflow
from stepsim.asl.errors import RUNTIME, StatesError
from stepsim.asl.machine import ChoiceState, FailState, PassState, State, StateMachine, SucceedState, TaskState
from stepsim.asl.payload import JSON, Payload
from stepsim.runtime.bare import INPUT_ALONE, bare_flow, bare_rule
from stepsim.runtime.effects import Expired, Invoke, Program, Sleep
from stepsim.runtime.engine import Direct, Engine
from stepsim.runtime.frame import Frame
from stepsim.runtime.history import History, Trail
from stepsim.runtime.interpreter import BREATH, data_limit, run_on
from stepsim.runtime.statistics import StateStatistics, Statistics

if TYPE_CHECKING:
    from stepsim.runtime.child import Child

BARE: Mapping[str, frozenset[str]] = {
    "Task": frozenset(
        {
            *("Resource", "TimeoutSeconds", "Retry", "Catch", "Next", "End"),
            *("InputPath", "Parameters", "ResultSelector", "ResultPath", "OutputPath"),
        }
    ),
    "Choice": frozenset({"Choices", "Default", "InputPath", "OutputPath"}),
    "Pass": frozenset({"Result", "InputPath", "Parameters", "ResultPath", "OutputPath", "Next", "End"}),
    "Succeed": frozenset({"InputPath", "OutputPath"}),
}
"""The fields that a bare state may have, by its type. Retry and Catch matter where it fails: it is bare no longer."""

_EVERYWHERE = frozenset({"Type", "Comment"})

_Leave: TypeAlias = Callable[[Payload], "tuple[str | None, Payload]"]
"""What a state that waits for nothing does: its input -> the next state, and what that gets."""


class Step:
    """A state, with what is looked up for it once. It is bare where `leave` or `direct` is there."""

    __slots__ = ("counters", "direct", "leave", "name", "task", "timeout_ms")

    def __init__(self, state: State, counters: StateStatistics | None) -> None:
        self.name = state.name
        self.counters = counters
        """None until somebody enters the state."""
        self.leave: _Leave | None = None
        self.direct: Direct | None = None
        self.task: TaskState | None = None
        self.timeout_ms: int | None = None

    def count(self, statistics: Statistics) -> StateStatistics:
        """The counters, in the report from now on."""
        self.counters = statistics.state(self.name)
        return self.counters

    def invoke(self, child: Child, visit: int, event: str, now_ms: int) -> Invoke:
        """The call of the function."""
        assert self.direct is not None
        deadline_ms = None if self.timeout_ms is None else now_ms + self.timeout_ms
        return Invoke(self.direct.request(child, self.name, visit, event), deadline_ms)

    def leave_task(
        self, raw: Payload, result: Payload, answer: Any, engine: Engine, child: Child, visit: int
    ) -> tuple[str | None, Payload]:
        """As `leave`, of a Task whose work is done. Raises StatesError."""
        direct, task = self.direct, self.task
        assert direct is not None
        assert task is not None
        output: Payload | None
        if direct.whole is None:
            output = task.flow.leave(raw, result, INPUT_ALONE)
            if output is result:
                # Its size was looked at when it came.
                return task.next, output
        else:
            try:
                output = None if direct.reads_whole else task.flow.leave(raw, result, INPUT_ALONE)
            except StatesError:
                output = None
            if output is None:
                # It hands on what describes the response, or fails: AWS's words quote the response, all of it.
                output = task.flow.leave(raw, direct.whole(answer, engine, child, self.name, visit), INPUT_ALONE)
        if output is not raw and output.too_large:
            raise data_limit(self.name)
        return task.next, output


class Plan:
    """The way through the machine of a map run's children."""

    __slots__ = ("engine", "machine", "start", "steps")

    def __init__(self, machine: StateMachine, frame: Frame) -> None:
        """`frame` is that of the Map."""
        self.engine: Engine = frame.engine
        self.machine = machine
        self.steps = {
            name: _step(state, machine.definition["States"][name], frame) for name, state in machine.states.items()
        }
        self.start = self.steps[machine.start_at]


def _step(state: State, fields: JSON, frame: Frame) -> Step:
    step = Step(state, frame.engine.statistics.states.get(state.name))
    if frame.engine.observer is not None:
        return step
    if state.type not in BARE or not fields.keys() <= BARE[state.type] | _EVERYWHERE:
        return step
    if isinstance(state, FailState) or not isinstance(state.flow, JSONPathDataflow) or not bare_flow(fields):
        return step
    if isinstance(state, TaskState) and frame.me.mocks is None:
        step.task, step.direct = state, frame.engine.direct(state, fields)
        step.timeout_ms = None if state.timeout_s is None else state.timeout_s(None, INPUT_ALONE) * 1000
    elif isinstance(state, PassState):
        step.leave = _passing(state, fields)
    elif isinstance(state, SucceedState):
        step.leave = _succeeding(state)
    elif isinstance(state, ChoiceState) and all(bare_rule(rule) for rule in fields["Choices"]):
        step.leave = _choosing(state, fields)
    return step


def _passing(state: PassState, fields: JSON) -> _Leave:
    following, flow, given = state.next, state.flow, state.result
    if fields.keys().isdisjoint(("InputPath", "Parameters")):
        return lambda raw: (following, flow.leave(raw, raw if given is None else given, INPUT_ALONE))

    def leave(raw: Payload) -> tuple[str | None, Payload]:
        effective = flow.enter(raw, INPUT_ALONE)
        return following, flow.leave(raw, effective if given is None else given, INPUT_ALONE)

    return leave


def _succeeding(state: SucceedState) -> _Leave:
    flow = state.flow
    return lambda raw: (None, flow.leave(raw, flow.enter(raw, INPUT_ALONE), INPUT_ALONE))


def _choosing(state: ChoiceState, fields: JSON) -> _Leave:
    choices, default = [(rule.test, rule.next) for rule in state.choices], state.default
    flow = state.flow

    def chosen(value: JSON) -> str:
        for test, following in choices:
            if test(value, INPUT_ALONE):
                return following
        if default is None:
            raise StatesError(RUNTIME)
        return default

    def leave(raw: Payload) -> tuple[str | None, Payload]:
        effective = flow.enter(raw, INPUT_ALONE)
        return chosen(effective.value), flow.leave(raw, effective, INPUT_ALONE)

    if fields.keys().isdisjoint(("InputPath", "OutputPath")):
        return lambda raw: (chosen(raw.value), raw)
    return leave


def run_child(plan: Plan, child: Child) -> Program:
    """Run a child to its end. Returns its output `Payload`, or the StatesError or the Expired that ended it."""
    statistics, scheduler, standard = plan.engine.statistics, plan.engine.scheduler, not child.express
    transitions = plan.engine.transitions if standard else None
    step, payload, failed, history, succeeded = plan.start, child.input, None, None, False
    # Its history is only counted: ExecutionStarted, two events of each state, three of a task.
    visits, events = 0, 1
    try:
        while visits < BREATH:
            leave, direct = step.leave, step.direct
            if leave is not None:
                try:
                    following, output = leave(payload)
                except StatesError:
                    break
                if output is not payload and output.too_large:
                    break
            elif direct is None:
                break
            else:
                try:
                    sent = direct.event(payload)
                except StatesError:
                    break
                if sent is None:
                    break
            if transitions is not None and (throttled_ms := transitions.delay_ms(scheduler.now_ms)):
                yield Sleep(scheduler.now_ms + throttled_ms)
            visits += 1
            counters = step.counters or step.count(statistics)
            counters.entered += 1
            statistics.state_transitions += 1
            if standard:
                counters.billed += 1
            if direct is None:
                events += 2
                counters.durations.instant += 1
            else:
                events, entered_ms, result = events + 3, scheduler.now_ms, None
                try:
                    answer = yield step.invoke(child, visits, sent or "", entered_ms)
                    result = direct.answered(answer)
                    events += 1
                    following, output = step.leave_task(payload, result, answer, plan.engine, child, visits)
                except StatesError as error:
                    failed = error
                    break
                events += 1
                counters.durations.lasted(scheduler.now_ms - entered_ms)
            counters.succeeded += 1
            if following is None:
                succeeded = True
                return output
            payload, step = output, plan.steps[following]
        frame = _frame(plan, child, visits, events)
        history = frame.trail.history
        if failed is not None:
            _fail(frame, step, payload, entered_ms, failed, worked=result is not None)
        output = yield from run_on(plan.machine, step.name, payload, frame, visits - (failed is not None), failed)
        succeeded = True
        return output
    except (StatesError, Expired) as ended:
        return ended
    finally:
        statistics.history_events += (events if history is None else history.count) + 1
        if standard and not succeeded:
            statistics.lost += visits if history is None else history.take_billed_entries()


def _frame(plan: Plan, child: Child, visits: int, events: int) -> Frame:
    """What `run_states` needs to go on with a child."""
    history = History(plan.engine.scheduler, kept=False, limited=not child.express)
    history.count = events
    history.billed_entries = 0 if child.express else visits
    frame = Frame(plan.engine, child, Trail(history, events), {})
    frame.visit = visits
    return frame


def _fail(frame: Frame, step: Step, payload: Payload, entered_ms: int, error: StatesError, *, worked: bool) -> None:
    """Put the frame into the Task whose first attempt has failed: at its work or, where it `worked`, after it."""
    history, trail = frame.trail.history, frame.trail
    events = history.count
    frame.visit -= 1
    # The entry was followed by Scheduled and Started, and where it worked by Succeeded.
    history.count = events - (4 if worked else 3)
    frame.enter(step.name, "Task", payload)
    frame.entered_ms = entered_ms
    trail.previous = history.count = events
    if not worked:
        frame.explain(error)
        if error.error != RUNTIME:
            # The Failed or TimedOut event; errors of the interpreter's own have none.
            trail.tick()
