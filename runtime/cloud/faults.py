"""Injected faults: what a scenario says shall go wrong, matched against calls, tasks and functions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import translate
from typing import Any, TypeAlias

from stepsim.runtime.cloud.call import ApiError, CallSite
from stepsim.runtime.dice import Dice

Clock: TypeAlias = Callable[[], int]
"""Milliseconds since the run began."""


_STATUSES = {
    "AccessDenied": 403,
    "InternalError": 500,
    "InternalFailure": 500,
    "InternalServerError": 500,
    "NoSuchBucket": 404,
    "NoSuchKey": 404,
    "RequestThrottled": 403,
    "ServiceException": 500,
    "ServiceUnavailable": 503,
    "SlowDown": 503,
    "TooManyRequestsException": 429,
}
"""The statuses of errors that don't come with the usual one."""

_STATUS = 400


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a fault does to the one call, task or invocation it struck."""

    code: str | None
    """The error's name; None where it only makes the call slow, or hang."""
    message: str = ""
    status: int = 400
    """The HTTP status of a call's refusal."""
    hang: bool = False
    """Nothing ever comes back: the caller waits until its own time-out."""
    delay_ms: int = 0
    """Comes on top of the time the call takes anyhow."""

    def api_error(self) -> ApiError:
        """The refusal as the call's error."""
        return ApiError(self.code or "RequestTimeout", self.message, self.status)


@dataclass(frozen=True, slots=True)
class FaultRule:
    """One fault of a scenario. Exactly one of `call`, `state` and `function` says what it strikes."""

    call: str | None = None
    """An API call, as the report spells it: ``s3.GetObject``."""
    state: str | None = None
    function: str | None = None
    key: str | None = None
    """With `call`: a glob that the call's ``Key`` matches (for DynamoDB: one of the key's attribute values)."""
    item: int | None = None
    """The index of the map item."""
    attempt: int | None = None
    """The attempt of the state, as people count: 1 is the first try, 2 the first retry."""
    probability: float = 1.0
    error: str | None = None
    status: int | None = None
    """The HTTP status of a call's refusal; None becomes what AWS sends with that error."""
    cause: str = ""
    hang: bool = False
    delay_ms: int = 0
    from_ms: int = 0
    """Strikes from this moment of the run on."""
    to_ms: int | None = None
    """Strikes before this moment of the run."""

    def __post_init__(self) -> None:
        if sum(subject is not None for subject in (self.call, self.state, self.function)) != 1:
            raise ValueError("A fault strikes exactly one of call, state and function.")
        if self.call is not None and self.call.count(".") != 1:
            raise ValueError(f"A fault's call is written service.Operation, as in s3.GetObject: {self.call!r}")
        if self.key is not None and self.call is None:
            raise ValueError("A fault's key selects calls; with state or function it means nothing.")
        if self.status is None:
            object.__setattr__(self, "status", _STATUSES.get(self.error or "", _STATUS))
        if self.error is None and not self.hang and not self.delay_ms:
            raise ValueError("A fault needs an error, a delay or hang: true.")

    @property
    def subject(self) -> str:
        """What it strikes, with its kind; the dice are named after it."""
        if self.call is not None:
            return f"call:{self.call}"
        return f"state:{self.state}" if self.state is not None else f"function:{self.function}"


class _Armed:
    """A rule made ready: its glob compiled, its dice named, its refusal built once."""

    __slots__ = ("key", "name", "refusal", "rule")

    def __init__(self, rule: FaultRule, name: str) -> None:
        self.rule = rule
        self.name = name
        self.key = None if rule.key is None else re.compile(translate(rule.key)).match
        self.refusal = Refusal(
            rule.error,
            rule.cause,
            rule.status or _STATUS,
            rule.hang,
            rule.delay_ms,
        )


class Faults:
    """The faults of a run. Where several rules match, the first that strikes wins.

    Whether a rule strikes is drawn from the rule's and the place's names, so that one more fault shifts nobody's dice.
    """

    def __init__(self, rules: Iterable[FaultRule], dice: Dice, clock: Clock) -> None:
        self._dice = dice
        self._clock = clock
        self._armed: dict[str, list[_Armed]] = {}
        for rule in rules:
            same = self._armed.setdefault(rule.subject, [])
            twins = sum(other.rule.error == rule.error for other in same)
            same.append(_Armed(rule, f"{rule.subject}/{rule.error}/{twins}"))

    def strike_call(self, name: str, params: dict[str, Any], site: CallSite, number: int) -> Refusal | None:
        """The refusal of the API call `name` (``s3.GetObject``), the site's number-th attempt; None lets it pass."""
        armed = self._armed.get(f"call:{name}")
        return None if armed is None else self._strike(armed, site, number, params)

    def strike_task(self, site: CallSite) -> Refusal | None:
        """The refusal of this attempt of a state's task; None lets it run."""
        armed = self._armed.get(f"state:{site.state}")
        return None if armed is None else self._strike(armed, site, 0, {})

    def strike_function(self, site: CallSite) -> Refusal | None:
        """The refusal of this invocation of a function; None lets it run."""
        armed = self._armed.get(f"function:{site.function}")
        return None if armed is None else self._strike(armed, site, 0, {})

    def _strike(self, armed: list[_Armed], site: CallSite, number: int, params: dict[str, Any]) -> Refusal | None:
        now_ms = self._clock()
        for candidate in armed:
            if self._matches(candidate, site, params, now_ms) and self._falls(candidate, site, number):
                return candidate.refusal
        return None

    @staticmethod
    def _matches(candidate: _Armed, site: CallSite, params: dict[str, Any], now_ms: int) -> bool:
        rule = candidate.rule
        if now_ms < rule.from_ms or (rule.to_ms is not None and now_ms >= rule.to_ms):
            return False
        if rule.item is not None and rule.item != site.item:
            return False
        if rule.attempt is not None and rule.attempt != site.attempt + 1:
            return False
        return candidate.key is None or any(map(candidate.key, _key_texts(params.get("Key"))))

    def _falls(self, candidate: _Armed, site: CallSite, number: int) -> bool:
        probability = candidate.rule.probability
        if probability >= 1.0:
            return True
        place = (site.execution, site.state, site.function, site.place, site.item, site.attempt, number)
        return self._dice.draw("fault", candidate.name, *place) < probability


def _key_texts(key: object) -> list[str]:
    if isinstance(key, str):
        return [key]
    if isinstance(key, dict):
        values = (next(iter(typed.values()), None) if isinstance(typed, dict) else typed for typed in key.values())
        return [str(value) for value in values]
    return []
