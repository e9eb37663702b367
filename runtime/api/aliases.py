"""Aliases of state machines: names for one or two of a machine's versions, each with its share of the executions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from stepsim.asl.payload import encode
from stepsim.runtime.api.arns import Arn, invalid_arn, parse_machine_arn
from stepsim.runtime.api.paging import page
from stepsim.runtime.api.records import Alias, MachineRecord, Params, Response, Version, moment
from stepsim.runtime.api.registry import Registry, active
from stepsim.runtime.cloud.call import ApiError

MAX_ALIASES = 100
"""How many aliases a machine may have."""

_NOT_FOUND = "Request references a resource that does not exist."


def create_state_machine_alias(registry: Registry, params: Params) -> Response:
    """CreateStateMachineAlias: the same request once more gives the same answer."""
    record, routing = _read_routing(registry, params["routingConfiguration"])
    active(record)
    name, description = params["name"], params.get("description")
    alias = record.aliases.get(name)
    if alias is None:
        if len(record.aliases) >= MAX_ALIASES:
            message = f"The State Machine has {MAX_ALIASES} aliases: delete one first."
            raise ApiError("ServiceQuotaExceededException", message, 402)
        now_ms = registry.now_ms
        alias = record.aliases[name] = Alias(f"{record.arn}:{name}", name, description, routing, now_ms, now_ms)
        registry.machine_changed(record)
    elif (alias.description, alias.routing) != (description, routing):
        message = (
            "Failed to create alias because an alias with the same name and a different routing configuration "
            "already exists."
        )
        raise ApiError("ConflictException", message, 409)
    return {"stateMachineAliasArn": alias.arn, "creationDate": moment(alias.creation_ms)}


def update_state_machine_alias(registry: Registry, params: Params) -> Response:
    """UpdateStateMachineAlias: what is not given stays."""
    description, routing = params.get("description"), params.get("routingConfiguration")
    if description is None and routing is None:
        message = "Either the description or the RoutingConfiguration must be specified"
        raise ApiError("ValidationException", message, extra={"reason": "MISSING_REQUIRED_PARAMETER"})
    record, alias = _alias(registry, params["stateMachineAliasArn"])
    active(record)
    if routing is not None:
        routed, shares = _read_routing(registry, routing)
        if routed is not record:
            raise _bad_routing("must contain state machine version ARNs of the alias's state machine", routing)
        alias.routing = shares
    if description is not None:
        alias.description = description
    alias.update_ms = registry.now_ms
    registry.machine_changed(record)
    return {"updateDate": moment(alias.update_ms)}


def describe_state_machine_alias(registry: Registry, params: Params) -> Response:
    """DescribeStateMachineAlias."""
    _, alias = _alias(registry, params["stateMachineAliasArn"])
    described = {
        "stateMachineAliasArn": alias.arn,
        "name": alias.name,
        "routingConfiguration": [{"stateMachineVersionArn": arn, "weight": weight} for arn, weight in alias.routing],
        "creationDate": moment(alias.creation_ms),
        "updateDate": moment(alias.update_ms),
    }
    return described if alias.description is None else described | {"description": alias.description}


def delete_state_machine_alias(registry: Registry, params: Params) -> Response:
    """DeleteStateMachineAlias: its versions stay."""
    arn = _alias_arn(params["stateMachineAliasArn"])
    record = registry.machines.get(arn.unqualified)
    if record is not None and record.aliases.pop(arn.qualifier or "", None) is not None:
        registry.machine_changed(record)
    return {}


def list_state_machine_aliases(registry: Registry, params: Params) -> Response:
    """ListStateMachineAliases, of a machine or of one of its versions, in the order in which they were made.

    The API reference says the most recent first; AWS was recorded to give the oldest first.
    """
    record, version, alias = registry.addressed(params["stateMachineArn"])
    if alias is not None:
        raise invalid_arn(f"Resource type not valid in this context: {alias.arn}")
    aliases: Iterable[Alias] = record.aliases.values()
    if version is not None:
        aliases = [one for one in aliases if any(arn == version.arn for arn, _ in one.routing)]
    shown, token = page(
        aliases, params, key=lambda one: one.arn, operation="ListStateMachineAliases", now_ms=registry.now_ms
    )
    items = [{"stateMachineAliasArn": one.arn, "creationDate": moment(one.creation_ms)} for one in shown]
    return {"stateMachineAliases": items} | ({"nextToken": token} if token else {})


def route(registry: Registry, record: MachineRecord, alias: Alias, execution: str) -> Version:
    """The version that an alias gives an execution, by chance as its weights say."""
    share = registry.account.dice.draw("alias", alias.arn, execution) * 100
    for arn, weight in alias.routing:
        share -= weight
        if share < 0:
            return record.versions[int(arn.rpartition(":")[2])]
    raise AssertionError("weights are 100 together")


def _alias_arn(text: str) -> Arn:
    arn = parse_machine_arn(text)
    if arn.alias is None:
        raise invalid_arn(f"Invalid State Machine alias ARN: {text}")
    return arn


def _alias(registry: Registry, text: str) -> tuple[MachineRecord, Alias]:
    """The alias of an ARN, and its machine. Raises ApiError ResourceNotFound and InvalidArn."""
    arn = _alias_arn(text)
    record = registry.machines.get(arn.unqualified)
    alias = None if record is None else record.aliases.get(arn.qualifier or "")
    if record is None or alias is None:
        raise ApiError("ResourceNotFound", _NOT_FOUND, extra={"resourceName": text})
    return record, alias


def _read_routing(registry: Registry, given: list[dict[str, Any]]) -> tuple[MachineRecord, tuple[tuple[str, int], ...]]:
    """A routingConfiguration and the machine that it is of.

    Raises ApiError ValidationException where versions are not distinct, not versions, of several machines or not
    there, and where their weights are not 100 together.
    """
    routing = tuple((item["stateMachineVersionArn"], item["weight"]) for item in given)
    if len({arn for arn, _ in routing}) < len(routing):
        raise _bad_routing("must contain distinct state machine version ARNs", given)
    weights = [weight for _, weight in routing]
    if sum(weights) != 100:
        listed = encode(weights).replace(",", ", ")
        raise _invalid(f"Sum of routing configuration weights must equal 100. Received: {listed}")
    records = []
    for text, _ in routing:
        arn = parse_machine_arn(text)
        record = registry.machines.get(arn.unqualified)
        if record is None or arn.version not in record.versions:
            raise _bad_routing("must contain state machine version ARNs", given)
        records.append(record)
    if any(record is not records[0] for record in records):
        raise _bad_routing("must contain version ARNs of one state machine", given)
    return records[0], routing


def _bad_routing(complaint: str, given: list[dict[str, Any]]) -> ApiError:
    arns = ", ".join(item["stateMachineVersionArn"] for item in given)
    return _invalid(f"Routing configuration {complaint}. Received: [{arns}]")


def _invalid(message: str) -> ApiError:
    return ApiError("ValidationException", message, extra={"reason": "INVALID_ROUTING_CONFIGURATION"})
