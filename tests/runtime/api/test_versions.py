"""`stepsim.runtime.api.versions`."""

from __future__ import annotations

from typing import Any


def test_publish(service: Any) -> None:
    """A revision is published once, whatever the description."""
    machine = service.machine()
    first = service("PublishStateMachineVersion", stateMachineArn=machine, description="one")
    assert first["stateMachineVersionArn"] == f"{machine}:1"
    assert service("PublishStateMachineVersion", stateMachineArn=machine, description="two") == first
    assert service.publish(machine) == f"{machine}:2"


def test_describe(service: Any) -> None:
    """A version is described with its own revision, date and description."""
    machine = service.machine()
    service.advance(1000)
    version = service("PublishStateMachineVersion", stateMachineArn=machine, description="one")
    service.publish(machine)
    described = service("DescribeStateMachine", stateMachineArn=version["stateMachineVersionArn"])
    assert (described["stateMachineArn"], described["description"]) == (f"{machine}:1", "one")
    assert described["creationDate"] == version["creationDate"]
    assert "revisionId" not in described
    second = service("DescribeStateMachine", stateMachineArn=f"{machine}:2")
    assert second["revisionId"] == service("DescribeStateMachine", stateMachineArn=machine)["revisionId"]
    assert "description" not in second


def test_publish_only_a_certain_revision(service: Any) -> None:
    """A revisionId must be the current one; the first one is called INITIAL."""
    machine = service.machine()
    assert service.refusal("PublishStateMachineVersion", stateMachineArn=machine, revisionId="other") == (
        "ConflictException",
        "Failed to publish the State Machine version for revision other. "
        "The current State Machine revision is INITIAL.",
    )
    service("PublishStateMachineVersion", stateMachineArn=machine, revisionId="INITIAL")
    current = service("UpdateStateMachine", stateMachineArn=machine, roleArn=service.role + "2")["revisionId"]
    assert service.refusal("PublishStateMachineVersion", stateMachineArn=machine, revisionId="INITIAL")[1].endswith(
        f"The current State Machine revision is {current}."
    )


def test_numbers_are_never_used_again(service: Any) -> None:
    """A deleted version's number is gone, even for the same revision."""
    machine = service.machine(publish=True)
    assert service("DeleteStateMachineVersion", stateMachineVersionArn=f"{machine}:1") == {}
    assert service("DeleteStateMachineVersion", stateMachineVersionArn=f"{machine}:1") == {}
    version = service("PublishStateMachineVersion", stateMachineArn=machine)["stateMachineVersionArn"]
    assert version == f"{machine}:2"


def test_delete_needs_a_version(service: Any) -> None:
    """The ARN of a machine is not one of a version, nor is what is no ARN."""
    machine = service.machine()
    assert service.refusal("DeleteStateMachineVersion", stateMachineVersionArn=machine)[0] == "ValidationException"
    assert service.refusal("DeleteStateMachineVersion", stateMachineVersionArn="one")[0] == "InvalidArn"


def test_list(service: Any) -> None:
    """Versions are listed newest first, page by page; a machine that is not there has none."""
    machine = service.machine()
    for _ in range(12):
        service.publish(machine)
    first = service("ListStateMachineVersions", stateMachineArn=machine, maxResults=10)
    second = service("ListStateMachineVersions", stateMachineArn=machine, maxResults=10, nextToken=first["nextToken"])
    items = first["stateMachineVersions"] + second["stateMachineVersions"]
    assert [item["stateMachineVersionArn"] for item in items] == [f"{machine}:{n}" for n in range(12, 0, -1)]
    assert "nextToken" not in second
    assert service("ListStateMachineVersions", stateMachineArn=f"{machine}s") == {"stateMachineVersions": []}


def test_quota(service: Any) -> None:
    """A machine has no more than 1,000 versions."""
    machine = service.machine()
    record = service.registry.machine(machine)
    first = service("PublishStateMachineVersion", stateMachineArn=machine)
    record.versions |= dict.fromkeys(range(2, 1001), record.versions[1])
    assert service("PublishStateMachineVersion", stateMachineArn=machine) == first
    service("UpdateStateMachine", stateMachineArn=machine, roleArn=service.role + "2")
    refusal = service.refusal("PublishStateMachineVersion", stateMachineArn=machine)
    assert refusal[0] == "ServiceQuotaExceededException"
