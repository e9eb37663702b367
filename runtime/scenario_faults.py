"""A scenario's ``faults``: as they are written, and made into rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from stepsim.asl.payload import JSON
from stepsim.runtime.cloud.fault_rules import CORRUPT_CALLS, PARTIAL_CALLS, STALE_CALLS, FaultRule
from stepsim.runtime.key_path import KeyPath
from stepsim.runtime.scenario_check import INVALID_VALUE, Checker, did_you_mean

Count = Annotated[int, Meta(ge=0)]
From1 = Annotated[int, Meta(ge=1)]
Probability = Annotated[float, Meta(ge=0, le=1)]
Moment = Annotated[str | int | float, Meta(description="120ms, 40s, 1.5m, 2h, 1d; from the start of the run")]


class Fault(Struct, frozen=True, forbid_unknown_fields=True):
    """Something that goes wrong: what it strikes, how often, when, and what happens."""

    call: Annotated[str | None, Meta(description="s3.GetObject")] = None
    service: Annotated[str | None, Meta(description="every call of it, by boto3's name: dynamodb")] = None
    state: str | None = None
    function: str | None = None
    key: Annotated[str | None, Meta(description="a pattern of S3 keys: bank_files/0001*")] = None
    item: Count | None = None
    batch: Annotated[Count | None, Meta(description="the index of the batch, where the map has an ItemBatcher")] = None
    attempt: Annotated[From1 | None, Meta(description="1 is the first try of the state, 2 the first retry")] = None
    execution: Annotated[str | None, Meta(description="a pattern of names; of a child's, its place in the map")] = None
    place: Annotated[str | int | None, Meta(description="which visit of the state, as a kept scenario has it")] = None
    call_number: Annotated[From1 | None, Meta(description="of the calls that one attempt makes")] = None
    probability: Probability = 1.0
    from_: Moment | None = field(default=None, name="from")
    to: Moment | None = None
    error: str | None = None
    cause: str | None = None
    status: Annotated[int, Meta(ge=400, le=599)] | None = None
    hang: bool = False
    crash: Annotated[
        Literal["before", "after"] | None,
        Meta(description="the process, or the connection, ends: before the work, after"),
    ] = None
    duplicate: Annotated[bool, Meta(description="it is done twice")] = False
    partial: Annotated[
        Probability | None, Meta(description=f"the share of entries that fails, of {', '.join(PARTIAL_CALLS)}")
    ] = None
    stale: Annotated[bool, Meta(description=f"the read misses the last write: {', '.join(STALE_CALLS)}")] = False
    corrupt: Annotated[bool, Meta(description=f"the content is damaged: {', '.join(CORRUPT_CALLS)}")] = False
    delay: Annotated[str | int | float, Meta(description="120ms, 40s, 1.5m, 2h")] | None = None


_JOBS = (("ecs", "containers"), ("batch", "batch_jobs"), ("glue", "glue_jobs"))


def rule_of(fault: Fault, path: KeyPath, scenario: Mapping[str, JSON], checker: Checker) -> FaultRule | None:
    """The rule that a fault means; None where the checker was told of a problem."""
    functions = [*(scenario.get("functions") or {})]
    for kind, key in _JOBS:
        functions += [f"{kind}/{name}" for name in scenario.get(key) or {}]
    if fault.function is not None and fault.function not in functions:
        hint = did_you_mean(fault.function, functions)
        checker.add(INVALID_VALUE, f"there is no function {fault.function!r}", (*path, "function"), hint)
    if fault.partial == 0:
        checker.add(INVALID_VALUE, "a share of 0 does nothing", (*path, "partial"))
    from_ms = checker.time_ms(fault.from_, (*path, "from")) or 0
    to_ms = checker.time_ms(fault.to, (*path, "to"))
    if to_ms is not None and to_ms <= from_ms:
        checker.add(INVALID_VALUE, "ends before it begins", (*path, "to"))
    try:
        return FaultRule(
            call=fault.call,
            service=fault.service,
            state=fault.state,
            function=fault.function,
            key=fault.key,
            item=fault.item,
            batch=fault.batch,
            attempt=fault.attempt,
            execution=fault.execution,
            place=None if fault.place is None else str(fault.place),
            call_number=fault.call_number,
            probability=fault.probability,
            error=fault.error,
            status=fault.status,
            cause=fault.cause or "",
            hang=fault.hang,
            crash=fault.crash,
            duplicate=fault.duplicate,
            partial=fault.partial,
            stale=fault.stale,
            corrupt=fault.corrupt,
            delay_ms=checker.time_ms(fault.delay, (*path, "delay")) or 0,
            from_ms=from_ms,
            to_ms=to_ms,
            line=checker.place(path)[0],
        )
    except ValueError as error:
        checker.add(INVALID_VALUE, str(error), path)
        return None
