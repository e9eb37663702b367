"""Where a replay first does something else than what was recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stepsim.asl.payload import JSON, encode
from stepsim.runtime.machine_tests.json_diff import differences
from stepsim.runtime.machine_tests.normalise import Normaliser
from stepsim.runtime.machine_tests.visits import Attempt, Reading, Visit

_WAIT_MS = 2_000
"""By so much a Wait of AWS's own may differ."""
_WAIT_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Divergence:
    """The first difference."""

    state: str | None
    """Where; None where it is about the execution as a whole."""
    what: str
    """``entered``, ``input``, ``sent``, ``retried``, ``came to``, ``waited``, ``output``, ``assigned``, ``ended`` or
    ``unrecorded``."""
    message: str
    """A sentence, and lines about the data."""

    def __str__(self) -> str:
        return self.message


class Comparison:
    """Holds what was replayed against what was recorded."""

    def __init__(self, recorded: Reading, now: Reading) -> None:
        self._recorded = recorded
        self._now = now
        self._then = Normaliser(recorded.start_ms, recorded.stop_ms, arns=True).value
        last_ms = now.stop_ms or max((visit.ended_ms or visit.entered_ms for visit in now.visits), default=None)
        self._here = Normaliser(now.start_ms, last_ms, arns=True).value
        self._stopped = now.status == "RUNNING"
        """True where the replay could not go on."""

    def first(self) -> Divergence | None:
        """The first difference; None where there is none."""
        recorded, now = self._recorded, self._now
        found = self._visits(recorded.visits, now.visits, "")
        if found is not None or self._stopped:
            return found
        if recorded.status != now.status or recorded.error != now.error:
            message = f"the execution {_end(now)}; the record {_end(recorded)}"
            return Divergence(None, "ended", message)
        return self._values(None, "output", "the execution's output", recorded.output, now.output)

    def _visits(self, then: Sequence[Visit], now: Sequence[Visit], where: str) -> Divergence | None:
        after = ""
        for number in range(max(len(then), len(now))):
            if number >= len(now):
                if self._stopped:
                    return None
                gone = then[number].state
                return Divergence(gone, "entered", f"{where}{after}the record entered {gone!r}; now that is the end")
            entered = now[number]
            if number >= len(then):
                message = f"{where}{after}{entered.state!r} is entered now; the record ended there"
                return Divergence(entered.state, "entered", message)
            if then[number].state != entered.state:
                message = f"{where}{after}{entered.state!r} is entered now; the record entered {then[number].state!r}"
                return Divergence(entered.state, "entered", message)
            found = self._visit(then[number], entered, where)
            if found is not None:
                return found
            after = f"after {entered.state!r}, "
        return None

    def _visit(self, then: Visit, now: Visit, where: str) -> Divergence | None:
        name = now.state
        found = self._values(name, "input", f"{where}the input of {name!r}", then.input, now.input)
        if found is not None:
            return found
        for number, attempt in enumerate(now.attempts):
            if number >= len(then.attempts):
                return Divergence(
                    name, "retried", f"{where}{name!r} is tried {_times(now)} now; the record tried it {_times(then)}"
                )
            nth = f"attempt {number + 1} of {name!r}" if len(now.attempts) > 1 else repr(name)
            found = self._attempt(name, then.attempts[number], attempt, f"{where}{nth}")
            if found is not None:
                return found
        if self._stopped and not now.exited:
            return None
        if len(then.attempts) > len(now.attempts):
            return Divergence(
                name, "retried", f"{where}{name!r} is tried {_times(now)} now; the record tried it {_times(then)}"
            )
        return self._end_of(then, now, where)

    def _end_of(self, then: Visit, now: Visit, where: str) -> Divergence | None:
        name = now.state
        if then.exited != now.exited:
            ends = "goes on" if now.exited else f"fails with {now.error or 'an error'}"
            before = "went on" if then.exited else f"failed with {then.error or 'an error'}"
            return Divergence(name, "ended", f"{where}{name!r} {ends} now; in the record it {before}")
        if now.type == "Wait" and now.ended_ms is not None and then.ended_ms is not None:
            waits_ms, waited_ms = now.ended_ms - now.entered_ms, then.ended_ms - then.entered_ms
            if abs(waits_ms - waited_ms) > max(_WAIT_MS, _WAIT_SHARE * waited_ms):
                message = (
                    f"{where}{name!r} waits {waits_ms / 1000:g}s now; in the record it waited {waited_ms / 1000:g}s"
                )
                return Divergence(name, "waited", message)
        found = self._values(name, "assigned", f"{where}what {name!r} assigns", then.assigned, now.assigned)
        return found or self._values(name, "output", f"{where}the output of {name!r}", then.output, now.output)

    def _attempt(self, name: str, then: Attempt, now: Attempt, where: str) -> Divergence | None:
        found = self._values(name, "sent", f"what {where} sends", then.parameters, now.parameters)
        if found is not None:
            return found
        groups, before = _groups(now), _groups(then)
        for index in sorted({*groups, *before}):
            if index not in groups or index not in before:
                if then.failed or now.failed or self._stopped:
                    continue
                message = f"{where} runs {len(groups)} branches or iterations now; the record has {len(before)}"
                return Divergence(name, "entered", message)
            then_inner, cut = _whole(before[index], then)
            now_inner, cut_now = _whole(groups[index], now)
            if cut or cut_now:
                shared = min(len(then_inner), len(now_inner))
                then_inner, now_inner = then_inner[:shared], now_inner[:shared]
            found = self._visits(then_inner, now_inner, f"{where}, {index}: ")
            if found is not None:
                return found
        if (then.failed, then.error) == (now.failed, now.error) or now.ended_ms is None:
            return None
        return Divergence(name, "came to", f"{where} {_outcome(now)} now; in the record it {_outcome(then)}")

    def _values(self, state: str | None, what: str, words: str, then: JSON, now: JSON) -> Divergence | None:
        if then == now and encode(then) == encode(now):
            return None
        lines = list(differences(self._then(then), self._here(now)))
        if not lines:
            return None
        return Divergence(state, what, "\n".join([f"{words} is another now:", *(f"    {line}" for line in lines)]))


def _groups(attempt: Attempt) -> dict[int, list[Visit]]:
    groups: dict[int, list[Visit]] = {}
    for visit in attempt.inner:
        groups.setdefault(visit.index or 0, []).append(visit)
    return groups


def _whole(visits: list[Visit], attempt: Attempt) -> tuple[list[Visit], bool]:
    """The visits of a branch without the one that another branch's failure has cut short; and whether there was one."""
    cut = attempt.failed and not visits[-1].exited and visits[-1].error is None
    return (visits[:-1], True) if cut else (visits, False)


def _times(visit: Visit) -> str:
    count = len(visit.attempts)
    return "once" if count == 1 else "twice" if count == 2 else f"{count} times"


def _outcome(attempt: Attempt) -> str:
    return f"failed with {attempt.error or 'an error'}" if attempt.failed else "succeeded"


def _end(reading: Reading) -> str:
    return f"{reading.status} with {reading.error}" if reading.error else reading.status
