"""Fibers, tickets, timers and forks: the one kernel under both clocks. Sans-IO: it is told the time.

A *fiber* is a program (a generator of effects) under way. A *ticket* names one wait of one fiber: whoever answers late,
or for a fiber that was cancelled meanwhile, holds a stale ticket and is dropped. Entries of the heap are
``(due_ms, serial, …)``: the serial keeps equal times in the order they were scheduled, which is all that determinism
needs. Nothing here recurses over items: fibers that become ready wait in a queue for their turn.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from heapq import heapify, heappop, heappush
from typing import Any, TypeAlias

from stepsim.asl.errors import TIMEOUT, StatesError
from stepsim.runtime.effects import Expired, Fork, Invoke, NotBefore, Program, Sleep
from stepsim.runtime.fiber import VOID, Deadline, Fiber, ForkRun, OnDone, Ticket

Perform: TypeAlias = Callable[[Ticket, Any], None]

_COMPACT_ABOVE = 4096

_Entry: TypeAlias = tuple[int, int, Fiber | None, int, Any, Any]


class Scheduler:
    """Runs fibers against a clock that somebody else moves.

    `perform(ticket, request)` is called for each Invoke; it answers with `complete` or `complete_at`, at once or later.
    """

    def __init__(self, perform: Perform, now_ms: int = 0) -> None:
        self.now_ms = now_ms
        self._perform = perform
        self._heap: list[_Entry] = []
        self._ready: deque[tuple[Fiber, int, Any, StatesError | None]] = deque()
        self._serial = 0
        self._stale = 0
        self._enough: Callable[[], bool] | None = None
        self.failing: Fiber | None = None
        """The fiber in whose step an exception came up that is no StatesError; `advance` has raised it."""
        self.wake: Callable[[], None] | None = None
        """Called when a wait is answered from outside: a driver that sleeps has something to do."""
        self.may_leap = False
        """Set by a driver that jumps from deadline to deadline, and has nothing to do in between."""

    # -- what drivers and performers call -------------------------------------------------------------------------

    def spawn(self, program: Program, on_done: OnDone | None = None, deadline_ms: int | None = None) -> Fiber:
        """Start a program. `on_done(result, error)` is called when it ends, but not when it is cancelled.

        Where deadline_ms passes first, Expired is thrown into the program and everything it forked is cancelled.
        """
        fiber = Fiber(program, self.now_ms)
        fiber.on_done = on_done
        if deadline_ms is not None:
            fiber.deadline = Deadline(self, fiber)
            self.call_at(deadline_ms, fiber.deadline)
        self._ready.append((fiber, 0, None, None))
        if self.wake is not None:
            self.wake()
        return fiber

    def complete(self, ticket: Ticket, value: Any = None, error: StatesError | None = None) -> None:
        """Answer a wait now. A stale ticket is dropped."""
        self._ready.append((ticket[0], ticket[1], value, error))
        if self.wake is not None:
            self.wake()

    def complete_at(self, due_ms: int, ticket: Ticket, value: Any = None, error: StatesError | None = None) -> None:
        """Answer a wait at a later moment, unless it has ended by then."""
        self._serial += 1
        heappush(self._heap, (due_ms, self._serial, ticket[0], ticket[1], value, error))

    def call_at(self, due_ms: int, callback: Callable[[], None]) -> None:
        """Call back at a later moment."""
        self._serial += 1
        heappush(self._heap, (due_ms, self._serial, None, 0, callback, None))

    def leap(self, due_ms: int) -> bool:
        """Let the time be due_ms at once, if nothing else would happen until then; whether it is.

        For who is called back by `advance`, and would do nothing more than have itself called back at due_ms.
        """
        heap = self._heap
        if not self.may_leap or self._ready or (heap and heap[0][0] <= due_ms):
            return False
        self.now_ms = due_ms
        return True

    def heartbeat(self, ticket: Ticket) -> bool:
        """Start the longest silence of a wait again. False where the ticket is stale."""
        fiber, wait = ticket
        if fiber.wait != wait:
            return False
        if fiber.heartbeat is not None:
            silence_ms, _ = fiber.heartbeat
            fiber.heartbeat = (silence_ms, self.now_ms + silence_ms)
        return True

    def is_open(self, ticket: Ticket) -> bool:
        """True while somebody still waits for the answer."""
        return ticket[0].wait == ticket[1]

    def interrupt(self, fiber: Fiber, error: BaseException) -> None:
        """Throw an exception into a fiber, whatever it waits for; what it forked is cancelled first."""
        if fiber.ended:
            return
        self._leave_fork(fiber)
        self._step(fiber, None, error)
        self._drain()

    def interrupt_branch(self, fork: Fork, program: Program, error: BaseException) -> None:
        """Throw an exception into one branch of a fork that is under way."""
        run = fork.run
        if run is not None:
            for fiber in tuple(run.running):
                if fiber.program is program:
                    self.interrupt(fiber, error)

    def cancel(self, fiber: Fiber) -> None:
        """End a fiber and everything it forked, without a word to anybody."""
        if fiber.ended:
            return
        fiber.wait = VOID
        if fiber.deadline is not None:
            self._forget_deadline(fiber.deadline)
        self._leave_fork(fiber)
        fiber.program.close()

    def resize(self, fork: Fork, max_concurrency: int | None) -> None:
        """Let a fork that may be under way run more or fewer branches at once; those that run already run on."""
        fork.max_concurrency = max_concurrency
        run = fork.run
        if run is not None and run.owner.fork is run:
            if not run.paused:
                self._refill(run)
            if self.wake is not None:
                self.wake()

    def end_fork(self, fork: Fork) -> None:
        """End a fork that may be under way, as `collect` would; of one whose owner has gone, what still runs."""
        run = fork.run
        if run is None:
            return
        if run.orphaned:
            self._cancel_fork(run)
        else:
            self._end_fork(run, None, None)
            if self.wake is not None:
                self.wake()

    def next_deadline(self) -> int | None:
        """The moment at which the scheduler wants to be woken: now if something is ready, None if nothing is due."""
        if self._ready:
            return self.now_ms
        return self._heap[0][0] if self._heap else None

    def advance(self, now_ms: int, enough: Callable[[], bool] | None = None) -> None:
        """Let the time be now_ms: everything due by then happens, in its order.

        A driver that has others to attend to says when it is `enough`: it is asked after each step, and then the rest
        is left as it is, and `next_deadline` says that there is more to be done now.
        """
        self._enough = enough
        try:
            self._advance(now_ms)
        finally:
            self._enough = None

    def jump(self) -> bool:
        """Let it be the next deadline: what is due by then happens. False where nothing ever is."""
        if self._ready:
            self._advance(self.now_ms)
        elif self._heap:
            self._advance(self._heap[0][0])
        else:
            return False
        return True

    def _advance(self, now_ms: int) -> None:
        heap, ready, enough = self._heap, self._ready, self._enough
        if ready:
            # What was answered from outside was answered by now, or before the next timer.
            answered_ms = min(now_ms, heap[0][0]) if heap else now_ms
            self.now_ms = max(self.now_ms, answered_ms)
            self._drain()
        while heap and heap[0][0] <= now_ms and not ready:
            due_ms, _, fiber, wait, value, error = heappop(heap)
            if due_ms > self.now_ms:
                self.now_ms = due_ms
            if fiber is None:
                value()
            elif fiber.wait == wait:
                try:
                    self._step(fiber, value, error)
                except Exception:
                    self.failing = fiber
                    raise
            if ready:
                self._drain()
            if enough is not None and enough():
                return
        if now_ms > self.now_ms and not ready:
            self.now_ms = now_ms

    # -- stepping -------------------------------------------------------------------------------------------------

    def _drain(self) -> None:
        ready = self._ready
        enough = self._enough
        while ready:
            fiber, wait, value, error = ready.popleft()
            if fiber.wait == wait:
                try:
                    self._step(fiber, value, error)
                except Exception:
                    self.failing = fiber
                    raise
                if enough is not None and enough():
                    return

    def _step(self, fiber: Fiber, value: Any, error: BaseException | None) -> None:
        fiber.wait += 1
        if fiber.armed:
            fiber.armed = False
            self._forget_timer()
        try:
            effect = fiber.program.send(value) if error is None else fiber.program.throw(error)
        except StopIteration as stop:
            self._finish(fiber, stop.value, None)
            return
        except StatesError as failure:
            self._finish(fiber, None, failure)
            return
        kind = type(effect)
        if kind is Invoke:
            ticket = (fiber, fiber.wait)
            if effect.deadline_ms is not None or effect.heartbeat_ms is not None:
                self._arm(ticket, effect)
            self._perform(ticket, effect.request)
        elif kind is Sleep:
            self.complete_at(effect.until_ms, (fiber, fiber.wait))
        elif kind is Fork:
            fiber.fork = effect.run = ForkRun(fiber, effect)
            self._refill(fiber.fork)
        else:
            raise TypeError(f"A program yielded {effect!r}, which is not an effect")

    def _finish(self, fiber: Fiber, result: Any, error: StatesError | None) -> None:
        fiber.wait = VOID
        if fiber.deadline is not None:
            self._forget_deadline(fiber.deadline)
        if fiber.parent is not None:
            self._branch_done(fiber.parent, fiber, result, error)
        elif fiber.on_done is not None:
            fiber.on_done(result, error)
        elif error is not None:
            raise error

    # -- deadlines and heartbeats ---------------------------------------------------------------------------------

    def _arm(self, ticket: Ticket, effect: Invoke) -> None:
        if effect.deadline_ms is not None:
            ticket[0].armed = True
            self.complete_at(effect.deadline_ms, ticket, None, StatesError(TIMEOUT))
        ticket[0].heartbeat = None
        if effect.heartbeat_ms is not None:
            ticket[0].heartbeat = (effect.heartbeat_ms, self.now_ms + effect.heartbeat_ms)
            self._watch_heartbeat(ticket)

    def _watch_heartbeat(self, ticket: Ticket) -> None:
        fiber, wait = ticket
        if fiber.wait != wait or fiber.heartbeat is None:
            return
        _, silent_until_ms = fiber.heartbeat
        if silent_until_ms <= self.now_ms:
            # AWS reports a missed heartbeat as States.Timeout (recorded); the name HeartbeatTimeout only matches it.
            self.complete(ticket, None, StatesError(TIMEOUT, heartbeat=True))
        else:
            self.call_at(silent_until_ms, lambda: self._watch_heartbeat(ticket))

    def _forget_timer(self) -> None:
        # A deadline that was not needed stays in the heap until it is due. Where most of the heap is such leftovers,
        # it is built anew: the cost is spread over the waits that left them.
        self._stale += 1
        if self._stale > _COMPACT_ABOVE and self._stale * 2 > len(self._heap):
            self._heap[:] = [entry for entry in self._heap if _awaited(entry)]
            heapify(self._heap)
            self._stale = 0

    def _forget_deadline(self, deadline: Deadline) -> None:
        deadline.fiber = None
        self._forget_timer()

    # -- forks ----------------------------------------------------------------------------------------------------

    def _refill(self, run: ForkRun) -> None:
        effect, running = run.effect, run.running
        limit = effect.max_concurrency
        while (limit is None or len(running) < limit) and not run.exhausted:
            try:
                branch = next(effect.branches, None)
            except StatesError as error:
                self._end_fork(run, None, error)
                return
            if branch is None:
                run.exhausted = True
            elif isinstance(branch, NotBefore):
                run.paused = True
                if run.resume is None:
                    run.resume = partial(self._resume_fork, run)
                self.call_at(branch.until_ms, run.resume)
                break
            else:
                self._start_branch(run, branch)
        if run.exhausted and not running:
            self._end_fork(run, run.results, None)
        elif effect.limit_ms is not None and running and not run.watching:
            self._watch_lifetimes(run)

    def _start_branch(self, run: ForkRun, branch: Program) -> None:
        fiber = Fiber(branch, self.now_ms, run, run.started)
        run.started += 1
        run.running[fiber] = None
        if run.effect.collect is None:
            run.results.append(None)
        self._ready.append((fiber, 0, None, None))

    def _resume_fork(self, run: ForkRun) -> None:
        if run.owner.fork is run:
            run.paused = False
            self._refill(run)

    def _branch_done(self, run: ForkRun, fiber: Fiber, result: Any, error: StatesError | None) -> None:
        if run.owner.fork is not run:
            if run.orphaned and run.running.pop(fiber, fiber) is None:
                self._orphan_done(run, fiber.index, result)
            return
        del run.running[fiber]
        if run.failing:
            return
        if error is not None:
            self._fail_fork(run, error)
            return
        collect = run.effect.collect
        if collect is None:
            run.results[fiber.index] = result
        elif collect(fiber.index, result):
            self._end_fork(run, None, None)
            return
        if not run.paused:
            self._refill(run)

    def _fail_fork(self, run: ForkRun, error: StatesError) -> None:
        # What happens in the same millisecond happens all the same: AWS notices a failure a little later (recorded).
        run.failing = True
        heap = self._heap
        if heap and heap[0][0] <= self.now_ms:
            self.call_at(self.now_ms, lambda: self._end_fork(run, None, error))
        else:
            self._end_fork(run, None, error)

    def _end_fork(self, run: ForkRun, results: list[Any] | None, error: StatesError | None) -> None:
        owner = run.owner
        if owner.fork is not run:
            return
        owner.fork = None
        self._cancel_fork(run)
        self._ready.append((owner, owner.wait, results, error))

    def _leave_fork(self, fiber: Fiber) -> None:
        """Take a fiber from the fork that it waits for; the branches end with it, unless they outlive it."""
        run, fiber.fork = fiber.fork, None
        if run is None:
            return
        if run.effect.outlived is not None and run.running:
            run.exhausted = run.orphaned = True
        else:
            self._cancel_fork(run)

    def _orphan_done(self, run: ForkRun, index: int, result: Any) -> None:
        effect = run.effect
        if effect.collect is not None:
            effect.collect(index, result)
        if not run.running and effect.outlived is not None:
            effect.run = None
            effect.outlived()

    def _cancel_fork(self, run: ForkRun) -> None:
        run.exhausted = True
        run.effect.run = None
        for fiber in tuple(run.running):
            self.cancel(fiber)
        run.running.clear()

    def _watch_lifetimes(self, run: ForkRun) -> None:
        # All branches of a fork may live equally long, so the one started first expires first: one timer is enough.
        oldest = next(iter(run.running))
        run.watching = True
        self.call_at(oldest.started_ms + (run.effect.limit_ms or 0), lambda: self._expire(run))

    def _expire(self, run: ForkRun) -> None:
        run.watching = False
        if run.owner.fork is not run and not run.orphaned:
            return
        overdue_ms = self.now_ms - (run.effect.limit_ms or 0)
        for fiber in tuple(run.running):
            if fiber.started_ms > overdue_ms:
                break
            self.interrupt(fiber, Expired())
        if (run.owner.fork is run or run.orphaned) and run.running and not run.watching:
            self._watch_lifetimes(run)


def _awaited(entry: _Entry) -> bool:
    """True where something will happen when an entry of the heap is due."""
    _, _, fiber, wait, value, _ = entry
    if fiber is not None:
        return fiber.wait == wait
    return not isinstance(value, Deadline) or value.fiber is not None
