"""``stepsim import-history``: recordings in, a scenario out that takes as long and fails as often."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from typing import Any, TypeAlias

import pytest
from click.testing import Result

from stepsim.runtime.history_import.importing import import_history
from stepsim.runtime.history_import.observed import most_at_a_time
from stepsim.runtime.history_import.recordings import ImportProblem, read_recordings, time_ms
from stepsim.runtime.runner import Watch, simulate
from stepsim.runtime.scenario import load_scenario

Cli: TypeAlias = Callable[..., Result]

ORDER = {
    "StartAt": "Price",
    "States": {
        "Price": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": "PriceOrder", "Payload.$": "$"},
            "ResultPath": "$.price",
            "Retry": [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 8, "MaxDelaySeconds": 1}],
            "Next": "Each",
        },
        "Each": {
            "Type": "Map",
            "ItemsPath": "$.items",
            "ItemProcessor": {
                "StartAt": "Pack",
                "States": {
                    "Pack": {
                        "Type": "Task",
                        "Resource": "arn:aws:states:::sqs:sendMessage",
                        "TimeoutSeconds": 20,
                        "Parameters": {"QueueUrl": "x", "MessageBody.$": "$"},
                        "Retry": [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 8, "MaxDelaySeconds": 1}],
                        "End": True,
                    }
                },
            },
            "End": True,
        },
    },
}

WORLD = """
definition: order.asl.json
input: {items: [a, b, c, d, e, f, g, h]}
functions:
  PriceOrder:
    returns: {cents: 5}
    duration: {lognormal: {median_ms: 240, p99_ms: 900}}
    errors: [{error: Oops, probability: 0.2, cause: "it's: #bad"}]
tasks:
  Pack: {duration: {uniform: {min_ms: 1000, max_ms: 3000}}, returns: {MessageId: x}}
faults: [{state: Pack, probability: 0.1, hang: true}]
"""

MAP_RUN = {
    "StartAt": "All",
    "States": {
        "All": {
            "Type": "Map",
            "MaxConcurrency": 20,
            "ToleratedFailurePercentage": 20,
            "ItemReader": {
                "Resource": "arn:aws:states:::s3:listObjectsV2",
                "Parameters": {"Bucket.$": "$.bucket", "Prefix": "in/"},
            },
            "ResultWriter": {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "results"}},
            "ItemBatcher": {"MaxItemsPerBatch": 4},
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                "StartAt": "Do",
                "States": {
                    "Do": {
                        "Type": "Task",
                        "Resource": "arn:aws:states:::lambda:invoke",
                        "Parameters": {"FunctionName": "F", "Payload.$": "$"},
                        "OutputPath": "$.Payload",
                        "Retry": [{"ErrorEquals": ["States.TaskFailed"], "MaxAttempts": 1}],
                        "End": True,
                    }
                },
            },
            "End": True,
        }
    },
}

MAP_WORLD = """
definition: map.asl.json
input: {bucket: inbox}
cloud: {buckets: {inbox: {generate: {count: 400, key: "in/{n}", size: 10}}, results: {}}}
functions: {F: {returns: {ok: 1}, duration: {uniform: {min_ms: 500, max_ms: 1500}}, timeout_s: 60, cold_start: 0s}}
faults: [{state: Do, batch: 7, error: Bad}, {state: Do, batch: 50, error: Bad}]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "order.asl.json").write_text(json.dumps(ORDER))
    (tmp_path / "world.yaml").write_text(WORLD)
    (tmp_path / "map.asl.json").write_text(json.dumps(MAP_RUN))
    (tmp_path / "map.yaml").write_text(MAP_WORLD)
    return tmp_path


def recorded(scenario: str, folder: Path, seeds: range) -> list[dict[str, Any]]:
    """Simulate a scenario with these seeds and save what each run leaves. Returns the reports."""
    reports = []
    for seed in seeds:
        run = Watch(save=folder / f"run-{seed}")
        reports.append(simulate(load_scenario(Path(scenario), (), seed, clock="virtual"), run))
    return reports


def mean_ms(reports: list[dict[str, Any]], state: str) -> float:
    """How long a state took on average."""
    return fmean(report["states"][state]["duration_ms"]["mean"] for report in reports)


def test_what_was_imported_takes_as_long_and_fails_as_often(cli: Cli, folder: Path) -> None:
    """Simulated, saved, imported and simulated again: the same means, within sampling error."""
    seeds = range(60)
    before = recorded("world.yaml", folder / "runs", seeds)
    written = cli("import-history", folder / "runs", "--definition", "order.asl.json", "--output", "again.yaml")
    assert written.exit_code == 0
    assert cli("validate", "again.yaml").exit_code == 0
    after = [simulate(load_scenario(Path("again.yaml"), (), seed, clock="virtual")) for seed in seeds]
    assert {report["execution"]["status"] for report in after} == {"SUCCEEDED"}
    assert mean_ms(after, "Price") == pytest.approx(mean_ms(before, "Price"), rel=0.2)
    assert mean_ms(after, "Pack") == pytest.approx(mean_ms(before, "Pack"), rel=0.2)
    retries = [sum(sum(one["states"]["Pack"]["retries"].values()) for one in reports) for reports in (before, after)]
    assert retries[1] == pytest.approx(retries[0], rel=0.4)


def test_a_scenario_tells_what_its_numbers_come_from(cli: Cli, folder: Path) -> None:
    """Attempts, retries, forms and counts stand in comments; results, input and errors are those recorded."""
    recorded("world.yaml", folder / "runs", range(8))
    text = cli("import-history", folder / "runs", "--definition", "order.asl.json").stdout
    assert "# executions: 8 SUCCEEDED" in text
    assert "# map: Each ran 8 times, 64 items, 8 iterations at a time at the most" in text
    assert "retries; mean" in text
    assert "returns: {cents: 5}" in text
    assert 'cause: "it\'s: #bad"' in text
    assert "attempts ran out of time" in text
    assert "input: {items: [a, b, c, d, e, f, g, h]}" in text
    (folder / "printed.yaml").write_text(text)
    assert cli("validate", "printed.yaml").exit_code == 0


def test_result_files_of_a_map_run_give_the_times_of_its_task(cli: Cli, folder: Path) -> None:
    """Children's dates become the function's duration, their outputs what it returns, what failed fails again."""
    [before] = recorded("map.yaml", folder / "runs", range(1))
    imported = cli("import-history", "runs", "--definition", "map.asl.json", "--output", "again.yaml")
    assert "100 children of 1 map run" in imported.stdout
    text = (folder / "again.yaml").read_text()
    assert "returns: {ok: 1}" in text
    assert "2 of 100 children failed after all retries" in text
    assert "20 children at a time at the most" in text
    after = simulate(load_scenario(Path("again.yaml"), clock="virtual"))
    assert after["map_runs"]["All"]["itemCounts"] == before["map_runs"]["All"]["itemCounts"]
    assert mean_ms([after], "Do") == pytest.approx(mean_ms([before], "Do"), rel=0.15)


def test_a_failure_that_nobody_retries_is_a_probability(cli: Cli, folder: Path) -> None:
    """Without a retrier a child's error is that of its one attempt."""
    machine = json.loads(json.dumps(MAP_RUN))
    del machine["States"]["All"]["ItemProcessor"]["States"]["Do"]["Retry"]
    (folder / "map.asl.json").write_text(json.dumps(machine))
    recorded("map.yaml", folder / "runs", range(1))
    text = cli("import-history", "runs", "--definition", "map.asl.json").stdout
    assert "- {error: Bad, probability: 0.02" in text


def test_transformed_results_tell_no_times(cli: Cli, folder: Path) -> None:
    """A COMPACT file is named as what it is."""
    machine = json.loads(json.dumps(MAP_RUN))
    machine["States"]["All"]["ResultWriter"]["WriterConfig"] = {"Transformation": "COMPACT", "OutputType": "JSON"}
    (folder / "map.asl.json").write_text(json.dumps(machine))
    recorded("map.yaml", folder / "runs", range(1))
    result = cli("import-history", "runs", "--definition", "map.asl.json")
    assert result.exit_code == 0
    assert "told of by their outputs only" in result.stderr


def test_a_history_of_another_definition_is_refused(cli: Cli, folder: Path) -> None:
    """The file, the event, the state and the nearest name are told, and what to do."""
    recorded("world.yaml", folder / "runs", range(1))
    other = json.dumps(ORDER).replace('"Price"', '"Prices"')
    (folder / "other.asl.json").write_text(other)
    result = cli("import-history", "runs", "--definition", "other.asl.json", "--output", "again.yaml")
    assert result.exit_code == 2
    assert "run-0/history.json: event 2 enters the state 'Price', which other.asl.json has not" in result.stderr
    assert "did you mean 'Prices'?" in result.stderr
    assert "give that one with --definition, or leave the file out" in result.stderr
    assert not (folder / "again.yaml").exists()


def test_a_state_of_another_type_is_another_definition(cli: Cli, folder: Path) -> None:
    """The same name is not the same state."""
    recorded("world.yaml", folder / "runs", range(1))
    machine = json.loads(json.dumps(ORDER))
    machine["States"]["Price"] = {"Type": "Pass", "Next": "Each"}
    (folder / "order.asl.json").write_text(json.dumps(machine))
    result = cli("import-history", "runs", "--definition", "order.asl.json")
    assert "enters the state 'Price' as a Task, which is a Pass in order.asl.json" in result.stderr


def test_a_map_run_of_another_definition_is_refused(cli: Cli, folder: Path) -> None:
    """Result files need a distributed Map."""
    recorded("map.yaml", folder / "runs", range(1))
    result = cli("import-history", "runs/run-0/buckets", "--definition", "order.asl.json")
    assert result.exit_code == 2
    assert "order.asl.json has no distributed Map" in result.stderr


LINES = [
    ("ExecutionStarted", 0, {"input": '{"items": []}'}),
    ("TaskStateEntered", 0, {"name": "Price", "input": "{}"}),
    ("TaskScheduled", 2, {"resourceType": "lambda", "resource": "invoke", "parameters": "{}"}),
    ("TaskStarted", 3, {"resourceType": "lambda", "resource": "invoke"}),
    ("TaskSucceeded", 4, {"resourceType": "lambda", "resource": "invoke", "output": '{"Payload": {"cents": 7}}'}),
    ("TaskStateExited", 5, {"name": "Price", "output": "{}"}),
]


def written_events(times: list[object]) -> list[dict[str, object]]:
    """A short history with these timestamps."""
    from stepsim.runtime.history import details_member

    return [
        {"id": n, "previousEventId": before, "type": kind, "timestamp": time, details_member(kind): details}
        for n, ((kind, before, details), time) in enumerate(zip(LINES, times, strict=True), 1)
    ]


@pytest.mark.parametrize(
    "clock",
    [
        lambda s: 1_700_812_879.5 + s,
        lambda s: 1_700_812_879_500 + s * 1000,
        lambda s: f"2023-11-24T08:01:{19 + s}.500000+00:00",
        lambda s: f"2023-11-24 08:01:{19 + s}.500000+00:00",
        lambda s: f"2023-11-24T09:01:{19 + s}.5+01:00",
        lambda s: f"2023-11-24T08:01:{19 + s}.5Z",
    ],
)
def test_time_stamps_are_read_as_boto3_and_the_cli_write_them(folder: Path, clock: Any) -> None:
    """Epochs, ISO texts and Python's own texts are the same moments."""
    (folder / "h.json").write_text(json.dumps({"events": written_events([clock(s) for s in (0, 0, 1, 1, 3, 3)])}))
    imported = import_history([folder / "h.json"], folder / "order.asl.json", folder)
    assert "start: 2023-11-24T08:01:19Z" in imported.scenario
    assert "returns: {cents: 7}" in imported.scenario
    assert "duration: 2000ms   # 1 sample" in imported.scenario


def test_pages_of_a_history_are_put_together(folder: Path) -> None:
    """A page that does not begin with event 1 goes on where another ends; without that one it is refused."""
    events = written_events([1_700_000_000 + n for n in range(6)])
    (folder / "b.json").write_text(json.dumps({"events": events[:3], "nextToken": "x"}))
    (folder / "a.json").write_text(json.dumps(events[3:]))
    found = read_recordings([folder / "a.json", folder / "b.json"])
    assert [[event.id for event in history.events] for history in found.histories] == [[1, 2, 3, 4, 5, 6]]
    with pytest.raises(ImportProblem, match="begins with event 4: it is a later page"):
        read_recordings([folder / "a.json"])


def test_a_history_in_reverse_order_is_the_same_history(folder: Path) -> None:
    """``--reverse-order`` changes nothing."""
    (folder / "h.json").write_text(json.dumps({"events": written_events(list(range(6)))[::-1]}))
    [history] = read_recordings([folder / "h.json"]).histories
    assert [event.id for event in history.events] == [1, 2, 3, 4, 5, 6]


def test_an_execution_that_was_described_gives_name_and_input(cli: Cli, folder: Path) -> None:
    """DescribeExecution knows what a history without data does not."""
    events = written_events([1_700_000_000 + n for n in range(6)])
    for event in events:
        details = next((member for key, member in event.items() if key.endswith("Details")), {})
        assert isinstance(details, dict)
        details.pop("input", None)
    (folder / "h.json").write_text(json.dumps({"events": events}))
    arn = "arn:aws:states:eu-west-1:123456789012:execution:OrderMachine:one"
    told = {"executionArn": arn, "status": "SUCCEEDED", "startDate": 1_700_000_000, "input": '{"n": 1}'}
    (folder / "described.json").write_text(json.dumps(told))
    text = cli("import-history", "h.json", "described.json", "--definition", "order.asl.json").stdout
    assert "name: OrderMachine" in text
    assert 'input: {"n": 1}' in text


def test_a_history_with_parts_missing_is_refused(cli: Cli, folder: Path) -> None:
    """Named by its file, without a traceback."""
    events = written_events(list(range(6)))
    del events[5]["stateExitedEventDetails"]
    (folder / "h.json").write_text(json.dumps(events))
    refused = cli("import-history", "h.json", "--definition", "order.asl.json")
    assert refused.exit_code == 2
    assert "h.json is not what GetExecutionHistory returns" in refused.stderr


def test_what_is_no_recording_is_refused_by_name_and_left_out_of_a_folder(cli: Cli, folder: Path) -> None:
    """A file that somebody names must be one; a folder may hold others."""
    (folder / "runs").mkdir()
    (folder / "runs" / "h.json").write_text(json.dumps({"events": written_events(list(range(6)))}))
    (folder / "runs" / "package.json").write_text("{}")
    refused = cli("import-history", "runs/package.json", "--definition", "order.asl.json")
    assert refused.exit_code == 2
    assert "runs/package.json is neither a history" in refused.stderr
    taken = cli("import-history", "runs", "--definition", "order.asl.json")
    assert taken.exit_code == 0
    assert "package.json is nothing that can be imported" in taken.stderr


def test_the_most_at_a_time_counts_what_shares_a_moment() -> None:
    """One that begins where another ends does not overlap it."""
    assert most_at_a_time([(0, 10), (10, 20), (5, 15)]) == 2
    assert most_at_a_time([]) == 0


def test_a_moment_without_a_zone_is_in_utc() -> None:
    """As boto3's dates are."""
    assert time_ms("1970-01-01T00:00:01") == 1000
