"""Templates on the command line and in scenarios."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from stepsim.runtime.cli import main
from stepsim.runtime.scenario import ScenarioError, load_scenario

Write = Callable[[dict[str, str]], Path]

TEMPLATE = """
    Transform: AWS::Serverless-2016-10-31
    Parameters: {Stage: {Type: String}}
    Resources:
      First:
        Type: AWS::Serverless::StateMachine
        Properties:
          Type: EXPRESS
          Definition: {StartAt: Call, States: {Call: {Type: Task, Resource: !GetAtt Price.Arn, End: true}}}
          Events: {Hourly: {Type: Schedule, Properties: {Schedule: rate(1 hour)}}}
      Second:
        Type: AWS::Serverless::StateMachine
        Properties:
          Definition: {StartAt: Done, States: {Done: {Type: Pass, Result: !Ref Stage, End: true}}}
      Price:
        Type: AWS::Serverless::Function
        Properties: {FunctionName: price-v1, Runtime: nodejs20.x, Handler: index.handler, CodeUri: .}
"""


@pytest.fixture
def folder(write: Write) -> Path:
    """A template with two machines; the function of one is not Python."""
    return write({"template.yaml": TEMPLATE, "mine.py": "def price(event, context): return 7\n"})


def run(*arguments: object) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of a command."""
    done = CliRunner().invoke(main, [str(one) for one in arguments])
    return done.exit_code, done.stdout, done.stderr


def test_a_template_is_simulated(folder: Path) -> None:
    """The machine that is named, with the parameters that are given; what is left out is told on standard error."""
    file = folder / "template.yaml"
    code, out, err = run("simulate", file, "--resource", "Second", "--parameter", "Stage=x", "--json", "-")
    assert (code, json.loads(out)["execution"]["output"]) == (0, "x")
    assert "its runtime is nodejs20.x" in err


def test_code_of_ones_own_stands_in_for_a_function(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--function goes before the template's, and is relative to the current folder."""
    monkeypatch.chdir(folder)
    code, out, err = run(
        "run", "template.yaml", "--resource", "First", "--function", "price-v1=mine:price", "--json", "-"
    )
    assert (code, json.loads(out)["execution"]["output"]) == (0, 7)
    assert "nodejs" not in err


def test_bad_usage_is_refused(folder: Path) -> None:
    """With what there is, and with what goes with what."""
    file = folder / "template.yaml"
    assert "has several state machines: First, Second" in run("run", file)[2]
    assert "--set changes a scenario" in run("simulate", file, "--set", "seed=1")[2]
    (folder / "plain.json").write_text('{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}')
    assert "--resource and --parameter are for a template" in run("run", folder / "plain.json", "--resource", "A")[2]
    assert run("run", folder / "plain.json")[0] == 0
    assert "there is none among the files" in run("validate", folder / "plain.json", "--resource", "A")[2]
    assert "--substitute is for definitions" in run("validate", file, "--substitute", "a=b")[2]
    (folder / "broken.yaml").write_text("Resources:\n  A: [\n")
    assert "broken.yaml:3:1: error INVALID_YAML" in run("run", folder / "broken.yaml")[2]


def test_validate_takes_templates(folder: Path) -> None:
    """What only AWS knows is a warning; the definition's own problems are errors."""
    file = folder / "template.yaml"
    code, out, _ = run("validate", "--format", "json", file)
    [told] = json.loads(out)
    assert (code, told["valid"]) == (0, True)
    assert [one["code"] for one in told["problems"]] == ["UNRESOLVED_REFERENCE"]
    file.write_text(file.read_text().replace("StartAt: Done", "StartAt: Dane"))
    assert run("validate", file, "--resource", "Second")[0] == 1
    assert run("validate", file, "--resource", "First")[0] == 0


SCENARIO = """
    definition: {template: template.yaml, resource: First, parameters: {Stage: x}}
    functions: {Price: {returns: 5}}
    cloud: {queues: {work: {}}}
    faults: [{function: price-v1, error: Never, probability: 0}]
"""


def test_a_scenario_goes_over_its_template(write: Write, folder: Path) -> None:
    """Functions by their logical id or by their name; what the template says of the rest holds."""
    write({"s.yaml": SCENARIO})
    scenario = load_scenario(folder / "s.yaml")
    assert (scenario.name, scenario.type, [*scenario.machines]) == ("First", "EXPRESS", ["Second"])
    assert scenario.functions["price-v1"].returns == 5
    assert (scenario.triggers, scenario.starts_itself, scenario.findings) == ((), True, ())
    code, out, _ = run("simulate", folder / "s.yaml", "--json", "-")
    assert (code, json.loads(out)["execution"]["output"]) == (0, 5)


def test_a_templates_schedules_need_an_end(write: Write, folder: Path) -> None:
    """With until they are triggers of the scenario."""
    write({"s.yaml": SCENARIO.rstrip() + "\n    until: 2h\n"})
    scenario = load_scenario(folder / "s.yaml")
    assert ([one.name for one in scenario.triggers], scenario.starts_itself) == (["First"], False)


@pytest.mark.parametrize(
    ("definition", "problem"),
    [
        ("{template: no.yaml}", "definition.template: there is no file or folder"),
        ("{template: template.yaml}", "has several state machines: First, Second"),
        ("{template: template.yaml, resource: Third}", "there is no state machine 'Third'"),
        ("{template: template.yaml, resorce: First}", "unknown key 'resorce' (did you mean 'resource'?)"),
        ("{resource: First}", "'template' is missing"),
        ("{template: template.yaml, resource: Second}", "the parameter Stage has no value"),
    ],
)
def test_a_template_that_cannot_be_used_is_told(write: Write, folder: Path, definition: str, problem: str) -> None:
    """Of the scenario, with the place in the template; what follows from it is not."""
    write({"s.yaml": f"definition: {definition}\nfunctions: {{Price: {{returns: 5}}}}\n"})
    with pytest.raises(ScenarioError) as raised:
        load_scenario(folder / "s.yaml")
    assert problem in str(raised.value).splitlines()[-1]
    assert "Price" not in str(raised.value)
