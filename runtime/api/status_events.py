"""EventBridge: "Step Functions Execution Status Change" on the default bus, for Standard executions (developer guide).

While the bus has no rule, nothing is made. An event is put on the bus at the end of the turn in which the status
changed, so that what it sets off begins after what set it off.
"""

from __future__ import annotations

from stepsim.asl.payload import JSON
from stepsim.asl.timestamp import format_timestamp
from stepsim.runtime.api.descriptions import redrivability
from stepsim.runtime.api.escapes import LIMIT_BYTES, escaped_bytes
from stepsim.runtime.api.event_targets import EventTargets, rules
from stepsim.runtime.api.records import ExecutionRecord, Home
from stepsim.runtime.api.registry import Registries
from stepsim.runtime.api.turn import TurnEnd

DETAIL_TYPE = "Step Functions Execution Status Change"

_INCLUDED = {"included": True}
_EXCLUDED = {"included": False}


class StatusEvents:
    """Tells the default event bus of each account and region how its executions fare."""

    def __init__(self, registries: Registries) -> None:
        self._account = registries.account
        self._targets = EventTargets(registries)
        self._turn = TurnEnd(self._account.scheduler, self._deliver)
        self._noted: list[tuple[Home, dict[str, JSON]]] = []
        self._count = 0
        registries.observers.execution_started.append(self._changed)
        registries.observers.execution_ended.append(self._changed)

    def _changed(self, record: ExecutionRecord) -> None:
        if record.execution.me.express:
            return
        _, _, _, region, account_id, _ = record.record.arn.split(":", 5)
        home = Home(account_id, region)
        if rules(home):
            self._noted.append((home, self._event(record, home)))
            self._turn.ask()

    def _event(self, record: ExecutionRecord, home: Home) -> dict[str, JSON]:
        self._count += 1
        return {
            "version": "0",
            "id": self._account.dice.uuid4("status-event", *home, self._count),
            "detail-type": DETAIL_TYPE,
            "source": "aws.states",
            "account": home.account_id,
            "time": f"{format_timestamp(self._account.scheduler.now_ms)[:19]}Z",
            "region": home.region,
            "resources": [record.execution.me.arn],
            "detail": detail(record, self._account.scheduler.now_ms),
        }

    def _deliver(self) -> None:
        noted, self._noted = self._noted, []
        for home, event in noted:
            self._targets.put(event, home)


def detail(record: ExecutionRecord, now_ms: int) -> dict[str, JSON]:
    """The event's ``detail``: what DescribeExecution says, times in epoch milliseconds, and null where it says nothing.

    An output of more than 248 KB when escaped is left out, and so is the input where both together are larger.
    """
    execution = record.execution
    me = execution.me
    output = None if execution.output is None else execution.output.text
    output_bytes = 0 if output is None else escaped_bytes(output)
    has_output = output is not None and output_bytes <= LIMIT_BYTES
    has_input = escaped_bytes(me.input.text) + output_bytes <= LIMIT_BYTES
    redrivable = redrivability(record, now_ms)
    return {
        "executionArn": me.arn,
        "stateMachineArn": me.machine_arn,
        "name": me.name,
        "status": execution.status,
        "startDate": me.start_ms,
        "stopDate": execution.stop_ms,
        "input": me.input.text if has_input else None,
        "inputDetails": _INCLUDED if has_input else _EXCLUDED,
        "output": output if has_output else None,
        "outputDetails": None if output is None else _INCLUDED if has_output else _EXCLUDED,
        "stateMachineVersionArn": record.version_arn,
        "stateMachineAliasArn": record.alias_arn,
        "redriveCount": me.redrive_count,
        "redriveDate": me.redrive_ms,
        "redriveStatus": redrivable["redriveStatus"],
        "redriveStatusReason": redrivable.get("redriveStatusReason"),
        "error": execution.error,
        "cause": execution.cause,
    }
