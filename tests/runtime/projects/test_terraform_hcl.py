"""Terraform's files, as projects."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from stepsim.runtime import runner
from stepsim.runtime.projects.check import project_problems
from stepsim.runtime.projects.findings import ProjectError
from stepsim.runtime.projects.load import load_project
from stepsim.runtime.projects.to_scenario import scenario_of_project
from stepsim.runtime.scenario_types import QueueSpec

Write = Callable[[dict[str, str]], Path]

MAIN = """
    variable "stage" { default = "dev" }
    variable "topic" {}
    locals { prefix = "shop-${var.stage}" }
    data "archive_file" "code" {
      type        = "zip"
      source_dir  = "${path.module}/src"
      output_path = "${path.module}/build/code.zip"
    }
    resource "aws_lambda_function" "check" {
      function_name = "${local.prefix}-check"
      handler       = "app.handler"
      runtime       = "python3.12"
      filename      = data.archive_file.code.output_path
      timeout       = 30
      environment {
        variables = { TABLE = module.store.table_name }
      }
    }
    module "store" {
      source = "./store"
      prefix = local.prefix
    }
    resource "aws_sfn_state_machine" "encoded" {
      name     = "encoded-${var.stage}"
      role_arn = aws_iam_role.elsewhere.arn
      definition = jsonencode({
        StartAt = "A"
        States = {
          A = { Type = "Task", Resource = aws_lambda_function.check.arn, TimeoutSeconds = 2 + 1, "End" = true }
        }
      })
    }
    resource "aws_sfn_state_machine" "text" {
      definition = <<-EOF
        {"StartAt": "A",
         "States": {
           "A": {"Type": "Pass", "Next": "Q"}, "B": {"Type": "Succeed"}}}
      EOF
    }
    resource "aws_sfn_state_machine" "filled" {
      type       = "EXPRESS"
      definition = templatefile("${path.module}/machine.json", { check = aws_lambda_function.check.arn, steps = ["u"] })
    }
    resource "aws_sfn_state_machine" "told" {
      definition = jsonencode({ StartAt = "A", States = { A = { Type = "Pass", Result = var.topic, End = true } } })
    }
    resource "aws_sqs_queue" "dead" { name = "dead" }
    resource "aws_sqs_queue" "work" {
      name           = "work"
      redrive_policy = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead.arn, maxReceiveCount = 4 })
    }
    resource "aws_scheduler_schedule" "nightly" {
      schedule_expression = "rate(1 day)"
      target {
        arn   = aws_sfn_state_machine.encoded.arn
        input = jsonencode({ a = 1 })
      }
    }
    resource "aws_lambda_event_source_mapping" "work" {
      event_source_arn = aws_sqs_queue.work.arn
      function_name    = aws_lambda_function.check.arn
    }
"""
FILES = {
    "main.tf": MAIN,
    "machine.json": """
        {"StartAt": "A", "States": {
        %{ for step in steps ~}
        "${step}": {"Type": "Pass", "Next": "A"},
        %{ endfor ~}
        "A": {"Type": "Task", "Resource": "${check}", "End": true}}}
    """,
    "store/main.tf": """
        variable "prefix" {}
        resource "aws_dynamodb_table" "orders" {
          name     = "${var.prefix}-orders"
          hash_key = "id"
          attribute {
            name = "id"
            type = "S"
          }
          billing_mode = "PAY_PER_REQUEST"
        }
        output "table_name" { value = aws_dynamodb_table.orders.name }
    """,
    "src/app.py": "import os\ndef handler(event, context): return os.environ['TABLE']\n",
}


@pytest.fixture
def module(write: Write) -> Path:
    """A module with a child, four machines, a function and queues."""
    return write(FILES)


def test_files_run_as_they_are(module: Path) -> None:
    """References are what the local account has; archives are made of the folders that lie there."""
    project = load_project(module)
    assert [one.name for one in project.machines.values()] == ["encoded-dev", "text", "filled", "told"]
    assert [*project.tables] == ["shop-dev-orders"]
    assert project.queues["work"] == QueueSpec(30, "dead", 4)
    schedule = project.triggers[0].written
    assert (schedule["schedule"], schedule["start"], schedule["input"]) == ("rate(1 day)", "encoded-dev", {"a": 1})
    made = scenario_of_project(project, "aws_sfn_state_machine.encoded").scenario
    assert [one.name for one in made.triggers] == ["aws_lambda_event_source_mapping.work"]
    assert runner.simulate(made)["execution"]["output"] == "shop-dev-orders"


def test_a_relative_folder_will_do(module: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What path.module leads to is found from anywhere."""
    monkeypatch.chdir(module.parent)
    project = load_project(Path(module.name))
    assert runner.simulate(scenario_of_project(project, "encoded-dev").scenario)["execution"]["status"] == "SUCCEEDED"


def test_problems_of_a_heredoc_stand_in_the_file(module: Path) -> None:
    """With the lines and columns of the file."""
    problems = project_problems(module, {}, "aws_sfn_state_machine.text")[str(module / "main.tf")]
    [place] = [(one.line, one.column) for one in problems if "Missing 'Next' target" in one.message]
    assert place == (37, 30)


def test_a_template_file_is_filled(module: Path) -> None:
    """Interpolations and directives."""
    problems = project_problems(module, {}, "aws_sfn_state_machine.filled")[str(module / "main.tf")]
    assert {one.message for one in problems if one.severity == "error"} == {'State "u" is not reachable.'}


def test_a_variable_without_a_value_is_told(module: Path) -> None:
    """With its place and what to do; --parameter gives it."""
    with pytest.raises(ProjectError, match=r"main.tf:\d+:3: topic is known to AWS only .*--parameter 'topic=VALUE'"):
        scenario_of_project(load_project(module), "told")
    made = scenario_of_project(load_project(module, {"topic": "t"}), "told").scenario
    assert runner.simulate(made)["execution"]["output"] == "t"
    with pytest.raises(ProjectError, match=r"no variable 'topik'.*did you mean 'topic'"):
        load_project(module, {"topik": "t"})


def test_what_a_module_is_given_may_be_a_hole(write: Write) -> None:
    """It is told of where the definition stands, and --parameter fills it."""
    inner = """
        variable "topic" {}
        resource "aws_sfn_state_machine" "told" {
          definition = jsonencode({ StartAt = "A", States = { A = { Type = "Pass", Result = var.topic, End = true } } })
        }
        output "arn" { value = aws_sfn_state_machine.told.arn }
    """
    outer = """
        module "flow" {
          source = "./flow"
          topic  = data.aws_ssm_parameter.topic.value
        }
    """
    folder = write({"main.tf": outer, "flow/main.tf": inner})
    with pytest.raises(
        ProjectError, match=r"flow/main.tf:3:3: data.aws_ssm_parameter.topic.value is known to AWS only"
    ):
        scenario_of_project(load_project(folder))
    project = load_project(folder, {"data.aws_ssm_parameter.topic.value": "t"})
    assert [*project.machines] == ["module.flow.aws_sfn_state_machine.told"]
    assert runner.simulate(scenario_of_project(project).scenario)["execution"]["output"] == "t"


def test_instances_are_told_apart(write: Write) -> None:
    """By count and for_each; none of a count of 0."""
    text = """
        resource "aws_sqs_queue" "each" {
          for_each = toset(["a", "b"])
          name     = "q-${each.key}"
        }
        resource "aws_sqs_queue" "counted" {
          count = 2
          name  = "c-${count.index}"
        }
        resource "aws_sqs_queue" "none" {
          count = false ? 1 : 0
        }
    """
    assert [*load_project(write({"main.tf": text})).queues] == ["q-a", "q-b", "c-0", "c-1"]


def test_a_template_that_is_no_hcl_is_told_where(write: Write) -> None:
    """In the file of the template."""
    main = 'resource "aws_sfn_state_machine" "m" { definition = templatefile("machine.json", {}) }\n'
    folder = write({"main.tf": main, "machine.json": '{"StartAt":\n "${1 + ;}"}\n'})
    with pytest.raises(ProjectError, match=r"machine.json:2:9: is no HCL: a value expected"):
        load_project(folder)


def test_what_cannot_be_worked_out_is_none_of_the_others_business(write: Write) -> None:
    """A definition is told, a name is the files' own, and try gives what comes next."""
    text = """
        locals {
          known = { a = "b" }
          lost  = local.known.c
        }
        resource "aws_sfn_state_machine" "lost" { definition = jsonencode({ StartAt = local.lost }) }
        resource "aws_sfn_state_machine" "missing" { definition = file("machine.json") }
        resource "aws_sqs_queue" "named" { name = local.lost }
        resource "aws_sqs_queue" "counted" {
          count = 1 / 0
          name  = "counted"
        }
        resource "aws_sqs_queue" "tried" { name = try(local.lost, upper(null), file("none"), local.lost, "first") }
    """
    project = load_project(write({"main.tf": text}))
    assert [*project.queues] == ["named", "counted", "first"]
    with pytest.raises(ProjectError, match=r"main.tf:5:43: the definition cannot be worked out: there is no c"):
        scenario_of_project(project, "lost")
    with pytest.raises(
        ProjectError, match=r"main.tf:6:46: the definition cannot be worked out: file\(\): No such file"
    ):
        scenario_of_project(project, "missing")


def test_a_module_below_is_told_what_only_aws_knows(write: Write) -> None:
    """By the name that is told, its index with it; a name of its own variables is none of the root's."""
    inner = """
        variable "own" {}
        resource "aws_sfn_state_machine" "told" {
          definition = jsonencode({
            StartAt = "A"
            States = { A = { Type = "Pass", Result = local.all, End = true } }
          })
        }
        resource "aws_eks_cluster" "c" {}
        locals { all = [var.own, aws_eks_cluster.c.identity[0].oidc, data.aws_region.r.endpoint] }
    """
    folder = write({"main.tf": 'module "flow" {\n  source = "./flow"\n  own = "o"\n}\n', "flow/main.tf": inner})
    names = ["aws_eks_cluster.c.identity.0.oidc", "data.aws_region.r.endpoint"]
    with pytest.raises(ProjectError) as raised:
        scenario_of_project(load_project(folder))
    assert [one.problem.message for one in raised.value.findings] == [f"{name} is known to AWS only" for name in names]
    made = scenario_of_project(load_project(folder, dict.fromkeys(names, "x"))).scenario
    assert runner.simulate(made)["execution"]["output"] == ["o", "x", "x"]
    with pytest.raises(ProjectError, match=r"no variable 'own': nothing asks for it"):
        load_project(folder, {"own": "p"})


def test_data_and_paths_are_what_they_are_here(write: Write) -> None:
    """An element of a data source's list, and the root's folder in a module below."""
    inner = """
        data "aws_availability_zones" "all" {}
        resource "aws_sqs_queue" "zone" { name = "q-${data.aws_availability_zones.all.names[1]}" }
        resource "aws_sqs_queue" "root" { name = basename(path.root) }
        resource "aws_sqs_queue" "module" { name = basename(path.module) }
    """
    folder = write({"app/main.tf": 'module "a" { source = "./a" }', "app/a/main.tf": inner}) / "app"
    assert [*load_project(folder).queues] == ["q-us-east-1b", "app", "a"]


def test_a_parameter_is_of_the_type_that_its_variable_declares(write: Write) -> None:
    """--parameter gives texts, as Terraform's -var does."""
    text = """
        variable "on" { type = bool }
        variable "many" { type = number }
        variable "names" { type = list(string) }
        variable "text" { type = string }
        resource "aws_sqs_queue" "on" {
          count = var.on ? var.many : 0
          name  = "n-${count.index}"
        }
        resource "aws_sqs_queue" "each" {
          for_each = toset(var.names)
          name     = "${each.key}-${var.text}"
        }
    """
    given = {"on": "true", "many": "2", "names": '["a", "b"]', "text": "1"}
    assert [*load_project(write({"main.tf": text}), given).queues] == ["n-0", "n-1", "a-1", "b-1"]


def test_a_resource_of_several_instances_is_all_of_them(write: Write) -> None:
    """A list by count, a mapping by for_each: with names and ARNs, and what else is written."""
    text = """
        resource "aws_sqs_queue" "counted" {
          count = 2
          name  = "c-${count.index}"
        }
        resource "aws_sqs_queue" "only" {
          count = 1
          name  = "o-${count.index}"
        }
        resource "aws_sqs_queue" "each" {
          for_each   = { a = 1, b = 2 }
          name       = "e-${each.key}"
          fifo_queue = each.value == 1
        }
        resource "aws_sqs_queue" "one" { name = "one" }
        locals {
          names = concat(aws_sqs_queue.counted[*].name, aws_sqs_queue.counted.*.name, aws_sqs_queue.one[*].name)
          arns  = [for key, queue in aws_sqs_queue.each : "${key}=${queue.arn}" if queue.fifo_queue]
          more  = [values(aws_sqs_queue.each)[*].name, aws_sqs_queue.only[0].name, aws_sqs_queue.each["b"].name]
        }
        resource "aws_sfn_state_machine" "m" {
          definition = jsonencode({
            StartAt = "A"
            States  = { A = { Type = "Pass", Result = [local.names, local.arns, local.more], End = true } }
          })
        }
    """
    scenario = scenario_of_project(load_project(write({"main.tf": text}))).scenario
    assert runner.simulate(scenario)["execution"]["output"] == [
        ["c-0", "c-1", "c-0", "c-1", "one"],
        ["a=arn:aws:sqs:us-east-1:123456789012:e-a"],
        [["e-a", "e-b"], "o-0", "e-b"],
    ]
