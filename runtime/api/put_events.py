"""EventBridge's PutEvents, as the gate serves it: entries are judged as on AWS, and reach every kind of target.

What moto's own PutEvents delivers to is a part of what `event_targets` does, and its events lack members.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from stepsim.asl.timestamp import format_timestamp
from stepsim.runtime.api.event_targets import EventTargets, rules
from stepsim.runtime.api.records import Home
from stepsim.runtime.api.registry import Registries
from stepsim.runtime.cloud.call import ACCOUNT_ID, FallThrough

_ENTRIES_MAX = 10
_REQUIRED = ("Source", "DetailType", "Detail")


class PutEvents:
    """The operation, for the account that everything lives in."""

    def __init__(self, registries: Registries) -> None:
        self._account = registries.account
        self._targets = EventTargets(registries)
        self._count = 0

    def __call__(self, params: dict[str, Any], region: str) -> dict[str, Any]:
        """Put the entries; one that fails does not keep the others back (recorded)."""
        home = Home(ACCOUNT_ID, region)
        entries = params.get("Entries")
        if not isinstance(entries, list) or not 0 < len(entries) <= _ENTRIES_MAX:
            raise FallThrough
        buses = [_bus(entry, home) for entry in entries]
        answers = [self._put(entry, bus, home) for entry, bus in zip(entries, buses, strict=True)]
        return {"FailedEntryCount": sum("ErrorCode" in answer for answer in answers), "Entries": answers}

    def _put(self, entry: dict[str, Any], bus: str, home: Home) -> dict[str, str]:
        for name in _REQUIRED:
            if not entry.get(name):
                message = f"Parameter {name} is not valid. Reason: {name} is a required argument."
                return {"ErrorCode": "InvalidArgument", "ErrorMessage": message}
        if entry["Source"].startswith("aws."):
            return {"ErrorCode": "NotAuthorizedForSource", "ErrorMessage": "Not authorized for the source."}
        try:
            detail = json.loads(entry["Detail"])
        except ValueError:
            detail = None
        if not isinstance(detail, dict):
            return {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}
        self._count += 1
        event_id = self._account.dice.uuid4("event", *home, self._count)
        moment = entry.get("Time")
        ms = round(moment.timestamp() * 1000) if isinstance(moment, datetime) else self._account.scheduler.now_ms
        event = {
            "version": "0",
            "id": event_id,
            "detail-type": entry["DetailType"],
            "source": entry["Source"],
            "account": home.account_id,
            "time": f"{format_timestamp(ms)[:19]}Z",
            "region": home.region,
            "resources": list(entry.get("Resources", ())),
            "detail": detail,
        }
        self._targets.put(event, home, bus)
        return {"EventId": event_id}


def event_operations(registries: Registries) -> dict[str, Callable[[dict[str, Any], str], dict[str, Any]]]:
    """What the gate serves of EventBridge."""
    return {"PutEvents": PutEvents(registries)}


def _bus(entry: Any, home: Home) -> str:
    """The name of an entry's bus. What is said of a bus that is not there, and what archives keep, is moto's."""
    from moto.events.models import events_backends  # heavy, and seldom needed

    name = entry.get("EventBusName", "default") if isinstance(entry, dict) else None
    if not isinstance(name, str):
        raise FallThrough
    name = name.rpartition("event-bus/")[2]
    backend = events_backends[home.account_id][home.region]
    if name not in backend.event_buses or any(_is_archive(target["Arn"]) for target in _targets(home, name)):
        raise FallThrough
    return name


def _targets(home: Home, bus: str) -> Iterator[Mapping[str, Any]]:
    for rule in rules(home, bus):
        yield from rule.targets


def _is_archive(arn: str) -> bool:
    return arn.split(":")[2] == "events" and ":event-bus/" not in arn
