"""`stepsim.runtime.api.aliases`."""

from __future__ import annotations

from typing import Any

import pytest

from stepsim.runtime.api.aliases import route


def shares(*versions: tuple[str, int]) -> list[dict[str, Any]]:
    """A routingConfiguration."""
    return [{"stateMachineVersionArn": arn, "weight": weight} for arn, weight in versions]


@pytest.fixture
def machine(service: Any) -> Any:
    """A machine with three versions."""
    arn = service.machine(publish=True)
    service.publish(arn)
    service.publish(arn)
    return arn


def alias(service: Any, machine: str, name: str = "PROD", **params: Any) -> Any:
    """CreateStateMachineAlias, to version 1 where nothing else is said."""
    params.setdefault("routingConfiguration", shares((f"{machine}:1", 100)))
    return service("CreateStateMachineAlias", name=name, **params)["stateMachineAliasArn"]


def test_lifecycle(service: Any, machine: str) -> None:
    """An alias is described as created; an update changes what it names."""
    arn = alias(service, machine, description="live")
    assert arn == f"{machine}:PROD"
    created = service("DescribeStateMachineAlias", stateMachineAliasArn=arn)
    service.advance(1000)
    routing = shares((f"{machine}:1", 50), (f"{machine}:2", 50))
    updated = service("UpdateStateMachineAlias", stateMachineAliasArn=arn, routingConfiguration=routing)
    described = service("DescribeStateMachineAlias", stateMachineAliasArn=arn)
    assert described == created | {"routingConfiguration": routing} | updated
    assert (described["name"], described["description"]) == ("PROD", "live")
    assert described["updateDate"] > described["creationDate"]
    service("UpdateStateMachineAlias", stateMachineAliasArn=arn, description="")
    assert service("DescribeStateMachineAlias", stateMachineAliasArn=arn)["description"] == ""
    assert service("DeleteStateMachineAlias", stateMachineAliasArn=arn) == {}
    assert service("DeleteStateMachineAlias", stateMachineAliasArn=arn) == {}


def test_create_again(service: Any, machine: str) -> None:
    """The same request gives the same answer; one that differs is a conflict."""
    arn = alias(service, machine, description="live")
    assert alias(service, machine, description="live") == arn
    for different in ({"description": "other"}, {"routingConfiguration": shares((f"{machine}:2", 100))}):
        asked = {"description": "live", "routingConfiguration": shares((f"{machine}:1", 100))} | different
        assert service.refusal("CreateStateMachineAlias", name="PROD", **asked) == (
            "ConflictException",
            "Failed to create alias because an alias with the same name and a different routing configuration already "
            "exists.",
        )


def test_not_there(service: Any, machine: str) -> None:
    """An alias that is not there cannot be described or updated; a version's ARN is none."""
    for operation, more in (("DescribeStateMachineAlias", {}), ("UpdateStateMachineAlias", {"description": "d"})):
        assert service.refusal(operation, stateMachineAliasArn=f"{machine}:PROD", **more) == (
            "ResourceNotFound",
            "Request references a resource that does not exist.",
        )
        assert service.refusal(operation, stateMachineAliasArn=f"{machine}:1", **more)[0] == "InvalidArn"
    assert service.refusal("DescribeStateMachine", stateMachineArn=f"{machine}:PROD")[0] == "StateMachineDoesNotExist"
    assert (
        service.refusal("UpdateStateMachineAlias", stateMachineAliasArn=f"{machine}:PROD")[0] == "ValidationException"
    )


def test_routing(service: Any, machine: str) -> None:
    """Shares are 100 together, of distinct versions of one machine."""
    one, two, none = f"{machine}:1", f"{machine}:2", f"{machine}:9"
    other = service.machine("other", publish=True) + ":1"
    for versions, message in (
        ([(one, 70), (two, 29)], "Sum of routing configuration weights must equal 100. Received: [70, 29]"),
        (
            [(one, 50), (one, 50)],
            f"Routing configuration must contain distinct state machine version ARNs. Received: [{one}, {one}]",
        ),
        ([(machine, 100)], f"Routing configuration must contain state machine version ARNs. Received: [{machine}]"),
        ([(none, 100)], f"Routing configuration must contain state machine version ARNs. Received: [{none}]"),
        (
            [(one, 50), (other, 50)],
            f"Routing configuration must contain version ARNs of one state machine. Received: [{one}, {other}]",
        ),
    ):
        refusal = service.refusal("CreateStateMachineAlias", name="PROD", routingConfiguration=shares(*versions))
        assert refusal == ("ValidationException", message)
    arn = alias(service, machine)
    refusal = service.refusal(
        "UpdateStateMachineAlias", stateMachineAliasArn=arn, routingConfiguration=shares((other, 100))
    )
    assert refusal[0] == "ValidationException"


def test_versions_in_use(service: Any, machine: str) -> None:
    """A version that aliases lead to cannot be deleted, until they lead elsewhere."""
    arn = alias(service, machine)
    alias(service, machine, "TEST")
    assert service.refusal("DeleteStateMachineVersion", stateMachineVersionArn=f"{machine}:1") == (
        "ConflictException",
        "Version to be deleted must not be referenced by an alias. "
        "Current list of aliases referencing this version: [PROD, TEST]",
    )
    elsewhere = shares((f"{machine}:2", 100))
    service("UpdateStateMachineAlias", stateMachineAliasArn=arn, routingConfiguration=elsewhere)
    service("DeleteStateMachineAlias", stateMachineAliasArn=f"{machine}:TEST")
    assert service("DeleteStateMachineVersion", stateMachineVersionArn=f"{machine}:1") == {}


def test_list(service: Any, machine: str) -> None:
    """Aliases are listed oldest first, page by page; also those of one version."""
    for number, name in enumerate(("C", "A", "B"), 1):
        alias(service, machine, name, routingConfiguration=shares((f"{machine}:{1 + number % 2}", 100)))
    first = service("ListStateMachineAliases", stateMachineArn=machine, maxResults=1)
    second = service("ListStateMachineAliases", stateMachineArn=machine, nextToken=first["nextToken"])
    items = first["stateMachineAliases"] + second["stateMachineAliases"]
    assert [item["stateMachineAliasArn"] for item in items] == [f"{machine}:{name}" for name in "CAB"]
    of_one = service("ListStateMachineAliases", stateMachineArn=f"{machine}:1")["stateMachineAliases"]
    assert [item["stateMachineAliasArn"] for item in of_one] == [f"{machine}:A"]
    assert service.refusal("ListStateMachineAliases", stateMachineArn=f"{machine}s")[0] == "StateMachineDoesNotExist"


def test_shares_of_executions(service: Any, machine: str) -> None:
    """Executions go to an alias's versions by chance, as its weights say; the same one always to the same."""
    routing = shares((f"{machine}:1", 20), (f"{machine}:3", 80))
    arn = alias(service, machine, routingConfiguration=routing)
    record, version, found = service.registry.addressed(arn)
    assert (version, found.name) == (None, "PROD")
    numbers = [route(service.registry, record, found, f"execution-{n}").number for n in range(500)]
    assert set(numbers) == {1, 3}
    assert 70 <= numbers.count(1) <= 130
    assert numbers == [route(service.registry, record, found, f"execution-{n}").number for n in range(500)]


def test_quota(service: Any, machine: str) -> None:
    """A machine has no more than 100 aliases."""
    for number in range(100):
        alias(service, machine, f"alias-{number}")
    asked = {"name": "alias-100", "routingConfiguration": shares((f"{machine}:1", 100))}
    assert service.refusal("CreateStateMachineAlias", **asked)[0] == "ServiceQuotaExceededException"
