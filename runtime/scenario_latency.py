"""A scenario's own latencies: entries of the table in ``cloud/latency.py``, each held against what takes time."""

from __future__ import annotations

from collections.abc import Mapping

from stepsim.asl.payload import JSON
from stepsim.runtime.cloud.latency import EVEN_ENTRIES, SEED_LATENCIES_MS, Spread
from stepsim.runtime.scenario_check import INVALID_VALUE, Checker, did_you_mean
from stepsim.workers.durations import parse_duration

_ANY = "*"


def latencies_of(written: JSON, checker: Checker) -> Mapping[str, Spread]:
    """The entries by their names; what is wrong with any of them, the checker notes."""
    read: dict[str, Spread] = {}
    for name, value in written.items() if isinstance(written, dict) else ():
        path = ("latency", name)
        if name not in SEED_LATENCIES_MS and (wrong := _unknown(name)) is not None:
            checker.add(INVALID_VALUE, wrong[0], path, wrong[1])
            continue
        try:
            read[name] = _spread(name, value)
        except ValueError as error:
            checker.add(INVALID_VALUE, str(error).removeprefix("duration: "), path)
    return read


def _spread(name: str, value: JSON) -> Spread:
    duration = parse_duration(value, "duration")
    if duration.per_item_ms:
        raise ValueError("an answer has no items: linear is for functions and tasks")
    if duration.constant_ms is not None:
        return duration.constant_ms, duration.constant_ms
    if isinstance(value, Mapping) and "uniform" in value and name != "s3.megabyte":
        bounds = value["uniform"]
        return round(bounds["min_ms"]), round(bounds["max_ms"])
    if name in EVEN_ENTRIES:
        also = "" if name == "s3.megabyte" else " or {uniform: {min_ms, max_ms}}"
        raise ValueError(f"{name} is a time such as 20ms{also}")
    return duration


def _unknown(name: str) -> tuple[str, str | None] | None:
    """What is wrong with a name that the table does not have; None for a service's, or an operation's of AWS's."""
    from botocore.session import get_session  # its models are heavy, and seldom asked

    service, dot, operation = name.partition(".")
    session = get_session()
    services = session.get_available_services()
    if not dot or service not in services:
        hint = did_you_mean(service, services) or did_you_mean(name, SEED_LATENCIES_MS)
        return f"there is neither a service {service!r} nor a latency {name!r}", hint
    operations = session.get_service_model(service).operation_names
    if operation == _ANY or operation in operations:
        return None
    own = [entry.partition(".")[2] for entry in SEED_LATENCIES_MS if entry.startswith(f"{service}.")]
    return f"{service} has no operation {operation!r}", did_you_mean(operation, [*own, *operations])
