"""Versions of state machines: revisions that were published, under numbers that are never used again."""

from __future__ import annotations

from stepsim.runtime.api.arns import parse_machine_arn
from stepsim.runtime.api.paging import page
from stepsim.runtime.api.records import MachineRecord, Params, Response, Version, moment
from stepsim.runtime.api.registry import Registry
from stepsim.runtime.cloud.call import ApiError

MAX_VERSIONS = 1000
"""How many versions a machine may have."""


def publish_state_machine_version(registry: Registry, params: Params) -> Response:
    """PublishStateMachineVersion: for a revision that is published already, its version."""
    record = registry.active_machine(params["stateMachineArn"])
    current, wanted = record.revision.id or "INITIAL", params.get("revisionId")
    if wanted is not None and wanted != current:
        message = (
            f"Failed to publish the State Machine version for revision {wanted}. "
            f"The current State Machine revision is {current}."
        )
        raise ApiError("ConflictException", message, 409)
    version = publish(registry, record, params.get("description"))
    registry.machine_changed(record)
    return {"creationDate": moment(version.creation_ms), "stateMachineVersionArn": version.arn}


def publish(registry: Registry, record: MachineRecord, description: str | None) -> Version:
    """The version of a machine's current revision, made where there is none."""
    for version in reversed(record.versions.values()):
        if version.revision is record.revision:
            return version
    if len(record.versions) >= MAX_VERSIONS:
        message = f"The State Machine has {MAX_VERSIONS} versions: delete one first."
        raise ApiError("ServiceQuotaExceededException", message, 402)
    record.last_version += 1
    number = record.last_version
    version = Version(f"{record.arn}:{number}", number, record.revision, description, registry.now_ms)
    record.versions[number] = version
    return version


def check_description(params: Params) -> None:
    """Refuse a versionDescription of a version that is not published. Raises ApiError ValidationException."""
    if params.get("versionDescription") is not None and not params.get("publish"):
        raise ApiError("ValidationException", "Version description can only be set when publish is true")


def delete_state_machine_version(registry: Registry, params: Params) -> Response:
    """DeleteStateMachineVersion: one that is not there is deleted already; its executions go on."""
    arn = parse_machine_arn(params["stateMachineVersionArn"])
    if arn.version is None:
        message = f"The ARN of a State Machine version is required. Received: {arn.text}"
        raise ApiError("ValidationException", message)
    record = registry.machines.get(arn.unqualified)
    if record is None or arn.version not in record.versions:
        return {}
    names = [alias.name for alias in record.aliases.values() if any(to == arn.text for to, _ in alias.routing)]
    if names:
        message = (
            "Version to be deleted must not be referenced by an alias. "
            f"Current list of aliases referencing this version: [{', '.join(names)}]"
        )
        raise ApiError("ConflictException", message, 409)
    del record.versions[arn.version]
    registry.machine_changed(record)
    return {}


def list_state_machine_versions(registry: Registry, params: Params) -> Response:
    """ListStateMachineVersions, the newest first; of a machine that is not there: none."""
    parse_machine_arn(params["stateMachineArn"])
    record = registry.machines.get(params["stateMachineArn"])
    shown, token = page(
        () if record is None else reversed(record.versions.values()),
        params,
        key=lambda version: version.arn,
        operation="ListStateMachineVersions",
        now_ms=registry.now_ms,
    )
    versions = [
        {"stateMachineVersionArn": version.arn, "creationDate": moment(version.creation_ms)} for version in shown
    ]
    return {"stateMachineVersions": versions} | ({"nextToken": token} if token else {})
