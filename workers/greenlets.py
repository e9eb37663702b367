"""Greenlets that wait in virtual time: where handlers run, how they wait, are woken, and are ended.

The *hub* is the greenlet that drives the timeline. An *activity* (one invocation) runs in a greenlet beside it until it
waits: then it asks the timeline for a callback and switches to the hub. Only one of them runs at a time, and they take
turns only where one waits, so the order of everything follows from the timeline's order alone.
"""

from __future__ import annotations

import asyncio.events
import math
from collections.abc import Callable, Mapping
from functools import partial
from random import Random
from typing import Any, Protocol, TypeVar

from greenlet import GreenletExit, getcurrent, greenlet

from stepsim.workers.variables import NONE, Variables

T = TypeVar("T")

_PATIENCE = 100
"""How often an ended activity may swallow the exception that ends it before its greenlet is left where it stands."""

_LEAPS = 256
"""How many waits an activity may leap over in a row: then the driver has its turn, which sees to Ctrl-C."""

_left_standing: list[greenlet] = []
"""Greenlets that refused to end. Freeing one would raise in it again, without end: they are kept instead."""


def rounded_up_ms(seconds: float) -> int:
    """Seconds as whole milliseconds, never fewer. What binary fractions add to a whole number is not rounded up."""
    exact_ms = seconds * 1000
    nearest_ms = round(exact_ms)
    # A millionth of a millisecond, or two units in the last place of a number that has no such digits.
    return nearest_ms if abs(exact_ms - nearest_ms) <= max(5e-7, 2 * math.ulp(exact_ms)) else math.ceil(exact_ms)


class Timeline(Protocol):
    """Virtual time as the driver keeps it."""

    def now_ms(self) -> int:
        """Milliseconds since 1970-01-01T00:00Z."""
        ...

    def call_at(self, due_ms: int, callback: Callable[[], None]) -> None:
        """Call back on the hub once the clock shows due_ms; callbacks for one moment in the order they came."""
        ...

    def leap(self, due_ms: int) -> bool:
        """Show due_ms at once, where no callback is due until then; whether it does. For who was called back."""
        ...


class Activity:
    """Something that runs in virtual time: what the hub knows of it, and what its code's clock and dice need."""

    __slots__ = (
        "_chance",
        "belongings",
        "deadline_ms",
        "exits",
        "expiring",
        "greenlet",
        "label",
        "over",
        "parts",
        "root",
        "serial",
        "stuck",
        "variables",
    )

    def __init__(self, label: str, deadline_ms: int, variables: Mapping[str, str] = NONE) -> None:
        self.label = label
        """What its log lines are marked with: the request id."""
        self.deadline_ms = deadline_ms
        """It is ended when it still waits for something after this moment."""
        self.variables = variables
        """The environment variables that its code sees."""
        self.root: Activity = self
        """The activity that this one is a part of: it ends with it."""
        self.parts: list[Activity] | None = None
        """The activities that are part of this one."""
        self.belongings: dict[object, Any] = {}
        """What libraries keep for its code alone, by the object that would keep it for all."""
        self.expiring = False
        """Something waits for its deadline."""
        self.serial = 0
        """Counts its waits: a timer of an earlier wait is stale."""
        self.over = False
        """It was ended from outside, or is done: its code must not act any more."""
        self.stuck = False
        """It ran for too long in real time without waiting."""
        self.exits = 0
        self.greenlet: HandlerGreenlet | None = None
        self._chance: Random | None = None

    @property
    def chance(self) -> Random:
        """The random numbers of this activity alone, made when its code first asks."""
        if self._chance is None:
            self._chance = Random(self.entropy())
        return self._chance

    def entropy(self) -> int:
        """What its random numbers are made from."""
        raise NotImplementedError

    def body(self) -> None:
        """Its code. Runs in a greenlet of its own."""
        raise NotImplementedError

    def ended(self) -> None:
        """Called on the hub when the body has returned."""
        raise NotImplementedError

    def expired(self) -> None:
        """Called on the hub when the deadline has passed and the body was ended."""
        raise NotImplementedError

    def write(self, text: str) -> None:
        """Keep what its code wrote to stdout or stderr."""
        raise NotImplementedError


class HandlerGreenlet(greenlet):
    """A greenlet that runs one activity after another: making one costs more than all its switches."""

    def __init__(self, hub: Hub) -> None:
        super().__init__(None, hub.greenlet)
        self.hub = hub
        self.activity: Activity | None = None

    def run(self, activity: Activity) -> None:
        """Run activities until the hub closes."""
        while True:
            try:
                activity.body()
            except GreenletExit:
                if not activity.over:
                    raise
            self.activity = None
            self.gr_context = None
            try:
                activity = self.hub.greenlet.switch(activity)
            except GreenletExit:
                return

    def pause(self, wait_ms: int) -> None:
        """Let wait_ms of virtual time pass. Raises GreenletExit where the activity is ended."""
        activity = self.activity
        assert activity is not None
        if activity.over:
            self.leave(activity)
        if wait_ms <= 0:
            return
        timeline = self.hub.timeline
        due_ms = timeline.now_ms() + wait_ms
        activity.serial += 1
        if due_ms > activity.deadline_ms:
            self.hub.watch_deadline(activity.root)
        elif self.hub.leap(due_ms):
            # Nobody else had anything to do meanwhile.
            return
        else:
            timeline.call_at(due_ms, partial(self.hub.wake, activity, activity.serial))
        self.suspend()

    def wait_for(self, start: Callable[[Callable[[T], None]], None], timeout_ms: int | None = None) -> T | None:
        """Start something that calls back with its answer, and wait for that; None where the time is over first.

        The deadline holds here too.
        """
        activity = self.activity
        assert activity is not None
        if activity.over:
            self.leave(activity)
        hub = self.hub
        activity.serial += 1
        serial = activity.serial
        answers: list[T] = []
        waiting = False

        def done(answer: T) -> None:
            answers.append(answer)
            if waiting:
                hub.timeline.call_at(hub.timeline.now_ms(), partial(hub.wake, activity, serial))

        start(done)
        if not answers:
            waiting = True
            hub.watch_deadline(activity.root)
            if timeout_ms is not None:
                hub.timeline.call_at(hub.timeline.now_ms() + timeout_ms, partial(hub.wake, activity, serial))
            self.suspend()
        return answers[0] if answers else None

    def suspend(self) -> None:
        # asyncio allows one running loop a thread; each greenlet has its own, so it is taken along.
        loop = asyncio.events._get_running_loop()
        if loop is None:
            self.hub.greenlet.switch(None)
            return
        asyncio.events._set_running_loop(None)
        try:
            self.hub.greenlet.switch(None)
        finally:
            asyncio.events._set_running_loop(loop)

    def leave(self, activity: Activity) -> None:
        """End code that runs on after its activity is over: no wait and no AWS call of a `finally` goes through."""
        activity.exits += 1
        if activity.exits > _PATIENCE:
            self.hub.leave_standing(self, activity)
        raise GreenletExit


class Hub:
    """Starts activities, wakes them, ends them. Belongs to the greenlet that makes it."""

    def __init__(self, timeline: Timeline, show_now: Callable[[], None]) -> None:
        self.timeline = timeline
        self.greenlet = getcurrent()
        self.entries = 0
        """How often an activity was started or woken: where it stands still, somebody is busy or stuck."""
        self._started_ms = timeline.now_ms()
        self._show_now = show_now
        self._idle: list[HandlerGreenlet] = []
        self._live: dict[Activity, None] = {}
        self._variables = Variables()
        self._leaps = 0
        """How many waits the activity that runs may still leap over; none before it has waited, for whoever has
        started it may go on in the same moment."""

    def elapsed_ms(self) -> int:
        """Virtual milliseconds since the hub was made: small numbers, exact enough as floats of seconds."""
        return self.timeline.now_ms() - self._started_ms

    def start(self, activity: Activity) -> None:
        """Run an activity until it first waits; from inside another one, as soon as that one waits."""
        if getcurrent() is not self.greenlet:
            self.timeline.call_at(self.timeline.now_ms(), partial(self.start, activity))
            return
        if activity.root.over:
            return
        greenlet = self._idle.pop() if self._idle else HandlerGreenlet(self)
        greenlet.activity = activity
        activity.greenlet = greenlet
        self._live[activity] = None
        self._leaps = 0
        self._enter(activity, partial(greenlet.switch, activity))

    def wake(self, activity: Activity, serial: int) -> None:
        """Go on with an activity whose wait is over, unless that was an earlier wait."""
        if activity.serial == serial and not activity.over:
            activity.serial += 1
            assert activity.greenlet is not None
            self._leaps = _LEAPS
            self._enter(activity, activity.greenlet.switch)

    def leap(self, due_ms: int) -> bool:
        """Let the time be due_ms without leaving the activity that runs; whether that was possible."""
        if not self._leaps or not self.timeline.leap(due_ms):
            return False
        self._leaps -= 1
        self.entries += 1
        self._show_now()
        return True

    def watch_deadline(self, activity: Activity) -> None:
        """See to it that an activity ends at its deadline, whatever it waits for then."""
        if not activity.expiring:
            activity.expiring = True
            self.timeline.call_at(activity.deadline_ms, partial(self._expire, activity))

    def _expire(self, activity: Activity) -> None:
        if not activity.over:
            self._end(activity)
            activity.expired()

    def close(self) -> None:
        """End whatever still runs; nobody is told. Greenlets are freed."""
        for activity in list(self._live):
            if not activity.over:
                self._end(activity)
        for idle in self._idle:
            idle.throw(GreenletExit)
        self._idle.clear()
        self._variables.show(NONE)

    def leave_standing(self, greenlet: HandlerGreenlet, activity: Activity) -> None:
        """From inside an activity that cannot be ended: count it as ended and never come back to it."""
        _left_standing.append(greenlet)
        activity.greenlet = None
        while True:
            self.greenlet.switch(activity)

    def _end(self, activity: Activity) -> None:
        activity.over = True
        self._end_parts(activity)
        assert activity.greenlet is not None
        self._enter(activity, partial(activity.greenlet.throw, GreenletExit))

    def _enter(self, activity: Activity, resume: Callable[[], Any]) -> None:
        self.entries += 1
        self._show_now()
        self._variables.show(activity.variables)
        loop = asyncio.events._get_running_loop()
        if loop is not None:
            asyncio.events._set_running_loop(None)
        try:
            finished = resume()
        except BaseException:
            # The greenlet is gone with it: an interrupt, or a mistake of ours.
            del self._live[activity]
            raise
        finally:
            if loop is not None:
                asyncio.events._set_running_loop(loop)
        if finished is not None:
            self._finish(finished)

    def _finish(self, activity: Activity) -> None:
        del self._live[activity]
        if activity.greenlet is not None:
            self._idle.append(activity.greenlet)
        if not activity.over:
            activity.over = True
            self._end_parts(activity)
            activity.ended()

    def _end_parts(self, activity: Activity) -> None:
        for part in activity.parts or ():
            if not part.over and part in self._live:
                self._end(part)
