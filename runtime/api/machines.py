"""State machines: create, update, describe, delete, list."""

from __future__ import annotations

from stepsim.asl.compile import compile_machine
from stepsim.asl.payload import decode
from stepsim.runtime.api.records import MachineRecord, Params, Response, Revision, moment
from stepsim.runtime.api.registry import Registry

NO_LOGGING = {"level": "OFF", "includeExecutionData": False}
NO_TRACING = {"enabled": False}


def create_state_machine(registry: Registry, params: Params) -> Response:
    """CreateStateMachine."""
    arn = registry.home.arn(f"stateMachine:{params['name']}")
    revision = Revision(
        None,
        params["definition"],
        compile_machine(decode(params["definition"])),
        params["roleArn"],
        params.get("loggingConfiguration") or NO_LOGGING,
        params.get("tracingConfiguration") or NO_TRACING,
        params.get("encryptionConfiguration"),
        registry.now_ms,
        {},
    )
    record = MachineRecord(arn, params["name"], params.get("type", "STANDARD"), registry.now_ms, revision)
    registry.machines[arn] = record
    for observer in registry.observers.machine_changed:
        observer(record)
    return {"stateMachineArn": arn, "creationDate": moment(record.creation_ms)}
