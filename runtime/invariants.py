"""Invariants: a scenario's own Python, asked once the run is over whether its tables, buckets and queues add up.

A check is called with an `Outcome`. It holds where it returns None or True; False, a text or a failed assertion says
that it does not. Any other exception is a mistake of the check's, and named as one.
"""

from __future__ import annotations

import linecache
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from stepsim.asl.payload import JSON
from stepsim.runtime.expectations import Check, Expectation
from stepsim.workers.handler import HandlerError, HandlerReference

if TYPE_CHECKING:
    from stepsim.runtime.cloud.cloud import Cloud

CheckFunction: TypeAlias = Callable[["Outcome"], object]


class CheckError(Exception):
    """A check's code cannot be loaded; the message names it, with its line in the scenario."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run has left, to look at and not to change."""

    report: Mapping[str, Any]
    """The report, but for its expectations."""
    tables: Mapping[str, list[dict[str, Any]]]
    """The items of each table as plain Python: whole numbers are ints, others Decimals, sets are sets."""
    buckets: Mapping[str, Mapping[str, bytes]]
    """The bodies of each bucket's objects by key, in the order of the keys; each is read when it is asked for."""
    queues: Mapping[str, list[str]]
    """The bodies of the messages that are left in each queue, in flight or not."""


def load_checks(expectations: Iterable[Expectation | Check], base_dir: Path) -> dict[Check, CheckFunction]:
    """The functions of the checks among what is expected. Raises CheckError where one cannot be loaded."""
    loaded: dict[Check, CheckFunction] = {}
    for check in expectations:
        if isinstance(check, Check):
            try:
                function: Any = HandlerReference.parse(check.reference, base_dir).load()
            except HandlerError as error:
                raise CheckError(f"{_place(check)}the check {check.reference}: {error}") from error
            loaded[check] = function
    return loaded


def judge(check: Check, function: CheckFunction, outcome: Outcome) -> dict[str, JSON]:
    """How a check fares: ``{"text", "holds", "actual"}``, and a ``message`` where it does not hold."""
    verdict: dict[str, JSON] = {"text": check.text, "holds": False, "actual": False}
    try:
        found = function(outcome)
    except AssertionError as error:
        return verdict | {"message": str(error) or _failed_line(error)}
    except (Exception, SystemExit) as error:
        what, where = f"{type(error).__name__}: {error}", _where(error)
        message = f"{_place(check)}the check itself raised {what}{f' ({where})' if where else ''}"
        return verdict | {"actual": None, "message": message}
    if found is None or found is True:
        return verdict | {"holds": True, "actual": True}
    if isinstance(found, str):
        return verdict | {"message": found}
    if found is False:
        return verdict | {"message": "it returned False"}
    kind = type(found).__name__
    return verdict | {
        "actual": None,
        "message": f"{_place(check)}the check itself returned {kind}; None, True, False or a text is expected",
    }


def _place(check: Check) -> str:
    return f"{check.source}:{check.line}: " if check.line else ""


def _frame(error: BaseException) -> traceback.FrameSummary | None:
    # A table that is not there is missed here, and asked for there.
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__]
    return frames[-1] if frames else None


def _where(error: BaseException) -> str:
    frame = _frame(error)
    return "" if frame is None else f"{Path(frame.filename).name}:{frame.lineno}"


def _failed_line(error: Exception) -> str:
    frame = _frame(error)
    if frame is None:
        return "an assertion failed"
    line = linecache.getline(frame.filename, frame.lineno or 0).strip()
    return f"{line} ({_where(error)})"


# ---------------------------------------------------------------------------------------------- what a check can see


class _ByName(Mapping[str, Any]):
    """Something by name, made when it is asked for, once."""

    def __init__(self, kind: str, names: Iterable[str], make: Callable[[str], Any]) -> None:
        self._kind = kind
        self._names = sorted(names)
        self._make = make
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            if name not in self._names:
                raise KeyError(f"there is no {self._kind} {name!r}, only {', '.join(self._names) or 'none at all'}")
            self._made[name] = self._make(name)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class _Bodies(Mapping[str, bytes]):
    """The objects of a bucket; nothing is held."""

    def __init__(self, cloud: Cloud, bucket: str) -> None:
        self._cloud = cloud
        self._bucket = bucket

    def __getitem__(self, key: str) -> bytes:
        body = self._cloud.s3.read(self._bucket, key)
        if body is None:
            raise KeyError(f"there is no object {key!r} in {self._bucket}")
        return body

    def __iter__(self) -> Iterator[str]:
        return (summary.key for summary in self._cloud.s3.iter_keys(self._bucket))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def outcome_of(cloud: Cloud | None, report: Mapping[str, Any]) -> Outcome:
    """What checks are called with. Without an account there are no tables, buckets or queues."""
    # A check may do with it what it likes, and the run's own stays as it is.
    report = deepcopy(report)
    if cloud is None:
        return Outcome(report, {}, {}, {})
    from moto.sqs.models import sqs_backends

    from stepsim.runtime.cloud.call import ACCOUNT_ID
    from stepsim.runtime.cloud.moto_s3 import backend

    queues = sqs_backends[ACCOUNT_ID][cloud.region].queues
    return Outcome(
        report,
        _ByName("table", cloud.tables(), lambda name: [_plain_item(item) for item in cloud.items(name)]),
        _ByName("bucket", backend().buckets, lambda name: _Bodies(cloud, name)),
        _ByName("queue", queues, lambda name: [message.body for message in queues[name]._messages]),
    )


def _plain_item(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in item.items()}


def _plain(typed: Mapping[str, Any]) -> Any:
    """An attribute value as Python has it."""
    ((kind, value),) = typed.items()
    return _PLAIN[kind](value)


def _number(text: str) -> int | Decimal:
    number = Decimal(text)
    return int(number) if number == number.to_integral_value() else number


_PLAIN: Mapping[str, Callable[[Any], Any]] = {
    "S": lambda value: value,
    "B": lambda value: value,
    "BOOL": lambda value: value,
    "NULL": lambda _: None,
    "N": _number,
    "L": lambda values: [_plain(value) for value in values],
    "M": _plain_item,
    "SS": set,
    "BS": set,
    "NS": lambda values: {_number(value) for value in values},
}
