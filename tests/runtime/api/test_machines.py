"""`stepsim.runtime.api.machines`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stepsim.runtime.api.records import MachineRecord, moment

NAME = "orders"
ARN = "arn:aws:states:us-east-1:123456789012:stateMachine:orders"
DEFINITION = '{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}}'
OTHER = DEFINITION.replace("Pass", "Succeed").replace(', "End": true', "")
ROLE = "arn:aws:iam::123456789012:role/states"
WAITING = '{"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 9, "End": true}}}'


def create(service: Any, **params: Any) -> Any:
    """CreateStateMachine, with what is not said filled in."""
    return service("CreateStateMachine", **{"name": NAME, "definition": DEFINITION, "roleArn": ROLE} | params)


def test_create_and_describe(service: Any) -> None:
    """A machine is described as it was created, with AWS's defaults; the first revision has no id."""
    assert create(service) == {"stateMachineArn": ARN, "creationDate": moment(service.registry.now_ms)}
    assert service("DescribeStateMachine", stateMachineArn=ARN) == {
        "stateMachineArn": ARN,
        "name": NAME,
        "status": "ACTIVE",
        "type": "STANDARD",
        "creationDate": moment(service.registry.now_ms),
        "definition": DEFINITION,
        "roleArn": ROLE,
        "loggingConfiguration": {"level": "OFF", "includeExecutionData": False},
        "tracingConfiguration": {"enabled": False},
        "encryptionConfiguration": {"type": "AWS_OWNED_KEY"},
    }


def test_metadata_only(service: Any) -> None:
    """Without its data, a machine's definition is an empty object."""
    create(service)
    described = service("DescribeStateMachine", stateMachineArn=ARN, includedData="METADATA_ONLY")
    assert described["definition"] == "{}"


@pytest.mark.parametrize(
    "same", [{}, {"type": "STANDARD"}, {"tags": [{"key": "a", "value": "b"}]}, {"loggingConfiguration": {}}]
)
def test_create_again(service: Any, same: dict[str, Any]) -> None:
    """The same request gives the same answer, whatever its tags, and changes nothing."""
    first = create(service)
    service.advance(1000)
    assert create(service, **same) == first
    assert service("ListTagsForResource", resourceArn=ARN) == {"tags": []}


@pytest.mark.parametrize(
    "different",
    [
        {"definition": DEFINITION + " "},
        {"roleArn": ROLE + "2"},
        {"type": "EXPRESS"},
        {"tracingConfiguration": {"enabled": True}},
        {"publish": True},
        {"loggingConfiguration": {"includeExecutionData": True}},
    ],
)
def test_create_another_of_that_name(service: Any, different: dict[str, Any]) -> None:
    """A name is taken for a machine that differs, be it by a blank in its definition."""
    create(service)
    asked = {"name": NAME, "definition": DEFINITION, "roleArn": ROLE} | different
    refusal = ("StateMachineAlreadyExists", f"State Machine Already Exists: '{ARN}'")
    assert service.refusal("CreateStateMachine", **asked) == refusal


def test_create_published_again(service: Any) -> None:
    """Creating a published machine once more answers with its first version."""
    first = create(service, publish=True, versionDescription="one")
    assert first["stateMachineVersionArn"] == f"{ARN}:1"
    assert create(service, publish=True, versionDescription="one") == first
    assert len(service("ListStateMachineVersions", stateMachineArn=ARN)["stateMachineVersions"]) == 1


def test_description_of_no_version(service: Any) -> None:
    """Only a version that is published has a description."""
    asked = {"name": NAME, "definition": DEFINITION, "roleArn": ROLE, "versionDescription": "one"}
    assert service.refusal("CreateStateMachine", **asked) == (
        "ValidationException",
        "Version description can only be set when publish is true",
    )


def test_invalid_name(service: Any) -> None:
    """A name with a character that names must not have is refused."""
    refusal = service.refusal("CreateStateMachine", name="a b", definition=DEFINITION, roleArn=ROLE)
    assert refusal == ("InvalidName", "Invalid Name: 'a b'")


def test_update_makes_a_revision(service: Any) -> None:
    """Whatever changes makes a new revision; what is as it was makes none, and no id either."""
    create(service)
    assert service("UpdateStateMachine", stateMachineArn=ARN, definition=DEFINITION) == {
        "updateDate": moment(service.registry.now_ms)
    }
    ids = [
        service("UpdateStateMachine", stateMachineArn=ARN, **change)["revisionId"]
        for change in (
            {"definition": OTHER},
            {"definition": OTHER},
            {"roleArn": ROLE + "2"},
            {"tracingConfiguration": {"enabled": True}},
            {"loggingConfiguration": {"includeExecutionData": True}},
        )
    ]
    assert (len(set(ids)), ids[0]) == (4, ids[1])
    described = service("DescribeStateMachine", stateMachineArn=ARN)
    assert (described["revisionId"], described["definition"]) == (ids[-1], OTHER)
    assert described["tracingConfiguration"] == {"enabled": True}
    assert described["creationDate"] == moment(service.registry.now_ms)


def test_update_nothing(service: Any) -> None:
    """An update says what to change."""
    create(service)
    assert service.refusal("UpdateStateMachine", stateMachineArn=ARN, publish=True) == (
        "MissingRequiredParameter",
        "Either the definition, the role ARN, the LoggingConfiguration, or the TracingConfiguration must be specified",
    )


def test_update_is_refused_whole(service: Any) -> None:
    """An update that is refused changes nothing."""
    create(service)
    code, _ = service.refusal("UpdateStateMachine", stateMachineArn=ARN, definition="{}", roleArn=ROLE + "2")
    assert code == "InvalidDefinition"
    assert service("DescribeStateMachine", stateMachineArn=ARN)["roleArn"] == ROLE


def test_running_executions_keep_their_revision(service: Any) -> None:
    """An execution goes on with the definition that it was started with."""
    create(service, definition=WAITING)
    started = service("StartExecution", stateMachineArn=ARN)["executionArn"]
    service("UpdateStateMachine", stateMachineArn=ARN, definition=OTHER)
    record = service.registry.execution(started)
    assert (record.revision.definition, record.revision.id) == (WAITING, None)


@pytest.mark.parametrize("operation", ["DescribeStateMachine", "UpdateStateMachine", "PublishStateMachineVersion"])
def test_no_such_machine(service: Any, operation: str) -> None:
    """What is no ARN is named as such, and an ARN that leads nowhere, too."""
    more = {"roleArn": ROLE} if operation == "UpdateStateMachine" else {}
    assert service.refusal(operation, stateMachineArn=ARN, **more) == (
        "StateMachineDoesNotExist",
        f"State Machine Does Not Exist: '{ARN}'",
    )
    assert service.refusal(operation, stateMachineArn="orders", **more) == (
        "InvalidArn",
        "Invalid Arn: 'Invalid ARN prefix: orders'",
    )
    assert service.refusal(operation, stateMachineArn=f"{ARN}/label", **more)[0] == "ValidationException"


def test_delete(service: Any) -> None:
    """A deleted machine is gone at once, with its versions and aliases; one that is gone may be deleted."""
    version = create(service, publish=True)["stateMachineVersionArn"]
    assert service("DeleteStateMachine", stateMachineArn=ARN) == {}
    assert service("DeleteStateMachine", stateMachineArn=ARN) == {}
    assert service("ListStateMachines") == {"stateMachines": []}
    assert service.refusal("DescribeStateMachine", stateMachineArn=version)[0] == "StateMachineDoesNotExist"
    assert service.refusal("DeleteStateMachine", stateMachineArn="orders")[0] == "InvalidArn"


def test_delete_while_executions_run(service: Any) -> None:
    """A machine is DELETING until its last execution has ended; meanwhile nothing of it can be changed."""
    told: list[str] = []

    def note(what: str) -> Any:
        def observer(record: MachineRecord) -> None:
            told.append(f"{what} {record.status}")

        return observer

    observers = service.operations.registries.observers
    observers.machine_deleting.append(note("deleting"))
    observers.machine_deleted.append(note("deleted"))
    create(service, definition=WAITING)
    arns = [service("StartExecution", stateMachineArn=ARN)["executionArn"] for _ in range(2)]
    service("DeleteStateMachine", stateMachineArn=ARN)
    service("DeleteStateMachine", stateMachineArn=ARN)
    assert service("DescribeStateMachine", stateMachineArn=ARN)["status"] == "DELETING"
    for operation, params in (
        ("UpdateStateMachine", {"stateMachineArn": ARN, "roleArn": ROLE}),
        ("PublishStateMachineVersion", {"stateMachineArn": ARN}),
        ("CreateStateMachine", {"name": NAME, "definition": WAITING, "roleArn": ROLE}),
    ):
        assert service.refusal(operation, **params)[0] == "StateMachineDeleting"
    service("StopExecution", executionArn=arns[0])
    assert service("DescribeStateMachine", stateMachineArn=ARN)["status"] == "DELETING"
    service("StopExecution", executionArn=arns[1])
    assert service.refusal("DescribeStateMachine", stateMachineArn=ARN)[0] == "StateMachineDoesNotExist"
    assert told == ["deleting DELETING", "deleted DELETING"]


def test_list(service: Any) -> None:
    """Machines are listed by name, page by page."""
    for name in ("b", "c", "a"):
        service.machine(name, type="EXPRESS" if name == "c" else "STANDARD")
    first = service("ListStateMachines", maxResults=2)
    second = service("ListStateMachines", maxResults=2, nextToken=first["nextToken"])
    items = first["stateMachines"] + second["stateMachines"]
    assert [(item["name"], item["type"]) for item in items] == [("a", "STANDARD"), ("b", "STANDARD"), ("c", "EXPRESS")]
    assert set(items[0]) == {"stateMachineArn", "name", "type", "creationDate"}
    assert "nextToken" not in second


def test_homes(service: Any) -> None:
    """A region knows nothing of another's machines."""
    create(service)
    elsewhere = service.operations.registries[service.home._replace(region="eu-west-1")]
    assert not elsewhere.machines


def test_variable_references(service: Any) -> None:
    """A description says which states refer to which variables, if any do."""
    assign = {"Type": "Pass", "Assign": {"x": 1}, "Next": "B"}
    read = {"Type": "Pass", "Parameters": {"x.$": "$x"}, "End": True}
    definition = {"StartAt": "A", "States": {"A": assign, "B": read}}
    create(service, definition=json.dumps(definition))
    assert service("DescribeStateMachine", stateMachineArn=ARN)["variableReferences"] == {"B": ["x"]}
