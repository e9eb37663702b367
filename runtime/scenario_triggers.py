"""The triggers and arrivals of a scenario file, held against what else the file says, and turned into what is meant."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from msgspec import UNSET

from stepsim.asl.payload import JSON, encode
from stepsim.runtime.key_path import KeyPath
from stepsim.runtime.scenario_check import INVALID_VALUE, MISSING_KEY, Checker, did_you_mean
from stepsim.runtime.triggers import written
from stepsim.runtime.triggers.batches import RECORD
from stepsim.runtime.triggers.schedules import Schedule, is_recurring, parse_schedule
from stepsim.runtime.triggers.specs import (
    ArrivalSpec,
    ObjectSource,
    Polling,
    QueueSource,
    ScheduleSource,
    Source,
    Target,
    Timing,
    TriggerSpec,
)
from stepsim.runtime.triggers.templates import InputTemplate, input_template

DEFINITION = "definition"
"""What a trigger calls the scenario's own machine."""

_WINDOW_MS_MAX = 300_000
_SIZE_WITHOUT_WINDOW = 10
_SOURCES = ("bucket", "schedule", "at", "queue")
_WAYS = "one of [], [eventbridge], [sqs: QUEUE] and [eventbridge, sqs: QUEUE]"


@dataclass(frozen=True, slots=True)
class Known:
    """The names that a scenario gives."""

    own_name: str
    machines: Collection[str]
    functions: Collection[str]
    buckets: Collection[str]
    queues: Collection[str]


@dataclass(frozen=True, slots=True)
class Events:
    """What happens from outside in a scenario."""

    triggers: tuple[TriggerSpec, ...]
    arrivals: tuple[ArrivalSpec, ...]
    until_ms: int | None
    starts_itself: bool
    """The scenario's own execution is started with the run, not by a trigger."""


class EventResolver:
    """Notes every problem with the checker; what it makes of a file with problems is not to be used."""

    def __init__(self, checker: Checker, known: Known, check_code: Callable[[str, KeyPath], None], seed: int) -> None:
        self._checker = checker
        self._known = known
        self._check_code = check_code
        self._seed = seed
        self._names: dict[str, int] = {}

    def events(self, value: Mapping[str, JSON]) -> Events:
        """All that a scenario file's ``cloud.triggers``, ``arrivals`` and ``until`` say."""
        cloud = value.get("cloud")
        listed = cloud.get("triggers") if isinstance(cloud, dict) else None
        triggers: list[TriggerSpec] = []
        recurring: KeyPath | None = None
        for index, element in enumerate(listed if isinstance(listed, list) else ()):
            path: KeyPath = ("cloud", "triggers", index)
            trigger = self._checker.converted(element, written.Trigger, path)
            if trigger is None:
                continue
            known = len(self._checker.problems)
            triggers.append(self._trigger(trigger, path))
            sound = len(self._checker.problems) == known
            if sound and trigger.schedule is not None and is_recurring(trigger.schedule):
                recurring = (*path, "schedule")
        arrivals: list[ArrivalSpec] = []
        listed = value.get("arrivals")
        for index, element in enumerate(listed if isinstance(listed, list) else ()):
            arrival = self._checker.converted(element, written.Arrival, ("arrivals", index))
            if arrival is not None:
                arrivals.append(self._arrival(arrival, ("arrivals", index)))
        until = value.get("until")
        if recurring is not None and until is None and not listed:
            self._add("a schedule that never ends, in a run without an end", recurring, "write until: 24h")
        if until is not None and not triggers and not arrivals:
            self._add("ends triggers and arrivals, and there are none", ("until",))
        own = ("start", self._known.own_name)
        starts = any(one.target is not None and (one.target.kind, one.target.name) == own for one in triggers)
        # A function that something from outside invokes may start executions, too.
        invoked = bool(arrivals) and any(one.target is not None and one.target.kind == "invoke" for one in triggers)
        starts_itself = "input" in value or not (starts or invoked)
        if starts and value.get("mocks") is not None:
            message = "mocks answer one execution, and a trigger starts many"
            self._checker.add(INVALID_VALUE, message, ("mocks",))
        until_ms = self._checker.time_ms(until, ("until",))
        for index, arrival_spec in enumerate(arrivals):
            if until_ms is not None and arrival_spec.timing.at_ms > until_ms > 0:
                self._add("comes after until, so never", ("arrivals", index, "at"))
        return Events(tuple(triggers), tuple(arrivals), until_ms, starts_itself)

    # -- triggers -------------------------------------------------------------------------------------------------

    def _trigger(self, trigger: written.Trigger, path: KeyPath) -> TriggerSpec:
        source = self._source(trigger, path)
        via_bus, polling = self._way(trigger, path)
        target = self._target(trigger, path, via_bus, polling)
        if polling is None and target is None:
            self._checker.add(MISSING_KEY, "start or invoke is missing", path)
        if trigger.dlq is not None:
            self._check_queue(trigger.dlq, (*path, "dlq"))
            if not via_bus and not isinstance(source, ScheduleSource):
                self._add("it is EventBridge that has a dlq of its own", (*path, "dlq"), "write via: [eventbridge]")
        name = trigger.name or trigger.bucket or (polling.queue if trigger.queue and polling else "schedule")
        return TriggerSpec(self._unique(name), source, via_bus, polling, target, trigger.duplicates, trigger.dlq)

    def _unique(self, name: str) -> str:
        self._names[name] = number = self._names.get(name, 0) + 1
        return name if number == 1 else f"{name}#{number}"

    def _source(self, trigger: written.Trigger, path: KeyPath) -> Source:
        named = [name for name in _SOURCES if getattr(trigger, name) is not None]
        if len(named) != 1:
            self._add(f"exactly one of {', '.join(_SOURCES)} expected", path)
        if trigger.bucket is None and (trigger.prefix or trigger.suffix):
            self._add("prefix and suffix go with a bucket", path)
        if trigger.bucket is not None:
            self._check_name(trigger.bucket, self._known.buckets, "bucket", (*path, "bucket"))
            return ObjectSource(trigger.bucket, trigger.prefix, trigger.suffix)
        if trigger.schedule is not None:
            due = self._schedule(trigger.schedule, (*path, "schedule"))
            return ScheduleSource(trigger.schedule, due, is_recurring(trigger.schedule))
        if trigger.at is not None:
            return ScheduleSource(str(trigger.at), _once(self._checker.time_ms(trigger.at, (*path, "at")) or 0))
        return QueueSource()

    def _schedule(self, text: str, path: KeyPath) -> Schedule:
        try:
            schedule = parse_schedule(text)
        except ValueError as error:
            self._add(str(error), path)
            return _once(0)
        if schedule(0, -1) is None:
            self._add("a schedule that is never due", path)
        return schedule

    def _way(self, trigger: written.Trigger, path: KeyPath) -> tuple[bool, Polling | None]:
        """Whether the way leads over EventBridge, and the queue at its end."""
        hops = list(trigger.via)
        if trigger.queue is not None:
            if hops:
                self._add("from a queue, the way leads straight to what takes its messages", (*path, "via"))
            return False, self._polling(trigger.queue, (*path, "queue"), trigger)
        via_bus = bool(hops) and hops[0] == "eventbridge"
        rest = hops[1:] if via_bus else hops
        if not rest:
            return via_bus, None
        hop = rest[0]
        if len(rest) > 1 or not isinstance(hop, written.QueueHop):
            self._add(f"{_WAYS} expected", (*path, "via"))
            return via_bus, None
        return via_bus, self._polling(hop.sqs, (*path, "via", len(hops) - 1, "sqs"), trigger)

    def _polling(self, queue: str | written.PolledQueue, path: KeyPath, trigger: written.Trigger) -> Polling:
        if isinstance(queue, str):
            queue = written.PolledQueue(queue)
            self._check_queue(queue.queue, path)
        else:
            self._check_queue(queue.queue, (*path, "queue"))
        window_ms = self._checker.time_ms(queue.batch_window, (*path, "batch_window")) or 0
        if window_ms > _WINDOW_MS_MAX:
            self._add("is 5m at the most", (*path, "batch_window"))
        if queue.batch_size > _SIZE_WITHOUT_WINDOW and window_ms < 1000:
            self._add("above 10 it takes a batch_window of a second or more", (*path, "batch_size"))
        if queue.report_batch_item_failures and trigger.invoke is None:
            self._add("it is functions that report failed messages", (*path, "report_batch_item_failures"))
        if queue.poller == "lambda" and trigger.start is None:
            self._add("is about what starts executions", (*path, "poller"))
        return Polling(
            queue.queue,
            queue.batch_size,
            window_ms,
            queue.maximum_concurrency,
            queue.report_batch_item_failures,
            queue.poller == "lambda",
        )

    def _target(self, trigger: written.Trigger, path: KeyPath, via_bus: bool, polling: Polling | None) -> Target | None:
        template = self._template(trigger, path, polling is not None)
        if trigger.start is not None and trigger.invoke is not None:
            self._add("either start or invoke", path)
        if trigger.start is not None:
            if trigger.bucket is not None and not trigger.via:
                hint = "write via: [eventbridge]"
                self._add("S3 itself starts no executions, it notifies functions and queues", (*path, "start"), hint)
            machines = [DEFINITION, self._known.own_name, *self._known.machines]
            self._check_name(trigger.start, machines, "machine", (*path, "start"))
            name = self._known.own_name if trigger.start == DEFINITION else trigger.start
            return Target("start", name, template)
        if trigger.invoke is not None:
            self._check_name(trigger.invoke, self._known.functions, "function", (*path, "invoke"))
            if template is not None and (polling is not None or (trigger.bucket is not None and not via_bus)):
                self._add("functions get what a queue or a bucket sends as it is", (*path, "input"))
            return Target("invoke", trigger.invoke, template)
        if template is not None:
            self._add("is of what is started or invoked", (*path, "input"))
        return None

    def _template(self, trigger: written.Trigger, path: KeyPath, of_message: bool) -> InputTemplate | None:
        if trigger.input is UNSET:
            return None
        try:
            return input_template(trigger.input, RECORD if of_message else ())
        except ValueError as error:
            self._add(str(error), (*path, "input"))
            return None

    # -- arrivals -------------------------------------------------------------------------------------------------

    def _arrival(self, arrival: written.Arrival, path: KeyPath) -> ArrivalSpec:
        kind: Literal["bucket", "queue"] = "bucket" if arrival.queue is None else "queue"
        place = arrival.bucket if arrival.queue is None else arrival.queue
        if (arrival.bucket is None) == (arrival.queue is None):
            self._add("either a bucket or a queue expected", path)
        elif arrival.bucket is not None:
            self._check_name(arrival.bucket, self._known.buckets, "bucket", (*path, "bucket"))
            self._check_object(arrival, path)
        elif arrival.queue is not None:
            self._check_queue(arrival.queue, (*path, "queue"))
            self._check_message(arrival, path)
        generate = arrival.generate or written.GenerateArrivals(1)
        if generate.body is not None:
            self._check_code(generate.body, (*path, "generate", "body"))
        message = "" if arrival.message is UNSET else arrival.message
        text = (arrival.content or "") if kind == "bucket" else message if isinstance(message, str) else encode(message)
        return ArrivalSpec(
            f"arrivals[{path[-1]}]",
            kind,
            place or "",
            self._timing(arrival, path),
            generate.count,
            arrival.key or "",
            generate.body,
            generate.size,
            text,
            self._seed if generate.seed is None else generate.seed,
        )

    def _check_object(self, arrival: written.Arrival, path: KeyPath) -> None:
        if arrival.message is not UNSET:
            self._add("is sent to a queue", (*path, "message"))
        if arrival.key is None:
            self._checker.add(MISSING_KEY, "'key' is missing", path)
            return
        generate = arrival.generate
        count = 1 if generate is None else generate.count
        bodies = (arrival.content, None if generate is None else generate.body, generate and generate.size)
        if sum(body is not None for body in bodies) != 1:
            self._add("exactly one of content, generate.body and generate.size expected", path)
        hint = "write {n} or {n:06d}"
        try:
            distinct = arrival.key.format(n=0) != arrival.key.format(n=1) or count < 2
        except (ValueError, LookupError, AttributeError) as error:
            self._add(f"no pattern of n: {error}", (*path, "key"), hint)
        else:
            if not distinct:
                self._add("the same key for every n", (*path, "key"), hint)

    def _check_message(self, arrival: written.Arrival, path: KeyPath) -> None:
        if arrival.key is not None or arrival.content is not None:
            self._add("key and content are of objects", path)
        made = arrival.generate is not None and (arrival.generate.body is not None or arrival.generate.size is not None)
        if (arrival.message is not UNSET) == made:
            self._add("exactly one of message, generate.body and generate.size expected", path)

    def _timing(self, arrival: written.Arrival, path: KeyPath) -> Timing:
        if sum(each is not None for each in (arrival.every, arrival.spread, arrival.poisson)) > 1:
            self._add("one of every, spread and poisson at the most", path)
        every_ms = self._checker.time_ms(arrival.every, (*path, "every"))
        spread_ms = self._checker.time_ms(arrival.spread, (*path, "spread"))
        per_s = None if arrival.poisson is None else arrival.poisson.per_s
        return Timing(self._checker.time_ms(arrival.at, (*path, "at")) or 0, every_ms, spread_ms, per_s)

    # -- what both have -------------------------------------------------------------------------------------------

    def _add(self, message: str, path: KeyPath, hint: str | None = None) -> None:
        self._checker.add(INVALID_VALUE, message, path, hint)

    def _check_queue(self, name: str, path: KeyPath) -> None:
        self._check_name(name, self._known.queues, "queue", path)

    def _check_name(self, name: str, known: Collection[str], kind: str, path: KeyPath) -> None:
        if name not in known:
            self._add(f"there is no {kind} {name!r}", path, did_you_mean(name, known))


def _once(after_start_ms: int) -> Schedule:
    """Due once in a run, so long after its start."""

    def due(start_ms: int, after_ms: int) -> int | None:
        moment_ms = start_ms + after_start_ms
        return moment_ms if moment_ms > after_ms else None

    return due
