"""What a scenario cannot mean: each mistake is named with its key, and nothing is accepted that would do nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stepsim.runtime.runner import RunError, simulate
from stepsim.runtime.scenario import ScenarioError, load_scenario

_DEFINITION = (
    '{"StartAt": "Call", "States": {"Call": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "End": true,'
    ' "Parameters": {"FunctionName": "F", "Payload.$": "$"}}}}'
)
_CODE = """
def handler(event, context):
    return {}


def spoils(outcome):
    outcome.report.clear()


def leaves(outcome):
    raise SystemExit(0)
"""


def _scenario(folder: Path, text: str, function: str = "{returns: 1}") -> Path:
    (folder / "m.asl.json").write_text(_DEFINITION)
    (folder / "code.py").write_text(_CODE)
    file = folder / "s.yaml"
    file.write_text(f"definition: m.asl.json\nfunctions: {{F: {function}}}\n{text}\n")
    return file


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("quotas: {lambda_concurrency: 1.0e+308}", "quotas.lambda_concurrency: 1e+308 is more than any account has"),
        ("faults: [{state: '', error: X}]", "A fault's state is empty"),
        ("faults: [{function: F, error: ''}]", "A fault's error is empty"),
        ("cloud: {apis: {p: {routes: {}}}}", "cloud.apis.p.routes: an API without routes answers nothing"),
        (
            "cloud: {queues: {q: {dlq: q, max_receive: 3}}}",
            "cloud.queues.q.dlq: a queue cannot be its own dead-letter queue",
        ),
        (
            "until: 1h\ncloud: {triggers: [{schedule: 'cron(0 0 30 2 ? *)', start: definition}]}",
            "cloud.triggers[0].schedule: a schedule that is never due",
        ),
        (
            "until: 5m\ncloud: {queues: {q: {}}}\narrivals: [{queue: q, message: hello, at: 10m}]",
            "arrivals[0].at: comes after until, so never",
        ),
        (
            "cloud: {queues: {q: {}}}\narrivals: [{queue: q, message: hello, poisson: {per_s: 0}}]",
            "arrivals[0].poisson.per_s: a number above 0 expected, not 0",
        ),
    ],
)
def test_what_means_nothing_is_refused(tmp_path: Path, text: str, said: str) -> None:
    """The message names the key, and the line where it stands."""
    with pytest.raises(ScenarioError) as caught:
        load_scenario(_scenario(tmp_path, text))

    assert said in str(caught.value)
    assert "s.yaml:" in str(caught.value)


def test_an_environment_may_begin_for_ten_seconds(tmp_path: Path) -> None:
    """A cold start that Lambda would cut off is refused."""
    with pytest.raises(ScenarioError, match=r"functions\.F\.cold_start: Lambda lets an environment begin for 10s"):
        load_scenario(_scenario(tmp_path, "", "{returns: 1, cold_start: 11s}"))


def test_an_invalid_schedule_is_one_problem(tmp_path: Path) -> None:
    """Of a schedule that nobody understands, nobody says that it never ends."""
    text = "cloud: {triggers: [{schedule: 'cron(99 2 * * ? *)', start: definition}]}"
    with pytest.raises(ScenarioError) as caught:
        load_scenario(_scenario(tmp_path, text))

    assert "'99' is no number" in str(caught.value)
    assert "never ends" not in str(caught.value)


def test_code_that_exits_while_it_is_loaded_cannot_be_run(tmp_path: Path) -> None:
    """It ends itself, and not stepsim."""
    file = _scenario(tmp_path, "", "{handler: 'exits:handler'}")
    (tmp_path / "exits.py").write_text("raise SystemExit(0)\n")

    with pytest.raises(RunError, match=r"exits\.py cannot be loaded: SystemExit: 0"):
        simulate(load_scenario(file))


def _verdict(folder: Path, check: str) -> tuple[dict[str, Any], dict[str, Any]]:
    report = simulate(load_scenario(_scenario(folder, f"expect: [{{check: 'code:{check}'}}]")))
    (verdict,) = report["expectations"]
    return report, verdict


def test_a_check_that_exits_does_not_hold(tmp_path: Path) -> None:
    """It ends itself, and the verdict names it with its line."""
    _, verdict = _verdict(tmp_path, "leaves")

    assert verdict["holds"] is False
    assert verdict["message"].endswith("s.yaml:3: the check itself raised SystemExit: 0 (code.py:11)")


def test_a_check_cannot_spoil_the_report(tmp_path: Path) -> None:
    """What it is given is its own."""
    report, verdict = _verdict(tmp_path, "spoils")

    assert verdict["holds"] is True
    assert report["execution"]["status"] == "SUCCEEDED"


def test_dead_letter_queues_may_have_their_own(tmp_path: Path) -> None:
    """Queues are made whatever the order in which one takes another's messages."""
    chain = "a: {dlq: b, max_receive: 2}, b: {dlq: c, max_receive: 2}, c: {}"

    report = simulate(load_scenario(_scenario(tmp_path, f"cloud: {{queues: {{{chain}}}}}")))

    assert sorted(report["queues"]) == ["a", "b", "c"]


def test_a_query_that_was_never_started_is_not_billed(tmp_path: Path) -> None:
    """What Athena refuses scans nothing."""
    file = _scenario(tmp_path, "faults: [{service: athena, to: 2s}]")
    (tmp_path / "m.asl.json").write_text(
        '{"StartAt": "Ask", "States": {"Ask": {"Type": "Task", "End": true,'
        ' "Resource": "arn:aws:states:::athena:startQueryExecution.sync", "Parameters": {"QueryString": "select 1",'
        ' "WorkGroup": "primary"}, "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 3}]}}}'
    )

    report = simulate(load_scenario(file))

    assert report["calls"]["athena.StartQueryExecution"]["count"] == 2
    assert report["cost"]["lines"]["athena.tb"]["quantity"] == pytest.approx(1e-5, abs=1e-6)


def test_a_run_that_nothing_starts_says_so(tmp_path: Path) -> None:
    """A schedule whose moment has passed when the run begins is named."""
    text = "cloud: {triggers: [{schedule: 'at(2020-01-05T02:00:00)', start: definition, name: once}]}"

    execution = simulate(load_scenario(_scenario(tmp_path, text)))["execution"]

    assert (execution["status"], execution["error"]) == ("NOT_STARTED", "stepsim.NotStarted")
    assert execution["cause"] == "Nothing happened that would have started one: once never came"
