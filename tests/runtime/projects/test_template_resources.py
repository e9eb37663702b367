"""Functions, topics and the like of templates."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from stepsim.runtime import runner
from stepsim.runtime.projects.load import load_project
from stepsim.runtime.projects.project import NoCode
from stepsim.runtime.projects.to_scenario import scenario_of_project

Write = Callable[[dict[str, str]], Path]


def test_functions_that_cannot_run_fail_when_they_are_invoked(write: Write) -> None:
    """Another language, an image, code in S3 and a missing handler: each is told, and each invocation says why."""
    template = """
        Transform: AWS::Serverless-2016-10-31
        Globals: {Function: {Runtime: python3.12, Handler: app.handler}}
        Resources:
          Node: {Type: AWS::Serverless::Function, Properties: {Runtime: nodejs20.x, CodeUri: .}}
          Image: {Type: AWS::Serverless::Function, Properties: {PackageType: Image, ImageUri: x}}
          Stored: {Type: AWS::Serverless::Function, Properties: {CodeUri: s3://b/k}}
          Lost: {Type: AWS::Serverless::Function, Properties: {CodeUri: .}}
          Flow:
            Type: AWS::Serverless::StateMachine
            Properties:
              Definition:
                StartAt: Call
                States: {Call: {Type: Task, Resource: !GetAtt Node.Arn, End: true}}
    """
    project = load_project(write({"template.yaml": template}))
    assert isinstance(project.functions["Stored"].code, NoCode)
    made = scenario_of_project(project)
    told = [one.problem.message for one in made.findings]
    reasons = ("its runtime is nodejs20.x", "container image", "s3://b/k", "there is no file")
    assert [reason in text for reason, text in zip(reasons, told, strict=True)] == [True] * 4
    execution = runner.simulate(made.scenario)["execution"]
    assert execution["status"] == "FAILED"
    assert "template.yaml:4:3 (Node): its runtime is nodejs20.x" in execution["cause"]
    assert scenario_of_project(project, replaced=["Node", "Image", "Stored", "Lost"]).findings == ()


def test_code_may_stand_in_the_template(write: Write) -> None:
    """InlineCode and ZipFile are index.py."""
    template = {
        "Resources": {
            "F": {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "Runtime": "python3.12",
                    "Handler": "index.main",
                    "Code": {"ZipFile": "def main(event, context):\n    return event['x'] + 1\n"},
                },
            },
            "Flow": {
                "Type": "AWS::StepFunctions::StateMachine",
                "Properties": {
                    "DefinitionString": {
                        "Fn::Join": [
                            "",
                            [
                                '{"StartAt": "A", "States": {"A": {"Type": "Task", "End": true, "Resource": "',
                                {"Fn::GetAtt": ["F", "Arn"]},
                                '"}}}',
                            ],
                        ]
                    }
                },
            },
        }
    }
    scenario = scenario_of_project(load_project(write({"t.json": json.dumps(template)}) / "t.json")).scenario
    execution = runner.simulate(replace(scenario, input={"x": 1}))["execution"]
    assert execution["output"] == 2


def test_topics_and_event_buses_are_made(write: Write) -> None:
    """A message is published to a topic of the template, and an event put on its bus; a FIFO queue is one."""
    template = """
        Resources:
          Topic: {Type: AWS::SNS::Topic}
          Bus: {Type: AWS::Events::EventBus, Properties: {Name: orders}}
          Queue: {Type: AWS::SQS::Queue, Properties: {FifoQueue: true}}
          Flow:
            Type: AWS::StepFunctions::StateMachine
            Properties:
              Definition:
                StartAt: Tell
                States:
                  Tell:
                    Type: Task
                    Resource: arn:aws:states:::sns:publish
                    Parameters: {TopicArn: !Ref Topic, Message: hello}
                    Next: Put
                  Put:
                    Type: Task
                    Resource: arn:aws:states:::events:putEvents
                    Parameters: {Entries: [{EventBusName: !Ref Bus, Source: me, DetailType: t, Detail: {a: 1}}]}
                    Next: Send
                  Send:
                    Type: Task
                    Resource: arn:aws:states:::sqs:sendMessage
                    Parameters:
                      {QueueUrl: !Ref Queue, MessageBody: m, MessageGroupId: g, MessageDeduplicationId: d}
                    End: true
    """
    project = load_project(write({"template.yaml": template}))
    assert [*project.queues] == ["Queue.fifo"]
    assert runner.simulate(scenario_of_project(project).scenario)["execution"]["status"] == "SUCCEEDED"
