"""serverless.yml with serverless-step-functions, as a project."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from stepsim.runtime import runner
from stepsim.runtime.projects.check import project_problems
from stepsim.runtime.projects.findings import ProjectError
from stepsim.runtime.projects.load import load_project
from stepsim.runtime.projects.to_scenario import scenario_of_project

Write = Callable[[dict[str, str]], Path]

SERVICE = """
    service: shop
    provider:
      name: aws
      runtime: python3.12
      stage: ${opt:stage, 'dev'}
      environment: {TABLE: "${self:custom.table}", SECRET: "${ssm:/shop/secret}"}
    custom:
      table: orders-${sls:stage}
    functions:
      check-stock:
        handler: src/check.handler
        events:
          - s3: {bucket: uploads, rules: [{prefix: in/}]}
          - http: {path: x, method: get}
    stepFunctions:
      stateMachines:
        third:
          definition: {StartAt: A, States: {A: {Type: Pass, Result: "#{AWS::Region}/#{Orders}", End: true}}}
        order:
          name: order-${self:provider.stage}
          events:
            - schedule: {rate: rate(1 hour), input: {a: 1}}
          definition:
            StartAt: Check
            States:
              Check:
                Type: Task
                Resource: !GetAtt check-stock.Arn
                End: true
        second: ${file(second.yml):machine}
    resources:
      Resources:
        Orders:
          Type: AWS::DynamoDB::Table
          Properties:
            TableName: ${self:custom.table}
            BillingMode: PAY_PER_REQUEST
            AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
            KeySchema: [{AttributeName: id, KeyType: HASH}]
"""
SECOND = """
    machine:
      type: EXPRESS
      definition:
        StartAt: A
        States: {A: {Type: Task, Resource: {Fn::GetAtt: [CheckDashstockLambdaFunction, Arn]}, End: true}}
"""


@pytest.fixture
def service(write: Write) -> Path:
    """A service with two machines and a function."""
    check = "import os\ndef handler(event, context): return os.environ['TABLE']\n"
    return write({"serverless.yml": SERVICE, "second.yml": SECOND, "src/check.py": check})


@pytest.mark.parametrize(("machine", "type_"), [("order", "STANDARD"), ("second", "EXPRESS")])
def test_a_service_runs_as_it_is(service: Path, machine: str, type_: str) -> None:
    """Functions may be called by their key or by their logical id; variables are filled in."""
    made = scenario_of_project(load_project(service), machine)
    assert made.scenario.type == type_
    assert runner.simulate(made.scenario)["execution"]["output"] == "orders-dev"


def test_pseudo_parameters_are_known(service: Path) -> None:
    """In the form of the plugin for them."""
    made = scenario_of_project(load_project(service), "third")
    assert runner.simulate(made.scenario)["execution"]["output"] == "us-east-1/orders-dev"


def test_activities_are_there(write: Write) -> None:
    """By the logical ids that the plugin gives them."""
    text = """
        service: one
        provider: {name: aws}
        stepFunctions:
          activities: [my-work]
          stateMachines:
            waits:
              definition:
                StartAt: A
                States: {A: {Type: Pass, Result: !Ref MyDashworkStepFunctionsActivity, End: true}}
    """
    project = load_project(write({"serverless.yml": text}))
    assert project.activities == ("my-work",)
    output = runner.simulate(scenario_of_project(project).scenario)["execution"]["output"]
    assert output == "arn:aws:states:us-east-1:123456789012:activity:my-work"


def test_the_provider_may_come_from_another_file(write: Write) -> None:
    """As everything else may; its stage is the service's."""
    text = """
        service: one
        provider: ${file(base.yml):provider}
        functions: {hello: {handler: handler.hello}}
        stepFunctions:
          stateMachines:
            basic:
              name: basic-${opt:stage, 'test'}
              definition:
                StartAt: A
                States: {A: {Type: Task, Resource: {Fn::GetAtt: [HelloLambdaFunction, Arn]}, End: true}}
    """
    base = (
        'provider: {name: aws, runtime: python3.12, stage: "${opt:stage, \'it\'}", environment: {S: "${sls:stage}"}}\n'
    )
    project = load_project(
        write({"serverless.yml": text, "base.yml": base, "handler.py": "def hello(e, c): return 1\n"})
    )
    assert [one.name for one in project.machines.values()] == ["basic-test"]
    assert [(one.name, one.env) for one in project.functions.values()] == [("one-it-hello", {"S": "it"})]
    assert runner.simulate(scenario_of_project(project).scenario)["execution"]["output"] == 1


def test_what_the_framework_makes_is_there(service: Path) -> None:
    """Names with the stage, the buckets of events, the triggers."""
    project = load_project(service, {"stage": "prod"})
    assert [one.name for one in project.functions.values()] == ["shop-prod-check-stock"]
    assert [one.name for one in project.machines.values()] == ["third", "order-prod", "second"]
    assert (project.buckets, [*project.tables]) == (("uploads",), ["orders-prod"])
    assert [dict(one.written) for one in project.triggers] == [
        {"name": "check-stock", "bucket": "uploads", "prefix": "in/", "invoke": "shop-prod-check-stock"},
        {"name": "order", "schedule": "rate(1 hour)", "start": "order-prod", "input": {"a": 1}},
    ]


def test_a_variable_without_a_value_is_told(service: Path) -> None:
    """With the option that gives it one."""
    [finding] = load_project(service).findings
    assert finding.problem.message == "${ssm:/shop/secret} has no value here"
    assert finding.problem.suggestion == "say what it is: --parameter 'ssm:/shop/secret=VALUE'"
    project = load_project(service, {"ssm:/shop/secret": "s"})
    assert project.functions["check-stock"].env["SECRET"] == "s"
    with pytest.raises(ProjectError, match="no parameter 'ssm:/no'"):
        load_project(service, {"ssm:/no": "s"})


def test_problems_of_a_definition_stand_in_the_file(write: Write) -> None:
    """Although the definition is moved into a template."""
    folder = write({"serverless.yml": SERVICE.replace("End: true\n        second", "Next: No\n        second")})
    problems = project_problems(folder, {}, "order")
    lines = {one.line for found in problems.values() for one in found if "Missing 'Next' target" in one.message}
    assert lines == {29}
