"""Golden histories: what is written, what is the same, and what has changed in words."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from stepsim.runtime.machine_tests.golden import Golden, GoldenError
from stepsim.runtime.machine_tests.normalise import Normaliser
from stepsim.runtime.testing import Fails, MachineResult, Returns, run_machine

WORK = {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken"}
CALL = {
    **WORK,
    "Parameters": {"QueueUrl": "q", "MessageBody": {"token.$": "$$.Task.Token", "id.$": "$$.Execution.Id"}},
    "Retry": [{"ErrorEquals": ["Busy"]}],
}
MACHINE: dict[str, Any] = {
    "StartAt": "A",
    "States": {
        "A": {"Type": "Pass", "Parameters": {"at.$": "$$.State.EnteredTime", "n.$": "$.n"}, "Next": "B"},
        "B": {**CALL, "ResultPath": "$.b", "Next": "Each"},
        "Each": {
            "Type": "Map",
            "ItemsPath": "$.b.items",
            "ItemProcessor": {"StartAt": "C", "States": {"C": {"Type": "Pass", "End": True}}},
            "ResultPath": "$.each",
            "Next": "D",
        },
        "D": {"Type": "Succeed"},
    },
}


ITEMS = Returns({"items": [1, 2]})


def run(mock: Any = ITEMS, machine: dict[str, Any] = MACHINE, **options: Any) -> MachineResult:
    """A run of the machine, or of what became of it."""
    return run_machine(machine, options.pop("input", {"n": 1}), mocks={"B": mock}, **options)


@pytest.fixture
def golden(tmp_path: Path) -> Golden:
    """What the machine does as it is."""
    file = tmp_path / "golden" / "run.json"
    assert run() == Golden(file, update=True)
    return Golden(file)


def changed(golden: Golden, result: MachineResult) -> list[str]:
    """What is said of a run that is another one."""
    assert not result == golden  # noqa: SIM201 - what `assert result == golden` asks
    return [line.strip() for line in golden.explain(result)[1:-1]]


def test_ids_times_and_tokens_do_not_count(golden: Golden) -> None:
    """Those of another seed and another day are others."""
    other = run(seed=9, start="2026-07-01T00:00:00Z")
    assert other == golden
    assert golden == other
    text = golden.file.read_text()
    assert '"at": "<time>"' in text
    assert '"token": "<token>"' in text
    assert "execution:machine:<uuid>" in text


def test_times_of_the_data_count() -> None:
    """Only those of the run itself are replaced, and only in their own forms."""
    value = Normaliser(1_767_225_600_000, 1_767_225_660_000).value
    assert value("on 2026-01-01T00:00:30Z") == "on <time>"
    assert value("on 2025-01-01T00:00:30Z") == "on 2025-01-01T00:00:30Z"
    assert value([1_767_225_600_500, 1_767_225_601, True, 7]) == ["<time>", "<time>", True, 7]
    assert value('{"a": [1], "requestId": "x"}') == {"a": [1]}
    assert value("Thu, 01 Jan 2026 00:00:10 GMT") == "<time>"
    assert value("[no json") == "[no json"


def test_retries_are_told(golden: Golden) -> None:
    """How often, before what, and why; and that it was otherwise."""
    said = changed(golden, run([Fails("Busy"), Fails("Busy"), Returns({"items": [1, 2]})]))
    assert said[0] == "state B is now retried twice before Each (Busy); it was not retried"
    assert said[1] == "state B: attempt 1 now fails with Busy; before it succeeds"


def test_states_that_come_go_and_move_are_told(golden: Golden) -> None:
    """By what they are entered after."""
    machine = copy.deepcopy(MACHINE)
    machine["States"]["A"]["Next"] = "New"
    machine["States"]["New"] = {"Type": "Pass", "Next": "B"}
    assert changed(golden, run(machine=machine))[0] == "state New is now entered after A"
    machine = copy.deepcopy(MACHINE)
    machine["States"]["B"] |= {"Next": "D", "Catch": [{"ErrorEquals": ["Never"], "Next": "Each"}]}
    assert changed(golden, run(machine=machine))[0] == "state Each is no longer entered after B"
    machine = copy.deepcopy(MACHINE)
    machine["StartAt"] = "B"
    machine["States"]["B"]["Next"] = "A"
    machine["States"]["A"] = {"Type": "Pass", "Next": "Each"}
    assert changed(golden, run(machine=machine))[0] in (
        "state A is now entered after B, before first",
        "state B is now entered first, before after A",
    )


def test_data_that_changes_is_told_by_its_path(golden: Golden) -> None:
    """Inputs, what is sent, results, outputs, and how many iterations there are."""
    said = changed(golden, run(Returns({"items": [1, 3, 2]}), input={"n": 2}))
    assert "the input has changed: $.n: 2 instead of 1" in said
    assert "state B: its result has changed:" in said
    assert "state Each now runs 3 items, not 2" in said
    assert "state Each, item 1: state C: its output has changed: $: 3 instead of 2" in said


def test_another_end_is_told(golden: Golden) -> None:
    """With the error."""
    said = changed(golden, run(Fails("Broken")))
    assert "state B: it now fails with Broken" in said
    assert "it now FAILED with Broken; before it SUCCEEDED" in said


def test_another_definition_is_told(golden: Golden) -> None:
    """Below what has changed."""
    machine = copy.deepcopy(MACHINE)
    machine["States"]["D"] = {"Type": "Pass", "End": True}
    said = changed(golden, run(machine=machine))
    assert said == ["state D is now a Pass, not a Succeed", "(the definition has changed since it was written)"]
    assert "(the golden history is of the machine 'machine', this is 'other')" in "\n".join(
        changed(golden, run(machine=machine, name="other"))
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is no golden history: it is not JSON"),
        ("[]", "'stepsim_golden' is missing; pytest --update-golden writes it anew"),
        ('{"stepsim_golden": 99}', "is in format 99 of another version of stepsim, and this one reads format 1"),
    ],
)
def test_a_file_that_cannot_be_compared_with_is_named(golden: Golden, text: str, message: str) -> None:
    """Why, and what to do."""
    golden.file.write_text(text)
    with pytest.raises(GoldenError, match=message):
        assert run() == golden


def test_a_file_that_is_not_there_yet_is_named(tmp_path: Path) -> None:
    """And how it is written."""
    with pytest.raises(
        GoldenError, match=r"there is no golden history .*run.json yet: pytest --update-golden writes it"
    ):
        assert run() == Golden(tmp_path / "run.json")


def test_two_runs_of_a_test_have_files_of_their_own(tmp_path: Path) -> None:
    """One file for both is refused."""
    golden = Golden(tmp_path / "run.json", update=True)
    assert run() == golden
    assert run(seed=2) == golden("second")
    assert json.loads((tmp_path / "run.second.json").read_text())["machine"] == "machine"
    with pytest.raises(GoldenError, match=r"compared with two runs of a test: write golden\('name'\)"):
        assert run() == golden
