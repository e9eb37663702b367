"""`stepsim.runtime.api.cloudformation`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from stepsim.runtime.api.cloudformation import installed
from stepsim.runtime.cloud.cloud import Cloud

PASS = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": "${Word}", "End": True}}}
ROLE = "arn:aws:iam::123456789012:role/states"
OBJECTS = {"definition.json": json.dumps(PASS), "definition.yaml": "StartAt: A\nStates: {A: {Type: Succeed}}"}


class Stack:
    """A stack of one machine."""

    def __init__(self, cloud: Cloud, service: Any) -> None:
        self.client = cloud.client("cloudformation")
        self.service = service

    def put(self, operation: str, **properties: Any) -> dict[str, str]:
        """Create or update the stack; returns its outputs."""
        getattr(self.client, operation)(StackName="orders", TemplateBody=template(properties))
        stack = self.client.describe_stacks(StackName="orders")["Stacks"][0]
        return {item["OutputKey"]: item["OutputValue"] for item in stack["Outputs"]}

    def describe(self, arn: str) -> Any:
        """The machine."""
        return self.service("DescribeStateMachine", stateMachineArn=arn)


def template(properties: dict[str, Any]) -> str:
    """The template of one machine."""
    machine = {"Type": "AWS::StepFunctions::StateMachine", "Properties": {"RoleArn": ROLE, **properties}}
    attributes = {name: {"Value": {"Fn::GetAtt": ["M", name]}} for name in ("Arn", "Name", "StateMachineRevisionId")}
    return json.dumps({"Resources": {"M": machine}, "Outputs": {"Ref": {"Value": {"Ref": "M"}}, **attributes}})


@pytest.fixture
def stack(service: Any) -> Iterator[Stack]:
    """A stack in an account whose S3 objects are OBJECTS."""

    def read_object(bucket: str, key: str, version: str | None) -> bytes:
        assert (bucket, version) == ("definitions", None)
        return OBJECTS[key].encode()

    with Cloud() as cloud, installed(service.operations.registries, read_object):
        yield Stack(cloud, service)


def test_create(stack: Stack) -> None:
    """A stack's machine is one of ours, as the template says it."""
    outputs = stack.put(
        "create_stack",
        StateMachineName="orders",
        StateMachineType="EXPRESS",
        Definition=PASS,
        DefinitionSubstitutions={"Word": "hello"},
        LoggingConfiguration={"Level": "OFF", "IncludeExecutionData": "true"},
        TracingConfiguration={"Enabled": True},
        Tags=[{"Key": "one", "Value": "1"}],
    )
    arn = outputs["Ref"]
    assert outputs == {"Ref": arn, "Arn": arn, "Name": "orders", "StateMachineRevisionId": "INITIAL"}
    described = stack.describe(arn)
    assert json.loads(described["definition"])["States"]["A"]["Result"] == "hello"
    assert (described["type"], described["roleArn"]) == ("EXPRESS", ROLE)
    assert described["loggingConfiguration"] == {"level": "OFF", "includeExecutionData": True}
    assert described["tracingConfiguration"] == {"enabled": True}
    assert stack.service("ListTagsForResource", resourceArn=arn) == {"tags": [{"key": "one", "value": "1"}]}


@pytest.mark.parametrize(
    ("properties", "state"),
    [
        ({"DefinitionString": json.dumps(PASS)}, "Pass"),
        ({"DefinitionS3Location": {"Bucket": "definitions", "Key": "definition.json"}}, "Pass"),
        ({"DefinitionS3Location": {"Bucket": "definitions", "Key": "definition.yaml"}}, "Succeed"),
    ],
)
def test_definitions(stack: Stack, properties: dict[str, Any], state: str) -> None:
    """A definition is an object, a text, or a JSON or YAML file in S3; a machine without a name gets one."""
    outputs = stack.put("create_stack", **properties)
    assert outputs["Name"].startswith("M-")
    assert json.loads(stack.describe(outputs["Ref"])["definition"])["States"]["A"]["Type"] == state


def test_update(stack: Stack) -> None:
    """An update changes the machine; with another name or type it becomes another machine."""
    first = stack.put("create_stack", Definition=PASS, TracingConfiguration={"Enabled": True})
    same = stack.put("update_stack", Definition=PASS, Tags=[{"Key": "one", "Value": "1"}])
    assert same["Ref"] == first["Ref"]
    described = stack.describe(same["Ref"])
    assert described["tracingConfiguration"] == {"enabled": False}
    assert described["revisionId"] == same["StateMachineRevisionId"]
    other = stack.put("update_stack", Definition=PASS, StateMachineName="other")
    assert [item["name"] for item in stack.service("ListStateMachines")["stateMachines"]] == ["other"]
    express = stack.put("update_stack", Definition=PASS, StateMachineType="EXPRESS")
    assert stack.describe(express["Ref"])["type"] == "EXPRESS"
    assert len({other["Ref"], express["Ref"], first["Ref"]}) == 3


def test_delete(stack: Stack) -> None:
    """A stack's machine goes with it."""
    stack.put("create_stack", Definition=PASS)
    stack.client.delete_stack(StackName="orders")
    assert stack.service("ListStateMachines") == {"stateMachines": []}


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({}, "Exactly one of Definition, DefinitionString, DefinitionS3Location is required"),
        ({"Definition": PASS, "DefinitionString": ""}, "Exactly one of"),
        ({"Definition": PASS, "Colour": "red"}, "Encountered unsupported property Colour"),
        ({"Definition": {"StartAt": "A"}}, "These fields are required: [States] at /"),
        ({"Definition": PASS, "StateMachineName": "a b"}, "Invalid Name: 'a b'"),
        ({"Definition": PASS, "StateMachineName": "taken"}, "The state machine taken already exists"),
        ({"Definition": PASS, "LoggingConfiguration": {"Level": "ALL"}}, "Must specify exactly one Log Destination."),
    ],
)
def test_refused(stack: Stack, properties: dict[str, Any], reason: str) -> None:
    """What AWS would refuse fails the stack, with the reason."""
    stack.service.machine("taken")
    with pytest.raises(ClientError, match="ValidationError") as raised:
        stack.client.create_stack(StackName="orders", TemplateBody=template(properties))
    assert reason in str(raised.value)


def test_not_installed() -> None:
    """Afterwards, moto's own machines are back."""
    from moto.stepfunctions.models import StateMachine

    assert StateMachine.create_from_cloudformation_json.__module__ == "moto.stepfunctions.models"


def test_a_change_set_makes_a_stack_with_outputs(stack: Stack) -> None:
    """SAM deploys so: a change set is made, executed, and the stack tells its outputs."""
    body = template({"DefinitionString": json.dumps(PASS), "DefinitionSubstitutions": {"Word": "w"}})
    made = stack.client.create_change_set(
        StackName="orders", ChangeSetName="first", ChangeSetType="CREATE", TemplateBody=body
    )
    stack.client.execute_change_set(ChangeSetName=made["Id"])
    described = stack.client.describe_stacks(StackName=made["StackId"])["Stacks"][0]
    outputs = {item["OutputKey"]: item["OutputValue"] for item in described["Outputs"]}
    assert outputs["Ref"] == outputs["Arn"]
    assert stack.describe(outputs["Ref"])["status"] == "ACTIVE"
