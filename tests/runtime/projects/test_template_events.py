"""What starts something in templates."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from stepsim.runtime.projects.load import load_project

Write = Callable[[dict[str, str]], Path]


def test_events_that_no_run_has_are_told(write: Write) -> None:
    """Streams, custom events and the like are named; HTTP is noted."""
    template = """
        Transform: AWS::Serverless-2016-10-31
        Resources:
          Flow:
            Type: AWS::Serverless::StateMachine
            Properties:
              Definition: {StartAt: A, States: {A: {Type: Pass, End: true}}}
              Events:
                Custom: {Type: EventBridgeRule, Properties: {Pattern: {source: [my.app]}}}
                Http: {Type: Api, Properties: {Path: /x, Method: post}}
    """
    project = load_project(write({"template.yaml": template}))
    assert [f"{one.problem.code}: {one.problem.message}" for one in project.findings] == [
        "NOT_SUPPORTED: only schedules and S3's Object Created events of one bucket start something in a run"
    ]
    assert [one.type for one in project.apis] == ["Api"]


def test_a_rule_starts_a_machine_when_an_object_lands(write: Write) -> None:
    """Over EventBridge, with the prefix of the pattern and the input of the transformer."""
    template = """
        Resources:
          Inbox: {Type: AWS::S3::Bucket, Properties: {BucketName: inbox}}
          Flow:
            Type: AWS::StepFunctions::StateMachine
            Properties: {Definition: {StartAt: A, States: {A: {Type: Pass, End: true}}}}
          Rule:
            Type: AWS::Events::Rule
            Properties:
              EventPattern:
                source: [aws.s3]
                detail-type: [Object Created]
                detail: {bucket: {name: [!Ref Inbox]}, object: {key: [{prefix: in/}]}}
              Targets:
                - Arn: !Ref Flow
                  Id: flow
                  InputTransformer:
                    InputPathsMap: {key: $.detail.object.key}
                    InputTemplate: '{"key": <key>, "text": "<key> landed"}'
    """
    [trigger] = load_project(write({"template.yaml": template})).triggers
    assert dict(trigger.written) == {
        "name": "Rule",
        "bucket": "inbox",
        "via": ["eventbridge"],
        "prefix": "in/",
        "start": "Flow",
        "input": {"key": "<$.detail.object.key>", "text": "<$.detail.object.key> landed"},
    }
