"""One branch of an execution at work: the state it is in, its trail, its variables, and what expressions see of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from stepsim.asl.errors import QUERY_EVALUATION_ERROR, StatesError
from stepsim.asl.expression import Scope
from stepsim.asl.payload import JSON, Payload
from stepsim.asl.timestamp import format_timestamp
from stepsim.runtime.cloud.call import CallSite
from stepsim.runtime.history import Trail, failure_details

if TYPE_CHECKING:
    from stepsim.runtime.branches import Branches
    from stepsim.runtime.engine import Engine
    from stepsim.runtime.map_run import MapRun
    from stepsim.runtime.mocks.running import MockRun
    from stepsim.runtime.resume import ResumePoint

_EVALUATES_INSIDE = frozenset({"Task", "Wait"})
"""States whose EvaluationFailed points to their StateEntered; that of others points to what came before it (recorded in
2024; measurements of 2026 have all point to StateEntered)."""

ROLE_ARN = "arn:aws:iam::123456789012:role/stepsim"
"""The role of a machine that was given none."""


class Identity:
    """Who an execution is: what its context object and its children's names are made of."""

    __slots__ = (
        "arn",
        "express",
        "input",
        "item",
        "key",
        "machine_arn",
        "machine_name",
        "mocks",
        "name",
        "qualifiers",
        "redrive_count",
        "redrive_ms",
        "role_arn",
        "start_ms",
    )

    def __init__(
        self,
        arn: str,
        name: str,
        machine_arn: str,
        machine_name: str,
        payload: Payload,
        start_ms: int,
        *,
        express: bool = False,
        item: int | None = None,
        key: str = "",
        role_arn: str = ROLE_ARN,
    ) -> None:
        self.arn = arn
        self.name = name
        self.key = key or name
        """What dice are named after: the execution's name or, in a map run, the item's place."""
        self.machine_arn = machine_arn
        self.machine_name = machine_name
        self.input = payload
        self.start_ms = start_ms
        self.express = express
        self.item = item
        """The index of the item or batch that a map run's child works on."""
        self.redrive_count = 0
        self.redrive_ms: int | None = None
        """When it was last redriven."""
        self.role_arn = role_arn
        self.qualifiers: Mapping[str, str] = {}
        """The ARNs of the version and the alias that it was started by, as ExecutionStarted has them."""
        self.mocks: MockRun | None = None
        """The test case that answers some of its Tasks."""

    @property
    def batched(self) -> bool:
        """True of a map run's child that works on a batch."""
        return False

    def redriven(self, now_ms: int) -> None:
        """Count a redrive: the same execution, with dice of its own."""
        self.redrive_count += 1
        self.redrive_ms = now_ms
        self.key = f"{self.key.partition('#')[0]}#{self.redrive_count}"

    def context(self) -> dict[str, JSON]:
        """The context object's Execution and StateMachine."""
        execution: dict[str, JSON] = {
            "Id": self.arn,
            "Input": self.input.value,
            "Name": self.name,
            "RoleArn": self.role_arn,
            "StartTime": format_timestamp(self.start_ms),
            "RedriveCount": self.redrive_count,
        }
        if self.redrive_ms is not None:
            execution["RedriveTime"] = format_timestamp(self.redrive_ms)
        return {"Execution": execution, "StateMachine": {"Id": self.machine_arn, "Name": self.machine_name}}


class Frame(Scope):
    """A branch at work. It is also the scope of the expressions that the branch evaluates."""

    __slots__ = (
        "book",
        "draws",
        "engine",
        "entered_id",
        "entered_ms",
        "iteration",
        "map_item",
        "map_run",
        "me",
        "resume",
        "retry_count",
        "state",
        "state_type",
        "token",
        "trail",
        "visit",
    )

    def __init__(
        self,
        engine: Engine,
        me: Identity,
        trail: Trail,
        variables: Mapping[str, JSON],
        iteration: tuple[object, ...] = (),
        map_item: JSON = None,
    ) -> None:
        self.engine = engine
        self.me = me
        self.trail = trail
        self.variables = variables
        self.iteration = iteration
        """The indexes of the branches and items this frame is inside of: names for its dice."""
        self.map_item = map_item
        self.visit = 0
        """Counts the states entered; what belongs to one visit is set by `enter`."""
        self.resume: ResumePoint | None = None
        """The state that was entered before a redrive, until it has done its first attempt."""
        self.book: Branches | None = None
        """The branches of the Parallel or inline Map that this frame is in."""
        self.map_run: MapRun | None = None
        """The map run of the distributed Map that this frame is in."""

    def branch(self, index: int, map_item: JSON = None) -> Frame:
        """A frame for a branch or an inline iteration that starts here; it reads, but never changes, our variables."""
        return Frame(
            self.engine,
            self.me,
            self.trail.branch(),
            self.variables,
            (*self.iteration, self.state, self.visit, index),
            map_item if map_item is not None else self.map_item,
        )

    def enter(self, state: str, state_type: str, raw: Payload) -> None:
        """Enter a state: a new visit, a new context."""
        if self.resume is not None:
            self._enter_again(self.resume, state_type)
            return
        self.state = state
        self.state_type = state_type
        self.raw = raw
        self.visit += 1
        self.draws = 0
        self.retry_count: int | None = None
        self.token: str | None = None
        self.entered_ms = self.engine.scheduler.now_ms
        self.entered_id = self.trail.entered(state_type, state, raw)

    def _enter_again(self, point: ResumePoint, state_type: str) -> None:
        """Go on in a state that was entered before a redrive: its entry is not written or dated anew (measured)."""
        self.state, self.state_type, self.raw = point.state, state_type, point.raw
        self.visit = point.visit
        self.draws = 0
        self.retry_count = None
        self.token = None
        self.entered_ms, self.entered_id = point.entered_ms, point.entered_id
        if state_type != "Fail":
            # What follows points back to the entry; the failure of a Fail state to ExecutionRedriven (measured).
            self.trail.previous = point.entered_id
        if state_type not in ("Parallel", "Map"):
            self.resume = None

    def take_resume(self) -> ResumePoint | None:
        """Where a Parallel or Map goes on; None from its second attempt on, which begins anew."""
        point, self.resume = self.resume, None
        return point

    # -- what expressions see -------------------------------------------------------------------------------------

    @property
    def context(self) -> JSON:
        """The context object, as it is now."""
        context = self.me.context()
        state: dict[str, JSON] = {"EnteredTime": format_timestamp(self.entered_ms), "Name": self.state}
        if self.retry_count is not None:
            state["RetryCount"] = self.retry_count
        context["State"] = state
        if self.token is not None:
            context["Task"] = {"Token": self.token}
        if self.map_item is not None:
            context["Map"] = {"Item": self.map_item}
        return context

    @property
    def now_ms(self) -> int:
        """The scheduler's time."""
        return self.engine.scheduler.now_ms

    def draw(self, purpose: str) -> float:
        """A number in [0, 1) for this visit; each draw of a visit gets another."""
        self.draws += 1
        return self.engine.dice.draw(self.me.key, *self.iteration, self.state, self.visit, purpose, self.draws)

    @property
    def names(self) -> tuple[object, ...]:
        """The names of this attempt, for dice that belong to it."""
        return (self.me.key, *self.iteration, self.state, self.visit, self.retry_count or 0)

    def site(self, function: str = "") -> CallSite:
        """Who calls, as faults and the meter see it."""
        item = self.me.item
        if item is None and self.map_item is not None:
            item = self.map_item.get("Index")
        place: object = self.visit
        if self.iteration:
            place = "/".join(map(str, (*self.iteration, self.visit)))
        site = CallSite(self.me.key, self.state, function, item, self.retry_count or 0, place)
        if self.me.batched:
            site.batch = self.me.item
        return site

    # -- failing --------------------------------------------------------------------------------------------------

    def explain(self, error: StatesError) -> StatesError:
        """Give an error of the interpreter's own AWS's prefix, once, naming the innermost state."""
        if error.by_interpreter:
            error.by_interpreter = False
            error.cause = (
                f"An error occurred while executing the state '{self.state}' "
                f"(entered at the event id #{self.entered_id}). {error.cause}"
            )
            if error.error == QUERY_EVALUATION_ERROR:
                self._evaluation_failed(error)
        return error

    def _evaluation_failed(self, error: StatesError) -> None:
        details = {**failure_details(error), "state": self.state}
        if error.location:
            details["location"] = error.location
        trail = self.trail
        if trail.previous == self.entered_id and self.state_type not in _EVALUATES_INSIDE:
            trail.previous = trail.history.previous_of(self.entered_id)
        trail.add("EvaluationFailed", details)
