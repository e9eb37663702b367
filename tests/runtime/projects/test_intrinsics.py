"""CloudFormation's functions, worked out offline."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from stepsim.asl.payload import JSON
from stepsim.runtime.projects.host import read_host
from stepsim.runtime.projects.intrinsics import FUNCTIONS
from stepsim.runtime.projects.resolver import Resolver

Write = Callable[[dict[str, str]], Path]

TEMPLATE = """
    Parameters:
      Stage: {Type: String, Default: dev}
      Zones: {Type: CommaDelimitedList, Default: "a, b"}
      Path: {Type: "AWS::SSM::Parameter::Value<String>", Default: /x}
    Mappings: {Sizes: {dev: {memory: "128"}, prod: {memory: "512"}}}
    Conditions:
      IsProd: !Equals [!Ref Stage, prod]
      NotProd: !Not [!Condition IsProd]
      Either: !Or [!Condition IsProd, !Equals [a, a]]
    Resources:
      Fn: {Type: AWS::Serverless::Function, Properties: {AutoPublishAlias: live}}
      Queue: {Type: AWS::SQS::Queue, Properties: {QueueName: !Sub "q-${Stage}"}}
      Bucket: {Type: AWS::S3::Bucket}
      Topic: {Type: AWS::SNS::Topic}
      Machine: {Type: AWS::StepFunctions::StateMachine}
    Values:
"""

CASES: list[tuple[str, JSON]] = [
    ("!Ref Stage", "dev"),
    ("!Ref Zones", ["a", "b"]),
    ("!Ref AWS::Partition", "aws"),
    ("!Ref Queue", "https://sqs.us-east-1.amazonaws.com/123456789012/q-dev"),
    ("!GetAtt Queue.Arn", "arn:aws:sqs:us-east-1:123456789012:q-dev"),
    ("!GetAtt [Queue, QueueName]", "q-dev"),
    ("!Ref Bucket", "bucket"),
    ("!Ref Topic", "arn:aws:sns:us-east-1:123456789012:Topic"),
    ("!Ref Machine", "arn:aws:states:us-east-1:123456789012:stateMachine:Machine"),
    ("!GetAtt Fn.Arn", "arn:aws:lambda:us-east-1:123456789012:function:Fn"),
    ("!Ref Fn.Alias", "arn:aws:lambda:us-east-1:123456789012:function:Fn:live"),
    ("!Ref FnAliaslive", "arn:aws:lambda:us-east-1:123456789012:function:Fn:live"),
    ("!GetAtt FnRole.Arn", "arn:aws:iam::123456789012:role/FnRole"),
    ('!Sub "${Stage}/${Fn.Arn}/${!Kept}"', "dev/arn:aws:lambda:us-east-1:123456789012:function:Fn/${Kept}"),
    ("!Sub ['${A}-${Stage}', {A: !Ref Bucket}]", "bucket-dev"),
    ("!Join ['-', [a, !Ref Stage]]", "a-dev"),
    ("!Select [1, !Split [',', 'x,y']]", "y"),
    ("!FindInMap [Sizes, !Ref Stage, memory]", "128"),
    ("!FindInMap [Sizes, none, memory, {DefaultValue: 1}]", 1),
    ("!If [IsProd, 1, 2]", 2),
    ("!If [NotProd, 1, 2]", 1),
    ("!If [Either, [1, !Ref AWS::NoValue], 2]", [1]),
    ("{a: !Ref AWS::NoValue, b: 1}", {"b": 1}),
    ("!Base64 abc", "YWJj"),
    ("Fn::ToJsonString: {a: !Ref Stage}", '{"a":"dev"}'),
    ("Fn::Length: [1, 2, 3]", 3),
]


def resolver(write: Write, value: str, given: dict[str, JSON] | None = None) -> tuple[Resolver, JSON]:
    """A resolver, and what it makes of a value of the template."""
    head = "\n".join(TEMPLATE.splitlines()[1:-1])
    host = read_host(write({"t.yaml": f"{head}\n    Values:\n      V:\n        {value}\n"}) / "t.yaml")
    made = Resolver(host, given or {}, FUNCTIONS)
    return made, made.resolve(host.value["Values"]["V"], ("Values", "V"))


@pytest.mark.parametrize(("value", "expected"), CASES, ids=[value for value, _ in CASES])
def test_a_function_gives_what_the_local_account_has(write: Write, value: str, expected: JSON) -> None:
    """References, texts, lists and conditions."""
    made, found = resolver(write, value)
    assert found == expected
    assert made.findings == []


@pytest.mark.parametrize(
    ("value", "name", "message"),
    [
        ("!Ref Path", "Path", "the parameter Path has no value"),
        ("!ImportValue Net-Vpc", "Net-Vpc", "'Net-Vpc' is exported by another stack"),
        ("!GetAtt Topic.Policy", "Topic.Policy", "Policy of Topic (AWS::SNS::Topic) is known to AWS only"),
        ("'{{resolve:ssm:/a:1}}'", "ssm:/a:1", "{{resolve:ssm:/a:1}} is known to AWS only"),
    ],
)
def test_what_only_aws_knows_is_a_hole_until_it_is_given(write: Write, value: str, name: str, message: str) -> None:
    """Each is told with its place, and --parameter fills it."""
    made, found = resolver(write, value)
    assert found == f"${{{name}}}"
    [finding] = made.findings
    assert finding.problem.message == message
    assert finding.problem.suggestion == f"say what it is: --parameter '{name}=VALUE'"
    assert resolver(write, value, {name: "given"})[1] == "given"


def test_a_name_that_is_not_there_is_a_mistake(write: Write) -> None:
    """With a hint at what may have been meant."""
    made, _ = resolver(write, "!Ref Bukket")
    assert [str(one.problem.suggestion) for one in made.findings] == ["did you mean 'Bucket'?"]


def test_what_cannot_be_worked_out_is_named(write: Write) -> None:
    """A macro, a function that nobody knows."""
    made, _ = resolver(write, "{a: {Fn::Transform: {Name: Mine}}, b: {Fn::Cidr: [x, 1, 2]}}")
    assert [one.problem.message for one in made.findings] == [
        "the macro Mine runs on AWS only",
        "Fn::Cidr cannot be worked out offline",
    ]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("!If [!Equals [a], 1, 2]", "there is no condition"),
        ("{Fn::Equals: [a]}", "Fn::Equals takes two values"),
        ("{Fn::Not: []}", "Fn::Not takes one condition"),
        ("!Select [0]", "Fn::Select takes an index and a list"),
        ("!Select [0, []]", "Fn::Select finds no element 0"),
        ("!Select [2, [a, b]]", "Fn::Select finds no element 2"),
        ("!Select [0, !Ref Path]", "the parameter Path has no value"),
    ],
)
def test_a_function_that_is_written_wrongly_is_told(write: Write, value: str, message: str) -> None:
    """Once, with what it takes."""
    made, _ = resolver(write, value)
    [finding] = made.findings
    assert finding.problem.message.startswith(message)
