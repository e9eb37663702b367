"""Parallel and inline Map: what becomes of branches whose sibling fails."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stepsim.runtime.runner import simulate
from stepsim.runtime.scenario import load_scenario

WAIT = {"Type": "Wait", "Seconds": 1, "End": True}
FAIL = {"Type": "Fail", "Error": "Broken", "Cause": "at once"}


def _parallel(laboratory: Any) -> Any:
    branches = [laboratory.machine(F=FAIL), laboratory.machine(T=laboratory.task())]
    return {"Type": "Parallel", "Branches": branches, "End": True}


def _map(laboratory: Any) -> Any:
    return {"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": laboratory.machine(F=FAIL), "End": True}


@pytest.mark.parametrize("fork", [_parallel, _map])
def test_a_branch_may_fail_before_its_sibling_has_entered_a_state(laboratory: Any, fork: Any) -> None:
    """What has entered no state has none that is aborted; the failure is the execution's."""
    run = laboratory.run(
        laboratory.machine(S=fork(laboratory)), {"items": [1, 2]}, functions={"f": lambda event: event}
    )
    assert (run.status, run.execution.error, run.execution.cause) == ("FAILED", "Broken", "at once")
    assert not [event.type for event in run.history if event.type in ("TaskStateAborted", "FailStateAborted")]


def test_what_times_out_in_the_same_moment_says_so_before_anything_is_aborted(laboratory: Any) -> None:
    """Recorded: AWS notices the first failure when its siblings have timed out, too; all of them are aborted."""
    laboratory.duration_ms = 60_000
    each = {"Type": "Map", "ItemProcessor": laboratory.machine(T=laboratory.task(TimeoutSeconds=5)), "End": True}
    run = laboratory.run(laboratory.machine(M=each), [1, 2], functions={"f": lambda event: event})
    assert [event.type for event in run.history][-8:] == [
        "LambdaFunctionTimedOut",
        "LambdaFunctionTimedOut",
        "MapIterationFailed",
        "TaskStateAborted",
        "MapIterationAborted",
        "TaskStateAborted",
        "MapStateFailed",
        "ExecutionFailed",
    ]
    assert {event.previous_event_id for event in run.history[-6:-1]} == {run.history[-8].id}


@pytest.mark.parametrize("language", ["JSONPath", "JSONata"])
@pytest.mark.parametrize("field", ["ItemReader", "ItemBatcher", "ResultWriter"])
def test_an_inline_map_with_a_field_of_distributed_ones(laboratory: Any, language: str, field: str) -> None:
    """The definition is taken, and the execution fails when it enters the Map (reported); nothing catches it."""
    state = {
        "Type": "Map",
        "QueryLanguage": language,
        "ItemProcessor": laboratory.machine(P={"Type": "Pass", "End": True}),
        field: {},
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "C"}],
        "End": True,
    }
    run = laboratory.run(laboratory.machine(M=state, C={"Type": "Pass", "End": True}), [1])
    assert run.execution.error == "States.Runtime"
    assert run.execution.cause.endswith(
        "The ItemReader, ItemBatcher and ResultWriter fields are not supported for INLINE maps"
    )


@pytest.mark.parametrize(("quotas", "seconds"), [("{}", 3), ("none", 3), ("{inline_map_concurrency: none}", 1)])
def test_an_inline_map_runs_40_iterations_at_once(tmp_path: Path, quotas: str, seconds: int) -> None:
    """Whatever else an account may do, unless a scenario lifts the limit itself."""
    machine = {"Type": "Map", "End": True, "ItemProcessor": {"StartAt": "W", "States": {"W": WAIT}}}
    (tmp_path / "m.json").write_text(json.dumps({"StartAt": "M", "States": {"M": machine}}))
    (tmp_path / "s.yaml").write_text(f"definition: m.json\ninput: {[0] * 100}\nquotas: {quotas}\n")
    assert simulate(load_scenario(tmp_path / "s.yaml"))["makespan_s"] == seconds
