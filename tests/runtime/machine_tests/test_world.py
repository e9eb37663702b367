"""The account of a test, beside what a template says of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from stepsim.runtime.runner import RunError
from stepsim.runtime.scenario_check import ScenarioError
from stepsim.runtime.testing import MachineResult, Returns, run_machine

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
