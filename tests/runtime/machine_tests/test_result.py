"""What came of a run, and sentences about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from stepsim.runtime.testing import Fails, MachineResult, Returns, run_machine

WORK = {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:Work"}
MACHINE: dict[str, Any] = {
    "StartAt": "First",
    "States": {
        "First": {**WORK, "Retry": [{"ErrorEquals": ["Busy"], "BackoffRate": 1}], "Next": "Both"},
        "Both": {
            "Type": "Parallel",
            "Branches": [
                {
                    "StartAt": "Left",
                    "States": {"Left": {"Type": "Pass", "Next": "Lefter"}, "Lefter": {"Type": "Succeed"}},
                },
                {"StartAt": "Right", "States": {"Right": {**WORK, "End": True}}},
            ],
            "Catch": [{"ErrorEquals": ["Declined"], "Next": "Sorry"}],
            "Next": "Each",
        },
        "Each": {
            "Type": "Map",
            "ItemProcessor": {
                "StartAt": "Odd",
                "States": {
                    "Odd": {
                        "Type": "Choice",
                        "Choices": [{"Variable": "$", "StringEquals": "x", "Next": "Mark"}],
                        "Default": "Done",
                    },
                    "Mark": {"Type": "Pass", "Next": "Done"},
                    "Done": {"Type": "Succeed"},
                },
            },
            "End": True,
        },
        "Sorry": {"Type": "Fail", "Error": "Sorry", "Cause": "no money"},
    },
}


@pytest.fixture(scope="module")
def good() -> MachineResult:
    """A run that succeeds after retries."""
    mocks: dict[str, Any] = {"First": [Fails("Busy"), Fails("Busy"), Returns({"n": 1})], "Right": Returns("x")}
    return run_machine(MACHINE, {"id": 7}, mocks=mocks)


@pytest.fixture(scope="module")
def bad() -> MachineResult:
    """One that fails after its Catch."""
    return run_machine(MACHINE, {}, mocks={"First": Returns(1), "Right": Fails("Declined", "why")})


def test_the_path_is_a_list_of_names_that_can_be_read(good: MachineResult) -> None:
    """Retries, branches and iterations are in its text; what went alike stands together."""
    assert good.path == ["First", "Both", "Each"]
    assert str(good.path).splitlines() == [
        "First  (tried 3 times: 2 × Busy)",
        "Both",
        "  branch 0",
        "    Left",
        "    Lefter",
        "  branch 1",
        "    Right",
        "Each",
        "  item 0",
        "    Odd",
        "    Done",
        "  item 1",
        "    Odd",
        "    Mark",
        "    Done",
    ]


def test_states_have_inputs_outputs_and_errors(good: MachineResult, bad: MachineResult) -> None:
    """At any depth; of a state that no path led to, none."""
    assert good.state("First").errors == ["Busy", "Busy"]
    assert (good.state("First").attempts, good.state("First").retries, good.state("First").entered) == (3, 2, 1)
    assert good.states["Odd"].inputs == [{"n": 1}, "x"]
    assert good.states["First"].parameters == [{"id": 7}] * 3
    assert (good.states["First"].results, good.states["First"].outputs) == ([{"n": 1}], [{"n": 1}])
    assert good.states["Sorry"].entered == 0
    assert bad.states["Both"].caught == ["Declined"]
    assert set(good.states) >= {"Left", "Odd", "Sorry"}
    with pytest.raises(KeyError, match=r"no state 'Frist' .did you mean 'First'"):
        good.state("Frist")


def test_the_end_of_a_run(good: MachineResult, bad: MachineResult) -> None:
    """Status, output, error, cause, duration in virtual seconds, and the history as AWS has it."""
    assert (good.status, good.input, good.output, good.duration_s) == ("SUCCEEDED", {"id": 7}, [{"n": 1}, "x"], 2.0)
    assert (bad.status, bad.error, bad.cause) == ("FAILED", "Sorry", "no money")
    assert good.history[1]["stateEnteredEventDetails"]["name"] == "First"
    assert good.report["states"]["First"]["retries"] == {"Busy": 2}
    assert repr(bad) == "<machine FAILED with Sorry: no money: First → Both → Sorry>"


def test_sentences_that_hold_go_on(good: MachineResult, bad: MachineResult) -> None:
    """Each returns what it is about."""
    assert good.succeeded().went_through("First", "Right", "Mark").never_entered("Sorry").took("2s", at_most="1m")
    assert good.returned([{"n": 1}, "x"]).took_path("First", "Both", "Each").used_all_mocks()
    assert good.state("First").was_entered(1).was_retried(2, "Busy").received({"id": 7}).sent({"id": 7}, 2)
    assert good.state("Odd").was_entered(2).returned("x", 1)
    assert bad.failed().failed_with("Sorry", "money").state("Both").was_caught("Declined")
    assert bad.state("Right").failed_with("Declined").was_entered()
    assert bad.state("Each").was_never_entered()


@pytest.mark.parametrize(
    ("sentence", "message"),
    [
        (lambda good, bad: good.failed(), 'it was to fail; it SUCCEEDED with \\[{"n":1},"x"\\]'),
        (lambda good, bad: bad.succeeded(), "it was to succeed; it FAILED with Sorry: no money"),
        (lambda good, bad: bad.failed_with("Other", "x"), "it was to fail with Other: …x…; it FAILED with Sorry"),
        (lambda good, bad: bad.timed_out(), "it was to time out"),
        (lambda good, bad: good.returned([{"n": 2}, "x"]), r"its output differs:\n    \$\[0\]\.n: 1 instead of 2"),
        (lambda good, bad: good.went_through("Each", "First"), "never entered 'First' after 'Each'"),
        (lambda good, bad: good.took_path("First", "Each"), r"    First .*\n  \+ Both\n    Each"),
        (lambda good, bad: good.took("3s"), "it was to take 3s; it took 2s"),
        (lambda good, bad: good.took(at_least="3s"), "it was to take at least 3s"),
        (
            lambda good, bad: good.state("First").was_retried(1),
            "was to be retried once; was retried twice .Busy, Busy",
        ),
        (lambda good, bad: good.state("First").was_retried(2, "X"), "be retried twice because of X"),
        (lambda good, bad: good.state("First").was_entered(2), "was to be entered twice; was entered once"),
        (lambda good, bad: good.never_entered("Mark"), "'Mark' was to never be entered; was entered once"),
        (lambda good, bad: bad.state("Both").was_caught("X"), "its Catch took Declined"),
        (lambda good, bad: good.state("Both").was_caught(), "its Catch took nothing"),
        (lambda good, bad: good.state("First").failed_with("X"), "its errors are Busy, Busy"),
        (lambda good, bad: good.state("First").received({"id": 8}), r"its input differs:\n    \$\.id: 7 instead of 8"),
        (lambda good, bad: good.state("First").received({}, 3), "was to have input 3; has 1 of them"),
    ],
)
def test_sentences_that_do_not_hold_show_the_path(
    good: MachineResult, bad: MachineResult, sentence: Callable[[MachineResult, MachineResult], object], message: str
) -> None:
    """What was said, what is so, the path and the seed."""
    with pytest.raises(AssertionError, match=message) as caught:
        sentence(good, bad)
    assert "First" in str(caught.value)
    assert "(machine, seed 0, " in str(caught.value)


def test_children_of_map_runs_stand_within_their_map() -> None:
    """As iterations do, failed ones, too."""
    machine = {
        "StartAt": "All",
        "States": {
            "All": {
                "Type": "Map",
                "ToleratedFailureCount": 1,
                "ItemProcessor": {
                    "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                    "StartAt": "One",
                    "States": {"One": {**WORK, "End": True}},
                },
                "End": True,
            }
        },
    }
    result = run_machine(machine, [1, 2, 3], mocks={"One": [Returns(1), Fails("Broken"), Returns(3)]})
    assert str(result.path).splitlines() == [
        "All",
        "  item 0, 2",
        "    One",
        "  item 1",
        "    One  (failed: Broken)",
    ]
    assert result.state("One").was_entered(3).errors == ["Broken"]
    assert result.map_runs["All"]["itemCounts"]["failed"] == 1
