"""State machines of templates: their definitions, and what fills them in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from stepsim.runtime.projects.check import project_problems
from stepsim.runtime.projects.load import load_project

Write = Callable[[dict[str, str]], Path]

FLOW = """
    {"StartAt": "Check", "States": {
      "Check": {"Type": "Task", "Resource": "${CheckArn}", "ResultPath": "$.checked", "Next": "Save"},
      "Save": {"Type": "Task", "Resource": "arn:aws:states:::dynamodb:putItem", "ResultPath": null, "End": true,
        "Parameters": {"TableName": "${Orders}", "Item": {"pk": {"S": "a"}, "n": {"N": "1"}}}}}}
"""


def test_substitutions_are_held_against_the_definition(write: Write) -> None:
    """One that nothing asks for, and one that is asked for in vain, are told with their places."""
    template = """
        Resources:
          Flow:
            Type: AWS::Serverless::StateMachine
            Properties:
              DefinitionUri: flow.asl.json
              DefinitionSubstitutions: {Tabel: orders, CheckArn: "arn:aws:states:::x:y"}
    """
    folder = write({"template.yaml": template, "flow.asl.json": FLOW})
    project = load_project(folder)
    found = [str(one).replace(f"{folder}/", "") for one in project.machines["Flow"].findings]
    assert found[0].startswith("template.yaml:6:33: the definition has no placeholder ${Tabel}")
    assert "the definition's placeholder ${Orders} has no substitution" in found[1]


def test_problems_of_an_inline_definition_stand_in_the_template(write: Write) -> None:
    """A block's lines and an object's members have the places that they have in the template."""
    template = """
        Resources:
          Text:
            Type: AWS::StepFunctions::StateMachine
            Properties:
              DefinitionString: !Sub |
                {"StartAt": "A",
                 "States": {
                   "A": {"Type": "Pass", "Next": "B"}, "C": {"Type": "Succeed"}}}
          Object:
            Type: AWS::StepFunctions::StateMachine
            Properties:
              Definition:
                StartAt: A
                States:
                  A:
                    Type: Pass
                    Next: B
                  C: {Type: Succeed}
    """
    file = write({"template.yaml": template}) / "template.yaml"
    [problems] = project_problems(file, {}).values()
    found = [(one.line, one.column) for one in problems if "Missing 'Next' target" in one.message]
    assert found == [(8, 34), (17, 13)]


def test_a_text_that_is_no_json_is_told_where_it_stands(write: Write) -> None:
    """The parser's place is shifted into the template."""
    template = """
        Resources:
          Flow:
            Type: AWS::StepFunctions::StateMachine
            Properties:
              DefinitionString: |
                {"StartAt": "A",
                 "States": }
    """
    file = write({"template.yaml": template}) / "template.yaml"
    [[problem]] = project_problems(file, {}).values()
    assert (problem.line, problem.column) == (7, 20)
