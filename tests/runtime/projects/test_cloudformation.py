"""CloudFormation and SAM templates as projects."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from stepsim.runtime import runner
from stepsim.runtime.definition_source import read_definition
from stepsim.runtime.projects.check import project_problems
from stepsim.runtime.projects.findings import ProjectError
from stepsim.runtime.projects.load import load_project
from stepsim.runtime.projects.project import Project
from stepsim.runtime.projects.to_scenario import scenario_of_project
from stepsim.runtime.scenario_types import KeySpec, QueueSpec, TableSpec

Write = Callable[[dict[str, str]], Path]

SAM = """
    AWSTemplateFormatVersion: "2010-09-09"
    Transform: AWS::Serverless-2016-10-31
    Parameters:
      Stage: {Type: String, Default: dev}
    Globals:
      Function:
        Runtime: python3.12
        Timeout: 20
        Environment: {Variables: {STAGE: !Ref Stage, ORDERS: !Ref Orders}}
    Resources:
      Flow:
        Type: AWS::Serverless::StateMachine
        Properties:
          DefinitionUri: flow.asl.json
          DefinitionSubstitutions:
            CheckArn: !GetAtt Check.Arn
            Orders: !Ref Orders
          Events:
            Nightly: {Type: Schedule, Properties: {Schedule: rate(1 day), Input: '{"a": 1}'}}
      Check:
        Type: AWS::Serverless::Function
        Properties:
          CodeUri: check/
          Handler: app.handler
          MemorySize: 256
          Environment: {Variables: {OWN: !Sub "${Stage}-${AWS::Region}"}}
          Events:
            Landed:
              Type: S3
              Properties:
                Bucket: !Ref Inbox
                Events: s3:ObjectCreated:*
                Filter: {S3Key: {Rules: [{Name: prefix, Value: in/}]}}
            Sent: {Type: SQS, Properties: {Queue: !GetAtt Work.Arn, BatchSize: 5}}
      Orders:
        Type: AWS::DynamoDB::Table
        Properties:
          BillingMode: PAY_PER_REQUEST
          AttributeDefinitions: [{AttributeName: pk, AttributeType: S}, {AttributeName: n, AttributeType: N}]
          KeySchema: [{AttributeName: pk, KeyType: HASH}, {AttributeName: n, KeyType: RANGE}]
          GlobalSecondaryIndexes:
            - {IndexName: by_n, KeySchema: [{AttributeName: n, KeyType: HASH}], Projection: {ProjectionType: ALL}}
      Inbox: {Type: AWS::S3::Bucket}
      Dead: {Type: AWS::SQS::Queue}
      Work:
        Type: AWS::SQS::Queue
        Properties:
          VisibilityTimeout: 60
          RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 4}
"""
FLOW = """
    {"StartAt": "Check", "States": {
      "Check": {"Type": "Task", "Resource": "${CheckArn}", "ResultPath": "$.checked", "Next": "Save"},
      "Save": {"Type": "Task", "Resource": "arn:aws:states:::dynamodb:putItem", "ResultPath": null, "End": true,
        "Parameters": {"TableName": "${Orders}", "Item": {"pk": {"S": "a"}, "n": {"N": "1"}}}}}}
"""
CHECK = """
    import os

    def handler(event, context):
        return [os.environ["STAGE"], os.environ["ORDERS"], os.environ["OWN"]]
"""


@pytest.fixture
def sam(write: Write) -> Path:
    """A SAM application: a machine, a function, a table, queues and a bucket."""
    return write({"template.yaml": SAM, "flow.asl.json": FLOW, "check/app.py": CHECK}) / "template.yaml"


def test_a_sam_application_runs_as_it_is(sam: Path) -> None:
    """Its function has Globals and its own environment, its names are those of the local account."""
    made = scenario_of_project(load_project(sam))
    assert made.findings == ()
    report = runner.simulate(made.scenario)
    assert report["execution"]["status"] == "SUCCEEDED"
    assert report["execution"]["output"]["checked"] == ["dev", "Orders", "dev-us-east-1"]
    assert report["tables"]["Orders"]["consumed_wcu"] > 0


def test_the_account_is_what_the_template_says(sam: Path) -> None:
    """Tables with their keys and indexes, queues with their dead letters, buckets in small letters."""
    project = load_project(sam)
    table = project.tables["Orders"]
    assert isinstance(table, TableSpec)
    assert (table.partition_key, table.sort_key) == (KeySpec("pk"), KeySpec("n", "N"))
    assert table.gsis["by_n"].partition_key == KeySpec("n", "N")
    assert project.queues["Work"] == QueueSpec(60, "Dead", 4)
    assert project.buckets == ("inbox",)
    [function] = project.functions.values()
    assert (function.memory_mb, function.timeout_s) == (256, 20)


def test_events_are_triggers(sam: Path) -> None:
    """Of a bucket, a queue and a schedule; a schedule without an end is none of a plain run's."""
    project = load_project(sam)
    assert [dict(one.written) for one in project.triggers] == [
        {"name": "Flow", "schedule": "rate(1 day)", "start": "Flow", "input": {"a": 1}},
        {"name": "Check", "bucket": "inbox", "prefix": "in/", "invoke": "Check"},
        {"name": "Check", "queue": {"queue": "Work", "batch_size": 5}, "invoke": "Check"},
    ]
    assert [one.name for one in scenario_of_project(project).scenario.triggers] == ["Check", "Check#2"]


def test_parameters_are_given(sam: Path) -> None:
    """--parameter goes before the default; a name that nothing asks for is an error with a hint."""
    project = load_project(sam, {"Stage": "prod"})
    assert project.functions["Check"].env["STAGE"] == "prod"
    with pytest.raises(ProjectError, match=r"no parameter 'Stag'.*did you mean 'Stage'"):
        load_project(sam, {"Stag": "prod"})


def test_several_machines_are_listed(write: Write) -> None:
    """Where nobody says which, all are named; the others stand beside the chosen one if they can be run."""
    template = """
        Resources:
          A: &one
            Type: AWS::StepFunctions::StateMachine
            Properties: {Definition: {StartAt: X, States: {X: {Type: Pass, End: true}}}}
          B: *one
          C: {Type: AWS::StepFunctions::StateMachine, Properties: {DefinitionUri: s3://b/k}}
    """
    project = load_project(write({"template.yaml": template}))
    with pytest.raises(ProjectError, match=r"has several state machines: A, B, C \(name one: --resource A\)"):
        scenario_of_project(project)
    with pytest.raises(ProjectError, match=r"there is no state machine 'D'"):
        scenario_of_project(project, "D")
    with pytest.raises(ProjectError, match=r"the definition lies in S3: s3://b/k"):
        scenario_of_project(project, "C")
    made = scenario_of_project(project, "A")
    assert [*made.scenario.machines] == ["B"]
    assert ["the definition lies in S3" in str(one) for one in made.findings] == [True]


def test_what_cannot_be_known_is_told_with_what_to_do(write: Write) -> None:
    """An import, a parameter without a value and a dynamic reference: the place, and the option that fills them."""
    template = """
        Parameters: {Vpc: {Type: "AWS::EC2::VPC::Id"}}
        Resources:
          Flow:
            Type: AWS::StepFunctions::StateMachine
            Properties:
              Definition:
                StartAt: A
                States:
                  A: {Type: Pass, End: true, Result: [!Ref Vpc, !ImportValue Other, "{{resolve:ssm:/a}}", !GetAtt D.U]}
          D: {Type: "AWS::RDS::DBInstance"}
    """
    folder = write({"template.yaml": template})
    with pytest.raises(ProjectError) as raised:
        scenario_of_project(load_project(folder))
    assert [(one.problem.line, one.problem.suggestion) for one in raised.value.findings] == [
        (9, "say what it is: --parameter 'Vpc=VALUE'"),
        (9, "say what it is: --parameter 'Other=VALUE'"),
        (9, "say what it is: --parameter 'ssm:/a=VALUE'"),
        (9, "say what it is: --parameter 'D.U=VALUE'"),
    ]
    given = {"Vpc": "v", "Other": "o", "ssm:/a": "s", "D.U": "d"}
    project = load_project(folder, given)
    definition = project.machines["Flow"].definition
    assert definition is not None
    assert read_definition(definition, {}).value["States"]["A"]["Result"] == ["v", "o", "s", "d"]
    assert all(one.severity == "warning" for one in project_problems(folder, {})[str(folder / "template.yaml")])


def test_a_handler_that_cannot_be_imported_is_told_where_it_stands(write: Write) -> None:
    """What a definition calls must load in a simulation; what it doesn't call may not."""
    template = """
        Transform: AWS::Serverless-2016-10-31
        Globals: {Function: {Runtime: python3.12}}
        Resources:
          Good: {Type: AWS::Serverless::Function, Properties: {CodeUri: ., Handler: good.handler}}
          Bad: {Type: AWS::Serverless::Function, Properties: {CodeUri: ., Handler: bad.handler}}
          UsesGood:
            Type: AWS::Serverless::StateMachine
            Properties: {Definition: {StartAt: A, States: {A: {Type: Task, Resource: !GetAtt Good.Arn, End: true}}}}
          UsesBad:
            Type: AWS::Serverless::StateMachine
            Properties: {Definition: {StartAt: A, States: {A: {Type: Task, Resource: !GetAtt Bad.Arn, End: true}}}}
    """
    files = {"template.yaml": template, "bad.py": "import no_such_module\n", "good.py": "def handler(e, c): return 1\n"}
    project = load_project(write(files))
    with pytest.raises(runner.RunError, match=r"The function Bad, .*template.yaml:5:3 \(Bad\), cannot be run.*no_such"):
        runner.simulate(scenario_of_project(project, "UsesBad").scenario)
    project = Project(project.root, project.kind, {"G": project.machines["UsesGood"]}, project.functions)
    assert runner.simulate(scenario_of_project(project).scenario)["execution"]["status"] == "SUCCEEDED"


def test_nested_stacks_are_read_with_their_parameters(write: Write) -> None:
    """A stack's outputs are known to the one that holds it, and its resources are the project's."""
    outer = """
        Resources:
          Store: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: store.yaml, Parameters: {Name: ledger}}}
          Flow:
            Type: AWS::StepFunctions::StateMachine
            Properties:
              Definition: {StartAt: A, States: {A: {Type: Pass, Result: !GetAtt Store.Outputs.Table, End: true}}}
    """
    inner = """
        Parameters: {Name: {Type: String}}
        Resources:
          Table:
            Type: AWS::DynamoDB::Table
            Properties:
              TableName: !Ref Name
              AttributeDefinitions: [{AttributeName: pk, AttributeType: S}]
              KeySchema: [{AttributeName: pk, KeyType: HASH}]
              ProvisionedThroughput: {ReadCapacityUnits: 5, WriteCapacityUnits: 6}
        Outputs: {Table: {Value: !GetAtt Table.Arn}}
    """
    project = load_project(write({"template.yaml": outer, "store.yaml": inner}))
    assert [*project.tables] == ["ledger"]
    report = runner.simulate(scenario_of_project(project).scenario)
    assert report["execution"]["output"] == "arn:aws:dynamodb:us-east-1:123456789012:table/ledger"


def test_a_nested_stack_is_given_what_is_known(write: Write) -> None:
    """Numbers and lists, too; what the outer stack does not know is told in the inner, and --parameter fills it."""
    outer = """
        Parameters: {Vpc: {Type: String}, Stage: {Type: String, Default: outer}}
        Resources:
          Inner:
            Type: AWS::CloudFormation::Stack
            Properties:
              TemplateURL: inner.yaml
              Parameters: {Size: 5, Flag: true, Names: [a, b], Net: !Sub "net-${Vpc}"}
    """
    inner = """
        Parameters:
          Size: {Type: Number}
          Flag: {Type: String}
          Names: {Type: CommaDelimitedList}
          Net: {Type: String}
          Stage: {Type: String, Default: inner}
        Resources:
          Flow:
            Type: AWS::StepFunctions::StateMachine
            Properties:
              Definition:
                StartAt: A
                States:
                  A:
                    Type: Pass
                    Result: [!Ref Size, !Ref Flag, !Ref Names, !Ref Stage, !Ref Net, !ImportValue Other]
                    End: true
    """
    folder = write({"template.yaml": outer, "inner.yaml": inner})
    with pytest.raises(ProjectError) as raised:
        scenario_of_project(load_project(folder))
    assert [one.problem.suggestion for one in raised.value.findings] == [
        "say what it is: --parameter 'Net=VALUE'",
        "say what it is: --parameter 'Other=VALUE'",
    ]
    for given, net in (({"Net": "n"}, "n"), ({"Vpc": "v", "Stage": "s"}, "net-v")):
        made = scenario_of_project(load_project(folder, {**given, "Other": "o"})).scenario
        output = runner.simulate(made)["execution"]["output"]
        assert output == ["5", "true", ["a", "b"], "inner", net, "o"]
