"""Records as bytes: JSON, typed on the way back. What is stored is data, never an object's insides."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec

from stepsim.asl.payload import JSON, Payload, written
from stepsim.runtime.history import HistoryEvent
from stepsim.runtime.resume import ResumePoint, StoppedFork

Typed = TypeVar("Typed")

_encoder = msgspec.json.Encoder(enc_hook=written)


def pack(value: Any) -> bytes:
    """The JSON of a value; lone surrogates, which JSON allows and msgspec refuses, are written as escapes."""
    try:
        return _encoder.encode(value)
    except UnicodeEncodeError:
        return json.dumps(msgspec.to_builtins(value)).encode()


def unpack(body: bytes, kind: type[Typed]) -> Typed:
    """A value from its JSON. Raises ValueError where it is not of that kind."""
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        return msgspec.convert(json.loads(body), kind)


def text_bytes(text: str) -> bytes:
    """A JSON text as bytes, lone surrogates included."""
    return text.encode("utf-8", "surrogatepass")


class StoredPayload(Payload):
    """A payload that was read as text: its value is made when somebody asks for it, as few do."""

    __slots__ = ("_decoded",)

    def __init__(self, text: str) -> None:
        self._text = text
        self._decoded: Payload | None = None

    @property
    def value(self) -> JSON:
        if self._decoded is None:
            self._decoded = Payload.of_text(self.text)
        return self._decoded.value


def payload_of(text: bytes) -> Payload:
    """The payload of a stored JSON text."""
    return StoredPayload(text.decode("utf-8", "surrogatepass"))


# -- events ---------------------------------------------------------------------------------------------------------


def pack_events(events: Iterable[HistoryEvent]) -> bytes:
    """A page of a history; ids follow from the first one's."""
    return pack([(one.previous_event_id, one.type, one.timestamp_ms, one.details) for one in events])


def unpack_events(first_id: int, body: bytes) -> list[HistoryEvent]:
    """The events of a page."""
    rows = unpack(body, list[tuple[int, str, int, dict[str, Any] | None]])
    return [
        HistoryEvent(first_id + index, previous, event_type, timestamp_ms, details)
        for index, (previous, event_type, timestamp_ms, details) in enumerate(rows)
    ]


# -- where a redrive goes on ----------------------------------------------------------------------------------------


def pack_point(point: ResumePoint) -> list[JSON]:
    """A resume point as JSON: as deep as the definition is nested, not as its data."""
    fork = point.fork
    return [
        point.state,
        point.raw.text,
        dict(point.variables),
        point.entered_ms,
        point.entered_id,
        point.visit,
        None if fork is None else _pack_fork(fork),
        point.map_run_arn,
    ]


def _pack_fork(fork: StoppedFork) -> list[JSON]:
    branches: list[JSON] = [
        [index, end.text, None] if isinstance(end, Payload) else [index, None, pack_point(end)]
        for index, end in fork.branches.items()
    ]
    return [branches, fork.last_event, fork.last_state_event]


def unpack_point(packed: list[JSON]) -> ResumePoint:
    """The resume point of its JSON."""
    state, raw, variables, entered_ms, entered_id, visit, fork, map_run_arn = packed
    stopped = None if fork is None else _unpack_fork(fork)
    return ResumePoint(state, StoredPayload(raw), variables, entered_ms, entered_id, visit, stopped, map_run_arn)


def _unpack_fork(packed: list[JSON]) -> StoppedFork:
    branches, last_event, last_state_event = packed
    ends = {
        index: unpack_point(point) if output is None else StoredPayload(output) for index, output, point in branches
    }
    return StoppedFork(ends, last_event, last_state_event)
