"""Which definitions are reported."""

from __future__ import annotations

from pathlib import Path

import pytest

from stepsim.asl.parse import parse
from stepsim.runtime.coverage.recorded import of_document
from stepsim.runtime.coverage.selection import NoDefinition, named, selected

ONE = '{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}}'
TEMPLATE = """
Resources:
  Orders:
    Type: AWS::Serverless::StateMachine
    Properties:
      Role: arn:aws:iam::123456789012:role/r
      Definition:
        StartAt: A
        States:
          A: {Type: Pass, End: true}
  Stock:
    Type: AWS::StepFunctions::StateMachine
    Properties:
      RoleArn: arn:aws:iam::123456789012:role/r
      DefinitionString: |
        {"StartAt": "B", "States": {
          "B": {"Type": "Pass", "End": true}}}
"""


def test_the_definitions_of_a_folder_are_found(tmp_path: Path) -> None:
    """At any depth, as JSON and as YAML; other files are none."""
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "one.asl.json").write_text(ONE)
    (tmp_path / "two.asl.yaml").write_text("StartAt: A\nStates:\n  A: {Type: Succeed}\n")
    (tmp_path / "other.json").write_text("{}")
    records = named([tmp_path])
    assert [(Path(record.file).name, len(record.goals), record.hits) for record in records] == [
        ("one.asl.json", 2, {}),
        ("two.asl.yaml", 1, {}),
    ]


def test_the_definitions_of_a_template_stand_in_its_lines(tmp_path: Path) -> None:
    """Each machine of a template is a definition, as an object or as a text."""
    template = tmp_path / "template.yaml"
    template.write_text(TEMPLATE)
    records = named([template])
    assert {record.file for record in records} == {str(template.resolve())}
    lines = {goal.id: goal.line for record in records for goal in record.goals}
    text = TEMPLATE.splitlines()
    assert text[lines["/States/A"] - 1].strip().startswith("A:")
    assert text[lines["/States/B"] - 1].strip().startswith('"B"')


@pytest.mark.parametrize("content", [None, "{}", '{"StartAt": "A", "States": {}}', "not: a template"])
def test_a_path_without_a_definition_is_a_mistake(tmp_path: Path, content: str | None) -> None:
    """What was named and cannot be covered is told, not passed over."""
    path = tmp_path / "one.asl.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(NoDefinition, match=r"one\.asl\.json"):
        named([path])


def test_only_what_was_named_is_reported(tmp_path: Path) -> None:
    """Without names everything is; with names, those files, run or not."""
    for name in ("run", "never", "other"):
        (tmp_path / f"{name}.asl.json").write_text(ONE)
    ran = [of_document(parse(ONE, str(tmp_path / f"{name}.asl.json")), {"/States/A": 1}) for name in ("run", "other")]
    paths = [tmp_path / "run.asl.json", tmp_path / "never.asl.json"]
    found = selected(ran, named(paths), paths)
    assert [(Path(record.file).stem, dict(record.hits)) for record in found] == [
        ("run.asl", {"/States/A": 1}),
        ("never.asl", {}),
    ]
    assert selected(ran, [], []) == ran
