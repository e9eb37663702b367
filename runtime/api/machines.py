"""State machines: create, update, describe, delete, list."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from stepsim.runtime.api.definitions import compile_definition
from stepsim.runtime.api.encryption import AWS_OWNED_KEY, read_encryption
from stepsim.runtime.api.logging_configuration import read_logging
from stepsim.runtime.api.names import check_name
from stepsim.runtime.api.paging import page
from stepsim.runtime.api.records import MachineRecord, MachineType, Params, Response, Revision, moment
from stepsim.runtime.api.registry import Registry, active, does_not_exist
from stepsim.runtime.api.tags import with_tags
from stepsim.runtime.api.variable_references import variable_references
from stepsim.runtime.api.versions import check_description, publish
from stepsim.runtime.cloud.call import ApiError
from stepsim.runtime.execution import Execution

_SETTINGS = ("definition", "roleArn", "loggingConfiguration", "tracingConfiguration", "encryptionConfiguration")
"""What UpdateStateMachine can change."""


def create_state_machine(registry: Registry, params: Params) -> Response:
    """CreateStateMachine: the same request once more gives the same answer; only tags may differ."""
    check_description(params)
    check_name(params["name"])
    machine_type: MachineType = params.get("type") or "STANDARD"
    published_with = (params.get("publish") or False, params.get("versionDescription"))
    arn = registry.home.arn(f"stateMachine:{params['name']}")
    record = registry.machines.get(arn)
    logging, tracing, encryption = _configurations(registry, params)
    if record is None:
        machine = compile_definition(params["definition"], machine_type)
        revision = Revision(
            None,
            params["definition"],
            machine,
            params["roleArn"],
            logging,
            tracing,
            encryption,
            registry.now_ms,
            variable_references(machine.definition),
        )
        tags = with_tags({}, params.get("tags"), arn)
        record = MachineRecord(
            arn, params["name"], machine_type, registry.now_ms, revision, tags=tags, published_with=published_with
        )
        registry.machines[arn] = record
        if published_with[0]:
            publish(registry, record, published_with[1])
        registry.machine_changed(record)
    else:
        kept = active(record).revision
        was = (kept.definition, kept.role_arn, record.type, kept.logging, kept.tracing, kept.encryption)
        asked = (params["definition"], params["roleArn"], machine_type, logging, tracing, encryption)
        if (was, record.published_with) != (asked, published_with):
            raise ApiError("StateMachineAlreadyExists", f"State Machine Already Exists: '{arn}'")
    response: Response = {"stateMachineArn": arn, "creationDate": moment(record.creation_ms)}
    if published_with[0]:
        response["stateMachineVersionArn"] = f"{arn}:1"
    return response


def update_state_machine(registry: Registry, params: Params) -> Response:
    """UpdateStateMachine: a change makes a new revision; executions that run keep theirs."""
    record = registry.active_machine(params["stateMachineArn"])
    check_description(params)
    if all(params.get(name) is None for name in _SETTINGS):
        raise ApiError(
            "MissingRequiredParameter",
            "Either the definition, the role ARN, the LoggingConfiguration, or the TracingConfiguration must be "
            "specified",
        )
    changed = _changed(registry, record, params)
    if changed != record.revision:
        record.revision = replace(changed, id=registry.new_uuid("revision"), changed_ms=registry.now_ms)
    response: Response = {"updateDate": moment(registry.now_ms)}
    if record.revision.id is not None:
        response["revisionId"] = record.revision.id
    if params.get("publish"):
        response["stateMachineVersionArn"] = publish(registry, record, params.get("versionDescription")).arn
    registry.machine_changed(record)
    return response


def _changed(registry: Registry, record: MachineRecord, params: Params) -> Revision:
    """The current revision with what the parameters change."""
    revision = record.revision
    changes: dict[str, Any] = {}
    definition = params.get("definition")
    if definition is not None and definition != revision.definition:
        machine = compile_definition(definition, record.type)
        changes |= {
            "definition": definition,
            "machine": machine,
            "variable_references": variable_references(machine.definition),
        }
    if params.get("roleArn") is not None:
        changes["role_arn"] = params["roleArn"]
    logging, tracing, encryption = _configurations(registry, params)
    for name, field, value in (
        ("loggingConfiguration", "logging", logging),
        ("tracingConfiguration", "tracing", tracing),
        ("encryptionConfiguration", "encryption", encryption),
    ):
        if params.get(name) is not None:
            changes[field] = value
    return replace(revision, **changes)


def _configurations(registry: Registry, params: Params) -> tuple[Any, Any, Any]:
    """Logging, tracing and encryption as asked for, with AWS's defaults."""
    tracing = {"enabled": (params.get("tracingConfiguration") or {}).get("enabled") or False}
    return (
        read_logging(registry, params.get("loggingConfiguration")),
        tracing,
        read_encryption(params.get("encryptionConfiguration")),
    )


def describe_state_machine(registry: Registry, params: Params) -> Response:
    """DescribeStateMachine, also of a version; an alias is none (DescribeStateMachineAlias shows it)."""
    record, version, alias = registry.addressed(params["stateMachineArn"])
    if alias is not None:
        raise does_not_exist(params["stateMachineArn"])
    described = {
        "stateMachineArn": record.arn,
        "name": record.name,
        "status": record.status,
        "type": record.type,
        "creationDate": moment(record.creation_ms),
    }
    if version is None:
        return described | show_revision(record.revision, params)
    described |= {"stateMachineArn": version.arn, "creationDate": moment(version.creation_ms)}
    if version.description:
        described["description"] = version.description
    return described | show_revision(version.revision, params)


def show_revision(revision: Revision, params: Params) -> dict[str, Any]:
    """What DescribeStateMachine and DescribeStateMachineForExecution say of a revision."""
    shown: dict[str, Any] = {
        "definition": "{}" if params.get("includedData") == "METADATA_ONLY" else revision.definition,
        "roleArn": revision.role_arn,
        "loggingConfiguration": revision.logging,
        "tracingConfiguration": revision.tracing,
        "encryptionConfiguration": revision.encryption or AWS_OWNED_KEY,
    }
    if revision.id is not None:
        shown["revisionId"] = revision.id
    if revision.variable_references:
        shown["variableReferences"] = revision.variable_references
    return shown


def delete_state_machine(registry: Registry, params: Params) -> Response:
    """DeleteStateMachine: with its versions and aliases, when its last execution has ended.

    One that is not there is deleted already (API reference).
    """
    try:
        record = registry.machine(params["stateMachineArn"])
    except ApiError as error:
        if error.code == "StateMachineDoesNotExist":
            return {}
        raise
    if record.status == "DELETING":
        return {}
    running = registry.store.running(record.arn)
    if not running:
        _delete(registry, record)
        return {}

    def one_ended(_: Execution) -> None:
        if record.status == "DELETING" and all(one.execution.stop_ms is not None for one in running):
            _delete(registry, record)

    record.status = "DELETING"
    for one in running:
        one.execution.when_ended.append(one_ended)
    registry.machine_changed(record)
    for observer in registry.observers.machine_deleting:
        observer(record)
    return {}


def _delete(registry: Registry, record: MachineRecord) -> None:
    if registry.machines.get(record.arn) is record:
        del registry.machines[record.arn]
        for observer in registry.observers.machine_deleted:
            observer(record)


def list_state_machines(registry: Registry, params: Params) -> Response:
    """ListStateMachines, by name."""
    records = sorted(registry.machines.values(), key=lambda record: record.name)
    shown, token = page(
        records, params, key=lambda record: record.arn, operation="ListStateMachines", now_ms=registry.now_ms
    )
    machines = [
        {
            "stateMachineArn": record.arn,
            "name": record.name,
            "type": record.type,
            "creationDate": moment(record.creation_ms),
        }
        for record in shown
    ]
    return {"stateMachines": machines} | ({"nextToken": token} if token else {})
