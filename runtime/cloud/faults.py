"""Injected faults at work: rules matched against calls, tasks and functions, and what became of each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from fnmatch import translate
from functools import partial
from glob import escape, has_magic
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from stepsim.asl.payload import JSON
from stepsim.runtime.cloud.call import ApiError, CallSite
from stepsim.runtime.cloud.fault_effects import CallEffect, call_effect
from stepsim.runtime.cloud.fault_rules import STATUS, FaultRule, fault_text
from stepsim.runtime.dice import Dice

if TYPE_CHECKING:
    from stepsim.runtime.cloud.fault_versions import Versions

__all__ = ["FaultRule", "Faults", "Refusal", "Strike"]

Clock: TypeAlias = Callable[[], int]
"""Milliseconds since the run began."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a fault does to the one call, task or invocation it struck."""

    code: str | None
    """The error's name; None where it only makes the call slow, or hang, or leaves it an answer."""
    message: str = ""
    status: int = 400
    """The HTTP status of a call's refusal."""
    hang: bool = False
    """Nothing ever comes back: the caller waits until its own time-out."""
    delay_ms: int = 0
    """Comes on top of the time the call takes anyhow."""
    by_service: bool = False
    """The service itself refuses: of an invocation, Lambda does, and not the function."""
    crash: Literal["before", "after"] | None = None
    """The invocation's process ends, before or after the work is done."""
    duplicate: bool = False
    """The invocation happens twice."""
    effect: CallEffect | None = None
    """What stands between a call and its answer."""
    draw: Callable[..., float] | None = None
    """The effect's own dice, of the one place that was struck."""

    @property
    def refuses(self) -> bool:
        """The call is not served."""
        return self.hang or self.code is not None

    def api_error(self) -> ApiError:
        """The refusal as the call's error."""
        return ApiError(self.code or "RequestTimeout", self.message, self.status)


@dataclass(frozen=True, slots=True)
class Strike:
    """One time that a fault struck, with all that tells the place apart."""

    rule: FaultRule
    call: str | None
    """The call; None where it was a task or an invocation."""
    execution: str
    state: str
    function: str
    place: str
    item: int | None
    attempt: int
    """As people count."""
    call_number: int
    at_ms: int

    def exact(self) -> FaultRule:
        """The fault that strikes here and nowhere else, and does the same."""
        rule = self.rule
        service = None if self.call is not None else rule.service
        return replace(
            rule,
            call=self.call,
            service=service,
            key=None,
            execution=escape(self.execution),
            state=self.state or None,
            function=self.function or None,
            place=self.place,
            item=self.item,
            batch=None,
            attempt=self.attempt,
            call_number=None if self.call is None else self.call_number,
            probability=1.0,
            from_ms=0,
            to_ms=None,
            line=0,
        )


@dataclass(slots=True)
class _Meeting:
    """A call, task or invocation that a fault may strike."""

    site: CallSite
    params: Mapping[str, Any]
    number: int
    now_ms: int


_Aim: TypeAlias = tuple[str, Callable[[_Meeting], bool]]


class _Armed:
    """A rule made ready: its aims compiled, its dice named, its refusal built once; and what it came upon."""

    __slots__ = ("aims", "considered", "furthest", "index", "met", "name", "refusal", "rule", "shadowed", "struck")

    def __init__(self, rule: FaultRule, name: str, index: int, effect: CallEffect | None) -> None:
        self.rule = rule
        self.name = name
        self.index = index
        self.aims = _aims(rule)
        self.met = self.considered = self.struck = 0
        self.shadowed = False
        self.furthest = -1
        """The last of its aims that anything failed at."""
        self.refusal = Refusal(
            rule.error,
            rule.cause,
            rule.status or STATUS,
            rule.hang,
            rule.delay_ms,
            rule.service is not None,
            rule.crash,
            rule.duplicate,
            effect,
        )

    def fits(self, meeting: _Meeting) -> bool:
        """Whether it aims at this."""
        self.met += 1
        for number, (_, hits) in enumerate(self.aims):
            if not hits(meeting):
                if number > self.furthest:
                    self.furthest = number
                return False
        self.considered += 1
        return True

    def story(self) -> str | None:
        """Why it never struck; None where it did."""
        if self.struck:
            return None
        subject = _SUBJECTS[self.rule.kind].format(getattr(self.rule, self.rule.kind))
        if not self.met:
            return f"{subject} never came up"
        if self.shadowed:
            return "what it aims at was struck by a fault before it"
        if self.considered:
            return f"what it aims at came up {_times(self.considered)}, but its probability never fell"
        return f"{subject} came up {_times(self.met)}, but never with {self.aims[self.furthest][0]}"


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number:,} times"


_SUBJECTS = {"call": "the call {}", "service": "a call of {}", "function": "the function {}", "state": "the state {}"}


def _aims(rule: FaultRule) -> tuple[_Aim, ...]:
    """What a rule asks for beside its subject, the broadest first."""
    aims: list[_Aim] = []
    if rule.state is not None and rule.kind != "state":
        aims.append((f"the state {rule.state}", lambda met: met.site.state == rule.state))
    if rule.function is not None and rule.kind != "function":
        aims.append((f"the function {rule.function}", lambda met: met.site.function == rule.function))
    if rule.execution is not None:
        named = re.compile(translate(rule.execution)).match
        aims.append((f"an execution like {rule.execution}", lambda met: bool(named(met.site.execution))))
    if rule.key is not None:
        like = re.compile(translate(rule.key)).match
        aims.append((f"a key like {rule.key}", lambda met: any(map(like, _key_texts(met.params.get("Key"))))))
    if rule.item is not None:
        aims.append((f"the item {rule.item}", lambda met: met.site.item == rule.item))
    if rule.batch is not None:
        aims.append((f"the batch {rule.batch}", lambda met: met.site.batch == rule.batch))
    if rule.place is not None:
        aims.append((f"the place {rule.place}", lambda met: str(met.site.place) == rule.place))
    if rule.attempt is not None:
        aims.append((f"attempt {rule.attempt}", lambda met: met.site.attempt + 1 == rule.attempt))
    if rule.call_number is not None:
        aims.append((f"call number {rule.call_number}", lambda met: met.number + 1 == rule.call_number))
    if rule.stale:
        aims.append(("a read that need not be consistent", lambda met: not met.params.get("ConsistentRead")))
    if rule.from_ms or rule.to_ms is not None:
        to_ms = rule.to_ms
        until = "" if to_ms is None else f" and before {to_ms / 1000:g} s"
        when = f"a time from {rule.from_ms / 1000:g} s on{until}"
        aims.append((when, lambda met: rule.from_ms <= met.now_ms and (to_ms is None or met.now_ms < to_ms)))
    return tuple(aims)


_ESCAPED = re.compile(r"\[([*?[])\]")
"""How a glob writes a character that means itself."""


class _Candidates:
    """The rules for one subject, in their order: those for any execution, and those for a single one."""

    __slots__ = ("_any", "_by_execution")

    def __init__(self, armed: Sequence[_Armed]) -> None:
        self._any: list[_Armed] = []
        self._by_execution: dict[str, list[_Armed]] = {}
        for each in armed:
            name = each.rule.execution
            if name is None or has_magic(_ESCAPED.sub("", name)):
                self._any.append(each)
            else:
                # It stands for one execution: thousands of such rules cost what one does.
                self._by_execution.setdefault(_ESCAPED.sub(r"\1", name), []).append(each)

    def of(self, execution: str) -> Sequence[_Armed]:
        """Those that may strike in an execution."""
        single = self._by_execution.get(execution)
        if single is None:
            return self._any
        return sorted((*self._any, *single), key=lambda armed: armed.index)


class Faults:
    """The faults of a run. Where several rules match, the first that strikes wins.

    Whether a rule strikes is drawn from the rule's and the place's names, so that one more fault shifts nobody's dice.
    """

    def __init__(
        self, rules: Iterable[FaultRule], dice: Dice, clock: Clock, log: Callable[[Strike], None] | None = None
    ) -> None:
        """`log` is told of each strike."""
        self._dice = dice
        self._clock = clock
        self._log = log
        self._versions: Versions | None = None
        self._armed: list[_Armed] = []
        self._by_subject: dict[str, list[_Armed]] = {}
        self._known: dict[str, _Candidates | None] = {}
        for index, rule in enumerate(rules):
            same = self._by_subject.setdefault(rule.subject, [])
            twins = sum(other.rule.effect == rule.effect for other in same)
            effect = self._stale_effect() if rule.stale else call_effect(rule)
            armed = _Armed(rule, f"{rule.subject}/{rule.effect}/{twins}", index, effect)
            same.append(armed)
            self._armed.append(armed)

    def _stale_effect(self) -> CallEffect:
        if self._versions is None:
            from stepsim.runtime.cloud.fault_versions import Versions  # moto's services, seldom asked to lie

            self._versions = Versions()
        return self._versions.read_stale

    def watched(self) -> AbstractContextManager[None]:
        """What the account's writes are watched within, from the set-up on: stale reads need to know of them."""
        return nullcontext() if self._versions is None else self._versions.watched()

    def strike_call(self, name: str, params: Mapping[str, Any], site: CallSite, number: int) -> Refusal | None:
        """The refusal of the API call `name` (``s3.GetObject``), the site's number-th attempt; None lets it pass."""
        candidates = self._known[name] if name in self._known else self._find(name, "call", name.partition(".")[0])
        if candidates is None:
            return None
        return self._strike(candidates, name, _Meeting(site, params, number, self._clock()))

    def strike_task(self, site: CallSite) -> Refusal | None:
        """The refusal of this attempt of a state's task; None lets it run."""
        key = f"state:{site.state}"
        candidates = self._known[key] if key in self._known else self._find(key, "state", None)
        return None if candidates is None else self._strike(candidates, None, _Meeting(site, {}, 0, self._clock()))

    def strike_function(self, site: CallSite) -> Refusal | None:
        """The refusal of this invocation of a function; None lets it run."""
        if site.settled:
            return None
        key = f"function:{site.function}"
        # What runs elsewhere (ecs/…) has a slash in its name.
        service = None if "/" in site.function else "lambda"
        candidates = self._known[key] if key in self._known else self._find(key, "function", service)
        return None if candidates is None else self._strike(candidates, None, _Meeting(site, {}, 0, self._clock()))

    def report(self) -> list[dict[str, JSON]]:
        """What became of each fault: the report's ``faults``."""
        told: list[dict[str, JSON]] = []
        for armed in self._armed:
            entry: dict[str, JSON] = {"fault": fault_text(armed.rule), "line": armed.rule.line or None}
            entry |= {"struck": armed.struck, "considered": armed.considered, "message": armed.story()}
            told.append(entry)
        return told

    def _find(self, key: str, kind: str, service: str | None) -> _Candidates | None:
        """The rules for a subject, and for its service; None where there are none."""
        subjects = (key if key.startswith(f"{kind}:") else f"{kind}:{key}", f"service:{service}")
        armed = [each for subject in subjects for each in self._by_subject.get(subject, ())]
        found = _Candidates(sorted(armed, key=lambda each: each.index)) if armed else None
        self._known[key] = found
        return found

    def _strike(self, candidates: _Candidates, call: str | None, meeting: _Meeting) -> Refusal | None:
        site = meeting.site
        winner: _Armed | None = None
        for candidate in candidates.of(site.execution):
            if winner is not None:
                if not candidate.considered and candidate.fits(meeting):
                    candidate.shadowed = True
            elif candidate.fits(meeting) and self._falls(candidate, site, meeting.number):
                winner = candidate
        if winner is None:
            return None
        winner.struck += 1
        if self._log is not None:
            self._log(_strike_of(winner.rule, call, meeting))
        if winner.refusal.effect is None:
            return winner.refusal
        return replace(winner.refusal, draw=partial(self._dice.draw, "effect", *_names(site), meeting.number))

    def _falls(self, candidate: _Armed, site: CallSite, number: int) -> bool:
        probability = candidate.rule.probability
        if probability >= 1.0:
            return True
        return self._dice.draw("fault", candidate.name, *_names(site), number) < probability


def _names(site: CallSite) -> tuple[object, ...]:
    return (site.execution, site.state, site.function, site.place, site.item, site.attempt)


def _strike_of(rule: FaultRule, call: str | None, meeting: _Meeting) -> Strike:
    site = meeting.site
    return Strike(
        rule,
        call,
        site.execution,
        site.state,
        # Of a task's own call or attempt, no function's code makes it.
        site.function if call is not None or rule.kind != "state" else "",
        str(site.place),
        site.item,
        site.attempt + 1,
        meeting.number + 1,
        meeting.now_ms,
    )


def _key_texts(key: object) -> list[str]:
    if isinstance(key, str):
        return [key]
    if isinstance(key, dict):
        values = (next(iter(typed.values()), None) if isinstance(typed, dict) else typed for typed in key.values())
        return [str(value) for value in values]
    return []
