"""What cdk synth leaves, as a project."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from stepsim.runtime import runner
from stepsim.runtime.projects.findings import ProjectError
from stepsim.runtime.projects.load import load_project
from stepsim.runtime.projects.to_scenario import scenario_of_project

Write = Callable[[dict[str, str]], Path]

MANIFEST = {
    "version": "36.0.0",
    "artifacts": {
        "Tree": {"type": "cdk:tree"},
        "App": {"type": "aws:cloudformation:stack", "properties": {"templateFile": "App.template.json"}},
        "Store": {"type": "aws:cloudformation:stack", "properties": {"templateFile": "Store.template.json"}},
    },
}
APP = {
    "Resources": {
        "Fn123": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Runtime": "python3.12",
                "Handler": "index.handler",
                "Code": {"S3Bucket": {"Fn::Sub": "cdk-${AWS::AccountId}"}, "S3Key": "abc.zip"},
                "Environment": {"Variables": {"TABLE": {"Fn::ImportValue": "Store:Table"}}},
            },
            "Metadata": {"aws:asset:path": "asset.abc", "aws:asset:property": "Code"},
        },
        "Flow9": {
            "Type": "AWS::StepFunctions::StateMachine",
            "Properties": {
                "DefinitionString": {
                    "Fn::Join": [
                        "",
                        [
                            '{"StartAt":"Call","States":{"Call":{"Type":"Task","End":true,"Resource":"arn:',
                            {"Ref": "AWS::Partition"},
                            ':states:::lambda:invoke","OutputPath":"$.Payload","Parameters":{"FunctionName":"',
                            {"Fn::GetAtt": ["Fn123", "Arn"]},
                            '"}}}}',
                        ],
                    ]
                }
            },
        },
        "File7": {
            "Type": "AWS::StepFunctions::StateMachine",
            "Properties": {"DefinitionS3Location": {"Bucket": "assets", "Key": "def.json"}},
        },
    }
}
STORE = {
    "Resources": {
        "Table": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            },
        }
    },
    "Outputs": {"T": {"Value": {"Ref": "Table"}, "Export": {"Name": "Store:Table"}}},
}


@pytest.fixture
def app(write: Write) -> Path:
    """An app with two stacks, one of which imports from the other, and two assets."""
    return write(
        {
            "cdk.out/manifest.json": json.dumps(MANIFEST),
            "cdk.out/App.template.json": json.dumps(APP),
            "cdk.out/Store.template.json": json.dumps(STORE),
            "cdk.out/asset.abc/index.py": "import os\ndef handler(event, context): return os.environ['TABLE']\n",
            "cdk.out/asset.def.json": '{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}',
        }
    )


def test_an_app_runs_as_it_was_synthesised(app: Path) -> None:
    """Assets are the code, joined texts the definition, and stacks know each other's exports."""
    project = load_project(app)
    assert [*project.machines] == ["Flow9", "File7"]
    assert [*project.tables] == ["Table"]
    execution = runner.simulate(scenario_of_project(project, "Flow9").scenario)["execution"]
    assert (execution["status"], execution["output"]) == ("SUCCEEDED", "Table")


def test_a_definition_may_be_an_asset(app: Path) -> None:
    """DefinitionBody.fromFile is a file beside the template."""
    scenario = scenario_of_project(load_project(app / "cdk.out"), "File7").scenario
    assert runner.simulate(scenario)["execution"]["status"] == "SUCCEEDED"


def test_one_stack_is_a_template_like_any_other(app: Path) -> None:
    """What it imports is then not known."""
    project = load_project(app / "cdk.out" / "App.template.json")
    assert ["exported by another stack" in str(one) for one in project.findings] == [True]


def test_an_assembly_without_stacks_is_refused(write: Write) -> None:
    """With what to do."""
    folder = write({"cdk.out/manifest.json": '{"version": "36.0.0", "artifacts": {}}'})
    with pytest.raises(ProjectError, match="names no stack"):
        load_project(folder)
