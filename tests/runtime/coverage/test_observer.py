"""What is counted of runs."""

from __future__ import annotations

from typing import Any

import pytest

from stepsim.runtime.coverage.observer import CoverageObserver
from stepsim.runtime.coverage.totals import figures_of, missing


class Watched:
    """A laboratory whose executions are all watched by one observer."""

    def __init__(self, laboratory: Any) -> None:
        self.observer = CoverageObserver()
        self._laboratory = laboratory

    def run(self, definition: Any, value: Any = None, **options: Any) -> Any:
        """Run a definition, watched."""

        def watch(run: Any) -> None:
            run.execution.engine.observer = self.observer

        return self._laboratory.run(definition, value, during=watch, **options)

    @property
    def hits(self) -> dict[str, int]:
        """What was counted of the one definition that was run."""
        (record,) = self.observer.recorded()
        return dict(record.hits)


@pytest.fixture
def watched(laboratory: Any) -> Watched:
    return Watched(laboratory)


def test_states_and_transitions_are_counted(watched: Watched, laboratory: Any) -> None:
    """Each run adds to what those before it have covered, although each compiles the definition anew."""
    definition = laboratory.machine(A={"Type": "Pass", "Next": "B"}, B={"Type": "Pass", "End": True})
    watched.run(definition)
    watched.run(definition)
    assert watched.hits == {"/States/A": 2, "/States/A/Next": 2, "/States/B": 2, "/States/B/End": 2}


@pytest.mark.parametrize(
    ("value", "counted"),
    [
        ({"n": 1}, ["Choices[0] true"]),
        ({"n": 2}, ["Choices[0] false", "Choices[1] true"]),
        ({"n": 3}, ["Choices[0] false", "Choices[1] false", "Default"]),
    ],
)
@pytest.mark.parametrize("language", ["JSONPath", "JSONata"])
def test_rules_count_as_true_or_false(
    watched: Watched, laboratory: Any, language: str, value: Any, counted: list[str]
) -> None:
    """Rules before the one that is taken are false; those behind it were not asked."""
    tests: list[dict[str, Any]] = [{"Variable": "$.n", "NumericEquals": number} for number in (1, 2)]
    if language == "JSONata":
        tests = [{"Condition": f"{{% $states.input.n = {number} %}}"} for number in (1, 2)]
    rules = [{**test, "Next": "Done"} for test in tests]
    choice = {"Type": "Choice", "QueryLanguage": language, "Choices": rules, "Default": "Done"}
    watched.run(laboratory.machine(C=choice, Done={"Type": "Succeed"}), value)
    assert [goal for goal in watched.hits if goal.startswith("/States/C/")] == [f"/States/C/{goal}" for goal in counted]


def test_retriers_and_catchers_are_told_apart(watched: Watched, laboratory: Any) -> None:
    """The retrier that takes an error retries until it is exhausted, and then the catcher leads on."""
    task = laboratory.task(
        Retry=[{"ErrorEquals": ["A"]}, {"ErrorEquals": ["B"], "MaxAttempts": 1}],
        Catch=[{"ErrorEquals": ["A"], "Next": "Other"}, {"ErrorEquals": ["B"], "Next": "Other"}],
        Next="Other",
    )

    def refuse(_event: Any) -> None:
        raise laboratory.Refused("B", "no")

    watched.run(laboratory.machine(T=task, Other={"Type": "Succeed"}), functions={"f": refuse})
    assert watched.hits == {
        "/States/T": 1,
        "/States/T/Retry[1] retried": 1,
        "/States/T/Retry[1] exhausted": 1,
        "/States/T/Catch[1]": 1,
        "/States/Other": 1,
    }


@pytest.mark.parametrize("mode", ["INLINE", "DISTRIBUTED"])
@pytest.mark.parametrize(
    ("items", "counted"),
    [([], {"zero items"}), ([1], {"one item"}), ([1, 2, 3], {"many items"}), ([0], {"one item", "failing item"})],
)
def test_a_map_counts_its_items(
    watched: Watched, laboratory: Any, mode: str, items: list[int], counted: set[str]
) -> None:
    """How many items a Map has, whether one has failed, and the states that they were in."""
    config = {"Mode": mode, **({"ExecutionType": "EXPRESS"} if mode == "DISTRIBUTED" else {})}
    rules = [{"Variable": "$", "NumericEquals": 0, "Next": "Bad"}]
    inner = {"Check": {"Type": "Choice", "Choices": rules, "Default": "Good"}, "Good": {"Type": "Succeed"}}
    processor = {"ProcessorConfig": config, "StartAt": "Check", "States": {**inner, "Bad": {"Type": "Fail"}}}
    watched.run(laboratory.machine(M={"Type": "Map", "ItemProcessor": processor, "End": True}), items)
    place = "/States/M/ItemProcessor"
    assert {goal.removeprefix(f"{place} ") for goal in watched.hits if goal.startswith(f"{place} ")} == counted
    assert watched.hits.get(f"{place}/States/Check", 0) == len(items)
    assert ("/States/M/End" in watched.hits) == ("failing item" not in counted)


def test_items_that_fail_are_counted_where_failures_are_tolerated(watched: Watched, laboratory: Any) -> None:
    """A distributed Map can succeed with failing items."""
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"},
        "StartAt": "Bad",
        "States": {"Bad": {"Type": "Fail"}},
    }
    each = {"Type": "Map", "ItemProcessor": processor, "ToleratedFailurePercentage": 100, "End": True}
    watched.run(laboratory.machine(M=each), [1, 2])
    assert watched.hits == {
        "/States/M": 1,
        "/States/M/ItemProcessor/States/Bad": 2,
        "/States/M/ItemProcessor many items": 1,
        "/States/M/ItemProcessor failing item": 1,
        "/States/M/End": 1,
    }


def test_branches_of_a_parallel_are_counted(watched: Watched, laboratory: Any) -> None:
    """States with the same name in several branches are not mixed up."""
    branch = {"StartAt": "I", "States": {"I": {"Type": "Pass", "End": True}}}
    watched.run(laboratory.machine(P={"Type": "Parallel", "Branches": [branch, branch], "End": True}))
    assert [goal for goal in watched.hits if goal.endswith("/I")] == [
        "/States/P/Branches[0]/States/I",
        "/States/P/Branches[1]/States/I",
    ]


def test_time_limits_are_counted(watched: Watched, laboratory: Any) -> None:
    """A Task's TimeoutSeconds, and those of the machine."""
    laboratory.duration_ms = 5_000
    caught = {"Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Long"}]}
    definition = laboratory.machine(
        T=laboratory.task(TimeoutSeconds=2, **caught), Long={"Type": "Wait", "Seconds": 60, "End": True}
    )
    run = watched.run({**definition, "TimeoutSeconds": 10}, functions={"f": lambda event: event})
    assert run.status == "TIMED_OUT"
    assert watched.hits == {
        "/States/T": 1,
        "/States/T/TimeoutSeconds": 1,
        "/States/T/Catch[0]": 1,
        "/States/Long": 1,
        "/TimeoutSeconds": 1,
    }


def test_a_missed_heartbeat_is_not_a_timeout(watched: Watched, laboratory: Any) -> None:
    """A Task that has both says which of them it was."""
    wait = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
        "Parameters": {"FunctionName": "f", "Payload": {"token.$": "$$.Task.Token"}},
        "TimeoutSeconds": 100,
        "HeartbeatSeconds": 10,
        "End": True,
    }
    watched.run(laboratory.machine(W=wait), functions={"f": lambda event: event})
    assert watched.hits == {"/States/W": 1, "/States/W/HeartbeatSeconds": 1}


def test_everything_in_an_example_can_be_covered(watched: Watched, laboratory: Any) -> None:
    """A few runs cover all of a machine, and nothing is missing then."""
    rules = [{"Variable": "$.items", "IsNull": True, "Next": "Bad"}]
    each = {
        "Type": "Map",
        "ItemsPath": "$.items",
        "ItemProcessor": {
            "StartAt": "Work",
            "States": {
                "Work": laboratory.task("work", TimeoutSeconds=3, Retry=[{"ErrorEquals": ["Busy"], "MaxAttempts": 1}])
            },
        },
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Bad"}],
        "Next": "Done",
    }
    definition = laboratory.machine(
        Check={"Type": "Choice", "Choices": rules, "Default": "Each"},
        Each=each,
        Bad={"Type": "Fail"},
        Done={"Type": "Succeed"},
    )

    def busy(_event: Any) -> None:
        raise laboratory.Refused("Busy", "later")

    for items in (None, [], [1], [1, 2]):
        watched.run(definition, {"items": items}, functions={"work": lambda event: event})
    (record,) = watched.observer.recorded()
    assert [goal.missing for goal in missing(record)] == [
        "never had a failing item",
        "TimeoutSeconds never over",
        "Retry[0] (Busy) never retried",
        "Retry[0] (Busy) never exhausted",
        "Catch[0] (States.ALL) never caught",
    ]
    watched.run(definition, {"items": [1]}, functions={"work": busy})
    laboratory.duration_ms = 4_000
    watched.run(definition, {"items": [1]}, functions={"work": lambda event: event})
    (record,) = watched.observer.recorded()
    assert missing(record) == []
    assert figures_of([record]).percent == 100


def test_a_machine_that_is_long_gone_leaves_its_counts(
    watched: Watched, laboratory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of many machines the oldest are forgotten, and what they have covered is not."""
    monkeypatch.setattr("stepsim.runtime.coverage.observer._KEPT", 2)
    for number in range(5):
        watched.run(laboratory.machine(**{f"S{number}": {"Type": "Pass", "End": True}}))
    records = watched.observer.recorded()
    assert [list(record.hits) for record in records] == [
        [f"/States/S{number}", f"/States/S{number}/End"] for number in range(5)
    ]
