"""The account of a test, beside what a template says of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stepsim.runtime.projects.findings import ProjectError
from stepsim.runtime.runner import RunError
from stepsim.runtime.scenario_check import ScenarioError
from stepsim.runtime.testing import Function, Hangs, MachineResult, Returns, Unanswered, run_machine

TEMPLATE = """
Resources:
  Get:
    Type: AWS::Serverless::StateMachine
    Properties:
      Definition:
        StartAt: Find
        States:
          Find:
            Type: Task
            Resource: arn:aws:states:::aws-sdk:dynamodb:query
            Parameters:
              TableName: !Ref Stock
              IndexName: by-shelf
              KeyConditionExpression: shelf = :s
              ExpressionAttributeValues: {":s": {S: low}}
            ResultSelector: {"found.$": $.Count}
            End: true
  Stock:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: sku, AttributeType: S}, {AttributeName: shelf, AttributeType: S}]
      KeySchema: [{AttributeName: sku, KeyType: HASH}]
      GlobalSecondaryIndexes:
        - IndexName: by-shelf
          KeySchema: [{AttributeName: shelf, KeyType: HASH}]
          Projection: {ProjectionType: ALL}
  Work: {Type: AWS::SQS::Queue}
"""


def run(folder: Path, **account: object) -> MachineResult:
    template = folder / "template.yaml"
    template.write_text(TEMPLATE)
    return run_machine(template, **account)  # type: ignore[arg-type]


def test_a_templates_table_needs_only_its_items(tmp_path: Path) -> None:
    """Its keys and indexes are the template's."""
    items = [{"sku": "tea", "shelf": "low"}, {"sku": "cake", "shelf": "high"}]
    result = run(tmp_path, tables={"Stock": {"items": items}})
    result.returned({"found": 1})
    assert len(result.tables["Stock"]) == 2


def test_a_templates_queue_needs_only_its_messages(tmp_path: Path) -> None:
    """A dead-letter queue may be the template's, too."""
    queues = {"Work": ["one"], "More": {"dlq": "Work", "max_receive": 2}}
    assert run(tmp_path, queues=queues).queues["Work"] == ["one"]


def test_a_table_that_no_template_has_needs_its_key(tmp_path: Path) -> None:
    """Items alone make no table."""
    with pytest.raises(ScenarioError, match="partition_key"):
        run(tmp_path, tables={"Other": {"items": []}})


def test_a_function_that_a_template_does_not_have_is_refused(tmp_path: Path) -> None:
    """A wrong name would let the function's real code run."""
    (tmp_path / "template.yaml").write_text(
        TEMPLATE + "  ChargeFunction: {Type: AWS::Serverless::Function, Properties: {Runtime: python3.12}}\n"
    )
    with pytest.raises(RunError, match=r"no function 'Charge' .did you mean 'ChargeFunction'"):
        run_machine(tmp_path / "template.yaml", functions={"Charge": Returns(1)})


CALLS = """
Resources:
  Call:
    Type: AWS::Serverless::StateMachine
    Properties:
      Definition:
        StartAt: Ask
        States:
          Ask:
            Type: Task
            Resource: !GetAtt Node.Arn
            Catch: [{ErrorEquals: [States.ALL], Next: Ask2}]
            End: true
          Ask2: {Type: Pass, End: true}
  Node:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: nodejs22.x
      Handler: index.handler
      Timeout: 20
      Environment: {Variables: {MODE: x}}
"""


def test_a_templates_function_that_cannot_be_run_must_be_answered_for(tmp_path: Path) -> None:
    """The machine's own Catch does not hide it."""
    (tmp_path / "template.yaml").write_text(CALLS)
    with pytest.raises(Unanswered, match=r"'Node' .*its runtime is nodejs22.x.*mocks=\{'Ask': …\} for the state"):
        run_machine(tmp_path / "template.yaml")


def test_what_answers_for_a_templates_function_has_its_time(tmp_path: Path) -> None:
    """A Function of the test's own says something else."""
    (tmp_path / "template.yaml").write_text(CALLS)
    result = run_machine(tmp_path / "template.yaml", functions={"Node": Hangs()})
    result.took("20s").state("Ask").was_caught()
    run_machine(tmp_path / "template.yaml", functions={"Node": Function(Hangs(), timeout_s=7)}).took("7s")


def test_what_answers_for_a_templates_function_has_its_environment(tmp_path: Path) -> None:
    """As it has its time."""
    (tmp_path / "template.yaml").write_text(CALLS)
    mode = lambda event, context: os.environ["MODE"]  # noqa: E731
    run_machine(tmp_path / "template.yaml", functions={"Node": mode}).returned("x")


def test_the_machines_of_a_template_are_known_by_id_and_by_name(tmp_path: Path) -> None:
    """Whoever asks for another is told both."""
    named = CALLS.replace("    Properties:\n      Definition:", "    Properties:\n      Name: calls\n      Definition:")
    (tmp_path / "template.yaml").write_text(named)
    run_machine(tmp_path / "template.yaml", resource="calls", functions={"Node": Returns(1)}).returned(1)
    with pytest.raises(ProjectError, match="known: Call, calls"):
        run_machine(tmp_path / "template.yaml", resource="other")
