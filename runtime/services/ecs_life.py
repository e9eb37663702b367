"""The life of an ECS task: it is launched, provisioned, run and stopped, and counted on the way.

Fargate takes its time until the containers begin, bills from the pull of the image, and may take a task of Spot's back.
Other launch types begin at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from stepsim.asl.errors import TIMEOUT, StatesError
from stepsim.runtime.cloud import ecs_tasks
from stepsim.runtime.cloud.call import CallSite
from stepsim.runtime.cloud.fargate import INTERRUPTED, PROVIDERS, SPOT, interrupted_after_ms, smallest
from stepsim.runtime.effects import Fork, Program, Sleep
from stepsim.runtime.services.task import TaskCall
from stepsim.runtime.services.work import Work, WorkEnd, run_work
from stepsim.runtime.statistics import Billed

_ESSENTIAL_EXITED = "Essential container in task exited"
_SIGKILL = 137


@dataclass(frozen=True, slots=True)
class Container:
    """A container that has a worker."""

    name: str
    essential: bool
    work: Work
    stop_ms: int
    """How long it may go on when it is told to stop."""


@dataclass(slots=True)
class EcsTask:
    """A task that was launched."""

    arn: str
    family: str
    containers: tuple[Container, ...]
    """Those that have a worker; the others live as long as the task."""
    size: tuple[int, int]
    """In CPU units and MB."""
    provider: str
    state: str
    """The state that runs it."""
    place: tuple[object, ...]
    """What its dice are named after."""
    launched_ms: int
    pull_ms: int | None = None
    started_ms: int | None = None
    notice_ms: int | None = None
    """When it is told that Spot takes it back; None: never."""

    @property
    def on_fargate(self) -> bool:
        return self.provider in PROVIDERS


@dataclass(slots=True)
class TaskEnd:
    """How a task's containers ended. `timeout` is set where the time of whoever waited was over."""

    exit_codes: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    timeout: StatesError | None = None


def task_size(params: Mapping[str, Any], site: CallSite) -> tuple[int, int]:
    """A task's CPU units and MB of memory; where nothing says them, Fargate's smallest with its containers' memory."""
    size = ecs_tasks.task_size(params, site)
    if size is not None:
        return size
    definition = ecs_tasks.task_definition(params.get("taskDefinition", ""), site) or {"containers": []}
    return smallest(sum(int(one.get("memory") or 0) for one in definition["containers"]))


def launch(call: TaskCall, size: tuple[int, int], provider: str) -> bool:
    """Take a task's vCPUs of those that the account may run; whether there were as many left."""
    return provider not in PROVIDERS or call.frame.engine.capacity.fargate.take(provider, size[0] / 1024)


def live(call: TaskCall, task: EcsTask, deadline_ms: int | None, stopped_by: str = "") -> Program:
    """Run a task's containers until it stops; returns a `TaskEnd`. Who waits for it, `stopped_by`, takes it along."""
    call.frame.engine.statistics.task(task.family).launch()
    end = TaskEnd()
    try:
        yield from _provision(call, task, deadline_ms, end)
        if end.timeout is None:
            yield from _run(call, task, deadline_ms, end)
    except BaseException:
        if stopped_by:
            _stop(call, task, TaskEnd(), "UserInitiated", f"Stopped by {stopped_by}")
        raise
    if end.timeout is not None:
        _stop(call, task, end, "UserInitiated", f"Stopped by {stopped_by}")
    elif _interrupted(call, task):
        _stop(call, task, end, "SpotInterruption", INTERRUPTED)
    else:
        _stop(call, task, end, "EssentialContainerExited", _ESSENTIAL_EXITED)
    return end


def _provision(call: TaskCall, task: EcsTask, deadline_ms: int | None, end: TaskEnd) -> Program:
    """Wait until the containers can begin, which takes Fargate a while."""
    engine = call.frame.engine
    begin_ms = task.launched_ms
    if task.on_fargate:
        taken_ms = engine.latency.of("fargate.provisioning", *task.place)
        begin_ms += taken_ms
        pulled_from_ms = begin_ms - min(taken_ms, engine.latency.of("fargate.image_pull", *task.place))
        for until_ms in (pulled_from_ms, begin_ms):
            if deadline_ms is not None and deadline_ms <= until_ms:
                yield Sleep(deadline_ms)
                end.timeout = StatesError(TIMEOUT)
                return
            if until_ms > engine.scheduler.now_ms:
                yield Sleep(until_ms)
            task.pull_ms = pulled_from_ms
        engine.statistics.task(task.family).provisioning.add(taken_ms)
    task.pull_ms = begin_ms if task.pull_ms is None else task.pull_ms
    task.started_ms = begin_ms
    ecs_tasks.running(task.arn, call.site())


def _run(call: TaskCall, task: EcsTask, deadline_ms: int | None, end: TaskEnd) -> Program:
    """Run the containers until the first essential one ends, or Spot takes the task back."""
    scheduler = call.frame.engine.scheduler
    task.notice_ms = _notice_ms(call, task)

    def killed_ms(container: Container) -> int | None:
        return None if task.notice_ms is None else task.notice_ms + container.stop_ms

    def ended(index: int, result: WorkEnd) -> bool:
        container = task.containers[index]
        kill_ms = killed_ms(container)
        if result.timeout is not None and (kill_ms is None or scheduler.now_ms < kill_ms):
            end.timeout = result.timeout
            return True
        end.exit_codes[container.name] = _SIGKILL if result.timeout is not None else result.exit_code
        end.reasons[container.name] = "" if result.timeout is not None else result.reason
        # When an essential container ends, the task and all others do.
        return container.essential

    def until(container: Container) -> int | None:
        moments = [moment for moment in (deadline_ms, killed_ms(container)) if moment is not None]
        return min(moments, default=None)

    yield Fork((run_work(call, one.work, until(one)) for one in task.containers), collect=ended)


def _notice_ms(call: TaskCall, task: EcsTask) -> int | None:
    if task.provider != SPOT or task.started_ms is None:
        return None
    engine = call.frame.engine
    by_worker = engine.capacity.fargate.spot_interruption_per_hour
    per_hour = max((by_worker.get(one.work.worker, 0.0) for one in task.containers), default=0.0)
    after_ms = interrupted_after_ms(per_hour, engine.dice.draw("spot", *task.place))
    return None if after_ms is None else task.started_ms + after_ms


def _interrupted(call: TaskCall, task: EcsTask) -> bool:
    return task.notice_ms is not None and task.notice_ms <= call.frame.engine.scheduler.now_ms


def _stop(call: TaskCall, task: EcsTask, end: TaskEnd, stop_code: str, reason: str) -> None:
    engine = call.frame.engine
    now_ms = engine.scheduler.now_ms
    units, memory_mb = task.size
    if task.on_fargate:
        engine.capacity.fargate.release(task.provider, units / 1024)
    failed = stop_code == "UserInitiated" or any(end.exit_codes.values())
    billed = Billed(units / 1024, memory_mb / 1024, task.provider == SPOT, task.state, failed)
    billed_ms = 0 if task.pull_ms is None else now_ms - task.pull_ms
    statistics = engine.statistics.task(task.family)
    statistics.stop(billed, billed_ms, interrupted=stop_code == "SpotInterruption")
    ecs_tasks.stopped(
        task.arn,
        call.site(),
        exit_codes=end.exit_codes,
        reasons=end.reasons,
        pull_ms=task.pull_ms,
        started_ms=task.started_ms,
        now_ms=now_ms,
        stop_code=stop_code,
        reason=reason,
    )
